"""Inbound TLS with real clients: STARTTLS and listeners with tls, versions, ciphers, certificates, tickets, reloads."""
import contextlib
import random
import re
import smtplib
import ssl
import subprocess
import unittest

import certs
import harness
from harness import Mailroot, Message, free_port, scratch, wait_for
from secured import Secured, context

BODY = b"Subject: tls\r\n\r\nhello\r\n"


class Tls(unittest.TestCase):
    """One authority, and certificates of both key types for our name and another one."""

    @classmethod
    def setUpClass(cls):
        cls.folder = scratch()
        cls.authority = certs.Authority(cls.folder / "ca")
        cls.ecdsa = cls.authority.issue("mail.example.com", "localhost", "IP:127.0.0.1")
        cls.rsa = cls.authority.issue("mail.example.com", "localhost", "IP:127.0.0.1", kind="rsa")
        cls.other = cls.authority.issue("other.example.org", "*.other.example.org")

    def server(self, access="", server="", **options):
        """With STARTTLS on `port` and TLS from the first octet on `tls_port`."""
        tls_port = free_port()
        made = Mailroot(f"access {{ tls_certificate {self.ecdsa}; tls_certificate {self.rsa}; tls_certificate {self.other}; {access} }}\n"
                        f"listen 127.0.0.1:{tls_port} tls\n{server}", **options)
        made.tls_port = tls_port
        return made

    def received(self, server, count=1):
        newest = max(server.dropped(count), key=lambda p: p.stat().st_mtime_ns)
        return newest.read_text(errors="replace")


