"""`mailrootctl doctor`: nothing on a sound machine, and each seeded fault by the check that is there for it."""
import os
import pathlib
import socket
import subprocess
import unittest

import doctor
import harness
from doctor import ADDRESS, Machine

MACHINE = None


def setUpModule():
    global MACHINE
    if os.geteuid():
        raise unittest.SkipTest("only root can make namespaces and file systems")
    MACHINE = Machine().__enter__()


def tearDownModule():
    if MACHINE:
        MACHINE.__exit__()


class Doctor(unittest.TestCase):
    def expect_sound(self, *args, **more):
        status, said = MACHINE.doctor(*args, **more)
        self.assertEqual(said["findings"], [])
        self.assertEqual(status, 0)
        self.assertTrue(all(check["complete"] for check in said["checks"]), said["checks"])

    def expect(self, check, severity, words, conf=None, **more):
        """One finding of CHECK with SEVERITY and WORDS, and no error or warning of another check."""
        status, said = MACHINE.doctor(conf, **more)
        found = [f for f in said["findings"] if f["check"] == check and f["severity"] == severity and words in f["what"]]
        self.assertEqual(len(found), 1, said["findings"])
        self.assertTrue(found[0]["remedy"])
        self.assertEqual([f for f in said["findings"] if f not in found and f["severity"] != "note"], [])
        self.assertEqual(status, 1 if severity != "note" else 0)


class Sound(Doctor):
    def test_nothing_on_a_sound_machine(self):
        self.expect_sound(prefix=("unshare", "--pid", "--fork", "--mount-proc"))

    def test_text_for_people(self):
        done = subprocess.run([harness.BUILD / "mailrootctl", "-c", MACHINE.conf(), "doctor"], capture_output=True, text=True, timeout=60,
                              env=dict(os.environ, LD_PRELOAD=str(MACHINE.clock), CLOCK_RUNS_FREE="yes", ASAN_OPTIONS="verify_asan_link_order=0"))
        self.assertRegex(done.stdout, r"^warning: clock: clock: nothing keeps the clock right .*\n    remedy: install chrony .*\n")
        self.assertRegex(done.stdout, r"\n\d+ checks; errors: 0, warnings: 1, notes: 0\n$")

    def test_usage(self):
        for arguments in (["--all"], ["nonsense"], ["--server", "other"]):
            done = subprocess.run([harness.BUILD / "mailrootctl", "-c", MACHINE.conf(), "doctor", *arguments], capture_output=True, text=True, timeout=60)
            self.assertEqual(done.returncode, 2, done.stderr)
        self.expect_sound(arguments=("--server", "test"), prefix=("unshare", "--pid", "--fork", "--mount-proc"))


class TheMachine(Doctor):
    def test_configuration_with_an_error(self):
        self.expect("config", "error", 'unknown setting "fqn"', MACHINE.conf("fqn x"))

    def test_file_that_the_configuration_names(self):
        self.expect("config", "error", "drop folder /no/such/drop can't be created", MACHINE.conf("local_domain b.test { drop_dir /no/such/drop }"))

    def test_user_that_does_not_exist(self):
        self.expect("users", "error", "there is no user nobody-at-all (smtpd_user)", MACHINE.conf(smtpd_user="nobody-at-all"))

    def test_user_who_is_root(self):
        self.expect("users", "error", "delivery_user is root, who is root", MACHINE.conf(delivery_user="root"))

    def test_two_roles_with_one_user(self):
        self.expect("users", "warning", "delivery_user and smtpd_user are one user", MACHINE.conf(delivery_user="mailroot-smtpd"))

    def test_port_that_another_process_has(self):
        with socket.create_server((ADDRESS, 2525)):
            self.expect("ports", "error", f"{ADDRESS}:2525 is taken by process {os.getpid()}, ")

    def test_port_that_another_process_has_on_every_address(self):
        with socket.create_server(("::", 2525), family=socket.AF_INET6, dualstack_ipv6=True):
            self.expect("ports", "error", f"is taken by process {os.getpid()}, ")

    def test_port_of_an_address_that_is_not_here(self):
        self.expect("ports", "error", "20.30.40.51:25 is no address of this machine", MACHINE.conf(listen="20.30.40.51:25"))

    def test_other_mail_server(self):
        with doctor.process("/usr/lib/postfix/sbin/master", "sleep", "60"):
            self.expect("rivals", "warning", "Postfix runs on this machine, too")
        with doctor.process("/usr/sbin/exim4", "sleep", "60"):
            self.expect("rivals", "warning", "Exim runs on this machine, too")

    def test_service_that_does_not_start_with_the_machine(self):
        MACHINE.wanted.unlink()
        try:
            self.expect("boot", "warning", "the service does not start with the machine")
        finally:
            MACHINE.wanted.symlink_to(MACHINE.unit)

    def test_clock_that_runs_free(self):
        self.expect("clock", "warning", "nothing keeps the clock right", free_clock=True)

    def test_kernel_without_landlock(self):
        refuse = pathlib.Path(__file__).with_name("refuse.py")
        self.expect("sandbox", "warning", "the kernel has no Landlock", prefix=("python3", refuse, "444"))

    def test_full_disk(self):
        small = MACHINE.disk("small", megabytes=120)
        self.expect("disk", "error", "less than free_space_floor", MACHINE.conf(mailroot_dir=small))

    def test_disk_without_inodes(self):
        few = MACHINE.disk("few", options=("-O", "has_journal", "-N", "2048"))
        for i in range(os.statvfs(few).f_favail - 50):
            (few / f"f{i}").touch()
        self.expect("disk", "error", "inodes are free", MACHINE.conf(mailroot_dir=few))

    def test_file_system_without_journal(self):
        self.expect("filesystem", "warning", "has no journal", MACHINE.conf(mailroot_dir=MACHINE.disk("bare", options=("-O", "^has_journal"))))

    def test_spool_in_memory(self):
        self.expect("filesystem", "error", "in memory (tmpfs)", MACHINE.conf(mailroot_dir="/run/mailroot"))

    def test_folder_that_everyone_may_write(self):
        folder = MACHINE.folder / "pickup"
        folder.mkdir()
        folder.chmod(0o777)
        conf = MACHINE.conf(f"pickup_dir {folder}")
        self.expect("folders", "warning", "may write, rename and remove files in the pickup folder", conf)
        folder.chmod(0o1777)
        self.expect_sound(conf, prefix=("unshare", "--pid", "--fork", "--mount-proc"))


if __name__ == "__main__":
    doctor.become_machine()
    harness.main()
