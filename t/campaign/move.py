#!/usr/bin/env python3
"""Many messages move to another queue: how long does it take, how much memory, and does each message arrive once?

usage: move.py --build DIR [--messages 100000]

The messages lie in the spool of a service; half of them wait with a journal. One export with --remove, one import; then the other service delivers them into its
drop folder, where they are counted.
"""
import argparse
import collections
import os
import pathlib
import random
import re
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "system"))
import harness  # noqa: E402
from harness import Mailroot, wait_for  # noqa: E402

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LINE = b"2026-11-21T01:00:00Z 0 delayed 451 4.3.0 mx.test later\n"


def seed(server, count):
    folder = server.server_folder() / "cur"
    owner = folder.stat()
    for number in range(count):
        ident = "01NGWN7A" + "".join(random.choice(ALPHABET) for _ in range(16))
        text = (f"x-sender: app@example.com\r\nx-receiver: r{number}@example.com\r\nReceived: from x by y; Sat, 21 Nov 2026 10:00:00 +0000\r\n"
                f"Subject: number {number}\r\n\r\n" + "text of the message\r\n" * 50).encode()
        files = [(f"{ident},S={len(text)}.eml", text)] + ([(f"{ident}.log", LINE)] if number % 2 else [])
        for name, content in files:
            with open(folder / name, "wb") as out:
                out.write(content)
            os.chown(folder / name, owner.st_uid, owner.st_gid)


def run(server, *args):
    """Seconds and peak memory in KiB."""
    begun = time.monotonic()
    process = subprocess.Popen([str(server.programs / "mailrootctl"), "-c", str(server.conf), "queue", *map(str, args)])
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, args
    return time.monotonic() - begun, usage.ru_maxrss


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True)
    parser.add_argument("--messages", type=int, default=100000)
    args = parser.parse_args()
    harness.BUILD = pathlib.Path(args.build).resolve()
    with Mailroot("delivery { expire 300d }") as one, Mailroot("delivery { expire 300d }") as two:
        one.stop()
        seed(one, args.messages)
        file = one.folder / "mail.tar"
        seconds, peak = run(one, "export", file, "--remove")
        print(f"export: {args.messages} messages, {file.stat().st_size >> 20} MiB, {seconds:.1f} s, peak {peak} KiB")
        assert not one.files("cur", "")
        seconds, peak = run(two, "import", file)
        print(f"import: {seconds:.1f} s, peak {peak} KiB")
        begun = time.monotonic()
        two.stop()
        two.start()
        wait_for(lambda: not two.files("cur") and not list(two.server_folder().glob("moved/in-*/*.eml")) and len(two.files("drop")) >= args.messages,
                 "all mail in the drop folder", 60 + args.messages / 50)
        print(f"delivered: {time.monotonic() - begun:.1f} s")
        got = collections.Counter(int(re.search(rb"number (\d+)", path.read_bytes()).group(1)) for path in two.files("drop"))
        assert got == collections.Counter(range(args.messages)), "not each message once"
        assert two.ctl_json("queue", "import", file)["already"] == args.messages
    print("each message once")


if __name__ == "__main__":
    main()
