"""Nodes of Mailroot behind HAProxy and keepalived of Debian, each on a machine of its own: a network namespace with its address on one bridge.

    10.0.0.1 clients and next hop    10.0.0.2 lb1    10.0.0.3 lb2    10.0.0.5 the address of the service
    10.0.0.11 node a    10.0.0.12 node b    10.0.0.13 node c

All files are those of etc/ha; only folders, the next hop and its rate differ. `enter_namespaces` starts a test anew where it can make all that.
"""
import asyncio
import collections
import contextlib
import itertools
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "campaign"))
import harness  # noqa: E402
from harness import Mailroot, wait_for  # noqa: E402
from peers import Peer, unpacked  # noqa: E402
from traffic import Host  # noqa: E402

INSIDE = "MAILROOT_BALANCED"
FILES = pathlib.Path(__file__).resolve().parents[2] / "etc/ha"
SERVICE = "10.0.0.5"
NEXT_HOP = ("10.0.0.1", 2525)
NODES = {"a": "10.0.0.11", "b": "10.0.0.12", "c": "10.0.0.13"}
BALANCERS = {"lb1": "10.0.0.2", "lb2": "10.0.0.3"}


def run(*words):
    subprocess.run(list(map(str, words)), check=True)


def enter_namespaces():
    """Starts this program anew in network and mount namespaces of its own, with a bridge and a namespace for each machine."""
    if not os.environ.get(INSIDE):
        unpacked("haproxy"), unpacked("keepalived")
        words = ["unshare", "--net", "--mount", "--propagation", "private", sys.executable, *sys.argv]
        os.execvpe("unshare", words, dict(os.environ, **{INSIDE: "1"}))
    run("mount", "-t", "tmpfs", "tmpfs", "/run")
    run("ip", "link", "set", "lo", "up")
    run("ip", "link", "add", "bridge", "type", "bridge")
    run("ip", "address", "add", f"{NEXT_HOP[0]}/24", "dev", "bridge")
    run("ip", "link", "set", "bridge", "up")
    for name, address in {**BALANCERS, **NODES}.items():
        run("ip", "netns", "add", name)
        run("ip", "link", "add", f"to-{name}", "type", "veth", "peer", "name", "eth0", "netns", name)
        run("ip", "link", "set", f"to-{name}", "master", "bridge", "up")
        for words in (["link", "set", "lo", "up"], ["link", "set", "eth0", "up"], ["address", "add", f"{address}/24", "dev", "eth0"]):
            run("ip", "-n", name, *words)


def cable(name, plugged):
    """Pulls or plugs the network cable of a machine."""
    run("ip", "link", "set", f"to-{name}", "up" if plugged else "down")


def is_running(pid):
    with contextlib.suppress(OSError):
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"


def freeze(pid):
    """Stops process PID and all below it: none of them does anything any more. Returns their numbers, for kill."""
    pids, todo = [], [pid]
    while todo:
        pids.append(todo.pop())
        with contextlib.suppress(OSError):
            os.kill(pids[-1], signal.SIGSTOP)  # it starts no further process
            todo += map(int, pathlib.Path(f"/proc/{pids[-1]}/task/{pids[-1]}/children").read_text().split())
    return pids


def kill(pids):
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not any(is_running(pid) for pid in pids), "the end of killed processes")


