"""Load balancers in front of a listener: the PROXY header, who may send it, and checks; by hand and with HAProxy of Debian."""
import contextlib
import smtplib
import socket
import struct
import subprocess
import time
import unittest

import harness
import metrics
from harness import Mailroot, Wire, wait_for
from peers import Peer

HAPROXY = """global
 log stderr format raw local0 notice
defaults
 mode tcp
 log global
 option log-health-checks
 timeout connect 3s
 timeout client 1m
 timeout server 1m
"""
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def ours(client):
    return "2001:db8::1" if ":" in client else "192.0.2.1"


def v1(client):
    return f"PROXY TCP{6 if ':' in client else 4} {client} {ours(client)} 50000 25\r\n".encode()


def v2(client, fields=b""):
    family = socket.AF_INET6 if ":" in client else socket.AF_INET
    body = socket.inet_pton(family, client) + socket.inet_pton(family, ours(client)) + struct.pack("!HH", 50000, 25) + fields
    return SIGNATURE + bytes([0x21, 0x21 if ":" in client else 0x11]) + struct.pack("!H", len(body)) + body


def tls_field(version, cipher):
    part = b"\x01\0\0\0\0" + b"\x21" + struct.pack("!H", len(version)) + version + b"\x23" + struct.pack("!H", len(cipher)) + cipher
    return b"\x20" + struct.pack("!H", len(part)) + part


LOCAL = SIGNATURE + b"\x20\0\0\0"


class Proxied(Mailroot):
    """A service whose only listener expects load balancers; clients in 10.1.0.0/16 may relay."""

    def __init__(self, more="", proxies="127.0.0.1", relay="list 10.1.0.0/16 2001:db8:1::/48"):
        self.proxies = proxies
        super().__init__(f"proxy_list {proxies}\n relay {{ {relay} }}\n {more}")

    def write_conf(self, *args):
        super().write_conf(*args)
        text = self.conf.read_text()
        self.conf.write_text(text.replace(f"listen 127.0.0.1:{self.port}\n", f"listen 127.0.0.1:{self.port} proxy\n"))


def begin(server, octets):
    wire = Wire(server)
    wire.say(octets)
    return wire


class Clients(unittest.TestCase):
    def test_client_is_the_one_of_the_header(self):
        """For the relay list, Received, the log and sessions; also in IPv6, and when the header comes octet by octet."""
        with Proxied() as server:
            for number, (client, form) in enumerate((ip, form) for ip in ("10.1.2.3", "2001:db8:1::7") for form in (v1, v2)):
                header = form(client)
                with self.subTest(header=header), Wire(server) as wire:
                    for i in range(len(header)):
                        wire.say(header[i:i + 1])
                    self.assertEqual(wire.reply()[0], 220)
                    self.assertEqual(wire.deliver("far@remote.test"), 250)
                    sessions = server.ctl("sessions").stdout
                    self.assertIn(client, sessions)
                    self.assertNotIn("127.0.0.1", sessions)
                    wire.say(b"RSET\r\n")
                    self.assertEqual(wire.reply()[0], 250)
                    self.assertEqual(wire.deliver(f"ann+{number}@example.com"), 250)
                text = wait_for(lambda: next((text for text in (path.read_text() for path in server.dropped()) if f"x-receiver: ann+{number}@" in text), None),
                                "the message")
                self.assertIn(f"[{'IPv6:' if ':' in client else ''}{client}]", text)
            with begin(server, v1("10.2.0.1")) as wire:
                self.assertEqual(wire.reply()[0], 220)
                self.assertEqual(wire.deliver("far@remote.test"), 550)
            self.assertRegex(server.log(), r"client=10\.2\.0\.1 .*far@remote\.test")

    def test_commands_right_behind_the_header(self):
        with Proxied() as server, begin(server, v2("10.1.2.3") + b"EHLO x\r\nNOOP\r\nQUIT\r\n") as wire:
            self.assertEqual(wire.codes(), [220, 250, 250, 221])

    def test_address_of_the_load_balancer_does_not_relay(self):
        """Not even in the relay list: what it says for itself is a check, without mail."""
        with Proxied(relay="list 127.0.0.1") as server:
            for header in (LOCAL, b"PROXY UNKNOWN\r\n", SIGNATURE + b"\x21\0\0\0"):
                with self.subTest(header=header), begin(server, header) as wire:
                    self.assertEqual(wire.reply()[0], 220)
                    wire.say(b"EHLO x\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<c@d.test>\r\nDATA\r\nQUIT\r\n")
                    self.assertEqual(wire.codes(), [250, 503, 503, 503, 221])

    def test_limits_count_the_client(self):
        with Proxied("client { connections 2 }") as server:
            wires = [self.enterContext(begin(server, v1(f"10.2.0.{i}"))) for i in range(1, 9)]
            self.assertEqual([wire.reply()[0] for wire in wires], [220] * 8)
            wires += [self.enterContext(begin(server, v1("10.2.0.1"))) for _ in range(2)]
            self.assertEqual([wire.reply()[0] for wire in wires[8:]], [220, 421])

    def test_tls_ended_at_the_load_balancer(self):
        header = v2("10.2.0.1", fields=tls_field(b"TLSv1.3", b"TLS_AES_128_GCM_SHA256"))
        for believed in ("no", "yes"):
            with self.subTest(believed), Proxied(f"proxy_tls {believed}") as server:
                with begin(server, header) as wire:
                    self.assertEqual(wire.reply()[0], 220)
                    self.assertEqual(wire.deliver("ann@example.com"), 250)
                text = server.dropped().pop().read_text()
                self.assertEqual("with ESMTPS" in text, believed == "yes", text)
                self.assertIn("status=tls-at-proxy", server.log())


