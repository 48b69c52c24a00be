#!/usr/bin/env python3
"""A provider with limits of connections and of messages per period: are they obeyed exactly, and how long does the mail take?

usage: provider.py --build DIR [--count 300] [--messages 30] [--period 60] [--connections 3] [--slack 0.05]

All COUNT messages wait at once. None may be refused, and the time from the first to the last is at most SLACK above the minimum: whole
periods between batches of MESSAGES.
"""
import asyncio

from traffic import Host, Load

import harness
from harness import Mailroot, wait_for


def run(options):
    folder = harness.scratch()
    limits = ("--connections", options.connections, "--messages", options.messages, "--period", options.period)
    least = (-(-options.count // options.messages) - 1) * options.period
    with Host(folder, "provider", options=limits) as host:
        settings = f"rate {options.messages}/{options.period}s; max_connections {options.connections}"
        with Mailroot(f"smart_host [127.0.0.1]:{host.port}\noutbound {{ {settings} }}") as server:
            load = Load(server, 10000, lambda number: f"d{number % 10}.test")
            asyncio.run(load.run(options.count))
            wait_for(lambda: len(host.messages()) >= options.count, "the last message", least * 1.5 + 60)
            wait_for(lambda: not server.files("new", "") and not server.files("cur", ""), "an empty spool")
    times = [seconds for seconds, _ in host.messages()]
    took = times[-1] - times[0]
    print(f"{len(times)} messages at {settings}: {took:.2f} s, {100 * (took / least - 1):.2f} % above the least of {least} s; "
          f"refused {len(host.refusals())}")
    failures = [f"refused: {host.refusals()[:5]}"] if host.refusals() else []
    if took > least * (1 + options.slack):
        failures.append("too slow")
    if len({number for _, number in host.messages()}) != options.count or len(times) != options.count:
        failures.append("not each message once")
    return failures


harness.campaign(run, count=300, messages=30, period=60, connections=3, slack=0.05)
