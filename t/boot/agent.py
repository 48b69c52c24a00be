"""Runs commands as root in the guest: one line of JSON each way, over a virtio port. machine.py is at the other end.

{"run": COMMAND, "seconds": N} is answered by {"status": N, "output": TEXT}. Each start sends {"hello": BOOT ID}.
"""
import json
import os
import pathlib
import subprocess
import time

TIMEOUT = 124  # as timeout(1)


def run(order):
    try:
        done = subprocess.run(["bash", "-c", order["run"]], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=order["seconds"])
        return done.returncode, done.stdout
    except subprocess.TimeoutExpired as late:
        return TIMEOUT, late.output or b""


def main():
    fd = os.open("/dev/virtio-ports/agent", os.O_RDWR)

    def say(**what):
        text = json.dumps(what).encode() + b"\n"
        while text:
            text = text[os.write(fd, text):]

    say(hello=pathlib.Path("/proc/sys/kernel/random/boot_id").read_text().strip())
    buffer = b""
    while True:
        while b"\n" not in buffer:
            got = os.read(fd, 65536)
            if not got:  # the host is not connected
                time.sleep(0.1)
            buffer += got
        line, _, buffer = buffer.partition(b"\n")
        status, output = run(json.loads(line))
        say(status=status, output=output.decode(errors="replace"))


main()
