#!/usr/bin/env python3
"""mailrootctl filter test: shows a message to one filter, and says what the filter does with it."""
import json
import re
import subprocess
import unittest

import harness
import milter
from harness import Mailroot

MESSAGE = "From: joe@example.com\nSubject: hello\n\nThis is the body.\n"


class Trial(unittest.TestCase):
    """The service need not run, and the conditions of the filter do not matter."""

    def setUp(self):
        self.folder = harness.scratch()
        self.message = self.folder / "message"
        self.message.write_text(MESSAGE)

    def run_test(self, answers, *args, address=None, text=None, **options):
        with milter.Milter(answers, **options) as filter:
            server = Mailroot(f"filter virus {{ address {address or filter.address}; skip_list 127.0.0.0/8; only pickup smtp; max_size 1K }}")
            done = subprocess.run([str(harness.BUILD / "mailrootctl"), "-c", str(server.conf), "filter", "test", "virus", "-" if text else self.message,
                                   *args], input=text, capture_output=True, text=True, check=False)
            self.sessions = filter.sessions
        return done

    def said(self, answers, *args, **options):
        done = self.run_test(answers, *args, **options)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def told(self, answers, *args, **options):
        return json.loads(self.said(answers, "--json", *args, **options))

    def test_accepted(self):
        said = self.said({}, protocol=milter.NO_BODY | milter.NO_HELO, symlists={0: "j {daemon_name}"})
        self.assertIn("Filter virus speaks version 6 of the milter protocol.\n", said)
        self.assertIn("It does not see: EHLO, body\n", said)
        self.assertIn("Macros that it asks for at connect: j {daemon_name}\n", said)
        self.assertIn("The message is accepted.\n", said)
        self.assertNotIn("It changes the message", said)
        session = self.sessions[0]
        self.assertEqual(session.names(), ["connect", "mail", "rcpt", "data", "header", "header", "eoh", "eom", "quit"])
        self.assertEqual([name for name, _ in session.headers()], ["From", "Subject"])
        self.assertEqual(session.macros(milter.CONNECT)["j"], "mail.example.com")

    def test_edits(self):
        answers = {milter.EOM: [milter.add_header("X-Spam", "no"), milter.insert_header(0, "X-First", "yes"), milter.change_header(1, "Subject", "bye"),
                                milter.change_header(1, "From", ""), milter.body("new\r\n"), milter.add_rcpt("<b@example.com>"),
                                milter.delete_rcpt("<postmaster@example.com>"), milter.change_from("<c@example.com>"), milter.CONTINUE]}
        said = self.said(answers, "--message")
        for line in ("adds X-Spam: no", "inserts at place 0 X-First: yes", "changes field 1 of this name, Subject: bye",
                     "removes field 1 of the name From", "replaces the body", "adds the recipient <b@example.com>",
                     "removes the recipient <postmaster@example.com>", "makes the sender <c@example.com>"):
            self.assertIn(f"  {line}\n", said)
        self.assertRegex(said, r"\n\nX-First: yes\nReceived: from test by mail\.example\.com [^\0]*\nSubject: bye\nX-Spam: no\n\nnew\n$")
        told = self.told(answers)
        self.assertEqual([edit["edit"] for edit in told["edits"]],
                         ["add", "insert", "change", "remove", "body", "sender", "add_recipient", "remove_recipient"])
        self.assertEqual((told["verdict"], told["version"]), ("accepted", 6))

    def test_control_characters_of_a_filter(self):
        """A rewritten Subject is a stranger's text: it reaches the terminal without control characters."""
        hostile = "\x1b]0;x\x07\x1b[2J\xff"
        shown = r"\x1b]0;x\x07\x1b[2J\xc3\xbf"
        answers = {milter.EOM: [milter.add_header("X-Spam", hostile), milter.insert_header(0, "X-First", hostile), milter.change_header(1, "Subject", hostile + "\n\tb"),
                                milter.CONTINUE]}
        said = self.said(answers, symlists={0: "j \x1b[2J"})
        self.assertEqual(re.findall(r"[^\n -~]", said), [])
        for line in ("adds X-Spam: " + shown, "inserts at place 0 X-First: " + shown, "changes field 1 of this name, Subject: " + shown + r"\x0a\x09b"):
            self.assertIn(f"  {line}\n", said)
        self.assertIn(r"Macros that it asks for at connect: j \x1b[2J", said)

    def test_verdicts(self):
        for answers, verdict, stage, text in (
                ({milter.CONNECT: milter.REJECT}, "rejected", "connect", ""),
                ({milter.MAIL: milter.TEMPFAIL}, "tempfail", "MAIL", ""),
                ({milter.RCPT: milter.reply("550 5.7.1 no such list")}, "reply", "RCPT", "550 5.7.1 no such list"),
                ({milter.EOM: milter.DISCARD}, "discarded", "the end of the message", ""),
                ({milter.EOM: [milter.quarantine("a virus"), milter.CONTINUE]}, "held", "the end of the message", "filter virus: a virus"),
                ({milter.HELO: milter.SHUTDOWN}, "shutdown", "EHLO", "")):
            with self.subTest(verdict=verdict):
                told = self.told(answers)
                self.assertEqual((told["verdict"], told["stage"], told["text"]), (verdict, stage, text))
        self.assertIn("The filter decides at RCPT.\nThe client gets this reply: 550 5.7.1 no such list\n",
                      self.said({milter.RCPT: milter.reply("550 5.7.1 no such list")}))
        self.assertIn("held in the queue: filter virus: a virus\n", self.said({milter.EOM: [milter.quarantine("a virus"), milter.CONTINUE]}))

    def test_envelope_and_standard_input(self):
        self.said({}, "--from", "<>", "--to", "sales@example.com", "--client", "192.0.2.7", text=MESSAGE)
        session = self.sessions[0]
        self.assertEqual(session.of(milter.MAIL)[0].data, b"<>\0")
        self.assertEqual(session.of(milter.RCPT)[0].data, b"<sales@example.com>\0")
        self.assertIn(b"192.0.2.7", session.of(milter.CONNECT)[0].data)
        self.assertEqual(session.body(), b"This is the body.\r\n")

    def test_down(self):
        """The reason and its remedy, whatever when_down says."""
        done = self.run_test({}, address=f"unix:{self.folder}/none")
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"filter virus can't be used: {self.folder}/none does not exist: is the filter running", done.stderr)
        done = self.run_test({milter.EOM: milter.CLOSE})
        self.assertEqual(done.returncode, 1)
        self.assertIn("filter virus can't be used: the filter ", done.stderr)
        self.assertEqual(json.loads(self.run_test({milter.EOM: milter.CLOSE}, "--json").stdout)["verdict"], "down")

    def test_command_line(self):
        server = Mailroot(f"filter virus {{ address unix:{self.folder}/none }}")
        for args, why in ((["test"], "too few arguments"), (["tset", "virus", "x"], "filter what? One of: test"),
                          (["test", "spam", self.message], f"there is no filter spam in {server.conf}"),
                          (["test", "virus", "/none"], "/none: No such file or directory"),
                          (["test", "virus", self.message, "--older", "2h"], "has no option --older"),
                          (["test", "virus", self.message, "--client", "x"], "--client x: not an IPv4 or IPv6 address")):
            done = subprocess.run([str(harness.BUILD / "mailrootctl"), "-c", str(server.conf), "filter", *args], capture_output=True, text=True,
                                  check=False)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn(why, done.stderr)


if __name__ == "__main__":
    harness.main()
