"""The systemd units without a systemd that runs: their exposure, and whether the system calls and capabilities suffice. t/boot starts them."""
import os
import re
import shutil
import subprocess
import unittest

import harness
from harness import Mailroot, Sink

UNITS = {"mailrootd": 2.9, "mailrootd@": 2.9, "mailroot-unprivileged": 1.2, "mailroot-recipients": 1.1}  # of `systemd-analyze security`, as doc/security.md says
HARDENED = 2.5
SOURCE = harness.TOOLS.parents[2]
HARDEN = SOURCE / "etc/mailrootd-harden.conf"
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


def capabilities(*texts):
    """The last set that the parts of a unit name."""
    return re.findall(r"^CapabilityBoundingSet=(.+)", "".join(texts), re.M)[-1].split()


def with_capabilities(*texts):
    """A prefix that starts a program with no others."""
    kept = ",".join("+" + name.removeprefix("CAP_").lower() for name in capabilities(*texts))
    return ["setpriv", "--bounding-set", "-all," + kept]


@unittest.skipUnless(shutil.which("systemd-analyze"), "needs systemd")
class Unit(unittest.TestCase):
    def exposure(self, path):
        shown = re.search(r"level for .*?: ([\d.]+)", analyze("security", "--offline=true", str(path)).stdout).group(1)
        return float(shown)

    def test_exposure_is_as_documented(self):
        for name, most in UNITS.items():
            with self.subTest(name):
                self.assertLessEqual(self.exposure(unit(name)), most)

    def test_exposure_with_fewer_rights(self):
        both = harness.scratch() / "mailrootd.service"
        both.write_text(unit("mailrootd").read_text() + HARDEN.read_text())
        self.assertLessEqual(self.exposure(both), HARDENED)

    def test_every_call_of_a_jail_is_permitted(self):
        table = (SOURCE / "common/jail/syscalls.def").read_text()
        groups = {group for role in re.findall(r"^ROLE\((.*)\)", table, re.M) for group in re.findall(r"GROUP_(\w+)", role)}
        jails = {name for group, name in re.findall(r"^CALL(?:_IF)?\((\w+), (\w+)", table, re.M) if group in groups}
        self.assertGreater(len(jails), 50)
        for name in ("mailrootd", "mailrootd@", "mailroot-unprivileged"):
            with self.subTest(name):
                by_root = [] if "User=" in unit(name).read_text() else BY_ROOT
                self.assertEqual((jails | {*BEFORE, *by_root}) - permitted(name), set())


@unittest.skipIf(os.geteuid(), "only root has capabilities")
class Capabilities(unittest.TestCase):
    """The capabilities of the unit suffice, and with folders that exist those of mailrootd-harden.conf do."""

    def play(self, server, prefix, sink, count):
        """Mail is accepted, relayed and dropped, also after a reload and an upgrade."""
        server.start(prefix=prefix)
        for i, command in enumerate((None, "reload", "upgrade"), start=count):
            if command:
                server.ctl(command)
            server.send(["a@example.net", "sales@example.com"])
            sink.wait(i)
            server.dropped(i)
        server.stop()

    def test_what_is_taken(self):
        own = capabilities(unit("mailrootd").read_text())
        left = capabilities(HARDEN.read_text())
        self.assertEqual(set(own) - set(left), {"CAP_NET_ADMIN", "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER"})
        self.assertEqual(set(left) - set(own), {"CAP_DAC_READ_SEARCH"})

    def test_capabilities(self):
        own = unit("mailrootd").read_text()
        with Sink() as sink:
            server = Mailroot(f"smart_host [127.0.0.1]:{sink.port}")
            try:
                for count, parts in ((1, [own]), (4, [own, HARDEN.read_text()])):
                    self.play(server, with_capabilities(*parts), sink, count)
            finally:
                server.__exit__(None, None, None)
            self.assertNotIn("<3>", server.log())

    def test_a_new_server_needs_more(self):
        """The reload says that the folders of a new server can't be made with fewer rights."""
        server = Mailroot("")
        try:
            server.start()
            server.stop()
            server.start(prefix=with_capabilities(HARDEN.read_text()))
            with server.conf.open("a") as conf:
                conf.write(f"virtual_server second {{ listen 127.0.0.1:{harness.free_port()}; fqdn second.example.com }}\n")
            done = server.ctl("reload", check=False)
            self.assertEqual(done.returncode, 1, done)
            self.assertRegex(done.stderr, r"server second: folder .*/spool/second: .* CAP_CHOWN")
        finally:
            server.__exit__(None, None, None)


if __name__ == "__main__":
    harness.main()
