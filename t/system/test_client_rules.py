"""Rules for clients, with real clients: senders, recipients, sizes and rates; in the reply, in the log, and in explain.

Addresses decide, so the tests run in a network namespace.
"""
import email.utils
import random
import smtplib
import subprocess
import unittest

import harness
from test_crowd import CROWD, OTHER, SERVER, TRUSTED, setUpModule  # noqa: F401
from test_limits import PASSWORD, Client, Limited

# The address CROWD is a scanner, and shop a user.
RULES = f"""client_rule scanners {{
        list {CROWD}
        senders scanner@example.com
        from_header yes
        recipients example.com
        max_message_size 10K
    }}
    client_rule shop {{
        users shop@example.com
        senders orders@example.com *.news.example
        messages 3/1h
        recipient_rate 5/1h
    }}
    client_rule rest {{ list *; senders example.com }}"""

ALLOWED = "not allowed for this client (client rule scanners)"


def text_from(address):
    return f"From: {address}\r\nTo: b@example.com\r\nSubject: x\r\n\r\nhello\r\n".encode()


class Ruled(Limited):
    def __init__(self, rules=RULES):
        super().__init__("", rules)

    def refusals(self):
        return [line for line in self.log().splitlines() if " status=refused " in line and " rule=" in line]


def swaks(server, sender, *options, address=CROWD):
    return subprocess.run(["swaks", "--server", f"{SERVER}:{server.port}", "--local-interface", address, "--helo", "x.test", "--from", sender,
                           "--to", "b@example.com", *options], capture_output=True, text=True, timeout=60).stdout


class Addresses(unittest.TestCase):
    def test_a_scanner_is_scanner(self):
        with Ruled() as server, Client(server) as client:
            self.assertEqual(client.sendmail("scanner@example.com", ["b@example.com"], text_from("scanner@example.com")), {})
            with self.assertRaises(smtplib.SMTPSenderRefused) as refused:
                client.sendmail("boss@example.com", ["b@example.com"], text_from("boss@example.com"))
            self.assertEqual(refused.exception.smtp_code, 553)
            self.assertIn("5.7.1 Sender " + ALLOWED, refused.exception.smtp_error.decode())
            with self.assertRaises(smtplib.SMTPDataError) as refused:
                client.sendmail("scanner@example.com", ["b@example.com"], text_from('"scanner@example.com" <boss@example.com>'))
            self.assertEqual(refused.exception.smtp_code, 550)
            self.assertIn("5.7.1 From in the header " + ALLOWED, refused.exception.smtp_error.decode())
            with self.assertRaises(smtplib.SMTPRecipientsRefused) as refused:
                client.sendmail("scanner@example.com", ["c@example.net"], text_from("scanner@example.com"))
            self.assertEqual(refused.exception.recipients["c@example.net"][0], 550)
            with self.assertRaises(smtplib.SMTPSenderRefused) as refused:
                client.sendmail("scanner@example.com", ["b@example.com"], text_from("scanner@example.com") + b"x" * 20000)
            self.assertEqual(refused.exception.smtp_code, 552)
            self.assertIn("5.3.4", refused.exception.smtp_error.decode())
            server.dropped(1)
            place = server.conf.read_text().splitlines().index("    client_rule scanners {") + 1
            self.assertEqual(len(server.refusals()), 3)
            for line in server.refusals():
                self.assertIn(f" rule=scanners place={server.conf}:{place} remedy=", line)

    def test_size_is_measured(self):
        """A client that does not say how large its message is."""
        with Ruled() as server, Client(server) as client:
            self.assertEqual([client.mail("scanner@example.com")[0], client.rcpt("b@example.com")[0]], [250, 250])
            code, text = client.data(text_from("scanner@example.com") + b"x" * 20000)
            self.assertEqual(code, 552)
            self.assertIn("5.3.4 Message size exceeds the maximum message size of client rule scanners", text.decode())

    def test_swaks(self):
        with Ruled() as server:
            self.assertIn("250 2.6.0", swaks(server, "scanner@example.com"))
            self.assertIn("553 5.7.1 Sender " + ALLOWED, swaks(server, "boss@example.com"))
            self.assertIn("550 5.7.1 From in the header " + ALLOWED, swaks(server, "scanner@example.com", "--h-From", "Boss <boss@example.com>"))
            self.assertIn("250 2.6.0", swaks(server, "<>", "--h-From", "scanner@example.com"))
            self.assertIn("250 2.6.0", swaks(server, "boss@example.com", address=OTHER))
            self.assertIn("553 5.7.1", swaks(server, "boss@example.net", address=OTHER))
            server.dropped(3)

    def test_a_reload_acts_on_open_sessions(self):
        with Ruled() as server, Client(server) as client:
            self.assertEqual(client.mail("boss@example.com")[0], 553)
            server.change("senders scanner@example.com", "senders boss@example.com")
            self.assertEqual(client.mail("boss@example.com")[0], 250)


class Headers(unittest.TestCase):
    PARTS = ["u@good.test", "<u@good.test>", "e@evil.test", "<e@evil.test>", '"e@evil.test"', "=?utf-8?q?e=40evil.test?=", "Joe", ",", ";", ":", " ",
             "\r\n ", "(", ")", '"', "\\", "]", "(e@evil.test)", "\r\nFrom: "]

    def test_others_read_no_other_address(self):
        """In a From that was accepted, the library of Python finds no address that is not permitted."""
        draw = random.Random(20061009)
        with Ruled("client_rule a { list *; senders good.test; from_header yes }") as server:
            accepted = 0
            for _ in range(20):
                with Client(server) as client:
                    for _ in range(15):
                        self.assertEqual([client.mail("u@good.test")[0], client.rcpt("b@example.com")[0]], [250, 250])
                        value = "".join(draw.choice(self.PARTS) for _ in range(draw.randint(1, 3)))
                        accepted += client.data(f"From: {value}\r\n\r\nx\r\n".encode())[0] == 250
            self.assertGreater(accepted, 10)
            for file in server.dropped(accepted):
                message = email.message_from_bytes(file.read_bytes())
                fields = [str(field) for field in message.get_all("From", [])]
                for _, address in email.utils.getaddresses(fields):
                    self.assertNotRegex(address, r'@evil\.test"?$', fields)


