#!/usr/bin/env python3
"""Filters that die at each of their packets, and filters that break the protocol: the right reply, nothing lost, nothing half edited."""
import contextlib
import os
import pathlib
import re
import signal
import struct
import subprocess
import sys
import threading
import unittest

import harness
import milter
from filter_peers import DyingFilter
from harness import Mailroot, Sink, Wire, wait_for
from milter import (BODY, CLOSE, CONNECT, CONTINUE, DATA, EOH, EOM, HEADER, HELO, MAIL, NEGOTIATE, PROGRESS, RCPT, Milter, Raw, packet)
from peers import needs_root

HERE = pathlib.Path(__file__).resolve().parent

COMMANDS = {NEGOTIATE: "MAIL", CONNECT: "MAIL", HELO: "MAIL", MAIL: "MAIL", RCPT: "RCPT", DATA: "DATA", HEADER: "text", EOH: "text",
            BODY: "text", EOM: "text"}  # at which command of the client a filter fails that dies at an event
EDITS = [milter.change_header(1, "Subject", "edited"), milter.insert_header(0, "X-Edited", "first"), PROGRESS,
         milter.body("edited\r\n"), milter.body("body\r\n"), milter.add_header("X-Edited", "last"), milter.delete_rcpt("<b@example.org>"),
         milter.add_rcpt("<edited@example.org>"), milter.change_from("<edited@example.com>"), CONTINUE]
DOWN = {"tempfail": 451, "reject": 550, "accept": 250, "hold": 250}
SETTINGS = "smart_host [127.0.0.1]:{sink}\noutbound {{ tls off }}\n"


def text(number):
    return b"Subject: number %d\r\nFrom: a@example.com\r\nX-Old: yes\r\n\r\nThe text of number %d.\r\n.. with dots\r\n" % (number, number)


def transact(server, number, rcpts=("a@example.org", "b@example.org")):
    """Sends one message. Returns at which command it was refused and the code; ("text", 250) if it was not."""
    with Wire(server) as wire:
        lines = [("EHLO", "EHLO client.test"), ("MAIL", "MAIL FROM:<s@example.com>"), *(("RCPT", f"RCPT TO:<{rcpt}>") for rcpt in rcpts),
                 ("DATA", "DATA")]
        refused = ("connect", wire.reply()[0])
        for verb, line in lines:
            if refused[1] >= 400 or not refused[1]:
                break
            wire.say(line.encode() + b"\r\n")
            refused = verb, wire.reply()[0]
        if refused == ("DATA", 354):
            wire.say(text(number).replace(b"\r\n.", b"\r\n..") + b".\r\n")
            refused = "text", wire.reply()[0]
        wire.say(b"RSET\r\nQUIT\r\n")
        wire.codes()
        return refused


def without_ours(octets):
    """A message without our own Received."""
    start = octets.index(b"Received: ")
    end = start
    while end == start or octets[end:end + 1] in b" \t":
        end = octets.index(b"\r\n", end) + 2
    return octets[:start] + octets[end:]


class Mortal(Milter):
    """Each of its connections ends after LIMIT octets, wherever that is in a packet. `sent`: command and size of all packets of the last."""

    def __init__(self, limit=None, **options):
        super().__init__({EOM: EDITS}, **options)
        self.limit, self.sent = limit, []

    def _send(self, session, connection, command, octets):
        session.left = getattr(session, "left", self.limit)
        rest = octets
        while rest:
            size = 4 + struct.unpack(">I", rest[:4])[0]
            self.sent.append((command, size))
            rest = rest[size:]
        if session.left is not None:
            session.left -= len(octets)
            octets = octets if session.left >= 0 else octets[:session.left]
        connection.sendall(octets)
        if session.left is not None and session.left <= 0:
            raise OSError("dies")


def points(sent):
    """(command, octets) for: before each packet, in its length, and in its data."""
    at = 0
    for command, size in sent:
        for part in sorted({0, 2, size - 1}):
            yield command, at + part
        at += size


def check_unedited(test, sink, numbers):
    """The sink has exactly the messages of these numbers, as they were sent."""
    wait_for(lambda: len(sink.messages) >= len(numbers), f"{len(numbers)} messages (there are {len(sink.messages)})", 60)
    found = {}
    for sender, rcpts, octets in sink.messages:
        found[without_ours(octets)] = (sender.split(" ")[0], sorted(rcpt.split(" ")[0] for rcpt in rcpts))
    test.assertEqual(len(found), len(sink.messages), "a message came twice")
    test.assertEqual(found, {text(number): ("<s@example.com>", ["<a@example.org>", "<b@example.org>"]) for number in numbers})


