#!/usr/bin/env python3
"""One system call or allocation fails once, with ENOMEM or EIO: at the start of each role, and on the links between processes.

usage: fail_once.py --build DIR [--scene start|links|filters] [--nth 1,2,3] [--full]   (root, cc)

start: a role is killed, and a call of its successor fails. All roles must become ready again without a reload, and mail be delivered.
links: workers are killed, so that the queue and the parent of its pool exchange packets, and a call on their links fails. All mail must be
sent, with every role ready. Only the process whose link to mailrootd failed may end; if memory for reading is short, none may.
filters: a file of the pickup folder goes through a filter that changes it, and a call of pickup fails. The file must be sent once, with all changes.
"""
import argparse
import errno
import mmap
import os
import pathlib
import shutil
import signal
import struct
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "system"))
import harness  # noqa: E402
import milter  # noqa: E402
import preload  # noqa: E402
from harness import Mailroot, Sink, wait_for  # noqa: E402
from preload import ROLES  # noqa: E402

CALLS = {"fstat": 1, "pread": 2, "malloc": 3, "recvmsg": 4, "sendmsg": 5}
PATIENCE_S = 40  # the longest wait between two starts is 30 s


class Page:
    """The order that fail_once.c reads."""

    def __init__(self, folder):
        self.path = folder / "page"
        self.path.write_bytes(bytes(4096))
        self.path.chmod(0o666)
        self.file = self.path.open("r+b")
        self.map = mmap.mmap(self.file.fileno(), 4096)

    def arm(self, role, call, nth, error):
        self.map[16:20] = bytes(4)
        self.map[:32] = struct.pack("<16sIIiI", role.encode(), 0, nth, error, 0)
        self.map[16:20] = struct.pack("<I", CALLS[call])

    def struck(self):
        """Whether the call failed; disarms it."""
        self.map[16:20] = bytes(4)
        return struct.unpack("<I", self.map[28:32])[0] > 0


class Service(Mailroot):
    roles = ROLES

    def __init__(self, page, more=""):
        self.page, self.sink, self.number, self.bad, self.done, self.missed = page, Sink(), 0, [], 0, 0
        super().__init__(f"smart_host [127.0.0.1]:{self.sink.port}\ndelivery {{ retry 1s }}\n{more}")

    def processes(self):
        server = harness.json.loads(self.ctl("status", "--json", check=False).stdout)["servers"][0]
        return {process["role"]: process for process in server["processes"]} if server["state"] == "running" else {}

    def ready(self):
        return set(self.processes()) == set(self.roles) and all(p["state"] == "ready" for p in self.processes().values())

    def send(self, count=1):
        for _ in range(count):
            self.number += 1
            with self.client() as client:
                client.sendmail("app@example.com", ["a@example.net"], f"Subject: number {self.number}\r\n\r\nx\r\n")

    def goes_on(self):
        wait_for(self.ready, "every role ready", PATIENCE_S)
        self.send(3)
        wait_for(lambda: not self.queued(), "all mail gone", PATIENCE_S)

    def queued(self):
        folder = self.folder / "spool" / self.name
        return [path for sub in ("new", "cur") for path in (folder / sub).iterdir()]

    def one(self, what, role, call, nth, error, act):
        self.page.arm(role, call, nth, error)
        act()
        try:
            wait_for(lambda: self.page.map[16] == 0, "the fault", 2)
        except AssertionError:
            pass
        struck = self.page.struck()
        self.done += struck
        self.missed += not struck
        began = time.monotonic()
        try:
            self.goes_on()
        except (AssertionError, OSError, harness.smtplib.SMTPException) as failure:
            self.bad.append(f"{what} {role} {call} {nth} {errno.errorcode[error]}: {failure!r}")
            print(self.bad[-1], flush=True)
            self.ctl("reload", check=False)
        print(f"{what} {role} {call} {nth} {errno.errorcode[error]}: {'struck' if struck else 'not reached'}, {time.monotonic() - began:.1f} s", flush=True)


def start(service, nths, full):
    calls = [("fstat", errno.EIO), ("pread", errno.ENOMEM), ("malloc", errno.ENOMEM)]
    for role in ROLES if full else ("smtpd", "queue", "pickup"):
        for call, error in calls:
            for nth in nths:
                pid = service.processes()[role]["pid"]
                service.one("start", role, call, nth, error, lambda pid=pid: os.kill(pid, signal.SIGKILL))


