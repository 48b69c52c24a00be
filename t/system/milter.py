"""A filter that speaks the milter protocol, for tests: each of its answers is a table entry, so it can also lie, stall and die.

ANSWERS maps a command of the protocol to what the filter sends for it: a packet, several in a list, CLOSE (alone or last in a list), or a function of
(session, data) that returns one of these. What is not in the table is answered with `continue`, as far as the negotiation
promises an answer. Octets made by RAW are sent as they are, for packets that no filter should send.
"""
import collections
import contextlib
import os
import socket
import struct
import threading

import harness

CONNECT, HELO, MAIL, RCPT, DATA, HEADER, EOH, BODY, EOM = b"C", b"H", b"M", b"R", b"T", b"L", b"N", b"B", b"E"
ABORT, QUIT, QUIT_NEW, UNKNOWN, MACROS, NEGOTIATE = b"A", b"Q", b"K", b"U", b"D", b"O"
NAMES = {CONNECT: "connect", HELO: "helo", MAIL: "mail", RCPT: "rcpt", DATA: "data", HEADER: "header", EOH: "eoh", BODY: "body", EOM: "eom",
         ABORT: "abort", QUIT: "quit", QUIT_NEW: "quit_new", UNKNOWN: "unknown"}

# What a filter may do (SMFIF_).
ADD_HEADERS, CHANGE_BODY, ADD_RCPT, DELETE_RCPT, CHANGE_HEADERS, QUARANTINE = 1, 2, 4, 8, 0x10, 0x20
CHANGE_FROM, ADD_RCPT_ARGS, SYMLIST = 0x40, 0x80, 0x100
ALL_ACTIONS = 0x1FF

# What a filter does not want, or does not answer (SMFIP_).
NO_CONNECT, NO_HELO, NO_MAIL, NO_RCPT, NO_BODY, NO_HEADERS, NO_EOH = 1, 2, 4, 8, 0x10, 0x20, 0x40
NR_HEADER, NO_UNKNOWN, NO_DATA, SKIP, RCPT_REJECTED = 0x80, 0x100, 0x200, 0x400, 0x800
NR_CONNECT, NR_HELO, NR_MAIL, NR_RCPT, NR_DATA, NR_UNKNOWN, NR_EOH, NR_BODY = (0x1000 << n for n in range(8))
LEADING_SPACE = 0x100000
SILENT = {CONNECT: NR_CONNECT, HELO: NR_HELO, MAIL: NR_MAIL, RCPT: NR_RCPT, DATA: NR_DATA, UNKNOWN: NR_UNKNOWN, HEADER: NR_HEADER,
          EOH: NR_EOH, BODY: NR_BODY}

CLOSE = "the connection ends"


class Raw(bytes):
    """Octets that are no whole packet."""


def packet(command, data=b""):
    return Raw(struct.pack(">I", len(data) + 1) + command + data)


def strings(*texts):
    return b"".join(octets(text) + b"\0" for text in texts)


def octets(text):
    return text if isinstance(text, bytes) else text.encode()


CONTINUE, ACCEPT, DISCARD, REJECT, TEMPFAIL = (packet(c) for c in (b"c", b"a", b"d", b"r", b"t"))
SHUTDOWN, CONNECTION_FAILS, PROGRESS, SKIP_REST = (packet(c) for c in (b"4", b"f", b"p", b"s"))


def reply(text):
    return packet(b"y", strings(text))


def add_header(name, value):
    return packet(b"h", strings(name, value))


def insert_header(index, name, value):
    return packet(b"i", struct.pack(">I", index) + strings(name, value))


def change_header(index, name, value):
    return packet(b"m", struct.pack(">I", index) + strings(name, value))


def body(piece):
    return packet(b"b", octets(piece))


def add_rcpt(address):
    return packet(b"+", strings(address))


def add_rcpt_args(address, args):
    return packet(b"2", strings(address, args))


def delete_rcpt(address):
    return packet(b"-", strings(address))


def change_from(address, *args):
    return packet(b"e", strings(address, *args))


def quarantine(reason):
    return packet(b"q", strings(reason))


Event = collections.namedtuple("Event", "command data macros")


