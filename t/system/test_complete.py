"""Completion of mailrootctl's command line: names and ids of the running service, in time, and by bash itself."""
import os
import pathlib
import signal
import socket
import subprocess
import time
import unittest

import harness
from harness import Mailroot, wait_for

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "etc/mailrootctl.bash"
BASH_COMPLETION = "/usr/share/bash-completion/bash_completion"


class Complete(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # Nobody listens there: its mail waits.
        waits = f"connector gone {{ address_space gone.test; route [127.0.0.1]:{harness.free_port()} }}"
        cls.server = cls.enterClassContext(Mailroot(waits))
        cls.server.send(["a@gone.test"])
        cls.id = wait_for(lambda: [row["id"] for row in cls.server.ctl_json("queue", "list")["messages"]], "a message that waits")[0]

    def complete(self, *words):
        done = subprocess.run([harness.BUILD / "mailrootctl", "--complete", "-c", self.server.conf, *words], capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout.splitlines()

    def by_bash(self, *words):
        """What bash offers for the line "mailrootctl -c FILE WORDS", split as bash splits it."""
        command = harness.BUILD / "mailrootctl"
        line = ["mailrootctl", "-c", str(self.server.conf), *words]
        script = f'. {BASH_COMPLETION}; . {SCRIPT}; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE=$LINE; COMP_POINT=${{#COMP_LINE}}; ' \
                 f'_mailrootctl {command}; printf "%s\\n" "${{COMPREPLY[@]}}"'
        done = subprocess.run(["bash", "-c", script, "bash", *line], capture_output=True, text=True,
                              env=dict(os.environ, LINE=" ".join(line).replace(" : ", ":")))
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout.splitlines()

    def test_names_of_the_service(self):
        self.assertEqual(self.complete("queue", "show", ""), [self.id])
        self.assertEqual(self.complete("queue", "hold", "--yes", self.id[:3]), [self.id])
        self.assertEqual(self.complete("queue", "show", "no-such-id"), [])
        self.assertEqual(self.complete("sessions", "--server", ""), [self.server.name])
        self.assertEqual(self.complete("server", "stop", ""), ["all", self.server.name])
        self.assertEqual(self.complete("badmail", "show", ""), [])
        self.assertEqual(self.complete("oauth", "test", ""), [])
        with socket.create_connection(("127.0.0.1", self.server.port)) as client:
            client.recv(100)
            self.assertEqual(self.complete("kick", ""), [row["id"] for row in self.server.ctl_json("sessions")["sessions"]])

    def test_a_service_that_does_not_answer_is_not_waited_for(self):
        os.kill(self.server.process.pid, signal.SIGSTOP)
        try:
            began = time.monotonic()
            self.assertEqual(self.complete("server", "stop", ""), ["all"])
            self.assertLess(time.monotonic() - began, 2)
        finally:
            os.kill(self.server.process.pid, signal.SIGCONT)

    def test_bash(self):
        self.assertEqual(self.by_bash("queue", "re"), ["retry", "release"])
        self.assertEqual(self.by_bash("queue", "show", self.id[:3]), [self.id])
        with socket.create_connection(("127.0.0.1", self.server.port)) as client:
            client.recv(100)
            session = self.server.ctl_json("sessions")["sessions"][0]["id"]
            name, number = session.split(":")
            self.assertEqual(self.by_bash("kick", ""), [session])
            self.assertEqual(self.by_bash("kick", name, ":", number[0]), [number])


if __name__ == "__main__":
    harness.main()