class Node(Mailroot):
    """One node with node.conf and common.conf. Its first virtual server is `relay`."""

    def __init__(self, machine):
        self.machine, self.address = machine, NODES[machine]
        super().__init__(server_name="relay")

    def write_conf(self, *_):
        common = (FILES / "common.conf").read_text()
        common = re.sub(r"(?m)^smart_host .*", f"smart_host [{NEXT_HOP[0]}]:{NEXT_HOP[1]}", common)
        common, changed = re.subn(r"(?m)^outbound .*", "delivery { retry 1s }\nfree_space_floor 1M", common)
        assert changed == 1
        (self.folder / "common.conf").write_text(common)
        node = (FILES / "node.conf").read_text().replace("a.relay", f"{self.machine}.relay").replace(NODES["a"], self.address)
        self.conf.write_text(f"mailroot_dir {self.folder}/spool\nrun_dir {self.folder}/run\nlog_dir {self.folder}/logs\n"
                             f"state_dir {self.folder}/state\n{self.users}\n{node}")

    def start(self, wait=True, prefix=()):
        super().start(wait, ["nsenter", f"--net=/run/netns/{self.machine}", *prefix])

    def kill(self):
        """All processes die at once, as by a power cut."""
        kill(freeze(self.process.pid))
        self.process.wait()
        self.process = None

    def waits(self):
        """Messages in the spool."""
        return sum(1 for folder in ("new", "cur") for path in (self.server_folder() / folder).glob("**/*") if path.is_file())


class Machine(Peer):
    """A copy of a package's files whose processes run in the network namespace of a machine."""

    def __init__(self, package, machine):
        self.machine = machine
        super().__init__(package)

    def _argv(self, argv):
        return ["nsenter", f"--net=/run/netns/{self.machine}", *super()._argv(argv)]

    def kill(self):
        for process in self.processes:
            kill(freeze(process.pid))
            process.wait()
        self.processes.clear()


class Balancer:
    """HAProxy and keepalived of one machine."""

    def __init__(self, machine):
        self.machine = machine
        self.haproxy, self.keepalived = Machine("haproxy", machine), Machine("keepalived", machine)

    def __enter__(self):
        configuration = (FILES / "haproxy.cfg").read_text()
        keepalived = (FILES / "keepalived.conf").read_text()
        if self.machine == "lb2":
            keepalived = keepalived.replace("router_id lb1", "router_id lb2").replace("priority 100", "priority 90")
            keepalived = re.sub("10.0.0.[23]\\b", lambda found: {"10.0.0.2": "10.0.0.3", "10.0.0.3": "10.0.0.2"}[found[0]], keepalived)
        for name in ("passwd", "group"):
            file = self.haproxy.root / "etc" / name
            self.haproxy.write(f"etc/{name}", file.read_text() + ("haproxy:x:20061:20061::/:/usr/sbin/nologin\n" if name == "passwd" else
                                                                 "haproxy:x:20061:\n"))
        self.haproxy.folder("run/haproxy")
        self.haproxy.write("etc/haproxy/haproxy.cfg", configuration)
        self.keepalived.write("etc/keepalived/keepalived.conf", keepalived)
        self.keepalived.write("etc/keepalived/check-haproxy", (FILES / "check-haproxy").read_text(), 0o755)
        self.keepalived.folder("run/keepalived")
        self.start()
        return self

    def __exit__(self, *failure):
        for peer in (self.keepalived, self.haproxy):
            peer.__exit__(*failure)

    def start(self):
        """As the start of the machine does, so without the address that it may have had."""
        if self.has_address():
            run("ip", "-n", self.machine, "address", "delete", f"{SERVICE}/24", "dev", "eth0")
        for left in (self.keepalived.root / "run").rglob("*.pid"):
            left.unlink()
        self.haproxy.start("/usr/sbin/haproxy", "-db", "-f", "/etc/haproxy/haproxy.cfg")
        wait_for(self.answers, f"HAProxy of {self.machine}")
        self.keepalived.start("/usr/sbin/keepalived", "--dont-fork", "--log-console", "--log-detail", "--vrrp")

    def kill(self):
        """Both die at once. Nobody removes the address of the service from the machine."""
        self.haproxy.kill()
        self.keepalived.kill()

    def serves(self):
        """It is alive and has the address of the service."""
        return bool(self.keepalived.processes) and self.has_address()

    def has_address(self):
        shown = subprocess.run(["ip", "-n", self.machine, "address", "show", "dev", "eth0"], capture_output=True, text=True, check=True)
        return f"{SERVICE}/" in shown.stdout

    def answers(self):
        with contextlib.suppress(OSError):
            return self.ask("show info")

    def ask(self, command):
        """What HAProxy answers to a command on its administrative socket."""
        with socket.socket(socket.AF_UNIX) as admin:
            admin.connect(str(self.haproxy.root / "run/haproxy/admin.sock"))
            admin.sendall(command.encode() + b"\n")
            return b"".join(iter(lambda: admin.recv(65536), b"")).decode()

    def states(self):
        """node -> UP, DOWN, DRAIN or MAINT, as HAProxy sees it."""
        rows = [line.split(",") for line in self.ask("show stat").splitlines() if line.startswith("mailroot,")]
        return {row[1]: row[17].split()[0] for row in rows if row[1] in NODES}

    def sessions(self, node):
        rows = [line.split(",") for line in self.ask("show stat").splitlines()]
        return next(int(row[4]) for row in rows if row[:2] == ["mailroot", node])


