#!/usr/bin/env python3
"""kill -9 of any process at any moment under load: no acknowledged message is lost or stranded, and none comes twice except in one window.

usage: kill_random.py --build DIR [--kills 200] [--seed 1] [--clients 6]

Clients send numbered messages, half to a drop folder, half to a smart host, and remember which were acknowledged. Meanwhile a random
process of the service is killed, again and again; master too, which is then restarted as init would do. At the end the
queue must become empty by itself, and every number must have arrived. The one window: a delivery worker is killed between the smart host's
250 and its own report. So there are at most as many second copies at the smart host as killed delivery workers, and none in the folder.
"""
import collections
import contextlib
import os
import pathlib
import random
import re
import signal
import smtplib
import socket
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "system"))
import harness  # noqa: E402
from harness import Mailroot, Sink, wait_for  # noqa: E402


class Load:
    """Clients that send until told to stop. `acked` has the number of every message that got 250."""

    def __init__(self, server, clients):
        self.server, self.stop, self.lock = server, threading.Event(), threading.Lock()
        self.acked, self.refused, self.next = [], 0, 0
        self.threads = [threading.Thread(target=self._run, daemon=True) for _ in range(clients)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        for thread in self.threads:
            thread.join(60)
            assert not thread.is_alive(), "a client hangs"

    def _number(self):
        with self.lock:
            self.next += 1
            return self.next

    def _run(self):
        while not self.stop.is_set():
            try:
                with self.server.client() as client:
                    for _ in range(5):
                        self._send(client)
                        if self.stop.is_set():
                            break
            except (OSError, smtplib.SMTPException):
                with self.lock:
                    self.refused += 1
                self.stop.wait(0.01)

    def _send(self, client):
        number = self._number()
        rcpt = "drop@example.com" if number % 2 else "user@example.net"
        client.sendmail("app@example.org", [rcpt], f"Subject: number {number}\r\n\r\n{'x' * 2000}\r\n")
        with self.lock:
            self.acked.append(number)


def number_of(content):
    return int(re.search(rb"^Subject: number (\d+)\r$", content, re.M).group(1))


def answers(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 5) as connection:
        connection.settimeout(5)
        return connection.recv(4).startswith(b"220")
    return False


def kill_one(server, chooser):
    """Kills one random process; returns (role, seconds until the service answered again)."""
    everyone = server.descendants()
    everyone[server.process.pid] = "mailrootd"
    pid = chooser.choice(sorted(everyone))
    role, worker = role_of(server, pid)
    started = time.monotonic()
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    if role == "master":
        server.process.wait()
        server.start()
    wait_for(lambda: answers(server.port), f"an answer after {role} was killed", 30)
    return f"{role} worker" if worker else role, time.monotonic() - started


def role_of(server, pid):
    if pid == server.process.pid:
        return "master", False
    with contextlib.suppress(OSError):
        parent = int(open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[1])
        return harness.role_of(pid) or "gone", parent != server.process.pid
    return "gone", False


def run(options):
    chooser = random.Random(options.seed)
    killed, slowest = collections.Counter(), (0.0, "")
    with Sink() as sink, Mailroot(f"smart_host [127.0.0.1]:{sink.port}\ndelivery {{ retry 1s }}") as server:
        with Load(server, options.clients) as load:
            for count in range(options.kills):
                wait_for(lambda n=len(load.acked): len(load.acked) > n + 5, "clients to make progress", 60)
                time.sleep(chooser.random() * 0.05)  # any moment: the randomness is the test
                role, seconds = kill_one(server, chooser)
                killed[role] += 1
                slowest = max(slowest, (seconds, role))
        wait_for(lambda: not server.files("new", "") and not server.files("cur", ""), "an empty spool", 120)
        dropped = collections.Counter(number_of(p.read_bytes()) for p in server.files("drop"))
        relayed = collections.Counter(number_of(content) for _, _, content in sink.messages)
        arrived = dropped + relayed
        lost = [n for n in load.acked if not arrived[n]]
        twice_dropped = [n for n, times in dropped.items() if times > 1]
        twice_relayed = [n for n, times in relayed.items() if times > 1]
        print(f"killed {dict(killed)}")
        print(f"acknowledged {len(load.acked)}, broken sessions {load.refused}, lost {len(lost)}, twice in the folder {len(twice_dropped)}, "
              f"twice at the smart host {len(twice_relayed)}, slowest return {slowest[0]:.2f} s ({slowest[1]})")
        failures = []
        if lost:
            failures.append(f"lost: {lost[:20]}")
        if twice_dropped:
            failures.append(f"twice in the folder: {twice_dropped[:20]}")
        if len(twice_relayed) > killed["delivery worker"] + killed["delivery"]:
            failures.append(f"twice at the smart host beyond the window: {twice_relayed[:20]}")
        if slowest[0] > 1.0 + (1.0 if os.environ.get("SLOW_MACHINE") else 0):
            failures.append(f"back only after {slowest[0]:.2f} s")
        if len(load.acked) < options.kills * 5:
            failures.append("too little mail to mean anything")
        return failures


if __name__ == "__main__":
    harness.campaign(run, kills=200, seed=1, clients=6)
