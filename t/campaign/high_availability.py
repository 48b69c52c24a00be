#!/usr/bin/env python3
"""Three nodes behind HAProxy and keepalived under load: nodes and the active balancer die, cables are pulled, nodes go out for maintenance.

usage: high_availability.py --build DIR [--rate 300] [--rounds 10] [--disks 100]

Each round kills (-9) all processes of one node, kills HAProxy and keepalived of the active balancer, pulls the cable of a node, and takes a
node out for a restart. --disks is the number of times that the disk of a dying instance moves to another one. Lost are acknowledged
messages that never arrive. A client may see one refused connection in a row; maintenance may refuse none.
"""
import os
import pathlib
import random
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "system"))
import balanced  # noqa: E402
import harness  # noqa: E402
import moving_disk  # noqa: E402
from balanced import Clients, active, cable, judge, mail_flows, take_out  # noqa: E402
from harness import wait_for  # noqa: E402


class Storm:
    """What happens to the machines, while CLIENTS send."""

    def __init__(self, nodes, balancers, clients):
        self.nodes, self.balancers, self.clients, self.kills, self.failures = nodes, balancers, clients, [], []

    def settles(self):
        """All machines work, mail flows, and every client has a session again."""
        balancer = self.balancers[active(self.balancers)]
        wait_for(lambda: all(state == "UP" for state in balancer.states().values()), "all nodes up", 30)
        before = len(self.clients.sent)
        wait_for(lambda: len(self.clients.sent) > before + self.clients.rate, "a second's mail", 60)
        wait_for(lambda: not self.clients.outside, "a session of every client", 60)

    def node_dies(self):
        node = random.choice(list(self.nodes.values()))
        self.kills.append(time.time())
        node.kill()
        time.sleep(random.uniform(0, 3))
        node.start()

    def balancer_dies(self):
        balancer = self.balancers[active(self.balancers)]
        balancer.kill()
        killed = time.time()
        active(self.balancers)
        print(f"balancer killed at {killed:.3f}, the other one serves after {time.time() - killed:.1f} s", flush=True)
        balancer.start()

    def cable_of_node(self):
        name = random.choice(list(self.nodes))
        self.kills.append(time.time())
        cable(name, False)
        balancer = self.balancers[active(self.balancers)]
        wait_for(lambda: balancer.states()[name] == "DOWN", f"{name} down", 30)
        self.kills.append(time.time())
        cable(name, True)

    def maintenance(self):
        refused, cut = len(self.clients.refused), len(self.clients.cut)
        take_out(self.balancers, random.choice(list(self.nodes.values())), lambda node: (node.stop(), node.start()))
        if (len(self.clients.refused), len(self.clients.cut)) != (refused, cut):
            self.failures.append(f"maintenance was noticed: {self.clients.refused[refused:]} {self.clients.cut[cut:]}")


def storm(options):
    with balanced.NextHop() as hop, balanced.landscape() as (nodes, balancers):
        clients = Clients(options.rate, clients=60)
        storm = Storm(nodes, balancers, clients)
        with mail_flows(clients):
            for number in range(options.rounds):
                for event in (storm.maintenance, storm.node_dies, storm.balancer_dies, storm.cable_of_node):
                    event()
                    storm.settles()
                print(f"round {number + 1}: {len(clients.sent)} acknowledged, {len(clients.refused)} refused, {len(clients.cut)} cut", flush=True)
        for node in nodes.values():
            wait_for(lambda: not node.waits(), f"an empty spool on {node.machine}", 120)
        failures = storm.failures + judge(clients, hop.messages(), storm.kills)
        if clients.streak > 1:
            failures.append(f"a client saw {clients.streak} refused connections in a row")
        return failures


def run(options):
    if os.geteuid():
        raise unittest.SkipTest("only root can make network namespaces")
    failures = storm(options) if options.rounds else []
    if options.disks:
        with balanced.NextHop() as hop:
            failures += moving_disk.rounds(options.disks, hop)
    return failures


if not os.geteuid():
    balanced.enter_namespaces()
    harness.users()
harness.campaign(run, rate=300.0, rounds=10, disks=100)
