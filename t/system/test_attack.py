"""Attacks of clients: framing, commands and state, addresses, relay, floods. Every octet is written out, and every reply is compared."""
import concurrent.futures
import time
import unittest

import harness
from harness import Mailroot, Message, Sink, Wire, unharmed

START = b"EHLO c.test\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<v@example.com>\r\n"
STARTED = [220, 250, 250, 250]
SECOND = b"MAIL FROM:<evil@example.com>\r\nRCPT TO:<w@example.com>\r\nDATA\r\nSubject: smuggled\r\n\r\nx\r\n.\r\n"

# Rows 1 and 2: octets that do not end the data, and whether they have a bare CR or LF.
NO_ENDS = {
    r"\n.\n": (b"\n.\n", True),
    r"\n.\r\n": (b"\n.\r\n", True),
    r"\r\n.\n": (b"\r\n.\n", True),
    r"\r.\r\n": (b"\r.\r\n", True),
    r"\r.\r": (b"\r.\r", True),
    r"\n.\r": (b"\n.\r", True),
    r"\r\n.\r": (b"\r\n.\r", True),
    r"\r\n\0.\r\n": (b"\r\n\0.\r\n", False),
    r"\r\n.\r\r\n": (b"\r\n.\r\r\n", True),
    r"\r\n.\0\r\n": (b"\r\n.\0\r\n", False),
    r"\r\r\n.\r\r\n": (b"\r\r\n.\r\r\n", True),
    r"\r\n. \r\n": (b"\r\n. \r\n", False),
}

MESSAGE = b"DATA\r\nSubject: x\r\n\r\nx\r\n.\r\n"
TAKEN = [354, 250]

