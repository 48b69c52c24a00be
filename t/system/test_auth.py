#!/usr/bin/env python3
"""Clients that authenticate: real clients with each mechanism, an exact dialogue, attacks (reliability rows 21 to 23), changes of accounts."""
import os
import shutil
import smtplib
import subprocess
import unittest

import harness
from auth_service import ALL, FAR, USERS, Service, ask, b64, greeted, plain
from harness import Message, Wire


class Announced(unittest.TestCase):
    def words(self, server, tls=False):
        with server.client() as client:
            if tls:
                client.starttls(context=server.context())
            client.ehlo()
            lines = client.ehlo_resp.decode().splitlines()
            return [line for line in lines if line.startswith("AUTH")]

    def test_what_is_permitted(self):
        with Service("auth plain login scram-sha-256 cram-md5", clear=False) as server:
            self.assertEqual(self.words(server), ["AUTH SCRAM-SHA-256 CRAM-MD5"])
            self.assertEqual(self.words(server, tls=True), ["AUTH SCRAM-SHA-256-PLUS SCRAM-SHA-256 CRAM-MD5 PLAIN LOGIN", "AUTH=LOGIN"])
            with greeted(server) as wire:
                self.assertEqual(ask(wire, b"AUTH PLAIN " + plain("alice", USERS["alice"])),
                                 (538, "538 5.7.11 Encryption required for requested authentication mechanism"))
                self.assertEqual(ask(wire, b"AUTH NTLM"), (504, "504 5.5.4 Unrecognized authentication type"))
                self.assertEqual(ask(wire, b"AUTH SCRAM-SHA-256-PLUS")[0], 504)
                self.assertEqual(ask(wire, b"AUTH GSSAPI")[0], 504)

    def test_clear_list_and_reload(self):
        with Service("auth login", clear=True) as server:
            self.assertEqual(self.words(server), ["AUTH LOGIN", "AUTH=LOGIN"])
            server.conf.write_text(server.conf.read_text().replace("auth_clear_list 127.0.0.1", "auth_clear_list 192.0.2.1"))
            with greeted(server) as wire:
                server.ctl("reload")
                self.assertEqual(ask(wire, b"AUTH LOGIN")[0], 538)
            self.assertEqual(self.words(server), [])
            server.conf.write_text(server.conf.read_text().replace("auth_clear_list 192.0.2.1", "auth_requires_tls no"))
            server.ctl("reload")
            self.assertEqual(self.words(server), ["AUTH LOGIN", "AUTH=LOGIN"])

    def test_off(self):
        with Service("auth off", clear=False) as server, greeted(server) as wire:
            self.assertEqual(self.words(server, tls=True), [])
            self.assertEqual(ask(wire, b"AUTH PLAIN " + plain("alice", USERS["alice"]))[0], 503)


