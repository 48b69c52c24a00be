"""An administrator configures a provider with one reload after another while mail waits: the host, the port, authentication, the password,
a block of its own. After each reload `queue list`, `status`, `explain route` and the log agree, and mail is sent as soon as the settings are right.
"""
import itertools
import os
import random
import time
import unittest

import certs
import harness
from auth_host import AuthHost, server_context
from harness import Mailroot, wait_for

USER, RIGHT, WRONG = "relay@example.com", "Pa55-phrase-of-the-relay", "Pa55-phrase-of-before"
STEPS = ("host", "port", "auth", "password", "block")
FIRST_ASK = "451 4.7.0 authenticate first"
NAME, TO = "mx.provider.test", "far.test"
SECONDS = float(os.environ.get("SEQUENCES_SECONDS", 60))  # of all orders, except the first of each list
ALWAYS = [STEPS,  # the usual order, and orders that failed once
          ("host", "auth", "port", "password", "block"), ("block", "password", "auth", "port", "host"),
          ("auth", "password", "block", "host", "port")]


class World:
    """A provider that requires a password, a service that is configured step by step, and the views after each step."""

    def __init__(self, folder, authority, context, host):
        self.folder, self.authority, self.context, self.host = folder, authority, context, host
        self.done = set()
        self.dead = harness.free_port()
        self.password = folder / "password"
        self.put(WRONG)

    def put(self, password):
        self.password.write_text(password + "\n")
        self.password.chmod(0o600)

    def address(self):
        return ("127.0.0.1" if "host" in self.done else "127.0.0.99", self.host.port if "port" in self.done else self.dead)

    def settings(self):
        """The settings after the steps so far. The retry time exceeds the test, so that delayed mail is not sent by itself."""
        tls = f"tls verify; tls_ca {self.authority.file}; tls_name {NAME}"
        auth = f"; auth login; username {USER}; password_file {self.password}" if "auth" in self.done else ""
        hosts, outbound = "[{}]:{}".format(*self.address()), f"outbound {{ {tls}{auth} }}"
        where = (f"smart_host [127.0.0.98]:{self.dead}\nremote_domain {TO} {{ route {hosts}; {outbound} }}" if "block" in self.done
                 else f"smart_host {hosts}\n{outbound}")
        return f"{where}\ndelivery {{ retry 1h; expire 2d }}"

    def take(self, step):
        self.done.add(step)
        if step == "password":
            self.put(RIGHT)

    def expected(self):
        """Words of the reason why mail waits; None if it is sent."""
        if not {"host", "port"} <= self.done:
            return "[{}]:{}: could not connect".format(*self.address())
        if "auth" not in self.done:
            return "authenticate first"
        return None if "password" in self.done else "535 5.7.8 wrong"


class Sequences(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = harness.scratch()
        cls.authority = certs.Authority(cls.folder / "ca")
        cls.context = server_context(cls.authority.issue(NAME))

    def messages(self, server):
        return server.ctl_json("queue", "list")["messages"]

    def settled(self, server, words, count):
        """The COUNT messages that wait, all with the reason WORDS; None if there are others."""
        found = self.messages(server)
        good = all(row["state"] == "waiting" and words in row["reason"] for row in found)
        return found if len(found) == count and good else None

    def agree(self, server, world, words, count, log_from, fresh):
        """All four views, when they no longer change."""
        rows = wait_for(lambda: self.settled(server, words, count), f"{count} messages that wait for: {words}")
        route = server.ctl_json("explain", "route", f"user@{TO}")
        self.assertEqual({row["next_hop"] for row in rows}, {route["next_hop"]})
        self.assertIn("[{}]:{}".format(*world.address()), route["next_hop"])
        self.assertTrue(all(row["next_try_s"] > 0 for row in rows), rows)
        hop, = route["health"]
        waits = server.ctl_json("status")["servers"][0]["mail_waits_for"]
        if hop["state"] == "down":
            self.assertIn(words, hop["reason"])
            self.assertEqual([line for line in waits if route["next_hop"] in line and words in line], waits)
        self.assertEqual(len(waits), hop["state"] == "down", (waits, hop))
        self.assertEqual({"name": "auth", "value": "login"} in route["outbound"],
                         "auth" in world.done)
        block = f"remote_domain {TO}" if "block" in world.done else "virtual_server"
        self.assertEqual((route["outbound_block"], route["credentials_block"]), (block, block if "auth" in world.done else ""))
        if fresh:
            said = server.log()[log_from:]
            self.assertTrue(any("status=delayed" in line and words.split(": ")[-1] in line for line in said.splitlines()), said)

    def run_order(self, order):
        host = AuthHost(self.context, {USER: RIGHT}, refusal=FIRST_ASK)
        world = World(self.folder, self.authority, self.context, host)
        with host, Mailroot(world.settings()) as server:
            sent = 0

            def send():
                nonlocal sent
                server.send([f"user{sent}@{TO}"])
                sent += 1

            send()
            send()
            self.agree(server, world, world.expected(), sent, 0, True)
            for step in order:
                before, log_from = world.expected(), len(server.log())
                world.take(step)
                server.write_conf(world.settings())
                server.ctl("reload")
                if world.expected() is None:
                    break
                if step == order[1]:
                    send()
                self.agree(server, world, world.expected(), sent, log_from, before != world.expected())
            wait_for(lambda: len(host.messages) == sent, f"all {sent} messages at the host after {step}")
            wait_for(lambda: not self.messages(server), "an empty queue")
            self.assertEqual(sorted(rcpt for _, rcpts, _ in host.messages for rcpt in rcpts), sorted(f"user{i}@{TO}" for i in range(sent)))
            self.assertEqual({user for user, _, _ in host.messages}, {USER})
            self.assertEqual(server.ctl_json("status")["servers"][0]["mail_waits_for"], [])
            for line in ("there is no password", "Sanitizer", "the worker that was delivering it has ended"):
                self.assertNotIn(line, server.log())

    def test_orders(self):
        """Each order of the steps has the same result. As many orders as there is time for, others each day."""
        seed = int(os.environ.get("SEQUENCES_SEED", time.time() // 86400))
        others = [order for order in itertools.permutations(STEPS) if order not in ALWAYS]
        random.Random(seed).shuffle(others)
        end = time.monotonic() + SECONDS
        for number, order in enumerate([*ALWAYS, *others]):
            if number >= len(ALWAYS) and time.monotonic() > end:
                break
            with self.subTest(order=order, seed=seed):
                self.run_order(order)


if __name__ == "__main__":
    harness.main()
