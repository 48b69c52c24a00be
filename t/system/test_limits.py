"""Limits for each client: each one is met and lifted, says when to try again, and leaves one line in the log.

Loopback addresses are exempt, so the tests run in a network namespace with other addresses.
"""
import contextlib
import os
import pathlib
import re
import select
import signal
import smtplib
import socket
import subprocess
import time
import unittest

import harness
from harness import wait_for
from test_crowd import CROWD, OTHER, SERVER, TRUSTED, Crowd, Crowded, send_from, setUpModule  # noqa: F401
from versions import upgradable

PASSWORD = "correct horse battery"


class Limited(Crowded):
    """A server with LINES in its block client, and accounts."""

    def __init__(self, lines, more=""):
        super().__init__(f"{more}\nclient {{\n{lines}\n}}")

    def change(self, old, new):
        self.conf.write_text(self.conf.read_text().replace(old, new))
        self.ctl("reload")

    def add_user(self, name):
        subprocess.run([harness.BUILD / "mailrootctl", "-c", self.conf, "user", "add", name], input=PASSWORD + "\n", text=True, check=True,
                       stdout=subprocess.DEVNULL)

    def kill_workers(self):
        parent = self.pids()["smtpd"]
        for pid in self.descendants():
            with contextlib.suppress(OSError):
                fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
                if int(fields[1]) == parent:
                    os.kill(pid, signal.SIGKILL)

    def warnings(self):
        return [line for line in self.log().splitlines() if " limit=" in line and " times=" in line]


class Client(smtplib.SMTP):
    def __init__(self, server, address=CROWD, user=None):
        super().__init__(SERVER, server.port, local_hostname="client.test", timeout=30, source_address=(address, 0))
        self.ehlo()
        if user:
            self.login(user, PASSWORD)

    def post(self, recipients=1, size=10):
        """One message; the codes of MAIL, of each RCPT, and of the data."""
        codes = [self.mail("app@example.com")]
        if codes[0][0] == 250:
            codes += [self.rcpt(f"b{i}@example.com") for i in range(recipients)]
        if 250 in [code for code, _ in codes[1:]]:
            codes.append(self.data(b"Subject: x\r\n\r\n" + b"x" * size + b"\r\n"))
        else:
            self.rset()
        return [code for code, _ in codes]

    def refusal(self):
        """The reply to MAIL, which is no 250."""
        code, text = self.mail("app@example.com")
        assert code != 250
        return code, text.decode()


def post_from(server, address):
    with Client(server, address) as client:
        return client.post()


