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
        self.assertEqual(set(shown), {"node.conf", "common.conf", "haproxy.cfg", "keepalived.conf", "drbd.res", "pacemaker.sh"})
        for name, block in shown.items():
            written = [line for line in lines_of((balanced.FILES / name).read_text()) if line != "set -e"]
            self.assertEqual(lines_of(block), written, name)


@needs_root
class HighAvailability(unittest.TestCase):
    def arrives(self, nodes, hop, clients, kills=()):
        """Everything that was acknowledged arrives, and the spools are empty then."""
        for node in nodes.values():
            wait_for(lambda: not node.waits(), f"an empty spool on {node.machine}", 60)
        self.assertEqual(judge(clients, hop.messages(), kills), [])

    def test_machines_die(self):
        """No acknowledged message is lost, and a client finds the service again at its first or second attempt."""
        with balanced.NextHop() as hop, landscape() as (nodes, balancers):
            clients, kills = Clients(RATE), []
            with mail_flows(clients):
                time.sleep(1.5)  # the moment does not matter
                kills.append(time.time())
                nodes["a"].kill()
                first = active(balancers)
                wait_for(lambda: balancers[first].states()["a"] == "DOWN", "a is down")
                nodes["a"].start()
                wait_for(lambda: balancers[first].states()["a"] == "UP", "a is up")
                balancers[first].kill()
                second = active(balancers)
                self.assertNotEqual(first, second)
                before = len(clients.sent)
                wait_for(lambda: len(clients.sent) > before + 2 * RATE, "mail through the other balancer", 30)
                balancers[first].start()
            self.arrives(nodes, hop, clients, kills)
            self.assertLessEqual(clients.streak, 1)
            self.assertEqual(active({second: balancers[second]}), second)  # it keeps the address

    def test_maintenance(self):
        """Reload, restart and upgrade of every node, in turn: no connection is refused and no session cut."""
        with balanced.NextHop() as hop, landscape() as (nodes, balancers):
            clients = Clients(RATE)
            with mail_flows(clients):
                for node in nodes.values():
                    node.ctl("reload")
                    take_out(balancers, node, lambda node: (node.stop(), node.start()))
                    node.ctl("upgrade")
            self.arrives(nodes, hop, clients)
            self.assertEqual((clients.refused, clients.cut), ([], []))

    def test_pause_alone(self):
        """Without a word to the balancers, a node that pauses gets connections until their next check."""
        with balanced.NextHop() as hop, landscape() as (nodes, balancers):
            clients = Clients(RATE, clients=20, session=1)
            with mail_flows(clients):
                nodes["b"].ctl("server", "pause", "relay")
                for balancer in balancers.values():
                    wait_for(lambda: balancer.states()["b"] == "DOWN", "b is down")
                nodes["b"].ctl("server", "continue", "relay")
                for balancer in balancers.values():
                    wait_for(lambda: balancer.states()["b"] == "UP", "b is up")
            self.arrives(nodes, hop, clients)
            self.assertLessEqual(clients.streak, 1)
            self.assertEqual(clients.cut, [])
            self.assertTrue(clients.refused)
            self.assertTrue(all("421" in why for _, _, why in clients.refused), clients.refused)

    def test_disk_moves(self):
        """The spool of an instance that dies at any moment is mounted by another one, which sends what is in it."""
        with balanced.NextHop() as hop:
            self.assertEqual(moving_disk.rounds(6, hop), [])


if __name__ == "__main__":
    if not os.geteuid():
        balanced.enter_namespaces()
        harness.users()
    sys.argv[0] = __file__
    harness.main()
