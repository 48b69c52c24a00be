"""A disk whose writes and flushes are recorded, and the images that a power cut at any point of the record leaves.

What a real disk may do with writes that no flush covers yet, a cut does too: it loses them (`none`), has all of them (`all`), or has any of them in any
order (`some`), the last of which may be torn between two sectors. Disks that lie about flushes are not modelled.
"""
import bisect
import os
import pathlib
import random
import shutil
import struct
import subprocess
import unittest

import harness

SOURCE = pathlib.Path(__file__).resolve().parent / "powercut_disk.c"
SIZE = 320 << 20  # mkfs.xfs makes nothing below 300 MB
SECTOR = 512
RECORD = struct.Struct("=QQQ")  # struct record of powercut_disk.c
# The check runs before the mount; xfs_repair leaves a log that was not replayed alone, so it runs after it.
MKFS = {"ext4": ["mkfs.ext4", "-q", "-F", "-E", "nodiscard,lazy_itable_init=0,lazy_journal_init=0"],
        "xfs": ["mkfs.xfs", "-q", "-f", "-K"],
        "btrfs": ["mkfs.btrfs", "-q", "-f", "-K"]}
CHECK_BEFORE = {"ext4": ["e2fsck", "-fp"], "btrfs": ["btrfs", "check", "--readonly"]}
CHECK_AFTER = {"xfs": ["xfs_repair", "-n", "-f"]}


def run(*words):
    """(exit status, what it said)"""
    done = subprocess.run([str(word) for word in words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return done.returncode, done.stdout


def must(*words):
    status, text = run(*words)
    if status:
        raise unittest.SkipTest(f"{' '.join(map(str, words))}: {text.strip() or status}")


def missing(kinds):
    """Programs that a campaign on these file systems needs and this machine lacks."""
    checks = {**CHECK_BEFORE, **CHECK_AFTER}
    needed = {"cc", "mount", "umount", "unshare", *(tool[kind][0] for kind in kinds for tool in (MKFS, checks))}
    return sorted(name for name in needed if not shutil.which(name))


def unmount(at):
    harness.wait_for(lambda: run("umount", at)[0] == 0, f"umount {at}")


class Disk:
    """A new file system of KIND on a recorded disk, mounted at FOLDER/disk."""

    def __init__(self, folder, kind):
        self.folder, self.at, self.device = folder, folder / "disk", folder / "device"
        self.at.mkdir(exist_ok=True)
        for name in ("index", "data", "device"):
            (folder / name).write_bytes(b"")
        with open(folder / "content", "wb") as content:
            content.truncate(SIZE)
        must("cc", "-O2", "-o", folder / "powercut_disk", SOURCE)
        self.server = subprocess.Popen([folder / "powercut_disk", self.device, folder / "content", folder / "index", folder / "data"])
        try:
            harness.wait_for(lambda: self.server.poll() is not None or self.device.stat().st_size == SIZE, "the disk")
            if self.server.poll() is not None:
                raise unittest.SkipTest("no FUSE file system can be mounted here")
            must(*MKFS[kind], self.device)
            must("mount", "-o", "loop", self.device, self.at)
        except BaseException:
            self.end()
            raise
        self.at.chmod(0o755)

    def position(self):
        """Number of requests that the disk has completed."""
        return os.stat(self.folder / "index").st_size // RECORD.size

    def end(self):
        if os.path.ismount(self.at):
            unmount(self.at)
        if os.path.ismount(self.device):
            unmount(self.device)
        self.server.wait(20)


class Record:
    """What a disk has recorded. Images are made at rising positions, because the octets below the last flush are kept from one to the next."""

    def __init__(self, folder):
        self.folder, self.kept, self.applied = folder, folder / "kept", 0
        self.data = os.open(folder / "data", os.O_RDONLY)
        self.requests = list(RECORD.iter_unpack((folder / "index").read_bytes()))
        self.flushes = [number + 1 for number, (_, _, length) in enumerate(self.requests) if not length]
        with open(self.kept, "wb") as kept:
            kept.truncate(SIZE)

    def close(self):
        os.close(self.data)

    def flushed(self, position):
        """Number of requests that the last flush before POSITION covers, and that flush."""
        at = bisect.bisect_right(self.flushes, position)
        return self.flushes[at - 1] if at else 0

    def apply(self, path, numbers, torn=None, rng=None):
        with open(path, "r+b", buffering=0) as image:
            for number in numbers:
                disk_at, data_at, length = self.requests[number]
                if number == torn:
                    length = SECTOR * rng.randrange(0, max(1, length // SECTOR))
                os.pwrite(image.fileno(), os.pread(self.data, length, data_at), disk_at)

    def image(self, path, position, model, seed):
        """Writes to PATH what a cut at POSITION leaves: (number of writes that no flush covers, of these on the disk)."""
        rng, covered = random.Random(seed), self.flushed(position)
        self.apply(self.kept, range(self.applied, covered))
        self.applied = covered
        must("cp", "--sparse=auto", self.kept, path)
        later = range(covered, position)
        share = {"none": 0.0, "all": 1.0}.get(model) if model != "some" else rng.choice((0.15, 0.5, 0.85))
        there = [number for number in later if rng.random() < share]
        torn = rng.choice(there) if model == "some" and there and rng.random() < 0.5 else None
        self.apply(path, there, torn, rng)
        return len(later), len(there)


class Crashed:
    """The file system of KIND in the file IMAGE, checked and mounted at AT as a boot does it. `trouble` has what a check found."""

    def __init__(self, image, kind, at):
        self.image, self.kind, self.at, self.trouble = image, kind, at, []

    def check(self, tools):
        if self.kind in tools:
            status, text = run(*tools[self.kind], self.image)
            if status > (1 if self.kind == "ext4" else 0):  # 1 = e2fsck replayed the journal
                self.trouble.append(f"{tools[self.kind][0]} {status}: {text[-300:].strip()}")

    def __enter__(self):
        self.check(CHECK_BEFORE)
        status, text = run("mount", "-o", "loop", self.image, self.at)
        if status:
            self.trouble.append(f"mount: {text.strip()}")
        return self

    def __exit__(self, *_):
        if os.path.ismount(self.at):
            unmount(self.at)
        self.check(CHECK_AFTER)