class Rates(unittest.TestCase):
    def test_messages(self):
        """Five at once, over all connections, and then one each second."""
        with Limited("messages 5/5s") as server:
            began = time.monotonic()
            with Client(server) as one, Client(server) as two, Client(server, OTHER) as other:
                for client in (one, two, one, two, one):
                    self.assertEqual(client.post(), [250, 250, 250])
                self.assertLess(time.monotonic() - began, 1, "the machine is too slow for this test")
                code, text = two.refusal()
                self.assertEqual(code, 451)
                self.assertEqual(text, f"4.7.1 Client {CROWD} has reached its limit messages 5/5s, try again in 1s")
                self.assertEqual(one.post(), [451])
                self.assertEqual(other.post(), [250, 250, 250])
                wait_for(lambda: post_from(server, CROWD) == [250, 250, 250], "room for one more")
                self.assertGreater(time.monotonic() - began, 1)
                self.assertEqual(len(server.warnings()), 1, server.warnings())
                self.assertIn(f"client={CROWD} limit=messages rate=5/5s status=refused times=1 ", server.warnings()[0])
                self.assertNotIn("reply=\"451", server.log())

    def test_a_client_that_does_not_listen_is_sent_away(self):
        with Limited("messages 1/1h") as server, Client(server) as client:
            self.assertEqual(client.post(), [250, 250, 250])
            self.assertEqual(client.post(), [451])
            began = time.monotonic()
            for _ in range(19):
                self.assertEqual(client.post(), [451])
            code, text = client.refusal()
            self.assertEqual(code, 421)
            self.assertGreaterEqual(time.monotonic() - began, 2)  # each one but the first waits for 100 ms
            self.assertRegex(text, r"4\.7\.0 mail\.example\.com Client \S+ has reached its limit messages 1/1h, try again in ")

    def test_recipients(self):
        """Those that fit get the message, those that do not are refused one by one."""
        with Limited("recipients 10/1h") as server, Client(server) as client:
            self.assertEqual(client.post(recipients=12), [250] + [250] * 10 + [451] * 2 + [250])
            self.assertEqual(client.post(), [250, 451])
            self.assertEqual(len(server.warnings()), 1)
            self.assertIn("limit=recipients rate=10/1h", server.warnings()[0])

    def test_octets(self):
        with Limited("octets 100K/1h") as server, Client(server) as client:
            self.assertEqual(client.mail("app@example.com", ["size=90000"])[0], 250)
            client.rset()
            self.assertEqual(client.post(size=60000), [250, 250, 250])
            self.assertEqual(client.mail("app@example.com", ["size=90000"])[0], 451)
            self.assertEqual(client.post(size=60000), [250, 250, 250])
            code, text = client.refusal()
            self.assertEqual(code, 451)
            self.assertRegex(text, r"limit octets 100K/1h, try again in 1\dm")

    def test_connections(self):
        with Limited("connection_rate 3/1h") as server:
            self.assertEqual([send_from(server, CROWD) for _ in range(5)], [250, 250, 250, 421, 421])
            self.assertEqual(send_from(server, OTHER), 250)
            with self.assertRaises(smtplib.SMTPConnectError) as refused:
                Client(server)
            self.assertRegex(refused.exception.smtp_error.decode(),
                             r"Client \S+ has reached its limit connection_rate 3/1h, try again in (19m|20m)")
            server.change("connection_rate 3/1h", "connection_rate 4/1h")
            self.assertEqual([send_from(server, CROWD) for _ in range(5)], [250, 250, 250, 250, 421])

    def test_errors(self):
        """Errors of all sessions count; then the session ends, and so does each new connection."""
        with Limited("errors 5/1h") as server:
            with Client(server) as one, Client(server) as two:
                for client in (one, two, one, two, one):
                    self.assertEqual(client.docmd("NONSENSE")[0], 500)
                self.assertEqual(two.docmd("NONSENSE")[0], 421)
                self.assertEqual(one.post(), [250, 250, 250])
            self.assertEqual(send_from(server, CROWD), 421)
            self.assertEqual(send_from(server, OTHER), 250)
            server.change("errors 5/1h", "errors none")
            self.assertEqual(send_from(server, CROWD), 250)


class Who(unittest.TestCase):
    def test_exempt(self):
        """A client in except_list is not limited, and a reload acts on its open session."""
        with Limited(f"messages 1/1h\nexcept_list {CROWD}") as server:
            with Client(server) as client:
                for _ in range(5):
                    self.assertEqual(client.post(), [250, 250, 250])
                server.change(f"except_list {CROWD}", f"except_list {OTHER}")
                self.assertEqual(client.post(), [451])
                server.change("messages 1/1h", "messages 2/1h")
                self.assertEqual([client.post() for _ in range(3)], [[250, 250, 250], [250, 250, 250], [451]])
                server.change("messages 2/1h", "messages none")
                self.assertEqual(client.post(), [250, 250, 250])

    def test_clients_that_may_relay_have_rates(self):
        """A runaway application is most often one that may relay."""
        with Limited("messages 2/1h") as server, Client(server, TRUSTED) as client:
            self.assertEqual([client.post() for _ in range(3)], [[250, 250, 250], [250, 250, 250], [451]])

    def test_users(self):
        """A user is counted over all addresses; others at the same address are not concerned."""
        with Limited("messages 3/1h\nby user") as server:
            for user in ("bob@example.com", "eve@example.com"):
                server.add_user(user)
            with Client(server, CROWD, "bob@example.com") as one, Client(server, OTHER, "bob@example.com") as two, \
                    Client(server, CROWD, "eve@example.com") as eve, Client(server, CROWD) as stranger:
                self.assertEqual([one.post(), two.post(), one.post()], [[250, 250, 250]] * 3)
                code, text = two.refusal()
                self.assertEqual(code, 451)
                self.assertIn("User bob@example.com has reached its limit messages 3/1h", text)
                self.assertEqual(eve.post(), [250, 250, 250])
                self.assertEqual(stranger.post(), [250, 250, 250])
                self.assertIn(f"client={OTHER} user=bob@example.com limit=messages", server.warnings()[0])

    def test_log_only(self):
        with Limited("messages 1/1h\nrecipients 1/1h\nconnections 1\nconnection_rate 1/1h\nerrors 1/1h\nover log") as server:
            with Client(server) as one, Client(server) as two:
                self.assertEqual([one.post(2), two.post(2)], [[250, 250, 250, 250]] * 2)
                self.assertEqual([one.docmd("NONSENSE")[0] for _ in range(3)], [500] * 3)
            self.assertEqual(len(server.warnings()), 1, server.warnings())
            self.assertIn("limit=connections most=1 status=over-limit times=1", server.warnings()[0])


