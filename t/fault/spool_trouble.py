#!/usr/bin/env python3
"""A spool that can't be written, has no room, can't be read or loses power: each recipient gets a message once, and the service continues afterwards.

usage: spool_trouble.py --build DIR [--scene NAME]   (root, loop devices, mkfs.ext4, chattr, strace; ends with 77 where they are missing)

The spool is an ext4 file system in a private mount namespace. A power failure is its shutdown without a flush of its log: unsynced data is lost.
"""
import argparse
import collections
import contextlib
import fcntl
import os
import pathlib
import shutil
import signal
import smtplib
import struct
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "system"))
import harness  # noqa: E402
from harness import Mailroot, Sink, wait_for  # noqa: E402

SKIPPED = 77
EXT4_IOC_SHUTDOWN, WITHOUT_FLUSH = 0x8004587D, 2
TRIED_AGAIN_S = 13  # unfinished steps are tried again after 10 s


class Skip(Exception):
    pass


def run(*words):
    subprocess.run([str(word) for word in words], check=True, stdout=subprocess.DEVNULL)


class Disk:
    """A file system for the spool of a service."""

    def __init__(self, features=()):
        self.folder = harness.scratch()
        self.image, self.at = self.folder / "image", self.folder / "disk"
        with open(self.image, "wb") as image:
            image.truncate(60 << 20)
        run("mkfs.ext4", "-q", "-F", "-m", "0", *features, self.image)
        self.at.mkdir()
        self.mount()
        self.at.chmod(0o755)

    def mount(self):
        if subprocess.run(["mount", "-o", "loop,errors=remount-ro", str(self.image), str(self.at)], stderr=subprocess.DEVNULL).returncode:
            raise Skip("no loop device can be mounted")

    def device(self):
        return next(line.split()[0] for line in open("/proc/mounts") if line.split()[1] == str(self.at))

    def fill(self):
        for block in (1 << 16, 4096, 512):
            with contextlib.suppress(OSError), open(self.at / "ballast", "ab", buffering=0) as ballast:
                while True:
                    ballast.write(bytes(block))

    def empty(self):
        (self.at / "ballast").unlink()

    def turn_read_only(self):
        pathlib.Path(f"/sys/fs/ext4/{os.path.basename(self.device())}/trigger_fs_error").write_text("1")

    def lose_power(self):
        folder = os.open(self.at, os.O_RDONLY)
        fcntl.ioctl(folder, EXT4_IOC_SHUTDOWN, struct.pack("I", WITHOUT_FLUSH))
        os.close(folder)

    def unmount(self):
        wait_for(lambda: subprocess.run(["umount", str(self.at)], stderr=subprocess.DEVNULL).returncode == 0, f"umount {self.at}")


class Service(Mailroot):
    """A service whose spool is a disk, and a smart host that can be slow: recipients later*@ are delayed until `ready`, refused*@ are refused."""

    def __init__(self, features=(), extra=""):
        self.disk, self.ready, self.begun, self.go = Disk(features), False, 0, threading.Event()
        self.go.set()
        self.sink = Sink(answers={"RCPT": self.answer, "dot": self.take})
        super().__init__(f"smart_host [127.0.0.1]:{self.sink.port}\ndelivery {{ retry 1s }}\n{extra}")
        self.conf.write_text(self.conf.read_text().replace(f"{self.folder}/spool", f"{self.disk.at}/spool"))

    def answer(self, argument):
        if "refused" in argument:
            return "550 5.1.1 nobody"
        return "451 4.2.0 later" if "later" in argument and not self.ready else None

    def take(self, _):
        self.begun += 1
        self.go.wait(60)

    def server_folder(self):
        return self.disk.at / "spool" / self.name

    def __exit__(self, *trace):
        self.go.set()
        super().__exit__(*trace)
        self.sink.close()
        self.disk.unmount()

    def kill(self):
        """Kills every process at once, as when the machine stops."""
        for pid in [self.process.pid, *self.descendants()]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()
        self.process = None

    def cut(self):
        """A power failure, and the machine is on again."""
        self.disk.lose_power()
        self.kill()
        self.disk.unmount()
        self.disk.mount()
        self.start()

    def copies(self):
        """recipient -> how often the smart host accepted a message for it"""
        return dict(collections.Counter(rcpt.strip("<>") for _, rcpts, _ in self.sink.messages for rcpt in rcpts))

    def left(self):
        return [p.name for folder in ("new", "cur") for p in (self.server_folder() / folder).iterdir()]

    def notices(self):
        return [p for p in self.files("drop") if p.read_bytes().startswith(b"x-sender: <>")]

    def journals(self):
        return "".join(p.read_text() for p in (self.server_folder() / "cur").glob("*.log"))


