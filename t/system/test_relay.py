"""Which clients may relay: the verdicts of the server and of `explain relay` agree."""
import smtplib
import subprocess
import unittest

import harness
from harness import Mailroot


class Relay(unittest.TestCase):
    def refusal(self, server, rcpt):
        with server.client() as client:
            client.ehlo()
            client.mail("app@example.com")
            code, text = client.rcpt(rcpt)
            return code, text.decode()

    def test_unlisted_client(self):
        with Mailroot("relay { list 192.0.2.1 }") as server:
            code, text = self.refusal(server, "user@example.net")
            self.assertEqual((code, text), (550, "5.7.1 Unable to relay for user@example.net"))
            self.assertEqual(self.refusal(server, "sales@example.com")[0], 250)

    def test_explain_agrees_and_names_the_line(self):
        with Mailroot("relay { list 192.0.2.1 }") as server:
            done = server.ctl("explain", "relay", "--client", "127.0.0.1", "--to", "user@example.net", check=False)
            self.assertIn("550 5.7.1", done.stdout)
            line = next(n for n, text in enumerate(server.conf.read_text().splitlines(), 1) if "relay {" in text)
            self.assertIn(f"{server.conf}:{line}", done.stdout)
            allowed = server.ctl("explain", "relay", "--client", "192.0.2.1", "--to", "user@example.net")
            self.assertIn(f"{server.conf}:{line}", allowed.stdout)
            self.assertNotIn("550", allowed.stdout)

    def test_users_relay(self):
        """An authenticated user may relay until the configuration changes, also in open sessions; Received has the name if a setting asks for it."""
        with harness.Sink() as sink, Mailroot() as server:
            def configure(access, relay="list none"):
                server.write_conf(f"smart_host [127.0.0.1]:{sink.port}\nrelay {{ {relay} }}\n"
                                  f"access {{ user_file {server.folder}/users; auth_requires_tls no; {access} }}")
                server.ctl("reload")

            configure("auth plain login; auth_in_received yes")
            subprocess.run([harness.BUILD / "mailrootctl", "-c", server.conf, "user", "add", "joe"], input="secret word\n", text=True, check=True,
                           capture_output=True)
            with server.client() as client:
                client.ehlo()
                client.mail("app@example.com")
                self.assertEqual(client.rcpt("user@example.net")[0], 550)
                client.rset()
                client.login("joe", "secret word")
                client.docmd("MAIL", "FROM:<app@example.com> AUTH=joe+40example.com")
                self.assertEqual(client.rcpt("user@example.net")[0], 250)
                configure("auth plain login", "list none; authenticated no")
                self.assertEqual(client.rcpt("other@example.net")[0], 550)
                configure("auth plain login; auth_in_received yes")
                self.assertEqual(client.rcpt("other@example.net")[0], 250)
                self.assertEqual(client.data("Subject: test\r\n\r\n")[0], 250)
                sink.wait(1)
                self.assertEqual(sink.messages[0][1], ["<user@example.net>", "<other@example.net>"])
                self.assertIn(b"joe", sink.messages[0][2])
                configure("auth off")  # sessions that it accepted are ended
                self.assertEqual(client.getreply()[0], 421)
            with server.client() as client, self.assertRaises(smtplib.SMTPException):
                client.login("joe", "secret word")

    def test_explain_users_and_tls(self):
        with Mailroot("access { auth scram-sha-256; anonymous no }\nrelay { list 192.0.2.1 }") as server:
            asked = ["explain", "relay", "--client", "192.0.2.1", "--to", "user@example.net"]
            nobody = server.ctl(*asked).stdout
            self.assertIn("refused: 530 5.7.0 Client was not authenticated", nobody)
            self.assertIn("access anonymous is no, client has not authenticated: refused", nobody)
            self.assertIn("to permit it, let the client authenticate\n", nobody)
            user = server.ctl_json(*asked, "--user", "joe", "--tls")
            self.assertTrue(user["accepted"])
            self.assertEqual([rule["rule"] for rule in user["rules"][1:]],
                             ["access anonymous is no, client has authenticated as joe: goes on",
                              "client has authenticated as joe, relay authenticated is yes: accepted"])
            self.assertNotEqual(server.ctl(*asked, "--user", "j\x1foe", check=False).returncode, 0)
            server.write_conf("access { auth scram-sha-256 }\nrelay { list 192.0.2.7 }")
            server.ctl("reload")
            self.assertIn("let the client authenticate, or add 192.0.2.1 to relay list", server.ctl(*asked).stdout)

    def test_mail_gate_acts_on_an_open_session(self):
        with Mailroot("access { auth scram-sha-256 }") as server, server.client() as client:
            client.ehlo()
            self.assertEqual(client.mail("app@example.com")[0], 250)
            client.rset()
            server.write_conf("access { auth scram-sha-256; anonymous no }")
            server.ctl("reload")
            self.assertEqual(client.mail("app@example.com"), (530, b"5.7.0 Client was not authenticated"))
            server.write_conf("")
            server.ctl("reload")
            self.assertEqual(client.mail("app@example.com")[0], 250)

    def test_reload_acts_on_an_open_session(self):
        with Mailroot("relay { list 192.0.2.1 }") as server:
            with server.client() as client:
                client.ehlo()
                client.mail("app@example.com")
                self.assertEqual(client.rcpt("user@example.net")[0], 550)
                server.write_conf("relay { list 127.0.0.1 }")
                server.ctl("reload")
                harness.wait_for(lambda: client.rcpt("user@example.net")[0] == 250, "the new list to be obeyed")

    def test_bad_reload_changes_nothing(self):
        with Mailroot("relay { list 192.0.2.1 }") as server:
            server.write_conf("relay { lst 127.0.0.1 }")
            done = server.ctl("reload", check=False)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn("list", done.stdout + done.stderr)
            self.assertEqual(self.refusal(server, "user@example.net")[0], 550)

    def test_disguised_recipients(self):
        """No spelling of an address permits relaying (the classic open-relay probes)."""
        with Mailroot("relay { list 192.0.2.1 }") as server:
            for rcpt in ("user@example.net", "user%example.net@example.com", '"user@example.net"@example.com', "@example.com:user@example.net",
                         "example.net!user", "user@example.net@example.com", "user@[192.0.2.9]", "user@example.net.", '"user@example.com"@example.net'):
                with self.subTest(rcpt), server.client() as client:
                    client.ehlo()
                    client.mail("app@example.com")
                    code, _ = client.docmd(f"RCPT TO:<{rcpt}>")
                    if code == 250:  # accepted as a local part of our own domain: it must be in our drop folder
                        self.assertEqual(client.data("Subject: probe\r\n\r\n")[0], 250)
            harness.wait_for(lambda: not server.files("new"), "new/ to be empty")
            self.assertEqual(server.files("cur"), [])
            for path in server.files("drop"):
                for rcpt in harness.Message(path).rcpts:
                    self.assertTrue(rcpt.endswith("@example.com"), rcpt)


if __name__ == "__main__":
    harness.main()