class Shown(unittest.TestCase):
    def test_clients(self):
        """mailrootctl clients: what each client sent, the largest first, and which limit is near."""
        with Limited("messages 4/1h\nconnection_rate 100/1h") as server:
            self.assertIn("No client did anything in the last hour.", server.ctl("clients").stdout)
            with Client(server) as one, Client(server, OTHER) as other:
                self.assertEqual([one.post(2, size=100), one.post(), one.post(), one.post(), one.post()],
                                 [[250, 250, 250, 250]] + [[250, 250, 250]] * 3 + [[451]])
                self.assertEqual(other.post(), [250, 250, 250])
                other.docmd("NONSENSE")
                first, second = server.ctl_json("clients")["clients"]
                self.assertEqual([first[key] for key in ("server", "client", "kind", "open", "connections", "messages", "recipients", "errors",
                                                         "refused", "limit", "percent")],
                                 ["test", CROWD, "address", 1, 1, 4, 5, 0, 1, "messages 4/1h", 99])
                self.assertGreater(first["octets"], 100)
                self.assertTrue(800 < first["wait_s"] <= 900, first)
                self.assertEqual([second[key] for key in ("client", "messages", "errors", "refused", "limit", "wait_s")],
                                 [OTHER, 1, 1, 0, "messages 4/1h", 0])
            lines = server.ctl("clients").stdout.splitlines()
            self.assertEqual(lines[0].split()[:3], ["SERVER", "CLIENT", "OPEN"])
            self.assertEqual(lines[1].split()[:2], ["test", CROWD])
            self.assertEqual(len(lines), 3)
            self.assertIn("no virtual server", server.ctl("clients", "--server", "nobody", check=False).stderr)

    def test_many(self):
        """More clients than one answer holds: the first twenty, or all."""
        with Limited("except_list none") as server:
            subprocess.run(["ip", "address", "add", "10.9.1.0/24", "dev", "lo"], check=True)
            for i in range(120):
                self.assertEqual(send_from(server, f"10.9.1.{i + 1}"), 250)
            self.assertEqual(len(server.ctl_json("clients")["clients"]), 120)
            lines = server.ctl("clients").stdout.splitlines()
            self.assertEqual(len(lines), 22)
            self.assertEqual(lines[-1], "100 more clients: `mailrootctl clients --all`")
            self.assertEqual(len(server.ctl("clients", "--all").stdout.splitlines()), 121)


