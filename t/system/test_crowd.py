"""Clients that occupy workers and do nothing: one address gets no more than its share, and many get no more than 10 s each.

Loopback addresses are not limited, so the tests run in a network namespace with other addresses.
"""
import ctypes
import os
import pathlib
import resource
import socket
import subprocess
import time
import unittest

import certs
import harness
from harness import Mailroot, wait_for

SERVER, CROWD, OTHER, TRUSTED = "10.9.0.9", "10.9.0.1", "10.9.0.2", "10.9.0.3"
CLONE_NEWNET = 0x40000000
ENVELOPE = b"EHLO crowd\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.com>\r\n"

# The commands after which each connection is silent, and the code of its last reply.
STAGES = {
    "connected": (b"", 220),
    "half a line": (b"EHLO crowd\r\nNOO", 250),
    "handshake": (b"STARTTLS\r\n", 220),
    "authentication": (b"EHLO crowd\r\nAUTH LOGIN\r\n", 334),
    "text": (ENVELOPE + b"DATA\r\nSubject: x\r\n", 354),
    "chunk": (ENVELOPE + b"BDAT 1000\r\nx", 250),
}


def setUpModule():
    resource.setrlimit(resource.RLIMIT_NOFILE, (8192, 8192))
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET):
        raise unittest.SkipTest("no network namespace: " + os.strerror(ctypes.get_errno()))
    for address in (SERVER, CROWD, OTHER, TRUSTED):
        subprocess.run(["ip", "address", "add", f"{address}/32", "dev", "lo"], check=True)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


class Crowded(Mailroot):
    def __init__(self, server):
        super().__init__()
        certificate = certs.Authority(self.folder / "tls").issue("localhost", f"IP:{SERVER}")
        (self.folder / "users").touch(mode=0o600)
        self.write_conf(f"""relay {{ list {TRUSTED} }}
    access {{ auth login; auth_requires_tls no; user_file {self.folder}/users; tls_certificate {certificate} }}
    {server}""")
        self.conf.write_text(self.conf.read_text().replace("listen 127.0.0.1:", f"listen {SERVER}:"))


class Crowd:
    """Connections from one address that send commands as long as they are answered, then nothing."""

    def __init__(self, server, count, address=CROWD, octets=b""):
        self.sockets = []
        for _ in range(count):
            one = socket.socket()
            one.settimeout(30)
            one.bind((address, 0))
            one.connect((SERVER, server.port))
            self.sockets.append(one)
            one.setblocking(False)
        self.octets, self.heard, self.told = octets, {one: b"" for one in self.sockets}, set()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for one in self.sockets:
            one.close()

    def listen(self):
        """Reads what has come; a connection that is greeted sends its commands, all at once."""
        for one in self.sockets:
            try:
                self.heard[one] += one.recv(65536)
                if self.heard[one].startswith(b"220") and one not in self.told:
                    self.told.add(one)
                    one.send(self.octets)
            except BlockingIOError:
                pass
            except OSError:
                self.heard[one] += b"(gone)"

    def codes(self):
        self.listen()
        return [int(heard.splitlines()[-1][:3]) if heard.endswith(b"\r\n") else 0 for heard in self.heard.values()]

    def count(self, code):
        return self.codes().count(code)


def send_from(server, address):
    """The reply codes of one message from ADDRESS: (250,), or the code of the greeting if it is not 220."""
    import smtplib
    try:
        with smtplib.SMTP(SERVER, server.port, local_hostname="other.test", timeout=60, source_address=(address, 0)) as client:
            client.sendmail("app@example.com", ["b@example.com"], b"Subject: x\r\n\r\nhello\r\n")
    except smtplib.SMTPConnectError as refused:
        return refused.smtp_code
    return 250