# name -> octets that are sent at once, all reply codes of the session, messages that are stored
SESSIONS = {
    "3 bare LF between commands": (b"NOOP\nNOOP\r\n", [220, 500], 0),
    "3 bare CR in a command": (b"NO\rOP\r\nNOOP\r\n", [220, 500], 0),
    "4 bare LF in DATA": (START + b"DATA\r\na\nb\r\n.\r\n" + b"NOOP\r\n", STARTED + [354, 550, 250], 0),
    "4 bare CR in DATA": (START + b"DATA\r\na\rb\r\n.\r\n" + b"NOOP\r\n", STARTED + [354, 550, 250], 0),
    "4 bare LF in BDAT": (START + b"BDAT 3 LAST\r\na\nbNOOP\r\n", STARTED + [550, 250], 0),
    "4 CR at the end of BDAT": (START + b"BDAT 3 LAST\r\nab\rNOOP\r\n", STARTED + [550, 250], 0),
    "4 CR LF split over chunks": (START + b"BDAT 3\r\nab\rBDAT 1 LAST\r\n\nNOOP\r\n", STARTED + [250, 250, 250], 1),
    "9 NUL in a command": (b"NO\0OP\r\nNOOP\0\r\nNOOP \0\r\n", [220, 500, 500, 501], 0),
    "9 NUL in an address": (b"EHLO c\r\nMAIL FROM:<a\0b@example.com>\r\n", [220, 250, 501], 0),
    "13 all in one segment": (START + MESSAGE + b"QUIT\r\n", STARTED + TAKEN + [221], 1),
    "13 data after a refused DATA": (b"EHLO c\r\nMAIL FROM:<>\r\nDATA\r\n", [220, 250, 250, 503], 0),
    "14 GET": (b"GET / HTTP/1.1\r\nHost: x\r\nMAIL FROM:<a@b>\r\n", [220, 500], 0),
    "14 POST": (b"POST / HTTP/1.1\r\n\r\nEHLO c\r\n", [220, 500], 0),
    "14 CONNECT": (b"CONNECT x:25 HTTP/1.1\r\n\r\nEHLO c\r\n", [220, 500], 0),
    "29 BDAT first of all": (b"BDAT 22\r\nEHLO c\r\nRSET x\r\nNOOP\r\n", [220, 503], 0),
    "29 BDAT without MAIL": (b"EHLO c\r\nBDAT 15 LAST\r\nMAIL FROM:<a@b>QUIT\r\n", [220, 250, 503, 221], 0),
    "29 BDAT without RCPT": (b"EHLO c\r\nMAIL FROM:<>\r\nBDAT 13 LAST\r\nRCPT TO:<a@b>QUIT\r\n", [220, 250, 250, 503, 221], 0),
    "30 BDAT over the limit": (START + b"BDAT 3000000 LAST\r\n" + b"x" * 3000000 + b"DATA\r\nRCPT TO:<v@example.com>\r\n", STARTED + [552, 503, 503], 0),
    "30 BDAT sum over the limit": (START + b"BDAT 2000000\r\n" + b"x" * 2000000 + b"BDAT 200000 LAST\r\n" + b"x" * 200000 + b"NOOP\r\n",
                                   STARTED + [250, 552, 250], 0),
    "31 BDAT 2^64+1": (START + b"BDAT 18446744073709551617 LAST\r\nx", STARTED + [501], 0),
    "31 BDAT 2^64-1": (START + b"BDAT 18446744073709551615 LAST\r\nx", STARTED + [501], 0),
    "31 BDAT 2^63-1": (START + b"BDAT 9223372036854775807 LAST\r\nx", STARTED + [552], 0),
    "31 BDAT -1": (START + b"BDAT -1\r\nx", STARTED + [501], 0),
    "31 BDAT 1e3": (START + b"BDAT 1e3\r\nx", STARTED + [501], 0),
    "31 BDAT 5 LAST x": (START + b"BDAT 5 LAST x\r\nx", STARTED + [501], 0),
    "31 BDAT": (START + b"BDAT\r\nx", STARTED + [501], 0),
    "31 BDAT 0x10": (START + b"BDAT 0x10\r\nx", STARTED + [501], 0),
    "32 BDAT then DATA": (START + b"BDAT 1\r\nxDATA\r\nRSET\r\n", STARTED + [250, 503, 250], 0),
    "32 BDAT then RCPT": (START + b"BDAT 1\r\nxRCPT TO:<w@example.com>\r\nBDAT 0 LAST\r\n", STARTED + [250, 503, 250], 1),
    "32 BDAT, then QUIT": (START + b"BDAT 1\r\nxQUIT\r\n", STARTED + [250, 221], 0),
    "32 BDAT 0 LAST": (START + b"BDAT 0 LAST\r\nQUIT\r\n", STARTED + [250, 221], 1),
    "33 RCPT and DATA after a refused message": (START + b"DATA\r\na\nb\r\n.\r\nRCPT TO:<v@example.com>\r\nDATA\r\n", STARTED + [354, 550, 503, 503], 0),
    "34 junk inside a transaction": (START + b"VRFY \xe6\x97\xa5\r\nVRFY x\r\nEXPN y\r\nNOOP \xff\r\nHELP\r\nSTARTTLS\r\nXYZZY \x1b[2J\r\n" + MESSAGE,
                                     STARTED + [501, 252, 500, 501, 214, 502, 500] + TAKEN, 1),
    "35 TURN and ETRN": (b"EHLO c\r\nTURN\r\nETRN example.com\r\nATRN\r\n", [220, 250, 500, 500, 500], 0),
    "36 Exchange verbs": (b"EHLO c\r\nX-LINK2STATE LAST CHUNK={00000000} MULTI (5)\r\nX-EXPS GSSAPI\r\nXEXCH50 2 2\r\nAUTH LOGIN\r\n",
                          [220, 250, 500, 500, 500, 503], 0),
    "37 SIZE 2^64": (b"EHLO c\r\nMAIL FROM:<a@b.c> SIZE=18446744073709551616\r\n", [220, 250, 552], 0),
    "37 SIZE of 40 digits": (b"EHLO c\r\nMAIL FROM:<a@b.c> SIZE=" + b"9" * 40 + b"\r\n", [220, 250, 552], 0),
    "37 SIZE -1, empty, none, twice": (b"EHLO c\r\nMAIL FROM:<a@b.c> SIZE=-1\r\nMAIL FROM:<a@b.c> SIZE=\r\nMAIL FROM:<a@b.c> SIZE\r\n"
                                       b"MAIL FROM:<a@b.c> SIZE=1 SIZE=1\r\n", [220, 250, 501, 501, 501, 501], 0),
    "37 SIZE small, message large": (b"EHLO c\r\nMAIL FROM:<a@b.c> SIZE=1\r\nRCPT TO:<v@example.com>\r\nDATA\r\n" + b"x" * 2097153 + b"\r\n.\r\nDATA\r\n",
                                     STARTED + [354, 552, 503], 0),
    "39 case variants of one recipient": (START + b"RCPT TO:<v@EXAMPLE.com>\r\n" * 50 + MESSAGE, STARTED + [250] * 50 + TAKEN, 1),
    "45 errors": (b"XYZZY\r\n" * 100, [220] + [500] * 20 + [421], 0),
    "45 errors, a mixture": (b"EHLO c\r\n" + b"RCPT TO:<v@example.com>\r\n\r\n\0\r\nDATA\r\n" * 30, [220, 250] + [503, 500, 500, 503] * 5 + [421], 0),
    "45 commands that lead nowhere": (b"NOOP\r\nRSET\r\nVRFY x\r\nEHLO c\r\n" * 260, [220] + [250, 250, 252, 250] * 250 + [421], 0),
    "45 ... but with a message between": (b"NOOP\r\n" * 900 + START + MESSAGE + b"NOOP\r\n" * 900, [220] + [250] * 900 + STARTED[1:] + TAKEN + [250] * 900, 1),
    "47 odd but right": (b"EHLO c\r\nMAIL FROM:<!#$%&'*+-/=?^_`{|}~@example.com>\r\nRCPT TO:<\"a b\"@example.com>\r\nRCPT TO:<\"a\\\"b\"@example.com>\r\n"
                         b"RCPT TO:<Postmaster>\r\nRCPT TO:<" + b"x" * 64 + b"@example.com>\r\n" + MESSAGE, [220] + [250] * 6 + TAKEN, 1),
    "50 control characters": (b"EHLO c\x1b[1m\r\nEHLO c\r\nMAIL FROM:<a\x1bb@example.com>\r\nMAIL FROM:<\"a\x07\"@example.com>\r\n"
                              b"MAIL FROM:<a@example.com> BODY=\x01\r\nMAIL FROM:<a@example.com> AUTH=a\x7f\r\n", [220, 250, 250, 501, 501, 501, 501], 0),
    "51 IDN without SMTPUTF8": ("EHLO c\r\nMAIL FROM:<a@日本.example>\r\nMAIL FROM:<a@b.example> SMTPUTF8\r\nMAIL FROM:<é@b.example>\r\n".encode(),
                                [220, 250, 501, 555, 501], 0),
    "52 null sender": (b"EHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<v@example.com>\r\n" + MESSAGE, STARTED + TAKEN, 1),
    "54 XCLIENT": (b"EHLO c\r\nXCLIENT ADDR=127.0.0.1\r\nXFORWARD ADDR=127.0.0.1\r\n", [220, 250, 550, 500], 0),
    "54 PROXY v1": (b"PROXY TCP4 127.0.0.1 127.0.0.1 1 25\r\nEHLO c\r\n", [220, 500, 250], 0),
    "54 PROXY v2": (b"\r\n\r\n\0\r\nQUIT\n\x21\x11\xff\xff" + b"\0" * 100, [220, 500, 500, 500, 500], 0),
    "55 DSN parameters": (b"EHLO c\r\nMAIL FROM:<a@b.c> ENVID=" + b"x" * 200 + b"\r\nMAIL FROM:<a@b.c> RET=FULL\r\nMAIL FROM:<a@b.c>\r\n"
                          b"RCPT TO:<v@example.com> NOTIFY=NEVER,SUCCESS\r\nRCPT TO:<v@example.com> ORCPT=+ZZ\r\n", [220, 250, 501, 250, 503, 501, 501], 0),
    "56 120 Received lines": (START + b"DATA\r\n" + b"Received: from x by y\r\n" * 120 + b"\r\nx\r\n.\r\nNOOP\r\n", STARTED + [354, 554, 250], 0),
    "57 VRFY": (b"EHLO c\r\nVRFY root\r\nVRFY nobody-at-all\r\n", [220, 250, 252, 252], 0),
    "many parameters": (b"EHLO c\r\nMAIL FROM:<a@b.c>" + b" BODY=7BIT" * 100 + b"\r\n", [220, 250, 501], 0),
    "MAIL twice, MAIL after BDAT": (START + b"MAIL FROM:<b@example.com>\r\nBDAT 1\r\nxMAIL FROM:<b@example.com>\r\n", STARTED + [503, 250, 503], 0),
    "EHLO in a transaction": (START + b"EHLO d\r\nDATA\r\n", STARTED + [250, 503], 0),
}

