"""XCLIENT: hosts in front of this server that name the client; by hand, with swaks, and behind the mail proxy of Debian's nginx."""
import contextlib
import http.server
import re
import smtplib
import ssl
import subprocess
import threading
import unittest

import certs
import harness
import milter
from harness import Mailroot, Wire, wait_for
from peers import Peer

NGINX = """load_module /usr/lib/nginx/modules/ngx_mail_module.so;
daemon off;
master_process off;
error_log /var/log/nginx.log info;
pid /run/nginx.pid;
events {{ }}
mail {{
    auth_http 127.0.0.1:{auth}/;
    server_name proxy.test;
    server {{ listen 127.0.0.1:{port}; protocol smtp; smtp_auth login plain none; xclient on; }}
}}
"""


class Named(Mailroot):
    """A service where 127.0.0.1 may name clients; those in 10.1.0.0/16 and 127.0.0.5 may relay."""

    def __init__(self, more="", xclient="xclient_list 127.0.0.1", authenticated="no"):
        super().__init__(f"{xclient}\n relay {{ list 10.1.0.0/16 127.0.0.5; authenticated {authenticated} }}\n {more}")


def greeted(server, *lines):
    """A connection that has said LINES after the greeting, each answered with 2xx."""
    wire = Wire(server)
    assert wire.reply()[0] == 220
    for line in lines:
        wire.say(line.encode() + b"\r\n")
        code, text = wire.reply()
        assert code in (220, 250), (line, text)
    return wire


def named(server, *attributes):
    return greeted(server, "EHLO lb.test", " ".join(("XCLIENT", *attributes)))


def extensions(wire):
    wire.say(b"EHLO x\r\n")
    found = []
    while True:
        line = wire.lines.readline().decode().rstrip("\r\n")
        found.append(line[4:])
        if line[3] == " ":
            return found


def messages_to(server, rcpt):
    texts = [path.read_bytes() for path in server.dropped()]
    return [text for text in texts if b"x-receiver: " + rcpt in text]


class Clients(unittest.TestCase):
    def test_client_is_the_one_that_is_named(self):
        """For the relay list, Received, the log, and sessions."""
        with Named("reverse_dns yes") as server:
            with named(server, "NAME=app.test", "ADDR=10.1.2.3") as wire:
                self.assertEqual(wire.deliver("far@remote.test"), 250)
                sessions = server.ctl("sessions").stdout
                self.assertIn("10.1.2.3", sessions)
                self.assertNotIn("127.0.0.1", sessions)
                self.assertEqual(wire.deliver("ann@example.com", hello=False), 250)
            self.assertIn("Received: from client.example (app.test [10.1.2.3])", server.dropped()[0].read_text())
            with named(server, "ADDR=IPV6:2001:db8::7") as wire:
                self.assertEqual(wire.deliver("far@remote.test"), 550)
            self.assertRegex(server.log(), r"client=10\.1\.2\.3 by=127\.0\.0\.1 name=app\.test .*status=xclient")
            self.assertRegex(server.log(), r"client=2001:db8::7 .*far@remote\.test.*status=refused")

    def test_host_that_is_not_listed(self):
        for listed in ("", "xclient_list 127.9.9.9 10.0.0.0/8"):
            with self.subTest(listed), Named(xclient=listed) as server, greeted(server) as wire:
                self.assertNotIn("XCLIENT", " ".join(extensions(wire)))
                wire.say(b"XCLIENT ADDR=10.1.2.3\r\n")
                self.assertEqual(wire.reply(), (550, "550 5.7.0 XCLIENT is not permitted for this client"))
                self.assertEqual(wire.deliver("far@remote.test"), 550)
                self.assertIn('remedy="xclient_list, ', server.log())

    def test_second_command_of_another_client(self):
        with Named() as server, named(server, "ADDR=192.0.2.1") as wire:
            self.assertNotIn("XCLIENT", " ".join(extensions(wire)))
            wire.say(b"XCLIENT ADDR=10.1.2.3\r\n")
            self.assertEqual(wire.reply()[0], 550)
            self.assertEqual(wire.deliver("far@remote.test"), 550)

    def test_user(self):
        for believed, code in (("no", 550), ("yes", 250)):
            with self.subTest(believed), Named(f"xclient_login {believed}\n access {{ auth scram-sha-256 }}", authenticated="yes") as server:
                with greeted(server) as wire:
                    self.assertIn("XCLIENT NAME ADDR PORT PROTO HELO" + " LOGIN" * (believed == "yes") + " DESTADDR DESTPORT", extensions(wire))
                with named(server, "ADDR=192.0.2.1", "LOGIN=joe") as wire:
                    self.assertEqual(wire.deliver("far@remote.test"), code)
                with named(server, "ADDR=192.0.2.1") as wire:
                    self.assertEqual(wire.deliver("far@remote.test"), 550)
                self.assertIn("user=joe status=not-believed" if believed == "no" else "user=joe status=xclient", server.log())

    def test_filters_see_the_client(self):
        with milter.Milter({}) as spam, Named(spam.block("spam")) as server:
            with named(server, "ADDR=10.1.2.3", "PORT=50000", "NAME=app.test", "HELO=app", "PROTO=ESMTP") as wire:
                self.assertEqual(wire.deliver("ann@example.com", hello=False), 250)
            host, client = wait_for(lambda: len(spam.sessions) == 2 and spam.sessions, "two sessions with the filter")
            self.assertIn(b"127.0.0.1", host.of(milter.CONNECT)[0].data)
            self.assertEqual(host.names()[-1], "quit")
            self.assertEqual(client.of(milter.CONNECT)[0].data, b"app.test\x004" + (50000).to_bytes(2, "big") + b"10.1.2.3\0")
            self.assertEqual(client.of(milter.HELO)[0].data, b"app\0")


