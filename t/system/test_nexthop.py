"""Decisions of the queue about next hops: limits of a provider, hosts that die and come back, many next hops at once.

--full runs the test of limits at its real size (300 messages at 30 a minute: nine minutes)."""
import contextlib
import smtplib
import sys
import threading
import time
import unittest

import harness
from harness import Mailroot, Sink

RETRY = "delivery { retry 1s 1s 2s; expire 1h }"


def send(server, count, domain="example.net", text="Subject: test\r\n\r\n{}\r\n"):
    """Sends COUNT messages in one session; the recipients have their numbers."""
    with server.client() as client:
        for i in range(count):
            client.sendmail("app@example.com", [f"u{i}@{domain}"], text.format(i))


def numbers(sinks):
    """How often each message came to any of SINKS: {number: count}."""
    counts = {}
    for sink in sinks:
        for _, rcpts, _ in list(sink.messages):
            for rcpt in rcpts:
                number = int(rcpt.strip("<>").split("@")[0][1:])
                counts[number] = counts.get(number, 0) + 1
    return counts


class Provider(Sink):
    """A host with a limit of connections and a limit of messages in any PERIOD; beyond them it refuses."""

    def __init__(self, connections, messages, period):
        self.allowed, self.rate, self.period = connections, messages, period
        self.sessions, self.most, self.times, self.refused = 0, 0, [], []
        super().__init__(answers={"MAIL": self.mail})

    def mail(self, _):
        now = time.monotonic()
        with self.lock:
            if sum(t > now - self.period for t in self.times) >= self.rate:
                self.refused.append("rate")
                return "451 4.7.1 too fast"
            self.times.append(now)
        return None

    def _session(self, connection, lines):
        with self.lock:
            self.sessions += 1
            self.most = max(self.most, self.sessions)
            over = self.sessions > self.allowed
            if over:
                self.refused.append("connections")
        try:
            if over:
                connection.sendall(b"421 4.7.0 too many connections\r\n")
            else:
                super()._session(connection, lines)
        finally:
            with self.lock:
                self.sessions -= 1


class Limits(unittest.TestCase):
    def meets(self, count, connections, rate, period):
        minimum = (count // rate - 1) * period
        with Provider(connections, rate, period) as sink, Mailroot(
                f"connector provider {{ route [127.0.0.1]:{sink.port}; outbound {{ rate {rate}/{period}s; max_connections {connections} }} }}\n"
                f"{RETRY}") as server:
            send(server, count)
            waits = harness.wait_for(lambda: [why for why in server.ctl_json("status")["servers"][0]["mail_waits_for"] if "rate" in why],
                                     "status to say why mail waits")
            self.assertIn(f"rate {rate}/", waits[0])
            sink.wait(count, minimum * 1.5 + 10)
            took = sink.times[-1] - sink.times[0]
            self.assertEqual(sink.refused, [])
            self.assertEqual(set(numbers([sink]).values()), {1})
            self.assertLessEqual(sink.most, connections)
            print(f"{count} messages in {took:.2f} s, the least is {minimum} s; {sink.most} connections at most", file=sys.stderr)
            self.assertLess(took, minimum * 1.05)
            self.assertGreaterEqual(took, minimum)

    def test_limits_of_a_provider_are_never_exceeded(self):
        if FULL:
            self.meets(300, 3, 30, 60)
        else:
            self.meets(150, 3, 30, 3)


FULL = "--full" in sys.argv
if __name__ == "__main__":
    sys.argv = [word for word in sys.argv if word != "--full"]
    harness.main()