class NextHop(Host):
    """The next hop of all nodes. It records what arrives in its folder."""

    def __init__(self):
        super().__init__(harness.scratch(), "arrived", NEXT_HOP[1], NEXT_HOP[0])


class Clients:
    """Clients that send numbered messages at RATE per second together. Each sends some in a session and sends again what got no 250.

    sent      number -> time of its 250
    unsure    numbers whose end of data was sent and not answered: a second copy is the client's
    refused   (time, client, why) of each connection that was not accepted or not greeted with 220
    cut       (time, client, why) of each session that ended by no wish of the client
    outside   clients whose last connection was refused
    streak    the most connections in a row that one client saw refused
    """

    numbers = itertools.count(1)  # of all clients of a program

    def __init__(self, rate, clients=12, again_s=5.0, session=15, to=(SERVICE, 25)):
        self.to = to
        self.rate, self.clients, self.again_s, self.session = rate, clients, again_s, session
        self.sent, self.unsure, self.refused, self.cut, self.streak, self.outside = {}, set(), [], [], 0, set()
        self.given, self.begin, self.stopped, self.end = set(), 0.0, False, 0.0

    async def run(self):
        self.begin = time.monotonic()
        await asyncio.gather(*(self._client(i) for i in range(self.clients)))

    def stop(self, patience_s):
        """No new messages. Those without a 250 may be sent again for some time."""
        self.end = time.monotonic() + patience_s
        self.stopped = True

    async def _client(self, client):
        pending, streak = [], 0
        while not self.stopped or (pending and time.monotonic() < self.end):
            writer = None
            try:
                reader, writer = await asyncio.wait_for(asyncio.open_connection(*self.to), 20)
                await self._reply(reader, b"220")
            except (OSError, EOFError, asyncio.TimeoutError) as why:
                self.refused.append((time.time(), client, repr(why)))
                streak += 1
                self.streak = max(self.streak, streak)
                self.outside.add(client)
                if writer:
                    writer.close()
                await asyncio.sleep(self.again_s)
                continue
            streak = 0
            self.outside.discard(client)
            try:
                await self._talk(reader, writer, pending)
            except (OSError, EOFError, asyncio.TimeoutError) as why:
                self.cut.append((time.time(), client, repr(why)))
            finally:
                writer.close()

    async def _talk(self, reader, writer, pending):
        """Sends some messages. PENDING keeps the number that has no 250 yet."""
        await self._say(reader, writer, "EHLO client.test", b"250")
        for _ in range(self.session):
            if not pending:
                if self.stopped:
                    break
                pending.append(next(self.numbers))
                self.given.add(pending[0])
                await asyncio.sleep(max(0.0, self.begin + len(self.given) / self.rate - time.monotonic()))
            await self._say(reader, writer, "MAIL FROM:<app@example.com>", b"250")
            await self._say(reader, writer, "RCPT TO:<u@example.net>", b"250")
            await self._say(reader, writer, "DATA", b"354")
            try:
                await self._say(reader, writer, f"Subject: number {pending[0]}\r\n\r\n{'x' * 500}\r\n.", b"250")
            except (OSError, EOFError, asyncio.TimeoutError):
                self.unsure.add(pending[0])
                raise
            self.sent[pending.pop()] = time.time()
        await self._say(reader, writer, "QUIT", b"221")

    async def _say(self, reader, writer, text, wanted):
        writer.write(text.encode() + b"\r\n")
        await self._reply(reader, wanted)

    @staticmethod
    async def _reply(reader, wanted):
        while True:
            line = await asyncio.wait_for(reader.readline(), 60)
            if not line:
                raise EOFError("closed")
            if line[3:4] != b"-":
                break
        if not line.startswith(wanted):
            raise EOFError(line.decode().strip())


