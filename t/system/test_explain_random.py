"""Random configurations and messages: `explain route` predicts the next message.

For each message the answer is compared with its delivery: folder, host, MAIL FROM, name in EHLO and source address. All hosts are
one sink on every loopback address; others are dead ports. MAILROOT_SEED repeats a seed that failed."""
import itertools
import os
import random
import re
import threading
import time
import unittest

import harness
from harness import Mailroot, Sink, free_port, wait_for
from test_dns import A, MX, NameServer, loopback, mx

CONFIGURATIONS, MESSAGES = 20, 6
NAMES = ["a.test", "b.test", "mail.a.test", "b.mail.a.test", "a.example", "b.a.example"]
SENDERS = ["app@example.com", "boss@example.com", "app@alias.example", "app@partner.test", ""]


class Hosts(Sink):
    """Every loopback address at one port: for each recipient `got` has the address and the way its message came."""

    def __init__(self):
        self.here, self.got = threading.local(), {}
        super().__init__(address="0.0.0.0", answers={"EHLO": self.hello("EHLO"), "HELO": self.hello("HELO"), "MAIL": self.mail, "RCPT": self.rcpt})

    def hello(self, verb):
        def heard(name):
            self.here.hello = (verb, name)
        return heard

    def mail(self, argument):
        self.here.sender = argument.split(">")[0].partition("<")[2]

    def rcpt(self, argument):
        self.got[argument.split(">")[0].partition("<")[2]] = (self.here.address, self.here.hello, self.here.sender, self.here.peer)

    def _serve(self, connection, lines=None):
        self.here.address, self.here.peer = connection.getsockname()[0], connection.getpeername()[0]
        super()._serve(connection)


class Plan:
    """A random configuration, as text. No host is in two of them, because a host that is known as dead would delay the next one."""

    numbers = itertools.count()

    def __init__(self, choose, dead):
        self.choose, self.dead, self.lines = choose, dead, []
        self.remotes()
        for n in range(choose.randrange(4)):
            self.connector(n)
        if choose.random() < 0.6:
            self.lines.append(f"smart_host {self.host_list()}")
            if choose.random() < 0.4:
                self.lines.append("direct_first yes")
        if choose.random() < 0.4:
            self.lines.append("masquerade_domain masked.example")
        self.lines.append(f"outbound {{ {self.outbound()}; tls off }}")

    def host(self, alone):
        n, kind = next(self.numbers), self.choose.randrange(10)
        if kind == 0:
            return "[named.test]"
        address = f"[127.1.{n // 250}.{n % 250 + 1}]"
        return f"{address}:{self.dead}" if kind < (2 if alone else 4) else address

    def host_list(self):
        weighted, count = self.choose.random() < 0.3, self.choose.randrange(1, 5)
        return " ".join(self.host(count == 1) + (f" weight {self.choose.randrange(1, 9)}" if weighted and self.choose.random() < 0.7 else "")
                        for _ in range(count))

    def outbound(self):
        settings = [f"helo_name h{self.choose.randrange(99)}.example.com", f"source_address 127.0.0.{self.choose.randrange(2, 19)}",
                    "source_address none", "use_helo yes", "timeout 1m", "rate 10000/1s", "max_connections 9"]
        picked = self.choose.sample(settings, self.choose.randrange(3))
        return "; ".join(picked[:1] if len({one.split()[0] for one in picked}) < len(picked) else picked) or "timeout 2m"

    def pattern(self):
        name = self.choose.choice(NAMES)
        return self.choose.choice([name, "*." + name, "*.test", "*.example"])

    def block(self, head, inside):
        own = [f"outbound {{ {self.outbound()} }}"] if self.choose.random() < 0.5 else []
        self.lines.append(f"{head} {{ {'; '.join([*inside, *own])} }}")

    def remotes(self):
        for name in {self.pattern() for _ in range(self.choose.randrange(5))}:
            route = self.choose.choice([[], ["route dns"], [f"route {self.host_list()}"]])
            self.block(f"remote_domain {name}", route)

    def connector(self, n):
        inside = [f"address_space {space} cost {self.choose.randrange(1, 4)}" for space in {self.pattern() for _ in range(self.choose.randrange(1, 3))}]
        inside.append(self.choose.choice(["route dns", f"route {self.host_list()}"]))
        if self.choose.random() < 0.5:
            inside.append("max_message_size 2K")
        if self.choose.random() < 0.5:
            inside.append(self.choose.choice(["senders boss@example.com <>", "senders *.example example.com", "senders_refused app@example.com"]))
        self.block(f"connector c{n}", inside)

    def text(self):
        return "\n".join(["local_domain sales.example.com; alias_domain alias.example; messages { max_messages_per_connection 1 }",
                          "delivery { retry 1h }", *self.lines])


