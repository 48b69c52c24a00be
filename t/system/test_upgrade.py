"""Another version takes over: no connection is refused, no session is dropped, nothing is lost and nothing comes twice."""
import collections
import contextlib
import os
import pathlib
import re
import signal
import socket
import threading
import time
import unittest
import unittest.mock

import auth_service
import harness
from harness import Mailroot, Sink, Wire, free_port, wait_for
from test_handed import Handed
from test_servers import Load
from versions import upgradable


def number_of(text):
    return re.search(rb"^Subject: (\S+)\r$", text, re.M).group(1).decode()


class Session(Wire):
    """A session that has said EHLO."""

    def __init__(self, server):
        super().__init__(server)
        self.greeting = self.reply()
        self.do("EHLO client.test")

    def do(self, line):
        self.say(line.encode() + b"\r\n")
        return self.reply()[0]

    def begin(self, rcpt="user@example.com"):
        assert [self.do("MAIL FROM:<app@example.com>"), self.do(f"RCPT TO:<{rcpt}>"), self.do("DATA")] == [250, 250, 354]

    def send(self, subject, rcpt="user@example.com"):
        self.begin(rcpt)
        return self.do(f"Subject: {subject}\r\n\r\nx\r\n.")


class Service:
    """Shared steps; SELF.server is an upgradable service."""

    def status(self):
        return self.server.ctl_json("status")

    def processes(self):
        return self.status()["servers"][0]["processes"]

    def versions_of(self, role=None):
        return {p["version"] for p in self.processes() if p["state"] != "retiring" and role in (None, p["role"])}

    def delivered(self, folder="drop"):
        return collections.Counter(number_of(p.read_bytes()) for p in self.server.files(folder))

    def delivered_all(self, wanted):
        """WANTED is in the folder, each once, and nothing else."""
        with contextlib.suppress(AssertionError):
            wait_for(lambda: set(self.delivered()) >= wanted, "all mail in the folder")
        self.assertEqual(self.delivered(), collections.Counter(wanted))

    def upgrade(self, n, **options):
        version = self.server.versions.install(n, **options)
        done = self.server.ctl("upgrade")
        self.assertIn(f"version {version} has taken over\n", done.stdout)
        return version

    def gone(self, version):
        """Waits until no process of VERSION is left."""
        wait_for(lambda: all(p["version"] != version for p in self.processes()), f"no process of version {version}")


def state(pid):
    return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]


