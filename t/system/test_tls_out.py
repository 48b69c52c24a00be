"""TLS to other hosts: each policy with each fault of a host, certificates of every kind, kept connections, aiosmtpd."""
import contextlib
import json
import pathlib
import re
import socket
import ssl
import subprocess
import threading
import unittest
import warnings

import certs
import harness
from harness import Mailroot, wait_for

NAME = "mx.partner.test"
RETRY = "delivery { retry 1s 1s 2s; expire 1h }\nmessages { max_message_size none; max_session_size none }"
CLEAR, TLS = "none", "TLSv1"
STALL_SECONDS = 2  # outbound timeout for a host that stalls


class Peer(harness.Acceptor):
    """An SMTP host over TLS with one fault. It records each message: (TLS version or None, SNI, name of the client, envelope, text)."""

    def __init__(self, context, fault="", implicit=False, refusal=b"454 4.7.0 TLS not available\r\n", auth=None, port=0, address="127.0.0.1"):
        self.context, self.fault, self.implicit, self.refusal, self.auth = context, fault, implicit, refusal, auth
        self.messages, self.clear_mail, self.lines = [], 0, []
        self.stopping = threading.Event()
        super().__init__(socket.create_server((address, port), backlog=50))

    def close(self):
        self.stopping.set()
        super().close()

    def _serve(self, connection):
        with contextlib.ExitStack() as stack:
            if self.implicit:
                connection = stack.enter_context(self._secure(connection))
            connection.sendall(b"220 peer ESMTP\r\n")
            channel = self._session(connection, secured=self.implicit)
            if channel:
                self._session(stack.enter_context(channel), secured=True)

    def _secure(self, connection):
        """The handshake, or the fault in its place."""
        if self.fault == "stall-handshake":
            self.stopping.wait(30)
        if self.fault == "garbage":
            connection.sendall(b"\x00\xff what is this\r\n" * 50)
        if self.fault == "drip-in-handshake":
            for octet in b"\x16\x03\x03\x40\x00\x02" + bytes(16384):
                connection.sendall(bytes([octet]))
                if self.stopping.wait(0.1):
                    break
        if self.fault in ("close-in-handshake", "stall-in-handshake", "clear-in-handshake"):
            connection.recv(1, socket.MSG_PEEK)
            if self.fault == "stall-in-handshake":
                connection.sendall(b"\x16\x03\x03\x00\x7a\x02")
                self.stopping.wait(30)
            if self.fault == "clear-in-handshake":
                connection.sendall(b"250 ok\r\n250 ok\r\n")
            raise OSError
        return self.context.wrap_socket(connection, server_side=True)

    def _say_hello(self, connection, secured):
        if self.fault == "helo-only":
            connection.sendall(b"502 5.5.1 what?\r\n")
            return
        words = ["250-peer", "250-PIPELINING"]
        if not secured and self.fault != "no-starttls":
            words.append("250-STARTTLS")
        if self.auth is not None:
            words.append("250-AUTH PLAIN")
        connection.sendall("\r\n".join([*words, "250 8BITMIME", ""]).encode())

    def _starttls(self, connection):
        """The secured connection, or None to continue in clear."""
        if self.fault == "stall":
            self.stopping.wait(30)
        if self.fault == "close":
            raise OSError
        if self.fault == "refuse":
            connection.sendall(self.refusal)
            return None
        connection.sendall(b"220 go\r\n250-peer\r\n250 AUTH PLAIN\r\n" if self.fault == "inject" else b"220 go\r\n")
        if self.fault == "close-before-handshake":
            raise OSError
        return self._secure(connection)

    def _session(self, connection, secured):
        """Serves up to the end, or up to STARTTLS, and then returns the secured connection."""
        rcpts, sender, lines = [], None, connection.makefile("rb")
        while line := lines.readline():
            verb, _, argument = line.decode("latin-1").strip().partition(" ")
            self.lines.append(line)
            if verb == "EHLO":
                if secured and self.fault == "close-after-handshake":
                    raise OSError
                self._say_hello(connection, secured)
            elif verb == "STARTTLS":
                if (channel := self._starttls(connection)):
                    lines.close()
                    return channel
            elif verb == "MAIL":
                sender, rcpts, self.clear_mail = argument, [], self.clear_mail + (not secured)
                connection.sendall(b"250 ok\r\n")
            elif verb == "RCPT":
                rcpts.append(argument[4:-1])
                connection.sendall(b"250 ok\r\n")
            elif verb == "DATA":
                connection.sendall(b"354 go\r\n")
                if self.fault == "speaks-early":
                    connection.sendall(b"552 5.3.4 too much for me\r\n")
                    self.stopping.wait(30)
                body = []
                while (text := lines.readline()) not in (b".\r\n", b""):
                    body.append(text[1:] if text.startswith(b".") else text)
                self.messages.append((connection.version() if secured else None, self._sni(connection), self._client(connection), sender, rcpts, b"".join(body)))
                connection.sendall(b"250 2.0.0 taken\r\n")
                if self.fault == "half-close":
                    connection.unwrap()
            elif verb == "AUTH" and self.auth is not None:
                connection.sendall(self.auth)
            elif verb == "QUIT":
                connection.sendall(b"221 bye\r\n")
                return None
            else:
                connection.sendall(b"250 ok\r\n" if verb in ("HELO", "RSET") else b"500 what?\r\n")
        return None

    def _sni(self, connection):
        return getattr(connection, "sni", None)

    @staticmethod
    def _client(connection):
        certificate = connection.getpeercert() if isinstance(connection, ssl.SSLSocket) else None
        return certificate and dict(pair[0] for pair in certificate["subject"]).get("commonName")

    def wait(self, count=1, seconds=30):
        wait_for(lambda: len(self.messages) >= count, f"{count} messages at the peer (has {len(self.messages)}; {self.lines[-5:]})", seconds)
        return self.messages


