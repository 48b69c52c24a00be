"""Operators at the same time as deliveries, other operators and kill -9: no message is lost, duplicated or incomplete."""
import contextlib
import json
import os
import random
import re
import signal
import subprocess
import threading
import time
import unittest

import harness
from harness import Mailroot, Sink, wait_for
from test_queue_tools import down, hold_all, listed


class Races(unittest.TestCase):
    """Nothing is lost or duplicated, whatever is done to mail that is being delivered."""

    def setUp(self):
        self.seed = random.randrange(1 << 32)
        self.random = random.Random(self.seed)

    def conserve(self, count, sink, server):
        """Each message is exactly once at the sink, in the queue or in badmail."""
        delivered = [re.search(rb"Subject: (\d+)", text).group(1) for _, _, text in sink.messages]
        deleted = [re.search(rb"Subject: (\d+)", p.read_bytes()).group(1) for p in server.files("badmail")]
        left = [re.search(rb"Subject: (\d+)", p.read_bytes()).group(1) for f in ("new", "cur") for p in server.files(f)]
        self.assertEqual(sorted(map(int, delivered + deleted + left)), list(range(count)), f"seed {self.seed}")
        return delivered, deleted, left

    def test_operators_against_deliveries(self):
        count = 150
        flaky = random.Random(self.seed)
        answers = {"RCPT": lambda _: "451 4.2.0 later" if flaky.random() < 0.3 else None}
        with Sink(answers=answers) as sink:
            conf = f"smart_host [127.0.0.1]:{sink.port}\ndelivery {{ retry 1m; expire 5d; processes {{ spare 3; max 6 }} }}"
            with Mailroot(conf) as server:
                stop = threading.Event()
                odd = []

                def operator(verbs):
                    choice = random.Random(self.random.random())
                    while not stop.is_set():
                        verb = choice.choice(verbs)
                        selector = choice.choice([["--all"], ["--domain", "one.test"], ["--recipient", f"a{choice.randrange(count)}@one.test"]])
                        done = server.ctl("queue", verb, *selector, "--yes", check=False)
                        if done.returncode not in (0, 1) or (done.returncode and "nothing to do" not in done.stderr and "no message in the queue matches" not in done.stderr):
                            odd.append((verb, done))

                operators = [threading.Thread(target=operator, args=(verbs,)) for verbs in (["retry", "release"], ["hold", "release", "retry"])]
                for one in operators:
                    one.start()
                with server.client() as client:
                    for i in range(count):
                        client.sendmail("app@example.com", [f"a{i}@one.test"], f"Subject: {i}\r\n\r\nx\r\n")
                        if i == 80:
                            server.ctl("queue", "delete", "--domain", "one.test", "--yes", check=False)
                        if i == 100:
                            os.kill(server.pids()["queue"], signal.SIGKILL)
                stop.set()
                for one in operators:
                    one.join()
                # While the queue was down it could not be asked.
                self.assertFalse([o for o in odd if "server test" not in o[1].stderr], f"seed {self.seed}")
                answers.clear()

                def all_out():
                    if not server.files("new") and not server.files("cur"):
                        return True
                    server.ctl("queue", "release", "--all", "--yes", check=False)
                    server.ctl("queue", "retry", "--all", "--yes", check=False)
                    return False
                wait_for(all_out, "an empty queue", 60)
                self.conserve(count, sink, server)
                self.assertNotRegex(server.log(), r"died by signal (?!9)|Sanitizer")

    def test_a_kill_during_a_bulk_action(self):
        """A part of a bulk action is done, and no message is in between."""
        count = 200
        with Mailroot(down()) as server:
            with server.client() as client:
                for i in range(count):
                    client.sendmail("app@example.com", [f"a{i}@one.test"], f"Subject: {i}\r\n\r\nx\r\n")
            wait_for(lambda: len(listed(server)) == count, "all in the queue")
            for verb in ("hold", "delete"):
                acting = threading.Thread(target=lambda: server.ctl("queue", verb, "--all", "--yes", check=False))
                acting.start()
                time.sleep(self.random.random() * 0.03)
                queue = server.pids().get("queue")
                if queue:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(queue, signal.SIGKILL)
                acting.join()
                wait_for(lambda: server.ctl("queue", "list", check=False).returncode == 0, "a queue that answers")
            left, deleted = listed(server), server.files("badmail")
            self.assertEqual(len(left) + len(deleted), count)
            self.assertTrue(all(m["state"] in ("held", "waiting", "active", "new") for m in left))
            wait_for(lambda: len(listed(server)) == len(left), "the same again")

    def test_two_at_once(self):
        count = 100
        with Mailroot(down()) as server:
            with server.client() as client:
                for i in range(count):
                    client.sendmail("app@example.com", [f"a{i}@one.test"], f"Subject: {i}\r\n\r\nx\r\n")
            hold_all(server, count)
            both = [subprocess.Popen([str(harness.BUILD / "mailrootctl"), "-c", str(server.conf), "queue", "delete", "--all", "--yes", "--json"],
                                     stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
            outs = [p.communicate(timeout=60)[0] for p in both]
            self.assertEqual(sum(json.loads(out)["deleted"] for out in outs if out.strip()), count)
            self.assertEqual(len(server.files("badmail")), count)


if __name__ == "__main__":
    harness.main()