# Row 48: all of these are 501
WRONG = [b"<a@b..example.com>", b"<..@example.com>", b"<@@example.com>", b"<a@-dom>", b"<a@dom->", b"<a@[999.1.1.1]>", b"<a@[IPv6:zz]>",
         b"<a@[1.2.3.4>", b"<a@\xe9.example>", b"<\xe9@example.com>", b"<a@" + b"x." * 128 + b"com>", b"<" + b"x" * 257 + b"@example.com>", b"<a@example.com", b"a@example.com>",
         b"<\"a@example.com>", b"<a@" + b"x" * 64 + b".com>", b"<a@b@example.com>", b"<a@example.com..>", b"<a b@example.com>", b"<a@exa mple.com>",
         b"<@example.com>", b"<@a:>", b"<@a,@b>", b"<a@>", b"<<a@example.com>>", b""]

# Row 49: only text. Each is unchanged in x-receiver.
PLAIN = ["|cmd", "/etc/passwd", "-froot", "`x`", "\"$(id)\"", "${run{x}}", "\";id;\"", "\"../..\"", "\"a b\"", "..%2f".strip("."), "~root"]


class Sessions(unittest.TestCase):
    def test_replies(self):
        """One connection per row, all octets at once: every reply is as written, and only acknowledged messages are stored."""
        with Mailroot("messages { max_message_size 2M; max_session_size none }") as server, unharmed(self, server):
            stored = 0
            for name, (octets, codes, messages) in SESSIONS.items():
                with self.subTest(name), Wire(server) as wire:
                    with concurrent.futures.ThreadPoolExecutor(1) as sender:
                        sent = sender.submit(wire.say, octets)
                        if len(octets) < 100_000:
                            sent.result()
                            self.assertEqual(wire.codes(), codes)
                        else:
                            self.assertEqual([wire.reply()[0] for _ in codes], codes)
                stored += messages
            harness.wait_for(lambda: not server.files("new", ""), "new/ to be empty")
            self.assertEqual(len(server.files("drop")), stored)
            self.assertEqual(server.files("cur", ""), [])
            self.assertEqual(server.files("badmail", ""), [])
            for path in server.files("drop"):
                self.assertNotIn("evil@example.com", Message(path).sender)

    def test_no_secret_is_logged(self):
        """A client that authenticates without an offer sends its password; the log does not have it."""
        with Mailroot() as server, unharmed(self, server), Wire(server) as wire:
            wire.say(b"EHLO c\r\nAUTH PLAIN AGFwcABzZWNyZXQ=\r\nauth  login YXBw\r\nAUTH\r\nQUIT\r\n")
            self.assertEqual(wire.codes(), [220, 250, 503, 503, 503, 221])
            harness.wait_for(lambda: server.log().count('command="') == 3, "three refusals in the log")
            self.assertIn('command="AUTH PLAIN"', server.log())
            for secret in ("AGFw", "YXBw"):
                self.assertNotIn(secret, server.log())

    def test_wrong_addresses(self):
        with Mailroot() as server, unharmed(self, server):
            for wrong in WRONG:
                with self.subTest(wrong), Wire(server) as wire:
                    wire.say(b"EHLO c\r\nMAIL FROM:" + wrong + b"\r\nMAIL FROM:<>\r\nRCPT TO:" + wrong + b"\r\n")
                    self.assertEqual(wire.codes(), [220, 250, 501, 250, 501])

    def test_local_parts_are_plain_text(self):
        with Mailroot() as server, unharmed(self, server):
            with Wire(server) as wire:
                rcpts = b"".join(f"RCPT TO:<{local}@example.com>\r\n".encode() for local in PLAIN)
                wire.say(b"EHLO c\r\nMAIL FROM:<-froot@example.com>\r\n" + rcpts + MESSAGE)
                self.assertEqual(wire.codes(), [220, 250, 250] + [250] * len(PLAIN) + TAKEN)
            message = Message(server.dropped()[0])
            self.assertEqual(message.sender, "-froot@example.com")
            self.assertEqual(message.rcpts, [f"{local}@example.com" for local in PLAIN])


