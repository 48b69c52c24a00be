#!/usr/bin/env python3
"""Filters that speak the milter protocol: what they see of SMTP sessions, what they change, and who is told what."""
import smtplib
import threading
import time
import unittest

import auth_service
import harness
import milter
from harness import Mailroot, Message, wait_for
from milter import Milter

TEXT = b"Subject: one\r\n\r\nhello\r\n"
ALL_EVENTS = ["connect", "helo", "mail", "rcpt", "data", "header", "eoh", "body", "eom", "quit"]
ADDS = [milter.add_header("X-Spam", "no"), milter.CONTINUE]


class Filters(unittest.TestCase):
    def enter(self, context):
        return self.enterContext(context)

    def service(self, *blocks, **options):
        return self.enter(Mailroot("".join(blocks), **options))

    def refusal(self, server, *rcpts):
        """The code and the text with which a message is refused."""
        with self.assertRaises(smtplib.SMTPException) as caught, server.client() as client:
            client.sendmail("a@client.test", rcpts or ["b@example.com"], TEXT)
        error = caught.exception
        if isinstance(error, smtplib.SMTPRecipientsRefused):
            return next(iter(error.recipients.values()))
        return error.smtp_code, error.smtp_error


class Content(Filters):
    def test_adds_a_field(self):
        spam = self.enter(Milter({milter.EOM: ADDS}))
        server = self.service(spam.block("spam"))
        server.send(["b@example.com"], TEXT)
        self.assertEqual(Message(server.dropped()[0]).content, b"Subject: one\r\nX-Spam: no\r\n\r\nhello\r\n")
        session = spam.wait()[0]
        self.assertEqual(session.names(), ALL_EVENTS)
        self.assertEqual(session.headers(), [("Subject", "one")])
        self.assertEqual(session.body(), b"hello\r\n")
        self.assertRegex(server.log(), r'id=\w+ client=127.0.0.1 filter=spam status=edited fields_added="X-Spam"')

    def test_socket_in_the_file_system(self):
        folder = harness.scratch()
        folder.chmod(0o755)
        spam = self.enter(Milter({milter.EOM: ADDS}, path=folder / "socket"))
        server = self.service(spam.block("spam"))
        server.send(["b@example.com"], TEXT)
        self.assertIn(b"X-Spam: no", Message(server.dropped()[0]).content)

    def test_changes_everything(self):
        """Also of a message that is in a file by then, and with a body that is larger than one packet."""
        old = b"Subject: one\r\nX-Old: 1\r\nX-Old: 2\r\n\r\n" + b"0123456789\r\n" * 30000
        new = b"changed\r\n" * 20000
        pieces = [milter.body(new[at:at + 65535]) for at in range(0, len(new), 65535)]
        spam = self.enter(Milter({milter.EOM: [
            milter.change_header(2, "X-Old", ""), milter.change_header(1, "Subject", "two\n lines"), milter.insert_header(1, "X-First", "top"),
            *pieces, milter.add_rcpt("<c@example.com>"), milter.delete_rcpt("<b@example.com>"), milter.change_from("<other@client.test>"),
            milter.CONTINUE]}))
        server = self.service(spam.block("spam"))
        server.send(["b@example.com", "d@example.com"], old)
        message = Message(server.dropped()[0])
        self.assertEqual(message.sender, "other@client.test")
        self.assertEqual(message.rcpts, ["d@example.com", "c@example.com"])
        self.assertEqual(spam.wait()[0].body(), old[old.index(b"\r\n\r\n") + 4:])
        header, text = message.content.split(b"\r\n\r\n", 1)
        self.assertEqual(text, new)
        self.assertEqual(header, b"X-First: top\r\nSubject: two\r\n lines\r\nX-Old: 1")
        self.assertRegex(server.log(), 'fields_added="X-First" fields_changed="Subject" fields_removed="X-Old" body=replaced '
                                       'sender=<other@client.test> added=<c@example.com> removed=<b@example.com>')

    def test_each_sees_what_the_one_before_has_done(self):
        one = self.enter(Milter({milter.EOM: [milter.add_header("X-One", "1"), milter.body("from one\r\n"), milter.CONTINUE]}))
        two = self.enter(Milter({milter.EOM: [milter.change_header(1, "X-One", "2"), milter.CONTINUE]}))
        server = self.service(one.block("one"), two.block("two"))
        server.send(["b@example.com"], TEXT)
        self.assertEqual(Message(server.dropped()[0]).content, b"Subject: one\r\nX-One: 2\r\n\r\nfrom one\r\n")
        self.assertEqual(two.wait()[0].body(), b"from one\r\n")
        self.assertIn(("X-One", "1"), two.sessions[0].headers())

    def test_held(self):
        spam = self.enter(Milter({milter.EOM: [milter.quarantine("looks like a virus"), milter.CONTINUE]}))
        server = self.service(spam.block("spam"))
        server.send(["b@example.com"], TEXT)
        wait_for(lambda: server.ctl_json("queue", "list")["messages"], "the message in the queue")
        self.assertIn("looks like a virus", server.ctl("queue", "list").stdout)
        self.assertFalse(server.files("drop"))
        server.ctl("queue", "release", "--all", "--yes")
        self.assertEqual(Message(server.dropped()[0]).content, TEXT)

    def test_discarded(self):
        spam = self.enter(Milter({milter.EOM: milter.DISCARD}))
        server = self.service(spam.block("spam"))
        server.send(["b@example.com"], TEXT)
        self.assertRegex(server.log(), "id=.* filter=spam status=discarded")
        spam.answers[milter.EOM] = milter.CONTINUE
        server.send(["b@example.com"], b"Subject: two\r\n\r\n")
        self.assertEqual([Message(path).content for path in server.dropped()], [b"Subject: two\r\n\r\n"])

    def test_too_large_for_it(self):
        spam = self.enter(Milter({milter.EOM: ADDS}))
        server = self.service(spam.block("spam", "max_size 2K"))
        server.send(["b@example.com"], TEXT + b"0123456789\r\n" * 400)
        self.assertNotIn(b"X-Spam", Message(server.dropped()[0]).content)
        self.assertRegex(server.log(), "filter=spam status=not-shown size=48.* max_size=2048")

    def test_skipped_clients(self):
        spam = self.enter(Milter({milter.EOM: milter.REJECT}))
        server = self.service(spam.block("spam", "skip_list 127.0.0.0/8"), spam.block("named", "skip_list localhost"),
                              spam.block("other", "only pickup"))
        server.send(["b@example.com"], TEXT)
        server.dropped()
        self.assertFalse(spam.sessions)


