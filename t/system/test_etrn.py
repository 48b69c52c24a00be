"""Mail that waits for ETRN, from scripted peers and from fetchmail; and our own requests, to scripted hosts and to Postfix."""
import signal
import smtplib
import unittest

import certs
import fetchmail
import harness
from fetcher import empty, said, waiting
from harness import Mailroot, Sink, Wire
from peers import needs_root
from postfix import Postfix

HOLD = "remote_domain branch.test {{ etrn yes; relay yes; route [127.0.0.1]:{} }}"


class Etrn(unittest.TestCase):
    def test_waits_and_is_sent(self):
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

    def test_what_commands_show(self):
        with Mailroot(HOLD.format(harness.free_port())) as server:
            server.send(["user@branch.test"])
            waiting(server, 1)
            self.assertIn("waits for ETRN", server.ctl("status").stdout)
            self.assertIn("waits for ETRN", server.ctl("explain", "route", "user@branch.test").stdout)
            self.assertNotIn("ETRN", server.ctl("explain", "route", "user@example.com").stdout)

    def test_survives_a_restart(self):
        with Sink() as sink, Mailroot(HOLD.format(sink.port)) as server:
            server.send(["user@branch.test"])
            waiting(server, 1)
            server.stop(signal.SIGKILL)
            server.start()
            waiting(server, 1)
            self.assertEqual(sink.connections, 0)
            said(server, "ETRN branch.test")
            sink.wait(1)
            harness.wait_for(lambda: empty(server), "an empty spool")

    def test_an_operator_sends_it(self):
        with Sink() as sink, Mailroot(HOLD.format(sink.port)) as server:
            server.send(["user@branch.test"])
            waiting(server, 1)
            server.ctl("queue", "retry", "--all", "--yes")
            sink.wait(1)

    def test_flood(self):
        """Endless requests: no more than one attempt, and others are served."""
        with Mailroot(HOLD.format(harness.free_port())) as server:
            server.send(["user@branch.test"])
            waiting(server, 1)
            with harness.unharmed(self, server):
                for _ in range(3):
                    with Wire(server) as wire:
                        wire.say(b"EHLO c\r\n" + b"ETRN branch.test\r\n" * 150 + b"QUIT\r\n")
                        codes = wire.codes()
                        self.assertEqual((codes[:2], codes[-1]), ([220, 250], 221))
                        self.assertLessEqual(set(codes[2:-1]), {252, 253, 458})
            self.assertLessEqual(server.log().count("onnection refused"), 20)

    def test_fetchmail(self):
        with Sink() as sink, Mailroot(HOLD.format(sink.port)) as server:
            server.send(["user@branch.test"])
            waiting(server, 1)
            fetchmail.run(server.folder, f"poll 127.0.0.1 protocol ETRN port {server.port} fetchdomains branch.test smtphost 127.0.0.1/{sink.port}")
            sink.wait(1)


class Request(unittest.TestCase):
    CONNECTOR = """connector provider {{ address_space far.test; route [127.0.0.1]:{}; outbound {{ tls off }}
        etrn_request {} every {} }}"""

    def logged(self, server, *words):
        harness.wait_for(lambda: any(all(word in line for word in words) for line in server.log().splitlines()), f"{words} in the log")

    def test_requests_at_intervals(self):
        heard = []
        answers = {"ETRN": lambda argument: heard.append(argument) or "250 2.0.0 OK, queuing started"}
        with Sink(answers=answers, extensions=("ETRN",)) as sink:
            with Mailroot(self.CONNECTOR.format(sink.port, "branch.test @below.test", "2s")) as server:
                harness.wait_for(lambda: len(heard) >= 6, "three rounds")
                self.assertEqual(heard[:4], ["branch.test", "@below.test"] * 2)
                self.logged(server, "connector=provider", "etrn=@below.test", "status=asked", "code=250")

    def test_refusals_are_reported(self):
        with Sink(answers={"ETRN": lambda _: "459 4.7.1 not you"}, extensions=("ETRN",)) as sink:
            with Mailroot(self.CONNECTOR.format(sink.port, "branch.test", "1h")) as server:
                self.logged(server, "etrn=branch.test", "status=refused", "code=459", "not you", "keeps no mail for this domain")
        with Sink(extensions=("PIPELINING",)) as sink, Mailroot(self.CONNECTOR.format(sink.port, "branch.test", "1h")) as server:
            self.logged(server, "connector=provider", "status=not-asked", "does not offer ETRN")
        with Mailroot(self.CONNECTOR.format(harness.free_port(), "branch.test", "1h")) as server:
            self.logged(server, "connector=provider", "status=not-asked", "no host accepts us", "onnection refused")

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

    @needs_root
    def test_postfix(self):
        """Debian's Postfix keeps the mail of a domain until we request it."""
        port = harness.free_port()
        settings = f"""relay_domains = branch.test
fast_flush_domains = branch.test
defer_transports = etrn-only
transport_maps = inline:{{ {{ branch.test = etrn-only:[127.0.0.1]:{port} }} }}
"""
        certificate = certs.Authority(harness.scratch()).issue("localhost", "IP:127.0.0.1")
        with Postfix(certificate, settings, "127.0.0.1", harness.free_port()) as peer:
            with open(peer.root / "etc/postfix/master.cf", "a") as file:
                file.write("flush unix n - n 1000? 0 flush\nretry unix - - n - - error\netrn-only unix - - n - - smtp\n")
            peer.serve()
            with smtplib.SMTP("127.0.0.1", peer.port) as client:
                client.sendmail("app@example.net", ["user@branch.test"], b"Subject: kept\r\n\r\nhello\r\n")
            harness.wait_for(lambda: "status=deferred" in peer.log(), "Postfix to keep it")
            branch = Mailroot()
            branch.port = port
            branch.write_conf("local_domain branch.test { }\n    " + self.CONNECTOR.format(peer.port, "branch.test", "2s"))
            with branch:
                self.assertIn(b"Subject: kept", branch.dropped()[0].read_bytes())
                self.logged(branch, "etrn=branch.test", "status=asked", "code=250")


if __name__ == "__main__":
    harness.main()