def release(test, server, count):
    def held():
        messages = server.ctl_json("queue", "list")["messages"]
        return len(messages) == count and all(message["state"] == "held" for message in messages)
    wait_for(held, f"{count} held messages", 60)
    test.assertIn("filter mortal is down", server.ctl("queue", "list").stdout)
    server.ctl("queue", "release", "--all", "--yes")


class Dies(unittest.TestCase):
    def sweep(self, when_down):
        """A filter dies at each of its packets."""
        with Sink() as sink, Mortal() as filter_:
            with Mailroot(SETTINGS.format(sink=sink.port) + filter_.block("mortal", f"when_down {when_down}")) as server:
                self.assertEqual(transact(server, 0), ("text", 250))
                wait_for(lambda: len(sink.messages) == 1, "the edited message")
                sender, rcpts, octets = sink.messages.pop()
                self.assertEqual((sender.split(" ")[0], sorted(rcpts)), ("<edited@example.com>", ["<a@example.org>", "<edited@example.org>"]))
                self.assertEqual(without_ours(octets), b"X-Edited: first\r\nSubject: edited\r\nFrom: a@example.com\r\nX-Old: yes\r\n"
                                 b"X-Edited: last\r\n\r\nedited\r\nbody\r\n")
                sent = list(filter_.sent)
                self.assertEqual([command for command, _ in sent].count(EOM), len(EDITS))
                passed = []
                for number, (command, limit) in enumerate(points(sent), 1):
                    filter_.limit = limit
                    with self.subTest(command=command, limit=limit):
                        code = DOWN[when_down]
                        self.assertEqual(transact(server, number), (COMMANDS[command] if code > 250 else "text", code))
                        if code == 250:
                            passed.append(number)
                if when_down == "hold":
                    release(self, server, len(passed))
                check_unedited(self, sink, passed)
                self.assertIn("filter=mortal status=down", server.log())
                filter_.limit = None  # it is well again, and so is what was refused
                self.assertEqual(transact(server, 1000), ("text", 250))
                wait_for(lambda: any(b"X-Edited: first" in octets for _, _, octets in sink.messages), "the edited message")
                wait_for(lambda: not server.files("new", "") and not server.files("cur", ""), "an empty spool")

    def test_tempfail(self):
        self.sweep("tempfail")

    def test_reject(self):
        self.sweep("reject")

    def test_accept(self):
        self.sweep("accept")

    def test_hold(self):
        self.sweep("hold")


# A filter as a process: it says when it has got to event sys.argv[1], and then waits for its end.
PROCESS = """
import sys, threading, harness, milter
def stall(*_):
    print(flush=True)
    threading.Event().wait()
with milter.Milter({milter.EOM: EDITS, sys.argv[1].encode(): stall}) as filter_:
    print(filter_.address, flush=True)
    sys.stdin.read()
""".replace("EDITS", repr([bytes(packet) for packet in EDITS]))


class Killed(unittest.TestCase):
    """The whole filter is killed while it has an event; it can't be reached any more."""

    def kill_at(self, server, event, number):
        command = [sys.executable, "-c", PROCESS, event.decode()]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=HERE) as process:
            address = process.stdout.readline().strip()
            server.conf.write_text(re.sub("address inet:.*", "address " + address, server.conf.read_text()))
            server.ctl("reload")
            found = []
            client = threading.Thread(target=lambda: found.append(transact(server, number)))
            client.start()
            self.assertEqual(process.stdout.readline(), "\n")
            os.kill(process.pid, signal.SIGKILL)
            client.join(30)
        return found[0]

    def test_killed_at_each_event(self):
        for when_down, code in DOWN.items():
            with Sink() as sink, Mailroot(SETTINGS.format(sink=sink.port) +
                                          f"filter mortal {{ address inet:127.0.0.1:1\n when_down {when_down} }}\n") as server:
                for number, (event, command) in enumerate(COMMANDS.items()):
                    with self.subTest(when_down=when_down, event=event):
                        self.assertEqual(self.kill_at(server, event, number), (command if code > 250 else "text", code))
                passed = list(range(len(COMMANDS))) if code == 250 else []
                if when_down == "hold":
                    release(self, server, len(passed))
                check_unedited(self, sink, passed)


