"""Texts that programs and devices send without a valid header: every entry point gives the same message, SMTP (DATA and BDAT), the pickup
folder and sendmail. For our own clients the message is completed with fields that a program may omit."""
import email
import email.utils
import os
import re
import shutil
import smtplib
import subprocess
import unittest

import certs
import harness
import postfix
from harness import Mailroot, Sink
from peers import needs_root

WHOLE = b"From: app@example.com\r\nTo: sales@example.net\r\nDate: Mon, 01 Jan 2024 00:00:00 +0000\r\nMessage-ID: <1@example.com>\r\n"
ADDED = b"From: app@example.com\r\nDate: *\r\nMessage-ID: *\r\n"

# The text that is sent, and the message after our Received field.
TEXTS = {
    "no header": (b"Temperature alarm in rack 4\r\n", ADDED + b"\r\nTemperature alarm in rack 4\r\n"),
    "empty line first": (b"\r\nSubject: text\r\n", ADDED + b"\r\nSubject: text\r\n"),
    "a line of blanks first": (b"  \r\nSubject: text\r\n", ADDED + b"\r\n  \r\nSubject: text\r\n"),
    "a colon": (WHOLE + b"Alarm: disk\r\n\r\ntext\r\n", WHOLE + b"Alarm: disk\r\n\r\ntext\r\n"),
    "text in mid header": (WHOLE + b"the disk is full\r\nHost: a\r\n\r\nb\r\n", WHOLE + b"\r\nthe disk is full\r\nHost: a\r\n\r\nb\r\n"),
    "a mailbox": (b"From x Mon Jan  1 00:00:00 2024\r\n>From y\r\n" + WHOLE + b"\r\ntext\r\n",
                  b"X-Mailbox-Line: From x Mon Jan  1 00:00:00 2024\r\nX-Mailbox-Line: >From y\r\n" + WHOLE + b"\r\ntext\r\n"),
    "a mailbox line too many": (b"From x\r\n" * 10 + WHOLE + b"\r\ntext\r\n",
                                b"X-Mailbox-Line: From x\r\n" * 8 + ADDED + b"\r\n" + b"From x\r\n" * 2 + WHOLE + b"\r\ntext\r\n"),
    "a byte order mark": (b"\xef\xbb\xbf" + WHOLE + b"\r\ntext\r\n", WHOLE + b"\r\ntext\r\n"),
    "a header alone": (WHOLE, WHOLE),
    "lines written twice": (WHOLE.replace(b"\r", b"\r\r") + b"\r\r\none\r\r\ntwo\r\r\n", WHOLE + b"\r\none\r\ntwo\r\n"),
    "blind copies": (WHOLE + b"Bcc: one@example.org,\r\n\ttwo@example.org\r\nReturn-Path: <x@y>\r\nX: y\r\n\r\ntext\r\n", WHOLE + b"X: y\r\n\r\ntext\r\n"),
    "a header of 100,000 octets": (WHOLE + b"X: " + b"y" * 900 + b"\r\n\t" + b"\r\n\t".join([b"z" * 900] * 110) + b"\r\nBcc: a\r\n\r\ntext\r\n",
                                   WHOLE + b"X: " + b"y" * 900 + b"\r\n\t" + b"\r\n\t".join([b"z" * 900] * 110) + b"\r\n\r\ntext\r\n"),
}


def put_data(client, text):
    client.ehlo()
    client.mail("app@example.com")
    client.rcpt("sales@example.net")
    client.docmd("DATA")
    client.send(re.sub(rb"(?m)^\.", b"..", text) + b".\r\n")
    code, reply = client.getreply()
    assert code == 250, reply
    return reply.decode()


def fields_of(message):
    """The message after our Received field; generated values are replaced by *."""
    rest = re.sub(rb"\A(Received: [^\n]*\n([ \t][^\n]*\n)*)+", b"", message)
    # After a header without text, the pickup folder and sendmail add an empty line; with SMTP this is up to the client.
    head, _, text = rest.partition(b"\r\n\r\n")
    head = head.removesuffix(b"\r\n")
    if b"<1@example.com>" not in head:
        head = re.sub(rb"^(Date|Message-I[Dd]): [^\r]*", lambda line: line[1].replace(b"Id", b"ID") + b": *", head, flags=re.M)
    # Each program adds fields in its own order.
    return b"\r\n".join(sorted(head.split(b"\r\n"))) if b": *" in head else head, text


