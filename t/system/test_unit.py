"""The systemd unit as systemd reads it, without a systemd that runs: its exposure, and the system calls that it permits. t/boot starts it."""
import re
import shutil
import subprocess
import unittest

import harness

UNITS = {"mailrootd": 2.9, "mailroot-unprivileged": 1.3, "mailroot-recipients": 1.1}  # of `systemd-analyze security`, as doc/security.md says
SOURCE = harness.TOOLS.parents[2]
# What a process needs until it has entered its jail, beside the calls of common/jail/syscalls.def.
BEFORE = ("seccomp capget prctl prlimit64 execve fork setpgid close_range memfd_create dup2 poll signalfd4 fchmod mkdirat flock "
          "landlock_create_ruleset landlock_add_rule landlock_restrict_self").split()
BY_ROOT = "chroot setgroups setresuid setresgid setuid capset fchown".split()


def analyze(*arguments):
    return subprocess.run(["systemd-analyze", "--no-pager", *arguments], capture_output=True, text=True, check=False)


def unit(name):
    return harness.BUILD / f"etc/{name}.service"


def calls_of(word):
    """The calls of a word of SystemCallFilter, which may be a set of sets."""
    if not word.startswith("@"):
        return {word}
    found = set()
    for line in analyze("syscall-filter", word).stdout.splitlines():
        if re.fullmatch(r"    [@\w-]+", line):
            found |= calls_of(line.strip())
    return found


def permitted(name):
    calls = calls_of("@default")
    for words in re.findall(r"^SystemCallFilter=(.*)", unit(name).read_text(), re.M):
        change = set().union(*map(calls_of, words.lstrip("~").split()))
        calls = calls - change if words.startswith("~") else calls | change
    return calls


@unittest.skipUnless(shutil.which("systemd-analyze"), "needs systemd")
class Unit(unittest.TestCase):
    def test_exposure_is_as_documented(self):
        for name, most in UNITS.items():
            with self.subTest(name):
                done = analyze("security", "--offline=true", f"--threshold={round(most * 10)}", str(unit(name)))
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_every_call_of_a_jail_is_permitted(self):
        jails = set(re.findall(r"^CALL(?:_IF)?\(\w+, (\w+)", (SOURCE / "common/jail/syscalls.def").read_text(), re.M))
        self.assertGreater(len(jails), 50)
        for name in ("mailrootd", "mailroot-unprivileged"):
            with self.subTest(name):
                by_root = [] if "User=" in unit(name).read_text() else BY_ROOT
                self.assertEqual((jails | {*BEFORE, *by_root}) - permitted(name), set())


if __name__ == "__main__":
    harness.main()
