"""A disk with a spool that moves from one instance of Mailroot to another, as a replicated volume or that of a dead machine does.

The disk is a file with ext4. It goes down as in a power cut: what no fsync has written is gone, and the next mount replays the journal."""
import fcntl
import os
import pathlib
import random
import struct
import subprocess
import time

import harness
from balanced import Clients, freeze, judge, kill, mail_flows
from harness import Mailroot, wait_for

FS_IOC_SHUTDOWN, NO_LOG_FLUSH = 0x8004587D, struct.pack("I", 2)


class Disk:
    def __init__(self, folder, megabytes=64):
        self.image, self.at = folder / "disk", None
        with open(self.image, "wb") as image:
            image.truncate(megabytes << 20)
        subprocess.run(["mkfs.ext4", "-q", "-F", self.image], check=True)

    def mount(self, at):
        """Repairs the file system as far as its journal can, and mounts it."""
        assert subprocess.run(["e2fsck", "-p", self.image], stdout=subprocess.DEVNULL).returncode <= 1
        at.mkdir(exist_ok=True)
        subprocess.run(["mount", "-o", "loop,noatime", self.image, at], check=True)
        self.at = at

    def cut(self):
        """Nothing reaches the disk any more."""
        folder = os.open(self.at, os.O_RDONLY)
        fcntl.ioctl(folder, FS_IOC_SHUTDOWN, NO_LOG_FLUSH)
        os.close(folder)

    def unmount(self):
        if self.at:
            subprocess.run(["umount", self.at], check=True)
        self.at = None


class Instance(Mailroot):
    """One of two instances that may have the disk; run_dir and logs are its own, clients find it at PORT."""

    def __init__(self, port, hop):
        super().__init__(f"smart_host [{hop.address}]:{hop.port}\ndelivery {{ retry 1s }}")
        self.conf.write_text(self.conf.read_text().replace(f"listen 127.0.0.1:{self.port}", f"listen 127.0.0.1:{port}"))
        self.port = port

    def spool(self):
        return self.folder / "spool"

    def die(self, disk):
        """The processes end at once, by a power cut or, at times, alone.

        They are frozen first: while a file system goes down, an fsync of Linux may succeed for a transaction that was given up, which no power
        cut lets a program see."""
        pids = freeze(self.process.pid)
        if random.random() < 0.8:
            disk.cut()
        kill(pids)
        self.process.wait()
        self.process = None
        disk.unmount()

    def waits(self):
        return sum(1 for folder in ("new", "cur") for path in (self.server_folder() / folder).glob("**/*") if path.is_file())


def rounds(count, hop, rate=100, longest_s=1.5):
    """The disk moves COUNT times. Returns the failures."""
    port = harness.free_port()
    disk = Disk(harness.scratch())
    instances = [Instance(port, hop), Instance(port, hop)]
    clients, kills = Clients(rate, clients=4, again_s=0.1, to=("127.0.0.1", port)), []
    try:
        disk.mount(instances[0].spool())
        instances[0].start()
        with mail_flows(clients):
            for number in range(count):
                time.sleep(random.uniform(0.05, longest_s))  # any moment
                kills.append(time.time())
                instances[number % 2].die(disk)
                disk.mount(instances[(number + 1) % 2].spool())
                instances[(number + 1) % 2].start()
        wait_for(lambda: not instances[count % 2].waits(), "an empty spool", 60)
    finally:
        for instance in instances:
            instance.stop()
        disk.unmount()
    return judge(clients, hop.messages(), kills) + [f"badmail: {path}" for path in instances[count % 2].files("badmail")]
