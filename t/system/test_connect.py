"""Which clients may connect and relay: connection control, names of clients in DNS, and the guard against open relays."""
import re
import socket
import struct
import threading
import time
import unittest

import harness
from harness import Mailroot

A, PTR, MX, TXT, AAAA, SERVFAIL, NXDOMAIN, SILENT = 1, 12, 15, 16, 28, 2, 3, -1


class NameServer:
    """Answers from a table: {name: {type: [data]}} or {name: rcode}. Other names do not exist."""

    def __init__(self, table):
        self.table, self.asked = table, []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        harness.close_served(self.socket, self.thread)

    @staticmethod
    def wire(name):
        return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"

    def _serve(self):
        while True:
            packet, peer = self.socket.recvfrom(4096)
            if not packet:
                return
            answer = self._answer(packet)
            if answer:
                self.socket.sendto(answer, peer)

    def _answer(self, packet):
        at, labels = 12, []
        while packet[at]:
            labels.append(packet[at + 1:at + 1 + packet[at]].decode().lower())
            at += 1 + packet[at]
        name, kind = ".".join(labels), struct.unpack("!H", packet[at + 1:at + 3])[0]
        if name:  # the resolver queries the root from time to time, to check the name server
            self.asked.append((name, kind))
        known = self.find(name, kind)
        if known == SILENT:
            return None
        rcode, found = (known, []) if isinstance(known, int) else (0, known.get(kind, []))
        body = b""
        for data in found:
            data = self.rdata(kind, data)
            body += b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 300, len(data)) + data
        return packet[:2] + struct.pack("!HHHHH", 0x8180 | rcode, 1, len(found), 0, 0) + packet[12:at + 5] + body

    def find(self, name, kind):
        """{type: [data]} or the rcode of NAME, which is asked for records of KIND."""
        return self.table.get(name, NXDOMAIN)

    def rdata(self, kind, data):
        return {PTR: self.wire, A: socket.inet_aton, TXT: lambda text: bytes([len(text)]) + text.encode(),
                MX: lambda host: b"\0\x0a" + self.wire(host)}[kind](data)


def reverse(last):
    return f"{last}.0.0.127.in-addr.arpa"


# 127.0.0.2 has a good name, .3 a name of another address, .4 none, .5 a broken zone, .6 no answer, .7 two names of which one is
# good, .8 a name that does not exist.
TABLE = {
    reverse(2): {PTR: ["printer.branch.example"]}, "printer.branch.example": {A: ["127.0.0.2"]},
    reverse(3): {PTR: ["liar.branch.example"]}, "liar.branch.example": {A: ["192.0.2.1"]},
    reverse(5): SERVFAIL,
    reverse(6): SILENT,
    reverse(7): {PTR: ["a-liar.branch.example", "Z-Good.Branch.Example"]}, "a-liar.branch.example": {A: ["192.0.2.1"]},
    "z-good.branch.example": {A: ["192.0.2.7", "127.0.0.7"]},
    reverse(8): {PTR: ["gone.branch.example"]},
}


class Service(Mailroot):
    """Listens for clients from all of 127.0.0.0/8."""

    def session(self, last):
        return Session(self, f"127.0.0.{last}")

    def relays(self, last, rcpt="user@example.net"):
        with self.session(last) as s:
            return s.rcpt(rcpt)


class Session:
    def __init__(self, server, source):
        self.socket = socket.create_connection(("127.0.0.1", server.port), timeout=30, source_address=(source, 0))
        self.lines = self.socket.makefile("rb")
        self.greeting = self.reply()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.lines.close()
        self.socket.close()

    def reply(self):
        text = ""
        while True:
            line = self.lines.readline().decode()
            text += line
            if not line or line[3:4] != "-":
                return text.rstrip("\r\n")

    def say(self, command):
        self.socket.sendall(command.encode() + b"\r\n")
        return self.reply()

    def rcpt(self, to):
        self.say("EHLO client.test")
        self.say("MAIL FROM:<app@example.com>")
        return self.say(f"RCPT TO:<{to}>")

    def send(self, to):
        assert self.rcpt(to).startswith("250")
        assert self.say("DATA").startswith("354")
        return self.say("Subject: test\r\n\r\nhello\r\n.")


def line_of(server, text):
    return next(n for n, line in enumerate(server.conf.read_text().splitlines(), 1) if text in line)


