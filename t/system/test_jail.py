"""Users of processes, and what a process could access if it were compromised."""
import contextlib
import os
import pathlib
import pwd
import re
import shutil
import stat
import sys
import unittest

import certs
import harness
from harness import Mailroot, Sink

ROOT = os.geteuid() == 0
USERS = {"smtpd": "mailroot-smtpd", "pickup": "mailroot", "queue": "mailroot", "delivery": "mailroot-out", "local": "mailroot",
         "resolver": "mailroot-out", "log": "mailroot", "web": "mailroot-web"}
CAP_LEASE = 28
NETWORK = ("smtpd", "delivery", "resolver", "web")


def proc(pid, name):
    with open(f"/proc/{pid}/{name}", encoding="utf-8") as file:
        return file.read()


def status(pid):
    return {name: value.split() for name, _, value in (line.partition(":") for line in proc(pid, "status").splitlines())}


class Unit(unittest.TestCase):
    """The address families that the systemd unit permits are those that the programs use."""

    def test_families(self):
        unit = pathlib.Path(__file__).resolve().parents[2] / "etc" / "unit-common.in"
        launcher = [sys.executable, str(pathlib.Path(__file__).with_name("families.py")), str(unit)]
        with Sink() as sink:
            server = Mailroot(f"smart_host [127.0.0.1]:{sink.port}\nreverse_dns yes")
            try:
                server.start(prefix=launcher)
                server.send(["a@example.net"])
                sink.wait(1)
                self.assertNotIn("can't read the addresses of this machine", server.log())
                self.assertNotIn("Address family not supported", server.log())
            finally:
                server.__exit__(None, None, None)


