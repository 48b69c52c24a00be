#!/usr/bin/env python3
"""kill -9 of an export, an import or a queue while mail moves between two services: each message must be in one of the queues, once.

usage: kill_move.py --build DIR [--messages 200] [--rounds 20] [--seed N]

In each round all mail moves to the other service. The export, the import, or the queue that takes the mail is killed at a random moment; then an administrator
does what doc/moving-mail.md says. At the end the mail is released, and the next hop must get each message once.
"""
import argparse
import collections
import os
import pathlib
import random
import re
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "system"))
import harness  # noqa: E402
from harness import Mailroot, Sink, wait_for  # noqa: E402

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
HELD = "2026-11-21T01:00:00Z * held 0 - - by an operator\n"


def text_of(number):
    return (f"x-sender: app@example.com\r\nx-receiver: r{number}@one.test\r\nReceived: from x by y; Sat, 21 Nov 2026 10:00:00 +0000\r\n"
            f"Subject: number {number}\r\n\r\nx\r\n").encode()


def seed(server, count):
    """COUNT held messages in the spool of a service that is stopped."""
    folder = server.server_folder() / "cur"
    owner = folder.stat()
    for number in range(count):
        ident = "01NGWN7A" + "".join(random.choice(ALPHABET) for _ in range(16))
        text = text_of(number)
        for name, content in ((f"{ident}.log", HELD.encode()), (f"{ident},S={len(text)}.eml", text)):
            (folder / name).write_bytes(content)
            os.chown(folder / name, owner.st_uid, owner.st_gid)
        os.utime(folder / f"{ident}.log", (1, 1))


def census(*servers):
    """number -> how often it lies in a queue, or on its way into one."""
    found = collections.Counter()
    for server in servers:
        folder = server.server_folder()
        for place in [folder / "cur", folder / "new", *folder.glob("moved/in-*"), *folder.glob("moved/out-*")]:
            for path in place.glob("*.eml") if place.is_dir() else []:
                try:
                    found[int(re.search(rb"number (\d+)", path.read_bytes()).group(1))] += 1
                except FileNotFoundError:
                    pass
    return found


def command(server, *args, kill_after=None):
    """Runs mailrootctl, which is killed after that time; its exit status, or None."""
    process = subprocess.Popen([str(server.programs / "mailrootctl"), "-c", str(server.conf), "queue", *map(str, args)],
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        said = process.communicate(timeout=kill_after)[0]
        if process.returncode:
            print(f"{args[0]}: exit {process.returncode}: {said.strip()[:300]}")
        return process.returncode
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return None


def export(server, file, kill_after):
    if command(server, "export", file, "--remove", kill_after=kill_after) == 0:
        return False
    for _ in range(100):
        if command(server, "export", file, "--remove") == 0:
            return True
        part = pathlib.Path(f"{file}.part")
        part.unlink(missing_ok=True)  # as the message says: its mail is in the queue
        wait_for(lambda: not [path for path in server.server_folder().glob("moved/out-*/*.eml")], "the mail is back in the queue", 90)
    raise AssertionError("the export does not get through")


def move(one, two, file, which, after):
    """True if something was killed."""
    killed = export(one, file, after if which == "export" else None)
    done = command(two, "import", file, kill_after=after if which == "import" else None)
    if which == "queue":
        two.stop()
        two.start()
        time.sleep(after)  # the moment of the kill does not matter
        os.kill(two.pids()["queue"], signal.SIGKILL)
        killed = True
    if done is None:
        killed = True
    assert command(two, "import", file) == 0
    two.stop()
    two.start()
    wait_for(lambda: not [path for path in two.server_folder().glob("moved/in-*/*.eml")], "the queue takes the mail", 90)
    file.unlink()
    return killed


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True)
    parser.add_argument("--messages", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1000000)
    args = parser.parse_args()
    harness.BUILD = pathlib.Path(args.build).resolve()
    print(f"seed {args.seed}")
    random.seed(args.seed)
    wanted = collections.Counter(range(args.messages))
    kills = 0
    with Sink() as sink:
        conf = f"smart_host [127.0.0.1]:{sink.port}\n"
        with Mailroot(conf) as one, Mailroot(conf) as two:
            one.stop()
            seed(one, args.messages)
            one.start()
            for number in range(args.rounds):
                which = ["export", "import", "queue"][number % 3]
                kills += move(one, two, one.folder / f"{number}.tar", which, random.uniform(0, 0.02 + args.messages / 2000))
                assert census(one, two) == wanted, (number, which, wanted - census(one, two), census(one, two) - wanted)
                one, two = two, one
            wait_for(lambda: len(one.ctl_json("queue", "list")["messages"]) == args.messages, "all mail in the queue", 90)
            one.ctl("queue", "release", "--all", "--yes")
            sink.wait(args.messages, 120)
            wait_for(lambda: not one.ctl_json("queue", "list")["messages"], "an empty queue", 60)
            got = collections.Counter(int(re.search(rb"number (\d+)", text).group(1)) for _, _, text in sink.messages)
            assert got == wanted, (wanted - got, got - wanted)
    print(f"{args.messages} messages, {args.rounds} moves, {kills} kills: nothing lost, nothing twice")
    assert kills, "nothing was killed: all was over too soon"


if __name__ == "__main__":
    main()