def answer_to_mail(service):
    with service.client() as client:
        client.helo()
        return client.mail("app@example.com")


def stays(condition, what, seconds=TRIED_AGAIN_S):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert condition(), f"no longer {what}"
        time.sleep(0.1)


def check(value, what):
    assert value, what


def send_while_slow(service, rcpts):
    """Messages that the smart host has but has not acknowledged yet."""
    service.go.clear()
    for rcpt in rcpts:
        service.send([rcpt])
    wait_for(lambda: service.begun == len(rcpts), "the messages to be in delivery")


def check_stopped(service, rcpts):
    """Nothing can be written: this is logged once, and nothing is sent again."""
    wait_for(lambda: len(service.sink.messages) >= len(rcpts), "the messages to be accepted")
    stays(lambda: service.copies() == dict.fromkeys(rcpts, 1), "one copy each")
    code, text = answer_to_mail(service)
    check((code, text[:5]) == (452, b"4.3.1"), f"MAIL is answered {code} {text}")
    check("spool" in service.ctl("status").stdout, "status does not tell of the spool")
    check(service.log().count("can't be written (") == 1, "the log does not say once that the spool can't be written")
    check("the spool can't be written" in service.ctl("queue", "list").stdout, "queue list does not tell why mail waits")


def readonly():
    """The file system becomes read-only while messages are being sent."""
    rcpts = [f"ok{i}@example.net" for i in range(3)]
    with Service() as service:
        send_while_slow(service, rcpts)
        service.disk.turn_read_only()
        service.go.set()
        check_stopped(service, rcpts)
        service.kill()


def frozen():
    """No rename works in new/ and cur/ (EPERM), and then it works again."""
    rcpts = [f"ok{i}@example.net" for i in range(3)]
    with Service() as service:
        folders = [service.server_folder() / name for name in ("new", "cur")]
        send_while_slow(service, rcpts)
        run("chattr", "+i", *folders)
        try:
            service.go.set()
            check_stopped(service, rcpts)
        finally:
            run("chattr", "-i", *folders)
        wait_for(lambda: answer_to_mail(service)[0] == 250, "the service to accept mail again")
        service.send(["a@example.com"])
        service.dropped(1)
        wait_for(lambda: not service.left(), "an empty spool")
        check(service.copies() == dict.fromkeys(rcpts, 1), f"copies at the end: {service.copies()}")
        check("can be written again" in service.log(), "the log does not say that it is over")


def full(features=()):
    """No room for a verdict: two recipients at two destinations, the copy for one can't be written, the other has the message."""
    rcpts = ["ok@example.net", "a@example.com"]
    with Service(features) as service:
        local = [service.pids()["local"]]
        local += [pid for pid in service.descendants() if f"PPid:\t{local[0]}\n" in pathlib.Path(f"/proc/{pid}/status").read_text()]
        for pid in local:
            os.kill(pid, signal.SIGSTOP)
        service.go.clear()
        service.send(rcpts)
        wait_for(lambda: service.begun, "the message to be in delivery")
        service.disk.fill()
        for pid in local:
            os.kill(pid, signal.SIGCONT)
        service.go.set()
        wait_for(service.copies, "the message to be accepted")
        stays(lambda: service.copies() == {"ok@example.net": 1}, "one copy")
        service.disk.empty()
        wait_for(lambda: not service.left(), "an empty spool", 40)
        check(service.copies() == {"ok@example.net": 1} and len(service.files("drop")) == 1, f"at the end: {service.copies()}, {service.files('drop')}")


def full_without_promise():
    """The same on a file system that can't reserve room for a journal, so that it must stay in memory."""
    full(("-O", "^extent,^64bit"))


def full_partly():
    """One job: one recipient has the message and the other must be tried again, and no journal can be created."""
    with Service() as service:
        service.go.clear()
        service.send(["ok@example.net", "later@example.net"])
        wait_for(lambda: service.begun, "the message to be in delivery")
        service.disk.fill()
        service.go.set()
        wait_for(service.copies, "the message to be accepted")
        stays(lambda: service.copies() == {"ok@example.net": 1}, "one copy")
        check("spool" in service.ctl("status").stdout, "status does not tell that the spool is full")
        service.ready = True
        service.disk.empty()
        wait_for(lambda: not service.left(), "an empty spool", 40)
        check(service.copies() == {"ok@example.net": 1, "later@example.net": 1}, f"at the end: {service.copies()}")


