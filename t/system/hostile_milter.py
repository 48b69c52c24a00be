"""A filter that speaks the milter protocol by itself, octet by octet: what libmilter would never send, it sends.

    with HostileMilter({"E": add("X-A", "one") + packet("c")}) as milter:
        ... Mailroot(f"filter hostile {{ address {milter.address} }}")
        milter.events()

To each event of ANSWERS (letters of the protocol: O C H M R T U L N B E) it sends those octets, or does what it says: DIE closes the
connection, RESET resets it, STALL gives no answer. A function gets the connection and the packet's data, and returns one of these. An event
that is not there is answered by "continue"; D, A and Q have no answer.
"""
import socket
import struct
import threading

import harness

ADD_FIELDS, CHANGE_BODY, ADD_RCPTS, REMOVE_RCPTS, CHANGE_FIELDS, QUARANTINE, CHANGE_SENDER, ADD_RCPTS_PAR, SET_MACROS = (1 << i for i in range(9))
ALL_ACTIONS = 0x1FF
MUTE_HEADER, MAY_SKIP, REFUSED_RCPTS, LEADING_SPACE = 1 << 7, 1 << 10, 1 << 11, 1 << 20
DIE, RESET, STALL = "die", "reset", "stall"
SILENT = "DAQK"


def packet(letter, data=b"", length=None):
    """LENGTH: what the packet says of itself, if not the truth."""
    return struct.pack(">I", len(data) + 1 if length is None else length) + letter.encode("latin-1") + data


def octets(text):
    return text.encode("latin-1") if isinstance(text, str) else text


def strings(*texts):
    return b"".join(octets(text) + b"\0" for text in texts)


def add(name, value):
    return packet("h", strings(name, value))


def insert(index, name, value):
    return packet("i", struct.pack(">I", index) + strings(name, value))


def change(index, name, value):
    return packet("m", struct.pack(">I", index) + strings(name, value))


def body(piece):
    return packet("b", octets(piece))


def reply(text):
    return packet("y", strings(text))


def choice(version=6, actions=ALL_ACTIONS, protocol=0, lists=b""):
    return packet("O", struct.pack(">III", version, actions, protocol) + lists)


class Connection:
    """One connection of the server. `packets`: letter and data of each that came; `asked`: the event that is answered now."""

    def __init__(self, milter, sock):
        self.milter, self.sock, self.packets = milter, sock, []
        self.ended = False

    def read(self, count):
        data = b""
        while len(data) < count:
            more = self.sock.recv(count - len(data))
            if not more:
                raise EOFError
            data += more
        return data

    def answer(self, letter, data):
        what = self.milter.answers.get(letter, packet("c") if letter != "O" else choice())
        if callable(what):
            what = what(self, data)
        if what == RESET:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if what in (DIE, RESET):
            raise EOFError
        if what == STALL:
            self.milter.stalled.set()
            self.milter.go_on.wait()
        elif what:
            self.sock.sendall(what)

    def run(self):
        try:
            while True:
                length = struct.unpack(">I", self.read(4))[0]
                letter, data = self.read(1).decode("latin-1"), self.read(length - 1)
                self.packets.append((letter, data))
                if letter not in SILENT:
                    self.answer(letter, data)
        except (EOFError, OSError):
            pass
        finally:
            self.ended = True
            self.sock.close()


class HostileMilter:
    def __init__(self, answers=None, port=None):
        self.answers = answers or {}
        self.port = port or harness.free_port()
        self.address = f"inet:127.0.0.1:{self.port}"
        self.connections, self.threads = [], []
        self.stalled, self.go_on = threading.Event(), threading.Event()

    def __enter__(self):
        self.served = socket.create_server(("127.0.0.1", self.port))
        self.thread = threading.Thread(target=self._accept)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.go_on.set()
        harness.close_served(self.served, self.thread)
        for connection, thread in zip(self.connections, self.threads):
            try:
                connection.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            thread.join(10)

    def _accept(self):
        while True:
            try:
                sock, _ = self.served.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = Connection(self, sock)
            self.connections.append(connection)
            self.threads.append(threading.Thread(target=connection.run, daemon=True))
            self.threads[-1].start()

    def events(self):
        """The letters that came, of one connection after the other."""
        return " ".join("".join(letter for letter, _ in connection.packets) for connection in self.connections)

    def data(self, wanted):
        """The data of all packets of letter WANTED."""
        return [data for connection in self.connections for letter, data in connection.packets if letter == wanted]
