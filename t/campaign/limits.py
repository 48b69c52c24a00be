#!/usr/bin/env python3
"""One client floods the server: do others notice?

usage: limits.py --build DIR [--connections 2000] [--rate 500] [--seconds 10] [--rounds 3] [--slack 0.2]

Messages of one client, one after the other, are timed from the connection to the 250: while it is quiet; while another address holds as many
connections as it can; and while another address that may relay sends RATE messages a second, of which
`messages 60/1m` lets one through each second. The phases alternate. Beside a flood the median of all rounds may be longer by SLACK of the quiet
one. Memory of the smtpd parent and the lines in the log are bounded.
"""
import multiprocessing
import pathlib
import smtplib
import socket
import statistics
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "system"))

import harness  # noqa: E402
from harness import wait_for  # noqa: E402
from test_crowd import CROWD, OTHER, SERVER, TRUSTED, Crowd, Crowded, setUpModule  # noqa: E402

LINES_MAX = 20


def timed(server, seconds):
    """Seconds that each message took, sent by a client of its own connection."""
    took, until = [], time.monotonic() + seconds
    while time.monotonic() < until:
        began = time.monotonic()
        with smtplib.SMTP(SERVER, server.port, local_hostname="other.test", timeout=60, source_address=(OTHER, 0)) as client:
            client.sendmail("app@example.com", ["b@example.com"], b"Subject: x\r\n\r\nhello\r\n")
        took.append(time.monotonic() - began)
    return took


def run_away(server, rate, stop, result):
    """Tries RATE messages a second; a session that is ended begins anew. A process of its own: it must not slow down what is timed here."""
    client, due, counts = None, time.monotonic(), {}
    while not stop.is_set():
        due += 1 / rate
        if due > time.monotonic():
            stop.wait(due - time.monotonic())
        try:
            if not client:
                client = socket.create_connection((SERVER, server.port), timeout=10, source_address=(TRUSTED, 0)).makefile("rwb")
                client.write(b"HELO runaway\r\n")
                client.flush()
                client.readline()
                client.readline()
            client.write(b"MAIL FROM:<app@example.com>\r\n")
            client.flush()
            code = client.readline()[:3].decode()
            counts[code] = counts.get(code, 0) + 1
            if code == "250":
                client.write(b"RCPT TO:<b@example.com>\r\nDATA\r\nSubject: x\r\n\r\nx\r\n.\r\n")
                client.flush()
                for _ in range(3):
                    client.readline()
            elif code != "451":
                client = None
        except OSError:
            client = None
    result.put(counts)


def memory(server):
    status = pathlib.Path(f"/proc/{server.pids()['smtpd']}/smaps_rollup").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("Pss:")).split()[1])


def crowded(server, options):
    with Crowd(server, options.connections) as crowd:
        wait_for(lambda: crowd.count(421) >= options.connections - 50, "the crowd", 120)
        return timed(server, options.seconds)


def beside_runaway(server, options, counts):
    context = multiprocessing.get_context("fork")
    stop, result = context.Event(), context.Queue()
    runaway = context.Process(target=run_away, args=(server, options.rate, stop, result))
    runaway.start()
    took = timed(server, options.seconds)
    stop.set()
    for code, count in result.get(timeout=30).items():
        counts[code] = counts.get(code, 0) + count
    runaway.join()
    return took


def longer(took, quiet):
    return statistics.median(took) / statistics.median(quiet) - 1


def words(name, took, quiet):
    return (f"{name}: {len(took)} messages, median {statistics.median(took) * 1000:.2f} ms ({100 * longer(took, quiet):+.0f} %), "
            f"worst {max(took) * 1000:.0f} ms")


def run(options):
    setUpModule()
    quiet, crowd, runaway, counts, failures = [], [], [], {}, []
    with Crowded("processes { max 200 }\nclient { messages 60/1m; except_list " + OTHER + " }") as server:
        timed(server, 2)
        before = memory(server)
        for _ in range(options.rounds):
            quiet += timed(server, options.seconds)
            crowd += crowded(server, options)
            quiet += timed(server, options.seconds)
            runaway += beside_runaway(server, options, counts)
        after = memory(server)
        lines = [line for line in server.log().splitlines() if " times=" in line]
    for name, took in (("quiet", quiet), (f"{options.connections} connections of one client", crowd), ("one runaway client", runaway)):
        print(words(name, took, quiet))
        if longer(took, quiet) > options.slack:
            failures.append(f"{name}: others wait more than {100 * options.slack:.0f} % longer")
    print(f"the runaway client got {counts}; PSS of the smtpd parent {before} KiB, then {after} KiB; {len(lines)} lines in the log")
    if sum(counts.values()) < options.rate * options.seconds * options.rounds / 4:
        failures.append("the runaway client sent too little to mean anything")
    if after > before + 6 * 1024:
        failures.append("the smtpd parent has grown")
    if len(lines) > LINES_MAX:
        failures.append(f"{len(lines)} lines in the log")
    return failures


harness.campaign(run, connections=2000, rate=500.0, seconds=10.0, rounds=3, slack=0.2)