class Hostile(unittest.TestCase):
    def expect_closed(self, server, octets, words):
        with Wire(server) as wire:
            wire.say(octets)
            with contextlib.suppress(OSError):  # it may be closed already
                wire.socket.shutdown(socket.SHUT_WR)
            self.assertEqual(wire.reply()[0], 0)
        wait_for(lambda: words in server.log(), words)

    def pause(self, server):
        server.ctl("server", "pause", "test")
        wait_for(lambda: "paused" in server.ctl("status").stdout, "the pause")

    def test_host_that_is_not_listed(self):
        """Closed without a word, and logged once a minute."""
        with Proxied(proxies="127.9.9.9") as server:
            for _ in range(20):
                self.expect_closed(server, v1("10.1.2.3") + b"EHLO x\r\n", "proxy_list does not have this address")
            self.assertEqual(server.log().count("proxy_list does not have this address"), 1)
            self.assertNotIn("127.0.0.1", server.ctl("clients", "--all").stdout)

    def test_host_that_is_not_listed_while_paused(self):
        with Proxied(proxies="127.9.9.9") as server:
            self.pause(server)
            self.expect_closed(server, v1("10.1.2.3"), "proxy_list does not have this address")

    def test_late_header_while_paused(self):
        """The refusal comes behind the header, so no reset destroys it."""
        with Proxied() as server:
            self.pause(server)
            for header in (v1("10.1.2.3"), v2("10.1.2.3"), LOCAL):
                with self.subTest(header=header), Wire(server, timeout=1) as wire:
                    with self.assertRaises(TimeoutError):
                        wire.socket.recv(1)
                    wire.say(header + b"EHLO x\r\n")
                    wire.socket.settimeout(20)
                    self.assertEqual(wire.reply()[0], 421)

    def test_wrong_headers(self):
        for octets, words in ((b"EHLO client.example\r\n", "does not begin with a PROXY header"),
                              (b"\x16\x03\x01\x02\x00" + b"x" * 512, "does not begin with a PROXY header"),
                              (v1("10.1.2.3").replace(b"\r\n", b"\n"), "does not end with CR LF"),
                              (b"PROXY TCP4 " + b"1" * 10000, "longer than 107 octets"),
                              (SIGNATURE + b"\x21\x11\xff\xff" + b"x" * 10000, "longer than 1,040 octets"),
                              (v2("10.1.2.3")[:20], "ended within the PROXY header"),
                              (v2("10.1.2.3", fields=b"\x03\0\x04\1\2\3\4"), "checksum (CRC32C) is wrong")):
            with self.subTest(words=words, octets=octets[:20]), Proxied() as server:
                self.expect_closed(server, octets, words)

    def test_reload_takes_proxy_away(self):
        """The socket stays, and clients that wait for the greeting get it at once."""
        def greeted():
            with contextlib.suppress(OSError), Wire(server, timeout=1) as wire:
                return wire.reply()[0] == 220
        with Proxied() as server:
            self.assertFalse(greeted())
            server.conf.write_text(server.conf.read_text().replace(" proxy\n", "\n").replace("proxy_list 127.0.0.1\n", ""))
            server.ctl("reload")
            wait_for(greeted, "a greeting")
            self.assertTrue(all(greeted() for _ in range(3)))

    def test_second_header_is_no_command(self):
        with Proxied() as server, begin(server, v1("10.2.0.1") + v1("10.1.2.3")) as wire:
            self.assertEqual(wire.reply()[0], 220)
            self.assertIn(wire.reply()[0], (500, 501))
            self.assertEqual(wire.deliver("far@remote.test"), 550)

    def test_slow_header(self):
        """5 s for all of it, however it trickles; others are served meanwhile."""
        with Proxied() as server, Wire(server) as wire:
            header, began = v1("10.1.2.3"), time.monotonic()
            ended = False
            for i in range(len(header) - 1):
                wire.say(header[i:i + 1])
                with begin(server, v1("10.1.2.3")) as other:
                    self.assertEqual(other.reply()[0], 220)
                wire.socket.settimeout(1)
                try:
                    ended = wire.socket.recv(1) == b""
                    break
                except TimeoutError:
                    pass
            self.assertTrue(ended)
            self.assertTrue(4.5 < time.monotonic() - began < 8, time.monotonic() - began)
            wait_for(lambda: "no whole PROXY header came within 5 s" in server.log(), "the reason")