class Clients(unittest.TestCase):
    """Each sends a message that only an authenticated client may send."""

    @classmethod
    def setUpClass(cls):
        cls.server = Service(users={})
        for name, password in USERS.items():
            cls.server.user("add", name, password, "--cram-md5")
        cls.server.start()

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()
        shutil.rmtree(cls.server.folder, ignore_errors=True)

    def setUp(self):
        self.before = len(self.server.log())

    def authenticated(self, mechanism, user):
        log = self.server.log()[self.before:]
        self.assertIn(f"user={user} mechanism={mechanism} ", log)
        self.assertIn("status=authenticated", log)
        self.assertRegex(log, f" user={user} tls=.* status=accepted")

    def run_client(self, *command, stdin="Subject: test\n\nhello\n", env=None):
        done = subprocess.run([str(word) for word in command], input=stdin, capture_output=True, text=True, timeout=60,
                              env=dict(os.environ, LC_ALL="C.UTF-8", **(env or {})))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def test_smtplib(self):
        for mechanism in ("PLAIN", "LOGIN", "CRAM-MD5"):
            for initial in (True, False):
                for user in ("alice", "EXAMPLE\\Alice"):
                    with self.subTest(f"{mechanism} {initial} {user}"), self.server.client() as client:
                        client.starttls(context=self.server.context())
                        client.ehlo()
                        client.user, client.password = user, USERS["alice"]
                        code, text = client.auth(mechanism, getattr(client, f"auth_{mechanism.lower().replace('-', '_')}"),
                                                 initial_response_ok=initial)
                        self.assertEqual((code, text), (235, b"2.7.0 Authentication successful"))
                        client.sendmail("app@example.com", [FAR], "Subject: x\r\n\r\nhello\r\n")
                        self.authenticated(mechanism, "alice")
        with self.server.client() as client:
            client.login("alice", USERS["alice"])
        with self.server.client() as client, self.assertRaises(smtplib.SMTPAuthenticationError):
            client.login("alice", "wonderland 1866")

    def test_swaks(self):
        for mechanism in ("PLAIN", "LOGIN", "CRAM-MD5"):
            with self.subTest(mechanism):
                said = self.run_client("swaks", "--server", f"127.0.0.1:{self.server.port}", "-tls", "--auth", mechanism, "--auth-user", "copier",
                                       "--auth-password", USERS["copier"], "--from", "app@example.com", "--to", FAR)
                self.assertIn("235 2.7.0 Authentication successful", said)
                self.authenticated(mechanism, "copier")

    def test_curl(self):
        for mechanism in ("PLAIN", "LOGIN", "CRAM-MD5"):
            with self.subTest(mechanism):
                self.run_client("curl", "-sS", "--ssl-reqd", "--cacert", self.server.authority.file, "--login-options", f"AUTH={mechanism}", "--user",
                                f"alice:{USERS['alice']}", "--mail-from", "app@example.com", "--mail-rcpt", FAR, "--upload-file", "-",
                                f"smtp://localhost:{self.server.port}/client.test", stdin="Subject: test\r\n\r\nhello\r\n")
                self.authenticated(mechanism, "alice")

    def test_msmtp(self):
        # A client that supports channel binding says so even if told to use SCRAM without it. This looks like a downgrade, which RFC 5802 6 refuses.
        known = subprocess.run(["msmtp", "--version"], capture_output=True, text=True, check=True).stdout.split()
        scram = "scram-sha-256-plus" if "scram-sha-256-plus" in known else "scram-sha-256"
        for method in ("plain", "login", "cram-md5", scram):
            for user in ("alice", "bob"):
                with self.subTest(f"{method} {user}"):
                    full = "bob@example.com" if user == "bob" else user
                    password = USERS[full]
                    config = self.server.folder / "msmtprc"
                    config.write_text(f"""account default
host localhost
port {self.server.port}
from app@example.com
auth {method}
user {user}
passwordeval "printf %s '{password}'"
tls on
tls_starttls on
tls_trust_file {self.server.authority.file}
""", encoding="utf-8")
                    config.chmod(0o600)
                    self.run_client("msmtp", "-C", config, FAR)
                    self.authenticated(method.upper(), full)

    def gsasl(self, mechanism, *options):
        """gsasl only authenticates; the other clients test that the session may relay then."""
        return subprocess.run(["gsasl", "--client", "--smtp", "--connect", f"localhost:{self.server.port}", "--mechanism", mechanism,
                               "--authentication-id", "alice", "--password", USERS["alice"], "--x509-ca-file", str(self.server.authority.file),
                               "--service", "smtp", *options], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)

    def test_gsasl_with_channel_binding(self):
        done = self.gsasl("SCRAM-SHA-256-PLUS", "--starttls")
        self.assertIn("mechanism=SCRAM-SHA-256-PLUS", self.server.log()[self.before:], done.stdout + done.stderr)
        lines = [line for line in self.server.log()[self.before:].splitlines() if "SCRAM-SHA-256-PLUS" in line]
        self.assertRegex(lines[-1], r"user=alice mechanism=SCRAM-SHA-256-PLUS tls=TLSv1\.[23] status=authenticated")

    def test_gsasl_in_clear(self):
        done = self.gsasl("SCRAM-SHA-256", "--no-starttls")
        lines = [line for line in self.server.log()[self.before:].splitlines() if "mechanism=SCRAM-SHA-256 " in line]
        self.assertTrue(lines, done.stdout + done.stderr)
        self.assertRegex(lines[-1], r"user=alice mechanism=SCRAM-SHA-256 tls=no status=authenticated")

    def test_dialogue_of_dotnet(self):
        """The exact octets of System.Net.Mail.SmtpClient and of the Windows service."""
        user, password = b64("alice"), b64(USERS["alice"])
        for first, second in ((b"AUTH LOGIN " + user, None), (b"auth login", user)):
            with greeted(self.server) as wire:
                wire.say(first + b"\r\n")
                if second:
                    self.assertEqual(wire.lines.readline(), b"334 VXNlcm5hbWU6\r\n")
                    wire.say(second + b"\r\n")
                self.assertEqual(wire.lines.readline(), b"334 UGFzc3dvcmQ6\r\n")
                wire.say(password + b"\r\n")
                self.assertEqual(wire.lines.readline(), b"235 2.7.0 Authentication successful\r\n")
                self.assertEqual(ask(wire, b"MAIL FROM:<app@example.com>")[0], 250)
                self.assertEqual(ask(wire, b"RCPT TO:<" + FAR.encode() + b">"), (250, f"250 2.1.5 {FAR}"))

    def test_no_client_relays_without(self):
        with greeted(self.server) as wire:
            self.assertEqual(ask(wire, b"MAIL FROM:<app@example.com>")[0], 250)
            self.assertEqual(ask(wire, b"RCPT TO:<" + FAR.encode() + b">")[0], 550)


