"""Difficult domains in a private DNS that is signed from its root: what happens to their mail, and how many look-ups it takes."""
import collections
import re
import time
import unittest

import harness
from dnstree import REFUSED, SERVFAIL, Tree, Zone
from harness import Mailroot, Sink, wait_for
from peers import needs_root

RETRY = "delivery { retry 1h; expire 2h }"
HERE, DEAD, OTHER = "127.0.0.1", "127.0.0.9", "127.0.0.2"
LABEL = "x" * 63
LONG = ".".join([LABEL, LABEL, LABEL, "y" * 40])  # 240 octets with .u.test: short enough for an address

# The records of u.test., the unsigned zone. Names of hosts that the cases share come first.
SHARED = f"""
here A {HERE}
here6 AAAA ::1
dead A {DEAD}
other A {OTHER}
equal A {HERE}
equal A {OTHER}
alias-of-host CNAME here
only-text TXT "x"
"""

Case = collections.namedtuple("Case", "name records outcome")
# outcome: the name of the relay for delivered mail, or (status, code, words of the reason)
CASES = [
    Case("order", "order MX 20 here\norder MX 10 dead", "here"),
    Case("most-preferred", "most-preferred MX 20 dead\nmost-preferred MX 10 here", "here"),
    Case("equals", "equals MX 10 dead\nequals MX 10 here", "here"),
    Case("turns", "turns MX 10 here\nturns MX 20 second\nturns MX 20 third\nturns MX 30 other\nsecond A 127.0.0.3\nthird A 127.0.0.4", "here"),
    Case("implicit", f"implicit A {HERE}", "implicit"),
    Case("implicit6", "implicit6 AAAA ::1", ("delayed", "4.4.1", "refused")),
    Case("both", f"both A {HERE}\nboth AAAA ::1", "both"),
    Case("alias", "alias CNAME mx-target\nmx-target MX 10 here", "here"),
    Case("alias-implicit", "alias-implicit CNAME here", "alias-implicit"),
    Case("chain", "\n".join(f"chain{i if i else ''} CNAME chain{i + 1}" for i in range(6)) + "\nchain6 MX 10 here", "here"),
    Case("long-chain", "\n".join(f"long-chain{i if i else ''} CNAME long-chain{i + 1}" for i in range(30)) + "\nlong-chain30 MX 10 here",
         ("delayed", "4.4.3", "no answer")),
    Case("circle", "circle CNAME circle2\ncircle2 CNAME circle", ("delayed", "4.4.3", "DNS")),
    Case("into-nowhere", "into-nowhere CNAME nobody", ("failed", "5.1.2", "does not exist")),
    Case("host-is-alias", "host-is-alias MX 10 alias-of-host", "alias-of-host"),
    Case("null", f"null MX 0 .\nnull A {HERE}", ("failed", "5.1.10", "null MX")),
    Case("null-and-others", "null-and-others MX 0 .\nnull-and-others MX 10 here", "here"),
    Case("no-such-host", "no-such-host MX 10 nobody", ("failed", "5.4.4", "none of its mail exchangers has an address")),
    Case("one-such-host", "one-such-host MX 10 nobody\none-such-host MX 20 here", "here"),
    Case("host-without-address", "host-without-address MX 10 only-text", ("failed", "5.4.4", "address")),
    Case("fifty", "\n".join(f"fifty MX {60 - i} {'here' if i == 49 else f'gone{i}'}" for i in range(50)), "here"),
    Case("hundred-dead", "\n".join(f"hundred-dead MX 10 gone{i}" for i in range(100)), ("failed", "5.4.4", "address")),
    Case("zeros", "zeros MX 10 zeros-host\nzeros-host A 0.0.0.0", ("failed", "5.4.4", "address")),
    Case("zeros-and-good", "zeros-and-good MX 10 zeros-host\nzeros-and-good MX 20 here", "here"),
    Case("no-mail", "no-mail TXT x", ("failed", "5.4.4", "neither an address nor a mail exchanger")),
    Case("sub.empty", "deep.sub.empty TXT x", ("failed", "5.4.4", "neither")),
    Case("nobody", "", ("failed", "5.1.2", "does not exist")),
    Case("any.wild", "*.wild MX 10 here", "here"),
    Case("a.b.wild", "", "here"),
    Case("xn--bcher-kva", "xn--bcher-kva MX 10 here", "here"),
    Case("under_score", "under_score MX 10 _host_\n_host_ A " + HERE, "_host_"),
    Case("no-time", "no-time 0 MX 10 here", "here"),
    Case("quick-host", f"quick-host MX 10 quick\nquick 0 A {HERE}", "quick"),
    Case("UPPER", "upper MX 10 HERE", "here"),
    Case("literal", "literal MX 10 127.0.0.1.", ("failed", "5.4.4", "address")),
    Case("localhost-mx", "localhost-mx MX 10 localhost.", "localhost"),
    Case(LONG, f"{LONG} MX 10 here", "here"),
    Case("servfail", "", ("delayed", "4.4.3", "no answer")),
    Case("refused", "", ("delayed", "4.4.3", "no answer")),
    Case("half", "half MX 10 here.servfail\nhalf MX 20 here", "here"),
    Case("no-half", "no-half MX 10 here.servfail", ("delayed", "4.4.3", "no answer")),
    Case("truncated", "truncated MX 10 here", "here"),
    Case("big", "\n".join(f"big MX 20 host-with-a-long-name-so-that-the-answer-is-large-{i}" for i in range(60)) + "\nbig MX 10 here", "here"),
    Case("slow", "slow MX 10 here", "here"),
    Case("lame", "", ("delayed", "4.4.3", "no answer")),  # a delegation to a server that does not have the zone
    Case("huge-beside", "huge-beside MX 10 here\n" + "\n".join("huge-beside TXT " + f'"{i}{"x" * 250}" ' * 20 for i in range(8)), "here"),
    Case("underscore-only._tcp", "underscore-only._tcp MX 10 here", "here"),
    Case("xn--nxasmq6b.xn--p1ai", "xn--nxasmq6b.xn--p1ai MX 10 xn--mx-tka\nxn--mx-tka A " + HERE, "xn--mx-tka"),
    Case("root-and-preference", f"root-and-preference MX 10 .", ("failed", "5.1.10", "null MX")),
    Case("nonsense", "", ("delayed", "4.4.3", "no answer")),
]
FAULTS = {"servfail": SERVFAIL, "*.servfail": SERVFAIL, "refused": REFUSED, "truncated": "truncated", "slow": 1.5, "lame": SERVFAIL}

