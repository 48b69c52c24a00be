"""Mail comes in by SMTP and is delivered unchanged as a file or to a smart host, whatever client sends it."""
import random
import re
import subprocess
import unittest

import harness
from harness import Mailroot, Message, Sink, tool

CONTENTS = {
    "empty body": b"Subject: empty\r\n\r\n",
    "no header, no body": b"",
    "only a dot line": b"Subject: dots\r\n\r\n.\r\n..\r\n...\r\n.x\r\n",
    "8-bit": b"Subject: bits\r\n\r\n" + bytes(b for b in range(1, 256) if b not in (10, 13)) + b"\r\n",
    "long lines": b"Subject: long\r\n\r\n" + b"x" * 900_000 + b"\r\n" + b"." * 70_000 + b"\r\n",
    "no final line end": b"Subject: cut\r\n\r\nlast",
    "NUL": b"Subject: nul\r\n\r\na\0b\r\n",
}


def random_message(octets, seed):
    chooser = random.Random(seed)
    lines, size = [b"Subject: random", b""], 0
    while size < octets:
        line = chooser.randbytes(chooser.randrange(0, 3000)).replace(b"\r", b"").replace(b"\n", b"")
        lines.append(chooser.choice([b"", b".", b"..", b""]) + line)
        size += len(lines[-1]) + 2
    return b"\r\n".join(lines) + b"\r\n"


def send_raw(server, rcpt, content):
    """Octets exactly as given; smtplib would change line ends."""
    with server.client() as client:
        client.ehlo()
        client.mail("app@example.com", ["BODY=8BITMIME"])
        assert client.rcpt(rcpt)[0] == 250
        assert client.docmd("DATA")[0] == 354
        stuffed = content.replace(b"\r\n.", b"\r\n..")
        stuffed = b"." + stuffed if stuffed.startswith(b".") else stuffed
        client.send(stuffed + (b"" if stuffed.endswith(b"\r\n") or not stuffed else b"\r\n") + b".\r\n")
        code, text = client.getreply()
        assert code == 250, (code, text)


def as_arrived(content):
    return content if content.endswith(b"\r\n") or not content else content + b"\r\n"


class DropFolder(unittest.TestCase):
    def test_octets_arrive_as_sent(self):
        with Mailroot("messages { max_message_size 50M; max_session_size none }") as server:
            for count, (name, content) in enumerate(CONTENTS.items(), 1):
                with self.subTest(name):
                    send_raw(server, "sales@example.com", content)
                    paths = server.dropped(count)
                    found = [Message(p).content for p in paths]
                    self.assertIn(as_arrived(content), found)

    def test_20_megabytes(self):
        content = random_message(20_000_000, 7)
        with Mailroot("messages { max_message_size 50M; max_session_size none }") as server:
            send_raw(server, "sales@example.com", content)
            self.assertEqual(Message(server.dropped()[0]).content, content)

    def test_envelope_lines(self):
        with Mailroot() as server:
            server.send(["a@example.com", "b@example.com", "unqualified"])
            message = Message(server.dropped()[0])
            self.assertEqual(message.sender, "app@example.com")
            self.assertEqual(message.rcpts, ["a@example.com", "b@example.com", "unqualified@example.com"])

    def test_several_folders(self):
        with Mailroot("local_domain sales.example.com { drop_dir %s }" % harness.scratch()) as server:
            other = server.folder / "sales"
            server.stop()
            server.write_conf(f"local_domain sales.example.com {{ drop_dir {other} }}")
            server.start()
            server.send(["a@example.com", "b@sales.example.com"])
            self.assertEqual(Message(server.dropped()[0]).rcpts, ["a@example.com"])
            self.assertEqual(Message(server.dropped(folder=other)[0]).rcpts, ["b@sales.example.com"])


