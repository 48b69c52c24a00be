"""At three in the morning: no mail is sent, because the password of the smart host is wrong. From `status` to the remedy in four commands, each of which says
what to do next. mailrootctl(8) shows the transcript, which `--show` prints."""
import contextlib
import pathlib
import re
import sys
import unittest

import certs
import harness
from auth_host import AuthHost, server_context
from harness import Mailroot, wait_for
from test_dns import A, NameServer, loopback

NAME, USER = "smtp.provider.test", "relay@example.com"
SHOW = "--show" in sys.argv
MANUAL = " ".join((pathlib.Path(__file__).resolve().parents[2] / "ctl/mailrootctl.8").read_text().split())


class StuckQueue(unittest.TestCase):
    def run_and_show(self, server, *args, code=0):
        done = server.ctl(*args, check=False)
        if SHOW:
            print("# mailrootctl " + " ".join(args) + "\n" + done.stdout + done.stderr, file=sys.stderr)
        self.assertEqual(done.returncode, code, done.stderr)
        return done.stdout + done.stderr

    def assert_advice_in_manual(self, shown):
        """The last line, which says what to do next, is in the transcript of the manual, except for the number of messages."""
        self.assertIn(" ".join(re.sub(r"^\d+ ", "", shown.strip().splitlines()[-1]).split()), MANUAL)

    def test_from_status_to_the_remedy(self):
        with contextlib.ExitStack() as stack:
            folder = harness.scratch()
            authority = certs.Authority(folder / "ca")
            password = folder / "password"
            password.write_text("last year's\n")
            password.chmod(0o600)
            host = stack.enter_context(AuthHost(server_context(authority.issue(NAME)), {USER: "this year's"}))
            names = stack.enter_context(NameServer({(NAME, A): loopback(1)}))
            server = stack.enter_context(Mailroot(
                f"smart_host [{NAME}]:{host.port}\noutbound {{ tls verify; tls_ca {authority.file}; auth login; username {USER}; "
                f"password_file {password} }}", server_name="main", global_conf=f"dns_server 127.0.0.1:{names.port}"))
            for name in ("sales", "support", "office"):
                server.send([f"{name}@customer.test"])

            def waiting():
                found = server.ctl_json("queue", "list")["messages"]
                return found if len(found) == 3 and all(m["state"] == "waiting" for m in found) else None
            one = wait_for(waiting, "three messages that wait")[0]["id"]

            shown = self.run_and_show(server, "status")
            self.assert_advice_in_manual(shown)
            self.assertRegex(shown, rf"mail waits for next hop .*{NAME}.*the host refused username and password.*535")
            self.assertIn("`mailrootctl queue list` shows why mail waits", shown)

            shown = self.run_and_show(server, "queue", "list", "--reason", "535")
            self.assert_advice_in_manual(shown)
            self.assertIn("3 messages. `mailrootctl queue show ID` has the history", shown)

            shown = self.run_and_show(server, "queue", "show", one)
            self.assert_advice_in_manual(shown)
            self.assertIn("said: 535", shown)
            self.assertIn("`mailrootctl config show` has the lines of username and password_file: correct them, then `mailrootctl reload`", shown)
            self.assertRegex(server.ctl("config", "show").stdout, rf"password_file\s+{password}.*mailroot\.conf:\d+")

            password.write_text("this year's\n")
            shown = self.run_and_show(server, "reload")
            self.assertIn(f"password_file {password} changed", shown)
            self.assertRegex(shown, r"wait in the queue: `mailrootctl queue list` shows|reloaded\n$")

            wait_for(lambda: len(host.messages) == 3, "the mail at the host")
            wait_for(lambda: not server.ctl_json("queue", "list")["messages"], "an empty queue")
            self.assertIn("No mail in the queue.", self.run_and_show(server, "queue", "list"))
            self.assertIn("235", self.run_and_show(server, "test", "--to", "me@customer.test"))


if __name__ == "__main__":
    if SHOW:
        sys.argv.remove("--show")
    harness.main()