class Users(unittest.TestCase):
    def test_a_user_sends_as_itself(self):
        """Over all addresses, and whatever the rules behind say; so does its rate."""
        with Ruled() as server:
            server.add_user("shop@example.com")
            server.add_user("joe@example.com")
            with Client(server, OTHER, "shop@example.com") as one, Client(server, TRUSTED, "shop@example.com") as two, \
                    Client(server, OTHER, "joe@example.com") as joe:
                self.assertEqual(one.mail("app@example.com")[0], 553)
                self.assertEqual(joe.mail("app@example.com")[0], 250)
                for client, sender in ((one, "orders@example.com"), (two, "a@b.news.example"), (one, "<>")):
                    self.assertEqual([client.mail(sender)[0], client.rcpt("b@example.com")[0]], [250, 250])
                    client.rset()
                code, text = two.mail("orders@example.com")
                self.assertEqual(code, 451)
                self.assertRegex(text.decode(),
                                 r"^4\.7\.1 User shop@example\.com has reached its limit messages 3/1h of client rule shop, try again in (19m|20m)$")
                server.change("messages 3/1h", "messages none")
                two.mail("orders@example.com")
                self.assertEqual([two.rcpt(f"c{i}@example.com")[0] for i in range(4)], [250, 250, 451, 451])
                warnings = server.warnings()
                self.assertEqual(len(warnings), 1, warnings)
                self.assertIn(f"client={TRUSTED} user=shop@example.com limit=messages rate=3/1h rule=shop place={server.conf}:", warnings[0])

    def test_require(self):
        with Ruled(f"client_rule a {{ list {CROWD}; require tls auth }}") as server:
            server.add_user("shop@example.com")
            self.assertIn("530 5.7.0 Must issue a STARTTLS command first (client rule a)", swaks(server, "a@example.com"))
            self.assertIn("530 5.7.0 Client was not authenticated (client rule a)", swaks(server, "a@example.com", "--tls"))
            login = ("--tls", "--auth", "LOGIN", "--auth-user", "shop@example.com", "--auth-password", PASSWORD)
            self.assertIn("250 2.6.0", swaks(server, "a@example.com", *login))
            self.assertIn("250 2.6.0", swaks(server, "a@example.com", address=OTHER))


class Others(unittest.TestCase):
    def test_check_knows_the_accounts(self):
        with Ruled() as server:
            self.assertIn("client_rule shop: there is no account shop@example.com", server.ctl("check", check=False).stdout)
            server.add_user("shop@example.com")
            self.assertNotIn("client_rule shop", server.ctl("check", check=False).stdout)

    def test_check_leaves_users_of_kerberos_alone(self):
        with Ruled() as server:
            text = server.conf.read_text()
            self.assertIn("access {", text)
            server.conf.write_text(text.replace("access {", "access { passwords file kerberos; keytab /none/smtp.keytab;", 1))
            checked = server.ctl("check", check=False).stdout
            self.assertIn("/none/smtp.keytab", checked)
            self.assertNotIn("there is no account", checked)

    def test_explain(self):
        with Ruled() as server:
            ask = ("explain", "relay", "--client", CROWD, "--to", "b@example.com")
            told = server.ctl_json(*ask, "--from", "boss@example.com")
            self.assertFalse(told["accepted"])
            self.assertIn("553 5.7.1 Sender " + ALLOWED, told["reply"])
            self.assertIn("sender is not permitted by senders of client_rule scanners: refused", told["rules"][-1]["rule"])
            self.assertIn("to permit it, add boss@example.com to senders of client_rule scanners at ", told["advice"])
            self.assertTrue(server.ctl_json(*ask, "--from", "scanner@example.com")["accepted"])
            self.assertTrue(server.ctl_json(*ask, "--from", "<>")["accepted"])
            self.assertTrue(server.ctl_json(*ask)["accepted"])
            self.assertIn("552 5.3.4", server.ctl_json(*ask, "--size", "11K")["reply"])
            text = server.ctl("explain", "relay", "--client", OTHER, "--user", "shop@example.com", "--to", "b@example.com").stdout
            self.assertIn("client_rule shop fits the client: goes on", text)
            self.assertIn("client_rule messages 3/1h, of which shop@example.com has used 0: one more fits", text)

    def test_the_pickup_folder_has_no_clients(self):
        with Ruled("client_rule all { list *; senders nobody.test; recipients nobody.test }") as server:
            new = server.folder / "new.eml"
            new.write_bytes(b"x-sender: app@example.com\r\nx-receiver: b@example.com\r\nSubject: x\r\n\r\nhello\r\n")
            new.rename(server.server_folder() / "pickup" / "new.eml")
            server.dropped(1)

    def test_check_warns_of_a_rule_that_never_comes_into_force(self):
        with Ruled("client_rule all { list * }") as server:
            server.change("client_rule all { list * }", "client_rule all { list * }\n    client_rule late { list 10.0.0.1 }")
            told = server.ctl("check", check=False)
            self.assertIn("this rule never comes into force: client_rule all at ", told.stdout + told.stderr)


if __name__ == "__main__":
    harness.main()