class Attacks(unittest.TestCase):
    def test_states(self):
        """Rows 16, 22 and 23: AUTH in the wrong state, cancelled or with a wrong password does not authenticate."""
        right, wrong = plain("alice", USERS["alice"]), plain("alice", "no")
        with Service() as server:
            with Wire(server) as wire:
                self.assertEqual(wire.reply()[0], 220)
                self.assertEqual(ask(wire, b"AUTH PLAIN " + right)[0], 503)
                self.assertEqual(ask(wire, b"HELO c")[0], 250)
                self.assertEqual(ask(wire, b"AUTH PLAIN " + right)[0], 503)
            with greeted(server) as wire:
                self.assertEqual(ask(wire, b"AUTH LOGIN " + b64("alice")), (334, "334 UGFzc3dvcmQ6"))
                self.assertEqual(ask(wire, b"*"), (501, "501 5.7.0 Authentication cancelled"))
                self.assertEqual(ask(wire, b"AUTH PLAIN")[1], "334 ")
                self.assertEqual(ask(wire, b"no base64")[1], "501 5.5.2 Cannot decode Base64 response")
                self.assertEqual(ask(wire, b"AUTH PLAIN " + right[:-2])[0], 501)
                self.assertEqual(ask(wire, b"AUTH PLAIN " + right + b" x")[0], 501)
                self.assertEqual(ask(wire, b"AUTH")[0], 501)
                self.assertEqual(ask(wire, b"AUTH PLAIN " + b"A" * 20000), (500, "500 5.5.2 Line too long"))
                self.assertEqual(ask(wire, b"AUTH PLAIN " + b"A" * 12000)[0], 535)
                self.assertEqual(ask(wire, b"MAIL FROM:<a@example.com>")[0], 250)
                self.assertEqual(ask(wire, b"AUTH PLAIN " + right)[0], 503)
                self.assertEqual(ask(wire, b"RCPT TO:<" + FAR.encode() + b">")[0], 550)
                self.assertEqual(ask(wire, b"RSET")[0], 250)
                self.assertEqual(ask(wire, b"AUTH PLAIN " + wrong), (535, "535 5.7.3 Authentication unsuccessful"))
                self.assertEqual(ask(wire, b"AUTH PLAIN " + right)[0], 235)
                self.assertEqual(ask(wire, b"AUTH PLAIN " + right)[0], 503)
                self.assertEqual(ask(wire, b"EHLO again")[0], 250)
                self.assertEqual(ask(wire, b"MAIL FROM:<a@example.com>")[0], 250)
                self.assertEqual(ask(wire, b"RCPT TO:<" + FAR.encode() + b">")[0], 250)

    def test_empty_never_passes(self):
        nothing = [b"AUTH PLAIN =", b"AUTH PLAIN " + b64("\0\0"), b"AUTH PLAIN " + b64("\0alice\0"), b"AUTH PLAIN " + b64("\0\0x")]
        with Service() as server:
            for line in nothing:
                with greeted(server) as wire:
                    self.assertEqual(ask(wire, line)[0], 535, line)
            server.stop()
            server.start()
            for name, password in ((b"=", b""), (b"=", b64("x")), (b64("alice"), b"")):
                with greeted(server) as wire:
                    self.assertEqual(ask(wire, b"AUTH LOGIN " + name)[0], 334)
                    self.assertEqual(ask(wire, password)[0], 535)

    def test_starttls_forgets(self):
        with Service() as server, server.client() as client:
            client.login("alice", USERS["alice"])
            client.starttls(context=server.context())
            client.ehlo()
            client.mail("app@example.com")
            self.assertEqual(client.rcpt(FAR)[0], 550)
            client.rset()
            client.login("alice", USERS["alice"])
            client.mail("app@example.com")
            self.assertEqual(client.rcpt(FAR)[0], 250)

    def test_three_failures_in_a_session(self):
        with Service() as server, greeted(server) as wire:
            for _ in range(3):
                self.assertEqual(ask(wire, b"AUTH PLAIN " + plain("alice", "no"))[0], 535)
            self.assertEqual(ask(wire, b"AUTH PLAIN " + plain("alice", USERS["alice"]))[0], 421)
            self.assertEqual(wire.reply()[0], 0)

    def test_no_secret_is_logged(self):
        """Neither in the log nor in the transaction log, whatever mistake the client makes."""
        secrets = [b64(USERS["alice"]).decode(), plain("alice", USERS["alice"]).decode(), USERS["alice"], "c2VjcmV0"]
        lines = [b"AUTH PLAIN " + b64(f"\0alice\0{USERS['alice']}"), b"AUTH PLAIN", b64(f"\0alice\0{USERS['alice']}x"), b"AUTH " + b64("secret"),
                 b"AUTH\tPLAIN\t" + b64("secret"), b" AUTH PLAIN " + b64("secret"), b"AUTHPLAIN " + b64("secret"), b"AUTH NTLM " + b64("secret"),
                 b64("secret"), b"AUTH LOGIN", b64("alice"), b64("secret") + b"\n", b"QUIT"]
        with Service(server="log { format json }") as server:
            with Wire(server) as wire:
                wire.say(b"EHLO c\r\nAUTH LOGIN " + b64("secret") + b" " + b64("secret") + b"\r\n" + b64("secret") + b"\r\n" +
                         b"\r\n".join(lines) + b"\r\n")
                self.assertIn(235, wire.codes())
            server.stop()
            texts = {"log": server.log()}
            for path in (server.folder / "logs").rglob("*.log"):
                texts[path.name] = path.read_text()
            self.assertGreater(len(texts), 1)
            self.assertIn('"AUTH"', "".join(texts.values()))
            for secret in secrets:
                for name, text in texts.items():
                    self.assertNotIn(secret, text, name)
            hashes = server.users_file.read_text().split()
            for word in hashes:
                if word.startswith(("yescrypt=", "scram-sha-256=")):
                    self.assertNotIn(word.split("=", 1)[1], "".join(texts.values()))


