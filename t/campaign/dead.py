#!/usr/bin/env python3
"""Many destinations, some of them dead or tarpits: are the healthy ones affected?

usage: dead.py --build DIR [--rate 40] [--seconds 20] [--rounds 4] [--slack 0.1]

The same mail to 200 destinations twice, alternating: once all are healthy, once 20 of them are in trouble, a third of each kind: no listener,
no connection (SYN goes unanswered), or a connection without a greeting. The delay is compared, from 250 to the next hop's
file, of mail to the other 180: the median of the ratios of all rounds.
"""
import asyncio
import contextlib
import socket
import statistics

import traffic
from traffic import Host, Load

import harness
from harness import Mailroot, wait_for

DESTINATIONS, BAD = 200, 20


def is_bad(destination):
    return destination % (DESTINATIONS // BAD) == 0


def address(destination):
    return f"127.1.0.{destination + 1}"


def listener(backlog):
    found = socket.socket()
    found.bind(("0.0.0.0", 0))
    found.listen(backlog)
    return found


@contextlib.contextmanager
def troubles():
    """Ports without a listener, without connections, and without a greeting."""
    with listener(0) as full, listener(1000) as tarpit, contextlib.ExitStack() as stack:
        for destination in range(DESTINATIONS):
            for _ in range(4 if is_bad(destination) else 0):
                filler = stack.enter_context(socket.socket())
                filler.setblocking(False)
                filler.connect_ex((address(destination), full.getsockname()[1]))
        yield [harness.free_port(), full.getsockname()[1], tarpit.getsockname()[1]]


def settings(port, bad_ports):
    lines = []
    for destination in range(DESTINATIONS):
        bad = bad_ports and is_bad(destination)
        to = bad_ports[destination // (DESTINATIONS // BAD) % len(bad_ports)] if bad else port
        lines.append(f"remote_domain d{destination}.test {{ route [{address(destination)}]:{to} }}")
    return "\n".join(lines)


def round_of(folder, name, options, bad):
    """Delays of mail to the healthy destinations."""
    with contextlib.ExitStack() as trouble, Host(folder, name, address="0.0.0.0") as host:
        server = Mailroot(settings(host.port, trouble.enter_context(troubles()) if bad else None))
        return delays_at(host, server, options, trouble)


def delays_at(host, server, options, trouble):
    with server:
        load = Load(server, options.rate, lambda number: f"d{number % DESTINATIONS}.test")
        asyncio.run(load.run(int(options.rate * options.seconds)))
        healthy = {number for number in load.sent if not is_bad(number % DESTINATIONS)}
        wait_for(lambda: len(healthy - {number for _, number in host.messages()}) == 0, "all mail to the healthy", 60)
        trouble.close()  # otherwise the script would wait for its end
        return [seconds - load.sent[number] for seconds, number in host.messages() if number in healthy]


def words(name, delays):
    return (f"{name}: {len(delays)} messages, delay median {statistics.median(delays) * 1000:.2f} ms, "
            f"mean {statistics.mean(delays) * 1000:.2f} ms, of nine in ten below {statistics.quantiles(delays, n=10)[-1] * 1000:.2f} ms, "
            f"greatest {max(delays):.3f} s")


def run(options):
    without, beside, ratios = [], [], []
    folder = harness.scratch()
    for number in range(options.rounds):
        one, other = round_of(folder, f"without{number}", options, False), round_of(folder, f"beside{number}", options, True)
        without, beside = without + one, beside + other
        ratios.append(statistics.median(other) / statistics.median(one))
    print(words("without the dead", without))
    print(words("beside the dead", beside))
    print("ratios of the rounds:", *(f"{ratio:.2f}" for ratio in sorted(ratios)))
    more = statistics.median(ratios) - 1
    return [f"the healthy ones wait {100 * more:.0f} % longer"] if more > options.slack else []


harness.campaign(run, rate=40.0, seconds=20.0, rounds=4, slack=0.1)
