"""Clients for the tests of ETRN and ATRN: one that sends ETRN, and one that sends ATRN and then acts as the host."""
import harness
from auth_service import plain
from harness import Wire


def said(server, *lines):
    """Replies to LINES after EHLO."""
    with Wire(server) as wire:
        wire.reply()
        replies = []
        for line in ("EHLO branch.test", *lines):
            wire.say(line.encode() + b"\r\n")
            replies.append(wire.reply())
        return replies[1:]


def waiting(server, count):
    harness.wait_for(lambda: server.ctl("queue", "list").stdout.count("waits for ETRN") == count, f"{count} messages that wait for ETRN")


def empty(server):
    return not server.files("new", "") and not server.files("cur", "")


class Fetcher:
    """A client that authenticates, sends ATRN, and then acts as the host. It keeps the mail that it gets."""

    def __init__(self, server, secured=False, user="alice"):
        self.server, self.messages = server, []
        self.wire = Wire(server)
        self.expect(220)
        self.say("EHLO branch.test", 250)
        if secured:
            self.say("STARTTLS", 220)
            self.wire.socket = server.context().wrap_socket(self.wire.socket, server_hostname="localhost")
            self.wire.lines = self.wire.socket.makefile("rb")
            self.say("EHLO branch.test", 250)
        if user:
            self.say("AUTH PLAIN " + plain(user, server.passwords[user]).decode(), 235)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.wire.__exit__()

    def expect(self, code):
        got = self.wire.reply()
        if got[0] != code:
            raise AssertionError(f"{got} instead of {code}")
        return got

    def say(self, line, code):
        self.wire.say(line.encode() + b"\r\n")
        return self.expect(code)

    def command(self):
        return self.wire.lines.readline().decode().rstrip("\r\n")

    def answer(self, line):
        self.wire.say(line.encode() + b"\r\n")

    def serve(self, until=lambda: False, rcpt="250 2.1.5 ok"):
        """Acts as the host until QUIT or the end of the connection. Returns the last command."""
        self.answer("220 branch.test ready to receive")
        while not until():
            line = self.command()
            verb = line.split(" ")[0].upper()
            if verb == "EHLO":
                self.answer("250-branch.test\r\n250 PIPELINING")
            elif verb == "MAIL":
                sender, rcpts = line, []
                self.answer("250 2.1.0 ok")
            elif verb == "RCPT":
                rcpts.append(line[9:-1])
                self.answer(rcpt)
            elif verb == "DATA":
                self.answer("354 go on")
                text = []
                while (part := self.wire.lines.readline()) != b".\r\n":
                    if not part:
                        return "cut"
                    text.append(part)
                self.messages.append((sender, rcpts, b"".join(text)))
                if until():
                    return "."
                self.answer("250 2.6.0 kept")
            elif verb == "QUIT":
                self.answer("221 2.0.0 bye")
                return line
            elif verb == "RSET":
                self.answer("250 2.0.0 ok")
            elif not line:
                return line
            else:
                self.answer("500 5.5.1 what?")
        return ""