CALLBACKS = {"connect": "MAIL", "hello": "MAIL", "envfrom": "MAIL", "envrcpt": "RCPT", "data": "DATA", "header": "text", "eoh": "text",
             "body": "text"}


@needs_root
class Libmilter(unittest.TestCase):
    """The same with libmilter on the other side: a filter in Python that ends at each of its callbacks, and after each of its edits."""

    def test_ends_at_each_callback(self):
        places = [(callback, 0, command) for callback, command in CALLBACKS.items()] + [("eom", edits, "text") for edits in range(10)]
        with DyingFilter() as filter_:
            for when_down, code in DOWN.items():
                with Sink() as sink, Mailroot(SETTINGS.format(sink=sink.port) +
                                              f"filter mortal {{ address {filter_.address}\n when_down {when_down} }}\n") as server:
                    passed = []
                    for number, (callback, edits_, command) in enumerate(places):
                        filter_.serve(callback, edits_)
                        wait_for(lambda: "mortal is down" not in server.ctl("status", check=False).stdout, "the filter")
                        with self.subTest(when_down=when_down, callback=callback, edits=edits_):
                            self.assertEqual(transact(server, number), (command if code > 250 else "text", code))
                            passed += [number] if code == 250 else []
                        filter_.stop()
                    if when_down == "hold":
                        release(self, server, len(passed))
                    check_unedited(self, sink, passed)


class Stalls(unittest.TestCase):
    def test_no_answer_in_time(self):
        """At each event."""
        stop = threading.Event()
        with Milter() as filter_, Mailroot(filter_.block("slow", "timeout connect 1s command 1s content 1s")) as server:
            for event, command in COMMANDS.items():
                filter_.answers = {event: lambda *_: stop.wait() and CLOSE}
                before = len(server.log())
                with self.subTest(event=event):
                    self.assertEqual(transact(server, 0), (command, 451))
                    self.assertIn(f"did not answer in time after '{event.decode()}'", server.log()[before:])
                if event == NEGOTIATE:  # then it is down for mailroot-filters, too, until it answers
                    wait_for(lambda: "filter slow is down" in server.ctl("status", check=False).stdout, "a filter that is down")
                    filter_.answers = {}
                    wait_for(lambda: "filter slow is down" not in server.ctl("status", check=False).stdout, "a filter that is up")
            stop.set()

    def test_progress_without_end(self):
        """A sign of progress buys time at the end of the message alone."""
        def go_on(session, _):
            with contextlib.suppress(OSError):
                while True:
                    session.connection.sendall(PROGRESS)
                    self.paced.wait(0.01)
            return CLOSE

        self.paced = threading.Event()  # never set: it paces the filter
        with Milter({RCPT: go_on}) as filter_:
            with Mailroot(filter_.block("slow", "timeout connect 1s command 1s content 1s")) as server:
                self.assertEqual(transact(server, 0), ("RCPT", 451))

    def test_progress_buys_time(self):
        def slowly(session, _):
            for _ in range(4):
                session.connection.sendall(PROGRESS)
                self.paced.wait(1)
            return CONTINUE

        self.paced = threading.Event()
        with Sink() as sink, Milter({EOM: slowly}) as filter_:
            with Mailroot(SETTINGS.format(sink=sink.port) + filter_.block("slow", "timeout content 3s")) as server:
                self.assertEqual(transact(server, 0), ("text", 250))
                check_unedited(self, sink, [0])


def long_packet(length):
    return Raw(struct.pack(">I", length) + b"c")


def edits(*packets):
    return [*packets, CONTINUE]


ADD = milter.add_header("X-Never", "added")
MANY = [milter.add_header("X-Many", str(i)) for i in range(1001)]
LARGE = [milter.add_header("X-Large", "x" * 60000)] * 18
CROWD = [milter.add_rcpt(f"<r{i}@example.org>") for i in range(5001)]

