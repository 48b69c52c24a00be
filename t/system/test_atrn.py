"""Mail that a client fetches with ATRN over its own connection: with a scripted peer and with fetchmail, and attacks."""
import signal
import socket
import unittest

import fetchmail
import harness
from auth_service import Service
from fetcher import Fetcher, empty, said, waiting
from harness import Sink

FETCH = "remote_domain branch.test { etrn yes; relay yes; atrn_accounts alice }\n    remote_domain other.test { etrn yes; relay yes; atrn_accounts bob@example.com }"


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


    def test_fetchmail(self):
        with Sink(extensions=("SIZE 100000", "8BITMIME")) as sink, Service(server=FETCH.replace("alice", "carol")) as server:
            server.user("add", "carol", "tr4vel lamp", "--cram-md5")
            for _ in range(3):
                server.send(["user@branch.test"])
            waiting(server, 3)
            said = fetchmail.run(server.folder, f"poll 127.0.0.1 protocol ODMR port {server.port} user carol password \"tr4vel lamp\" "
                                 f"fetchdomains branch.test smtphost 127.0.0.1/{sink.port}")
            self.assertIn("Turnaround now", said)
            self.assertEqual(len(sink.messages), 3)
            harness.wait_for(lambda: empty(server), "an empty spool")

    def test_vanishes_midway(self):
        """Nothing is lost. Mail that the client has not acknowledged is sent again, and no other mail is."""
        with Service(server=FETCH) as server:
            for n in range(4):
                server.send(["user@branch.test"], b"Subject: %d\r\n\r\nhello\r\n" % n)
            waiting(server, 4)
            with Fetcher(server) as client:
                client.say("ATRN branch.test", 250)
                client.serve(until=lambda: len(client.messages) == 2)
                client.wire.reset()
                first = client.messages
            waiting(server, 3)
            with Fetcher(server) as client:
                client.say("ATRN", 250)
                self.assertEqual(client.serve(), "QUIT")
                second = client.messages
            subjects = [text.split(b"Subject: ")[1][:1] for _, _, text in first + second]
            self.assertEqual(sorted(set(subjects)), [b"0", b"1", b"2", b"3"])
            self.assertEqual(len(subjects), 5)
            harness.wait_for(lambda: empty(server), "an empty spool")

    def test_refused_recipient(self):
        with Service(server=FETCH) as server:
            server.send(["user@branch.test"])
            waiting(server, 1)
            with Fetcher(server) as client:
                client.say("ATRN", 250)
                self.assertEqual(client.serve(rcpt="550 5.1.1 nobody of that name"), "QUIT")
            self.assertIn(b"nobody of that name", harness.Message(server.dropped()[0]).content)

    def test_clients_without_permission(self):
        with Service(server=FETCH) as server:
            server.send(["user@branch.test", "user@other.test"])
            waiting(server, 1)
            self.assertEqual(said(server, "ATRN branch.test")[0][0], 530)
            with Fetcher(server) as client:
                client.say("ATRN other.test", 450)
                client.say("ATRN branch.test,other.test", 450)
                client.say("ATRN example.com", 450)
                client.say("MAIL FROM:<a@example.com>", 250)
                client.say("ATRN branch.test", 503)
                client.say("RSET", 250)
                client.say("ATRN branch.test", 250)
                self.assertEqual(client.serve(), "QUIT")
                self.assertEqual([m[1] for m in client.messages], [["user@branch.test"]])
            harness.wait_for(lambda: server.files("cur"), "the mail for other.test")

    def test_odd_clients(self):
        """After ATRN: commands that were sent ahead, STARTTLS, silence, a half-closed connection, garbage. The mail stays, and no process dies."""
        odd = [b"ATRN branch.test\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.com>\r\nDATA\r\n.\r\nQUIT\r\n",
               b"ATRN branch.test\r\nSTARTTLS\r\n", b"ATRN branch.test\r\n" + b"x" * 100000, b"ATRN branch.test\r\n\0\0\0\r\n"]
        with Service(server=FETCH) as server:
            server.send(["user@branch.test"])
            waiting(server, 1)
            Fetcher(server).__exit__()  # the first check of a password takes memory
            with harness.unharmed(self, server):
                for octets in odd:
                    with Fetcher(server) as client:
                        harness.wait_for(lambda: self.turned(client, octets), "the roles of the connection to be exchanged")
                        client.wire.socket.shutdown(socket.SHUT_WR)
                        while client.wire.lines.readline():
                            pass
            waiting(server, 1)
            with Fetcher(server) as client:
                harness.wait_for(lambda: self.turned(client, b"ATRN\r\n"), "the roles of the connection to be exchanged")
                self.assertEqual(client.serve(), "QUIT")
                self.assertEqual(len(client.messages), 1)

    def turned(self, client, octets):
        """451 while the queue still ends the connection of the previous client."""
        client.wire.say(octets)
        if client.wire.reply()[0] == 250:
            return True
        client.__exit__()
        client.__init__(client.server)
        return False

    def test_stop_in_the_middle(self):
        """At a stop the current message is finished; the rest waits."""
        with Service(server=FETCH) as server:
            for _ in range(3):
                server.send(["user@branch.test"])
            waiting(server, 3)
            with Fetcher(server) as client:
                client.say("ATRN", 250)
                client.serve(until=lambda: len(client.messages) == 1)
                server.process.send_signal(signal.SIGTERM)
                client.answer("250 2.6.0 kept")
                while client.command():
                    pass
            server.stop()
            server.start()
            harness.wait_for(lambda: 1 <= len(server.files("new", "")) + len([p for p in server.files("cur") if p.name.endswith(".eml")]) <= 2,
                             "what was not begun")


if __name__ == "__main__":
    harness.main()
