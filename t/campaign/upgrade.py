#!/usr/bin/env python3
"""Another version takes over under load: is a connection refused, a session broken, mail lost or sent twice, and how long is the pause?

usage: upgrade.py --build DIR [--rate 500] [--seconds 30] [--upgrades 3]

Every other message goes into the drop folder, the rest to a smart host that notes the time. The upgrades are spread over the time, each to the
next version. There is no window: a delivery under way finishes, so nothing may come twice.
"""
import asyncio
import collections
import re
import sys
import time

from traffic import Host, Load

import harness
from harness import Mailroot, wait_for
from versions import upgradable

GAP_S = 3.0  # without a reply or a delivery; the machine may be busy with other things
AROUND_S = 1.5


class Clients(Load):
    """Counts what goes wrong in place of stopping."""

    refused, broken = 0, 0

    async def _client(self, begin, numbers):
        while True:
            try:
                return await super()._client(begin, numbers)
            except ConnectionRefusedError:
                self.refused += 1
            except (OSError, AssertionError) as error:
                self.broken += 1
                print(f"broken session: {error}", file=sys.stderr)


def longest_gap(times, spans):
    """The longest pause between two of TIMES that touches one of SPANS, and the longest of the others."""
    inside, outside = 0.0, 0.0
    for before, after in zip(times, times[1:]):
        if any(before < end and begin < after for begin, end in spans):
            inside = max(inside, after - before)
        else:
            outside = max(outside, after - before)
    return inside, outside


async def campaign(load, server, options):
    sending = asyncio.create_task(load.run(int(options.rate * options.seconds)))
    spans = []
    for n in range(1, options.upgrades + 1):
        await asyncio.sleep(options.seconds / (options.upgrades + 1))
        version, begun = server.versions.install(n), time.time()
        done = await asyncio.to_thread(server.ctl, "upgrade")
        spans.append((begun, time.time()))
        assert f"version {version} has taken over\n" in done.stdout, done.stdout
    await sending
    return spans


def judge(server, load, host, spans):
    arrived = collections.Counter(number for _, number in host.messages())
    for path in server.files("drop"):
        arrived[int(re.search(rb"^Subject: number (\d+)", path.read_bytes(), re.M)[1])] += 1
    lost = [number for number in load.sent if not arrived[number]]
    twice = [number for number, times in arrived.items() if times > 1]
    around = [(begin, end + AROUND_S) for begin, end in spans]
    accepted, else_accepted = longest_gap(sorted(load.sent.values()), around)
    delivered, else_delivered = longest_gap(sorted(seconds for seconds, _ in host.messages()), around)
    seconds = max(load.sent.values()) - min(load.sent.values())
    print(f"messages {len(load.sent)}, {len(load.sent) / seconds:.0f} a second; upgrades {len(spans)}, the slowest took "
          f"{max(end - begin for begin, end in spans):.2f} s")
    print(f"refused connections {load.refused}, broken sessions {load.broken}, lost {len(lost)}, twice {len(twice)}")
    print(f"longest pause of acceptance {accepted:.3f} s (otherwise {else_accepted:.3f} s), of delivery {delivered:.3f} s (otherwise {else_delivered:.3f} s)")
    failures = []
    if load.refused or load.broken:
        failures.append("clients noticed the upgrade")
    if lost:
        failures.append(f"lost: {lost[:20]}")
    if twice:
        failures.append(f"twice: {twice[:20]}")
    if max(accepted, delivered) > GAP_S:
        failures.append("the pause is too long")
    if server.files("badmail", ".eml"):
        failures.append("bad mail")
    return failures


def run(options):
    folder = harness.scratch()
    with Host(folder, "host") as host:
        server = upgradable(Mailroot(f"smart_host [127.0.0.1]:{host.port}\ndelivery {{ retry 1s }}"))
        for n in range(1, options.upgrades + 1):
            server.versions.make(n)
        with server:
            load = Clients(server, options.rate, lambda number: "example.com" if number % 2 else "example.net", connections=8)
            spans = asyncio.run(campaign(load, server, options))
            wait_for(lambda: not server.files("new", "") and not server.files("cur", ""), "an empty spool", 120)
            return judge(server, load, host, spans)


if __name__ == "__main__":
    harness.campaign(run, rate=500.0, seconds=30.0, upgrades=3)