# name, event, what the filter sends, at which command the client gets 451, and what the log says. The message is refused as a whole.
FAULTS = [
    ("length 0", EOM, [ADD, long_packet(0)], "text", r"sent a packet of 0 octets \(permitted: 1 to 131070\) after 'E' \(end of message\)"),
    ("length 131071", EOM, [ADD, long_packet(131071)], "text", "sent a packet of 131071 octets"),
    ("length 2^31", EOM, [ADD, long_packet(1 << 31)], "text", "sent a packet of 2147483648 octets"),
    ("length 2^32-1", MAIL, long_packet(0xffffffff), "MAIL", r"sent a packet of 4294967295 octets .* after 'M' \(mail\)"),
    ("length 0 in negotiation", NEGOTIATE, long_packet(0), "MAIL", "sent a packet of 0 octets"),
    ("no packet", MAIL, Raw(b"220 mx.example.com ESMTP\r\n"), "MAIL", "sent a packet of 842149920 octets"),
    ("unknown answer", RCPT, packet(b"Z"), "RCPT", r"answered 'R' \(rcpt\) with 'Z' \(unknown\)"),
    ("answer of a control character", RCPT, packet(b"\x07"), "RCPT", r"with 0x07 \(unknown\)"),
    ("our own event as an answer", RCPT, packet(b"R"), "RCPT", r"with 'R' \(unknown\)"),
    ("version 7", NEGOTIATE, packet(b"O", struct.pack(">III", 7, 0, 0)), "MAIL", "a protocol version other than 2 to 6"),
    ("version 1", NEGOTIATE, packet(b"O", struct.pack(">III", 1, 0, 0)), "MAIL", "a protocol version other than 2 to 6"),
    ("an action not offered", NEGOTIATE, packet(b"O", struct.pack(">III", 6, 0x3ff, 0)), "MAIL", "actions that were not offered"),
    ("short negotiation", NEGOTIATE, packet(b"O", b"\0\0\0\6"), "MAIL", r"packet 'O' \(negotiation\) that is too short"),
    ("lists of macros without end", NEGOTIATE, packet(b"O", struct.pack(">IIII", 6, 0, 0, 0) + b"j"), "MAIL", "an incomplete list of macros"),
    ("large lists of macros", NEGOTIATE, packet(b"O", struct.pack(">IIII", 6, 0, 0, 0) + b"j" * 9000 + b"\0"), "MAIL", "lists of macros that are too long"),
    ("no negotiation", NEGOTIATE, CONTINUE, "MAIL", r"answered 'O' \(negotiation\) with 'c' \(continue\)"),
    ("two answers", MAIL, [CONTINUE, CONTINUE], "RCPT", r"sent 'c' \(continue\), which nothing asked for"),
    ("edit before the end", MAIL, [ADD, CONTINUE], "MAIL", r"answered 'M' \(mail\) with 'h' \(add field\)"),
    ("edit in the body", BODY, [ADD, CONTINUE], "text", r"answered 'B' \(body\) with 'h'"),
    ("skip at the header", HEADER, milter.SKIP_REST, "text", r"answered 'L' \(header field\) with 's' \(skip\)"),
    ("skip at the end", EOM, [ADD, milter.SKIP_REST], "text", r"answered 'E' \(end of message\) with 's' \(skip\)"),
    ("connection failure at the end", EOM, [ADD, milter.CONNECTION_FAILS], "text", r"with 'f' \(connection failure\)"),
    ("continue with data", EOM, [ADD, packet(b"c", b"x")], "text", r"packet 'c' \(continue\) that has data"),
    ("index 2^32-1", EOM, edits(ADD, milter.insert_header(0xffffffff, "X-A", "b")), "text", "an index beyond 2147483647"),
    ("change by index 2^31", EOM, edits(ADD, milter.change_header(1 << 31, "X-A", "b")), "text", "an index beyond 2147483647"),
    ("name with a colon", EOM, edits(ADD, milter.add_header("X-A: b\r\nX-B", "c")), "text", "no valid name of a field"),
    ("name with a line end", EOM, edits(ADD, milter.add_header("X-A\r\n", "c")), "text", "no valid name of a field"),
    ("no name", EOM, edits(ADD, milter.change_header(1, "", "c")), "text", "no valid name of a field"),
    ("value without end", EOM, edits(ADD, packet(b"h", b"X-A\0b")), "text", r"packet 'h' \(add field\) that is too short"),
    ("data behind the value", EOM, edits(ADD, packet(b"h", b"X-A\0b\0c")), "text", "data after its end"),
    ("1001 edits of fields", EOM, edits(*MANY), "text", "beyond 1000 edits of fields"),
    ("more than 1 MiB of fields", EOM, edits(*LARGE), "text", "beyond 1 MiB of edits of fields"),
    ("5001 recipients", EOM, edits(*CROWD), "text", "beyond 5000 edits of recipients"),
    ("no address", EOM, edits(ADD, milter.add_rcpt("a@@b\r\nx-receiver: <c@example.org>")), "text", "no valid address"),
    ("no sender", EOM, edits(ADD, milter.change_from("<a@example.com> x")), "text", "no valid address"),
    ("body in parts", EOM, edits(milter.body("x"), ADD, milter.body("y")), "text", "new body had begun before"),
    ("reply 250", EOM, [ADD, milter.reply("250 2.0.0 fine")], "text", "a code of 400 to 599"),
    ("reply 354", DATA, milter.reply("354 go on"), "DATA", "a code of 400 to 599"),
    ("reply with a line of ours", RCPT, milter.reply("550 5.7.1 no\r\n250 2.0.0 ok"), "RCPT", "packet 'y'"),
    ("reply with bare line ends", RCPT, milter.reply("550 5.7.1 no\n250 2.0.0 ok"), "RCPT", "a control character"),
    ("reply without end", RCPT, milter.reply("550-5.7.1 no"), "RCPT", "has no last line"),
    ("edit, then the end of the connection", EOM, [ADD, CLOSE], "text", "broke off the connection after 'E'"),
]