class Replies(Filters):
    def test_refuses_at_each_command(self):
        spam = self.enter(Milter())
        server = self.service(spam.block("spam"))
        for command, answer, reply in [
                (milter.CONNECT, milter.REJECT, (554, b"5.7.1 Client [127.0.0.1] may not connect to this server")),
                (milter.CONNECT, milter.TEMPFAIL, (421, b"4.7.0 mail.example.com Service unavailable - try again later")),
                (milter.MAIL, milter.REJECT, (550, b"5.7.1 Command rejected")),
                (milter.RCPT, milter.TEMPFAIL, (451, b"4.7.1 Service unavailable - try again later")),
                (milter.RCPT, milter.reply("550 5.7.1 Greylisted: come back"), (550, b"5.7.1 Greylisted: come back")),
                (milter.DATA, milter.REJECT, (550, b"5.7.1 Command rejected")),
                (milter.HEADER, milter.REJECT, (550, b"5.7.1 Command rejected")),
                (milter.EOM, milter.reply("554-5.7.1 Virus found\r\n554 5.7.1 Eicar"), (554, b"5.7.1 Virus found\n5.7.1 Eicar")),
                (milter.EOM, milter.SHUTDOWN, (421, b"4.7.0 mail.example.com Service unavailable - try again later"))]:
            with self.subTest(command=command, answer=answer):
                spam.answers = {command: answer}
                self.assertEqual(self.refusal(server), reply)
        self.assertRegex(server.log(), 'command="rcpt TO:<b@example.com>" status=refused reply="550 5.7.1 Greylisted: come back" filter=spam')
        spam.answers = {}
        server.send(["b@example.com"], TEXT)
        self.assertEqual(len(server.dropped()), 1)

    def test_when_down(self):
        spam = Milter()
        server = self.service(spam.block("a", "when_down accept"), spam.block("b", "when_down tempfail"))
        server.send(["b@example.com"], TEXT)
        spam.close()
        self.assertEqual(self.refusal(server), (451, b"4.7.1 Service unavailable - try again later"))
        self.assertRegex(server.log(), 'from=<a@client.test> filter=b status=down when_down=tempfail reason=')
        self.assertEqual(len(server.dropped()), 1)

    def test_comes_back_within_a_session(self):
        def once(session, data):
            spam.answers.pop(milter.EOM)
            return milter.CLOSE
        spam = self.enter(Milter({milter.EOM: once}))
        server = self.service(spam.block("spam"))
        with server.client() as client:
            with self.assertRaises(smtplib.SMTPDataError) as caught:
                client.sendmail("a@client.test", ["b@example.com"], TEXT)
            self.assertEqual(caught.exception.smtp_code, 451)
            client.sendmail("a@client.test", ["b@example.com"], TEXT)
        self.assertEqual(len(server.dropped()), 1)
        self.assertEqual(spam.wait(2)[1].names(), ALL_EVENTS)

    def test_stopped_while_a_filter_thinks(self):
        asked, over = threading.Event(), threading.Event()
        self.addCleanup(over.set)

        def think(session, data):
            asked.set()
            over.wait(60)
            return milter.CONTINUE
        spam = self.enter(Milter({milter.EOM: think}))
        server = self.service(spam.block("spam"))
        refusals = []
        sender = threading.Thread(target=lambda: refusals.append(self.refusal(server)))
        sender.start()
        self.assertTrue(asked.wait(20))
        row = server.ctl_json("sessions")["sessions"][0]
        self.assertEqual((row["state"], row["helo"]), ("in a filter", "client.test (filter spam)"))
        begin = time.monotonic()
        server.stop()
        sender.join(20)
        self.assertLess(time.monotonic() - begin, 10)
        self.assertEqual(refusals[0][0], 421)
        self.assertFalse(server.files("drop") + server.files("new"))


