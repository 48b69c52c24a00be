#!/usr/bin/env python3
"""Power cuts on ext4, XFS and Btrfs at any request of the disk: nothing promised is lost, no copy is torn, and each second copy has its reason.

usage: powercut.py --build DIR [--fs ext4,xfs,btrfs] [--cuts 500] [--seconds 15] [--seed N] [--only NUMBER] [--lies]   (root, FUSE, loop devices, cc)

Clients send mail of every kind, local programs put files into pickup/ and run sendmail, and an operator holds, releases and deletes mail, for SECONDS, while every write
and flush of the disk below the spool is recorded (powercut_disk.c). Then the disk is rebuilt as a cut leaves it: a third of the cuts at flushes (each flush, if there are
enough cuts), a third right behind a promise, a third anywhere. Writes after the last flush are lost, are there, or are there in part. The file system is checked and mounted,
the service starts and sends what it has. A promise is 250, exit 0 of sendmail, a durable file in pickup/, or a file that vanished from there.
--lies: each fsync of the service does nothing, and the run fails unless losses are found. Ends with 77 where the machine can't do it.
"""
import argparse
import bisect
import collections
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "system"))
import harness  # noqa: E402
import preload  # noqa: E402
from powercut_disk import Crashed, Disk, Record, missing  # noqa: E402
from powercut_load import Found, Load, Next, Service, place_of  # noqa: E402

MODELS = ("none", "some", "some", "all")
SETTLE_S = 60
ENOUGH = 30  # messages
ROOM = 3 << 30  # octets that a campaign may take in memory
# What is removed or sent is not synced (doc/spool.md, "Crash windows"): so long before a cut it may still be undone.
COMMIT_S = {"ext4": 5, "xfs": 30, "btrfs": 30}
SLACK_S = 2
# Reasons of bad mail: the next hop refused mail without a sender, an operator deleted it, or a careless program's file (tNUMBER-careless.eml) has lost its octets.
EXPECTED = re.compile("no notice can be sent because its sender is empty|Deleted by an operator|careless")


