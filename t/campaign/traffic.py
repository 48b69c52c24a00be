"""Numbered mail at a steady rate, and hosts that record the time of each message. Hosts are processes of their own, so that they can be killed.

A host writes a line "SECONDS NUMBER" for each message to its file before its 250, and "SECONDS refused WHY" for each refusal.
Limits of a host: --connections at a time, otherwise 421; --messages in any --period seconds, counted at MAIL, otherwise 450.
"""
import argparse
import asyncio
import collections
import contextlib
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "system"))
import harness  # noqa: E402


class Host:
    """A host in a process of its own."""

    def __init__(self, folder, name, port=None, address="127.0.0.1", options=()):
        self.path, self.port, self.address, self.options = folder / name, port or harness.free_port(), address, options
        self.process = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.kill()

    def start(self):
        self.process = subprocess.Popen([sys.executable, __file__, "--file", self.path, "--address", self.address, "--port", str(self.port),
                                         *map(str, self.options)], stdout=subprocess.PIPE)
        assert self.process.stdout.readline() == b"ready\n"

    def kill(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process.stdout.close()
        self.process = None

    def lines(self):
        """An incomplete line, left by a kill, does not count."""
        text = self.path.read_text() if self.path.exists() else ""
        return [line.split() for line in text.split("\n")[:-1]]

    def messages(self):
        """(seconds, number) of each message, in order of time."""
        return [(float(words[0]), int(words[1])) for words in self.lines() if words[1] != "refused"]

    def refusals(self):
        return [words for words in self.lines() if words[1] == "refused"]


class Load:
    """Sends number 1, 2 ... at RATE per second to domain_of(number) until stopped; `sent` has the time of each 250."""

    def __init__(self, server, rate, domain_of, connections=4):
        self.server, self.rate, self.domain_of, self.connections = server, rate, domain_of, connections
        self.sent, self.failed = {}, []

    async def run(self, count):
        """COUNT messages by its own clock; late ones are sent as fast as possible."""
        begin, numbers = time.monotonic(), iter(range(1, count + 1))
        await asyncio.gather(*(self._client(begin, numbers) for _ in range(self.connections)))

    async def _client(self, begin, numbers):
        number = next(numbers, None)
        while number is not None:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.server.port)
            await self._reply(reader)
            await self._say(reader, writer, "EHLO client.test")
            for _ in range(20):
                if number is None:
                    break
                await asyncio.sleep(max(0.0, begin + number / self.rate - time.monotonic()))
                await self._message(reader, writer, number)
                number = next(numbers, None)
            writer.write(b"QUIT\r\n")
            writer.close()

    async def _message(self, reader, writer, number):
        writer.write(f"MAIL FROM:<app@example.com>\r\nRCPT TO:<u@{self.domain_of(number)}>\r\nDATA\r\n".encode())
        for _ in range(3):
            await self._reply(reader)
        await self._say(reader, writer, f"Subject: number {number}\r\n\r\n{'x' * 500}\r\n.")
        self.sent[number] = time.time()

    async def _say(self, reader, writer, text):
        writer.write(text.encode() + b"\r\n")
        return await self._reply(reader)

    async def _reply(self, reader):
        while True:
            line = await reader.readline()
            if line[3:4] == b" ":
                assert line[:1] in b"23", line
                return line
            assert line, "the service has closed the connection"


class Session:
    def __init__(self, host, reader, writer):
        self.host, self.reader, self.writer, self.number = host, reader, writer, 0

    async def serve(self):
        if not self.host.enter():
            self.say("421 4.7.0 too many connections")
        else:
            try:
                await self.talk()
            finally:
                self.host.open -= 1
        with contextlib.suppress(OSError):
            await self.writer.drain()
        self.writer.close()

    def say(self, text):
        self.writer.write(text.encode() + b"\r\n")

    async def talk(self):
        self.say("220 host.test ESMTP")
        while line := await self.reader.readline():
            verb = line[:4].upper()
            if verb == b"EHLO":
                self.say("250-host.test\r\n250 PIPELINING")
            elif verb == b"MAIL":
                self.say("250 2.1.0 ok" if self.host.may_send() else "450 4.7.1 too many messages")
            elif verb == b"DATA":
                self.say("354 go")
                await self.text()
            elif verb == b"QUIT":
                self.say("221 2.0.0 bye")
                return
            else:
                self.say("250 2.0.0 ok")

    async def text(self):
        number = 0
        while (line := await self.reader.readline()) not in (b".\r\n", b""):
            found = re.match(rb"Subject: number (\d+)", line)
            number = int(found[1]) if found else number
        if line:
            self.host.note(number)
            self.say("250 2.0.0 taken")


class Server:
    """The code of the process."""

    def __init__(self, options):
        self.options, self.open, self.begun = options, 0, collections.deque()
        self.file = os.open(options.file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def note(self, what):
        os.write(self.file, f"{time.time():.6f} {what}\n".encode())

    def enter(self):
        if self.options.connections and self.open >= self.options.connections:
            self.note("refused connection")
            return False
        self.open += 1
        return True

    def may_send(self):
        now = time.monotonic()
        while self.begun and self.begun[0] <= now - self.options.period:
            self.begun.popleft()
        if self.options.messages and len(self.begun) >= self.options.messages:
            self.note("refused message")
            return False
        self.begun.append(now)
        return True

    async def run(self):
        async def connected(reader, writer):
            with contextlib.suppress(ConnectionError):
                await Session(self, reader, writer).serve()

        server = await asyncio.start_server(connected, self.options.address, self.options.port, backlog=1000)
        print("ready", flush=True)
        async with server:
            await server.serve_forever()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--file", required=True)
    parser.add_argument("--address", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--connections", type=int, default=0)
    parser.add_argument("--messages", type=int, default=0)
    parser.add_argument("--period", type=float, default=60)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    asyncio.run(Server(parser.parse_args()).run())


if __name__ == "__main__":
    main()
