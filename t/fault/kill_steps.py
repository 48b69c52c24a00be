#!/usr/bin/env python3
"""kill -9, or an error of the system, at each step of the accept and deliver paths.

usage: kill_steps.py --build DIR [--scene NAME] [--error ENOSPC] [--occurrences N] [--list]   (root, strace)

First the system calls of each role for one message are counted. Then, for each of them, a new message is sent while strace
kills the process as it enters that call, or, with --error, makes the call fail with that error. Afterwards the service must answer, the message (if it was acknowledged) must be
delivered exactly once, and a second message must be delivered. The one exception: a delivery worker that is killed after the smart host's 250.

Scenes `filter` and `pickup` have a filter that changes header and body, so that the message becomes a second file before it is committed: each
copy must have all changes. A file of the pickup folder counts as acknowledged.
"""
import argparse
import collections
import contextlib
import os
import pathlib
import re
import signal
import smtplib
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "system"))
import harness  # noqa: E402
import milter  # noqa: E402
from harness import Mailroot, Sink, wait_for  # noqa: E402

# The calls of each role at which it is killed. Calls for memory and clocks change nothing outside.
CALLS = ("accept4,openat,write,writev,pwrite64,flock,linkat,fsync,fdatasync,sendto,sendmsg,recvfrom,recvmsg,recvmmsg,close,pread64,read,"
         "renameat,renameat2,unlinkat,utimensat,fstat,newfstatat,connect,fcntl")
SCENES = {
    "drop": ("smtpd", "queue"),
    "relay": ("queue", "delivery"),
    "later": ("queue", "delivery"),
    "copy": ("queue", "local"),
    "bounce": ("queue", "delivery", "local"),
    "confirm": ("queue", "local"),
    "filter": ("smtpd", "filters"),
    "pickup": ("pickup", "filters"),
}
LARGE = "x" * 76 + "\r\n"  # so many lines of it make a message that is larger than the buffer of the spool
LINES = 1000
FILTERED = b"changed by the filter\r\n" * 2500
EDITS = [milter.add_header("X-Filtered", "yes"), milter.body(FILTERED), milter.body(FILTERED), milter.CONTINUE]
OCCURRENCES = 3  # of one call in one role, unless --occurrences says otherwise


class Scene:
    """One service and one route of a message."""

    def __init__(self, name):
        self.name = name
        self.sink = Sink(answers={"RCPT": self.answer_rcpt})
        self.count = 0
        self.seen = collections.Counter()
        self.milter = milter.Milter(answers={milter.EOM: EDITS}) if name in ("filter", "pickup") else None
        self.server = Mailroot(self.conf(harness.scratch()))
        self.other = self.server.folder / "other"
        self.server.write_conf(self.conf(self.other))

    def answer_rcpt(self, argument):
        """The scene `later`: every message is delayed once. The scene `bounce`: refused."""
        if "bounce" in argument:
            return "550 5.1.1 nobody"
        self.seen[argument] += 1
        return "451 4.2.0 later" if "later" in argument and self.seen[argument] == 1 else None

    def conf(self, other):
        return (f"smart_host [127.0.0.1]:{self.sink.port}\ndelivery {{ retry 1s }}\n"
                f"local_domain other.example.com {{ drop_dir {other} }}\n"
                + (self.milter.block(more="timeout connect 1s command 2s content 2s") if self.milter else ""))

    def __enter__(self):
        if self.milter:
            self.milter.__enter__()
        self.server.start()
        return self

    def __exit__(self, kind, value, trace):
        self.server.__exit__(kind, value, trace)
        self.sink.close()
        if self.milter:
            self.milter.close()

    def rcpts(self):
        return {"drop": ["a@example.com"], "filter": ["a@example.com"], "relay": ["a@example.net"], "later": [f"later{self.count}@example.net"], "bounce": ["bounce@example.net"], "confirm": ["a@example.com"],
                "copy": ["a@example.com", "b@other.example.com"]}[self.name]

    def send(self):
        """Sends the next numbered message; (number, acknowledged)."""
        self.count += 1
        if self.name == "pickup":
            return self.put(), True
        try:
            with self.server.client() as client:
                client.sendmail("app@example.com", self.rcpts(), f"Subject: number {self.count}\r\n\r\nx\r\n" + self.text(),
                                rcpt_options=["NOTIFY=SUCCESS,FAILURE"] if self.name == "confirm" else [])
                return self.count, True
        except (OSError, smtplib.SMTPException):
            return self.count, False

    def text(self):
        return LARGE * LINES if self.milter else ""

    def put(self):
        folder = self.server.server_folder() / "pickup"
        hidden = folder / f".{self.count}.hidden"
        hidden.write_text(f"x-sender: app@example.com\r\nx-receiver: a@example.com\r\nSubject: number {self.count}\r\n\r\n{self.text()}", newline="")
        hidden.rename(folder / f"{self.count}.eml")
        return self.count

    def is_half(self, content):
        """Whether a change of the filter is missing."""
        return bool(self.milter) and not (b"\r\nX-Filtered: yes\r\n" in content and content.endswith(b"\r\n\r\n" + 2 * FILTERED))

    def copies(self, number):
        """How often the message was delivered, per place."""
        mark = f"Subject: number {number}\r\n".encode()
        own = [p for p in self.server.files("drop") if mark in p.read_bytes()]
        notices = [p for p in own if b"x-sender: <>" in p.read_bytes()]
        return {
            "drop": len(own) - len(notices),
            "drop without changes": sum(self.is_half(p.read_bytes()) for p in own),
            "other": sum(mark in p.read_bytes() for p in self.server.files(self.other)),
            "sink": sum(mark in content for _, _, content in self.sink.messages),
            "notice": len(notices),
            "notices that differ": len({p.read_bytes() for p in notices}) - 1 if notices else 0,
        }

    def expected(self):
        return {"drop": {"drop": 1}, "filter": {"drop": 1}, "pickup": {"drop": 1}, "relay": {"sink": 1}, "later": {"sink": 1}, "copy": {"drop": 1, "other": 1}, "bounce": {"notice": 1}, "confirm": {"drop": 1, "notice": 1}}[self.name]

    def settled(self):
        left = [] if self.name != "pickup" else list((self.server.server_folder() / "pickup").iterdir())
        return not left and not self.server.files("new", "") and not self.server.files("cur", "")