SECURE = {
    "kept.test.": Zone("host A 127.0.0.1\n" + "\n".join(f"d{i} MX 10 host" for i in range(10)), ttl=3600),
    "s.test.": Zone(f"mail MX 10 host\nhost A {HERE}\nalias MX 10 hostalias\nhostalias CNAME host\nstripped MX 10 host\nto-bogus MX 10 mail.bogus.test."),
    "bogus.test.": Zone(f"mail A {HERE}\n@ MX 10 mail", other_key=True),
    "expired.test.": Zone(f"mail A {HERE}\n@ MX 10 mail", days=(-40, -5)),
    "future.test.": Zone(f"mail A {HERE}\n@ MX 10 mail", days=(5, 40)),
    "unsigned.test.": Zone(f"mail A {HERE}\n@ MX 10 mail", signed=False),
    "island.test.": Zone(f"mail A {HERE}\n@ MX 10 mail", delegated=False),
    "u.test.": Zone(SHARED + "\n".join(case.records for case in CASES), signed=False),
}
SECURE_CASES = [
    ("mail.s.test", "host.s.test"),
    ("alias.s.test", "hostalias.s.test"),
    ("bogus.test", ("delayed", "4.7.5", "DNSSEC")),
    ("expired.test", ("delayed", "4.7.5", "DNSSEC")),
    ("future.test", ("delayed", "4.7.5", "DNSSEC")),
    ("stripped.s.test", ("delayed", "4.7.5", "DNSSEC")),
    ("to-bogus.s.test", ("delayed", "4.7.5", "DNSSEC")),
    ("unsigned.test", "mail.unsigned.test"),
    ("island.test", "mail.island.test"),
]


def outcome(server, domain):
    """(relay or "", status, code, text) of the only recipient in DOMAIN, or None."""
    return next((line for line in server.log().splitlines() if f"@{domain}>" in line.lower() and " status=" in line), None)


