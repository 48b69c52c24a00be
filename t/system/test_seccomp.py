"""System calls that a process does not need end it, and `status` names them; sandbox { seccomp } decides."""
import os
import re
import unittest

import harness
import inject
from harness import Mailroot, Sink, wait_for

GETDENTS64 = 217  # lists a folder: no SMTP client does


def fact(pid, name):
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        return int(re.search(rf"^{name}:\s*(\d+)", file.read(), re.M)[1])


def alive(pid):
    return os.path.exists(f"/proc/{pid}")


class Seccomp(unittest.TestCase):
    def setUp(self):
        if harness.sanitized():
            self.skipTest("the sanitizer makes calls of its own")

    def processes(self, server):
        """The parent of the SMTP clients, and one of these."""
        pids = [pid for pid in server.descendants() if harness.role_of(pid) == "delivery"]
        parent = min(pids, key=lambda pid: fact(pid, "PPid") in pids)
        return parent, wait_for(lambda: next((pid for pid in server.descendants() if fact(pid, "PPid") == parent), None), "a worker")

    def relay(self, server, sink, n):
        server.send(["a@one.test"])
        sink.wait(n)

    def test_filters_are_in_force(self):
        with Sink() as sink, Mailroot(f"smart_host [127.0.0.1]:{sink.port}") as server:
            self.relay(server, sink, 1)
            parent, worker = self.processes(server)
            self.assertEqual([fact(pid, "Seccomp") for pid in (parent, worker)], [2, 2])
            self.assertEqual(fact(worker, "Seccomp_filters"), fact(parent, "Seccomp_filters") + 1)

    def test_smtpd_and_its_workers_have_one(self):
        with Mailroot() as server, server.client() as client:
            client.noop()
            pids = [pid for pid in server.descendants() if harness.role_of(pid) == "smtpd"]
            self.assertGreater(len(pids), 1)
            self.assertEqual({fact(pid, "Seccomp_filters") for pid in pids}, {fact(os.getpid(), "Seccomp_filters") + 1})

    def test_off(self):
        with Sink() as sink, Mailroot(f"smart_host [127.0.0.1]:{sink.port}", global_conf="sandbox { seccomp off }") as server:
            self.relay(server, sink, 1)
            own = fact(os.getpid(), "Seccomp_filters")
            self.assertEqual([fact(pid, "Seccomp_filters") for pid in self.processes(server)], [own, own])

    @unittest.skipUnless(inject.POSSIBLE, "needs ptrace, and knows x86-64 only")
    def test_a_call_that_is_not_allowed_ends_the_client_and_mail_flows_on(self):
        with Sink() as sink, Mailroot(f"smart_host [127.0.0.1]:{sink.port}") as server:
            self.relay(server, sink, 1)
            _, worker = self.processes(server)
            inject.call(worker, GETDENTS64)
            wait_for(lambda: not alive(worker), "the end of the client")
            self.assertIn(f"pid={worker} made the system call {GETDENTS64}", server.log())
            wait_for(lambda: f"made the system call getdents64 ({GETDENTS64})" in server.ctl("status", check=False).stdout, "it in status")
            self.relay(server, sink, 2)

    @unittest.skipUnless(inject.POSSIBLE, "needs ptrace, and knows x86-64 only")
    def test_log_permits_it(self):
        with Sink() as sink, Mailroot(f"smart_host [127.0.0.1]:{sink.port}", global_conf="sandbox { seccomp log }") as server:
            self.relay(server, sink, 1)
            _, worker = self.processes(server)
            inject.call(worker, GETDENTS64)
            self.relay(server, sink, 2)
            self.assertTrue(alive(worker))
            self.assertNotIn("made the system call", server.log())


if __name__ == "__main__":
    harness.main()