class Faults(unittest.TestCase):
    """Each is one message that is refused as a whole; the worker lives, and the next message is filtered again."""

    def test_faults(self):
        with Sink() as sink, Milter() as filter_:
            with Mailroot(SETTINGS.format(sink=sink.port) + filter_.block("bad")) as server, harness.unharmed(self, server, 64 << 20):
                for number, (name, event, answer, command, words) in enumerate(FAULTS):
                    with self.subTest(name=name):
                        before = len(server.log())
                        filter_.answers = {event: answer}
                        self.assertEqual(transact(server, number), (command, 451))
                        self.assertRegex(server.log()[before:], f'filter=bad status=down when_down=tempfail reason="the filter .*{words}')
                filter_.answers = {EOM: edits(milter.add_header("X-Good", "again"))}
                self.assertEqual(transact(server, 1000), ("text", 250))
                sink.wait(1)
                self.assertIn(b"X-Good: again\r\n", sink.messages[0][2])
                self.assertEqual(len(sink.messages), 1)
                self.assertEqual(server.files("new", "") + server.files("badmail", ""), [])

    def test_actions_that_it_did_not_ask_for(self):
        for edit in EDITS[:2] + EDITS[3:4] + EDITS[5:9] + [milter.quarantine("why")]:
            with self.subTest(edit=edit[4:5]), Milter({EOM: edits(edit)}, actions=0) as filter_:
                with Mailroot(filter_.block("bad")) as server:
                    self.assertEqual(transact(server, 0), ("text", 451))
                    self.assertRegex(server.log(), r"sent '.' \(.*\), for which it did not ask in the negotiation")

    def test_body_without_end(self):
        """It may not be larger than a message."""
        def pour(session, _):
            self.poured = 0
            with contextlib.suppress(OSError):
                while self.poured < 3 << 30:
                    session.connection.sendall(milter.body(b"x" * 60000))
                    self.poured += 60000
            return CONTINUE

        with Milter({EOM: pour}) as filter_:
            with Mailroot(filter_.block("bad") + "messages { max_message_size 4M }\n") as server, harness.unharmed(self, server):
                self.assertEqual(transact(server, 0), ("text", 451))
                self.assertIn("new body of more than max_message_size", server.log())
                self.assertLess(self.poured, 16 << 20)
                self.assertEqual(server.files("new", ""), [])

    def test_second_verdict(self):
        """The first one counts; the connection is given up."""
        with Sink() as sink, Milter({EOM: [milter.add_header("X-Edited", "yes"), CONTINUE, milter.REJECT]}) as filter_:
            with Mailroot(SETTINGS.format(sink=sink.port) + filter_.block("bad")) as server:
                with Wire(server) as wire:
                    message = (b"MAIL FROM:<s@example.com>\r\n", b"RCPT TO:<a@example.org>\r\n", b"DATA\r\n", text(0) + b".\r\n")
                    wire.reply()
                    found = []
                    for line in (b"EHLO client.test\r\n", *message, *message):
                        wire.say(line)
                        found.append(wire.reply()[0])
                        if found[-1] >= 400:
                            break
                self.assertEqual(found, [250, 250, 250, 354, 250, 451])
                sink.wait(1)
                self.assertIn(b"X-Edited: yes\r\n", sink.messages[0][2])
                self.assertIn("sent 'r' (reject), which nothing asked for", server.log())

    def test_an_answer_and_the_end(self):
        """A filter may close the connection after its last answer."""
        class Hasty(Milter):
            def _send(self, session, connection, command, octets):
                super()._send(session, connection, command, octets)
                if command == EOM:
                    raise OSError("closes")

        with Sink() as sink, Hasty({EOM: EDITS}) as filter_:
            with Mailroot(SETTINGS.format(sink=sink.port) + filter_.block("hasty")) as server:
                self.assertEqual(transact(server, 0), ("text", 250))
                sink.wait(1)
                self.assertIn(b"X-Edited: last\r\n", sink.messages[0][2])