class Framing(unittest.TestCase):
    def smuggle(self, server, form):
        with Wire(server) as wire:
            wire.say(START + b"DATA\r\nSubject: cover\r\n\r\nx" + form + SECOND + b"QUIT\r\n")
            return wire.codes()

    def test_only_the_final_dot_ends_the_data(self):
        with Mailroot() as server, unharmed(self, server):
            stored = 0
            for name, (form, bare) in NO_ENDS.items():
                with self.subTest(name):
                    self.assertEqual(self.smuggle(server, form), STARTED + [354, 550 if bare else 250, 221])
                    stored += not bare
            self.assertEqual({Message(p).sender for p in server.dropped(stored)}, {"a@example.com"})
            self.assertEqual(len(server.files("drop")), stored)

    def test_repaired_is_still_one_message_and_leaves_clean(self):
        """With bare_newlines repair the text is one message, here and at the next hop (row 5)."""
        with Sink() as sink, Mailroot(f"smart_host [127.0.0.1]:{sink.port}\nbare_newlines repair") as server, unharmed(self, server):
            for name, (form, _) in NO_ENDS.items():
                with self.subTest(name), Wire(server) as wire:
                    wire.say(START.replace(b"v@example.com", b"v@example.net") + b"DATA\r\nSubject: cover\r\n\r\nx" + form + SECOND + b"QUIT\r\n")
                    self.assertEqual(wire.codes(), STARTED + [354, 250, 221])
            for sender, rcpts, content in sink.wait(len(NO_ENDS)):
                self.assertEqual((sender.split()[0], rcpts), ("<a@example.com>", ["<v@example.net>"]))
                self.assertIn(b"Subject: smuggled", content)
                self.assertNotRegex(content, rb"[^\r]\n|\r[^\n]")
            self.assertEqual(len(sink.messages), len(NO_ENDS))

    def test_a_command_without_end(self):
        """16 MiB without CRLF: the server closes the connection or replies 500, and keeps nothing (row 7)."""
        with Mailroot() as server, unharmed(self, server):
            with Wire(server) as wire:
                self.assertEqual(wire.reply()[0], 220)
                try:
                    for _ in range(256):
                        wire.say(b"x" * 65536)
                except OSError:
                    pass
                self.assertIn(wire.reply()[0], (0, 500))
            with Wire(server) as wire:
                wire.say(b"NOOP " + b"x" * 100_000 + b"\r\nNOOP\r\n")
                self.assertEqual(wire.codes(), [220, 500, 250])

    def test_large_headers(self):
        """50,000 fields, a field of 1 MB, 10,000 continuation lines, 10,000 parts: in linear time, and unchanged (row 40)."""
        contents = [b"X-%d: y\r\n" % 7 * 50_000 + b"\r\n", b"X: " + b"y" * 1_000_000 + b"\r\n\r\n", b"X: y\r\n" + b" z\r\n" * 10_000 + b"\r\n",
                    b"\r\n" + b"--b\r\n\r\nx\r\n" * 10_000, b"Received:" * 100_000 + b"\r\n\r\n"]
        with Mailroot() as server, unharmed(self, server):
            for count, content in enumerate(contents, 1):
                with self.subTest(content[:10]), Wire(server) as wire:
                    began = time.monotonic()
                    wire.say(START + b"DATA\r\n" + content + b".\r\nQUIT\r\n")
                    self.assertEqual(wire.codes(), STARTED + TAKEN + [221])
                    self.assertLess(time.monotonic() - began, 2)
                    self.assertIn(content, [Message(p).content for p in server.dropped(count)])


