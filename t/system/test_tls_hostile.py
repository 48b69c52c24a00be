"""Hostile clients and broken connections: clear text around a handshake, stalls, half-closed connections, and a stop meanwhile."""
import concurrent.futures
import contextlib
import re
import signal
import socket
import ssl
import threading
import time
import unittest

import certs
import harness
from gnutls_client import Client
from harness import Mailroot, Message, Wire, free_port, scratch, unharmed, wait_for
from secured import Hello, Secured, after_hello, context

ENVELOPE = b"EHLO c\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.com>\r\n"


class Tls(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.authority = certs.Authority(scratch() / "ca")
        cls.ours = cls.authority.issue("mail.example.com")
        cls.other = cls.authority.issue("other.example.org")

    def server(self, server=""):
        tls_port = free_port()
        made = Mailroot(f"access {{ tls_certificate {self.ours}; tls_certificate {self.other} }}\nlisten 127.0.0.1:{tls_port} tls\n{server}")
        made.tls_port = tls_port
        return made

    def at_tls(self, server):
        return type("At", (), {"port": server.tls_port})


class Clear(Tls):
    """Octets in clear."""

    def test_commands_with_starttls(self):
        with self.server() as server, unharmed(self, server), Wire(server) as wire:
            wire.reply()
            wire.say(b"EHLO c\r\n")
            wire.reply()
            wire.say(b"STARTTLS\r\n" + ENVELOPE + b"DATA\r\nSubject: injected\r\n\r\n.\r\n")
            self.assertEqual(wire.reply()[0], 220)
            wire.socket = context(self.authority).wrap_socket(wire.socket, server_hostname="mail.example.com")
            wire.lines = wire.socket.makefile("rb")
            wire.say(b"RCPT TO:<b@example.com>\r\nMAIL FROM:<a@example.com>\r\nQUIT\r\n")
            self.assertEqual([wire.reply()[0] for _ in range(4)], [503, 503, 221, 0])
            self.assertIn("status=discarded", server.log())
            self.assertEqual(server.files("drop"), [])

    def test_commands_after_the_reply(self):
        for said in (ENVELOPE, b"GET / HTTP/1.1\r\n\r\n", b"\x00" * 2000, b"\xff" * 70000):
            with self.server() as server, unharmed(self, server), Wire(server) as wire:
                wire.reply()
                wire.say(b"STARTTLS\r\n")
                self.assertEqual(wire.reply()[0], 220)
                with contextlib.suppress(ConnectionError):
                    wire.say(said)
                rest = b""
                with contextlib.suppress(ConnectionError):
                    rest = wire.socket.recv(1000)
                self.assertNotRegex(rest, rb"\d{3}[ -]")
                wait_for(lambda: "status=tls-failed" in server.log(), "the failure in the log")

    def test_order_of_commands(self):
        with self.server() as server, unharmed(self, server), Wire(server) as wire:
            wire.reply()
            wire.say(b"STARTTLS x\r\n" + ENVELOPE + b"STARTTLS\r\nBDAT 3\r\nx\r\nSTARTTLS\r\nBDAT 0 LAST\r\n")
            self.assertEqual([wire.reply()[0] for _ in range(8)], [501, 250, 250, 250, 503, 250, 503, 250])
            with Secured(server) as client:
                self.assertEqual(client.command("MAIL FROM:<a@example.com>")[0], 503)
                self.assertEqual(client.command("STARTTLS")[1], "503 5.5.1 TLS is already in use")
                self.assertNotIn("250-STARTTLS", client.hello())
                self.assertEqual(client.command("STARTTLS")[0], 503)

    def test_clear_on_a_listener_with_tls(self):
        with self.server() as server, unharmed(self, server), Wire(self.at_tls(server)) as wire:
            wire.say(b"EHLO c\r\n")
            heard = b""
            with contextlib.suppress(ConnectionError):
                while (more := wire.socket.recv(1000)):
                    heard += more
            self.assertNotIn(b"220", heard)
            wait_for(lambda: 'status=tls-failed reason="the client does not speak TLS"' in server.log(), "the reason in the log")

    def test_tls_on_a_listener_in_clear(self):
        """A device that is set to SSL on port 25: its log line is the same, whether or not a LF is among the random octets."""
        for octets in (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + filler * 500 for filler in (b"\x00", b"\n", b"\r\n")):
            with self.server() as server, unharmed(self, server), Wire(server) as wire:
                wire.reply()
                wire.say(octets)
                wire.socket.shutdown(socket.SHUT_WR)
                self.assertEqual(wire.reply()[0], 0)
                self.assertIn('reason="the client began with TLS, and this listener expects STARTTLS"', server.log())

    def test_without_certificate(self):
        with Mailroot() as server, Wire(server) as wire:
            wire.reply()
            wire.say(b"STARTTLS\r\n")
            self.assertEqual(wire.reply()[1], "502 5.5.1 TLS is not available here")


class Names(Tls):
    def test_hostile_names(self):
        """An invalid name is never raw in a log; if the handshake continues, it uses the first certificate."""
        tls12 = context(most=ssl.TLSVersion.TLSv1_2)
        asked = "x" * 16
        with self.server() as server, unharmed(self, server):
            for name in (b"\0" * 16, b"other.example.o\0", b"x" * 15 + b"\\", b"\x1b[2J\r\n250 x\r\n...", b"../../etc/passwd", b"\xff" * 16, b"mail.example.com"):
                with self.subTest(name):
                    heard = after_hello(server, Hello(asked, tls12).naming(name))
                    self.assertRegex(heard, rb"\A(\x16\x03|\x15\x03)")
                    self.assertNotIn(b"other.example.org", heard)
            longest = ".".join(["x" * 62] * 4)
            with Secured(server, name=longest) as client:
                self.assertEqual(client.common_name(), "mail.example.com")
            for raw in ("\x1b", "\\x", "250 x", "passwd", "xxxx"):
                self.assertNotIn(raw, server.log())

    def test_mutilated_hello(self):
        """Each octet of a ClientHello is altered in turn: the server answers in TLS or not at all, and no process dies."""
        hello = Hello().octets
        with self.server() as server, unharmed(self, server):
            with concurrent.futures.ThreadPoolExecutor(16) as pool:
                said = [hello[:at] + bytes([hello[at] ^ 0xff]) + hello[at + 1:] for at in range(0, len(hello), 3)]
                for heard in pool.map(lambda octets: after_hello(server, octets, timeout=0.2), said):
                    self.assertRegex(heard, rb"(?s)\A(|[\x14-\x16]\x03.*)\Z")


class Stalls(Tls):
    """connection_timeout limits the time of a whole handshake."""

    SECONDS = 2

    def endless(self, octets, pause):
        """A client that sends OCTETS one at a time. Returns the seconds until the server closed the connection."""
        def run(port, first):
            with socket.create_connection(("127.0.0.1", port), timeout=30) as s:
                if first:
                    s.recv(1000)
                    s.sendall(b"STARTTLS\r\n")
                    s.recv(1000)
                began = time.monotonic()
                s.settimeout(pause)
                at = 0
                while time.monotonic() - began < 20:
                    try:
                        if at < len(octets):
                            s.sendall(octets[at:at + 1])
                            at += 1
                        if not s.recv(1000):
                            break
                    except socket.timeout:
                        continue
                    except ConnectionError:
                        break
                return time.monotonic() - began
        return run

    def test_stalls(self):
        hello = Hello().octets
        clients = {"silent": self.endless(b"", 0.2), "octet by octet": self.endless(hello, 0.05), "half a hello": self.endless(hello[:50], 0.001),
                   "header of a record": self.endless(b"\x16\x03\x01\x40\x00", 0.001), "and no more": self.endless(hello, 0.0001)}
        took = {}
        with self.server(f"connection_timeout {self.SECONDS}s") as server, unharmed(self, server):
            threads = []
            for name, run in clients.items():
                for port, first in ((server.port, True), (server.tls_port, False)):
                    def work(name=f"{name} {first}", run=run, port=port, first=first):
                        took[name] = run(port, first)
                    threads.append(threading.Thread(target=work))
            for thread in threads:
                thread.start()
            with Secured(server) as client:
                began = time.monotonic()
                self.assertEqual(client.deliver(), 250)
                self.assertLess(time.monotonic() - began, 1.5)
            for thread in threads:
                thread.join()
            for name, seconds in took.items():
                # A complete ClientHello that is trickled is served; its client is then silent, which ends like any silence.
                self.assertGreater(seconds, self.SECONDS * 0.8, name)
                self.assertLess(seconds, self.SECONDS * 2 + 3, name)
            self.assertGreaterEqual(server.log().count('reason="the client did not finish the handshake in time"'), 8)

    def test_silence_in_tls(self):
        with self.server("connection_timeout 1s") as server:
            for text, code in ((b"", 421), (b"EHLO c\r\nNOO", 421)):
                with Secured(server) as client:
                    client.say(text) if text else None
                    if text:
                        client.reply()
                    self.assertEqual(client.reply(), (code, "421 4.4.2 mail.example.com Timeout, closing transmission channel"))
                    self.assertTrue(client.ended())

    def test_record_in_pieces(self):
        """The octets of one record, one at a time: the time-out of the command continues."""
        with self.server("connection_timeout 1s") as server:
            incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            client = context().wrap_bio(incoming, outgoing, server_hostname="mail.example.com")
            with socket.create_connection(("127.0.0.1", server.tls_port), timeout=20) as s:
                while True:
                    try:
                        client.do_handshake()
                        break
                    except ssl.SSLWantReadError:
                        s.sendall(outgoing.read())
                        incoming.write(s.recv(65536))
                s.sendall(outgoing.read())
                client.write(b"NOOP" * 400)
                record, began = outgoing.read(), time.monotonic()
                with contextlib.suppress(ConnectionError):
                    for octet in record:
                        s.sendall(bytes([octet]))
                        time.sleep(0.02)
                        if time.monotonic() - began > 10:
                            break
                self.assertLess(time.monotonic() - began, 5)


class Ends(Tls):
    def test_notify_inside_a_chunk(self):
        """close_notify during BDAT, then the rest in clear: the connection ends, and nothing is stored."""
        with self.server() as server, unharmed(self, server):
            with Secured(server) as client:
                client.say(ENVELOPE + b"BDAT 20 LAST\r\nhalf")
                self.assertEqual([client.reply()[0] for _ in range(3)], [250] * 3)
                fd = client.socket.fileno()
                with contextlib.suppress(ssl.SSLError, OSError):
                    client.socket.setblocking(False)
                    client.socket.unwrap()
                raw = socket.socket(fileno=socket.dup(fd))
                raw.settimeout(10)
                heard = b""
                with contextlib.suppress(ConnectionError):
                    raw.sendall(b"0123456789abcdef\r\nQUIT\r\n")
                    while (more := raw.recv(1000)):
                        heard += more
                raw.close()
                self.assertNotIn(b"250", heard)
            wait_for(lambda: not server.ctl_json("sessions")["sessions"], "the end of the session")
            self.assertEqual(server.files("drop") + server.files("new"), [])

    def test_endless_key_updates(self):
        """Each key update costs the server more than the client, which never sends a command that would count."""
        with self.server() as server, unharmed(self, server), Client(server.tls_port, "+VERS-TLS1.3") as client:
            self.assertIn(b"220 ", client.hear())
            for _ in range(8):
                self.assertTrue(client.renew_keys())
            client.say(b"NOOP\r\n")
            self.assertEqual(client.hear(), b"250 2.0.0 OK\r\n")
            # Sockets buffer what is sent while the server closes the connection.
            self.assertFalse(all(client.renew_keys() for _ in range(500000)))
            wait_for(lambda: not server.ctl_json("sessions")["sessions"], "the end of the session")

    def test_renegotiation_again_and_again(self):
        with self.server() as server, unharmed(self, server):
            for _ in range(50):
                with Client(server.tls_port, "+VERS-TLS1.2") as client:
                    self.assertIn(b"220 ", client.hear())
                    while client.renegotiate():
                        pass
            wait_for(lambda: not server.ctl_json("sessions")["sessions"], "the end of the sessions")

    def test_half_closed(self):
        """The client closes its half of TCP, with or without close_notify: a complete message is stored and acknowledged."""
        with self.server() as server, unharmed(self, server):
            with Secured(server) as client:
                client.say(ENVELOPE + b"BDAT 3 LAST\r\nx\r\nMAIL FROM:<lost@example.com>\r\nRCPT TO:<b@example.com>\r\nBDAT 9 LAST\r\nhalf")
                socket.socket.shutdown(client.socket, socket.SHUT_WR)  # not that of TLS
                self.assertEqual([client.reply()[0] for _ in range(6)], [250] * 6)
                self.assertEqual(client.lines.read(), b"")
            self.assertEqual(Message(server.dropped(1)[0]).content, b"\r\nx\r\n")
            self.assertEqual(server.files("new"), [])

    def test_reset(self):
        with self.server() as server, unharmed(self, server):
            for said in (b"", ENVELOPE, ENVELOPE + b"DATA\r\nhalf"):
                client = Secured(server)
                client.say(said) if said else None
                client.reset()
            wait_for(lambda: not server.ctl_json("sessions")["sessions"], "the end of the sessions")
            self.assertEqual(server.files("drop") + server.files("new"), [])

    def test_stop_in_mid_session(self):
        with self.server() as server:
            idle, busy = Secured(server), Secured(server, port=server.tls_port)
            busy.say(ENVELOPE + b"DATA\r\n")
            self.assertEqual([busy.reply()[0] for _ in range(4)], [250, 250, 250, 354])
            handshake = socket.create_connection(("127.0.0.1", server.tls_port), timeout=20)
            wait_for(lambda: len(server.ctl_json("sessions")["sessions"]) == 3, "three sessions")
            server.process.send_signal(signal.SIGTERM)
            self.assertEqual(idle.reply(), (421, "421 4.3.2 mail.example.com Service not available, closing transmission channel"))
            self.assertTrue(idle.ended())
            with contextlib.suppress(ConnectionError):
                self.assertEqual(handshake.recv(1000), b"")
            busy.say(b"x\r\n.\r\n")
            self.assertEqual([busy.reply()[0] for _ in range(2)], [250, 421])
            self.assertTrue(busy.ended())
            self.assertEqual(server.process.wait(20), 0)
            for client in (handshake, idle.lines, idle.socket, busy.lines, busy.socket):
                client.close()

    def test_kick(self):
        with self.server() as server, Secured(server) as client:
            self.assertEqual(client.command("NOOP")[0], 250)
            name = server.ctl_json("sessions")["sessions"][0]["id"]
            server.ctl("kick", name)
            self.assertEqual(client.reply()[0], 421)
            self.assertTrue(client.ended())


class Refused(Tls):
    def test_busy(self):
        """421 if it can be sent; on a listener with tls the connection ends without clear text."""
        with self.server("max_connections 1") as server:
            with Secured(server) as client:
                client.command("NOOP")
                with Wire(server) as wire:
                    self.assertEqual(wire.reply()[0], 421)
                with socket.create_connection(("127.0.0.1", server.tls_port), timeout=20) as s:
                    with contextlib.suppress(ConnectionError):
                        self.assertEqual(s.recv(1000), b"")

    def test_not_allowed(self):
        """A client that may not connect gets 554 in clear, and on a listener with tls no handshake."""
        with self.server("connect { allow all-except-listed; list 127.0.0.1 }") as server:
            with Wire(server) as wire:
                self.assertEqual(wire.reply()[0], 554)
            with self.assertRaises((ssl.SSLError, ConnectionError)):
                Secured(server, port=server.tls_port)
            wait_for(lambda: len(re.findall(r'command="\(connects\)" status=refused reply="554', server.log())) == 2, "both refusals in the log")
            self.assertNotIn("status=tls", server.log())


if __name__ == "__main__":
    harness.main()
