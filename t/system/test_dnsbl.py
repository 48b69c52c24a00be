"""DNS lists of clients, and the pause before the greeting: good lists, and lists that lie, refuse, or do not answer."""
import contextlib
import ctypes
import os
import socket
import struct
import subprocess
import time
import unittest

import harness
import peers
from harness import Sink
from test_connect import A, MX, NameServer, SILENT, TXT, Service, Session, line_of

KEY = "abcdefghij0123456789abcdef"
LISTS = """connect {{
    dnsbl bl.test 127.0.0.2-11 score 3
    dnsbl_except none
    {more}
}}
"""


class Lists(NameServer):
    """A name server of which some zones are not in the table but behave as told: zone -> SILENT, or the address for every name."""

    def __init__(self, table, zones=()):
        super().__init__(table)
        self.zones = dict(zones)

    def find(self, name, kind):
        behaviour = next((b for zone, b in self.zones.items() if name.endswith("." + zone)), None)
        if behaviour in (None, SILENT):
            return behaviour or super().find(name, kind)
        return {A: [behaviour]}

    def questions(self, kind=A):
        return [name for name, asked in self.asked if asked == kind]


class Session6(Session):
    def __init__(self, server, source):
        self.socket = socket.create_connection(("2001:db8:9::1", server.port), timeout=30, source_address=(source, 0))
        self.lines = self.socket.makefile("rb")
        self.greeting = self.reply()


def entry(last, zone, address="127.0.0.2", text=None):
    return {f"{last}.0.0.127.{zone}": {A: [address], **({TXT: [text]} if text else {})}}