class Relay(unittest.TestCase):
    """Rows 46 and 53: no spelling of a recipient, and no HELO name of a client, permits relaying."""
    FORMS = ["u%remote.test@example.com", '"u@remote.test"@example.com', "@example.com:u@remote.test", "remote.test!u", "remote.test!u@example.com", "u@remote.test@example.com",
             "IMCEASMTP-u+40remote.test@example.com", "u@remote.test.", "u@[192.0.2.9]", "u@[IPv6:2001:db8::1]", '"u@example.com"@remote.test', "u@example.com.remote.test",
             "u@remotetest", "u@example.com%remote.test", "@remote.test,@example.com:u@remote.test", "u@EXAMPLE.COM.", "<u@remote.test>", "u@[127.0.0.1]", "u@mail.example.com",
             "u@xexample.com", "u@sub.example.com", "u@example.com\\@remote.test", 'u"@"remote.test@example.com']

    def test_forms(self):
        with Mailroot("relay { list 192.0.2.1 }") as server, unharmed(self, server):
            for helo in ("localhost", "mail.example.com", "[127.0.0.1]", "192.0.2.1", "[192.0.2.1]"):
                for form in self.FORMS:
                    with self.subTest(form, helo=helo), Wire(server) as wire:
                        wire.say(f"EHLO {helo}\r\nMAIL FROM:<root@example.com>\r\nRCPT TO:<{form}>\r\n".encode() + MESSAGE)
                        codes = wire.codes()
                        self.assertIn(codes[3], (250, 501, 550))
                        self.assertEqual(codes[4:6] == TAKEN, codes[3] == 250)
            harness.wait_for(lambda: not server.files("new", ""), "new/ to be empty")
            self.assertEqual(server.files("cur", ""), [])
            for path in server.files("drop"):
                for rcpt in Message(path).rcpts:
                    self.assertRegex(rcpt, r"(?i)@example\.com$")

    def test_mapped_address_is_the_address(self):
        with Mailroot("relay { list ::ffff:192.0.2.1 }") as server:
            for client, verdict in (("192.0.2.1", "accepted"), ("::ffff:c000:201", "accepted"), ("192.0.2.2", "refused"), ("::ffff:c000:202", "refused"),
                                    ("::192.0.2.1", "refused")):
                with self.subTest(client):
                    self.assertRegex(server.ctl("explain", "relay", "--client", client, "--to", "u@remote.test").stdout, f"^{verdict}:")


