#!/usr/bin/env python3
"""Two filters change messages at random, once for Mailroot and once for Postfix: what both send on is the same, octet for octet."""
import random
import re
import smtplib
import unittest

import harness
import milter
from harness import Mailroot, Sink, wait_for
from milter import CONTINUE, EOM, HEADER, LEADING_SPACE, Milter
from peers import needs_root
from postfix import Postfix

COUNT = 60
RANDOM = random.Random("filters")
NAMES = ["A", "a", "B", "Subject", "Received", "X-New", "X-Other", "Date", "Message-ID"]
# No CR LF within a value: Postfix sends CR CR LF then.
VALUES = ["x", "y z", "  two", "", "tail ", "one\n\ttwo", "one\ntwo", "\n", "a\n", "a\n\nb", "Grüße", "x" * 300, "\tt", " "]
INDEXES = [0, 0, 0, 1, 1, 2, 3, 4, 6, 9, 50, 2147483646]
FIELDS = [b"A: 1", b"a: 2\r\n folded", b"B:no", b"Subject: s", b"Subject:\r\n behind", b"Received: other\r\n\tby x", b"X-Other:\tt", b"From: f@f.example"]
USUAL = [b"Date: Mon, 30 Nov 2026 12:00:00 +0000", b"Message-ID: <a@b.example>", b"From: f@f.example", b"To: a@a.example"]
PEOPLE = ["<a@a.example>", "<b@b.example>", "c@c.example"]  # in one case: Postfix compares it sometimes
POSTFIX = """milter_default_action = tempfail
default_transport = smtp
relayhost = [127.0.0.1]:{sink}
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_milters = {filters}
smtp_host_lookup = native
smtp_dns_support_level = disabled
smtpd_tls_security_level = none
smtpd_tls_chain_files =
"""


def header(number):
    fields = [RANDOM.choice(FIELDS) for _ in range(RANDOM.randint(0, 6))] + USUAL + [b"X-Number: %d" % number]
    RANDOM.shuffle(fields)
    return b"".join(field + b"\r\n" for field in fields)


def edit():
    name, value, index = RANDOM.choice(NAMES), RANDOM.choice(VALUES), RANDOM.choice(INDEXES)
    if name == "Received" and not value.strip():
        value = "x"  # with an empty one in front of all, Postfix lets a filter change its own
    return RANDOM.choice([lambda: milter.add_header(name, value.encode()), *[lambda: milter.insert_header(index, name, value.encode())] * 2,
                          *[lambda: milter.change_header(index, name, value.encode())] * 3])()


def envelope_edit():
    return RANDOM.choice([milter.add_rcpt, milter.delete_rcpt, milter.change_from])(RANDOM.choice(PEOPLE))


def body_edit():
    lines = [RANDOM.choice(["text", "", ".", "..x", "long " * 100, "Grüße"]) for _ in range(RANDOM.randint(0, 5))]
    return [milter.body("\r\n".join(lines)), milter.body(RANDOM.choice(["", "\r\n", "\n", " and the end"]))]


def script():
    """What a filter does to one message."""
    packets = [edit() for _ in range(RANDOM.randint(0, 8))] + [envelope_edit() for _ in range(RANDOM.choice([0, 0, 1, 3]))]
    RANDOM.shuffle(packets)
    return packets + (body_edit() if RANDOM.random() < 0.3 else []) + [CONTINUE]


class Scripted(Milter):
    """Does to message number N what script N says."""

    def __init__(self, **options):
        super().__init__({EOM: self.act}, **options)
        self.scripts = [script() for _ in range(COUNT)]
        self.shown = {}

    def act(self, session, _):
        fields = [event.data for event in session.of(HEADER)]
        number = next(int(field.split(b"\0")[1]) for field in fields if field.startswith(b"X-Number"))
        self.shown.setdefault(number, []).append((fields, session.body()))
        return self.scripts[number]


def compared(octets, by):
    """A message with a mark in place of the Received field of host BY."""
    return re.sub(rb"(?m)^Received: [^\r]*\r\n([ \t][^\r]*\r\n)*", lambda field: b"OURS\r\n" if b"by " + by in field[0] else field[0], octets)


@needs_root
class Random(unittest.TestCase):
    def both(self, **options):
        ports = harness.free_port(), harness.free_port()
        with Scripted(**options) as one, Scripted(**options) as two, Sink() as ours, Sink() as theirs:
            settings = POSTFIX.format(sink=theirs.port, filters=f"{one.address} {two.address}")
            with Postfix(None, settings, "127.0.0.1", ports[0]) as postfix, \
                    Mailroot(f"smart_host [127.0.0.1]:{ours.port}\noutbound {{ tls off }}\n" + one.block("one") + two.block("two")) as server:
                postfix.serve()
                for number in range(COUNT):
                    text = header(number) + b"\r\nThe body.\r\n..\r\n"
                    for sink, port, by in ((ours, server.port, b"mail.example.com"), (theirs, ports[0], b"peer.test")):
                        with smtplib.SMTP("127.0.0.1", port, local_hostname="client.test", timeout=30) as client:
                            client.sendmail("s@s.example", ["a@a.example", "b@b.example", "stays@s.example"], text)
                        sink.wait(1)
                    with self.subTest(number=number):
                        self.compare(ours.messages.pop(), theirs.messages.pop())
                        for filter_ in (one, two):
                            self.assertEqual(*filter_.shown[number])

    def compare(self, ours, theirs):
        self.assertEqual(ours[0].split(" ")[0], theirs[0].split(" ")[0])
        rcpts = sorted(rcpt.split(" ")[0] for rcpt in ours[1])
        self.assertEqual(rcpts, sorted({rcpt.split(" ")[0] for rcpt in theirs[1]}), "Postfix sends twice to one that was added twice")
        marked = compared(ours[2], b"mail.example.com")
        self.assertEqual(marked, compared(theirs[2], b"peer.test"))
        self.assertEqual(marked.count(b"OURS\r\n"), 1)

    def test_without_the_blank(self):
        self.both()

    def test_with_the_blank(self):
        self.both(protocol=LEADING_SPACE)


if __name__ == "__main__":
    harness.main()
