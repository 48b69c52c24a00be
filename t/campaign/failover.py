#!/usr/bin/env python3
"""A smart host is killed under load and comes back: which host gets the mail, after how long, and is any lost, duplicated or returned?

usage: failover.py --build DIR [--rate 500] [--seconds 30]

Two smart hosts. The first is killed (-9) after a third of the time and restarted after two thirds. The one window: mail that the first
has recorded and not acknowledged when it is killed. So there are at most as many second copies as it had connections, all of them recorded in
the last moment before it was killed.
"""
import asyncio
import collections
import statistics
import time

import traffic
from traffic import Host, Load

import harness
from harness import Mailroot, wait_for

MOMENT_S = 2.0  # a kill is noticed only when the processor is free
FAIL_OVER_S, FAIL_BACK_S = 5.0, 25.0
CONNECTIONS = 100  # max_outbound_connections_per_domain


def first_since(host, when):
    return next((seconds - when for seconds, _ in host.messages() if seconds > when), None)


def shown(seconds):
    return "never" if seconds is None else f"{seconds:.3f} s"


async def campaign(load, first, options):
    count = int(options.rate * options.seconds)
    sending = asyncio.create_task(load.run(count))
    await asyncio.sleep(options.seconds / 3)
    killed = time.time()
    first.kill()
    await asyncio.sleep(options.seconds / 3)
    first.start()
    back = time.time()
    await sending
    return killed, back


def keep_sending(load, first, back):
    """The first host must get mail again: messages are sent until it does."""
    number = max(load.sent)
    while first_since(first, back) is None and time.time() < back + 2 * FAIL_BACK_S:
        number += 1
        load.server.send(["u@example.net"], text=f"Subject: number {number}\r\n\r\nx\r\n".encode())
        load.sent[number] = time.time()
        time.sleep(0.1)


def judge(server, load, first, second, killed, back):
    arrived, delays = collections.Counter(), []
    for seconds, number in first.messages() + second.messages():
        arrived[number] += 1
        if number in load.sent:
            delays.append(seconds - load.sent[number])
    lost = [number for number in load.sent if not arrived[number]]
    twice = {number for number, times in arrived.items() if times > 1}
    window = {number for seconds, number in first.messages() if killed - MOMENT_S < seconds <= killed + MOMENT_S}
    over, again = first_since(second, killed), first_since(first, back)
    print(f"messages {len(load.sent)}, in {max(load.sent.values()) - min(load.sent.values()):.1f} s; lost {len(lost)}, twice {len(twice)}")
    print(f"first delivery by the next host after {shown(over)}; by the first one after its return {shown(again)}")
    print(f"delay: median {statistics.median(delays) * 1000:.1f} ms, greatest {max(delays):.3f} s")
    failures = [f"lost: {lost[:20]}"] if lost else []
    if twice - window or len(twice) > CONNECTIONS:
        failures.append(f"twice beyond the window: {sorted(twice)[:20]}")
    if over is None or over > FAIL_OVER_S:
        failures.append(f"the next host got mail only after {over} s")
    if again is None or again > FAIL_BACK_S:
        failures.append(f"the first host got mail again only after {again} s")
    if server.files("drop") or server.files("badmail", ".eml"):
        failures.append("a notice was written")
    return failures


def run(options):
    folder = harness.scratch()
    with Host(folder, "first") as first, Host(folder, "second") as second, \
            Mailroot(f"smart_host [127.0.0.1]:{first.port} [127.0.0.1]:{second.port}") as server:
        load = Load(server, options.rate, lambda _: "example.net")
        killed, back = asyncio.run(campaign(load, first, options))
        keep_sending(load, first, back)
        wait_for(lambda: not server.files("new", "") and not server.files("cur", ""), "an empty spool", 120)
        return judge(server, load, first, second, killed, back)


harness.campaign(run, rate=500.0, seconds=30.0)