class Explained(unittest.TestCase):
    """`explain relay` says of each limit what a session would be told next."""

    def limits(self, server, client, *more):
        return {one["limit"]: one for one in server.ctl_json("explain", "relay", "--client", client, "--to", "b@example.com", *more)["limits"]}

    def test_each_limit(self):
        lines = "connections 2\nconnection_rate 3/1h\nmessages 2/1h\nrecipients 3/1h\noctets 1K/1h\nerrors 2/1h"
        with Limited(lines) as server:
            names = ["connections", "connection_rate", "messages", "recipients", "octets", "errors"]
            fresh = self.limits(server, CROWD)
            self.assertEqual(list(fresh), names)
            self.assertEqual([one["used"] for one in fresh.values()], [0] * 6)
            self.assertEqual({one["next"] for one in fresh.values()}, {"fits"})
            at = {name: f"{server.conf}:{n}" for n, line in enumerate(server.conf.read_text().splitlines(), 1) for name in names
                  if line.startswith(name + " ")}
            self.assertEqual({name: one["at"] for name, one in fresh.items()}, at)
            with Client(server) as one, Client(server):
                self.assertEqual(one.post(2, size=2000), [250, 250, 250, 250])
                self.assertEqual(one.docmd("NONSENSE")[0], 500)
                told = self.limits(server, CROWD)
                self.assertEqual([told[name]["used"] for name in names], [2, 2, 1, 2, 1024, 1])
                self.assertEqual([told[name]["next"] for name in names], ["refused", "fits", "fits", "fits", "refused", "fits"])
                self.assertEqual(self.said(one), told["octets"]["text"])
                server.change("octets 1K/1h", "octets none")
                self.assertNotIn("octets", self.limits(server, CROWD))
                self.assertEqual(one.post(), [250, 250, 250])
                self.assertEqual(self.said(one), self.limits(server, CROWD)["messages"]["text"])
                server.change("messages 2/1h", "messages none")
                self.assertEqual(one.mail("app@example.com")[0], 250)
                self.assertEqual(self.said(one, "RCPT TO:<b@example.com>"), self.limits(server, CROWD)["recipients"]["text"])
                self.assertEqual(one.docmd("NONSENSE")[0], 500)
                wanted = self.limits(server, CROWD)["errors"]["text"]
                self.assertEqual(self.said(one, "NONSENSE"), wanted)
            with Client(server, OTHER), Client(server, OTHER), self.assertRaises(smtplib.SMTPConnectError) as refused:
                wanted = self.limits(server, OTHER)["connections"]["text"]
                Client(server, OTHER)
            self.assertEqual(f"421 {refused.exception.smtp_error.decode()}", wanted)

    def said(self, client, command="MAIL FROM:<a@example.com>"):
        code, text = client.docmd(command)
        return f"{code} {text.decode()}"

    def test_text(self):
        with Limited(f"messages 1/1h\nexcept_list {OTHER}") as server:
            with Client(server) as client:
                self.assertEqual(client.post(), [250, 250, 250])
            asked = ["explain", "relay", "--to", "b@example.com", "--client"]
            text = server.ctl(*asked, CROWD).stdout
            self.assertRegex(text, rf"\nThe limits of the client:\n  the default: connections 50, of which {CROWD} has used 0: one more fits\n")
            self.assertRegex(text, rf"  \S+\.conf:\d+: messages 1/1h, of which {CROWD} has used 1: one more gets 451 4\.7\.1 Client {CROWD} has reached")
            self.assertRegex(server.ctl(*asked, OTHER).stdout,
                             rf"messages 1/1h, of which {OTHER} has used 0: no limit, by {OTHER} in except_list \(\S+\.conf:\d+\)\n")
            self.assertIn("nine of ten of processes max 900, of which", server.ctl(*asked, TRUSTED).stdout)
            server.change("messages 1/1h", "messages 1/2h\nover log")
            with Client(server) as client:
                self.assertEqual([client.post(), client.post()], [[250, 250, 250]] * 2)
            self.assertIn("has used 2: one more is only logged, by over log\n", server.ctl(*asked, CROWD).stdout)

    def test_a_client_rule(self):
        """Two limits of messages: what one refuses, the other one does not count."""
        rule = "client_rule all { list *; messages 3/1h; recipient_rate 9/1h }"
        with Limited("messages 2/1h\nrecipients 4/1h", rule) as server, Client(server) as client:
            self.assertEqual([client.post(3), client.post(2)], [[250, 250, 250, 250, 250], [250, 250, 451, 250]])
            self.assertEqual([client.post() for _ in range(2)], [[451]] * 2)
            used = {name: one["used"] for name, one in self.limits(server, CROWD).items()}
            self.assertEqual(used, {"connections": 1, "messages": 2, "recipients": 4, "client_rule messages": 2, "client_rule recipient_rate": 4})
            server.change("messages 2/1h", "messages 20/1h")
            self.assertEqual([client.post() for _ in range(3)], [[250, 451], [451], [451]])
            self.assertEqual(self.limits(server, CROWD)["messages"]["used"], 1)

    def test_users(self):
        with Limited("messages 1/1h\nrecipients 5/1h\nby user") as server:
            server.add_user("bob@example.com")
            with Client(server, CROWD, "bob@example.com") as client:
                self.assertEqual(client.post(), [250, 250, 250])
                told = self.limits(server, OTHER, "--user", "bob@example.com")
                self.assertEqual((told["messages"]["of"], told["messages"]["used"], told["messages"]["next"]), ("bob@example.com", 1, "refused"))
                self.assertEqual(told["messages"]["text"], self.said(client))
                self.assertEqual(self.limits(server, CROWD)["messages"]["next"], "fits")


