"""Three nodes behind HAProxy and keepalived, with the files of etc/ha: nodes and balancers die, a node is taken out, its disk moves."""
import os
import re
import sys
import time
import unittest

import balanced
import harness
import moving_disk
from balanced import Clients, active, judge, landscape, mail_flows, take_out
from harness import wait_for
from peers import needs_root

RATE = 60
PAGES = [balanced.FILES.parents[1] / "doc" / page for page in ("high-availability.md", "moving-disks.md")]


def lines_of(text):
    """The lines without comments; blanks do not matter."""
    return [" ".join(line.split()) for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]


class Pages(unittest.TestCase):
    def test_files(self):
        """The pages show the files of etc/ha, which these tests run."""
        blocks = re.findall(r"(?m)^.*`(?:/etc/[\w.]+|etc/ha)/([\w.]+)`(?: of .*)?:\n\n((?: {4}.*\n|\n(?= {4}))+)", "".join(page.read_text() for page in PAGES))
        files = {"mailroot.conf": "node.conf", "spool_a.res": "drbd.res"}
        shown = {files.get(name.split("/")[-1], name.split("/")[-1]): block for name, block in blocks}
        self.assertEqual(set(shown), {"node.conf", "common.conf", "haproxy.cfg", "keepalived.conf", "drbd.res", "a.conf", "pacemaker.sh"})
        for name, block in shown.items():
            written = [line for line in lines_of((balanced.FILES / name).read_text()) if line != "set -e"]
            self.assertEqual(lines_of(block), written, name)


@needs_root
class HighAvailability(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.hop = cls.enterClassContext(balanced.NextHop())
        cls.nodes, cls.balancers = cls.enterClassContext(landscape())

    def setUp(self):
        for balancer in self.balancers.values():
            wait_for(lambda: all(state == "UP" for state in balancer.states().values()), "all nodes up")

    def arrives(self, clients, kills=()):
        """Everything that was acknowledged arrives, and the spools are empty then."""
        for node in self.nodes.values():
            wait_for(lambda: not node.waits(), f"an empty spool on {node.machine}", 60)
        self.assertEqual(judge(clients, self.hop.messages(), kills), [])

    def test_machines_die(self):
        """No acknowledged message is lost, and a client finds the service again at its first or second attempt."""
        clients, kills = Clients(RATE), []
        with mail_flows(clients):
            time.sleep(1.5)  # the moment does not matter
            kills.append(time.time())
            self.nodes["a"].kill()
            first = active(self.balancers)
            wait_for(lambda: self.balancers[first].states()["a"] == "DOWN", "a is down")
            self.nodes["a"].start()
            wait_for(lambda: self.balancers[first].states()["a"] == "UP", "a is up")
            self.balancers[first].kill()
            second = active(self.balancers)
            self.assertNotEqual(first, second)
            before = len(clients.sent)
            wait_for(lambda: len(clients.sent) > before + 2 * RATE, "mail through the other balancer", 30)
            self.balancers[first].start()
        self.arrives(clients, kills)
        self.assertLessEqual(clients.streak, 1)
        self.assertEqual(active({second: self.balancers[second]}), second)  # it keeps the address

    def test_maintenance(self):
        """Reload, restart and upgrade of every node, in turn: no connection is refused and no session cut."""
        clients = Clients(RATE)
        with mail_flows(clients):
            for node in self.nodes.values():
                node.ctl("reload")
                take_out(self.balancers, node, lambda node: (node.stop(), node.start()))
                node.ctl("upgrade")
        self.arrives(clients)
        self.assertEqual((clients.refused, clients.cut), ([], []))
        for node in self.nodes.values():
            self.assertIn(f"client={balanced.NEXT_HOP[0]} ", node.log())
            for address in balanced.BALANCERS.values():
                self.assertNotIn(address, node.log())  # its checks are no sessions

    def test_pause_alone(self):
        """Without a word to the balancers, a node that pauses gets connections until their next check."""
        clients = Clients(RATE, clients=20, session=1)
        with mail_flows(clients):
            self.nodes["b"].ctl("server", "pause", "relay")
            for balancer in self.balancers.values():
                wait_for(lambda: balancer.states()["b"] == "DOWN", "b is down")
            self.nodes["b"].ctl("server", "continue", "relay")
            for balancer in self.balancers.values():
                wait_for(lambda: balancer.states()["b"] == "UP", "b is up")
        self.arrives(clients)
        self.assertLessEqual(clients.streak, 1)
        self.assertEqual(clients.cut, [])
        self.assertTrue(clients.refused)
        self.assertTrue(all("421" in why for _, _, why in clients.refused), clients.refused)


@needs_root
class MovingDisk(unittest.TestCase):
    def test_it(self):
        """The spool of an instance that dies at any moment is mounted by another one, which sends what is in it."""
        with balanced.NextHop() as hop:
            self.assertEqual(moving_disk.rounds(6, hop), [])


if __name__ == "__main__":
    if not os.geteuid():
        balanced.enter_namespaces()
        harness.users()
    sys.argv[0] = __file__
    harness.main()
