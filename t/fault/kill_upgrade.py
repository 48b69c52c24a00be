#!/usr/bin/env python3
"""kill -9 of mailrootd at each step of an upgrade, under load: no acknowledged message is lost, none comes twice, and the service starts again.

usage: kill_upgrade.py --build DIR [--points N] [--error ENOMEM]   (root, strace)

First the system calls of mailrootd during one upgrade are counted, those of the old program and of the new one: strace follows the process over
execve. Then, for each of them, another upgrade is ordered, and strace kills mailrootd as it enters that call, or, with --error, makes the call
fail. A killed service is started again as init would do. With --points only so many steps are tried, spread over all of them.
"""
import argparse
import collections
import contextlib
import pathlib
import re
import signal
import subprocess
import sys
import time

from kill_random import Load, answers, number_of

import harness
from harness import Mailroot, Sink, wait_for
from versions import upgradable

# Those that change something outside of the process, or may fail.
CALLS = ("memfd_create,pipe2,clone,clone3,execve,fcntl,openat,read,pread64,write,sendto,sendmsg,recvmsg,socketpair,setsockopt,getsockname,listen,bind,"
         "flock,wait4,waitid,kill,close,chdir,signalfd4,poll")
NEVER_FAIL = ("close",)  # for lack of anything
OCCURRENCES_MAX = 4  # of one call, and the last one


@contextlib.contextmanager
def traced(server, *arguments):
    """strace attached to master alone; gives a list that holds its output after the end."""
    output = []
    tracer = subprocess.Popen(["strace", "-qq", "-p", str(server.process.pid), *arguments], stderr=subprocess.PIPE, text=True)
    wait_for(lambda: "TracerPid:\t0\n" not in pathlib.Path(f"/proc/{server.process.pid}/status").read_text() or tracer.poll() is not None,
             "strace to attach")
    try:
        yield output
    finally:
        tracer.send_signal(signal.SIGINT)
        output.append(tracer.communicate()[1])


def upgrade(server, count):
    server.versions.install(count % 2)
    return server.ctl("upgrade", check=False)


def calls_of(server):
    """call name -> how often master makes it during an upgrade."""
    with traced(server, "-e", f"trace={CALLS}") as output:
        done = upgrade(server, 1)
    assert done.returncode == 0, done.stderr
    return collections.Counter(re.findall(r"^(\w+)\(", output[0], re.M))


def steps(server, points):
    found = []
    for call, times in sorted(calls_of(server).items()):
        numbers = {*range(1, min(times, OCCURRENCES_MAX) + 1), times}
        found += [(call, number) for number in sorted(numbers)]
    return found if not points else found[::max(1, len(found) // points)][:points]


def strike(server, call, number, count, error):
    """One kill or error. Whether it happened, and what is wrong afterwards."""
    what = f"error={error}" if error else "signal=KILL"
    with traced(server, "-e", f"trace={call}", "-e", f"inject={call}:{what}:when={number}") as output:
        upgrade(server, count)
    struck = ("(INJECTED)" if error else "SIGKILL") in output[0]
    if struck and not error:
        server.process.wait()
    if server.process.poll() is not None:
        server.start()
    try:
        wait_for(lambda: answers(server.port), "an answer", 10)
        wait_for(lambda: server.ctl("status", check=False).returncode == 0, "a service that runs", 20)
    except AssertionError as problem:
        return struck, [str(problem)]
    return struck, []


def run(points, error):
    struck, failures = 0, []
    with Sink() as sink:
        server = upgradable(Mailroot(f"smart_host [127.0.0.1]:{sink.port}\ndelivery {{ retry 1s }}"))
        with server:
            tried = [step for step in steps(server, points) if not error or step[0] not in NEVER_FAIL]
            with Load(server, 3) as load:
                for count, (call, number) in enumerate(tried):
                    before = len(load.acked)
                    met, wrong = strike(server, call, number, count, error)
                    struck += met
                    failures += [f"{error or 'killed'} at {call} #{number}: {text}" for text in wrong]
                    wait_for(lambda n=before: len(load.acked) > n, "clients to make progress", 30)
            wait_for(lambda: not server.files("new", "") and not server.files("cur", ""), "an empty spool", 120)
            arrived = collections.Counter(number_of(p.read_bytes()) for p in server.files("drop"))
            arrived.update(number_of(content) for _, _, content in sink.messages)
            lost = [n for n in load.acked if not arrived[n]]
            twice = [n for n, times in arrived.items() if times > 1]
    print(f"{len(tried)} steps, {struck} struck; acknowledged {len(load.acked)}, lost {len(lost)}, twice {len(twice)}")
    if lost:
        failures.append(f"lost: {lost[:20]}")
    if twice:
        failures.append(f"twice: {twice[:20]}")
    if struck < len(tried) * 0.6:
        failures.append("too few of the steps were met")
    return failures


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True, type=pathlib.Path)
    parser.add_argument("--points", type=int, default=0)
    parser.add_argument("--error")
    options = parser.parse_args()
    harness.BUILD = options.build.resolve()
    began = time.monotonic()
    failures = run(options.points, options.error)
    print(f"{time.monotonic() - began:.0f} s")
    print("\n".join(failures) or "ok")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