@needs_root
class Domains(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.tree = Tree(SECURE)
        cls.tree.__enter__()
        cls.addClassCleanup(cls.tree.__exit__)
        cls.tree.faults.update({(k[:2] + k[2:] if k.startswith("*.") else k) + ".u.test": v for k, v in FAULTS.items()})
        cls.tree.faults.update({("stripped.s.test", "MX"): "stripped", ("nonsense.u.test", "MX"): [b"x", b"\0\x0a\x3fx"]})

    def service(self, sink, extra="", dnssec="auto"):
        return self.service_of_port(sink.port, extra, dnssec)

    def service_of_port(self, port, extra="", dnssec="auto"):
        return Mailroot(f"outbound {{ port {port} }}\n{RETRY}\n{extra}", global_conf=self.tree.settings(dnssec))

    def check(self, server, domain, expected):
        line = wait_for(lambda: outcome(server, domain.lower()), f"an outcome for {domain}", 40)
        if isinstance(expected, str):
            self.assertRegex(line, rf"relay={re.escape(expected)}(\.u\.test)?\[[^ ]* .*status=delivered", domain)
        else:
            status, code, words = expected
            self.assertIn(f"status={status}", line, domain)
            self.assertIn(f'{code}', line, domain)
            self.assertIn(words, line, domain)

    def test_each_domain(self):
        with Sink() as sink, self.service(sink) as server:
            for case in CASES:
                server.send([f"user@{case.name}.u.test"])
            for case in CASES:
                with self.subTest(case.name):
                    self.check(server, case.name + ".u.test", case.outcome)

    def test_signatures(self):
        with Sink() as sink, self.service(sink) as server:
            for domain, _ in SECURE_CASES:
                server.send([f"user@{domain}"])
            for domain, expected in SECURE_CASES:
                with self.subTest(domain):
                    self.check(server, domain, expected)


    def test_silence_is_no_reason_to_doubt_the_server(self):
        """50 domains without an answer; mail for other domains in between is delivered as before."""
        self.tree.faults["*.silent.u.test"] = "silent"
        with Sink() as sink, self.service(sink) as server:
            for i in range(50):
                server.send([f"user@d{i}.silent.u.test"])
            for i in range(8):
                begin = time.monotonic()
                server.send([f"user@turn{i}.wild.u.test"])
                sink.wait(i + 1, seconds=10)
                self.assertLess(time.monotonic() - begin, 3)
                time.sleep(1)  # look-ups of the silent domains take half a minute
            self.check(server, "d0.silent.u.test", ("delayed", "4.4.3", "no answer"))


    def test_private_addresses(self):
        rules = ("remote_domain implicit.u.test { private_mx no }\nremote_domain both.u.test { private_mx yes }\n"
                 "remote_domain order.u.test { private_mx no; route here.u.test }")
        with Sink() as sink, self.service(sink, rules) as server:
            server.send([f"user@{name}.u.test" for name in ("implicit", "both", "order")])
            self.check(server, "implicit.u.test", ("failed", "5.4.4", "private_mx yes"))
            self.check(server, "both.u.test", "both")
            self.check(server, "order.u.test", "here")  # its hosts are in the configuration

    def test_answers_are_kept_and_shared(self):
        """1000 messages for ten domains of one host: each name is queried once, for all workers."""
        self.tree.asked.clear()
        with Sink() as sink, self.service(sink) as server:
            with server.client() as client:
                for i in range(1000):
                    client.sendmail("app@example.com", [f"user@d{i % 10}.kept.test"], b"Subject: test\r\n\r\nhello\r\n")
            sink.wait(1000, seconds=120)
            asked = {key: count for key, count in self.tree.asked.items() if key[0].endswith("kept.test")}
            for i in range(10):
                self.assertEqual(asked.get((f"d{i}.kept.test", "MX")), 1, asked)
            for kind in ("A", "AAAA"):
                self.assertEqual(asked.get(("host.kept.test", kind)), 1, asked)
            # Also: the keys of the zone and of its parents, and that no host has TLSA records.
            self.assertLess(self.tree.asked.total(), 40, self.tree.asked)

    def test_hosts_of_the_same_preference_are_shuffled(self):
        """Each look-up shuffles hosts of the same preference; the order of others stays."""
        orders = set()
        with self.service_of_port(25) as server:
            for _ in range(60):
                told = server.ctl_json("explain", "route", "user@turns.u.test")
                names = [host["name"] for host in told["hosts"]]
                self.assertEqual((names[0], names[-1]), ("here.u.test", "other.u.test"))
                orders.add(tuple(names))
                if len(orders) == 2:
                    return
        self.fail(f"one order in 60 look-ups: {orders}")

    def test_servers_that_strip_signatures(self):
        """auto continues without DNSSEC; with yes, mail for unsigned domains waits."""
        self.tree.faults["*"] = "stripped"
        self.addCleanup(self.tree.faults.pop, "*")
        with Sink() as sink, self.service(sink) as server:
            server.send(["user@mail.s.test"])
            self.check(server, "mail.s.test", "host.s.test")
            wait_for(lambda: "dnssec=off" in server.log(), "the log line that nothing is signed")
        with Sink() as sink, self.service(sink, dnssec="yes") as server:
            server.send(["user@mail.s.test"])
            self.check(server, "mail.s.test", ("delayed", "4.7.5", "DNSSEC"))

    def test_without_validation(self):
        with Sink() as sink, self.service(sink, dnssec="no") as server:
            server.send(["user@expired.test"])
            self.check(server, "expired.test", "mail.expired.test")

    def test_servers_of_one_virtual_server(self):
        with Sink() as sink, self.service(sink, f"dns_server 127.0.0.1:{self.tree.port}") as server:
            server.conf.write_text(server.conf.read_text().replace(f"dns_server 127.0.0.1:{self.tree.port}", "dns_server 127.0.0.1:9", 1))
            server.ctl("reload")
            server.send(["user@order.u.test"])
            self.check(server, "order.u.test", "here")


if __name__ == "__main__":
    harness.main()