@unittest.skipUnless(ROOT, "the users are taken by root only")
class Jail(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        secret = harness.scratch() / "secret"
        secret.write_text("SECRET-OF-THE-APPLICATION\n")
        secret.chmod(0o600)
        cls.server = Mailroot(f"""smart_host [127.0.0.1]:{harness.free_port()}
            connector tokens {{ address_space tokens.test; route [127.0.0.1]:{harness.free_port()}; outbound {{
                tls verify; auth xoauth2; username u@tokens.test
                oauth {{ token_url https://127.0.0.1:{harness.free_port()}/; client_id c; client_secret_file {secret} }} }} }}""")
        cls.server.start()
        cls.addClassCleanup(cls.server.__exit__, None, None, None)
        cls.server.send(["sales@example.com"])
        cls.server.dropped()
        cls.processes = {pid: harness.role_of(pid) for pid in cls.server.descendants()}

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
                lease = {1 << CAP_LEASE} if role == "pickup" else {0}
                self.assertEqual({int(facts[name][0], 16) for name in ("CapPrm", "CapEff")}, lease)
                self.assertEqual({int(facts[name][0], 16) for name in ("CapInh", "CapAmb", "CapBnd")}, {0})
                self.assertEqual(facts["NoNewPrivs"], ["1"])

    def test_network_processes_hold_no_folder_outside_their_jail(self):
        """openat(fd, "..") leaves a chroot, so an open folder must be the jail itself."""
        for pid in self.each(*NETWORK):
            jail = os.stat(f"/proc/{pid}/root")
            for name in os.listdir(f"/proc/{pid}/fd"):
                facts = os.stat(f"/proc/{pid}/fd/{name}")
                if stat.S_ISDIR(facts.st_mode):
                    self.assertEqual((facts.st_dev, facts.st_ino), (jail.st_dev, jail.st_ino), f"{self.processes[pid]} fd {name}")

    def test_smtpd_is_confined_to_new(self):
        new = os.stat(self.server.server_folder() / "new")
        for pid in self.each("smtpd"):
            jail = os.stat(f"/proc/{pid}/root")
            self.assertEqual((jail.st_dev, jail.st_ino), (new.st_dev, new.st_ino))

    def test_folders_are_private(self):
        modes = {name: stat.S_IMODE(os.stat(self.server.server_folder() / name).st_mode) for name in ("new", "cur", "drop", "badmail")}
        self.assertEqual(modes["new"] & 0o777, 0o730)
        for name in ("cur", "drop", "badmail"):
            self.assertEqual(modes[name] & 0o007, 0, name)

    def test_every_user_may_add_pickup_files_and_see_none(self):
        self.assertEqual(stat.S_IMODE(os.stat(self.server.server_folder() / "pickup").st_mode), 0o1733)

    def test_what_smtpd_may_see(self):
        """The configuration of smtpd has nothing about delivery."""
        pid = self.each("smtpd")[0]
        text = proc(pid, "fd/4")
        self.assertIn("relay", text)
        self.assertNotIn("smart_host", text)


def private_forms(key):
    """The forms of the ECDSA key of this file in the memory of a process: the text, the number, the number as in OpenSSL."""
    text = certs.openssl("pkey", "-in", key, "-noout", "-text").decode()
    digits = re.search(r"priv:\s*((?:[0-9a-f]{2}[:\s]*)+)", text).group(1)
    number = bytes.fromhex(re.sub(r"[^0-9a-f]", "", digits))[-32:]
    return [key.read_bytes().split(b"\n")[1], number, number[::-1]]


def holds(pid, forms):
    """Whether any of FORMS is in the memory of PID, which may have ended meanwhile."""
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for line in proc(pid, "maps").splitlines():
            first, last = (int(number, 16) for number in line.split()[0].split("-"))
            rights = line.split()[1]
            # Large shared areas are for policy and accounts, and are mostly not mapped.
            if "r" not in rights or (last - first > 16 << 20 and "s" in rights):
                continue
            with contextlib.suppress(OSError):
                memory.seek(first)
                content = memory.read(last - first)
                if any(form in content for form in forms):
                    return True
    return False


@unittest.skipUnless(ROOT, "only root may look into the memory of others")
class Secrets(unittest.TestCase):
    """Each secret is in the processes that need it and in no other."""

    @classmethod
    def setUpClass(cls):
        if harness.sanitized():
            raise unittest.SkipTest("the memory of a sanitized process is too large to be read")
        folder = harness.scratch()
        cls.addClassCleanup(shutil.rmtree, folder, ignore_errors=True)
        authority = certs.Authority(folder / "ca")
        cls.ours, cls.client = authority.issue("mail.example.com"), authority.issue("client.example.com")
        cls.password = b"correct-horse-" + os.urandom(8).hex().encode()
        password = folder / "password"
        password.write_bytes(cls.password + b"\n")
        password.chmod(0o600)
        cls.server = Mailroot(f"access {{ tls_certificate {cls.ours} }}\nremote_domain a.example {{ route [127.0.0.1]:{harness.free_port()}\n"
                              f"outbound {{ tls verify; client_certificate {cls.client}; auth plain; username u; password_file {password} }} }}")
        cls.server.start()
        cls.addClassCleanup(cls.server.__exit__, None, None, None)
        cls.server.send(["u@a.example"])
        cls.processes = {pid: harness.role_of(pid) for pid in cls.server.descendants()}
        cls.processes[cls.server.process.pid] = "master"

    def who_holds(self, forms):
        return {role for pid, role in self.processes.items() if holds(pid, forms)}

    def test_our_key_is_in_smtpd_only(self):
        self.assertEqual(self.who_holds(private_forms(pathlib.Path(self.ours.key))), {"smtpd"})

    def test_the_key_of_a_client_certificate_is_in_delivery_only(self):
        self.assertEqual(self.who_holds(private_forms(pathlib.Path(self.client.key))), {"delivery"})

    def test_a_password_is_in_delivery_only(self):
        self.assertEqual(self.who_holds([self.password]), {"delivery"})

    def test_no_process_leaves_a_core(self):
        for pid in self.processes:
            if self.processes[pid] != "master":
                with self.subTest(role=self.processes[pid]):
                    self.assertEqual(os.stat(f"/proc/{pid}/environ").st_uid, 0, "dumpable: its files in /proc are its own")


if __name__ == "__main__":
    harness.main()