class Clients(Tls):
    def run_client(self, command, stdin=b""):
        done = subprocess.run([str(c) for c in command], input=stdin, capture_output=True, timeout=60)
        self.assertEqual(done.returncode, 0, f"{command}\n{done.stdout.decode(errors='replace')}\n{done.stderr.decode(errors='replace')}")
        return done.stdout.decode(errors="replace")

    def commands(self, server):
        """Common clients, each with STARTTLS and with implicit TLS, verifying our certificate."""
        ca, port, tls = self.authority.file, server.port, server.tls_port
        dialogue = b"EHLO c\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.com>\r\nDATA\r\n" + BODY + b".\r\nQUIT\r\n"
        s_client = ["openssl", "s_client", "-quiet", "-verify_return_error", "-CAfile", ca, "-verify_hostname", "mail.example.com"]
        swaks = ["swaks", "--server", "127.0.0.1", "--from", "a@example.com", "--to", "b@example.com", "--tls-verify", "--tls-ca-path", ca]
        message = self.folder / "message"
        message.write_bytes(BODY)
        curl = ["curl", "-sS", "--cacert", ca, "--mail-from", "a@example.com", "--mail-rcpt", "b@example.com", "-T", message]
        msmtp = ["msmtp", "--host=localhost", "--from=a@example.com", "--tls=on", f"--tls-trust-file={ca}", "--auth=off", "--timeout=20"]
        yield "s_client", [*s_client, "-starttls", "smtp", "-connect", f"127.0.0.1:{port}"], dialogue
        yield "s_client", [*s_client, "-connect", f"127.0.0.1:{tls}"], dialogue
        yield "swaks", [*swaks, "--port", port, "--tls"], b""
        yield "swaks", [*swaks, "--port", tls, "--tls-on-connect"], b""
        yield "curl", [*curl, "--ssl-reqd", f"smtp://127.0.0.1:{port}"], b""
        yield "curl", [*curl, f"smtps://127.0.0.1:{tls}"], b""
        yield "msmtp", [*msmtp, f"--port={port}", "b@example.com"], BODY
        yield "msmtp", [*msmtp, f"--port={tls}", "--tls-starttls=off", "b@example.com"], BODY

    def test_programs(self):
        with self.server() as server:
            count = 0
            for name, command, stdin in self.commands(server):
                with self.subTest(name, command=command):
                    self.run_client(command, stdin)
                    count += 1
                    text = self.received(server, count)
                    self.assertRegex(text, r"\t\(using TLSv1\.3 with cipher TLS_AES_256_GCM_SHA384 \(256 bits\)\)\r?\n\tby mail\.example\.com with ESMTPS id ")
            log = server.log()
            self.assertEqual(len(re.findall(r"client=127\.0\.0\.1 version=TLSv1\.3 cipher=TLS_AES_256_GCM_SHA384 bits=256 resumed=no status=tls\n", log)), count)
            self.assertEqual(log.count(" tls=TLSv1.3:TLS_AES_256_GCM_SHA384 status=accepted"), count)

    def test_smtplib(self):
        with self.server(server="log { format w3c }") as server:
            tls = context(self.authority)
            with server.client() as client:
                client._host = "mail.example.com"
                client.ehlo()
                self.assertIn("starttls", client.esmtp_features)
                self.assertEqual(client.starttls(context=tls), (220, b"2.0.0 SMTP server ready"))
                client.ehlo()
                self.assertNotIn("starttls", client.esmtp_features)
                client.sendmail("a@example.com", ["b@example.com"], BODY)
            with smtplib.SMTP_SSL("localhost", server.tls_port, context=tls) as client:
                client.sendmail("a@example.com", ["b@example.com"], BODY)
            server.dropped(2)
            logs = server.folder / "logs"
            wait_for(lambda: any("STARTTLS" in p.read_text() and p.read_text().count("QUIT") == 2 for p in logs.rglob("*.log")), "STARTTLS in the transaction log")

    def test_helo_over_tls_is_still_smtp(self):
        with self.server() as server, Secured(server) as client:
            client.say(b"HELO c\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.com>\r\nDATA\r\n")
            self.assertEqual([client.reply()[0] for _ in range(4)], [250, 250, 250, 354])
            self.assertEqual(client.command("x\r\n.")[0], 250)
            self.assertIn("with SMTP id", self.received(server))

    def test_large(self):
        """20 MB of random octets, with DATA and with BDAT, arrive unchanged."""
        octets = random.Random(4).randbytes(20 << 20).replace(b"\r", b"r").replace(b"\n", b"\r\n") + b"\r\n"
        with self.server(server="messages { max_message_size 50M; max_session_size none }") as server:
            with Secured(server, timeout=60) as client:
                self.assertEqual(client.deliver(b"\r\n" + octets), 250)
            with Secured(server, timeout=60) as client:
                client.say(b"EHLO c\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.com>\r\nDATA\r\n")
                self.assertEqual([client.reply()[0] for _ in range(4)][-1], 354)
                client.say(b"\r\n" + re.sub(rb"(?m)^\.", b"..", octets) + b".\r\n")
                self.assertEqual(client.reply()[0], 250)
            for path in server.dropped(2):
                self.assertTrue(Message(path).content == b"\r\n" + octets, "the message has changed")

    def test_pipelining(self):
        with self.server() as server, Secured(server) as client:
            client.say(b"EHLO c\r\n" + b"".join(b"MAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.com>\r\nBDAT 3 LAST\r\nx\r\n" for _ in range(50)) + b"QUIT\r\n")
            codes = []
            while (code := client.reply()[0]):
                codes.append(code)
            self.assertEqual(codes, [250] * 151 + [221])
            server.dropped(50)


