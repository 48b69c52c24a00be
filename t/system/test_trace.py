"""mailrootctl trace, log summary and test: the history of a message, frequent errors, and the dialogue with the next hop."""
import json
import subprocess
import unittest

import harness
from harness import Mailroot, Sink, free_port, wait_for

RETRY = "delivery { retry 4h; expire 5d }"


class Trace(unittest.TestCase):
    def trace(self, server, what, *args):
        return server.ctl("trace", what, "--log", server.log_path, *args, check=False)

    def test_from_acceptance_to_the_last_reply(self):
        port = free_port()
        with Mailroot(f"smart_host [127.0.0.1]:{port}\n{RETRY}") as server:
            server.send(["a@one.test"], b"Subject: x\r\n\r\nx\r\n")
            server.send(["b@one.test"], sender="other@example.com")
            first = wait_for(lambda: server.ctl_json("queue", "list", "--recipient", "a@one.test")["messages"], "it in the queue")[0]["id"]
            server.ctl("queue", "hold", first, "--yes")
            shown = self.trace(server, first).stdout
            self.assertIn("status=accepted", shown)
            self.assertIn("now: in the queue, held on server test", shown)
            server.ctl("queue", "delete", first, "--yes")
            self.assertIn("now: badmail on server test: Deleted by an operator", self.trace(server, first).stdout)
            with Sink(port) as sink:
                server.ctl("badmail", "resend", first, "--yes")
                sink.wait(1)
                wait_for(lambda: server.ctl_json("queue", "list", "--recipient", "a@one.test")["messages"] == [], "it is gone")
                for what in (first, "A@one.test"):  # over both of its ids
                    shown = wait_for(lambda: (lambda text: text if "status=delivered" in text else None)(self.trace(server, what).stdout), what)
                    for word in ("status=accepted", "status=held by=operator", f"was={first} status=resent", "status=delivered",
                                 "neither in a queue nor in badmail", f"searched: {server.log_path}"):
                        self.assertIn(word, shown)
                    self.assertNotIn("b@one.test", shown)
            found = json.loads(self.trace(server, "app@example.com", "--json").stdout)
            self.assertEqual(len(found["messages"]), 2)
            self.assertIn("status=accepted", found["messages"][0]["events"][0]["text"])
            self.assertEqual(len(found["searched"]), 1)
            piped = subprocess.run([str(harness.BUILD / "mailrootctl"), "-c", str(server.conf), "trace", "a@one.test", "--log", "-"],
                                   input=server.log(), capture_output=True, text=True, timeout=60)
            self.assertIn("status=accepted", piped.stdout)

    def test_unknown_messages(self):
        with Mailroot(f"smart_host [127.0.0.1]:{free_port()}") as server:
            done = self.trace(server, "nonsense")
            self.assertEqual((done.returncode, "neither the ID of a message" in done.stderr), (2, True))
            done = self.trace(server, "0" * 24)
            self.assertEqual((done.returncode, "nothing was found about" in done.stderr, "searched:" in done.stdout), (1, True, True))
            done = server.ctl("trace", "a@b.test", "--log", "/nowhere", check=False)
            self.assertEqual((done.returncode, "no log (--log FILE names one)" in done.stdout), (1, True))
            self.assertEqual(server.ctl("log", "summary", "--log", "/nowhere", check=False).returncode, 1)
            self.assertEqual(server.ctl("log", "summary", "--by", "colour", check=False).returncode, 2)

    def test_hostile_text_makes_no_lines(self):
        answers = {"RCPT": lambda _: '550 5.1.1 no" status=delivered id=000000000000000000000000 to=<x@y.test> "\x1b[2J'}
        with Sink(answers=answers) as sink:
            with Mailroot(f"smart_host [127.0.0.1]:{sink.port}\n{RETRY}") as server:
                server.send(["a@one.test"])
                wait_for(lambda: "status=failed" in server.log(), "a failure")
                self.assertEqual(self.trace(server, "x@y.test").returncode, 1)
                self.assertNotIn("\x1b", self.trace(server, "a@one.test").stdout)
                summary = server.ctl_json("log", "summary", "--log", server.log_path)
                self.assertEqual((summary["accepted"], summary["failed"]), (1, 1))
                notice = json.loads(self.trace(server, "a@one.test", "--json").stdout)["messages"]
                self.assertEqual(len(notice), 2, "the message, and the notice that came of it")


