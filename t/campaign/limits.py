#!/usr/bin/env python3
"""One client floods the server: do others notice?

usage: limits.py --build DIR [--connections 2000] [--rate 500] [--seconds 3] [--rounds 12] [--slack 0.2]

Messages of one client, one after the other, are timed from the connection to the 250: while it is quiet; while another address holds as many
connections as it can; and while another address that may relay sends RATE messages a second, of which
`messages 60/1m` lets one through each second. A round has each flood between two quiet times; many short rounds and the median of their ratios
keep the other load of a machine out. Beside a flood a message may take longer by SLACK. Memory of the smtpd parent and the lines in the log are
bounded.
"""
import asyncio
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


async def hammer(server, pause, stop, counts):
    """One session after the other: MAIL again and again."""
    while not stop.is_set():
        reader, writer = await asyncio.open_connection(SERVER, server.port, local_addr=(TRUSTED, 0))

        async def ask(line, replies=1, reader=reader, writer=writer):
            writer.write(line + b"\r\n")
            return [(await reader.readline())[:3].decode() for _ in range(replies)][0]

        code = await ask(b"HELO runaway", 2)
        while code not in ("421", "") and not stop.is_set():
            began = time.monotonic()
            code = await ask(b"MAIL FROM:<app@example.com>")
            counts[code] = counts.get(code, 0) + 1
            if code == "250":
                await ask(b"RCPT TO:<b@example.com>\r\nDATA\r\nSubject: x\r\n\r\nx\r\n.", 3)
            await asyncio.sleep(max(0, began + pause - time.monotonic()))
        writer.close()


def run_away(server, rate, stop, result):
    """Tries RATE messages a second, in many sessions because each refusal is held back. A process of its own: it must not slow down what is
    timed here."""
    sessions, counts = max(1, int(rate / 8)), {}

    async def all_of_them():
        await asyncio.gather(*(hammer(server, sessions / rate, stop, counts) for _ in range(sessions)))

    asyncio.run(all_of_them())
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


def ratios(rounds, name):
    """Of each round: the median beside the flood NAME, by the median of the quiet times before and after it."""
    return [statistics.median(one[name]) / statistics.median(one[f"quiet before {name}"] + one["quiet at the end"]) for one in rounds]


def words(rounds, name):
    took = [seconds for one in rounds for seconds in one[name]]
    each = sorted(ratios(rounds, name))
    return (f"{name}: {len(took)} messages, median {statistics.median(took) * 1000:.2f} ms, worst {max(took) * 1000:.0f} ms; "
            f"by quiet: {statistics.median(each):.2f} ({each[0]:.2f} to {each[-1]:.2f} in {len(each)} rounds)")


def run(options):
    setUpModule()
    rounds, counts, failures = [], {}, []
    floods = {"a crowd": lambda server: crowded(server, options), "a runaway": lambda server: beside_runaway(server, options, counts)}
    with Crowded("processes { max 200 }\nclient { messages 60/1m; except_list " + OTHER + " }") as server:
        timed(server, 2)
        before = memory(server)
        for _ in range(options.rounds):
            one = {}
            for name, flood in floods.items():
                one[f"quiet before {name}"] = timed(server, options.seconds / 2)
                one[name] = flood(server)
            one["quiet at the end"] = timed(server, options.seconds / 2)
            rounds.append(one)
        after = memory(server)
        lines = [line for line in server.log().splitlines() if " times=" in line]
    for name in floods:
        print(words(rounds, name))
        if statistics.median(ratios(rounds, name)) > 1 + options.slack:
            failures.append(f"{name}: others wait more than {100 * options.slack:.0f} % longer")
    print(f"the runaway client got {counts}; PSS of the smtpd parent {before} KiB, then {after} KiB; {len(lines)} lines in the log")
    if sum(counts.values()) < options.rate * options.seconds * options.rounds / 4:
        failures.append("the runaway client sent too little to mean anything")
    if after > before + 6 * 1024:
        failures.append("the smtpd parent has grown")
    if len(lines) > LINES_MAX:
        failures.append(f"{len(lines)} lines in the log")
    return failures


harness.campaign(run, connections=2000, rate=500.0, seconds=3.0, rounds=12, slack=0.2)