def cut_partly():
    """Power is lost when one of two recipients has the message."""
    with Service() as service:
        service.send(["ok@example.net", "later@example.net"])
        wait_for(lambda: "delayed" in service.journals(), "the last verdict in the journal: the one before is synced then")
        service.cut()
        service.ready = True
        wait_for(lambda: not service.left(), "an empty spool", 40)
        check(service.copies() == {"ok@example.net": 1, "later@example.net": 1}, f"copies: {service.copies()}")


@contextlib.contextmanager
def injected(service, role, *arguments):
    """strace changes what system calls of ROLE and its workers do."""
    parent = service.pids()[role]
    pids = [parent, *(pid for pid in service.descendants() if f"PPid:\t{parent}\n" in pathlib.Path(f"/proc/{pid}/status").read_text())]
    tracer = subprocess.Popen(["strace", "-f", "-qq", "-o", "/dev/null", *(word for pid in pids for word in ("-p", str(pid))), *arguments])
    wait_for(lambda: all("TracerPid:\t0\n" not in pathlib.Path(f"/proc/{pid}/status").read_text() for pid in pids), "strace to attach")
    try:
        yield
    finally:
        tracer.send_signal(signal.SIGINT)
        tracer.wait()


def stuck():
    """One message can't be removed once; the spool works."""
    with Service() as service:
        service.go.clear()
        service.send(["ok@example.net"])
        wait_for(lambda: service.begun, "the message to be in delivery")
        with injected(service, "queue", "-e", "trace=unlinkat", "-e", "inject=unlinkat:error=EIO:when=1"):
            service.go.set()
            wait_for(lambda: "can't remove the finished message" in service.log(), "the message that can't be removed")
        wait_for(lambda: not service.left(), "an empty spool", 40)
        check(service.copies() == {"ok@example.net": 1}, f"copies: {service.copies()}")
        check("can't be written" not in service.log(), "all of the spool is blamed")


def cut_notice():
    """Power is lost when the notice is in the spool, before the journal has it."""
    with Service() as service:
        with injected(service, "local", "-e", "trace=fdatasync", "-e", "inject=fdatasync:delay_enter=20000000"):
            service.send(["refused@example.net"])
            wait_for(service.notices, "the notice")
            service.cut()
        wait_for(lambda: service.notices() and not service.left(), "an empty spool", 40)
        check(len(service.notices()) == 1, f"{len(service.notices())} notices")


def unreadable():
    """The journal that has the recipients with the message can't be read."""
    with Service(extra="local_domain other.example.com { }") as service:
        service.send(["ok@example.net", "later@example.net"])
        wait_for(lambda: "delivered" in service.journals(), "the verdict in the journal")
        journal = next((service.server_folder() / "cur").glob("*.log"))
        service.ctl("queue", "hold", "--all", "--yes")
        with injected(service, "queue", "-P", str(journal), "-e", "trace=pread64", "-e", "inject=pread64:error=EIO"):
            service.ready = True
            service.ctl("queue", "release", "--all", "--yes")
            wait_for(lambda: "Input/output error" in service.log(), "the journal to be read")
            stays(lambda: service.copies() == {"ok@example.net": 1}, "one copy", 3)
        wait_for(lambda: not service.left(), "an empty spool", 40)
        check(service.copies() == {"ok@example.net": 1, "later@example.net": 1}, f"copies: {service.copies()}")


SCENES = {scene.__name__: scene for scene in (readonly, frozen, full, full_without_promise, full_partly, cut_partly, stuck, cut_notice, unreadable)}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True, type=pathlib.Path)
    parser.add_argument("--scene", action="append", choices=SCENES)
    options = parser.parse_args()
    missing = [tool for tool in ("unshare", "mkfs.ext4", "chattr", "strace") if not shutil.which(tool)]
    if os.geteuid() or missing:
        print(f"skipped: {'needs root' if os.geteuid() else 'no ' + ', '.join(missing)}")
        sys.exit(SKIPPED)
    if not os.environ.get("SPOOL_TROUBLE"):
        os.environ["SPOOL_TROUBLE"] = "in a mount namespace of its own"
        os.execvp("unshare", ["unshare", "-m", "--propagation", "private", sys.executable, *sys.argv])
    harness.BUILD = options.build.resolve()
    failures = 0
    for name in options.scene or SCENES:
        try:
            SCENES[name]()
            print(f"{name}: ok", flush=True)
        except Skip as why:
            print(f"{name}: skipped: {why}", flush=True)
            sys.exit(SKIPPED)
        except (AssertionError, smtplib.SMTPException) as error:
            failures += 1
            print(f"{name}: {error}", flush=True)
    sys.exit(failures != 0)


main()