class Summary(unittest.TestCase):
    def test_frequent_errors(self):
        with Sink(answers={"RCPT": lambda a: "451 4.7.1 slow down" if "slow" in a else None}) as sink:
            with Mailroot(f"smart_host [127.0.0.1]:{sink.port}\n{RETRY}") as server:
                for name in ("slow1", "slow2", "fine"):
                    server.send([f"{name}@one.test"])
                with server.client() as client:
                    client.docmd("RCPT TO:<x@y.test>")
                    client.ehlo()
                    client.docmd("MAIL FROM:<a@b.test> SIZE=999999999999")
                wait_for(lambda: server.log().count("status=delayed") == 2 and "status=delivered" in server.log(), "three verdicts")
                summary = server.ctl_json("log", "summary", "--by", "reply", "--log", server.log_path)
                self.assertEqual((summary["accepted"], summary["delivered"], summary["delayed"]), (3, 1, 2))
                self.assertEqual((summary["rows"][0]["delayed"], summary["rows"][0]["last"]), (2, "slow down"))
                self.assertRegex(summary["rows"][0]["reply"], r"^451 4\.7\.1 by \[?127\.0\.0\.1")
                clients = server.ctl_json("log", "summary", "--by", "client", "--log", server.log_path)["rows"]
                self.assertEqual([(c["client"], c["accepted"]) for c in clients], [("127.0.0.1", 3)])
                for by in ("hour", "client", "reply"):
                    self.assertIn("in all: 3 accepted, 1 delivered, 2 delayed", server.ctl("log", "summary", "--by", by, "--log", server.log_path).stdout)


class Test(unittest.TestCase):
    def test_only_its_own_dialogue(self):
        """An idle connection to the host is closed before, and its QUIT is not shown."""
        with Sink() as sink, Mailroot(f"smart_host [127.0.0.1]:{sink.port}\n{RETRY}") as server:
            server.send(["first@far.test"])
            sink.wait(1)
            shown = server.ctl("test", "--to", "me@far.test").stdout
            said = [line.strip() for line in shown.splitlines() if line.startswith(("  we:", "  host:"))]
            self.assertRegex(said[0], "^host: 220 ", shown)

    def test_dialogue_and_outcome(self):
        answers = {"HELP": None}
        with Sink(answers=answers) as sink:
            with Mailroot(f"smart_host [127.0.0.1]:{sink.port}\nlocal_domain here.test\n{RETRY}") as server:
                done = server.ctl("test", "--to", "me@far.test", "--from", "boss@example.com")
                for line in ("  host: 220 sink.test ESMTP", "  we:   MAIL FROM:<boss@example.com>", "  we:   RCPT TO:<me@far.test>", "Delivered:"):
                    self.assertIn(line, done.stdout)
                self.assertIn(b"Subject: Test message of", sink.wait(1)[0][2])
                self.assertIn("drop folder", server.ctl("test", "--to", "me@here.test").stdout)
                answers["RCPT"] = lambda _: "550 5.1.1 nobody \x1b[2J here"
                done = server.ctl("test", "--to", "x@far.test", check=False)
                self.assertEqual(done.returncode, 1)
                self.assertRegex(done.stdout, r"Refused permanently: \S+ said 550 5\.1\.1 nobody")
                self.assertNotIn("\x1b", done.stdout)
                answers["RCPT"] = lambda _: "451 4.3.0 later"
                found = json.loads(server.ctl("test", "--to", "x@far.test", "--json", check=False).stdout)
                self.assertEqual((found["event"], found["code"]), ("delayed", 451))
                self.assertIn({"by": "host", "text": "451 4.3.0 later"}, found["dialogue"])
                server.ctl("queue", "show", found["id"])

    def test_wrong_arguments(self):
        with Mailroot(f"smart_host [127.0.0.1]:{free_port()}", conf="virtual_server two { listen 127.0.0.1:1; enabled no; smart_host [127.0.0.1] }") as server:
            self.assertEqual(server.ctl("test", check=False).returncode, 2)
            self.assertIn("add --server NAME", server.ctl("test", "--to", "a@b.test", check=False).stderr)
            for address in ("a@@b", "", "a b@c.test", "x" * 400 + "@b.test", "a@b.test\r\nDATA"):
                done = server.ctl("test", "--to", address, "--server", "test", check=False)
                self.assertNotEqual(done.returncode, 0, address)
                self.assertTrue(done.stderr, address)
            done = server.ctl("test", "--to", "a@far.test", "--server", "test", check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn("Not delivered yet:", done.stdout)


if __name__ == "__main__":
    harness.main()