def links(service, nths, full):
    def kill_workers():
        parent = service.processes()["delivery"]["pid"]
        for pid in subprocess.run(["ps", "--ppid", str(parent), "-o", "pid="], stdout=subprocess.PIPE, check=False).stdout.split():
            os.kill(int(pid), signal.SIGKILL)

    pairs = [("queue", "recvmsg"), ("delivery", "sendmsg"), ("delivery", "recvmsg"), ("queue", "sendmsg"), *([("resolver", "recvmsg")] if full else [])]
    for role, call, nth, error in ((*pair, n, e) for pair in pairs for n in nths for e in (errno.ENOMEM, errno.EIO)):
        pids = {name: process["pid"] for name, process in service.processes().items()}
        service.one("links", role, call, nth, error, lambda: (kill_workers(), service.send(2)))
        kill_workers()  # the old process may have hidden that no new one starts
        service.goes_on()
        died = [name for name, process in service.processes().items() if process["pid"] != pids[name]]
        if any(name != role for name in died) or (died and error == errno.ENOMEM and call == "recvmsg"):
            service.bad.append(f"links {role} {call} {nth} {errno.errorcode[error]}: {died} ended")


class Filtered(Service):
    """With a filter that changes each message, and files in the pickup folder."""

    roles = (*ROLES, "filters")
    changed = b"changed by the filter\r\n" * 2500

    def __init__(self, page):
        edits = [milter.add_header("X-Filtered", "yes"), milter.body(self.changed), milter.body(self.changed), milter.CONTINUE]
        self.milter = milter.Milter(answers={milter.EOM: edits})
        super().__init__(page, self.milter.block())

    def __enter__(self):
        self.milter.__enter__()
        return super().__enter__()

    def __exit__(self, *why):
        super().__exit__(*why)
        self.milter.close()

    def send(self, count=1):
        folder = self.server_folder() / "pickup"
        for _ in range(count):
            self.number += 1
            hidden = folder / f".{self.number}.hidden"
            hidden.write_bytes(b"x-sender: app@example.com\r\nx-receiver: a@example.net\r\nSubject: number %d\r\n\r\n" % self.number + b"x" * 100_000)
            hidden.rename(folder / f"{self.number}.eml")

    def queued(self):
        return [*super().queued(), *(self.server_folder() / "pickup").iterdir()]

    def check(self):
        """Each file was sent once, and has all changes."""
        contents = [content for _, _, content in self.sink.messages]
        for number in range(1, self.number + 1):
            copies = [content for content in contents if b"\r\nSubject: number %d\r\n" % number in content]
            if len(copies) != 1:
                self.bad.append(f"filters: file {number} was sent {len(copies)} times")
        self.bad += ["filters: a message without all changes" for content in contents
                     if b"\r\nX-Filtered: yes\r\n" not in content or not content.rstrip().endswith((2 * self.changed).rstrip())]


def filters(service, nths, _full):
    """A file takes many allocations and reads. The second sendmsg tells the queue of the message, which otherwise finds it within a minute."""
    calls = (("pread", errno.EIO, 3 * max(nths)), ("malloc", errno.ENOMEM, 8 * max(nths)), ("recvmsg", errno.ENOMEM, max(nths)), ("sendmsg", errno.EIO, 1))
    for call, error, last in calls:
        for nth in range(1, last + 1):
            service.one("filters", "pickup", call, nth, error, service.send)
    service.check()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True, type=pathlib.Path)
    parser.add_argument("--scene", choices=("start", "links", "filters"))
    parser.add_argument("--nth", default="1,2,3")
    parser.add_argument("--full", action="store_true")
    options = parser.parse_args()
    if os.geteuid() != 0 or not shutil.which("cc"):
        print("needs root and cc")
        sys.exit(77)
    folder = harness.scratch()
    page = Page(folder)
    preload.programs(options.build.resolve(), folder, "fail_once.c", f'-DPAGE="{page.path}"')
    harness.BUILD = folder
    nths = [int(n) for n in options.nth.split(",")]
    try:
        services = []
        for kind, scenes in ((Service, (start, links)), (Filtered, (filters,))):
            wanted = [scene for scene in scenes if options.scene in (None, scene.__name__)]
            if not wanted:
                continue
            with kind(page) as service:
                services.append(service)
                for scene in wanted:
                    scene(service, nths, options.full)
                service.sink.close()
        bad = [text for service in services for text in service.bad]
        print("\n".join(bad))
        print(f"{sum(s.done for s in services)} faults struck, {sum(s.missed for s in services)} calls were not reached, {len(bad)} bad")
        sys.exit(1 if bad or not all(service.done for service in services) else 0)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