def context_of(certificate, client_ca=None, version=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.certificate, certificate.key)
    if client_ca:
        context.load_verify_locations(client_ca)
        context.verify_mode = ssl.CERT_REQUIRED
    if version:
        context.set_ciphers("ALL:@SECLEVEL=0")
        with warnings.catch_warnings(action="ignore"):
            context.minimum_version = context.maximum_version = version

    def note_sni(channel, name, _):
        channel.sni = name

    context.sni_callback = note_sni
    return context


def verdicts(server, recipient):
    """(tls, status, enhanced, text) of each log line about RECIPIENT."""
    return re.findall(rf'to=<{re.escape(recipient)}> relay=\S+ tls=(\S+) status=(\w+) code=\d+ enhanced=(\S+) text="(.*?)" delay', server.log())


class TlsOut(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = harness.scratch()
        cls.ca = certs.Authority(cls.folder / "ca")
        cls.good = cls.ca.issue(NAME)
        cls.context = context_of(cls.good)

    def outbound(self, policy, extra=""):
        whom = f"tls_name {NAME}; tls_ca {self.ca.file};" if policy == "verify" else ""
        return f"outbound {{ tls {policy}; timeout {STALL_SECONDS}s; {whom} {extra} }}"

    @staticmethod
    def domain(name, peer, block):
        return f"remote_domain {name} {{ route [127.0.0.1]:{peer.port}; {block} }}"

    def expect(self, server, recipient, peer, wanted):
        """WANTED: "none" or the version of TLS of the message, or words of the reason why it waits, or `returned: ` and the reason."""
        if wanted in (CLEAR, TLS):
            peer.wait()
            line = wait_for(lambda: [v for v in verdicts(server, recipient) if v[1] == "delivered"], f"a line for {recipient}")[0]
            self.assertTrue(line[0].startswith(wanted), (recipient, line))
            self.assertEqual(peer.messages[0][0] is None, wanted == CLEAR, recipient)
            return
        status = "failed" if wanted.startswith("returned: ") else "delayed"
        line = wait_for(lambda: verdicts(server, recipient), f"a line for {recipient}")[0]
        self.assertEqual(line[1], status, (recipient, line))
        self.assertRegex(line[2] + " " + line[3], wanted.removeprefix("returned: "), recipient)
        self.assertEqual((peer.clear_mail, peer.messages), (0, []), recipient)

    def run_table(self, table):
        """Rows of (name, peer, outbound block, wanted), all at the same time."""
        with contextlib.ExitStack() as stack:
            rows = [(f"u@{name}.test", stack.enter_context(peer), block, wanted) for name, peer, block, wanted in table]
            blocks = "\n".join(self.domain(to[2:], peer, block) for to, peer, block, _ in rows)
            server = stack.enter_context(Mailroot(f"{RETRY}\n{blocks}"))
            for to, *_ in rows:
                server.send([to])
            for to, peer, _, wanted in rows:
                with self.subTest(to):
                    self.expect(server, to, peer, wanted)

    def test_each_policy_and_each_fault(self):
        """Columns: opportunistic, encrypt, verify."""
        no_offer = "^4.7.4 the host does not offer STARTTLS; tls is"
        refused = "^4.7.4 the host refused STARTTLS: 454 4.7.0 TLS not available"
        hung_up = "^4.7.5 no TLS with the host: .*closed the connection"
        cases = {
            "": (TLS, TLS, TLS),
            "no-starttls": (CLEAR, no_offer, no_offer),
            "helo-only": (CLEAR, no_offer, no_offer),
            "refuse": (CLEAR, refused, refused),
            "stall": (CLEAR, *["^4.4.2 time-out while waiting for the reply to STARTTLS"] * 2),
            "close": (CLEAR, *["^4.4.2 connection lost while waiting for the reply to STARTTLS"] * 2),
            "close-before-handshake": (CLEAR, hung_up, hung_up),
            "inject": (CLEAR, *["^4.7.5 no TLS with the host: data came in clear"] * 2),
            "garbage": (CLEAR, *["^4.7.5 no TLS with the host: "] * 2),
            "stall-handshake": (CLEAR, *["^4.7.5 no TLS with the host: .*in time"] * 2),
            "stall-in-handshake": (CLEAR, *["^4.7.5 no TLS with the host: .*in time"] * 2),
            "drip-in-handshake": (CLEAR, *["^4.7.5 no TLS with the host: .*in time"] * 2),
            "close-in-handshake": (CLEAR, hung_up, hung_up),
            "clear-in-handshake": (CLEAR, *["^4.7.5 no TLS with the host: "] * 2),
            "close-after-handshake": (CLEAR, *["^4.4.2 connection lost while waiting for the reply to EHLO"] * 2),
        }
        self.run_table([(f"{fault or 'none'}.{policy}", Peer(self.context, fault), self.outbound(policy), wanted)
                        for fault, row in cases.items() for policy, wanted in zip(("opportunistic", "encrypt", "verify"), row)])

    def test_certificates(self):
        """For opportunistic and encrypt any certificate is accepted."""
        other, expired, early = self.ca.issue("other.test"), self.ca.issue(NAME, since=-30, days=20), self.ca.issue(NAME, since=5)
        self_signed, revoked = certs.self_signed(self.folder / "self", NAME), self.ca.issue(NAME)
        self.ca.revoke(revoked)
        by_address, wildcard = self.ca.issue("IP:127.0.0.1"), self.ca.issue("*.partner.test")
        verify, rows = self.outbound("verify"), []

        def row(name, certificate, block, wanted):
            rows.append((name, Peer(context_of(certificate)), block, wanted))

        for policy in ("opportunistic", "encrypt"):
            for name, certificate in (("other", other), ("expired", expired), ("self", self_signed), ("revoked", revoked)):
                row(f"{name}.{policy}", certificate, self.outbound(policy), TLS)
        row("other", other, verify, f"^4.7.5 no TLS with the host: certificate is for other.test, not {NAME}; set tls_name .* tls_fingerprint {other.fingerprint()}")
        row("expired", expired, verify, "^4.7.5 .*certificate has expired")
        row("early", early, verify, "^4.7.5 .*certificate is not yet valid")
        row("self", self_signed, verify, f"^4.7.5 .*from an unknown authority .* tls_fingerprint {self_signed.fingerprint()}")
        row("revoked", revoked, verify.replace(str(self.ca.file), str(self.ca.crl)), "^4.7.5 .*certificate revoked")
        row("not-revoked", self.good, verify.replace(str(self.ca.file), str(self.ca.crl)), TLS)
        row("system", self.good, f"outbound {{ tls verify; tls_name {NAME} }}", "^4.7.5 .*from an unknown authority")
        row("wildcard", wildcard, verify, TLS)
        row("address", by_address, f"outbound {{ tls verify; tls_ca {self.ca.file} }}", TLS)
        row("address-wanted", self.good, f"outbound {{ tls verify; tls_ca {self.ca.file} }}", f"^4.7.5 .*certificate is for {NAME}, not 127.0.0.1")
        for policy in ("opportunistic", "encrypt", "verify"):
            row(f"pin.{policy}", expired, f"outbound {{ tls {policy}; tls_fingerprint {'00' * 32} {expired.fingerprint().upper()} }}", TLS)
            row(f"other-pin.{policy}", self.good, f"outbound {{ tls {policy}; tls_fingerprint {expired.fingerprint()} }}",
                f"^4.7.5 .*another fingerprint than tls_fingerprint: {self.good.fingerprint()}")
        self.run_table(rows)

    def test_log_has_the_tls_version(self):
        blocks = {"a.test": self.outbound("verify"), "b.test": "outbound { tls encrypt }", "c.test": "outbound { tls off }"}
        with Peer(self.context) as peer, Mailroot("\n".join([RETRY, *(self.domain(n, peer, b) for n, b in blocks.items())])) as server:
            for to in ("u@a.test", "u@b.test", "u@c.test"):
                server.send([to])
            peer.wait(3)
            for to, how in (("u@a.test", r"TLSv1\.3:TLS_\w+:verified"), ("u@b.test", r"TLSv1\.3:TLS_\w+:unverified"), ("u@c.test", "none")):
                line = wait_for(lambda: verdicts(server, to), f"a line for {to}")[0]
                self.assertRegex(line[0], f"^{how}$")
            names = {m[4][0]: m[1] for m in peer.messages}
            self.assertEqual(names, {"u@a.test": NAME, "u@b.test": None, "u@c.test": None})

    def test_tls_missing_return(self):
        """As in Windows: mail is returned at once if TLS is not offered, but not because of a certificate or a temporary refusal."""
        give_back = self.outbound("verify", "tls_missing return")
        self.run_table([
            ("missing", Peer(self.context, "no-starttls"), give_back, "returned: ^5.7.4 the host does not offer STARTTLS"),
            ("refused", Peer(self.context, "refuse", refusal=b"502 5.5.1 no\r\n"), give_back, "returned: ^5.7.4 the host refused STARTTLS: 502 5.5.1 no"),
            ("later", Peer(self.context, "refuse"), give_back, "^4.7.4 the host refused STARTTLS"),
            ("wrong", Peer(context_of(self.ca.issue("other.test"))), give_back, "^4.7.5 .*certificate is for other.test"),
        ])

    def test_implicit(self):
        other = context_of(self.ca.issue("other.test"))
        self.run_table([
            ("verify", Peer(self.context, implicit=True), self.outbound("verify", "implicit yes"), TLS),
            ("opportunistic", Peer(other, implicit=True), self.outbound("opportunistic", "implicit yes"), TLS),
            ("wrong", Peer(other, implicit=True), self.outbound("verify", "implicit yes"), "^4.7.5 .*certificate is for other.test"),
            ("stall", Peer(self.context, "stall-handshake", implicit=True), self.outbound("opportunistic", "implicit yes"), "^4.7.5 .*in time"),
            ("clear", Peer(self.context), self.outbound("opportunistic", "implicit yes"), "^4.7.5 .*does not speak TLS"),
        ])

    def test_old_versions(self):
        old = context_of(self.good, version=ssl.TLSVersion.TLSv1)
        rows = [(policy, Peer(old), self.outbound(policy), wanted)
                for policy, wanted in (("opportunistic", "TLSv1"), ("encrypt", "^4.7.5 no TLS with the host: .*no version or cipher that both sides allow"), ("verify", "^4.7.5 no TLS with the host: "))]
        self.run_table(rows)

    def test_client_certificate(self):
        ours = self.ca.issue("relay.example.com")
        strict, old = (context_of(self.good, client_ca=self.ca.file) for _ in range(2))
        old.maximum_version = ssl.TLSVersion.TLSv1_2  # with 1.3 the host objects after the handshake
        with Peer(strict) as peer:
            self.run_table([("with", peer, self.outbound("verify", f"client_certificate {ours}"), TLS),
                            ("without", Peer(old), self.outbound("verify"), "^4.7.5 no TLS with the host: .*handshake"),
                            ("later", Peer(strict), self.outbound("verify"), "^4.4.2 connection lost while waiting for the reply to EHLO: .*certificate required"),
                            ("all-the-same", Peer(strict), self.outbound("opportunistic"), CLEAR)])
            self.assertEqual(peer.messages[0][2], "relay.example.com")

    def test_next_host_may_meet_the_policy(self):
        """A host that does not meet the policy is skipped; if none does, the mail waits."""
        with Peer(self.context, "no-starttls") as first, Peer(context_of(self.ca.issue("other.test"))) as second, Peer(self.context) as third:
            route = " ".join(f"[127.0.0.1]:{p.port}" for p in (first, second, third))
            with Mailroot(f"{RETRY}\nremote_domain a.test {{ route {route}; {self.outbound('verify')} }}") as server:
                server.send(["u@a.test"])
                third.wait()
                self.assertEqual((first.clear_mail, second.messages), (0, []))
                self.assertEqual(wait_for(lambda: verdicts(server, "u@a.test"), "a line")[0][1], "delivered")

    def test_waits_until_the_host_is_corrected(self):
        with Peer(self.context, "refuse") as peer, Mailroot(f"{RETRY}\n{self.domain('a.test', peer, self.outbound('encrypt'))}") as server:
            server.send(["u@a.test"])
            wait_for(lambda: "refused STARTTLS" in server.ctl("queue", "list").stdout, "the reason in the queue")
            peer.fault = ""
            peer.wait()
            self.assertIsNotNone(peer.messages[0][0])

    def test_broken_tls_is_tried_once(self):
        """Opportunistic: a failure takes one connection, not one for each message."""
        conf = f"""delivery {{ retry 1s; processes {{ spare 1; max 1 }} }}
                   messages {{ max_messages_per_connection 1 }}"""
        with Peer(self.context, "garbage") as peer, Mailroot(f"{conf}\n{self.domain('a.test', peer, self.outbound('opportunistic'))}") as server:
            for i in range(5):
                server.send([f"u{i}@a.test"])
            peer.wait(5)
            self.assertEqual(peer.connections, 6)
            self.assertEqual(peer.lines.count(b"STARTTLS\r\n"), 1)
            self.assertEqual(server.log().count("in clear for"), 1)

    def test_refused_password_is_not_tried_for_each_message(self):
        """Mail waits, with the name of the block; the host gets an attempt from time to time, and all mail when it accepts the password."""
        password = self.folder / "password"
        password.write_text("opensesame\n")
        password.chmod(0o600)
        block = self.outbound("verify", f"auth plain; username scan; password_file {password}")
        with Peer(self.context, auth=b"535 5.7.8 no\r\n") as peer, Mailroot(f"{RETRY}\nlog {{ format json }}\n{self.domain('a.test', peer, block)}") as server:
            for i in range(20):
                server.send([f"u{i}@a.test"])
            line = wait_for(lambda: verdicts(server, "u0@a.test"), "a verdict")[0]
            self.assertEqual(line[1:3], ("delayed", "4.7.8"))
            self.assertRegex(line[3], r"^the host refused username and password of remote_domain a\.test of virtual_server test \(username .*:\d+\): 535 5\.7\.8 no")
            wait_for(lambda: server.ctl("queue", "list").stdout.count("refused username and password") == 20, "20 messages that wait")
            self.assertLess(sum(line.startswith(b"AUTH") for line in peer.lines), 10)
            self.assertEqual((peer.messages, server.files("drop")), ([], []))
            peer.auth = b"235 2.7.0 welcome\r\n"
            peer.wait(20)
            kept = b"".join(p.read_bytes() for folder in (server.folder / "logs", server.folder / "spool") for p in folder.rglob("*") if p.is_file())
            for secret in (b"opensesame", b"AHNjYW4Ab3BlbnNlc2FtZQ"):
                self.assertNotIn(secret, kept + server.log().encode())

    def test_no_credentials_for_a_host_that_is_not_trusted(self):
        password = self.folder / "other-password"
        password.write_text("opensesame\n")
        password.chmod(0o600)
        user = f"auth plain; username scan; password_file {password}"
        other = context_of(self.ca.issue("other.test"))
        welcome = b"235 2.7.0 welcome\r\n"
        rows = [("verify", Peer(other, auth=welcome), self.outbound("verify", user), "^4.7.5 .*certificate is for other.test"),
                ("clear", Peer(self.context, "no-starttls", auth=welcome), self.outbound("verify", user), "^4.7.4 the host does not offer STARTTLS"),
                ("no-auth", Peer(self.context), self.outbound("verify", user), "^4.7.4 can't authenticate with the settings of remote_domain no-auth.test of virtual_server test .*: .*; the host offers no authentication"),
                ("allowed", Peer(self.context, "no-starttls", auth=welcome), self.outbound("off", user + "; auth_unverified yes"), CLEAR),
                ("good", Peer(self.context, auth=welcome), self.outbound("verify", user), TLS)]
        self.run_table(rows)
        tried = {name: any(line.startswith(b"AUTH") for line in peer.lines) for name, peer, *_ in rows}
        self.assertEqual(tried, {"verify": False, "clear": False, "no-auth": False, "allowed": True, "good": True})

    def test_kept_connection(self):
        """Many messages over one connection; session tickets of TLS 1.3 are not replies."""
        with Peer(self.context) as peer, Mailroot(f"{RETRY}\n{self.domain('a.test', peer, self.outbound('verify'))}") as server:
            for i in range(10):
                server.send([f"u{i}@a.test"])
                peer.wait(i + 1)
            self.assertEqual(peer.connections, 1)
            self.assertEqual({m[0] for m in peer.messages}, {"TLSv1.3"})

    def test_half_closed(self):
        """The host sends close_notify and keeps the connection open: the next message needs another one."""
        with Peer(self.context, "half-close") as peer, Mailroot(f"{RETRY}\n{self.domain('a.test', peer, self.outbound('verify'))}") as server:
            for i in range(3):
                server.send([f"u{i}@a.test"])
                peer.wait(i + 1)
            self.assertEqual(peer.connections, 3)
            self.assertNotIn("status=delayed", server.log())

    def test_large_message(self):
        text = b"Subject: large\r\n\r\n" + b"".join(b"%07d %s\r\n" % (i, b"x" * 90) for i in range(120_000))
        with Peer(self.context) as peer, Mailroot(f"{RETRY}\n{self.domain('a.test', peer, self.outbound('verify'))}") as server:
            server.send(["u@a.test"], text)
            peer.wait()
            self.assertTrue(peer.messages[0][5].endswith(text))

    def test_host_speaks_before_the_end_of_data(self):
        """The host stops reading, and its reply was in the same packet as 354: neither end may wait for the other."""
        text = b"Subject: large\r\n\r\n" + (b"x" * 98 + b"\r\n") * 150_000
        with Peer(self.context, "speaks-early") as peer, Mailroot(f"{RETRY}\n{self.domain('a.test', peer, 'outbound { tls encrypt }')}") as server:
            server.send(["u@a.test"], text)
            line = wait_for(lambda: verdicts(server, "u@a.test"), "a verdict", 15)[0]
            self.assertEqual(line[1:], ("failed", "5.3.4", "too much for me"))

    def test_transaction_log(self):
        """It has STARTTLS, and every command within TLS."""
        with Peer(self.context) as peer, Mailroot(f"{RETRY}\nlog {{ format json }}\n{self.domain('a.test', peer, self.outbound('verify'))}") as server:
            server.send(["u@a.test"])
            peer.wait()
            folder = server.folder / "logs" / "test"

            def verbs():
                lines = [json.loads(line) for path in folder.glob("*.log") for line in path.read_text().splitlines()]
                found = [line["verb"] for line in lines if line["direction"] == "out"]
                return "STARTTLS" in found and found.count("EHLO") == 2

            wait_for(verbs, "STARTTLS and each EHLO in the log")


class Aiosmtpd(unittest.TestCase):
    """A server of another project, in a process of its own."""

    def serve(self, stack, *arguments):
        script = pathlib.Path(__file__).with_name("aiosmtpd_peer.py")
        process = stack.enter_context(subprocess.Popen(["/usr/bin/python3", str(script), str(harness.free_port()), *map(str, arguments)], stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True))
        stack.callback(process.kill)
        port = process.stdout.readline()
        self.assertTrue(port.strip().isdigit(), "no aiosmtpd: apt-get install python3-aiosmtpd")
        return process, int(port)

    def test_starttls_and_implicit(self):
        folder = harness.scratch()
        ca = certs.Authority(folder / "ca")
        good = ca.issue(NAME)
        for mode, implicit in (("starttls", "no"), ("implicit", "yes")):
            with self.subTest(mode), contextlib.ExitStack() as stack:
                process, port = self.serve(stack, mode, good.certificate, good.key)
                server = stack.enter_context(Mailroot(f"{RETRY}\nremote_domain a.test {{ route [127.0.0.1]:{port}; outbound {{ tls verify; implicit {implicit}; "
                                                      f"tls_name {NAME}; tls_ca {ca.file} }} }}"))
                server.send(["u@a.test"])
                got = json.loads(process.stdout.readline())
                self.assertEqual(got["rcpts"], ["u@a.test"])
                self.assertTrue(got["tls"])
                line = wait_for(lambda: verdicts(server, "u@a.test"), "a line")[0]
                self.assertRegex(line[0], r"^TLSv1\.3:\w+:verified$")


if __name__ == "__main__":
    harness.main()