class Dnsbl(unittest.TestCase):
    def service(self, table, zones=(), more="", relay="192.0.2.1", server=""):
        self.names = self.enter(Lists(table, zones))
        self.lists = LISTS
        self.settings = f"dns_server 127.0.0.1:{self.names.port}"
        return self.enter(Service(f"relay {{ list {relay} }}\n{LISTS.format(more=more)}{server}", global_conf=self.settings))

    def enter(self, context):
        context.__enter__()
        self.addCleanup(context.__exit__, None, None, None)
        return context

    def test_a_listed_client_is_refused_at_rcpt(self):
        server = self.service(entry(5, "bl.test", text="see https://bl.test/why"))
        with server.session(5) as s:
            self.assertTrue(s.greeting.startswith("220 "), "nothing is said before RCPT")
            self.assertEqual(s.rcpt("sales@example.com"), "550 5.7.1 Client [127.0.0.5] is listed by bl.test: see https://bl.test/why")
            self.assertTrue(s.say("RCPT TO:<Postmaster@example.com>").startswith("250"))
            self.assertTrue(s.say("RCPT TO:<postmaster>").startswith("250"))
            self.assertTrue(s.say("RCPT TO:<user@example.net>").startswith("550 5.7.1 Unable to relay"))
        self.assertTrue(server.relays(6, "sales@example.com").startswith("250"))
        log = server.log()
        self.assertIn("client=127.0.0.5 dnsbl=bl.test answer=127.0.0.2 score=3 total=3 most=1 status=listed", log)
        self.assertIn('remedy="dnsbl_except in connect', log)
        self.assertNotIn("client=127.0.0.6 dnsbl", log)

    def test_clients_that_are_not_looked_up(self):
        server = self.service({**entry(5, "bl.test"), **entry(7, "bl.test"), "5.0.0.127.in-addr.arpa": {}}, relay="127.0.0.5")
        self.assertTrue(server.relays(5, "user@example.net").startswith("250"))
        self.assertTrue(server.relays(5, "sales@example.com").startswith("250"), "it may relay")
        self.assertEqual(self.names.questions(), [])
        server.write_conf(f"relay {{ list 127.0.0.5 }}\n{LISTS.format(more='').replace('none', '127.0.0.7')}", global_conf=self.settings)
        server.ctl("reload")
        self.assertTrue(server.relays(7, "sales@example.com").startswith("250"), "it is excepted")
        self.assertEqual(self.names.questions(), [])

    def test_scores(self):
        table = {**entry(5, "bl.test", "127.0.0.12"), **entry(6, "bl.test"), **entry(6, "good.test", "127.0.4.2"),
                 **entry(7, "weak.test"), **entry(8, "bl.test"), **entry(8, "good.test", "127.0.4.0")}
        server = self.service(table, more="dnsbl weak.test 127.0.0.2\ndnsbl_allow good.test 127.0.0-255.1-3 score -2\ndnsbl_reject 2")
        codes = {last: server.relays(last, "sales@example.com")[:3] for last in (5, 6, 7, 8)}
        self.assertEqual(codes, {5: "250", 6: "250", 7: "250", 8: "550"})
        self.assertIn("client=127.0.0.6 dnsbl=good.test answer=127.0.4.2 score=-2 total=1 most=2 status=trusted", server.log())

    def test_open_sessions_obey_a_reload(self):
        server = self.service(entry(5, "bl.test"), more="dnsbl_reject 3")
        with server.session(5) as s:
            self.assertTrue(s.rcpt("sales@example.com").startswith("550"))
            server.write_conf(LISTS.format(more="dnsbl other.test 127.0.0.2\ndnsbl_reject 4") + "relay { list 192.0.2.1 }", global_conf=self.settings)
            server.ctl("reload")
            self.assertTrue(s.say("RCPT TO:<sales@example.com>").startswith("250"))
            server.write_conf("relay { list 192.0.2.1 }", global_conf=self.settings)
            server.ctl("reload")
            self.assertTrue(s.say("RCPT TO:<a@example.com>").startswith("250"))

    def test_answers_that_are_no_listing(self):
        """A name server that invents addresses, a list that refuses it, a list that has ended: no client is refused, and status says it."""
        for address, said in (("127.255.255.254", "your resolver is refused by the DNS list bl.test, which answers 127.255.255.254"),
                              ("1.2.3.4", "1.2.3.4 is no answer of a DNS list, but came for bl.test"),
                              ("127.0.0.1", "127.0.0.1 is no answer of a DNS list, but came for bl.test")):
            with self.subTest(address), Lists({}, {"bl.test": address}) as names:
                conf = LISTS.format(more="").replace("127.0.0.2-11", "127.0.0.2-11 127.0-254.0-254.2-255")
                with Service(f"relay {{ list 192.0.2.1 }}\n{conf}", global_conf=f"dns_server 127.0.0.1:{names.port}") as server:
                    self.assertTrue(server.relays(5, "sales@example.com").startswith("250"))
                    told = harness.wait_for(lambda: self.attention(server), "status to say it")
                    self.assertIn(said, told)
                    self.assertIn("dns_server", told)
                    self.assertIn(said, server.log())

    @staticmethod
    def attention(server):
        found = server.ctl_json("status")["servers"][0]["attention"]
        return "\n".join(e["text"] for e in found if e["role"] == "resolver")

    def test_a_dead_list_harms_no_client(self):
        """A client waits 5 s at most; other lists, and look-ups of mail, are as fast as without it."""
        table = {**entry(5, "bl.test"), **{f"d{i}.example.net": {MX: ["mx.example.net"]} for i in range(40)}, "mx.example.net": {A: ["127.0.0.1"]}}
        with Sink() as sink:
            server = self.service(table, {"dead.test": SILENT}, more="dnsbl dead.test 127.0.0.2", relay="127.0.0.1",
                                  server=f"outbound {{ port {sink.port} }}")
            crowd, waited = [], []
            with contextlib.ExitStack() as stack:
                for last in range(100, 140):
                    begin = time.monotonic()
                    crowd.append((begin, stack.enter_context(server.session(last))))
                for _, s in crowd:
                    s.socket.sendall(b"EHLO c\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<sales@example.com>\r\n")
                sent = time.monotonic()
                server.send([f"u@d{i}.example.net" for i in range(40)])
                sink.wait(40, seconds=8)
                took = time.monotonic() - sent
                for begin, s in crowd:
                    s.reply(), s.reply()
                    self.assertTrue(s.reply().startswith("250"))
                    waited.append(time.monotonic() - begin)
            self.assertTrue(3 < min(waited) and max(waited) < 12, waited)
            print(f"40 domains in {took:.2f} s while 40 clients wait for a dead list")
            self.assertIn("dnsbl=dead.test status=silent", server.log())
            self.assertTrue(server.relays(5, "sales@example.com").startswith("550"), "the other list counts")

    def test_many_sessions_of_one_client_ask_once(self):
        server = self.service(entry(5, "bl.test"))
        self.assertTrue(server.relays(5, "sales@example.com").startswith("550"))
        asked = self.names.asked.copy()  # on a busy machine the resolver may have asked again for an answer that came late
        self.assertEqual(set(asked), {("5.0.0.127.bl.test", A), ("5.0.0.127.bl.test", TXT)}, "the text is asked for when it is needed")
        for _ in range(20):
            self.assertTrue(server.relays(5, "sales@example.com").startswith("550"))
        self.assertEqual(self.names.asked, asked)

    def test_explain(self):
        server = self.service({}, more="greet_pause 1s", relay="127.0.0.5", server="access { auth plain; auth_requires_tls no; user_file /dev/null }")
        effects = {}
        for client, rcpt, more in (("127.0.0.6", "joe", ()), ("127.0.0.5", "joe", ()), ("127.0.0.6", "Postmaster", ()), ("127.0.0.6", "joe", ("--user", "u"))):
            told = server.ctl_json("explain", "relay", "--client", client, "--to", f"{rcpt}@example.com", *more)["lists"]
            self.assertEqual([(row["setting"], row["value"]) for row in told], [("dnsbl", "bl.test 127.0.0.2-11 score 3"), ("greet_pause", "1s")])
            self.assertEqual(told[0]["at"], f"{server.conf}:{line_of(server, 'dnsbl bl.test')}")
            effects[client, rcpt, more] = [row["effect"] for row in told]
        self.assertEqual(list(effects.values()), [["asked", "waits"], ["may_relay", "may_relay"], ["postmaster", "waits"], ["authenticated", "waits"]])
        self.assertIn("bl.test 127.0.0.2-11 score 3: it is asked about the client\n",
                      server.ctl("explain", "relay", "--client", "127.0.0.6", "--to", "joe@example.com").stdout)

    def test_keys_are_hidden(self):
        zone = f"{KEY}.zen.test"
        server = self.service(entry(5, zone, text=f"listed by {zone}"), {f"{KEY}.dead.test": "127.255.255.252"},
                              more=f"dnsbl {zone} 127.0.0.2\ndnsbl {KEY}.dead.test 127.0.0.2")
        with server.session(5) as s:
            self.assertEqual(s.rcpt("sales@example.com"), "550 5.7.1 Client [127.0.0.5] is listed by ***.zen.test")
        told = harness.wait_for(lambda: self.attention(server), "status to say it")
        self.assertIn("***.dead.test", told)
        explained = server.ctl("explain", "relay", "--client", "127.0.0.5", "--to", "sales@example.com").stdout
        server.write_conf(LISTS.format(more=f"dnsbl {zone} 127.0.0.3"), global_conf=self.settings)
        reloaded = server.ctl("reload").stdout
        for text in (told, explained, reloaded, server.log()):
            self.assertNotIn(KEY, text)

    def test_without_lists_nothing_is_asked(self):
        with Lists({}) as names, Service("", global_conf=f"dns_server 127.0.0.1:{names.port}") as server:
            self.assertTrue(server.relays(5, "sales@example.com").startswith("250"))
            self.assertEqual(names.asked, [])


