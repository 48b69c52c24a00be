"""Who runs as whom, and what is within reach of a process that a stranger might take over."""
import os
import pwd
import stat
import unittest

import harness
from harness import Mailroot

ROOT = os.geteuid() == 0
USERS = {"smtpd": "mailroot-smtpd", "queue": "mailroot", "local": "mailroot", "delivery": "mailroot-out", "resolver": "mailroot-out"}
NETWORK = ("smtpd", "delivery", "resolver")


def proc(pid, name):
    with open(f"/proc/{pid}/{name}", encoding="utf-8") as file:
        return file.read()


def status(pid):
    return {name: value.split() for name, _, value in (line.partition(":") for line in proc(pid, "status").splitlines())}


def role_of(pid):
    argv = proc(pid, "cmdline").split("\0")
    return argv[argv.index("--role") + 1] if "--role" in argv else None


@unittest.skipUnless(ROOT, "the users are taken by root only")
class Jail(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Mailroot(f"smart_host [127.0.0.1]:{harness.free_port()}")
        cls.server.start()
        cls.addClassCleanup(cls.server.__exit__, None, None, None)
        cls.server.send(["sales@example.com"])
        cls.server.dropped()
        cls.processes = {pid: role_of(pid) for pid in cls.server.descendants()}

    def each(self, *roles):
        found = [pid for pid, role in self.processes.items() if role in roles]
        self.assertGreaterEqual(len(found), len(roles))
        return found

    def test_every_program_has_its_user(self):
        for role, user in USERS.items():
            uid = str(pwd.getpwnam(user).pw_uid)
            for pid in self.each(role):
                with self.subTest(role=role, pid=pid):
                    self.assertEqual(status(pid)["Uid"], [uid] * 4)

    def test_no_group_nor_capability_is_left(self):
        for pid, role in self.processes.items():
            with self.subTest(role=role, pid=pid):
                facts = status(pid)
                self.assertNotIn("0", facts["Gid"])
                self.assertNotIn("0", facts.get("Groups", []))
                self.assertEqual({int(facts[name][0], 16) for name in ("CapPrm", "CapEff", "CapInh", "CapAmb", "CapBnd")}, {0})
                self.assertEqual(facts["NoNewPrivs"], ["1"])

    def test_network_processes_hold_no_folder_outside_their_jail(self):
        """openat(fd, "..") walks out of a chroot: a folder that is open must be the jail itself."""
        for pid in self.each(*NETWORK):
            jail = os.stat(f"/proc/{pid}/root")
            for name in os.listdir(f"/proc/{pid}/fd"):
                facts = os.stat(f"/proc/{pid}/fd/{name}")
                if stat.S_ISDIR(facts.st_mode):
                    self.assertEqual((facts.st_dev, facts.st_ino), (jail.st_dev, jail.st_ino), f"{self.processes[pid]} fd {name}")

    def test_smtpd_is_shut_into_new(self):
        new = os.stat(self.server.server_folder() / "new")
        for pid in self.each("smtpd"):
            jail = os.stat(f"/proc/{pid}/root")
            self.assertEqual((jail.st_dev, jail.st_ino), (new.st_dev, new.st_ino))

    def test_folders_are_closed(self):
        modes = {name: stat.S_IMODE(os.stat(self.server.server_folder() / name).st_mode) for name in ("new", "cur", "drop", "badmail")}
        self.assertEqual(modes["new"] & 0o777, 0o730)
        for name in ("cur", "drop", "badmail"):
            self.assertEqual(modes[name] & 0o007, 0, name)

    def test_what_smtpd_may_see(self):
        """The configuration that smtpd was given holds nothing of the way out."""
        pid = self.each("smtpd")[0]
        text = proc(pid, "fd/4")
        self.assertIn("relay", text)
        self.assertNotIn("smart_host", text)


if __name__ == "__main__":
    harness.main()