class OneAddress(unittest.TestCase):
    def test_has_its_share_at_every_stage(self):
        """1,000 idle connections of one address occupy 50 of 100 workers, in whatever state; others are served at once."""
        for name, (octets, last) in STAGES.items():
            with self.subTest(name), Crowded("processes { max 100 }") as server, Crowd(server, 1000, octets=octets) as crowd:
                wait_for(lambda: crowd.count(421) >= 950 and crowd.count(last) == 50, "50 that are served, 950 that are refused", 60)
                began = time.monotonic()
                self.assertEqual(send_from(server, OTHER), 250)
                self.assertLess(time.monotonic() - began, 10)
                refused = next(heard for heard in crowd.heard.values() if heard.startswith(b"421"))
                self.assertEqual(refused, f"421 4.7.0 mail.example.com Too many connections from {CROWD}: at most 50 at a time, "
                                          "try again later\r\n".encode())
                lines = [line for line in server.log().splitlines() if "the client has more connections than" in line]
                self.assertEqual(len(lines), 1, lines)
                self.assertIn(f"client={CROWD} ", lines[0])
                self.assertEqual(len(server.ctl_json("sessions")["sessions"]), 50)

    def test_gives_back_what_it_had(self):
        """Slots are free again when connections end; a reload acts on the next connection; clients that may relay are not limited."""
        with Crowded("client { connections 3 }") as server, Crowd(server, 3) as crowd:
            wait_for(lambda: crowd.count(220) == 3, "three that are served")
            self.assertEqual(send_from(server, CROWD), 421)
            self.assertEqual(send_from(server, TRUSTED), 250)
            crowd.sockets.pop().close()
            wait_for(lambda: send_from(server, CROWD) == 250, "a place that is free")
            server.conf.write_text(server.conf.read_text().replace("connections 3", "connections 2"))
            server.ctl("reload")
            self.assertEqual(send_from(server, CROWD), 421)
            server.conf.write_text(server.conf.read_text().replace("connections 2", "connections none"))
            server.ctl("reload")
            self.assertEqual(send_from(server, CROWD), 250)

    def test_may_relay(self):
        """Behind an address that may relay there may be hundreds of clients."""
        with Crowded("processes { max 100 }") as server, Crowd(server, 80, address=TRUSTED) as crowd:
            wait_for(lambda: crowd.count(220) == 80, "80 that are served")


class Workers(unittest.TestCase):
    def test_are_free_again_under_stress(self):
        """All workers are occupied at once, some at each stage: time-outs become shorter, also for waits that have begun."""
        with Crowded("processes { max 60 }\nclient { connections none }") as server:
            crowds = [Crowd(server, 10, octets=octets) for octets, _ in STAGES.values()]
            began = time.monotonic()

            def full():
                for crowd in crowds:
                    crowd.listen()
                return len(server.ctl_json("sessions")["sessions"]) == 60

            wait_for(full, "60 sessions", 30)
            self.assertEqual(send_from(server, OTHER), 421)
            wait_for(lambda: [crowd.listen() for crowd in crowds] and send_from(server, OTHER) == 250, "a worker that is free", 60)
            self.assertLess(time.monotonic() - began, 50)
            wait_for(lambda: not [crowd.listen() for crowd in crowds] or len(server.ctl_json("sessions")["sessions"]) < 48,
                     "most of the crowd to be gone", 60)
            wait_for(lambda: "status=calm" in server.log(), "the end of stress")
            self.assertIn("status=stress", server.log())
            for crowd in crowds:
                crowd.__exit__()

    def test_trickles_end_under_stress(self):
        """Single octets do not help: a command and a text each have a time limit."""
        with Crowded("processes { max 20 }\nclient { connections none }") as server:
            with Crowd(server, 10, octets=b"NOOP ") as commands, Crowd(server, 10, octets=ENVELOPE + b"DATA\r\n") as texts:
                wait_for(lambda: commands.count(220) == 10 and texts.count(354) == 10, "20 sessions")

                def served():
                    for one in commands.sockets + texts.sockets:
                        try:
                            one.send(b"x")
                        except OSError:
                            pass
                    return send_from(server, OTHER) == 250

                wait_for(served, "a worker that is free", 60)
                wait_for(lambda: served() and commands.count(421) + texts.count(421) >= 16, "most of the trickles to be over", 60)


class Descriptors(unittest.TestCase):
    def seconds_of_work(self, pid):
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def test_without_one_master_does_not_spin(self):
        """There is no descriptor for the connection of an operator: accept is tried from time to time, and succeeds when there is one again."""
        with Mailroot() as server:
            master = server.pids()["master"]
            before = resource.prlimit(master, resource.RLIMIT_NOFILE)
            resource.prlimit(master, resource.RLIMIT_NOFILE, (3, before[1]))
            with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as operator:
                operator.connect(str(server.folder / "run" / "control"))
                began = self.seconds_of_work(master)
                time.sleep(2)  # the limit itself
                worked = self.seconds_of_work(master) - began
                resource.prlimit(master, resource.RLIMIT_NOFILE, before)
            self.assertLess(worked, 0.2)
            self.assertEqual(server.ctl("status").returncode, 0)


if __name__ == "__main__":
    harness.main()