def judge(clients, arrived, kills, moment_s=2.0):
    """Failures. ARRIVED are (seconds, number) of the next hop, KILLS the times at which a node was killed.

    A second copy has one of two reasons: a client got no reply to the end of data and sent again; or a node was killed between the reply
    of the next hop and its journal."""
    times = collections.defaultdict(list)
    for seconds, number in arrived:
        if number in clients.given:
            times[number].append(seconds)
    lost = sorted(number for number in clients.sent if number not in times)
    twice = [number for number, when in times.items() if len(when) > 1]
    by_client = [number for number in twice if number in clients.unsure]
    by_kill = [number for number in twice if number not in clients.unsure and any(
        killed - moment_s < when < killed + moment_s for killed in kills for when in times[number])]
    unexplained = sorted(set(twice) - set(by_client) - set(by_kill))
    print(f"messages {len(clients.sent)}; lost {len(lost)}; twice {len(twice)}: {len(by_client)} sent again by the client, {len(by_kill)} by a "
          f"killed node; connections refused {len(clients.refused)}, in a row {clients.streak}; sessions cut {len(clients.cut)}", flush=True)
    failures = [f"lost: {lost[:20]}"] if lost else []
    if unexplained:
        failures.append(f"twice for no reason: {unexplained[:20]}")
    return failures


@contextlib.contextmanager
def landscape(nodes=tuple(NODES)):
    """(nodes, balancers), all at work, each by its name."""
    with contextlib.ExitStack() as stack:
        running = {name: stack.enter_context(Node(name)) for name in nodes}
        balancers = {name: stack.enter_context(Balancer(name)) for name in BALANCERS}
        active(balancers)
        for balancer in balancers.values():
            wait_for(lambda: all(balancer.states()[name] == "UP" for name in nodes), "all nodes up")
        yield running, balancers


def active(balancers):
    """The name of the balancer that has the address of the service."""
    return wait_for(lambda: next((name for name, balancer in balancers.items() if balancer.serves()), None), "a balancer that serves")


@contextlib.contextmanager
def mail_flows(clients):
    """Meanwhile the clients send. At the end they finish the session that they are in."""
    sending = threading.Thread(target=lambda: asyncio.run(clients.run()))
    sending.start()
    patience_s = 0
    try:
        wait_for(lambda: clients.sent, "a first message")
        yield
        patience_s = 60
    finally:
        clients.stop(patience_s)
        sending.join()


def take_out(balancers, node, run_meanwhile):
    """The steps of doc/high-availability.md for the maintenance of NODE, which no client notices."""
    def say(state):
        for balancer in balancers.values():
            balancer.ask(f"set server mailroot/{node.machine} state {state}")

    say("drain")
    wait_for(lambda: not any(balancer.sessions(node.machine) for balancer in balancers.values()), f"no session at {node.machine}", 60)
    node.ctl("server", "pause", "relay")
    run_meanwhile(node)
    say("ready")
    for balancer in balancers.values():
        wait_for(lambda: balancer.states()[node.machine] == "UP", f"{node.machine} up again")
