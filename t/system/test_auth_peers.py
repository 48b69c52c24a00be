"""Authentication to other servers, as packaged in Debian: Postfix with Cyrus SASL, Dovecot submission, OpenSMTPD, aiosmtpd. Each accepts
mail over TLS from an authenticated user only, so that every delivery is a proof."""
import contextlib
import json
import pathlib
import re
import subprocess
import sys
import unittest

import certs
import dovecot
import harness
import postfix
from harness import Mailroot, Sink, wait_for
from peers import Peer, needs_root

USER, PASSWORD = "relay@peer.test", "correct horse, battery=staple"
NAME = "peer.test"
RCPT = "someone@elsewhere.test"


def write_password(folder, text, name="password"):
    path = pathlib.Path(folder) / name
    path.write_text(text)
    path.chmod(0o600)
    return path


def outbound(authority, password, auth, username=USER):
    return (f"outbound {{ tls verify; tls_ca {authority.file}; tls_name {NAME}; auth {auth}; username {username};"
            f" password_file {password}; timeout 20s }}\ndelivery {{ retry 1h }}")


class Case(unittest.TestCase):
    key = "ecdsa"

    @classmethod
    def setUpClass(cls):
        cls.folder = harness.scratch()
        cls.authority = certs.Authority(cls.folder / "ca")
        cls.certificate = cls.authority.issue(NAME, kind=cls.key)
        cls.password = write_password(cls.folder, PASSWORD + "\n")
        cls.wrong = write_password(cls.folder, "not it\n", "wrong")

    def mailroot(self, port, auth, password=None, username=USER):
        return Mailroot(f"smart_host [127.0.0.1]:{port}\n{outbound(self.authority, password or self.password, auth, username)}")

    @staticmethod
    def wait_for_attempt(server):
        wait_for(lambda: re.search("relay=.* status=(delivered|delayed|failed)", server.log()), "an attempt", 30)

    def delivers(self, port, auth, username=USER):
        """With mechanism AUTH one message is delivered; with a wrong password it waits, and its reason says so."""
        with self.mailroot(port, auth, username=username) as server:
            server.send([RCPT])
            self.wait_for_attempt(server)
            self.assertIn("status=delivered", server.log())
            self.assertRegex(server.log(), r"tls=TLSv1\.\d:\S+:verified status=delivered")
            self.assertNotIn(PASSWORD, server.log())
        with self.mailroot(port, auth, self.wrong, username) as server:
            server.send([RCPT])
            self.wait_for_attempt(server)
            self.assertIn("status=delayed code=535", server.log())
            wait_for(lambda: re.search(r"next hop \S+ as virtual_server is down: .*535", server.log()), "the next hop being left alone")

    def copy(self, peer, path="etc/mail"):
        """Certificate and key in the peer."""
        peer.write(f"{path}.pem", self.certificate.certificate.read_bytes())
        peer.write(f"{path}.key", self.certificate.key.read_bytes(), 0o600)


@needs_root
class Postfix(Case):
    MAIN = """smtpd_recipient_restrictions = permit_sasl_authenticated, reject
smtpd_relay_restrictions = permit_sasl_authenticated, reject
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = cyrus
smtpd_sasl_path = smtpd
smtpd_sasl_local_domain = peer.test
smtpd_tls_security_level = encrypt
smtpd_tls_auth_only = yes
"""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.port = harness.free_port()
        cls.peer = postfix.Postfix(cls.certificate, cls.MAIN, "127.0.0.1", cls.port)
        cls.addClassCleanup(cls.peer.__exit__, None, None, None)
        cls.peer.write("etc/postfix/sasl/smtpd.conf", "pwcheck_method: auxprop\nauxprop_plugin: sasldb\n"
                       "mech_list: PLAIN LOGIN CRAM-MD5 SCRAM-SHA-256\n")
        cls.peer.run("/usr/sbin/saslpasswd2", "-p", "-c", "-u", "peer.test", "relay", text_in=PASSWORD)
        (cls.peer.root / "etc/sasldb2").chmod(0o644)
        cls.peer.serve()

    def check(self, auth, method):
        self.delivers(self.port, auth)
        self.assertIn(f"sasl_method={method}, sasl_username={USER}", self.peer.log())

    def test_plain(self):
        self.check("plain", "PLAIN")

    def test_login(self):
        self.check("login", "LOGIN")

    def test_cram_md5(self):
        self.check("cram-md5", "CRAM-MD5")

    def test_scram_sha_256(self):
        self.check("scram-sha-256", "SCRAM-SHA-256")