class Promises(Tls):
    """Only the versions and ciphers that common/tls/server.h documents are accepted."""

    STRICT = {("TLSv1.3", c) for c in ("TLS_AES_256_GCM_SHA384", "TLS_AES_128_GCM_SHA256", "TLS_CHACHA20_POLY1305_SHA256")} | {
        ("TLSv1.2", f"ECDHE-{k}-{c}") for k in ("ECDSA", "RSA") for c in ("AES256-GCM-SHA384", "AES128-GCM-SHA256", "CHACHA20-POLY1305")}

    def scan(self, *where):
        done = subprocess.run(["sslscan", "--no-colour", "--show-sigs", *map(str, where)], capture_output=True, text=True, timeout=120)
        text = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout)
        found = set(re.findall(r"^(?:Preferred|Accepted)\s+(\S+)\s+\d+ bits\s+(\S+)", text, re.M))
        self.assertTrue(found, text)
        return found, text

    def test_strict(self):
        with self.server() as server:
            for where in (("--starttls-smtp", f"127.0.0.1:{server.port}"), (f"127.0.0.1:{server.tls_port}",)):
                found, text = self.scan(*where)
                self.assertEqual(found, self.STRICT, text)
                self.assertIn("Session renegotiation not supported", text)
                self.assertNotIn("Compression enabled", text)
                self.assertRegex(text, r"TLSv1\.0\s+disabled")
                self.assertRegex(text, r"TLSv1\.1\s+disabled")
                self.assertRegex(text, r"SSLv3\s+disabled")
                groups = set(re.findall(r"^TLSv1\.3\s+\d+ bits\s+(\S+)\s*(?:\([^)]*\))?$", text.split("Server Key Exchange Group(s):")[1].split("\n\n")[0], re.M))
                self.assertEqual(groups, {"x25519", "secp256r1", "secp384r1"}, text)

    def test_old_devices_beside_strict(self):
        old, strict = free_port(), None
        with self.server(conf=f"virtual_server old {{\n listen 127.0.0.1:{old} tls\n fqdn old.example.com\n default_domain old.example.com\n"
                              f" access {{ tls_certificate {self.rsa}; tls_min 1.0 }}\n}}\n") as server:
            found, text = self.scan(f"127.0.0.1:{old}")
            self.assertLessEqual({("TLSv1.0", "AES128-SHA"), ("TLSv1.1", "ECDHE-RSA-AES256-SHA"), ("TLSv1.2", "AES128-GCM-SHA256")}, found, text)
            for _, cipher in found:
                self.assertNotRegex(cipher, "RC4|DES|NULL|EXP|MD5|^ADH|^AECDH")
            strict, text = self.scan(f"127.0.0.1:{server.tls_port}")
            self.assertEqual(strict, self.STRICT, text)

    def test_least_of_all(self):
        with self.server(access="tls_min 1.3") as server:
            found, text = self.scan(f"127.0.0.1:{server.tls_port}")
            self.assertEqual({version for version, _ in found}, {"TLSv1.3"}, text)
            with self.assertRaises(ssl.SSLError):
                Secured(server, context(most=ssl.TLSVersion.TLSv1_2))
            wait_for(lambda: 'status=tls-failed reason="the client supports only TLSv1.2; the oldest version permitted here is TLSv1.3 (tls_min)"' in server.log(),
                     "the reason in the log")

    def test_renegotiation(self):
        with self.server() as server:
            heard = self.folder / "renegotiation"
            with open(heard, "wb") as to, subprocess.Popen(["openssl", "s_client", "-tls1_2", "-connect", f"127.0.0.1:{server.tls_port}"],
                                                           stdin=subprocess.PIPE, stdout=to, stderr=to) as client:
                wait_for(lambda: b"220 " in heard.read_bytes(), "the greeting")
                client.stdin.write(b"R\n")
                client.stdin.flush()
                wait_for(lambda: b"no renegotiation" in heard.read_bytes(), "the refusal")
                client.terminate()
            with Secured(server) as client:
                self.assertEqual(client.command("NOOP")[0], 250)