class Sessions(Filters):
    def test_many_messages(self):
        spam = self.enter(Milter({milter.EOM: ADDS}))
        server = self.service(spam.block("spam"))
        with server.client() as client:
            client.sendmail("a@client.test", ["b@example.com"], TEXT)
            client.docmd("MAIL FROM:<a@client.test>")
            client.docmd("RSET")
            client.docmd("XYZZY")
            client.sendmail("a@client.test", ["b@example.com", "c@example.com"], TEXT)
        self.assertEqual(len(server.dropped(2)), 2)
        self.assertEqual(spam.wait()[0].names(), ["connect", "helo", "mail", "rcpt", "data", "header", "eoh", "body", "eom", "mail", "abort",
                                                  "unknown", "mail", "rcpt", "rcpt", "data", "header", "eoh", "body", "eom", "quit"])

    def test_macros(self):
        spam = self.enter(Milter(symlists={0: "j {daemon_name} {daemon_addr} v _ {client_addr} {client_name} {client_port}"}))
        server = self.service(spam.block("spam"))
        with server.client(source_address=("127.0.0.1", 0)) as client:
            port = client.sock.getsockname()[1]
            client.sendmail("a@client.test", ["b@example.com"], TEXT)
        session = spam.wait()[0]
        macros = session.macros(milter.CONNECT)
        version = macros.pop("v")
        self.assertRegex(version, r"^Mailroot \d")
        name = macros["{client_name}"]
        self.assertEqual(macros, {"j": "mail.example.com", "{daemon_name}": "mail.example.com", "{daemon_addr}": "127.0.0.1",
                                  "_": f"{name} [127.0.0.1]", "{client_addr}": "127.0.0.1", "{client_name}": name, "{client_port}": str(port)})
        self.assertEqual(session.of(milter.CONNECT)[0].data, name.encode() + b"\0004" + port.to_bytes(2, "big") + b"127.0.0.1\0")
        self.assertEqual(session.macros(milter.MAIL), {"{mail_addr}": "a@client.test", "{mail_host}": "client.test", "{mail_mailer}": "smtp"})
        self.assertEqual(session.macros(milter.RCPT), {"{rcpt_addr}": "b@example.com", "{rcpt_host}": "example.com", "{rcpt_mailer}": "local"})
        number = session.macros(milter.EOM)["i"]
        self.assertEqual(session.macros(milter.DATA), {"i": number})
        self.assertTrue(server.dropped()[0].name.startswith(number))

    def test_tls_and_authentication(self):
        spam = self.enter(Milter())
        other = self.enter(Milter({milter.MAIL: milter.REJECT}))
        server = self.enter(auth_service.Service(server=spam.block("spam") + other.block("other", "skip_authenticated yes")))
        with server.client() as client:
            client.starttls(context=server.context())
            client.login("alice", auth_service.USERS["alice"])
            client.sendmail("a@client.test", ["b@example.com"], TEXT)
        session = spam.wait()[0]
        self.assertEqual(session.names()[:4], ["connect", "helo", "helo", "mail"])
        self.assertEqual(session.of(milter.HELO)[0].macros, {})
        self.assertEqual(sorted(session.macros(milter.HELO)), ["{cipher_bits}", "{cipher}", "{tls_version}"])
        macros = session.macros(milter.MAIL)
        self.assertEqual(macros["{auth_authen}"], "alice")
        self.assertIn(macros["{auth_type}"], ("CRAM-MD5", "PLAIN"))
        self.assertEqual(other.wait()[0].names(), ["connect", "helo", "helo", "quit"])

    def test_reload_within_a_session(self):
        """A filter that comes with a reload sees the next message of an open session."""
        spam = self.enter(Milter({milter.EOM: ADDS}))
        server = self.service("# here\n")
        with server.client() as client:
            client.sendmail("a@client.test", ["b@example.com"], TEXT)
            server.conf.write_text(server.conf.read_text().replace("# here\n", spam.block("spam")))
            server.ctl("reload")
            client.sendmail("a@client.test", ["b@example.com"], TEXT)
            server.conf.write_text(server.conf.read_text().replace(spam.block("spam"), ""))
            server.ctl("reload")
            client.sendmail("a@client.test", ["b@example.com"], TEXT)
        self.assertEqual(sorted(b"X-Spam" in Message(path).content for path in server.dropped(3)), [False, False, True])
        self.assertEqual(spam.wait()[0].names(), ALL_EVENTS)


if __name__ == "__main__":
    harness.main()