class Deaths(unittest.TestCase):
    """What becomes of the counts when a process ends: those of a worker stay, a new parent of smtpd counts anew. No limit is ever stuck."""

    LINES = "connections 3\nconnection_rate 50/1h\nmessages 2/1h\nrecipients 50/1h\noctets 50K/1h\nerrors 5/1h"

    def use_up(self, server):
        with Client(server) as client:
            self.assertEqual([client.post() for _ in range(3)], [[250, 250, 250]] * 2 + [[451]])
        self.nobody_is_connected(server)

    def limits(self, server):
        return {one["limit"]: one for one in
                server.ctl_json("explain", "relay", "--client", CROWD, "--to", "b@example.com")["limits"]}

    def nobody_is_connected(self, server):
        """A worker may give up its place a moment after its client has left."""
        wait_for(lambda: self.limits(server)["connections"]["used"] == 0, "the end of earlier sessions")

    def test_workers(self):
        """Killed while idle, and in a session: what the client sent is still counted, its connections are not."""
        with Limited(self.LINES) as server:
            self.use_up(server)
            for _ in range(3):
                with Crowd(server, 3) as crowd:
                    wait_for(lambda: crowd.count(220) == 3, "three sessions")
                    server.kill_workers()
                    wait_for(lambda: post_from(server, CROWD) == [451], "a place, and the limit that was reached before")
                self.nobody_is_connected(server)
            told = self.limits(server)
            self.assertEqual((told["connections"]["used"], told["messages"]["used"], told["recipients"]["used"]), (0, 2, 2))

    def test_the_parent(self):
        """It takes its workers along. The next one counts from zero."""
        with Limited(self.LINES) as server:
            self.use_up(server)
            with Crowd(server, 3) as crowd:
                wait_for(lambda: crowd.count(220) == 3, "three sessions")
                before = server.pids()["smtpd"]
                os.kill(before, signal.SIGKILL)
                wait_for(lambda: server.pids().get("smtpd", before) != before, "another smtpd")
                wait_for(lambda: server.ctl("explain", "relay", "--client", CROWD, "--to", "b@example.com", check=False).returncode == 0,
                         "its answer")
                self.use_up(server)
                with Crowd(server, 4) as again:
                    wait_for(lambda: again.count(220) == 3 and again.count(421) == 1, "three places")

    def test_other_processes(self):
        """The queue, the log and the others end: nothing changes."""
        with Limited(self.LINES) as server:
            self.use_up(server)
            for role, pid in server.pids().items():
                if role not in ("master", "smtpd"):
                    os.kill(pid, signal.SIGKILL)
            self.assertEqual(post_from(server, CROWD), [451])

    def test_an_upgrade(self):
        """Sessions of the old smtpd keep their limits, those of the new one count from zero."""
        with upgradable(Limited(self.LINES)) as server:
            with Client(server) as old:
                self.assertEqual([old.post() for _ in range(3)], [[250, 250, 250]] * 2 + [[451]])
                server.versions.install(1)
                server.ctl("upgrade")
                self.assertEqual(old.post(), [451])
                self.use_up(server)
                server.change("messages 2/1h", "messages 3/1h")
                self.assertEqual([post_from(server, CROWD) for _ in range(4)], [[250, 250, 250]] * 3 + [[451]])
            self.nobody_is_connected(server)
            with Crowd(server, 4) as crowd:
                wait_for(lambda: crowd.count(220) == 3 and crowd.count(421) == 1, "three places")


class Networks(unittest.TestCase):
    """IPv6: a network of 64 bits is one client, however many addresses it uses; the next network is another one."""

    SERVER = "fd00:9::9"

    def setUp(self):
        subprocess.run(["ip", "address", "add", f"{self.SERVER}/128", "dev", "lo", "nodad"], check=True)

    def connect(self, server, address):
        subprocess.run(["ip", "address", "add", f"{address}/128", "dev", "lo", "nodad"], check=True)
        client = smtplib.SMTP(local_hostname="client.test", timeout=30, source_address=(address, 0))
        client._host = self.SERVER
        return client, client.connect(self.SERVER, server.port)[0]

    def test_hopping(self):
        with Limited("messages 3/1h\nconnections 4\nexcept_list none") as server:
            server.change(f"listen {SERVER}:", f"listen [{self.SERVER}]:")
            for network in range(1, 4):
                codes, clients = [], []
                for host in range(1, 7):
                    client, code = self.connect(server, f"fd00:1:0:{network}:{host}::{host}")
                    clients.append(client)
                    codes.append(code)
                self.assertEqual(codes, [220] * 4 + [421] * 2)
                clients[0].ehlo()
                sent = [self.send(clients[n % 4]) for n in range(5)]
                self.assertEqual(sent, [250] * 3 + [451] * 2)
                for client in clients:
                    client.close()
            self.assertEqual(len(server.warnings()), 3, server.warnings())
            shown = {one["client"]: one["messages"] for one in server.ctl_json("clients")["clients"]}
            self.assertEqual(shown, {f"fd00:1:0:{network}::/64": 3 for network in range(1, 4)})

    def send(self, client):
        client.ehlo_or_helo_if_needed()
        code, _ = client.mail("app@example.com")
        if code != 250:
            return code
        client.rcpt("b@example.com")
        return client.data(b"Subject: x\r\n\r\nx\r\n")[0]