@needs_root
class Dovecot(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.peer, cls.sink = Peer("dovecot"), Sink()
        cls.addClassCleanup(cls.sink.close)
        cls.addClassCleanup(cls.peer.__exit__, None, None, None)
        cls.port = harness.free_port()
        cls.copy(cls, cls.peer)
        cls.peer.write("etc/users", f"{USER}:{PASSWORD}\n")
        dovecot.start(cls.peer, cls.port, cls.sink.port, dovecot.TLS, dovecot.PASSWORDS)

    def check(self, auth):
        before = len(self.sink.messages)
        self.delivers(self.port, auth)
        self.sink.wait(before + 1)

    def test_plain(self):
        self.check("plain")

    def test_login(self):
        self.check("login")

    def test_cram_md5(self):
        self.check("cram-md5")

    def test_scram_sha_256(self):
        self.check("scram-sha-256")


@needs_root
class OpenSMTPD(Case):
    """That of Debian 12 offers STARTTLS and AUTH, but fails in each handshake: its process for keys is not compatible with OpenSSL 3. So it
    is a real host with broken TLS; if TLS works, users authenticate."""
    key = "rsa"
    CONF = """pki peer.test cert "/etc/mail.pem"
pki peer.test key "/etc/mail.key"
table users file:/etc/users
listen on 127.0.0.1 port {port} tls pki peer.test auth-optional <users> hostname peer.test
listen on 127.0.0.1 port {strict} tls-require pki peer.test auth <users> hostname peer.test
action "onward" relay host "smtp://127.0.0.1:{sink}"
match from any for any action "onward"
match auth from any for any action "onward"
"""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.peer, cls.sink = Peer("opensmtpd"), Sink()
        cls.addClassCleanup(cls.sink.close)
        cls.addClassCleanup(cls.peer.__exit__, None, None, None)
        cls.port, cls.strict = harness.free_port(), harness.free_port()
        cls.copy(cls, cls.peer)
        digest = certs.openssl("passwd", "-6", "-stdin", stdin=PASSWORD.encode()).decode().strip()
        cls.peer.write("etc/users", f"{USER} {digest}\n", 0o640, (0, 20011))
        cls.peer.write("etc/smtpd.conf", cls.CONF.format(port=cls.port, strict=cls.strict, sink=cls.sink.port))
        cls.peer.folder("var/lib/opensmtpd/empty")
        cls.peer.folder("var/spool/smtpd", 0o711)
        cls.peer.start("/usr/sbin/smtpd", "-d", "-f", "/etc/smtpd.conf", port=cls.strict)
        done = subprocess.run(["openssl", "s_client", "-starttls", "smtp", "-brief", "-connect", f"127.0.0.1:{cls.port}"], input=b"QUIT\r\n",
                              capture_output=True, timeout=20)
        cls.works = done.returncode == 0

    def check(self, auth):
        if self.works:
            self.delivers(self.strict, auth)
            self.sink.wait(1)
            return
        with self.mailroot(self.strict, auth) as server:
            server.send([RCPT])
            self.wait_for_attempt(server)
            self.assertRegex(server.log(), r'status=delayed code=0 enhanced=4\.7\.5 text="no TLS with the host: the host ended the handshake')

    def test_plain(self):
        self.check("plain")

    def test_login(self):
        self.check("login")

    def test_opportunistic_delivers_in_any_case(self):
        before = len(self.sink.messages)
        with Mailroot(f"smart_host [127.0.0.1]:{self.port}\ndelivery {{ retry 1h }}") as server:
            server.send([RCPT])
            self.sink.wait(before + 1)
            wait_for(lambda: "status=delivered" in server.log(), "delivery")
            self.assertIn("tls=TLSv1" if self.works else "tls=none", server.log())


class Ourselves(Case):
    """Mailroot to Mailroot: SCRAM with channel binding, which no other server here offers."""

    def setUp(self):
        users = pathlib.Path(self.folder) / "users"
        users.unlink(missing_ok=True)
        access = (f"access {{ auth plain login scram-sha-256 cram-md5; anonymous no; tls_certificate {self.certificate}; user_file {users} }}\n"
                  f"local_domain elsewhere.test {{ }}\nlog {{ format json }}\nrelay {{ list 192.0.2.1 }}")
        self.receiver = Mailroot(access)
        self.receiver.__enter__()
        self.addCleanup(self.receiver.__exit__, None, None, None)
        subprocess.run([str(harness.BUILD / "mailrootctl"), "-c", str(self.receiver.conf), "user", "add", USER, "--cram-md5"], input=PASSWORD + "\n",
                       text=True, check=True, stdout=subprocess.DEVNULL)

    def log_of_commands(self):
        return "".join(path.read_text() for path in (self.receiver.folder / "logs").rglob("*.log"))

    def check(self, auth, mechanism):
        self.delivers(self.receiver.port, auth)
        self.receiver.dropped(1)
        wait_for(lambda: mechanism in self.log_of_commands(), f"{mechanism} in the log")

    def test_plain(self):
        self.check("plain", "PLAIN")

    def test_login(self):
        self.check("login", "LOGIN")

    def test_cram_md5(self):
        self.check("cram-md5", "CRAM-MD5")

    def test_scram_sha_256_plus(self):
        self.check("scram-sha-256", "SCRAM-SHA-256-PLUS")


class Aiosmtpd(Case):
    def check(self, auth):
        script = pathlib.Path(__file__).with_name("aiosmtpd_peer.py")
        port = harness.free_port()
        host = subprocess.Popen(["/usr/bin/python3", str(script), str(port), "starttls", str(self.certificate.certificate),
                                 str(self.certificate.key), USER, PASSWORD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        with contextlib.ExitStack() as stack:
            stack.callback(host.wait)
            stack.callback(host.stdin.close)
            stack.callback(host.stdout.close)
            self.assertTrue(host.stdout.readline().strip().isdigit(), "no aiosmtpd: apt-get install python3-aiosmtpd")
            self.delivers(port, auth)
            message = json.loads(host.stdout.readline())
            self.assertEqual((message["rcpts"], message["tls"]), ([RCPT], True))

    def test_plain(self):
        self.check("plain")

    def test_login(self):
        self.check("login")


if __name__ == "__main__":
    sys.exit(harness.main())