class SmartHost(unittest.TestCase):
    def test_octets_arrive_as_sent(self):
        settings = "outbound { fold_lines no }; messages { max_message_size 50M; max_session_size none }"
        with Sink() as sink, Mailroot(f"smart_host [127.0.0.1]:{sink.port}\n{settings}") as server:
            contents = dict(CONTENTS, big=random_message(20_000_000, 9))
            for content in contents.values():
                send_raw(server, "user@example.net", content)
            messages = sink.wait(len(contents), 60)
            for name, content in contents.items():
                with self.subTest(name):
                    self.assertTrue(any(m[2].startswith(b"Received: ") and m[2].endswith(as_arrived(content)) for m in messages))
            self.assertFalse(any(b"x-sender" in m[2].split(b"\r\n\r\n")[0].lower() for m in messages))

    def test_one_connection_serves_many(self):
        with Sink() as sink, Mailroot(f"smart_host [127.0.0.1]:{sink.port}") as server:
            with server.client() as client:
                for i in range(10):
                    client.sendmail("app@example.com", ["user@example.net"], f"Subject: {i}\r\n\r\n")
                    sink.wait(i + 1)
            self.assertEqual(sink.connections, 1)


class Clients(unittest.TestCase):
    """Debian's clients, each to a drop folder and to a smart host."""

    def run_clients(self, send):
        with Sink() as sink, Mailroot(f"smart_host [127.0.0.1]:{sink.port}") as server:
            send(server, "sales@example.com")
            self.assertEqual(Message(server.dropped()[0]).rcpts, ["sales@example.com"])
            send(server, "user@example.net")
            sink.wait(1)

    def test_smtplib(self):
        self.run_clients(lambda server, rcpt: server.send([rcpt]))

    def test_swaks(self):
        def send(server, rcpt):
            done = subprocess.run(["swaks", "--server", f"127.0.0.1:{server.port}", "--from", "app@example.com", "--to", rcpt, "--helo", "x.test"],
                                  capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.run_clients(send)

    def test_msmtp(self):
        def send(server, rcpt):
            done = subprocess.run(["msmtp", "--host=127.0.0.1", f"--port={server.port}", "--from=app@example.com", rcpt],
                                  input="Subject: msmtp\n\nhello\n.\n", capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stderr)
        self.run_clients(send)

    def test_smtp_source_to_smtp_sink(self):
        port = harness.free_port()
        sink = subprocess.Popen([*tool("smtp-sink"), "-c", *(["-u", "nobody"] if not harness.os.geteuid() else []), f"127.0.0.1:{port}", "100"],
                                stdout=subprocess.PIPE)
        try:
            with Mailroot(f"smart_host [127.0.0.1]:{port}") as server:
                source = [*tool("smtp-source"), "-s", "10", "-m", "300", "-l", "4096", "-f", "app@example.com"]
                subprocess.run([*source, "-t", "sales@example.com", f"127.0.0.1:{server.port}"], check=True, timeout=60)
                server.dropped(300)
                subprocess.run([*source, "-t", "user@example.net", f"127.0.0.1:{server.port}"], check=True, timeout=60)
                harness.wait_for(lambda: not server.files("new") and not server.files("cur"), "an empty spool")
        finally:
            sink.terminate()
            counted = sink.communicate()[0]
        self.assertEqual(max(map(int, re.findall(r"\d+", counted.decode()))), 300)

    def test_aiosmtpd_smart_host(self):
        # A process with Debian's python3, which has the module.
        port = harness.free_port()
        keeper = subprocess.Popen(["/usr/bin/python3", "-u", "-c", AIOSMTPD, str(port)], stdout=subprocess.PIPE, text=True)
        try:
            self.assertEqual(keeper.stdout.readline(), "ready\n")
            with Mailroot(f"smart_host [127.0.0.1]:{port}") as server:
                content = b"Subject: 8-bit\r\n\r\n\xe6\x97\xa5\r\n.\r\n"
                send_raw(server, "user@example.net", content)
                self.assertTrue(bytes.fromhex(keeper.stdout.readline()).endswith(content))
        finally:
            keeper.terminate()
            keeper.communicate()


AIOSMTPD = """
import sys, asyncio
from aiosmtpd.controller import Controller
class Handler:
    async def handle_DATA(self, server, session, envelope):
        print(envelope.content.hex(), flush=True)
        return "250 taken"
controller = Controller(Handler(), hostname="127.0.0.1", port=int(sys.argv[1]))
controller.start()
print("ready", flush=True)
sys.stdin.read() if sys.stdin else None
import threading; threading.Event().wait()
"""


if __name__ == "__main__":
    harness.main()