class Injections(unittest.TestCase):
    def filtered(self, *packets):
        """What a message becomes: sender, recipients, text without our own Received."""
        with Sink() as sink, Milter({EOM: edits(*packets)}) as filter_:
            with Mailroot(SETTINGS.format(sink=sink.port) + filter_.block("sly")) as server:
                self.assertEqual(transact(server, 0), ("text", 250))
                sink.wait(1)
                self.assertEqual(server.files("badmail", ""), [])
        sender, rcpts, octets = sink.messages[0]
        return sender.split(" ")[0], sorted(rcpt.split(" ")[0] for rcpt in rcpts), without_ours(octets)

    def unchanged(self, found):
        self.assertEqual(found[:2], ("<s@example.com>", ["<a@example.org>", "<b@example.org>"]))

    def test_line_ends_in_a_value(self):
        found = self.filtered(milter.add_header("X-A", "b\r\nX-B: c\r\n\r\nbody\rx"))
        self.unchanged(found)
        self.assertIn(b"X-A: b\r\n\tX-B: c\r\n\t\r\n\tbody x\r\n\r\nThe text", found[2])

    def test_envelope_lines(self):
        """A field in front of all is not taken for a line of the envelope."""
        for name in ("x-receiver", "X-Sender", "x-mailroot-hold", "x-mailroot-ret", "x-mailroot-unknown"):
            with self.subTest(name=name):
                found = self.filtered(milter.insert_header(0, name, "<evil@example.org>"))
                self.unchanged(found)
                self.assertTrue(found[2].startswith(f"{name}: <evil@example.org>\r\nSubject:".encode()), found[2])

    def test_our_own_received_stays(self):
        found = self.filtered(*[milter.change_header(1, "Received", "")] * 3, milter.change_header(1, "Received", "from nobody"))
        self.unchanged(found)
        self.assertIn(b"X-Old: yes\r\nReceived: from nobody\r\n\r\n", found[2])

    def test_dots_in_the_new_body(self):
        found = self.filtered(milter.body(b".\r\n..\r\nMAIL FROM:<x>\n\r\r\nend"))
        self.unchanged(found)
        self.assertTrue(found[2].endswith(b"\r\n\r\n.\r\n..\r\nMAIL FROM:<x>\r\n\r\nend\r\n"), found[2])

    def test_reason_of_quarantine(self):
        with Milter({EOM: edits(milter.quarantine("bad\r\nx-receiver: <evil@example.org>\x1b[31m"))}) as filter_:
            with Mailroot(filter_.block("sly")) as server:
                self.assertEqual(transact(server, 0), ("text", 250))
                wait_for(lambda: server.ctl_json("queue", "list")["messages"], "a held message")
                shown = server.ctl("queue", "list").stdout
                self.assertIn("bad\\x0d\\x0ax-receiver", shown)
                self.assertNotIn("\x1b", shown)

    def test_recipients_beyond_the_bound(self):
        """5000 more than two are too many: the message is refused, and is not cut."""
        with Milter({EOM: edits(*CROWD[:5000])}) as filter_:
            with Mailroot(filter_.block("sly")) as server:
                self.assertEqual(transact(server, 0), ("text", 451))
                self.assertIn('reason="the filter added recipients beyond 5000"', server.log())
                self.assertEqual(server.files("new", "") + server.files("cur", "") + server.files("badmail", ""), [])

    def test_sender_without_domain(self):
        """It gets default_domain, as that of a client does."""
        with Milter({EOM: edits(milter.change_from("<boss>"))}) as filter_, Mailroot(filter_.block("sly")) as server:
            server.send(["a@example.com"])
            self.assertEqual(harness.Message(server.dropped()[0]).sender, "boss@example.com")

    def test_recipient_without_domain(self):
        """It is one of ours, as that of a client is."""
        with Milter({EOM: edits(milter.add_rcpt("postmaster"))}) as filter_:
            with Mailroot(filter_.block("sly")) as server:
                server.send(["a@example.com"])
                self.assertEqual(harness.Message(server.dropped()[0]).rcpts, ["a@example.com", "postmaster@example.com"])


if __name__ == "__main__":
    harness.main()