def grown_up(scene, role):
    """The process of ROLE when it is old enough that master does not treat its death as a failed start, which it throttles."""
    def old():
        pid = scene.server.pids().get(role)
        if not pid:
            return None
        with contextlib.suppress(OSError):
            started = int(open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[19]) / os.sysconf("SC_CLK_TCK")
            return pid if time.clock_gettime(time.CLOCK_BOOTTIME) - started > 1.1 else None
    return wait_for(old, f"{role} to run for a while", 10)


def children_of(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as children:
        return [int(child) for child in children.read().split()]


def is_traced(pid):
    with contextlib.suppress(OSError), open(f"/proc/{pid}/status") as status:
        return "TracerPid:\t0\n" not in status.read()
    return True  # gone meanwhile


@contextlib.contextmanager
def traced(scene, role, *arguments):
    """strace attached to the process of ROLE, its workers and what they fork; gives a list that holds its output after the end."""
    parent = grown_up(scene, role)
    pids = [parent, *children_of(parent)]
    tracer = subprocess.Popen(["strace", "-f", "-qq", *(word for pid in pids for word in ("-p", str(pid))), *arguments],
                              stderr=subprocess.PIPE, text=True)
    wait_for(lambda: all(map(is_traced, pids)) or tracer.poll() is not None, "strace to attach")
    output = []
    try:
        yield output
    finally:
        tracer.send_signal(signal.SIGINT)
        output.append(tracer.communicate()[1])


def calls_of(scene, role):
    """call name -> how often ROLE makes it for one message."""
    scene.send()
    wait_for(scene.settled, "the first message to be delivered", 30)
    with traced(scene, role, "-e", f"trace={CALLS}") as output:
        scene.send()
        wait_for(scene.settled, "the second message to be delivered", 30)
    return collections.Counter(re.findall(r"^(?:\[pid +\d+\] )?(\w+)\(", output[0], re.M))


def strike_at(scene, role, call, occurrence, error):
    """One kill or error. Returns whether it happened, and a list of the problems afterwards."""
    what = f"error={error}" if error else "signal=KILL"
    with traced(scene, role, "-e", f"trace={call}", "-e", f"inject={call}:{what}:when={occurrence}") as output:
        number, acknowledged = scene.send()
        deadline = time.monotonic() + 1.5
        while acknowledged and not scene.settled() and time.monotonic() < deadline:
            time.sleep(0.02)
    struck = ("(INJECTED)" if error else "SIGKILL") in output[0]
    wrong = []
    try:
        wait_for(lambda: scene.send()[1], "the service to accept mail again", 5)
        if (not acknowledged or scene.name == "pickup") and not scene.settled():
            # The message may wait for the next scan, once a minute; a new queue scans at once.
            os.kill(grown_up(scene, "queue"), signal.SIGKILL)
        wait_for(scene.settled, "an empty spool", 30)
    except AssertionError as error:
        return struck, [str(error)]
    for place, times in scene.copies(number).items():
        want = scene.expected().get(place, 0)
        window = role == "delivery" and place == "sink" or place == "notice" and scene.name in ("bounce", "confirm")
        if acknowledged and times < want:
            wrong.append(f"lost: {place} has {times}, not {want}")
        if times > want + (1 if window else 0):
            wrong.append(f"twice: {place} has {times}, not {want}")
    return struck, wrong


def run(only, error, occurrences, listing):
    failures, kills, points = [], 0, 0
    for name, roles in SCENES.items():
        if only and name != only:
            continue
        with Scene(name) as scene:
            for role in roles:
                for call, times in sorted(calls_of(scene, role).items()):
                    for occurrence in range(1, min(times, occurrences) + 1):
                        points += 1
                        if listing:
                            print(f"{name}: {role} at {call} #{occurrence}")
                            continue
                        struck, wrong = strike_at(scene, role, call, occurrence, error)
                        kills += struck
                        failures += [f"{name}: {role}, {error or 'killed'} at {call} #{occurrence}: {text}" for text in wrong]
                        if wrong:
                            print(failures[-1], flush=True)
    print(f"{points} points, {kills} struck, {len(failures)} failures")
    if not listing and kills < points * 0.6:
        failures.append("too few of the points were met")
    return failures


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True, type=pathlib.Path)
    parser.add_argument("--scene", choices=SCENES)
    parser.add_argument("--error")
    parser.add_argument("--occurrences", type=int, default=OCCURRENCES)
    parser.add_argument("--list", action="store_true")
    options = parser.parse_args()
    harness.BUILD = options.build.resolve()
    failures = run(options.scene, options.error, options.occurrences, options.list)
    print("\n".join(failures) or "ok")
    sys.exit(1 if failures else 0)


main()