class Pause(unittest.TestCase):
    CONF = "connect {{ greet_pause {pause}; dnsbl_except {but} }}\nrelay {{ list 127.0.0.8 }}\n"

    def test_which_clients_wait(self):
        with Service(self.CONF.format(pause="4s", but="127.0.0.7")) as server:
            for last, waits in ((5, True), (7, False), (8, False)):
                begin = time.monotonic()
                with server.session(last) as s:
                    took = time.monotonic() - begin
                    self.assertEqual(s.greeting[:3], "220")
                    self.assertEqual(took >= 4, waits, took)
                    self.assertTrue(s.rcpt("sales@example.com").startswith("250"))

    def test_a_client_that_talks_first(self):
        conf = self.CONF.format(pause="30s", but="none") + "client { errors 3/10m; except_list none }\n"
        with Service(conf) as server:
            for _ in range(3):
                with socket.create_connection(("127.0.0.1", server.port), timeout=20, source_address=("127.0.0.5", 0)) as s:
                    s.sendall(b"EHLO spam.test\r\nMAIL FROM:<a@example.org>\r\n")
                    said = b""
                    while more := s.recv(1000):
                        said += more
                    self.assertEqual(said, b"554 5.5.1 mail.example.com Command before the greeting, closing transmission channel\r\n")
            with server.session(5) as s:
                self.assertTrue(s.greeting.startswith("421 4.7.0"), "it counts as an error: " + s.greeting)
            self.assertRegex(server.log(), r'client=127\.0\.0\.5 from=<> command="EHLO spam\.test" status=refused reply="554 5\.5\.1 .*" remedy="dnsbl_except in connect')

    def test_a_quarter_waits(self):
        with Service(self.CONF.format(pause="20s", but="none") + "processes { spare 1; max 12 }\nclient { connections none }\n") as server, contextlib.ExitStack() as stack:
            waiting = []
            for last in range(20, 23):
                s = stack.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=20, source_address=(f"127.0.0.{last}", 0)))
                waiting.append(s)
            def paused():
                return [row for row in server.ctl_json("sessions")["sessions"] if row["state"] == "waiting to be greeted"]
            harness.wait_for(lambda: len(paused()) == 3, "three sessions that wait")
            begin = time.monotonic()
            with server.session(30) as s:
                self.assertTrue(s.rcpt("sales@example.com").startswith("250"))
            self.assertLess(time.monotonic() - begin, 5)
            waiting[0].shutdown(socket.SHUT_WR)
            harness.wait_for(lambda: len(paused()) == 2, "an end of the session whose client left")

    def test_the_service_stops_meanwhile(self):
        with Service(self.CONF.format(pause="60s", but="none")) as server:
            with socket.create_connection(("127.0.0.1", server.port), timeout=20, source_address=("127.0.0.5", 0)) as s:
                harness.wait_for(lambda: any(r["state"] == "waiting to be greeted" for r in server.ctl_json("sessions")["sessions"]), "a session that waits")
                begin = time.monotonic()
                server.stop()
                self.assertLess(time.monotonic() - begin, 10)
                self.assertTrue(s.recv(1000).startswith(b"421 4.3.2"))