class Accounts(unittest.TestCase):
    def test_changes_act_at_once(self):
        """On sessions that wait for a command and on those that are about to send one, and on no others."""
        with Service() as server:
            with greeted(server) as changed, greeted(server) as deleted, greeted(server) as other, greeted(server) as anonymous:
                for wire, user in ((changed, "alice"), (deleted, "copier"), (other, "bob@example.com")):
                    self.assertEqual(ask(wire, b"AUTH PLAIN " + plain(user, USERS[user]))[0], 235)
                server.user("passwd", "alice", "another one")
                server.user("delete", "copier")
                for wire in (changed, deleted):
                    self.assertEqual(wire.reply()[1].replace("mail.example.com", "$1"),
                                     "421 4.7.0 $1 The account was changed or removed, closing transmission channel")
                    self.assertEqual(wire.reply()[0], 0)
                for wire in (other, anonymous):
                    self.assertEqual(ask(wire, b"NOOP")[0], 250)
                self.assertEqual(ask(anonymous, b"AUTH PLAIN " + plain("alice", USERS["alice"]))[0], 535)
                self.assertEqual(ask(anonymous, b"AUTH PLAIN " + plain("alice", "another one"))[0], 235)

    def test_a_message_in_transfer_is_accepted(self):
        with Service() as server, greeted(server) as wire:
            ask(wire, b"AUTH PLAIN " + plain("alice", USERS["alice"]))
            ask(wire, b"MAIL FROM:<a@example.com>")
            ask(wire, b"RCPT TO:<b@example.com>")
            self.assertEqual(ask(wire, b"DATA")[0], 354)
            server.user("delete", "alice")
            self.assertEqual(ask(wire, b"Subject: x\r\n\r\nhello\r\n.")[0], 250)
            self.assertEqual(wire.reply()[0], 421)
            server.dropped(1)

    def test_received(self):
        with Service(f"{ALL}; auth_in_received yes") as server:
            with server.client() as client:
                client.starttls(context=server.context())
                client.login("alice", USERS["alice"])
                client.sendmail("app@example.com", ["b@example.com"], "Subject: x\r\n\r\nhello\r\n")
            text = Message(server.dropped(1)[0]).raw.decode()
            self.assertIn("with ESMTPSA", text)
            self.assertIn("(authenticated user alice)", text)


if __name__ == "__main__":
    harness.main()