def reload(server, choose, dead):
    """Another configuration; those with a connector that would never get mail are refused and skipped."""
    while True:
        plan = Plan(choose, dead).text()
        server.write_conf(plan)
        if server.ctl("reload", check=False).returncode == 0:
            return plan


class Explained(unittest.TestCase):
    def records(self):
        found = {("named.test", A): loopback(19), ("null.test", MX): [mx(0, ".")]}
        for n, name in enumerate(NAMES):
            found[("mx1." + name, A)], found[("mx2." + name, A)] = loopback(200 + n), loopback(210 + n)
            found[(name, MX)] = [mx(20, "mx2." + name), mx(10, "mx1." + name)]
        del found[("a.example", MX)]
        found[("a.example", A)] = loopback(220)
        return found

    def fate(self, server, hosts, rcpt, stamped):
        """The result for the message: (kind, where, ...), or None while it is unknown."""
        for name in {rcpt, stamped}:
            if name in hosts.got:
                return ("host", *hosts.got[name])
        for line in server.log().splitlines():
            if f"to=<{rcpt}>" not in line and f"to=<{stamped}>" not in line:
                continue
            if "folder=" in line and "status=delivered" in line:
                return ("drop", re.search(r"folder=(\S+)", line)[1])
            if "status=delayed" in line or "status=failed" in line:
                return (re.search(r"status=(\w+)", line)[1],)
        return None

    def waits(self, server, rcpt):
        """Not every message tries a next hop that is down for long, and a message without attempt has no line in the log."""
        listed = server.ctl_json("queue", "list")["messages"]
        return ("delayed",) if any(one["first_open"] == rcpt and one["state"] == "waiting" for one in listed) else None

    def compare(self, told, fate, sender, hosts):
        if told["kind"] == "drop":
            self.assertEqual(fate, ("drop", told["next_hop"]))
            return
        live = [host for host in told["hosts"] if host["turn"] and host["port"] == hosts.port]
        if not live:
            never = any(one["answer"] == "never" and (" else " not in told["next_hop"] or one["status"] == "5.1.10") for one in told["dns"])
            self.assertEqual(fate, ("failed" if never else "delayed",))
            return
        outbound = {one["name"]: one["value"] for one in told["outbound"]}
        source = outbound.get("source_address", "none")
        self.assertEqual(fate[:4], ("host", live[0]["address"],
                                    ("HELO" if outbound["use_helo"] == "yes" else "EHLO", outbound.get("helo_name") or "mail.example.com"),
                                    told["masquerade"] or sender))
        if source != "none":
            self.assertEqual(fate[4], source)

    def ask_and_send(self, server, hosts, choose, n):
        domain = choose.choice([*NAMES, *NAMES, "gone.test", "null.test", "example.com", "sales.example.com", "alias.example", "[127.0.0.1]", "[127.0.0.77]"])
        rcpt, sender, large = f"r{n}@{domain}", choose.choice(SENDERS), choose.random() < 0.3
        stamped = f"r{n}@example.com" if domain in ("alias.example", "[127.0.0.1]") else rcpt
        told = server.ctl_json("explain", "route", rcpt, "--from", sender or "<>", "--size", "4K" if large else "500")
        server.send([rcpt], sender=sender, text=b"Subject: x\r\n\r\n" + (60 * (62 * b"x" + b"\r\n") if large else b"x\r\n"))
        down = any(one["state"] == "down" for one in told["health"])
        fate = wait_for(lambda: self.fate(server, hosts, rcpt, stamped) or (down and self.waits(server, stamped)), f"the fate of {rcpt}: {told}")
        with self.subTest(rcpt=rcpt, sender=sender, large=large, told=told, fate=fate, configuration=server.conf.read_text()):
            self.compare(told, fate, sender, hosts)

    def test_it_predicts_the_next_message(self):
        seed = int(os.environ.get("MAILROOT_SEED") or time.time_ns() // 1000)
        print(f"MAILROOT_SEED={seed}")
        choose, dead = random.Random(seed), free_port()
        with NameServer(self.records()) as dns, Hosts() as hosts:
            ports = f"port {hosts.port}"
            server = Mailroot(global_conf=f"dns_server 127.0.0.1:{dns.port}")
            usual = server.write_conf
            server.write_conf = lambda text="": usual(text.replace("tls off }", f"tls off; {ports} }}"), global_conf=f"dns_server 127.0.0.1:{dns.port}")
            with server:
                for n in range(CONFIGURATIONS * MESSAGES):
                    if n % MESSAGES == 0:
                        reload(server, choose, dead)
                    self.ask_and_send(server, hosts, choose, n)


if __name__ == "__main__":
    harness.main()
