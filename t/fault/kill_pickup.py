#!/usr/bin/env python3
"""Files of five writers in the pickup folder while the reader, the queue and master are killed at random: each message is dropped once and complete.

usage: kill_pickup.py --build DIR [--files N] [--kills N]

Kills continue until there were --kills of them and all files are written; then each file is compared with what its writer intended. Prints what was
killed, and how long it took. Exits 1 if a message was lost, duplicated or altered.
"""
import argparse
import collections
import os
import pathlib
import random
import signal
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "system"))
import harness
import writers

TARGETS = ("pickup", "pickup", "pickup", "pickup", "queue", "smtpd", "local", "master")


def kill_one(server, killed):
    role = random.choice(TARGETS)
    pid = server.pids().get(role)
    if not pid:
        return
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    killed[role] += 1
    if role == "master":
        server.process.wait()
        server.process = None
        server.start()


def write(name, numbers, folder, want):
    for number in numbers:
        want[f"{name} {number}"] = writers.WRITERS[name](folder, number, f"{name}@example.com", **({"pause": 0.01} if name == "slow" else {}))[1]
        time.sleep(random.random() * 0.01)


def run(server, files, kills):
    folder, want, killed = server.server_folder() / "pickup", {}, collections.Counter()
    threads = [threading.Thread(target=write, args=(name, range(files // len(writers.WRITERS)), folder, want)) for name in writers.WRITERS]
    for thread in threads:
        thread.start()
    while killed.total() < kills or any(thread.is_alive() for thread in threads):
        time.sleep(random.random() * 0.2)
        if killed.total() < kills:
            kill_one(server, killed)
    for thread in threads:
        thread.join()
    harness.wait_for(lambda: not list(folder.iterdir()) and len(server.files("drop")) >= len(want), "all files dropped", 180)
    return want, killed


def compare(server, want):
    trouble, found = 0, {}
    for path in server.files("drop"):
        subject, body = writers.subject_and_body(path.read_bytes())
        if subject in found:
            print(f"doubled: {subject}")
        elif want.get(subject) != body:
            print(f"altered: {subject}")
        trouble += subject in found or want.get(subject) != body
        found[subject] = body
    for subject in want.keys() - found.keys():
        print(f"lost: {subject}")
        trouble += 1
    return trouble + len(server.files("badmail"))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", required=True, type=pathlib.Path)
    parser.add_argument("--files", type=int, default=5000)
    parser.add_argument("--kills", type=int, default=300)
    args = parser.parse_args()
    harness.BUILD = args.build.resolve()
    began = time.monotonic()
    with harness.Mailroot() as server:
        want, killed = run(server, args.files, args.kills)
        trouble = compare(server, want)
    print(f"files={len(want)} kills={killed.total()} ({', '.join(f'{role} {n}' for role, n in sorted(killed.items()))}) "
          f"trouble={trouble} seconds={time.monotonic() - began:.0f}")
    return trouble != 0


if __name__ == "__main__":
    sys.exit(main())