class Judged(unittest.TestCase):
    """The new client, as at a connection."""

    def test_limits_count_the_client(self):
        with Named("client { connections 2; except_list none }") as server:
            wires = [self.enterContext(greeted(server, "EHLO lb.test")) for _ in range(6)]  # the host has no limit
            replies = []
            for wire in wires[:4]:
                wire.say(b"XCLIENT ADDR=10.2.0.1\r\n")
                replies.append(wire.reply())
            self.assertEqual([code for code, _ in replies[:2]], [220, 220])
            self.assertEqual(replies[2:],
                             [(421, "421 4.7.0 mail.example.com Too many connections from 10.2.0.1: at most 2 at a time, try again later")] * 2)
            for wire in wires[4:]:
                wire.say(b"XCLIENT ADDR=10.2.0.2\r\nNOOP\r\n")
                self.assertEqual((wire.reply()[0], wire.reply()[0]), (220, 250))

    def test_rates_count_the_client(self):
        with Named("client { connection_rate 2/1h; except_list none }") as server:
            for code in (220, 220, 421):
                with greeted(server) as wire:
                    wire.say(b"XCLIENT ADDR=10.2.0.1\r\nRCPT TO:<a@b.test>\r\n")
                    self.assertEqual(wire.codes(), [220, 503] if code == 220 else [421])
            self.assertRegex(server.ctl("clients", "--all").stdout, r"10\.2\.0\.1 ")
            self.assertNotIn("127.0.0.1", server.ctl("clients", "--all").stdout)

    def test_client_that_may_not_connect(self):
        with Named("connect { list 192.0.2.0/24 }") as server, greeted(server) as wire:
            wire.say(b"XCLIENT ADDR=192.0.2.1\r\nNOOP\r\n")
            self.assertEqual(wire.reply(), (554, "554 5.7.1 Client [192.0.2.1] may not connect to this server"))
            self.assertEqual(wire.reply()[0], 0)

    def test_pause(self):
        """A stranger waits, and does not speak before; one that may relay does neither."""
        with Named("connect { greet_pause 1s }") as server:
            with named(server, "ADDR=192.0.2.1") as wire:
                self.assertEqual(wire.deliver("ann@example.com"), 250)
            with greeted(server) as wire:
                wire.say(b"XCLIENT ADDR=192.0.2.1\r\nEHLO early\r\n")
                self.assertEqual(wire.codes(), [554])
            with greeted(server) as wire:
                wire.say(b"XCLIENT ADDR=10.1.2.3\r\nEHLO early\r\nQUIT\r\n")
                self.assertEqual(wire.codes(), [220, 250, 221])
            self.assertRegex(server.log(), "client=192.0.2.1 .*Command before the greeting")

    def test_commands_behind_are_those_of_the_new_client(self):
        with Named() as server:
            with greeted(server, "EHLO lb.test") as wire:
                wire.say(b"XCLIENT ADDR=192.0.2.1\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<far@remote.test>\r\nXCLIENT ADDR=10.1.2.3\r\nQUIT\r\n")
                self.assertEqual(wire.codes(), [220, 503, 503, 550, 221])
            with greeted(server, "EHLO lb.test", "MAIL FROM:<a@b.test>") as wire:
                wire.say(b"XCLIENT ADDR=10.1.2.3\r\nRCPT TO:<far@remote.test>\r\nQUIT\r\n")
                self.assertEqual(wire.codes(), [503, 550, 221])

    def test_endless_commands(self):
        """A host that names client after client occupies no more than its session, which ends."""
        with Named() as server, harness.unharmed(self, server), greeted(server) as wire:
            wire.say(b"XCLIENT NAME=a.test ADDR=127.0.0.1 HELO=x\r\n" * 1500)
            codes = wire.codes()
            self.assertEqual(codes[-1], 421)
            self.assertEqual(set(codes[:-1]), {220})