class Doors(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.sink = Sink()
        cls.addClassCleanup(cls.sink.close)
        cls.server = Mailroot(f"add_missing_headers yes; bare_newlines repair; dot_stuffing off; smart_host [127.0.0.1]:{cls.sink.port}")
        cls.server.start()
        cls.addClassCleanup(cls.server.__exit__, None, None, None)
        cls.program = cls.server.folder / "sendmail"
        shutil.copy(harness.BUILD / "sendmail", cls.program)

    def data(self, text):
        with self.server.client() as client:
            put_data(client, text)

    def bdat(self, text):
        with self.server.client() as client:
            client.ehlo()
            client.mail("app@example.com")
            client.rcpt("sales@example.net")
            for at in range(0, len(text), 7 if len(text) < 2000 else 9000):
                piece = text[at:at + (7 if len(text) < 2000 else 9000)]
                client.send(b"BDAT %d\r\n" % len(piece) + piece)
                self.assertEqual(client.getreply()[0], 250)
            self.assertEqual(client.docmd("BDAT 0 LAST")[0], 250)

    def pickup(self, text):
        path = self.server.server_folder() / "pickup"
        # A mailbox line or a mark is at the very beginning, so the envelope is that of the header.
        envelope = b"" if text[:1] in (b"\xef", b"F") else b"x-sender: app@example.com\r\nx-receiver: sales@example.net\r\n"
        (path / ".text").write_bytes(envelope + text)
        os.rename(path / ".text", path / "text.eml")

    def sendmail(self, text):
        subprocess.run([self.program, "-C", self.server.conf, "-i", "-f", "app@example.com", "sales@example.net"],
                       input=text.replace(b"\r\n", b"\n"), check=True, timeout=60)

    def sent(self, door, text):
        before = len(self.sink.messages)
        getattr(self, door)(text)
        self.sink.wait(before + 1)
        return self.sink.messages[before]

    def test_every_entry_point_gives_the_same_message(self):
        for name, (text, want) in TEXTS.items():
            for door in ("data", "bdat", "pickup", "sendmail"):
                if door == "pickup" and text.startswith((b" ", b"From x\r\n")):
                    continue  # a folded line after an envelope line; and a header without recipients
                with self.subTest(text=name, door=door):
                    sender, _, message = self.sent(door, text)
                    if door == "sendmail":
                        message = re.sub(rb"^From: .*$", b"From: app@example.com\r", message, flags=re.M)
                    self.assertEqual(fields_of(message), fields_of(want))
                    self.assertNotIn("8BITMIME", sender)

    def test_the_mark_of_8_bits_is_that_of_the_sent_text(self):
        for door in ("data", "bdat", "pickup"):
            with self.subTest(door=door):
                sender, _, message = self.sent(door, WHOLE + "Bcc: Jörg <j@example.org>\r\n\r\ntext\r\n".encode())
                self.assertTrue(message.isascii())
                self.assertNotIn("8BITMIME", sender)
                self.assertIn("8BITMIME", self.sent(door, WHOLE + "\r\nä\r\n".encode())[0])


class Clients(unittest.TestCase):
    TEXT = b"Bcc: one@example.org\r\nSubject: x\r\n\r\ntext\r\n"

    def dropped(self, conf, source="127.0.0.1"):
        with Mailroot(conf) as server, server.client(source_address=(source, 0)) as client:
            client.sendmail("app@example.com", ["sales@example.com"], self.TEXT)
            return server.dropped(1)[0].read_bytes()

    def test_clients_that_may_relay_are_completed(self):
        message = email.message_from_bytes(self.dropped("add_missing_headers yes; relay { list 127.0.0.9 }", "127.0.0.9"))
        self.assertIsNone(message["bcc"])
        self.assertEqual(message["from"], "app@example.com")
        self.assertIsNotNone(email.utils.parsedate_to_datetime(message["date"]))
        self.assertRegex(message["message-id"], r"^<[0-9A-Z]{24}@mail\.example\.com>$")

    def test_no_client_is_if_the_setting_says_so(self):
        self.assertTrue(self.dropped("add_missing_headers no").endswith(b"\r\n" + self.TEXT))


@needs_root
class Postfix(unittest.TestCase):
    """The same texts with Postfix, for a client whose mail it completes."""
    MAIN = """mynetworks = 127.0.0.0/8
local_header_rewrite_clients = static:all
smtpd_recipient_restrictions = check_client_access static:hold, permit_mynetworks, reject
"""
    # Postfix treats a mark as text, cuts headers at 100 KB, and keeps any number of mailbox lines.
    OTHERWISE = ("a byte order mark", "a mailbox line too many", "a header of 100,000 octets")

    def test_it_makes_the_same_of_them(self):
        port, folder = harness.free_port(), harness.scratch()
        with postfix.Postfix(certs.self_signed(folder, "peer.test"), self.MAIN, "127.0.0.1", port) as peer:
            peer.serve()
            for name, (text, want) in TEXTS.items():
                if name in self.OTHERWISE:
                    continue
                with self.subTest(text=name), smtplib.SMTP("127.0.0.1", port, timeout=30) as client:
                    held = put_data(client, text).split()[-1]
                    message = peer.run("/usr/sbin/postcat", "-c", "/etc/postfix", "-bh", "-q", held)
                    self.assertEqual(fields_of(message.encode().replace(b"\n", b"\r\n")), fields_of(want))


if __name__ == "__main__":
    harness.main()