class Handshakes(unittest.TestCase):
    def test_count_before_they_begin(self):
        """A connection to a listener that begins with TLS counts as it comes. One too many is closed before it costs a handshake."""
        with Limited("connection_rate 5/1h") as server:
            server.change(f"listen {SERVER}:{server.port}", f"listen {SERVER}:{server.port} tls")
            silent = [socket.create_connection((SERVER, server.port), timeout=30, source_address=(CROWD, 0)) for _ in range(8)]
            wait_for(lambda: len(select.select(silent, [], [], 0)[0]) == 3, "the end of three, whichever the workers count last")
            self.assertEqual([client.recv(100) for client in select.select(silent, [], [], 0)[0]], [b""] * 3)
            told = server.ctl_json("clients")["clients"]
            self.assertEqual([(one["client"], one["open"], one["connections"], one["refused"]) for one in told], [(CROWD, 5, 5, 3)])
            for client in silent:
                client.close()


class Logged(unittest.TestCase):
    def test_many_clients(self):
        """1,000 addresses over a limit: a hundred lines, then one that says how many more there were."""
        with Limited("connection_rate 1/1h") as server:
            subprocess.run(["ip", "route", "add", "local", "10.8.0.0/22", "dev", "lo"], check=True)
            addresses = [f"10.8.{n // 250}.{n % 250 + 1}" for n in range(1000)]
            for address in addresses:
                for _ in range(2):
                    with socket.create_connection((SERVER, server.port), timeout=30, source_address=(address, 0)) as client:
                        code = client.recv(3)
                self.assertEqual(code, b"421")
            summary = wait_for(lambda: [line for line in server.log().splitlines() if "names no more than 100" in line], "the summary", 30)
            self.assertLessEqual(len(server.warnings()), 300)  # some minutes on a slow machine
            wait_for(lambda: len(server.warnings()) + sum(int(re.search(r"clients=(\d+)", line).group(1)) for line in server.log().splitlines()
                                                          if "names no more than 100" in line) == 1000, "every client once", 30)
            self.assertIn("remedy=\"mailrootctl clients --all\"", summary[0])


class Share(unittest.TestCase):
    def test_one_client_never_has_all_workers(self):
        """500 connections at once, of a client that may relay and so has no other limit: others are served meanwhile."""
        with Limited("connections 50", "processes { max 20 }") as server, Crowd(server, 500, address=TRUSTED) as crowd:
            wait_for(lambda: crowd.count(421) >= 482 and crowd.count(220) == 18, "18 that are served, 482 that are refused", 60)
            for _ in range(20):
                self.assertEqual(send_from(server, OTHER), 250)
            self.assertEqual(len(server.warnings()), 1, server.warnings())
            self.assertIn(f"client={TRUSTED} limit=connections most=18 status=refused", server.warnings()[0])

    def test_workers_that_die_are_not_counted(self):
        """Killed in each state: their connections are subtracted, and the client has its places again."""
        with Limited("connections 4") as server:
            for octets, code in ((b"", 220), (b"EHLO x\r\nMAIL FROM:<a@example.com>\r\n", 250),
                                 (b"EHLO x\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.com>\r\nDATA\r\nSubj", 354)):
                wait_for(lambda: not server.ctl_json("sessions")["sessions"], "the end of earlier sessions")
                with Crowd(server, 4, octets=octets) as crowd:
                    wait_for(lambda: crowd.count(code) == 4, "four sessions")
                    self.assertEqual(send_from(server, CROWD), 421)
                    server.kill_workers()
                    wait_for(lambda: send_from(server, CROWD) == 250, "places that are free")
                wait_for(lambda: not server.ctl_json("sessions")["sessions"], "the end of all sessions")
                with Crowd(server, 5) as crowd:
                    wait_for(lambda: crowd.count(220) == 4 and crowd.count(421) == 1, "four places, as before")


if __name__ == "__main__":
    harness.main()
