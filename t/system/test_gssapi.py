"""Kerberos inbound and outbound, with a real KDC: clients authenticate to smtpd, and delivery authenticates to hosts."""
import base64
import os
import pwd
import subprocess
import unittest

import dovecot
import gss_client
import harness
import peers
from gss_client import INTEGRITY, MUTUAL, SPNEGO, Initiator, authenticate
from harness import Mailroot, Sink, Wire, wait_for
from kdc import Kdc
from peers import Peer

SERVICE = "smtp/mail.example.com"
DOTNET = "SMTPSVC/mail.example.com"  # SmtpClient.TargetName


class WithKdc(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = harness.scratch()
        cls.kdc = Kdc(cls.folder / "kdc").start()
        cls.addClassCleanup(cls.kdc.stop)
        os.chmod(cls.kdc.folder, 0o755)
        environment = gss_client.environment({"KRB5_CONFIG": str(cls.kdc.krb5_conf)})
        environment.__enter__()
        cls.addClassCleanup(environment.__exit__, None, None, None)

    @classmethod
    def access(cls, keytab, more=""):
        return f"access {{ auth gssapi plain; keytab {keytab}; auth_requires_tls no; user_file {cls.folder}/users; {more} }}\n"


class Inbound(WithKdc):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for service in (SERVICE, DOTNET):
            cls.kdc.principal(service)
        cls.kdc.principal("bob", "secret")
        cls.keytab = cls.kdc.keytab(cls.folder / "service", SERVICE, DOTNET)
        tickets = gss_client.environment(cls.kdc.tickets("bob", "secret"))
        tickets.__enter__()
        cls.addClassCleanup(tickets.__exit__, None, None, None)
        cls.server = Mailroot(cls.access(cls.keytab, "gssapi_realm EXAMPLE.COM") + "relay { list none }\nsmart_host [127.0.0.1]:1")
        cls.server.start()
        cls.addClassCleanup(lambda: cls.server.__exit__(None, None, None))

    def session(self):
        wire = Wire(self.server)
        self.addCleanup(wire.__exit__)
        self.assertEqual(wire.reply()[0], 220)
        wire.say(b"EHLO client.test\r\n")
        self.assertEqual(wire.reply()[0], 250)
        return wire

    def relays(self, wire):
        """Authenticated clients may relay."""
        wire.say(b"MAIL FROM:<app@example.com>\r\nRCPT TO:<someone@elsewhere.test>\r\nRSET\r\n")
        codes = [wire.reply()[0] for _ in range(3)]
        return codes == [250, 250, 250]

    def refused(self, why, wire=None, **options):
        wire = wire or self.session()
        before = len(self.server.log())
        code, line = authenticate(wire, Initiator(SERVICE), **options)
        self.assertEqual(code, 535, line)
        self.assertFalse(self.relays(wire))
        wait_for(lambda: why in self.server.log()[before:], f"{why!r} in the log:\n{self.server.log()[before:]}", 5)

    def test_kerberos(self):
        with self.session() as wire:
            self.assertFalse(self.relays(wire))
            self.assertEqual(authenticate(wire, Initiator(SERVICE))[0], 235)
            self.assertTrue(self.relays(wire))
        self.assertRegex(self.server.log(), r"user=<?bob>?\b")

    def test_without_initial_response(self):
        with self.session() as wire:
            self.assertEqual(authenticate(wire, Initiator(SERVICE), initial=False)[0], 235)

    def test_as_windows_does(self):
        """.NET does not request mutual authentication."""
        for service, flags in ((DOTNET, INTEGRITY), (SERVICE, INTEGRITY | MUTUAL)):
            with self.session() as wire:
                self.assertEqual(authenticate(wire, Initiator(service, SPNEGO, flags))[0], 235)
                self.assertTrue(self.relays(wire))

    def test_authorization_identities(self):
        for name in (b"bob", b"bob@EXAMPLE.COM"):
            with self.session() as wire:
                self.assertEqual(authenticate(wire, Initiator(SERVICE), authzid=name)[0], 235)
        self.refused("the authorization identity differs", authzid=b"alice")

    def test_curl(self):
        message = self.folder / "message"
        message.write_bytes(b"Subject: by curl\r\n\r\nhello\r\n")
        done = subprocess.run(["curl", "--silent", "--show-error", "--url", f"smtp://mail.example.com:{self.server.port}/client.test",
                               "--resolve", f"mail.example.com:{self.server.port}:127.0.0.1", "--login-options", "AUTH=GSSAPI", "--user", "bob@EXAMPLE.COM:",
                               "--mail-from", "app@example.com", "--mail-rcpt", "someone@elsewhere.test", "--upload-file", str(message)],
                              capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_gsasl(self):
        done = subprocess.run(["gsasl", "--smtp", "--connect", f"127.0.0.1:{self.server.port}", "--mechanism", "GSSAPI", "--hostname",
                               "mail.example.com", "--service", "smtp", "--authorization-id", "bob", "--authentication-id", "bob", "--no-starttls"],
                              input="QUIT\r\n", capture_output=True, text=True, timeout=60)
        self.assertIn("235 2.7.0", done.stdout + done.stderr)

    def test_realm_is_live(self):
        """gssapi_realm acts on the next command, also of open sessions."""
        wire = self.session()
        conf = self.server.conf.read_text()
        try:
            self.server.conf.write_text(conf.replace("gssapi_realm EXAMPLE.COM", "gssapi_realm OTHER.COM"))
            self.server.ctl("reload")
            self.refused("the client's realm is not gssapi_realm", wire)
        finally:
            self.server.conf.write_text(conf)
            self.server.ctl("reload")
        self.assertEqual(authenticate(wire, Initiator(SERVICE))[0], 235)

    def test_recorded_exchange(self):
        """A recorded exchange is of no use to another client."""
        for flags in (INTEGRITY, INTEGRITY | MUTUAL):
            record = []
            with self.session() as wire:
                self.assertEqual(authenticate(wire, Initiator(SERVICE, flags=flags), record=record)[0], 235)
            with self.session() as wire:
                for line in record:
                    wire.say(line + b"\r\n")
                    code = wire.reply()[0]
                    self.assertNotEqual(code, 235)
                    if code != 334:
                        break
                self.assertFalse(self.relays(wire))

    def test_garbage(self):
        with harness.unharmed(self, self.server):
            for token in (b"x", b"\x60\x82\xff\xff", os.urandom(3000), bytes(9000), b"NTLMSSP\0\1\0\0\0\7\x82\x08\xa2" + bytes(24)):
                with self.session() as wire:
                    wire.say(b"AUTH GSSAPI " + base64.b64encode(token) + b"\r\n")
                    self.assertEqual(wire.reply()[0], 535)
                    self.assertFalse(self.relays(wire))
            with self.session() as wire:
                wire.say(b"AUTH GSSAPI no base64!\r\n")
                self.assertIn(wire.reply()[0], (501, 535))
                wire.say(b"AUTH GSSAPI\r\n")
                self.assertEqual(wire.reply()[0], 334)
                wire.say(b"*\r\n")
                self.assertEqual(wire.reply()[0], 501)
                self.assertEqual(authenticate(wire, Initiator(SERVICE))[0], 235)

    def test_answer_not_sealed(self):
        self.refused("not sealed", answer=b"\1\0\0\0")


class Keys(WithKdc):
    """Mistakes of administrators, and the messages for them."""

    def ehlo(self, server):
        with server.client() as client:
            return client.ehlo()[1].decode()

    def test_no_keytab(self):
        missing = self.folder / "nowhere"
        with Mailroot(self.access(missing)) as server:
            self.assertNotIn("GSSAPI", self.ehlo(server))
            self.assertIn(f"can't read key tab {missing}", server.log())

    def test_wrong_principal(self):
        self.kdc.principal("smtp/one.example.com")
        keytab = self.kdc.keytab(self.folder / "one", "smtp/one.example.com")
        with Mailroot(self.access(keytab, "principal smtp/two.example.com")) as server:
            self.assertNotIn("GSSAPI", self.ehlo(server))
            self.assertIn("has no key of smtp/two.example.com", server.log())

    def test_key_changed(self):
        """The KDC has a new key, and the file has the old one; then the file is replaced, and a reload reads it."""
        service = "smtp/changed.example.com"
        self.kdc.principal(service)
        self.kdc.principal("carol", "secret")
        keytab = self.kdc.keytab(self.folder / "changed", service)
        self.kdc.admin(f"change_password -randkey {service}")
        with Mailroot(self.access(keytab)) as server, gss_client.environment(self.kdc.tickets("carol", "secret")):
            def log_in():
                with Wire(server) as wire:
                    wire.reply()
                    wire.say(b"EHLO client.test\r\n")
                    wire.reply()
                    return authenticate(wire, Initiator(service))[0]

            self.assertEqual(log_in(), 535)
            wait_for(lambda: "write it again" in server.log(), "the remedy in the log", 5)
            self.kdc.keytab(keytab, service)
            server.ctl("reload")
            wait_for(lambda: log_in() == 235, "the new key in use")
            self.assertRegex(server.log(), r"user=<?carol@EXAMPLE.COM")


class Outbound(WithKdc):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.kdc.principal("smtp/127.0.0.1")
        cls.kdc.principal("printer")
        cls.service = cls.kdc.keytab(cls.folder / "service", "smtp/127.0.0.1")
        cls.keytab = cls.kdc.keytab(cls.folder / "client", "printer")

    def sender(self, port, username="printer@EXAMPLE.COM", retry="1m"):
        return Mailroot(f"""
            smart_host [127.0.0.1]:{port}
            delivery {{ retry {retry} }}
            outbound {{ tls off; auth gssapi; username {username}; password_file {self.keytab}; auth_unverified yes }}""")

    def host(self, keytab=None):
        """Accepts mail only from authenticated clients."""
        access = self.access(keytab or self.service, "gssapi_realm EXAMPLE.COM; anonymous no")
        return Mailroot(access + "relay { list none }\nlocal_domain remote.test", server_name="host")

    def send(self, server):
        server.send(["sales@remote.test"], b"Subject: x\r\n\r\nhello\r\n")

    def waits(self, server, *texts):
        wait_for(lambda: all(text in server.log() for text in texts) and server.files("cur"), f"{texts} in the log", 60)
        self.assertNotIn("status=failed", server.log())

    def agents(self, server):
        """Children of delivery's workers."""
        def parent(pid):
            with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
                return int(file.read().rsplit(")", 1)[1].split()[1])

        delivery = server.pids()["delivery"]
        return [pid for pid in server.descendants() if parent(pid) != delivery and parent(parent(pid)) == delivery]

    def test_to_ourselves(self):
        with self.host() as host, self.sender(host.port) as server:
            self.send(server)
            host.dropped(1)
            self.assertRegex(host.log(), r"user=<?printer\b")
            wait_for(lambda: "status=delivered" in server.log(), "the message to be delivered")

    def test_agent(self):
        """It is in the jail of its worker, and ends with it."""
        with self.host() as host, self.sender(host.port) as server:
            self.send(server)
            host.dropped(1)
            agents = self.agents(server)
            self.assertEqual(len(agents), 1)
            with open(f"/proc/{agents[0]}/status", encoding="utf-8") as file:
                facts = {name: value.strip() for name, _, value in (line.partition(":") for line in file)}
            if os.geteuid() == 0:
                self.assertEqual(set(facts["Uid"].split()), {str(pwd.getpwnam("mailroot-out").pw_uid)})
                self.assertEqual(sorted(map(int, os.listdir(f"/proc/{agents[0]}/fd"))), [0, 1, 2, 3])
            self.assertEqual(facts["CapEff"], "0" * 16)
            self.assertEqual(facts["NoNewPrivs"], "1")
            server.stop()
            wait_for(lambda: not os.path.exists(f"/proc/{agents[0]}"), "the agent's end", 5)

    def test_kdc_dead(self):
        """Mail waits with the reason, and is sent when the KDC is up again."""
        with self.host() as host, self.sender(host.port, retry="1s") as server:
            self.kdc.stop()
            try:
                self.send(server)
                self.waits(server, "4.7.0", "contact any KDC", "is the KDC up")
            finally:
                self.kdc.start()
            host.dropped(1, seconds=60)

    def test_host_has_another_key(self):
        """The key of the host was changed. Our old ticket is discarded, so that mail is sent once the host has the new key."""
        keytab = self.kdc.keytab(self.folder / "renewed", "smtp/127.0.0.1")
        with self.host(keytab) as host, self.sender(host.port, retry="1s") as server:
            self.send(server)
            host.dropped(1)
            self.kdc.admin("change_password -randkey smtp/127.0.0.1")
            self.kdc.keytab(self.service, "smtp/127.0.0.1")
            os.unlink(keytab)
            self.kdc.keytab(keytab, "smtp/127.0.0.1")
            host.ctl("reload")
            self.send(server)
            host.dropped(2, seconds=60)

    def test_wrong_principal(self):
        with Sink(extensions=("AUTH GSSAPI",)) as sink, self.sender(sink.port, "alice@EXAMPLE.COM") as server:
            self.send(server)
            self.waits(server, "has no key of alice@EXAMPLE.COM")
            self.assertEqual(sink.messages, [])

    def test_host_without_gssapi(self):
        with Sink(extensions=("AUTH PLAIN LOGIN",)) as sink, self.sender(sink.port) as server:
            self.send(server)
            self.waits(server, "4.7.4", "does not offer AUTH GSSAPI")
            self.assertEqual(sink.messages, [])

    @peers.needs_root
    def test_dovecot(self):
        port = harness.free_port()
        with Sink() as relay, Peer("dovecot") as peer, self.sender(port) as server:
            peer.write("etc/krb5.conf", self.kdc.krb5_conf.read_bytes())
            peer.write("etc/krb5.keytab", self.service.read_bytes(), 0o600, (20021, 20021))
            dovecot.start(peer, port, relay.port, dovecot.NO_TLS, dovecot.KERBEROS)
            self.send(server)
            relay.wait(1)
            wait_for(lambda: "status=delivered" in server.log(), "the message to be delivered")


if __name__ == "__main__":
    harness.main()