class Upgrade(Service, unittest.TestCase):
    def test_under_load(self):
        """Clients, open sessions, one in the middle of its text, files in the pickup folder, mail that waits: all goes on."""
        later = threading.Event()
        answers = {"RCPT": lambda argument: None if later.is_set() else "451 4.2.0 later"}
        with Sink(answers=answers) as sink:
            self.server = upgradable(Mailroot(f"smart_host [127.0.0.1]:{sink.port}\ndelivery {{ retry 1s }}"))
            with self.server as server, contextlib.ExitStack() as open_ones:
                before, pid, began = server.versions.number(0), server.process.pid, server.pids()
                loads = [Load(f"load{i}", server.port, "example.com") for i in range(4)]
                server.send(["user@example.net"], b"Subject: deferred\r\n\r\n")
                idle = [open_ones.enter_context(Session(server)) for _ in range(3)]
                amid = open_ones.enter_context(Session(server))
                amid.begin()
                amid.say(b"Subject: amid\r\n\r\nfirst half\r\n")
                for load in loads:
                    load.progress(self)
                pickup = server.server_folder() / "pickup"
                for i in range(20):
                    (pickup / f"{i}.tmp").write_bytes(f"From: a@example.com\r\nTo: u@example.com\r\nSubject: pickup-{i}\r\n\r\n".encode())
                    (pickup / f"{i}.tmp").rename(pickup / f"{i}.eml")
                    if i == 10:
                        after = self.upgrade(1)
                self.assertEqual(server.process.pid, pid)
                self.assertEqual(int((server.folder / "run/mailrootd.pid").read_text()), pid)
                for load in loads:
                    load.progress(self)
                self.assertEqual(self.status()["version"], after)
                self.assertEqual(self.versions_of(), {after})
                self.assertFalse(set(began.values()) - {pid} & set(server.pids().values()))
                self.assertIn(f"4 sessions of version {before} finish\n", server.ctl("status").stdout)

                self.assertEqual(amid.do("second half\r\n."), 250)
                for i, session in enumerate(idle):
                    self.assertEqual(session.do("NOOP"), 250)
                    self.assertEqual(session.send(f"idle-{i}"), 250)
                self.assertEqual([session.do("QUIT") for session in [amid, *idle]], [221] * 4)
                self.gone(before)
                for load in loads:
                    load.finish()
                    self.assertEqual(load.errors, [])
                wanted = {"amid", *(f"idle-{i}" for i in range(3)), *(f"pickup-{i}" for i in range(20))}.union(*(load.acknowledged for load in loads))
                self.delivered_all(wanted)
                later.set()
                sink.wait(1)
                wait_for(lambda: not server.files("new", "") and not server.files("cur", ""), "an empty spool")
                self.assertEqual([number_of(content) for _, _, content in sink.messages], ["deferred"])
                self.assertNotRegex(server.log(), r"died|killed by|invalid packet")

    def test_secured_sessions(self):
        """Sessions with STARTTLS and AUTH go on as they were."""
        self.server = upgradable(auth_service.Service())
        with self.server as server, Session(server) as authenticated:
            self.assertEqual(authenticated.do("AUTH PLAIN " + auth_service.plain("alice", auth_service.USERS["alice"]).decode()), 235)
            with server.client() as secured:
                secured.starttls(context=server.context())
                self.upgrade(1)
                secured.sendmail("a@example.com", ["user@example.com"], b"Subject: secured\r\n\r\n")
                self.assertEqual(secured.quit()[0], 221)
            self.assertEqual(authenticated.send("authenticated", auth_service.FAR), 250)
            self.assertEqual(authenticated.do("QUIT"), 221)
            wait_for(lambda: set(self.delivered()) == {"secured"}, "mail of the session in TLS")
            self.gone(server.versions.number(0))

    def test_delivery_under_way(self):
        """A host that is slow to answer gets its message once; other mail does not wait for it."""
        asked, answer = threading.Event(), threading.Event()

        def slow(content):
            if b"slow" in content:
                asked.set()
                answer.wait(60)

        with Sink(answers={"dot": slow}) as sink:
            self.server = upgradable(Mailroot(f"smart_host [127.0.0.1]:{sink.port}"))
            with self.server as server:
                server.send(["user@example.net"], b"Subject: slow\r\n\r\n")
                self.assertTrue(asked.wait(20))
                began = time.monotonic()
                self.upgrade(1)
                server.send(["user@example.net"], b"Subject: quick\r\n\r\n")
                sink.wait(1)
                self.assertLess(time.monotonic() - began, 9)  # the queue waits 10 s for its jobs at an ordinary stop
                self.assertEqual([p["role"] for p in self.processes() if p["state"] == "retiring"], ["delivery"])
                answer.set()
                sink.wait(2)
                wait_for(lambda: not server.files("new", "") and not server.files("cur", ""), "an empty spool")
                self.gone(server.versions.number(0))
                self.assertEqual(sorted(number_of(content) for _, _, content in sink.messages), ["quick", "slow"])

    def test_twice_in_a_row(self):
        self.server = upgradable(Mailroot())
        with self.server as server, Session(server) as first:
            self.upgrade(1)
            with Session(server) as second:
                self.assertIn(f"Version: {server.versions.number(1)} ", second.greeting[1])
                newest = self.upgrade(2)
                self.assertEqual(self.status()["version"], newest)
                self.assertEqual([first.send("first"), second.send("second"), first.do("QUIT"), second.do("QUIT")], [250, 250, 221, 221])
            server.dropped(2)
            self.gone(server.versions.number(0))
            self.gone(server.versions.number(1))
            self.assertEqual(self.upgrade(0), server.versions.built)  # back again

    def test_by_signal(self):
        self.server = upgradable(Mailroot())
        with self.server as server:
            version = server.versions.install(1)
            os.kill(server.process.pid, signal.SIGUSR2)
            wait_for(lambda: f"version={version} takes over from" in server.log(), "the log line of the new version")
            wait_for(lambda: "ready servers=1 running=1" in server.log().split("takes over")[1], "the end of the upgrade")
            self.assertEqual(self.versions_of(), {version})
            server.send(["user@example.com"])
            server.dropped()

    def test_clients_that_wait(self):
        """Connections that the old version has not accepted are greeted by the new one."""
        self.server = upgradable(Mailroot())
        with self.server as server, contextlib.ExitStack() as open_ones:
            frozen = set()
            while more := {pid for pid, name in server.descendants().items() if name.startswith("mr-smtpd")} - frozen:
                for pid in more:  # and those that the parent has forked meanwhile
                    os.kill(pid, signal.SIGSTOP)
                    open_ones.callback(os.kill, pid, signal.SIGCONT)
                frozen |= more
            wait_for(lambda: all(state(pid) == "T" for pid in frozen), "that all are stopped")
            waiting = [open_ones.enter_context(Wire(server)) for _ in range(20)]
            version = self.upgrade(1)
            for one in waiting:
                self.assertIn(f"Version: {version} ", one.reply()[1])

    def test_init_is_told(self):
        """The new program speaks to init where the old one did, also of its life."""
        self.server = upgradable(Mailroot())
        with self.server as server:
            server.stop()
            notify = harness.Notify(server.folder)
            with unittest.mock.patch.dict(os.environ, NOTIFY_SOCKET=notify.path, WATCHDOG_USEC="600000"):
                server.start(wait=False)
            notify.wait("READY=1")
            self.upgrade(1)
            for word in ("RELOADING=1", "READY=1", "WATCHDOG=1"):
                notify.wait(word)
            notify.socket.close()

    def test_listeners_of_systemd(self):
        """A service without root, whose listeners a socket unit opened."""
        self.server = upgradable(Handed())
        with self.server as server, Session(server) as session:
            owners = server.owners()
            self.upgrade(1)
            self.assertEqual(server.owners(), owners)
            self.assertEqual(session.send("kept"), 250)
            self.assertEqual(server.send(["user@example.com"]), {})
            server.dropped(2)
            self.assertNotIn("is not used", server.log())

    def test_orders_stay(self):
        """A paused virtual server stays paused, a stopped one stopped."""
        other = free_port()
        self.server = upgradable(Mailroot(conf=f"virtual_server other {{ listen 127.0.0.1:{other}\nfqdn other.example.com\nfree_space_floor 1M }}"))
        with self.server as server:
            server.ctl("server", "pause", "test")
            server.ctl("server", "stop", "other")
            self.upgrade(1)
            self.assertEqual([s["state"] for s in self.status()["servers"]], ["paused", "stopped"])
            with Wire(server) as refused:
                self.assertEqual(refused.reply()[0], 421)
            with self.assertRaises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", other), timeout=5)
            server.ctl("server", "start", "other")
            server.ctl("server", "continue", "test")
            server.send(["user@example.com"])
            server.dropped()

    def test_changed_file(self):
        """An upgrade reads the file as a start does: what changed in it comes into force."""
        added = free_port()
        self.server = upgradable(Mailroot())
        with self.server as server, Session(server) as session:
            server.write_conf(f"listen 127.0.0.1:{added}")
            self.upgrade(1)
            socket.create_connection(("127.0.0.1", added), timeout=5).close()
            self.assertEqual(session.send("kept"), 250)
            server.dropped()


