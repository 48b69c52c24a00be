"""A virtual machine with a disk of image.sh, and a channel for commands.

KVM is used if a kernel boots with it; otherwise qemu emulates the processor, which is slower and proves the same.
"""
import functools
import json
import os
import socket
import subprocess
import sys
import time

MEMORY_MB = 1024
PROBE_S = 8  # a kernel without a root file system gives up within a second
SLOW = 4     # emulation takes longer


@functools.cache
def accelerator(kernel):
    """"kvm" or "tcg". /dev/kvm may be there and not work, in a machine that is virtual itself."""
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return "tcg"
    try:
        done = subprocess.run(["qemu-system-x86_64", "-accel", "kvm", "-cpu", "host", "-m", "256", "-nodefaults", "-display", "none", "-no-reboot",
                               "-kernel", str(kernel), "-append", "panic=-1 quiet"], timeout=PROBE_S, capture_output=True, check=False)
        return "tcg" if done.returncode else "kvm"
    except subprocess.TimeoutExpired:
        return "tcg"


class Failed(Exception):
    """A command of the guest failed."""


class Machine:
    """One running machine; use as a context manager. FOLDER is scratch, IMAGE a path of image.sh, PAYLOAD a folder that becomes /payload."""

    def __init__(self, folder, image, payload):
        self.folder = folder
        self.kernel, self.initrd, disk = (f"{image}.{part}" for part in ("vmlinuz", "initrd", "disk"))
        self.accelerator = accelerator(self.kernel)
        self.console = folder / "console"
        self.channel = None
        self.buffer = b""
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", str(disk), str(folder / "disk")], check=True)
        subprocess.run(["mke2fs", "-q", "-F", "-t", "ext4", "-d", str(payload), str(folder / "payload"), "256M"], check=True)

    def __enter__(self):
        self.switch_on()
        return self

    def switch_on(self):
        path = self.folder / "agent"
        processor = "host" if self.accelerator == "kvm" else "max"
        self.process = subprocess.Popen(
            ["qemu-system-x86_64", "-accel", self.accelerator, "-cpu", processor, "-smp", "2", "-m", str(MEMORY_MB), "-nodefaults", "-display", "none",
             "-no-reboot", "-kernel", str(self.kernel), "-initrd", str(self.initrd), "-append", "root=/dev/vda rw console=ttyS0 loglevel=4 nokaslr mitigations=off",
             "-drive", f"file={self.folder}/disk,if=virtio,format=qcow2,cache=unsafe",
             "-drive", f"file={self.folder}/payload,if=virtio,format=raw,readonly=on",
             "-serial", f"file:{self.console}", "-device", "virtio-rng-pci", "-device", "virtio-serial-pci",
             "-chardev", f"socket,id=agent,path={path},server=on,wait=off", "-device", "virtserialport,chardev=agent,name=agent"])
        deadline = time.monotonic() + self.patience(10)
        self.channel = socket.socket(socket.AF_UNIX)
        while self.channel.connect_ex(str(path)):
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise Failed("qemu does not run")
            time.sleep(0.05)

    def __exit__(self, *why):
        self.channel.close()
        self.process.terminate()
        self.process.wait()

    def receive(self, seconds):
        deadline = time.monotonic() + seconds
        while b"\n" not in self.buffer:
            self.channel.settimeout(max(0.01, deadline - time.monotonic()))
            try:
                got = self.channel.recv(65536)
            except TimeoutError:
                raise Failed(f"the guest was silent for {seconds} s; its console ends with\n{self.last_of_console()}") from None
            if not got:
                raise Failed(f"qemu ended; the console ends with\n{self.last_of_console()}")
            self.buffer += got
        line, _, self.buffer = self.buffer.partition(b"\n")
        return json.loads(line)

    def last_of_console(self):
        return self.console.read_text(errors="replace")[-2000:] if self.console.exists() else ""

    def patience(self, seconds):
        return seconds if self.accelerator == "kvm" else seconds * SLOW

    def wait_for_boot(self, seconds=120):
        """Waits until the agent has started, and returns the boot id."""
        while True:
            said = self.receive(self.patience(seconds))
            if "hello" in said:
                return said["hello"]

    def reboot(self):
        """Shuts down cleanly, and switches the machine on again: an emulated one may hang after a reset."""
        before = self.run("cat /proc/sys/kernel/random/boot_id").strip()
        self.channel.sendall(json.dumps({"run": "systemctl reboot", "seconds": 30}).encode() + b"\n")
        try:
            self.process.wait(self.patience(120))
        except subprocess.TimeoutExpired:
            raise Failed(f"the guest does not shut down; its console ends with\n{self.last_of_console()}") from None
        self.channel.close()
        self.buffer = b""
        self.switch_on()
        if self.wait_for_boot() == before:
            raise Failed("it is the same boot")

    def attempt(self, command, seconds=30):
        """Runs COMMAND by bash as root; returns (status, output)."""
        seconds = self.patience(seconds)
        self.channel.sendall(json.dumps({"run": command, "seconds": seconds}).encode() + b"\n")
        said = self.receive(seconds + 10)
        if os.environ.get("VERBOSE"):
            print(f"    # {command}\n    {said['status']}: {said['output']}", file=sys.stderr)
        return said["status"], said["output"]

    def run(self, command, seconds=30):
        """The output of COMMAND, which must succeed."""
        status, output = self.attempt(command, seconds)
        if status:
            raise Failed(f"{command}\nended with {status}:\n{output}")
        return output

    def wait(self, command, seconds=30):
        """Repeats COMMAND until it succeeds; returns its last output."""
        deadline = time.monotonic() + self.patience(seconds)
        while True:
            status, output = self.attempt(command)
            if status == 0:
                return output
            if time.monotonic() > deadline:
                raise Failed(f"after {self.patience(seconds)} s still not: {command}\n{output}")
            time.sleep(0.1)