class Programs(unittest.TestCase):
    def test_tls_stays(self):
        certificate = certs.Authority(harness.scratch() / "ca").issue("mail.example.com")
        with Named(f"access {{ tls_certificate {certificate} }}") as server, server.client() as client:
            client.starttls(context=ssl._create_unverified_context())
            client.ehlo()
            self.assertEqual(client.docmd("XCLIENT ADDR=10.1.2.3")[0], 220)
            client.ehlo("app.test")
            self.assertFalse(client.has_extn("starttls"))
            client.sendmail("app@example.com", "ann@example.com", "Subject: x\r\n\r\nhello\r\n")
            text = server.dropped()[0].read_text()
            self.assertIn("[10.1.2.3]", text)
            self.assertIn("with ESMTPS", text)

    def swaks(self, server, *options):
        return subprocess.run(["swaks", "--server", f"127.0.0.1:{server.port}", "--helo", "x.test", "--from", "app@example.com", *options],
                              capture_output=True, text=True, timeout=60).stdout

    def test_swaks(self):
        with Named() as server:
            said = self.swaks(server, "--to", "far@remote.test", "--xclient-addr", "10.1.2.3", "--xclient-name", "app.test", "--xclient-port", "4711",
                              "--xclient-proto", "ESMTP", "--xclient-helo", "app", "--xclient-destaddr", "192.0.2.2", "--xclient-destport", "25")
            self.assertIn("250 2.6.0", said)
            said = self.swaks(server, "--to", "far@remote.test", "--xclient-addr", "192.0.2.1")
            self.assertIn("550 5.7.1 Unable to relay", said)
            said = self.swaks(server, "--to", "far@remote.test", "--xclient", "ADDR=10.1.2.3 FOO=1")
            self.assertIn("501 5.5.4 FOO=1 is unknown", said)

    @contextlib.contextmanager
    def nginx(self, server):
        """The mail proxy, for which every password is right."""
        class Answer(http.server.BaseHTTPRequestHandler):
            def do_GET(self):  # noqa: N802
                self.send_response(200)
                for name, value in (("Auth-Status", "OK"), ("Auth-Server", "127.0.0.1"), ("Auth-Port", str(server.port))):
                    self.send_header(name, value)
                self.end_headers()

            def log_message(self, *_):
                pass

        port = harness.free_port()
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer) as auth, Peer("nginx") as peer:
            thread = threading.Thread(target=auth.serve_forever)
            thread.start()
            peer.write("etc/nginx/nginx.conf", NGINX.format(auth=auth.server_address[1], port=port))
            try:
                peer.start("/usr/sbin/nginx", "-c", "/etc/nginx/nginx.conf", port=port)
                yield port
            finally:
                auth.shutdown()
                thread.join()

    def test_nginx(self):
        """A client may relay by its address, or as a user who has authenticated at nginx."""
        with Named("xclient_login yes", authenticated="yes") as server, self.nginx(server) as port:
            for source, user, relayed in (("127.0.0.6", None, False), ("127.0.0.5", None, True), ("127.0.0.6", "joe", True)):
                with self.subTest(source=source, user=user), smtplib.SMTP("127.0.0.1", port, source_address=(source, 0), timeout=20) as client:
                    client.ehlo("client.example")
                    if user:
                        client.login(user, "any")
                    self.assertEqual(client.mail("app@example.com")[0], 250)
                    self.assertEqual(client.rcpt("far@remote.test")[0], 250 if relayed else 550)
                    self.assertEqual(client.rcpt("ann@example.com")[0], 250)
                    self.assertEqual(client.data(b"Subject: x\r\n\r\nhello\r\n")[0], 250)
            texts = wait_for(lambda: (found := messages_to(server, b"ann@example.com")) and len(found) == 3 and found, "three messages")
            self.assertEqual(sorted(re.search(rb"Received: from (\S+) \(?\[(\S+)\]", text).groups() for text in texts),
                             [(b"client.example", b"127.0.0.5"), (b"client.example", b"127.0.0.6"), (b"client.example", b"127.0.0.6")])
            self.assertIn("client=127.0.0.6 by=127.0.0.1", server.log())
            self.assertIn("user=joe status=xclient", server.log())


if __name__ == "__main__":
    harness.main()