class Failures(Service, unittest.TestCase):
    def test_a_file_that_breaks_after_the_check(self):
        """The status lets init start the service again, as after a kill."""
        with upgradable(Mailroot()) as server:
            server.versions.install(1)
            program, real = (server.versions.installed / name for name in ("mailrootd", "real"))
            program.rename(real)
            program.write_text(f'#!/bin/sh\ncase " $* " in *" -n "*) ;; *) echo no_such_setting yes >>{server.conf} ;; esac\nexec {real} "$@"\n')
            program.chmod(0o755)
            good = server.conf.read_text()
            self.assertNotEqual(server.ctl("upgrade", check=False).returncode, 0)
            self.assertEqual(server.process.wait(timeout=20), 111)
            self.assertIn("no_such_setting", server.log())
            server.conf.write_text(good)
            server.versions.install(0)
            server.start()
            server.send(["user@example.com"])
            server.dropped()


class Refusals(Service, unittest.TestCase):
    """What can't take over changes nothing."""

    def setUp(self):
        self.server = upgradable(Mailroot())
        self.addCleanup(self.server.__exit__, None, None, None)
        self.server.start()
        self.before = self.server.pids()
        self.version = self.server.versions.number(0)

    def refused(self, *words):
        done = self.server.ctl("upgrade", check=False)
        self.assertEqual(done.returncode, 1, done.stdout)
        for word in words:
            self.assertIn(word, done.stderr)
        self.assertEqual(self.server.pids(), self.before)
        self.assertEqual(self.versions_of(), {self.version})
        self.assertIn(f"upgrade: version={self.version} stays: ", self.server.log())
        self.server.send(["user@example.com"])
        self.server.dropped()

    def replace(self, name, octets, mode=0o755):
        """In place of a program of version 1, which is installed then."""
        self.server.versions.install(1)
        program = self.server.versions.installed / name
        program.write_bytes(octets)
        program.chmod(mode)

    def test_a_program_that_fails(self):
        self.replace("mailrootd", b"#!/bin/sh\necho no libraries today >&2\nexit 127\n")
        self.refused("no libraries today", "can't take over (exit 127)")

    def test_a_program_that_is_killed(self):
        self.replace("mailrootd", b"#!/bin/sh\nkill -9 $$\n")
        self.refused("can't take over (killed by signal 9")

    def test_a_program_that_is_no_program(self):
        self.replace("mailrootd", b"\x7fELF but not for long")
        self.refused("can't start", "Exec format error")

    def test_a_program_that_is_missing(self):
        self.server.versions.install(1, without=["mailroot-queue"])
        self.refused("mailroot-queue", "No such file or directory")

    def test_a_program_of_another_version(self):
        self.replace("mailroot-smtpd", (self.server.versions.folder / self.version / "mailroot-smtpd").read_bytes())
        self.refused("mailroot-smtpd", f"{self.server.versions.number(1)}: mailroot-smtpd {self.version}")

    def test_a_file_with_errors(self):
        good = self.server.conf.read_text()
        self.server.conf.write_text(good + "\nno_such_setting yes\n")
        self.server.versions.install(1)
        self.refused("no_such_setting", "can't take over (exit 1)")
        self.server.conf.write_text(good)

    def test_a_fixed_setting(self):
        good = self.server.conf.read_text()
        self.server.conf.write_text(good.replace("/state", "/other"))
        self.server.versions.install(1)
        self.refused("state_dir can't change while the service runs")
        self.server.conf.write_text(good)

    def test_a_reload_on_probation(self):
        self.server.ctl("reload", "--confirm", "1h")
        self.server.versions.install(1)
        self.refused("a reload waits for its confirmation")

    def test_check_alone(self):
        version = self.server.versions.install(1)
        done = self.server.ctl("upgrade", "--check")
        self.assertIn(f"version {version} can take over from version {self.version}\n", done.stdout)
        self.assertEqual(self.server.pids(), self.before)
        self.server.versions.install(1, without=["mailroot-web"])  # nothing needs it
        self.server.ctl("upgrade", "--check")
        self.server.versions.install(1, without=["mailroot-local"])
        self.assertEqual(self.server.ctl("upgrade", "--check", check=False).returncode, 1)


if __name__ == "__main__":
    harness.main()
