#!/usr/bin/env python3
"""The logs of a month, replayed: how long does it take, how much memory, and how many recipients are decided alike?

usage: replay.py --build DIR [--rows 1000000] [--seconds 120] [--alike 99.9]

An old server writes one file a day: a thousand clients, some of which authenticate, and three sessions in a hundred of strangers who try to
relay. The configuration is what `mailrootctl import-iis` makes of the server's metabase. A tenth of the logs must need as much memory as all.
"""
import argparse
import fcntl
import json
import os
import pathlib
import re
import select
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "system"))
import harness
import oldlogs
from oldlogs import Rules, Traffic

DAYS, MEMORY_SLACK_KIB = 30, 4096
STRANGERS = [f"203.0.113.{n}" for n in range(1, 30)]
DEVICES = [f"10.1.{n // 200}.{n % 200 + 1}" for n in range(1000)]
USERS = [f"192.168.9.{n}" for n in range(1, 40)]
DOMAINS = ["example.com"] * 10 + ["partner.example"] * 3 + [f"customer{n}.example" for n in range(500)]


def write_logs(folder, traffic, rows):
    for day in range(DAYS):
        traffic.now = oldlogs.BEGIN + oldlogs.datetime.timedelta(days=day)
        oldlogs.write(folder / f"ex{traffic.now:%y%m%d}.log", traffic.rows(rows // DAYS), "ex")


def replay(conf, paths):
    """(what it found, seconds, KiB of memory at most). The pipe is so small that the process waits for a reader at its end: then its memory is read."""
    began = time.monotonic()
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    process = subprocess.Popen([str(harness.BUILD / "mailrootctl"), "-c", str(conf), "replay", *map(str, paths), "--json"], stdout=writer)
    os.close(writer)
    select.select([reader], [], [])
    memory = int(re.search(r"VmHWM:\s+(\d+) kB", pathlib.Path(f"/proc/{process.pid}/status").read_text())[1])
    with os.fdopen(reader) as answer:
        told = json.load(answer)
    if process.wait() not in (0, 1):
        sys.exit(f"exit {process.returncode}")
    return told, time.monotonic() - began, memory


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", required=True, type=pathlib.Path)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--alike", type=float, default=99.9)
    options = parser.parse_args()
    harness.BUILD = options.build.resolve()
    rules = Rules()
    traffic = Traffic(rules, DEVICES * 30 + STRANGERS * 30 + USERS * 30, DOMAINS, USERS)
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        folder = pathlib.Path(folder)
        conf = folder / "mailroot.conf"
        (folder / "MetaBase.xml").write_text(rules.metabase(), encoding="utf-8")
        subprocess.run([str(harness.BUILD / "mailrootctl"), "import-iis", str(folder / "MetaBase.xml"), "--out", str(conf)], check=True,
                       capture_output=True)
        write_logs(folder, traffic, options.rows)
        _, _, little = replay(conf, sorted(folder.glob("ex*.log"))[:DAYS // 10])
        told, seconds, memory = replay(conf, [folder])
    known = told["same"] + told["otherwise"]
    alike = 100 * told["same"] / known
    print(f"{told['rows']} rows in {seconds:.1f} s, {memory} KiB of memory ({little} KiB for a tenth); of {traffic.recipients} recipients "
          f"{told['unknowable']} unknowable ({traffic.of_users} of users), of the others {alike:.3f} % alike")
    faults = [fault for fault, found in (
        (f"it took longer than {options.seconds} s", seconds > options.seconds),
        ("memory grows with the logs", memory > little + MEMORY_SLACK_KIB),
        (f"fewer than {options.alike} % are alike", alike < options.alike),
        ("recipients are missing", known + told["unknowable"] != traffic.recipients),
        ("lines were not read", told["bad_lines"] > 0),
        ("more are unknowable than those of users", told["unknowable"] > traffic.of_users)) if found]
    sys.exit("\n".join(faults) or 0)


main()
