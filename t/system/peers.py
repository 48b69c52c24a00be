"""Daemons of other projects for tests: a copy of the files that `t/system/peers` unpacked, run by chroot in a process namespace.

    with Peer("opensmtpd") as peer:
        peer.write("etc/smtpd.conf", text)
        peer.start("/usr/sbin/smtpd", "-d", "-f", "/etc/smtpd.conf")

The copy is removed afterwards, and every process in it ends with the first one. Needs root (`needs_root` for test classes).
"""
import contextlib
import os
import pathlib
import shutil
import signal
import stat
import subprocess
import sys
import unittest

import harness

SCRIPT = pathlib.Path(__file__).resolve().parent / "peers"
needs_root = unittest.skipIf(os.geteuid(), "only root can run a server of Debian's in a root of its own")


def unpacked(name):
    """The root of peer NAME. It is downloaded if it is missing."""
    done = subprocess.run([str(SCRIPT), name], stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise AssertionError(f"{SCRIPT} {name} failed; it says above what to do")
    return pathlib.Path(done.stdout.split()[-1])


class Peer:
    """One copy. `root` is its folder as seen from outside. LINKED: its files are links to those unpacked, where the disk permits that: much
    faster, for daemons that change no file of their packages."""

    def __init__(self, name, linked=False):
        self.name, self.processes = name, []
        self.root = harness.scratch() / name
        there = [str(unpacked(name)), str(self.root)]
        if not linked or subprocess.run(["cp", "-al", *there], stderr=subprocess.DEVNULL).returncode:
            shutil.rmtree(self.root, ignore_errors=True)
            subprocess.run(["cp", "-a", "--reflink=auto", *there], check=True)
        for device in ("null", "zero", "full", "random", "urandom"):
            there = self.root / "dev" / device
            if not there.exists():
                os.mknod(there, 0o666 | stat.S_IFCHR, os.stat(f"/dev/{device}").st_rdev)
                os.chmod(there, 0o666)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind:
            print(f"---- what {self.name} said\n{self.said()[-6000:]}", file=sys.stderr)
        self.stop()
        shutil.rmtree(self.root.parent, ignore_errors=True)

    def write(self, path, text, mode=0o644, owner=(0, 0)):
        """A file in the copy; PATH is relative to its root."""
        there = self.root / path
        there.parent.mkdir(parents=True, exist_ok=True)
        if there.is_symlink() or there.exists():
            there.unlink()
        there.write_bytes(text.encode() if isinstance(text, str) else text)
        os.chmod(there, mode)
        os.chown(there, *owner)
        return there

    def folder(self, path, mode=0o755, owner=(0, 0)):
        there = self.root / path
        there.mkdir(parents=True, exist_ok=True)
        os.chown(there, *owner)
        os.chmod(there, mode)
        return there

    def _argv(self, argv):
        return ["unshare", "--pid", "--fork", "--kill-child", "chroot", str(self.root), *map(str, argv)]

    def _environment(self, environment):
        return dict({"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root"}, **environment)

    def run(self, *argv, text_in="", **environment):
        """Runs a program in the copy to its end. Returns its output."""
        done = subprocess.run(self._argv(argv), input=text_in, capture_output=True, text=True, timeout=60,
                              env=self._environment(environment), cwd="/")
        if done.returncode:
            raise AssertionError(f"{self.name}: {' '.join(map(str, argv))}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def start(self, *argv, port=None, **environment):
        """Starts a daemon that stays in the foreground, and waits until it listens on PORT."""
        with open(self.root.parent / "said", "ab") as said:
            process = subprocess.Popen(self._argv(argv), stdin=subprocess.DEVNULL, stdout=said, stderr=said,
                                       env=self._environment(environment), cwd="/")
        self.processes.append(process)
        if port:
            harness.wait_for(lambda: process.poll() is not None or listens(port), f"{self.name} listening on port {port}")
            if process.poll() is not None:
                raise AssertionError(f"{self.name}: {argv[0]} ended with {process.returncode}\n{self.said()[-4000:]}")
        return process

    def said(self):
        """The standard output and error of its daemons."""
        there = self.root.parent / "said"
        return there.read_text(errors="replace") if there.exists() else ""

    def stop(self):
        for process in self.processes:
            # The end of the first process ends its namespace. --kill-child does not reach a process that has changed its user meanwhile.
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                for child in pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split():
                    os.kill(int(child), signal.SIGKILL)
            process.kill()
            process.wait()
        self.processes.clear()


def listens(port):
    """A process on this machine listens on PORT. The kernel is asked, so that the daemon gets no connection."""
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in pathlib.Path(table).read_text().splitlines()[1:]:
            words = line.split()
            if words[3] == "0A" and int(words[1].rsplit(":", 1)[1], 16) == port:
                return True
    return False