class Rude(unittest.TestCase):
    """Clients that disconnect, stall, flood and do not read."""

    def test_leaving_at_every_octet(self):
        """FIN, RST at every octet up to the dot: nothing stored (row 41)."""
        dialogue = START + b"DATA\r\nSubject: x\r\n\r\nx\r\n.\r"
        chunks = START + b"BDAT 10\r\n0123456789BDAT 5 LAST\r\n0123"
        with Mailroot() as server, unharmed(self, server):
            for octets in (dialogue, chunks):
                for end in range(0, len(octets) + 1):
                    for leave in (Wire.reset, lambda wire: wire.__exit__()):
                        wire = Wire(server)
                        wire.say(octets[:end])
                        leave(wire)
            with Wire(server) as wire:
                wire.say(START + MESSAGE)
                self.assertEqual(wire.codes(), STARTED + TAKEN)
            harness.wait_for(lambda: not server.files("new", ""), "new/ to be empty")
            server.dropped()
            self.assertEqual([len(server.files(f, "")) for f in ("new", "cur", "drop", "badmail")], [0, 0, 1, 0])
            self.assertEqual([p.name for p in (server.server_folder() / "new").iterdir()], [])

    def test_reset_after_the_dot(self):
        """With or without 250, an accepted message is delivered once (row 42)."""
        with Mailroot() as server, unharmed(self, server):
            for i in range(50):
                wire = Wire(server)
                wire.say(START + b"DATA\r\nSubject: %d\r\n\r\n.\r\n" % i)
                wire.reset()
            harness.wait_for(lambda: server.log().count("status=accepted") == len(server.files("drop")) and not server.files("new", ""), "all accepted in drop/")
            contents = [Message(p).content for p in server.files("drop")]
            self.assertEqual(len(contents), len(set(contents)))

    def test_slow(self):
        """The time-out is for the whole command, even if octets trickle; a stall in the text ends too (row 43)."""
        with Mailroot("connection_timeout 1s") as server, unharmed(self, server):
            drops = {"a command": b"", "after MAIL": b"EHLO c\r\nMAIL FROM:<>\r\n"}
            for name, before in drops.items():
                with self.subTest(name), Wire(server) as wire:
                    wire.say(before)
                    for _ in range(1 + before.count(b"\n")):
                        wire.reply()
                    began = time.monotonic()
                    for octet in b"NOOP xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx":
                        try:
                            wire.say(bytes([octet]))
                        except OSError:
                            break
                        wire.socket.settimeout(0.2)
                        try:
                            code = wire.socket.recv(3)
                            break
                        except TimeoutError:
                            continue
                    self.assertEqual(code, b"421")
                    self.assertLess(time.monotonic() - began, 2.5)
            for name, octets, codes in (("the banner", b"", [220, 421]), ("text", START + b"DATA\r\nSubject: x\r\n", STARTED + [354, 421]),
                                        ("a chunk", START + b"BDAT 100 LAST\r\nx", STARTED + [421])):
                with self.subTest(name), Wire(server) as wire:
                    wire.say(octets)
                    self.assertEqual(wire.codes(half_close=False), codes)
            self.assertEqual(server.files("drop"), [])

    def test_replies_never_read(self):
        """Endless commands and a closed window: the session ends, and so does the wait of its worker (rows 43, 38)."""
        with Mailroot("connection_timeout 1s") as server, unharmed(self, server):
            with Wire(server, timeout=10, receive_buffer=4096) as wire:
                wire.say(START)
                with self.assertRaises(ConnectionError):
                    while True:
                        wire.say(b"RCPT TO:<v@example.com>\r\n" * 5000)
            harness.wait_for(lambda: server.ctl_json("status") and "busy" not in server.ctl("status").stdout, "no session left")

    def test_5000_recipients_in_one_burst(self):
        with Mailroot() as server, unharmed(self, server), Wire(server) as wire:
            burst = b"".join(b"RCPT TO:<u%d@example.com>\r\n" % i for i in range(5000))
            with concurrent.futures.ThreadPoolExecutor(1) as sender:
                sender.submit(wire.say, b"EHLO c\r\nMAIL FROM:<>\r\n" + burst + MESSAGE + b"QUIT\r\n")
                codes = [wire.reply()[0] for _ in range(3 + 5000 + 3)]
            self.assertEqual(codes, [220, 250, 250] + [250] * 100 + [452] * 4900 + TAKEN + [221])
            self.assertEqual(len(Message(server.dropped()[0]).rcpts), 100)

    def test_20000_chunks(self):
        with Mailroot() as server, unharmed(self, server), Wire(server) as wire:
            with concurrent.futures.ThreadPoolExecutor(1) as sender:
                sender.submit(wire.say, START + b"BDAT 1\r\nx" * 20_000 + b"BDAT 0 LAST\r\nQUIT\r\n")
                codes = [wire.reply()[0] for _ in range(4 + 20_000 + 2)]
            self.assertEqual(codes, STARTED + [250] * 20_001 + [221])
            # Text without a header follows an empty line.
            self.assertEqual(Message(server.dropped()[0]).content, b"\r\n" + b"x" * 20_000)

    def test_one_recipient_many_times(self):
        with Mailroot("messages { max_recipients 5000 }") as server, unharmed(self, server), Wire(server) as wire:
            began = time.monotonic()
            with concurrent.futures.ThreadPoolExecutor(1) as sender:
                sender.submit(wire.say, START + b"RCPT TO:<v@example.com>\r\n" * 10_000 + MESSAGE)
                codes = [wire.reply()[0] for _ in range(4 + 10_000 + 2)]
            self.assertEqual(codes, STARTED + [250] * 10_000 + TAKEN)
            self.assertLess(time.monotonic() - began, 5)
            self.assertEqual(Message(server.dropped()[0]).rcpts, ["v@example.com"])

    def test_more_connections_than_allowed(self):
        """Beyond max_connections 421 at once; open sessions continue; when they end others are served (row 44)."""
        with Mailroot("max_connections 20\nprocesses { spare 2; max 20 }") as server, unharmed(self, server):
            wires = [Wire(server) for _ in range(20)]
            for wire in wires:
                self.assertEqual(wire.reply()[0], 220)
            refused = [Wire(server) for _ in range(180)]
            for wire in refused:
                self.assertEqual(wire.codes(), [421])
                wire.__exit__()
            wires[0].say(START + MESSAGE)
            self.assertEqual([wires[0].reply()[0] for _ in range(5)], [250] * 3 + TAKEN)
            for wire in wires:
                wire.__exit__()
            harness.wait_for(lambda: self.greeted(server), "a new client to be served")

    def greeted(self, server):
        with Wire(server) as wire:
            return wire.reply()[0] == 220

    def test_resets_in_a_flood(self):
        """2,000 connections that are reset immediately (row 44)."""
        with Mailroot() as server, unharmed(self, server):
            for _ in range(2000):
                Wire(server).reset()
            began = time.monotonic()
            self.assertTrue(self.greeted(server))
            self.assertLess(time.monotonic() - began, 2)

    def test_idle_crowd(self):
        """300 silent clients; another is served within a second."""
        with Mailroot() as server, unharmed(self, server):
            crowd = [Wire(server) for _ in range(300)]
            began = time.monotonic()
            self.assertTrue(self.greeted(server))
            self.assertLess(time.monotonic() - began, 5)
            for wire in crowd:
                self.assertEqual(wire.reply()[0], 220)
                wire.__exit__()


if __name__ == "__main__":
    harness.main()