class Certificates(Tls):
    def shown(self, server, name, port=None, **options):
        with Secured(server, context(**options), name=name, port=port) as client:
            return client.common_name(), client.socket.cipher()[0]

    def test_kind_and_name(self):
        rsa = {"most": ssl.TLSVersion.TLSv1_2, "ciphers": "ECDHE-RSA-AES128-GCM-SHA256"}
        ecdsa = {"most": ssl.TLSVersion.TLSv1_2, "ciphers": "ECDHE-ECDSA-AES128-GCM-SHA256"}
        with self.server() as server:
            for port in (None, server.tls_port):
                self.assertEqual(self.shown(server, "mail.example.com", port, **rsa), ("mail.example.com", "ECDHE-RSA-AES128-GCM-SHA256"))
                self.assertEqual(self.shown(server, "mail.example.com", port, **ecdsa), ("mail.example.com", "ECDHE-ECDSA-AES128-GCM-SHA256"))
                for name, common in (("mail.example.com", "mail.example.com"), ("OTHER.example.org", "other.example.org"), ("x.other.example.org", "other.example.org"),
                                     ("x.y.other.example.org", "mail.example.com"), ("nobody.example.net", "mail.example.com"), (None, "mail.example.com")):
                    self.assertEqual(self.shown(server, name, port)[0], common, name)

    def test_resumed_by_another_worker(self):
        """Each process serves one session, so another process resumes it."""
        with self.server(server="processes { jobs 1 }") as server:
            for most in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
                tls, session = context(self.authority, most=most), None
                for turn in range(4):
                    with Secured(server, tls, session=session) as client:
                        self.assertEqual(client.command("NOOP")[0], 250)
                        self.assertEqual(client.socket.session_reused, turn > 0, f"{most} turn {turn}")
                        session = client.socket.session
                        client.command("QUIT")
            wait_for(lambda: server.log().count("resumed=yes status=tls") == 6, "six resumed sessions in the log")

    def test_renewed_by_reload(self):
        """An open session keeps its certificate; a session after the reload gets the new one. Old tickets mean a full handshake."""
        first, second = self.authority.issue("mail.example.com"), self.authority.issue("mail.example.com")
        with Mailroot(f"access {{ tls_certificate {first} }}") as server:
            tls = context(self.authority)
            with Secured(server, tls) as stays:
                before = stays.socket.getpeercert()["serialNumber"]
                server.write_conf(f"access {{ tls_certificate {second} }}")
                server.ctl("reload")

                def serial(session=None):
                    with Secured(server, tls, session=session) as client:
                        client.command("NOOP")
                        return client.socket.getpeercert()["serialNumber"], client.socket.session_reused

                wait_for(lambda: serial()[0] != before, "the new certificate")
                self.assertEqual(serial(stays.socket.session)[1], False)
                self.assertEqual(stays.deliver(), 250)
                self.assertEqual(stays.command("QUIT")[0], 221)

    def test_renewed_under_the_same_name(self):
        """As certbot does: other contents of the same files, then a reload."""
        used, fresh = self.authority.issue("mail.example.com"), self.authority.issue("mail.example.com", kind="rsa")
        with Mailroot(f"access {{ tls_certificate {used} }}") as server:
            with Secured(server) as stays:
                used.certificate.write_bytes(fresh.certificate.read_bytes())
                used.key.write_bytes(fresh.key.read_bytes())
                server.ctl("reload")

                def kind():
                    with Secured(server, context(most=ssl.TLSVersion.TLSv1_2)) as client:
                        return client.socket.cipher()[0]

                wait_for(lambda: "-RSA-" in kind(), "the new certificate")
                self.assertEqual(stays.command("NOOP")[0], 250)

    def test_wrong_at_reload(self):
        """Unusable files are reported, and the running smtpd continues."""
        with self.server() as server:
            server.write_conf(f"access {{ tls_certificate {self.ecdsa.certificate} {self.rsa.key} }}")
            told = server.ctl("reload", check=False)
            self.assertEqual(told.returncode, 1)
            self.assertIn(f"smtpd does not start: key {self.rsa.key} does not fit certificate {self.ecdsa.certificate}", told.stdout + told.stderr)
            self.assertIn(f"key {self.rsa.key} does not fit", server.ctl("status", check=False).stdout)
            with Secured(server) as client:
                self.assertEqual(client.deliver(), 250)

    def test_key_is_nowhere_else(self):
        """Only smtpd has the private key in memory, and its file belongs to root."""
        text = certs.openssl("pkey", "-in", self.ecdsa.key, "-noout", "-text").decode()
        secret = bytes.fromhex(re.sub(r"[\s:]", "", re.search(r"priv:(.*?)pub:", text, re.S).group(1)))[-32:]
        encoded = self.ecdsa.key.read_bytes().splitlines()[1][:40]
        with self.server() as server, Secured(server) as client:
            client.command("NOOP")
            holders = set()
            for pid, name in {**server.descendants(), server.process.pid: "mailrootd"}.items():
                memory = read_memory(pid)
                if secret in memory or secret[::-1] in memory or encoded in memory:
                    holders.add(name.split(":")[0])
            self.assertEqual(holders, {"mr-smtpd"})


def read_memory(pid):
    """The writable memory of a process."""
    found = []
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb") as memory:
        for line in maps:
            where, rights = line.split()[:2]
            begin, end = (int(x, 16) for x in where.split("-"))
            if rights.startswith("rw") and end - begin <= 64 << 20 and "/memfd" not in line:
                with contextlib.suppress(OSError, ValueError):
                    memory.seek(begin)
                    found.append(memory.read(end - begin))
    return b"".join(found)


if __name__ == "__main__":
    harness.main()
