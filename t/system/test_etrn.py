"""Mail that waits until it is asked for with ETRN."""
import unittest

import harness
from auth_service import Service, plain
from harness import Mailroot, Sink, Wire

HOLD = "remote_domain branch.test {{ etrn yes; relay yes; route [127.0.0.1]:{} }}"


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


class Etrn(unittest.TestCase):
    def test_waits_and_goes(self):
        with Sink() as sink, Mailroot(HOLD.format(sink.port)) as server:
            self.assertEqual(said(server, "ETRN branch.test")[0][0], 251)
        with Sink() as sink, Mailroot(HOLD.format(sink.port)) as server:
            for _ in range(3):
                server.send(["user@branch.test"])
            waiting(server, 3)
            self.assertEqual(sink.connections, 0)
            self.assertEqual(server.files("cur", ""), [])
            self.assertEqual(said(server, "ETRN branch.test"), [(253, "253 2.0.0 OK, 3 pending messages for node branch.test started")])
            sink.wait(3)
            harness.wait_for(lambda: not server.files("new", ""), "an empty spool")



class Fetcher:
    """A client who authenticates, turns the connection round with ATRN, and then is the host: it keeps what it gets."""

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
        """As a host, until QUIT or the end: returns the last command."""
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


FETCH = "remote_domain branch.test { etrn yes; relay yes; atrn_accounts alice }\n    remote_domain other.test { etrn yes; relay yes; atrn_accounts bob@example.com }"


def empty(server):
    return not server.files("new", "") and not server.files("cur", "")


class Atrn(unittest.TestCase):
    def fetch(self, secured):
        with Service(server=FETCH) as server:
            for n in range(5):
                server.send(["user@branch.test"], b"Subject: %d\r\n\r\nhello\r\n" % n)
            waiting(server, 5)
            with Fetcher(server, secured) as client:
                client.say("ATRN branch.test", 250)
                self.assertEqual(client.serve(), "QUIT")
                self.assertEqual(sorted(m[1][0] for m in client.messages), ["user@branch.test"] * 5)
                self.assertEqual(client.wire.reply()[0], 0)
            harness.wait_for(lambda: empty(server), "an empty spool")

    def test_fetch(self):
        self.fetch(False)

    def test_fetch_under_tls(self):
        self.fetch(True)


class Request(unittest.TestCase):
    CONNECTOR = """connector provider {{ address_space far.test; route [127.0.0.1]:{}; outbound {{ tls off }}
        etrn_request {} every {} }}"""

    def logged(self, server, *words):
        harness.wait_for(lambda: any(all(word in line for word in words) for line in server.log().splitlines()), f"{words} in the log")

    def test_asks_in_its_time(self):
        heard = []
        answers = {"ETRN": lambda argument: heard.append(argument) or "250 2.0.0 OK, queuing started"}
        with Sink(answers=answers, extensions=("ETRN",)) as sink:
            with Mailroot(self.CONNECTOR.format(sink.port, "branch.test @below.test", "2s")) as server:
                harness.wait_for(lambda: len(heard) >= 6, "three rounds")
                self.assertEqual(heard[:4], ["branch.test", "@below.test"] * 2)
                self.logged(server, "connector=provider", "etrn=@below.test", "status=asked", "code=250")

    def test_refusals_are_said(self):
        with Sink(answers={"ETRN": lambda _: "459 4.7.1 not you"}, extensions=("ETRN",)) as sink:
            with Mailroot(self.CONNECTOR.format(sink.port, "branch.test", "1h")) as server:
                self.logged(server, "etrn=branch.test", "status=refused", "code=459", "not you", "keeps no mail for this domain")
        with Sink(extensions=("PIPELINING",)) as sink, Mailroot(self.CONNECTOR.format(sink.port, "branch.test", "1h")) as server:
            self.logged(server, "connector=provider", "status=not-asked", "does not offer ETRN")
        with Mailroot(self.CONNECTOR.format(harness.free_port(), "branch.test", "1h")) as server:
            self.logged(server, "connector=provider", "status=not-asked", "no host takes us", "onnection refused")

    def test_between_two_of_us(self):
        port = harness.free_port()
        with Mailroot(HOLD.format(port)) as provider:
            provider.send(["user@branch.test"])
            waiting(provider, 1)
            branch = Mailroot()
            branch.port = port
            branch.write_conf("local_domain branch.test { }\n    " + self.CONNECTOR.format(provider.port, "branch.test", "15m"))
            with branch:
                self.assertEqual(harness.Message(branch.dropped()[0]).rcpts, ["user@branch.test"])
                self.logged(branch, "etrn=branch.test", "status=asked", "code=253")


if __name__ == "__main__":
    harness.main()
