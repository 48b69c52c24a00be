#!/usr/bin/env python3
"""Password guessing (reliability row 24): what attackers learn, what it costs others, which users it affects."""
import concurrent.futures
import contextlib
import os
import pathlib
import signal
import statistics
import time
import unittest

import harness
from auth_service import Service, Source, ask, plain


def attempts(server, n, name="alice", source="127.0.0.1", threads=8):
    """N wrong passwords; the codes."""
    codes = []

    def one(i):
        with contextlib.suppress(OSError, AssertionError), contextlib.ExitStack() as stack:
            wire = stack.enter_context(Source(server, source))
            if wire.reply()[0] != 220:
                return codes.append(0)
            wire.say(b"EHLO c\r\n")
            wire.reply()
            codes.append(ask(wire, b"AUTH PLAIN " + plain(name, f"guess {i}"))[0])

    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        list(pool.map(one, range(n)))
    return codes


def log_in(server, user, source):
    """Seconds that a login took; AssertionError if it was refused."""
    with Source(server, source) as wire:
        wire.reply()
        wire.say(b"EHLO c\r\n")
        wire.reply()
        began = time.monotonic()
        code, text = ask(wire, b"AUTH PLAIN " + plain(user, server.passwords[user]))
        assert code == 235, text
        return time.monotonic() - began


def cpu_seconds(server):
    total = 0
    for pid in [server.process.pid, *server.descendants()]:
        with contextlib.suppress(OSError):
            words = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            total += sum(int(words[i]) for i in range(11, 15))  # its own and that of its dead children
    return total / os.sysconf("SC_CLK_TCK")


class Guessing(unittest.TestCase):
    def test_1000_wrong_passwords(self):
        """Row 24: from one address. Other clients log in as usual, and a proven user behind the same address too; others there must wait."""
        with Service("auth plain; auth_requires_tls no", clear=False, server="processes { max 40 }") as server:
            crowd = server.clone("bob@example.com", 400)
            log_in(server, "alice", "127.0.0.1")
            before = [log_in(server, next(crowd), f"127.0.2.{i}") for i in range(1, 21)]
            cpu, began, took = cpu_seconds(server), time.monotonic(), []
            flood = concurrent.futures.ThreadPoolExecutor(1).submit(attempts, server, 1000, "copier")
            while not flood.done():
                took.append(log_in(server, next(crowd), f"127.0.3.{1 + len(took) % 250}"))
                time.sleep(0.02)
            codes = flood.result()
            seconds, cpu = time.monotonic() - began, cpu_seconds(server) - cpu
            took.sort()
            print(f"\n1,000 wrong passwords in {seconds:.1f} s, {cpu:.1f} s of CPU (with {len(took)} good logins); good logins meanwhile: median "
                  f"{statistics.median(took) * 1000:.0f} ms, p99 {took[int(len(took) * 0.99)] * 1000:.0f} ms; before: "
                  f"{statistics.median(before) * 1000:.0f} ms")
            self.assertEqual(len(codes), 1000)
            self.assertLessEqual(codes.count(535), 24)
            self.assertGreaterEqual(codes.count(421), 970)
            self.assertLess(took[int(len(took) * 0.99)], 2.0)
            log_in(server, "alice", "127.0.0.1")
            with self.assertRaises(AssertionError):
                log_in(server, "copier", "127.0.0.1")
            log_in(server, "copier", "127.0.4.1")
            self.assertTrue(server.logged("client=127.0.0.1", "user=copier", "status=auth-failed", 'reason="wrong password"'))
            self.assertTrue(server.logged("client=127.0.0.1", "status=auth-slowed"))
            self.assertLessEqual(len(server.logged("status=auth-slowed")), 3)

    def test_known_and_unknown_take_as_long(self):
        """Medians of many attempts, alternating, each from an address without failures."""
        with Service("auth plain; auth_requires_tls no", clear=False) as server:
            times = {"alice": [], "nobody": []}
            replies = {name: set() for name in times}
            for i in range(18):  # from the 20th failure on, attempts at the account wait 2 s
                for name in times:
                    with Source(server, f"127.0.5.{1 + 2 * i + (name == 'alice')}") as wire:
                        wire.reply()
                        wire.say(b"EHLO c\r\n")
                        wire.reply()
                        began = time.monotonic()
                        replies[name].add(ask(wire, b"AUTH PLAIN " + plain(name if name == "alice" else f"nobody{i}", "wrong"))[1])
                        times[name].append(time.monotonic() - began)
            self.assertEqual(replies["nobody"], {"535 5.7.3 Authentication unsuccessful"})
            self.assertEqual(replies["alice"], replies["nobody"])
            known, unknown = (statistics.median(times[name]) for name in ("alice", "nobody"))
            self.assertGreater(unknown, 0.5 * known)
            self.assertLess(unknown, 2.0 * known)

    def test_guessing_locks_no_user_out(self):
        """An account under attack from many addresses: its user logs in at once from a known address, and a little later from others."""
        with Service("auth plain; auth_requires_tls no", clear=False) as server:
            log_in(server, "alice", "127.0.0.9")
            for i in range(1, 23):
                attempts(server, 1, "alice", f"127.0.8.{i}", 1)
            self.assertLess(log_in(server, "alice", "127.0.0.9"), 1.5)
            self.assertLess(1.9, log_in(server, "alice", "127.0.0.10"))

    def test_a_killed_worker_releases_its_slot(self):
        """All workers are killed again and again during checks; passwords are checked as before."""
        with Service("auth plain; auth_requires_tls no", clear=False) as server:
            smtpd = server.pids()["smtpd"]
            for i in range(1, 5):
                wires = [Source(server, f"127.0.{9 + j}.{i}") for j in range(4)]
                for wire in wires:
                    wire.reply()
                    wire.say(b"EHLO c\r\n")
                    wire.reply()
                    wire.say(b"AUTH PLAIN " + plain("alice", "wrong") + b"\r\n")
                time.sleep(0.005 * (i % 4))
                for pid, name in server.descendants().items():
                    with contextlib.suppress(OSError, IndexError):
                        if int(pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1]) == smtpd:
                            os.kill(pid, signal.SIGKILL)
                for wire in wires:
                    wire.__exit__()
            self.assertLess(log_in(server, "bob@example.com", "127.0.0.1"), 8)
            self.assertFalse(server.logged("auth-crowded"))


if __name__ == "__main__":
    harness.main()