@contextlib.contextmanager
def own_network(*addresses):
    """This thread, and what it starts, have a loopback of their own with ADDRESSES."""
    new_net, libc = 0x40000000, ctypes.CDLL(None, use_errno=True)
    before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    try:
        if libc.unshare(new_net):
            raise OSError(ctypes.get_errno(), "unshare")
        for words in ("link set lo up", *(f"address add {address}/128 dev lo nodad" for address in addresses)):
            subprocess.run(["ip", *words.split()], check=True)
        yield
    finally:
        libc.setns(before, new_net)
        os.close(before)


@peers.needs_root
class Rbldnsd(unittest.TestCase):
    """The server by which most lists are published, with IPv4 and IPv6."""

    def test_real_zones(self):
        peers.unpacked("rbldnsd")  # by the network that the machine has
        with own_network("2001:db8:9::1", "2001:db8:1::5", "2001:db8:2::5"):
            self.ask_real_zones()

    def ask_real_zones(self):
        port = harness.free_port()
        with peers.Peer("rbldnsd") as peer:
            peer.write("zones/ip4", ":127.0.0.4:Blocked, see http://bl.test/?$\n127.0.0.2\n127.0.0.64/26\n")
            peer.write("zones/ip6", ":127.0.0.3:IPv6 $\n2001:db8:1::/48\n")
            peer.start("/usr/sbin/rbldnsd", "-n", "-r", "/", "-u", "65534", "-b", f"127.0.0.1/{port}", "bl.test:ip4set:/zones/ip4", "bl.test:ip6trie:/zones/ip6")

            def ask(packet):
                with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
                    s.settimeout(2)
                    s.connect(("127.0.0.1", port))
                    s.send(packet)
                    return s.recv(4096)
                return None

            class Door(Lists):
                """It passes queries on to rbldnsd, and answers on as a resolver does: not authoritative, recursion available."""

                def _answer(self, packet):
                    answer = ask(packet)
                    return answer and answer[:2] + struct.pack("!H", struct.unpack("!H", answer[2:4])[0] & ~0x0400 | 0x0080) + answer[4:]

            query = struct.pack("!HHHHHH", 1, 0x0100, 1, 0, 0, 0) + Lists.wire("2.0.0.127.bl.test") + struct.pack("!HH", A, 1)
            harness.wait_for(lambda: ask(query), "an answer of rbldnsd")
            v6 = f"listen [2001:db8:9::1]:{harness.free_port()}\n"
            with Door({}) as names, Service("relay { list 192.0.2.1 }\n" + v6 + LISTS.format(more=""), global_conf=f"dns_server 127.0.0.1:{names.port}") as server:
                self.assertEqual(server.relays(65, "sales@example.com"), "550 5.7.1 Client [127.0.0.65] is listed by bl.test: Blocked, see http://bl.test/?127.0.0.65")
                self.assertTrue(server.relays(63, "sales@example.com").startswith("250"))
                self.assertTrue(server.relays(2, "sales@example.com").startswith("550"), "the test entry")
                self.assertTrue(server.relays(1, "sales@example.com").startswith("250"))
                server.port = int(v6.rsplit(":", 1)[1])
                for source, said in (("2001:db8:1::5", "550 5.7.1 Client [2001:db8:1::5] is listed by bl.test: IPv6 2001:db8:1::5"),
                                     ("2001:db8:2::5", "250 2.1.5 sales@example.com")):
                    with Session6(server, source) as s:
                        self.assertEqual(s.rcpt("sales@example.com"), said)


if __name__ == "__main__":
    harness.main()
