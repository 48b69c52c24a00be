#!/usr/bin/env python3
"""mailroot-filters: runs where there are filters, and says which of them can't be reached, since when, and why."""
import grp
import os
import pwd
import signal
import subprocess
import time
import unittest

import harness
import milter
from harness import Mailroot, wait_for


class Role(unittest.TestCase):
    def setUp(self):
        self.folder = harness.scratch()

    def filters(self, server):
        return wait_for(lambda: server.pids().get("filters"), "mailroot-filters")

    def status(self, server, text, there=True):
        wait_for(lambda: (text in server.ctl("status", check=False).stdout) == there, f"{text!r} {'' if there else 'not '}in status")

    def test_on_and_off(self):
        """A reload starts and ends the process, and smtpd stays."""
        with Mailroot() as server:
            text = server.conf.read_text()
            smtpd = server.pids()["smtpd"]
            self.assertNotIn("filters", server.pids())
            server.conf.write_text(text.replace("fqdn", f"filter virus {{ address unix:{self.folder}/a }}\nfqdn", 1))
            server.ctl("reload")
            self.filters(server)
            self.status(server, "filter virus is down since 20")
            server.conf.write_text(text)
            server.ctl("reload")
            wait_for(lambda: "filters" not in server.pids(), "the end of mailroot-filters")
            self.status(server, "filter virus is down", False)
            self.assertEqual(server.pids()["smtpd"], smtpd)

    def test_down_and_up(self):
        """The log has one line for each change, and none for a try."""
        port = harness.free_port()
        with Mailroot(f"filter virus {{ address unix:{self.folder}/a }}\nfilter spam {{ address inet:localhost:{port} }}") as server:
            self.status(server, f"{self.folder}/a does not exist: is the filter running, and does it listen there?")
            self.status(server, f"nothing listens at inet:localhost:{port}: is the filter running?")
            with milter.Milter(path=self.folder / "a"):
                self.status(server, "filter virus is down", False)
            (self.folder / "a").write_text("")
            os.kill(self.filters(server), signal.SIGKILL)
            self.status(server, f"{self.folder}/a is not a socket")
            self.assertEqual(server.log().count("filter virus is up again"), 1)
            self.assertEqual(server.log().count("/a does not exist"), 1)

    def test_a_filter_that_hangs(self):
        """The first session that waits in vain makes it known, and then no session waits."""
        with milter.Milter(path=self.folder / "a") as filter, Mailroot(filter.block("virus", "timeout connect 1s command 1s")) as server:
            server.send(["sales@example.com"])
            hang = {milter.NEGOTIATE: None, milter.MAIL: None}
            filter.answers.update(hang)
            self.refused(server)
            self.status(server, "a accepts connections, but does not answer: does the filter hang?")
            start = time.monotonic()
            for _ in range(20):
                self.refused(server)
            self.assertLess(time.monotonic() - start, 5)
            filter.answers.clear()
            self.status(server, "filter virus is down", False)
            server.send(["sales@example.com"])

    def refused(self, server):
        with server.client() as client:
            self.assertEqual(client.docmd("EHLO client.test")[0], 250)
            self.assertEqual(client.docmd("MAIL FROM:<app@example.com>")[0], 451)

    def test_a_reload_changes_the_address(self):
        with Mailroot(f"filter virus {{ address unix:{self.folder}/a }}") as server:
            pid = self.filters(server)
            self.status(server, f"{self.folder}/a does not exist")
            server.conf.write_text(server.conf.read_text().replace(f"{self.folder}/a", f"{self.folder}/b"))
            with milter.Milter(path=self.folder / "b"):
                server.ctl("reload")
                self.status(server, "filter virus is down", False)
            self.assertEqual(self.filters(server), pid)

    def test_explain(self):
        """Which filters would see a message, and why the others would not."""
        with Mailroot(f"""access {{ auth plain; auth_requires_tls no; user_file {self.folder}/users }}
            filter virus {{ address unix:{self.folder}/a; max_size 1M }}
            filter spam {{ address unix:{self.folder}/b; skip_list 127.0.0.0/8; skip_authenticated yes }}
            filter local {{ address unix:{self.folder}/c; only pickup }}""") as server:
            def effects(client, *more):
                told = server.ctl_json("explain", "relay", "--client", client, "--to", "sales@example.com", *more)["filters"]
                return [(filter["filter"], filter["effect"], filter["entry"]) for filter in told]
            source = ("local", "source", "")
            self.assertEqual(effects("127.0.0.1"), [("virus", "shown", ""), ("spam", "skip_list", "127.0.0.0/8"), source])
            self.assertEqual(effects("192.0.2.1", "--user", "joe"), [("virus", "shown", ""), ("spam", "authenticated", ""), source])
            self.assertEqual(effects("192.0.2.1", "--size", "2M"), [("virus", "commands", ""), ("spam", "shown", ""), source])
            told = server.ctl("explain", "relay", "--client", "127.0.0.1", "--to", "sales@example.com").stdout
            self.assertIn("filter virus would see the message", told)
            self.assertIn("filter spam would not see it, by 127.0.0.0/8 in skip_list", told)

    @unittest.skipUnless(os.geteuid() == 0, "the users are taken by root only")
    def test_groups(self):
        """The user of the process is in the group of the socket, or the remedy names the group."""
        group = f"mr-test-{os.getpid()}"
        path = self.folder / "a"
        subprocess.run(["groupadd", "--system", group], check=True)
        self.addCleanup(subprocess.run, ["groupdel", group], check=True)
        with milter.Milter(path=path) as filter:
            os.chown(path, -1, grp.getgrnam(group).gr_gid)
            os.chmod(path, 0o660)
            with Mailroot(f"filter virus {{ address unix:{path} }}") as server:
                self.status(server, f"user mailroot-filters may not write to {path}, but group {group} may")
            subprocess.run(["usermod", "-aG", group, "mailroot-filters"], check=True)
            with Mailroot(f"filter virus {{ address unix:{path} }}") as server:
                server.send(["sales@example.com"])
                filter.wait()
                self.assertNotIn("is down", server.ctl("status").stdout)

    @unittest.skipUnless(os.geteuid() == 0, "the users are taken by root only")
    def test_jail(self):
        """A user of its own, and neither a capability, nor another system call than those of its list."""
        with Mailroot(f"filter virus {{ address unix:{self.folder}/a }}") as server:
            with open(f"/proc/{self.filters(server)}/status", encoding="utf-8") as file:
                facts = dict(line.rstrip().split(":\t", 1) for line in file if ":\t" in line)
            self.assertEqual(facts["Uid"].split(), [str(pwd.getpwnam("mailroot-filters").pw_uid)] * 4)
            self.assertEqual({int(facts[name], 16) for name in ("CapPrm", "CapEff", "CapInh", "CapBnd", "CapAmb")}, {0})
            self.assertEqual(facts["NoNewPrivs"], "1")
            if not harness.sanitized():
                self.assertEqual(facts["Seccomp"], "2")


if __name__ == "__main__":
    harness.main()