class Programs(unittest.TestCase):
    def test_swaks(self):
        with Proxied() as server:
            for version, family in (("1", "TCP4"), ("2", "AF_INET")):
                for client, reply in (("10.1.2.3", "250 2.6.0"), ("192.0.2.1", "550 5.7.1 Unable to relay")):
                    with self.subTest(version=version, client=client):
                        said = subprocess.run(
                            ["swaks", "--server", f"127.0.0.1:{server.port}", "--helo", "x.test", "--from", "app@client.test", "--to", "far@remote.test",
                             "--proxy-version", version, "--proxy-family", family, "--proxy-source", client, "--proxy-source-port", "4711",
                             "--proxy-dest", "192.0.2.2", "--proxy-dest-port", "25"], capture_output=True, text=True, timeout=60)
                        self.assertIn(reply, said.stdout + said.stderr)

    def test_haproxy(self):
        """Both versions: its checks find the server up, and the client is the one of HAProxy."""
        with Proxied(relay="list 127.0.0.5") as server, Peer("haproxy", linked=True) as peer:
            ports = {"send-proxy": harness.free_port(), "send-proxy-v2": harness.free_port()}
            peer.write("etc/haproxy.cfg", HAPROXY + "".join(
                f"listen {word}\n bind 127.0.0.1:{port}\n option smtpchk EHLO lb.test\n"
                f" server a 127.0.0.1:{server.port} {word} check check-send-proxy inter 100ms\n" for word, port in ports.items()))
            peer.start("/usr/sbin/haproxy", "-db", "-f", "/etc/haproxy.cfg", port=ports["send-proxy-v2"])
            for word, port in ports.items():
                for source, code in (("127.0.0.5", 250), ("127.0.0.6", 550)):
                    with self.subTest(word, source=source), smtplib.SMTP("127.0.0.1", port, source_address=(source, 0), timeout=20) as client:
                        client.ehlo("x.test")
                        self.assertEqual(client.mail("app@client.test")[0], 250)
                        self.assertEqual(client.rcpt("far@remote.test")[0], code)
                wait_for(lambda: f"Health check for server {word}/a succeeded" in peer.said(), "a check that succeeds")
            self.assertNotIn("is DOWN", peer.said())
            self.assertIn("client=127.0.0.6 ", server.log())
            self.assertNotIn("PROXY header", server.log())


class Shown(unittest.TestCase):
    def test_load_balancer_while_the_header_is_awaited(self):
        with Proxied() as server, begin(server, b"PROXY "):
            wait_for(lambda: "127.0.0.1" in server.ctl("sessions").stdout, "the session with the address of the load balancer")

    def test_checks_are_no_connections_of_clients(self):
        def connections():
            return metrics.parsed(metrics.text(server))['mailroot_connections_total{direction="in"}']
        with Proxied() as server:
            for octets, codes in ((LOCAL + b"QUIT\r\n", [220, 221]), (b"PROXY UNKNOWN\r\nQUIT\r\n", [220, 221]), (b"PROXY nonsense\r\n", [])):
                with begin(server, octets) as wire:
                    self.assertEqual(wire.codes(half_close=False), codes)
            before = connections()
            with begin(server, v1("10.1.2.3") + b"QUIT\r\n") as wire:
                self.assertEqual(wire.codes(), [220, 221])
            self.assertEqual((before, connections()), (0, 1))


class Checks(unittest.TestCase):
    def check(self, server, header=LOCAL):
        with begin(server, header) as wire:
            return wire.reply()

    def test_nothing_is_logged(self):
        with Proxied() as server:
            before = server.log()
            for header in (LOCAL, b"PROXY UNKNOWN\r\n"):
                with begin(server, header) as wire:
                    self.assertEqual(wire.reply()[0], 220)
                    wire.say(b"EHLO lb.example\r\nQUIT\r\n")
                    self.assertEqual(wire.codes(), [250, 221])
                begin(server, header).__exit__()
            Wire(server).__exit__()
            Wire(server).reset()
            with begin(server, v1("10.1.2.3") + b"QUIT\r\n") as wire:  # all before it has been served, or another worker took it
                self.assertEqual(wire.codes(), [220, 221])
            self.assertEqual([line for line in server.log()[len(before):].splitlines() if "127.0.0.1" in line or "PROXY" in line], [])

    def test_truth(self):
        """Paused, a disk below its floor, a spool that can't be written."""
        with Proxied() as server:
            self.assertEqual(self.check(server)[0], 220)
            server.ctl("server", "pause", "test")
            wait_for(lambda: self.check(server)[0] == 421, "421 while paused")
            server.ctl("server", "continue", "test")
            wait_for(lambda: self.check(server)[0] == 220, "220 again")
            text = server.conf.read_text()
            server.conf.write_text(text.replace("free_space_floor 1M", "free_space_floor 9999999G"))
            server.ctl("reload")
            wait_for(lambda: self.check(server) == (421, "421 4.3.2 mail.example.com The spool has no room or can't be written"), "421")
            server.conf.write_text(text)
            server.ctl("reload")
            wait_for(lambda: self.check(server)[0] == 220, "220 again")


if __name__ == "__main__":
    harness.main()