class Connect(unittest.TestCase):
    def test_next_connection_obeys_a_reload(self):
        with Service("connect { list 127.0.0.2 }") as server:
            with server.session(2) as refused:
                self.assertEqual(refused.greeting, "554 5.7.1 Client [127.0.0.2] may not connect to this server")
                self.assertEqual(refused.reply(), "", "the connection is closed")
            with server.session(3) as open_session:
                self.assertTrue(open_session.greeting.startswith("220 "))
                server.write_conf("connect { allow only-listed; list 127.0.0.2/255.255.255.254 127.0.0.9 }")
                server.ctl("reload")
                self.assertTrue(harness.wait_for(lambda: self.greets(server, 2), "127.0.0.2 to be accepted"))
                self.assertFalse(self.greets(server, 4))
                self.assertTrue(self.greets(server, 9))
                self.assertTrue(open_session.rcpt("sales@example.com").startswith("250"), "who is in stays in")
            self.assertIn('client=127.0.0.4 from=<> command="(connects)" status=refused', server.log())

    def greets(self, server, last):
        with server.session(last) as s:
            return s.greeting.startswith("220 ")

    def test_check_refuses_an_empty_list(self):
        with Mailroot() as server:
            server.write_conf("connect { allow only-listed }")
            done = server.ctl("check", server.conf, check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn("add list with your networks, or write allow all-except-listed", done.stdout + done.stderr)

    def test_explain_covers_connections(self):
        with Mailroot("connect { list 10.0.0.0/8 }\nrelay { list 10.1.2.3 }") as server:
            refused = server.ctl("explain", "relay", "--client", "10.1.2.3", "--to", "user@example.net").stdout
            self.assertIn("554 5.7.1 Client [10.1.2.3] may not connect", refused)
            at = f"{server.conf}:{line_of(server, 'connect {')}"
            self.assertIn(f"{at}: client is in connect list 10.0.0.0/8, allow is all-except-listed: refused", refused)
            self.assertTrue(refused.rstrip().endswith(f"to permit it, remove 10.0.0.0/8 from connect list at {at}"), refused)
            told = server.ctl_json("explain", "relay", "--client", "::ffff:192.0.2.1", "--to", "user@example.net")
            self.assertEqual((told["accepted"], len(told["rules"])), (False, 2))
            self.assertEqual(told["advice"], f"to permit it, add 192.0.2.1 to relay list at {server.conf}:{line_of(server, 'relay {')}")

    def test_mapped_addresses_are_ipv4(self):
        with Mailroot("relay { list ::ffff:127.0.0.1 }") as server:
            port = server.port
            server.conf.write_text(server.conf.read_text().replace(f"listen 127.0.0.1:{port}", f"listen *:{port}"))
            server.stop()
            server.start()
            with server.client() as client:
                client.ehlo()
                client.mail("app@example.com")
                self.assertEqual(client.rcpt("user@example.net")[0], 250)
                client.rset()
                client.sendmail("app@example.com", "sales@example.com", "Subject: x\r\n\r\nx\r\n")
            self.assertIn(b"([127.0.0.1])", server.dropped()[0].read_bytes())


class Names(unittest.TestCase):
    def service(self, server, table=TABLE):
        self.names = self.enter(NameServer(table))
        return self.enter(Service(server, global_conf=f"dns_server 127.0.0.1:{self.names.port}"))

    def enter(self, context):
        value = context.__enter__()
        self.addCleanup(context.__exit__, None, None, None)
        return value

    def test_grant_by_name(self):
        server = self.service("relay { list *.branch.example 127.0.0.9 }")
        for last, may in ((2, True), (3, False), (4, False), (5, False), (7, True), (8, False), (9, True)):
            with self.subTest(last):
                self.assertEqual(server.relays(last)[:3], "250" if may else "550")
        log = server.log()
        for client, reason in ((3, "liar.branch.example does not resolve to the address"), (4, "the address has no name in DNS"),
                               (5, "DNS gave no answer in time"), (8, "gone.branch.example does not resolve to the address")):
            self.assertIn(f'client=127.0.0.{client} name=unverified status=unnamed reason="{reason}"', log)
        self.assertIn("client=127.0.0.7 name=z-good.branch.example status=named", log)
        self.assertNotIn("client=127.0.0.9 name=", log, "an address that is listed needs no name")

    def test_looked_up_only_when_it_counts(self):
        server = self.service("relay { list *.branch.example }")
        self.assertEqual(server.relays(2, "sales@example.com")[:3], "250")
        self.assertEqual(self.names.asked, [])
        with server.session(2) as s:
            for rcpt in ("a@example.net", "b@example.net"):
                self.assertTrue(s.rcpt(rcpt).startswith("250"))
                s.say("RSET")
        self.assertEqual(server.log().count("client=127.0.0.2 name="), 1, "once a session")
        asked = len(self.names.asked)
        self.assertEqual(server.relays(2)[:3], "250")
        self.assertEqual(len(self.names.asked), asked, "the answers are kept")

    def test_open_session_gains_by_name(self):
        server = self.service("relay { list 192.0.2.1 }")
        with server.session(2) as early:
            self.assertTrue(early.rcpt("user@example.net").startswith("550"))
            self.assertEqual(self.names.asked, [])
            server.write_conf("relay { list printer.branch.example }", global_conf=f"dns_server 127.0.0.1:{self.names.port}")
            self.assertIn("printer.branch.example may now relay", server.ctl("reload").stdout)
            self.assertTrue(early.say("RCPT TO:<user@example.net>").startswith("250"))

    def test_a_crowd(self):
        """A hundred clients at once, each with a different name: no client gets the answer for another."""
        table = {}
        for i in range(100, 200):
            table[reverse(i)] = {PTR: [f"host-{i}.{'branch' if i % 2 else 'other'}.example"]}
            table[table[reverse(i)][PTR][0]] = {A: [f"127.0.0.{i}"]}
        server = self.service("relay { list *.branch.example }", table)
        sessions = {i: self.enter(server.session(i)) for i in range(100, 200)}
        for s in sessions.values():
            s.socket.sendall(b"EHLO c\r\nMAIL FROM:<app@example.com>\r\nRCPT TO:<user@example.net>\r\n")
        for i, s in sessions.items():
            s.reply(), s.reply()
            self.assertEqual(s.reply()[:3], "250" if i % 2 else "550", [l for l in server.log().splitlines() if f"127.0.0.{i}" in l])

    def test_exact_name_and_explain(self):
        server = self.service("relay { list printer.branch.example }")
        self.assertEqual((server.relays(2)[:3], server.relays(7)[:3]), ("250", "550"))
        named = server.ctl("explain", "relay", "--client", "127.0.0.2", "--name", "printer.branch.example", "--to", "u@example.net").stdout
        self.assertIn("client is in relay list printer.branch.example, allow is only-listed: accepted", named)
        self.assertIn(f"{server.conf}:{line_of(server, 'relay {')}", named)
        unnamed = server.ctl("explain", "relay", "--client", "127.0.0.2", "--to", "u@example.net").stdout
        self.assertIn("(the client has no confirmed name: none was given with --name)", unnamed)
        self.assertTrue(unnamed.startswith("refused"))

    def test_deny_by_name(self):
        server = self.service("connect { list *.branch.example }")
        for last, greeting in ((2, "554"), (3, "220"), (4, "220"), (7, "554")):
            with self.subTest(last), server.session(last) as s:
                self.assertEqual(s.greeting[:3], greeting)
        self.assertIn("client=127.0.0.3 name=unverified", server.log())

    def test_a_silent_name_server_costs_five_seconds(self):
        server = self.service("relay { list *.branch.example }")
        start = time.monotonic()
        self.assertEqual(server.relays(6)[:3], "550")
        took = time.monotonic() - start
        self.assertTrue(3 < took < 6, took)
        self.assertIn('client=127.0.0.6 name=unverified status=unnamed reason="DNS gave no answer in time"', server.log())

    def test_received_has_the_name(self):
        server = self.service("reverse_dns yes")
        for last in (2, 3):
            with server.session(last) as s:
                self.assertTrue(s.send("sales@example.com").startswith("250"))
        text = b"".join(path.read_bytes() for path in server.dropped(2))
        self.assertIn(b"Received: from client.test (printer.branch.example [127.0.0.2])\r\n", text)
        self.assertIn(b"Received: from client.test (unverified [127.0.0.3])\r\n", text)

    def test_a_new_resolver_is_asked(self):
        server = self.service("relay { list *.branch.example }")
        with server.session(2) as early:
            self.assertTrue(early.greeting.startswith("220"))
            old = server.pids()["resolver"]
            harness.os.kill(old, harness.signal.SIGKILL)
            harness.wait_for(lambda: server.pids().get("resolver", old) != old, "a new resolver")
            self.assertTrue(early.rcpt("user@example.net").startswith("250"), "a worker of before asks the new one")


class Guard(unittest.TestCase):
    def test_check(self):
        refused = ("relay { allow all-except-listed }", "relay { list 0.0.0.0/0 }", "relay { list ::/0 }", "relay { list * }",
                   "relay { list *.com }", "relay { list 0.0.0.0/1 128.0.0.0/1 }", "relay { list 64:ff9b::/96 }",
                   "remote_domain * { relay yes }", "remote_domain *.com { relay yes }", "relay { list 11.0.0.0/8 12.0.0.0/8 }")
        with Mailroot() as server:
            for wide in refused:
                with self.subTest(wide):
                    relay = "" if "relay {" in wide else "relay { list 127.0.0.1 }\n"
                    server.write_conf(relay + wide)
                    done = server.ctl("check", server.conf, check=False)
                    self.assertEqual(done.returncode, 1, done.stdout)
                    self.assertIn("open relay", done.stdout + done.stderr)
                    self.assertIn("open_relay_intended yes", done.stdout + done.stderr)
            server.write_conf("relay { list 11.0.0.0/9 }")
            done = server.ctl("check", server.conf)
            self.assertIn("warning", done.stdout + done.stderr)

    def test_gateway(self):
        """Many clients behind one address that may relay are logged; many sessions of one client are not."""
        with Mailroot("relay { list 127.0.0.0/8 }") as server:
            def sessions(names):
                for number in range(150):
                    with server.client() as client:
                        client.ehlo(names[number % len(names)])
            sessions(["app.test"])
            self.assertEqual(server.ctl_json("status")["servers"][0]["warning"], "")
            sessions([f"host-{i}.test" for i in range(40)])
            warning = server.ctl_json("status")["servers"][0]["warning"]
            self.assertIn(f"came from 127.0.0.1, which may relay by 127.0.0.0/8 ({server.conf}:{line_of(server, 'relay {')})", warning)
            self.assertIn("Warning: 300 of the last 300 sessions", server.ctl("status").stdout)
            harness.wait_for(lambda: "container bridge" in server.log(), "the warning in the log")
            server.write_conf("relay { list 192.0.2.1 }")
            server.ctl("reload")
            self.assertEqual(server.ctl_json("status")["servers"][0]["warning"], "")

    # The seven probes of relay testers for a server of example.com at 127.0.0.1, then similar ones. No mail may be relayed.
    PROBES = ("relaytest@other.example", "relaytest%other.example@example.com", "relaytest%other.example@[127.0.0.1]",
              '"relaytest@other.example"', '"relaytest%other.example"', "@example.com:relaytest@other.example",
              "@[127.0.0.1]:relaytest@other.example", "other.example!relaytest", "other.example!relaytest@example.com",
              "relaytest@other.example@example.com", "relaytest@other.example@[127.0.0.1]", '"relaytest@other.example"@example.com',
              '"relaytest@other.example"@[127.0.0.1]', "relaytest@[127.0.0.1]", "relaytest@other.example.", "relaytest@OTHER.example",
              '"relaytest"@other.example', "@example.com,@other.example:relaytest@example.net", "relaytest@other.example%example.com",
              "relaytest%other.example", '"relaytest%other.example"@example.com', "<relaytest@other.example>", "relaytest@127.0.0.1",
              "relaytest@2130706433", "relaytest@[IPv6:::ffff:127.0.0.1]", "example.com!relaytest@other.example", "@other.example",
              "relaytest@other.example@", "relaytest\t@other.example", "relaytest@example.com relaytest@other.example",
              "relaytest@example.com> <relaytest@other.example", "relaytest@example.com>,<relaytest@other.example")

    def test_probes(self):
        with harness.Sink() as sink, Mailroot(f"relay {{ list 192.0.2.1 }}\nsmart_host [127.0.0.1]:{sink.port}") as server:
            taken = 0
            senders = ("relaytest@other.example", "", "relaytest@example.com", "relaytest@[127.0.0.1]", "postmaster", "app@localhost")
            for number, rcpt in enumerate(self.PROBES):
                with self.subTest(rcpt), server.client() as client:
                    client.ehlo()
                    self.assertEqual(client.mail(senders[number % len(senders)])[0], 250)
                    if client.docmd(f"RCPT TO:<{rcpt}>")[0] == 250:
                        taken += 1
                        self.assertEqual(client.data("Subject: probe\r\n\r\n")[0], 250)
            for path in server.dropped(taken):
                for rcpt in harness.Message(path).rcpts:
                    self.assertTrue(re.fullmatch(r"[^ ]+@example\.com", rcpt), rcpt)
            self.assertEqual((server.files("new"), server.files("cur"), sink.connections), ([], [], 0))


if __name__ == "__main__":
    harness.main()