class Session:
    """One connection to the filter: the offer of the mail server, and the events in their order."""

    def __init__(self):
        self.offer = None
        self.connection = None
        self.events = []
        self.ended = threading.Event()

    def names(self):
        return [NAMES.get(event.command, repr(event.command)) for event in self.events]

    def of(self, command):
        return [event for event in self.events if event.command == command]

    def headers(self):
        """The fields of all messages, as (name, value)."""
        return [tuple(part.decode("latin-1") for part in event.data.split(b"\0")[:2]) for event in self.of(HEADER)]

    def body(self):
        return b"".join(event.data for event in self.events if event.command in (BODY, EOM))

    def macros(self, command):
        """The macros that came with the last event COMMAND."""
        return self.of(command)[-1].macros


class Milter(harness.Acceptor):
    """A filter on a loopback port, or on the socket PATH."""

    def __init__(self, answers=None, actions=ALL_ACTIONS, protocol=0, version=6, symlists=None, path=None):
        self.answers = dict(answers or {})
        self.actions, self.protocol, self.version, self.symlists = actions, protocol, version, symlists or {}
        self.sessions = []
        self.path = path
        super().__init__(self._listen_at(path) if path else socket.create_server(("127.0.0.1", 0), backlog=64))
        self.address = f"unix:{path}" if path else f"inet:127.0.0.1:{self.port}"

    @staticmethod
    def _listen_at(path):
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(path))
        os.chmod(path, 0o666)
        listener.listen(64)
        return listener

    def block(self, name="test", more=""):
        """The settings that make Mailroot ask this filter."""
        return f"filter {name} {{\n address {self.address}\n {more}\n}}\n"

    def close(self):
        """The filter dies with all its connections."""
        super().close()
        for session in self.sessions:
            session.ended.wait(10)
        if self.path:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.path)

    def wait(self, count=1, seconds=20):
        """The first COUNT sessions, once they are over."""
        harness.wait_for(lambda: len(self.sessions) >= count and all(s.ended.is_set() for s in self.sessions[:count]),
                         f"{count} sessions with the filter", seconds)
        return self.sessions[:count]

    def _serve(self, connection):
        session = Session()
        session.connection = connection
        try:
            with contextlib.suppress(struct.error), connection.makefile("rb") as stream:
                self._converse(session, connection, stream)
        finally:
            session.ended.set()

    def _converse(self, session, connection, stream):
        macros = {}
        while True:
            head = stream.read(5)
            if len(head) < 5:
                return
            length, command = struct.unpack(">I", head[:4])[0], head[4:]
            data = stream.read(length - 1)
            if command == MACROS:
                parts = data[1:].split(b"\0")[:-1]
                macros.setdefault(data[:1], {}).update(
                    {n.decode(): v.decode("latin-1") for n, v in zip(parts[::2], parts[1::2])})
                continue
            if command == NEGOTIATE:
                self.sessions.append(session)  # a connection without any octet is a look whether we are there
                session.offer = struct.unpack(">III", data[:12])
            else:
                session.events.append(Event(command, data, dict(macros.pop(command, {}))))
            answer = self._answer(session, command, data)
            if answer == CLOSE:
                return
            if isinstance(answer, (list, tuple)):  # it ends with CLOSE
                connection.sendall(b"".join(answer[:-1]))
                return
            if answer:
                self._send(session, connection, command, answer)
            if command in (QUIT, QUIT_NEW):
                return

    def _send(self, session, connection, command, answer):
        connection.sendall(answer)

    def _answer(self, session, command, data):
        answer = self.answers.get(command, self._usual(session, command))
        if callable(answer):
            answer = answer(session, data)
        if isinstance(answer, (list, tuple)) and CLOSE not in answer:
            answer = b"".join(answer)
        return answer

    def _usual(self, session, command):
        if command == NEGOTIATE:
            lists = b"".join(struct.pack(">I", stage) + strings(names) for stage, names in self.symlists.items())
            return packet(NEGOTIATE, struct.pack(">III", self.version, self.actions & session.offer[1], self.protocol) + lists)
        if command in (ABORT, QUIT, QUIT_NEW) or self.protocol & SILENT.get(command, 0):
            return None
        return CONTINUE