class Recording:
    """A load on a recorded disk. `times`: (position, time) in order."""

    def __init__(self, kind, options, folder):
        self.kind, self.times = kind, []
        self.disk = Disk(folder, kind)
        try:
            self.next = Next(self.disk.position)
            self.service = Service(self.disk.at, self.next.port)
            self.service.start()
            self.begin = self.disk.position()
            with Load(self.service, self.disk.position, options) as self.load:
                self.watch(options.seconds)
            self.service.stop()
        finally:
            self.disk.end()
        self.came, self.next.keeping = self.next.came, False
        self.record = Record(folder)

    def watch(self, seconds):
        """At least until enough was promised to mean something."""
        def over():
            self.times.append((self.disk.position(), time.monotonic()))
            return time.monotonic() > end and sum(sent.promised is not None for sent in self.load.sent) > ENOUGH
        end = time.monotonic() + seconds
        harness.wait_for(over, "mail that was accepted", seconds + SETTLE_S)
        self.end = self.disk.position()

    def age(self, position, moment):
        """Seconds from MOMENT to the cut at POSITION."""
        at = bisect.bisect_left(self.times, (position, 0))
        return self.times[min(at, len(self.times) - 1)][1] - moment

    def positions(self, count, rng):
        flushes = [position for position in self.record.flushes if self.begin < position < self.end]
        promises = [sent.promised for sent in self.load.sent if sent.promised and sent.promised <= self.end]
        step = max(1, len(flushes) * 3 // count)
        chosen = flushes[rng.randrange(step)::step]
        chosen += [min(self.end, rng.choice(promises) + rng.choice((0, 0, 1, 2))) for _ in range(count // 3)]
        chosen += [rng.randint(self.begin, self.end) for _ in range(count - len(chosen))]
        return sorted(chosen[:count])


class Cut:
    """One cut: what was found afterwards, and the judgement. `trouble`: why it fails; `counts`: figures."""

    def __init__(self, recording, position):
        self.recording, self.position = recording, position
        self.trouble, self.counts, self.oldest, self.slowest = [], collections.Counter(), 0.0, 0.0

    def recover(self, image):
        """The machine boots: the service has the file system, and sends what it has."""
        service, next_hop = self.recording.service, self.recording.next
        next_hop.forget()
        service.log_path.write_bytes(b"")
        with Crashed(image, self.recording.kind, service.at) as crashed:
            if not crashed.trouble:
                service.start()
                try:
                    self.held = self.drain(service)
                    self.judge(Found(service), next_hop)
                finally:
                    service.stop()
        self.trouble += crashed.trouble

    def drain(self, service):
        """Waits until all mail is sent. Returns what was held; that is released then."""
        began = time.monotonic()
        held, deadline = None, began + SETTLE_S
        while left := service.left():
            if time.monotonic() > deadline:
                self.trouble += [f"stranded: {name}" for name in left]
                break
            now = service.held() if held is None else set()
            if now and all(name.partition("/")[2].partition(",")[0].partition(".")[0] in now for name in left):
                held = now
                service.ctl("queue", "release", "--all", "--yes")
            time.sleep(0.05)
        self.slowest = time.monotonic() - began
        return held or set()

    def judge(self, found, next_hop):
        self.trouble += [f"torn: {what}" for what in (*found.torn, *next_hop.torn)]
        self.counts["careless file lost"] += found.careless
        for sent in self.recording.load.sent:
            for recipient in sent.recipients:
                self.judge_one(sent, recipient, found, next_hop)
            self.judge_actions(sent, found)
        for name, reason in found.reasons.items():
            self.counts["reason of bad mail lost"] += not reason
            if reason and not EXPECTED.search(reason):
                self.trouble.append(f"badmail: {name}: {reason}")

    def judge_one(self, sent, recipient, found, next_hop):
        place, what = place_of(sent.kind, recipient), f"{sent.kind} by {sent.door} {sent.tag} for {recipient}"
        before = [moment for position, moment in self.recording.came.get((sent.tag, recipient), ()) if position <= self.position]
        if place == "next":
            copies = len(before) + len(next_hop.came.get((sent.tag, recipient), ()))
        else:
            copies = found.places[place][recipient if place == "notice" else sent.tag]
        deleted = sent.begun("delete", self.position) and found.places["badmail"][sent.tag]
        if sent.promised and sent.promised <= self.position:
            self.counts["promised"] += 1
            if not copies and not deleted:
                self.counts["lost"] += 1
                self.trouble.append(f"lost: {what}, promised at {sent.promised}")
        elif copies:
            self.counts["not promised, sent"] += 1
        if copies > 1:
            self.doubled(sent, place, what, copies, before)

    def doubled(self, sent, place, what, copies, before):
        """A second copy at the next hop is explained if the cut fell within the commit interval of the first."""
        if place == "next" and before:
            age = self.recording.age(self.position, before[-1])
            self.counts["sent on twice"] += 1
            self.oldest = max(self.oldest, age)
            if copies == 2 and age <= COMMIT_S[self.recording.kind] + SLACK_S:
                return
            what += f", {age:.1f} s before the cut"
        elif self.recording.kind == "btrfs" and sent.door != "smtp":  # renames of two folders may reach the disk in any order
            self.counts["file of pickup twice"] += 1
            return
        self.counts["doubled"] += 1
        self.trouble.append(f"doubled: {copies} copies in {place}: {what}")

    def judge_actions(self, sent, found):
        """What an operator did is not synced, so it may be undone; the message is never lost."""
        done = [(verb, after) for verb, before, after in sent.actions if before <= self.position]
        if done and done[-1][1] and done[-1][1] <= self.position:
            verb = done[-1][0]
            self.counts[f"{verb} promised"] += 1
            if (verb == "hold" and sent.ident not in self.held) or (verb == "delete" and not found.places["badmail"][sent.tag]):
                self.counts[f"{verb} undone"] += 1


def report(name, cut, more):
    print(f"{name}: {more}: {dict(cut.counts)}", *(f"  {line}" for line in cut.trouble[:20]), sep="\n", flush=True)


def keep(folder, name, image, text):
    """What is needed to look into a failure: the disk as the cut left it, what was found, and the log of the service."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    shutil.move(image, folder / f"{name}.image")
    (folder / f"{name}.log").write_text(text)


def campaign(kind, options):
    """(number of cuts that fail, figures)"""
    folder = harness.scratch("/dev/shm" if shutil.disk_usage("/dev/shm").free > ROOM else "/var/tmp")
    recording = Recording(kind, options, folder)
    total, failed, oldest, rng = collections.Counter(), 0, 0.0, random.Random(options.seed)
    if recording.load.trouble:
        raise AssertionError(f"the load: {recording.load.trouble}")
    positions = recording.positions(options.cuts, rng)
    print(f"{kind}: seed {options.seed}, {len(recording.load.sent)} messages, {recording.end - recording.begin} requests of the disk", flush=True)
    for number, position in enumerate(positions):
        cut, image, model = Cut(recording, position), folder / "image", MODELS[number % len(MODELS)]
        made = (image, position, model, f"{options.seed}/{number}")
        later, there = recording.record.image(*made)
        if options.only not in (None, number):
            continue
        try:
            cut.recover(image)
        except (AssertionError, OSError) as error:
            cut.trouble.append(f"no service: {error!r}")
        total += cut.counts
        oldest = max(oldest, cut.oldest)
        if cut.trouble:
            failed += 1
            report(f"{kind} {number}", cut, f"cut at {position} ({model}: {there} of {later} unflushed writes)")
            if options.keep:
                recording.record.image(*made)  # without what the service did
                keep(options.keep, f"{kind}-{options.seed}-{number}", image, "\n".join([*cut.trouble, recording.service.log()]))
    recording.record.close()
    recording.next.close()
    shutil.rmtree(folder)
    print(f"{kind}: {len(positions)} cuts, {failed} failed: {dict(total)}; oldest message that was sent on twice: {oldest:.2f} s before the cut", flush=True)
    return failed, total


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", required=True, type=pathlib.Path)
    parser.add_argument("--fs", default="ext4,xfs,btrfs", help="file systems, with commas")
    parser.add_argument("--cuts", type=int, default=500, help="of each file system")
    parser.add_argument("--seconds", type=float, default=15, help="duration of the load")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--pause", type=float, default=0.04, help="longest pause of a client between two messages, in seconds")
    parser.add_argument("--only", type=int, help="only the cut of this number is looked at")
    parser.add_argument("--keep", help="folder for the images and logs of cuts that fail")
    parser.add_argument("--lies", action="store_true")
    options = parser.parse_args()
    kinds = options.fs.split(",")
    if os.geteuid() or missing(kinds):
        print(f"skipped: {'needs root' if os.geteuid() else 'no ' + ', '.join(missing(kinds))}")
        return harness.SKIPPED
    if not os.environ.get("POWERCUT"):  # whatever is mounted goes with this process
        os.environ["POWERCUT"] = "in a mount namespace of its own"
        os.execvp("unshare", ["unshare", "-m", "--propagation", "private", sys.executable, *sys.argv])
    harness.BUILD = options.build.resolve()
    if options.lies:
        harness.BUILD = harness.scratch()
        preload.programs(options.build.resolve(), harness.BUILD, "powercut_lies.c")
    try:
        results = {kind: campaign(kind, options) for kind in kinds}
    except unittest.SkipTest as why:
        print(f"skipped: {why}")
        return harness.SKIPPED
    if options.lies:
        blind = [kind for kind, (_, total) in results.items() if not total["lost"]]
        print(f"no loss was found: {', '.join(blind)}" if blind else "ok: losses were found")
        return bool(blind)
    return any(failed for failed, _ in results.values())


if __name__ == "__main__":
    sys.exit(main())
