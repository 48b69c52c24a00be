"""Listeners that systemd opens (mailroot-unprivileged.socket): the service takes them, and no process needs root."""
import os
import pathlib
import pwd
import re
import smtplib
import subprocess
import sys
import unittest

import harness
from harness import Mailroot, wait_for

# What systemd does for a socket unit: opens the listeners as descriptors from 3 on, changes the user, and starts the service.
INIT = """
import os, socket, sys
uid, ports = int(sys.argv[1]), sys.argv[2].split(",")
for i, port in enumerate(ports):
    one = socket.create_server(("127.0.0.1", int(port)))
    os.dup2(one.fileno(), 100 + i)
    one.detach()
for i in range(len(ports)):
    os.dup2(100 + i, 3 + i, inheritable=True)
    os.close(100 + i)
if uid != os.getuid():
    os.setgroups([])
    os.setgid(int(sys.argv[3]))
    os.setuid(uid)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(ports)), LISTEN_FDNAMES=":".join(["smtp"] * len(ports)))
os.execv(sys.argv[4], sys.argv[4:])
"""


class Handed(Mailroot):
    def __init__(self, server="", more=()):
        super().__init__(server)
        self.account = pwd.getpwnam("mailroot") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
        self.ports = [self.port, *more]
        if os.geteuid() == 0:
            os.chown(self.folder, self.account.pw_uid, self.account.pw_gid)

    def start(self, wait=True, prefix=()):
        ports = ",".join(map(str, self.ports))
        super().start(wait, [sys.executable, "-c", INIT, str(self.account.pw_uid), ports, str(self.account.pw_gid)])

    def owners(self):
        """The users of all processes, whatever the owner of their files in /proc is."""
        uids = set()
        for pid in (self.process.pid, *self.descendants()):
            uids.update(map(int, re.search(r"^Uid:(.*)", pathlib.Path(f"/proc/{pid}/status").read_text(), re.M).group(1).split()))
        return uids


def reachable():
    """Root's build folder may be closed to other users."""
    return os.geteuid() or subprocess.run(["runuser", "-u", "nobody", "--", "test", "-x", str(harness.BUILD / "mailrootd")], check=False).returncode == 0


class Sockets(unittest.TestCase):
    def setUp(self):
        if not reachable():
            self.skipTest("another user can't reach the build folder")

    def greeted(self, server):
        with smtplib.SMTP("127.0.0.1", server.port, timeout=20) as client:
            self.assertEqual(client.noop()[0], 250)

    def test_a_listener_outlives_its_server(self):
        with Handed() as server:
            self.greeted(server)
            server.ctl("server", "stop", "test")
            wait_for(lambda: "stopped" in server.ctl("status").stdout, "the server is stopped")
            with smtplib.SMTP(timeout=20) as client:
                client.sock = client._get_socket("127.0.0.1", server.port, 20)  # waits in the socket
                server.ctl("server", "start", "test")
                self.assertEqual(client.getreply()[0], 220)
            server.ctl("reload")
            self.greeted(server)
            self.assertNotIn("is not used", server.log())

    def test_mail_passes_and_no_process_is_root(self):
        with Handed("local_domain drop.example.com { }") as server:
            server.send(["a@drop.example.com"])
            wait_for(lambda: server.files("drop"), "the message is dropped")
            self.assertEqual(server.owners(), {server.account.pw_uid})

    def test_a_socket_that_nothing_wants_is_named(self):
        with Handed(more=[harness.free_port()]) as server:
            wait_for(lambda: f'the socket "smtp" (127.0.0.1, port {server.ports[1]}) of the socket unit is not used' in server.log(), "the warning")
            self.greeted(server)

    @unittest.skipIf(os.geteuid(), "needs root")
    def test_the_user_of_the_service_gives_no_orders(self):
        """It may see the state, for the exporter runs as this user, too."""
        with Handed() as server:
            def run(*words):
                return subprocess.run(["runuser", "-u", "mailroot", "--", str(harness.BUILD / "mailrootctl"), "-c", str(server.conf), *words],
                                      capture_output=True, text=True, check=False)
            self.assertEqual(run("status").returncode, 0)
            for words in (["reload"], ["server", "pause", "test"], ["queue", "list"], ["stop"]):
                done = run(*words)
                self.assertNotEqual(done.returncode, 0, done.stdout)
            server.ctl("status")


if __name__ == "__main__":
    harness.main()
