"""Policy that changes under open sessions: relay list, limits and domains by reload, on probation or for good."""
import time
import unittest

import harness
from harness import Mailroot, wait_for


def ask(client, rcpt):
    """The reply code for one RCPT, in a transaction of its own."""
    client.rset()
    client.mail("app@example.com")
    return client.rcpt(rcpt)[0]


def wait_for_reply(client, rcpt, code):
    """Asks a few times a second: a session with more than 20 refusals would end."""
    def asked():
        time.sleep(0.2)
        return ask(client, rcpt) == code

    ask(client, rcpt) == code or wait_for(asked, f"{code} for {rcpt}", 5)


class Live(unittest.TestCase):
    def test_every_kind_of_rule_acts_on_the_next_command(self):
        with Mailroot("relay { list 127.0.0.1 }\nmessages { max_recipients 5; max_message_size 25M; max_session_size none }") as server:
            with server.client() as client:
                client.ehlo()
                self.assertEqual(ask(client, "u@example.net"), 250)
                server.write_conf("relay { list none }\nmessages { max_recipients 1; max_message_size 2M }\n"
                                  "local_domain new.example.org\nremote_domain *.example.net { relay yes }")
                said = server.ctl("reload").stdout
                self.assertIn("server test: 127.0.0.1 may no longer relay (was: to any domain)\n", said)
                self.assertIn("server test: messages max_message_size 2M (was 25M)\n", said)
                self.assertIn("server test: messages max_recipients 1 (was 5)\n", said)
                self.assertIn("server test: local_domain new.example.org added\n", said)
                self.assertIn("server test: remote_domain *.example.net added: relay yes\n", said)
                wait_for_reply(client, "u@example.net", 550)
                self.assertEqual(ask(client, "u@new.example.org"), 250)
                self.assertEqual(ask(client, "u@sub.example.net"), 250)
                self.assertEqual(client.rcpt("v@sub.example.net")[0], 452)
                client.rset()
                self.assertEqual(client.docmd("MAIL", "FROM:<a@example.com> SIZE=3000000")[0], 552)
                client.ehlo()
                self.assertEqual(client.esmtp_features["size"], str(2 << 20))

    def test_a_faulty_file_changes_nothing(self):
        with Mailroot("relay { list 127.0.0.1 }") as server, server.client() as client:
            client.ehlo()
            server.write_conf("relay { list none }\nlocal_domain x..y")
            done = server.ctl("reload", check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn("the old one stays in force", done.stderr)
            self.assertEqual(ask(client, "u@example.net"), 250)

    def test_unconfirmed_goes_back(self):
        with Mailroot("relay { list 127.0.0.1 }") as server, server.client() as client:
            client.ehlo()
            server.write_conf("relay { list none }")
            began = time.monotonic()
            self.assertIn("reload --confirmed", server.ctl("reload", "--confirm", "2s").stdout)
            self.assertIn(server.ctl_json("status")["confirm_s"], (1, 2))
            self.assertRegex(server.ctl("status").stdout, r"goes back by itself in [12] ?s")
            wait_for_reply(client, "u@example.net", 550)
            wait_for_reply(client, "u@example.net", 250)
            self.assertGreater(time.monotonic() - began, 1.9)
            status = server.ctl_json("status")
            self.assertEqual((status["confirm_s"], status["went_back"]), (None, True))
            self.assertIn("too late", server.ctl("reload", "--confirmed", check=False).stderr)
            server.ctl("reload")
            wait_for_reply(client, "u@example.net", 550)
            self.assertFalse(server.ctl_json("status")["went_back"])

    def test_confirmed_stays(self):
        with Mailroot("relay { list 127.0.0.1 }") as server, server.client() as client:
            client.ehlo()
            server.write_conf("relay { list none }")
            server.ctl("reload", "--confirm", "2s")
            self.assertIn("confirmed", server.ctl("reload", "--confirmed").stdout)
            self.assertIsNone(server.ctl_json("status")["confirm_s"])
            deadline = time.monotonic() + 2.5
            while time.monotonic() < deadline:
                wait_for_reply(client, "u@example.net", 550)
                time.sleep(0.25)
            self.assertNotIn("going back", server.log())
            self.assertEqual(server.ctl("reload", "--confirmed", check=False).returncode, 1)
            self.assertEqual(server.ctl("reload", "--confirm", "0s", check=False).returncode, 2)


if __name__ == "__main__":
    harness.main()
