"""The process that fetches access tokens: it runs where the configuration needs it, as long as that is so, and mailrootctl reaches it."""
import json
import os
import pty
import pwd
import select
import shutil
import stat
import subprocess
import unittest
import unittest.mock

import certs
import harness
import idp
from harness import Mailroot, wait_for

ROOT = os.geteuid() == 0


class Role(unittest.TestCase):
    def setUp(self):
        self.folder = harness.scratch()
        self.issuer = harness.free_port()
        self.secret = self.folder / "secret"
        self.secret.write_text("SECRET-OF-THE-APPLICATION\n")
        self.secret.chmod(0o600)

    def tokens(self, more=""):
        """A connector with access tokens, whose issuer is not there."""
        return f"""connector tokens {{ address_space tokens.test; route [127.0.0.1]:{harness.free_port()}; outbound {{
            tls verify; auth xoauth2; username u@tokens.test
            oauth {{ token_url https://127.0.0.1:{self.issuer}/; client_id c; client_secret_file {self.secret}; {more} }} }} }}"""

    def roles(self, server):
        status = json.loads(server.ctl("status", "--json", check=False).stdout)
        return {process["role"]: process["state"] for process in status["servers"][0]["processes"]}

    def reload(self, server, conf):
        server.write_conf(conf)
        return server.ctl("reload").stdout

    def test_reloads_start_and_stop_it(self):
        with Mailroot("") as server:
            self.assertNotIn("web", self.roles(server))
            none = server.ctl("oauth", "status", check=False)
            self.assertEqual(none.returncode, 1)
            self.assertIn("no virtual server uses access tokens", none.stderr)
            self.reload(server, self.tokens())
            wait_for(lambda: self.roles(server).get("web") == "ready", "web")
            told = wait_for(lambda: [token for token in server.ctl_json("oauth", "status")["tokens"] if token["error"]], "an error")
            self.assertEqual([(token["block"], token["user"], token["valid_s"]) for token in told], [("connector tokens", "u@tokens.test", None)])
            pid = next(pid for pid, role in server.descendants().items() if harness.role_of(pid) == "web")
            self.reload(server, "")
            wait_for(lambda: pid not in server.descendants(), "the end of web")
            self.assertNotIn("web", self.roles(server))
            self.assertEqual(server.ctl_json("status")["servers"][0]["state"], "running")
            self.assertEqual([line for line in server.log().splitlines() if "role=web" in line and ("failed" in line or "starting another" in line)], [])
            self.assertIn("role=web pid=%d is no longer needed" % pid, server.log())

    def test_a_start_that_needs_it(self):
        with Mailroot(self.tokens()) as server:
            self.assertEqual(self.roles(server)["web"], "ready")
            pid = next(pid for pid in server.descendants() if harness.role_of(pid) == "web")
            os.kill(pid, 9)
            again = wait_for(lambda: [one for one in server.descendants() if harness.role_of(one) == "web" and one != pid], "another web")
            wait_for(lambda: self.roles(server)["web"] == "ready", "web")
            self.assertEqual(len(again), 1)
            done = server.ctl("oauth", "test", check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn("connector tokens of server", done.stderr)

    def test_only_with_a_person_there_is_a_folder(self):
        with Mailroot(self.tokens()) as server:
            state = server.folder / "state"
            self.assertFalse(state.exists())
            self.reload(server, self.tokens("grant refresh"))
            told = wait_for(lambda: [token for token in server.ctl_json("oauth", "status")["tokens"] if token["state"] == "login"], "a wish for a person")
            self.assertEqual(told[0]["block"], "connector tokens")
            folder = (state / "oauth" / server.name).stat()
            self.assertEqual(stat.S_IMODE(folder.st_mode), 0o700)
            self.assertEqual(folder.st_uid, pwd.getpwnam("mailroot-web").pw_uid if ROOT else os.geteuid())

    @unittest.skipUnless(ROOT, "only root takes another user")
    def test_without_its_user_the_mail_of_others_goes_on(self):
        """An update of a service, whose users are those of before."""
        with Mailroot("", global_conf="web_user no-such-user") as server:
            server.send(["sales@example.com"])
            server.dropped()
            self.assertIn("there is no user no-such-user", self.check(server, self.tokens(), "web_user no-such-user"))

    def test_without_its_program_the_mail_of_others_goes_on(self):
        """As after `apt install mailroot` without mailroot-web."""
        build, web = self.folder / "build", harness.BUILD / "mailroot-web"
        build.mkdir()
        for program in harness.BUILD.glob("mailroot*"):
            if program.is_file() and program.name != "mailroot-web":
                shutil.copy(program, build)
        wanted = "mailroot-web, which fetches access tokens, is not installed: `apt install mailroot-web`"
        with unittest.mock.patch.object(harness, "BUILD", build), Mailroot(self.tokens()) as server:
            server.send(["sales@example.com"])
            server.dropped()
            self.assertIn(wanted, self.check(server, self.tokens(), ""))
            self.assertIn(wanted, server.log())
            self.assertIn(wanted[:60], server.ctl("status", check=False).stdout)
            shutil.copy(web, build)
            wait_for(lambda: self.roles(server)["web"] == "ready", "web, which was installed meanwhile")

    def check(self, server, conf, more):
        server.write_conf(conf, global_conf=more)
        done = server.ctl("check", check=False)
        self.assertEqual(done.returncode, 1)
        return done.stdout + done.stderr


class Asked(unittest.TestCase):
    """mailrootctl oauth against two virtual servers with one block each."""

    @classmethod
    def setUpClass(cls):
        folder = harness.scratch()
        authority = certs.Authority(folder / "ca")
        cls.issuer = idp.Idp(authority)
        cls.enterClassContext(cls.issuer)

        def tokens(name):
            return f"""web {{ ca {authority.file} }}
                connector {name} {{ address_space {name}.test; route [127.0.0.1]:{harness.free_port()}; outbound {{
                tls verify; auth oauthbearer; username u@{name}.test
                oauth {{ token_url {cls.issuer.url}/token; client_id c; grant refresh; scope s }} }} }}"""
        more = f"virtual_server second {{ listen 127.0.0.1:{harness.free_port()}; fqdn second.test; {tokens('two')} }}"
        cls.server = cls.enterClassContext(Mailroot(tokens("one"), conf=more))

    def token(self, block):
        return next(token for token in self.server.ctl_json("oauth", "status")["tokens"] if token["block"] == block)

    def test_a_block_of_several(self):
        done = self.server.ctl("oauth", "login", check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("which block? There are: connector one of server", done.stderr)
        done = self.server.ctl("oauth", "login", "two", check=False)
        self.assertIn("connector two of server second: ", done.stderr)
        self.assertIn("set device_url, or use mailrootctl oauth import", done.stderr)
        done = self.server.ctl("oauth", "login", "two", "--server", self.server.name, check=False)
        self.assertIn("no block two uses access tokens. There are: connector one", done.stderr)

    def typed(self, text, prompt, *args):
        """What a terminal shows while TEXT is typed into mailrootctl after PROMPT, and its exit status."""
        master, slave = pty.openpty()
        process = subprocess.Popen([str(harness.BUILD / "mailrootctl"), "-c", str(self.server.conf), *args], stdin=slave, stdout=slave, stderr=slave,
                                   start_new_session=True)
        os.close(slave)
        self.addCleanup(process.kill)
        shown, sent = b"", False
        try:
            while select.select([master], [], [], 60)[0]:
                shown += os.read(master, 4096)
                if prompt.encode() in shown and not sent:
                    sent = True
                    os.write(master, text.encode() + b"\n")
        except OSError:  # it has closed the terminal
            pass
        os.close(master)
        return shown.decode(), process.wait(timeout=60)

    def test_a_token_that_is_typed_is_shown_nowhere(self):
        shown, status = self.typed("0.SECRET~refresh", "u@one.test: ", "oauth", "import", "connector", "one")
        self.assertEqual(status, 0, shown)
        self.assertIn("Refresh token of u@one.test: ", shown)
        self.assertNotIn("SECRET", shown)
        wait_for(lambda: self.token("connector one")["state"] == "valid", "a token")
        self.assertEqual(self.issuer.asked()[-1].form["refresh_token"], "0.SECRET~refresh")
        self.assertNotIn("SECRET", self.server.log())
        shown, status = self.typed("n", "[y/N] ", "oauth", "forget", "one")
        self.assertEqual(status, 1)
        self.assertIn("then a person must sign in again. Continue? [y/N]", shown)
        self.assertEqual(self.token("connector one")["state"], "valid")
        self.server.ctl("oauth", "forget", "one", "--yes")
        self.assertEqual(self.token("connector one")["state"], "login")

    @unittest.skipUnless(ROOT, "only root takes another user")
    def test_the_user_of_the_process_gives_no_orders(self):
        done = subprocess.run(["setpriv", "--reuid", "mailroot-web", "--regid", "mailroot-web", "--clear-groups", str(harness.BUILD / "mailrootctl"), "-c",
                               str(self.server.conf), "oauth", "status"], capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn("operators", done.stderr)


if __name__ == "__main__":
    harness.main()
