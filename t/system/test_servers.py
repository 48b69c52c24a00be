"""Several virtual servers: one is stopped, paused, killed, added, changed or in trouble, and the others are not affected."""
import contextlib
import os
import pathlib
import re
import shutil
import signal
import smtplib
import socket
import threading
import time
import unittest

import harness
from harness import Mailroot, Sink, Wire, free_port, wait_for


def block(name, port, more=""):
    return f"""
virtual_server {name} {{
    listen 127.0.0.1:{port}
    fqdn {name}.example.com
    default_domain {name}.example.com
    free_space_floor 1M
    relay {{ list 127.0.0.1 ::1 }}
    {more}
}}"""


class Load(threading.Thread):
    """A client that sends without pause: sessions of some messages each, one after the other."""

    def __init__(self, name, port, domain=None):
        super().__init__(daemon=True)
        self.server, self.port = name, port
        self.domain = domain or ("example.com" if name == "test" else f"{name}.example.com")
        self.acknowledged, self.errors, self.sessions = set(), [], 0
        self.done = threading.Event()
        self.start()

    def run(self):
        number = 0
        while not self.done.is_set():
            try:
                with smtplib.SMTP("127.0.0.1", self.port, local_hostname="load.test", timeout=30) as client:
                    for _ in range(10):
                        number += 1
                        mark = f"{self.server}-{number}"
                        client.sendmail("load@example.com", [f"x@{self.domain}"], f"Subject: {mark}\r\n\r\n")
                        self.acknowledged.add(mark)
                    self.sessions += 1
            except (OSError, smtplib.SMTPException) as error:
                self.errors.append(repr(error))
                self.done.wait(0.02)

    def finish(self):
        self.done.set()
        self.join()

    def progress(self, test, sessions=3):
        """Waits for further complete sessions, which shows that it is served."""
        before = self.sessions
        wait_for(lambda: self.sessions >= before + sessions, f"load on {self.server} is served: {self.errors[-1:]}")


class Service(Mailroot):
    def state(self, name="test"):
        return next((s for s in self.ctl_json_any("status")["servers"] if s["name"] == name), {"state": "none"})

    def ctl_json_any(self, *args):
        """Ignores the exit status, because that of `status` is about all servers."""
        return harness.json.loads(self.ctl(*args, "--json", check=False).stdout)

    def wait_state(self, name, state, seconds=20):
        wait_for(lambda: self.state(name)["state"] == state, f"server {name} is {state}", seconds)

    def processes_of(self, name):
        found = []
        for pid in self.descendants():
            with contextlib.suppress(OSError):
                argv = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
                if "--server" in argv and argv[argv.index("--server") + 1] == name:
                    found.append(pid)
        return found

    def drop_of(self, name):
        return self.folder / "spool" / name / "drop"

    def delivered(self, name):
        found = set()
        for path in self.files(str(self.drop_of(name))):
            match = re.search(rb"^Subject: (\S+)", path.read_bytes(), re.M)
            found.add(match.group(1).decode())
        return found

    def rewrite(self, old, new, check=True):
        text = self.conf.read_text()
        assert old in text, old
        self.conf.write_text(text.replace(old, new))
        return self.ctl("reload", check=check).stdout

    def at(self, port, host="127.0.0.1"):
        return Session(host, port)


class Session(Wire):
    """A raw session that has been greeted."""

    def __init__(self, host, port):
        self.socket = socket.create_connection((host, port), timeout=30)
        self.lines = self.socket.makefile("rb")
        self.greeting = self.reply()[1]

    def do(self, line):
        self.say(line.encode() + b"\r\n")
        return self.reply()[1]

    def send(self, rcpt, subject="late"):
        replies = [self.do("MAIL FROM:<a@example.com>"), self.do(f"RCPT TO:<{rcpt}>"), self.do("DATA"), self.do(f"Subject: {subject}\r\n\r\n.")]
        assert [r[:3] for r in replies] == ["250", "250", "354", "250"], replies


class Orders(unittest.TestCase):
    def test_each_alone_under_load(self):
        ports = {name: free_port() for name in ("stopped", "killed", "paused", "other", "idle")}
        with Sink() as sink:
            more = {"idle": "enabled no", "paused": f"smart_host [127.0.0.1]:{sink.port}"}
            conf = "".join(block(name, port, more.get(name, "")) for name, port in ports.items())
            with Service(conf=conf) as service:
                loads = {name: Load(name, port) for name, port in ports.items() if name != "idle"}
                loads["test"] = Load("test", service.port)
                kept = {name: service.at(ports.get(name, service.port)) for name in ("other", "test", "paused")}
                for load in loads.values():
                    load.progress(self)
                self.orders(service, ports, loads, kept, sink)
                for load in loads.values():
                    load.finish()
                for session in kept.values():
                    self.assertEqual(session.do("QUIT")[:3], "221")
                for name in ("test", "other"):
                    self.assertEqual(loads[name].errors, [])
                for name, load in loads.items():
                    wait_for(lambda: load.acknowledged <= service.delivered(name), f"all that {name} acknowledged", 30)
                self.assertEqual(service.processes_of("idle"), [])

    def orders(self, service, ports, loads, kept, sink):
        before = {name: [p["pid"] for p in service.state(name)["processes"]] for name in ("test", "other")}

        self.assertEqual(service.ctl("server", "stop", "stopped").stdout, "server stopped: stopped\n")
        self.assertEqual(service.processes_of("stopped"), [])
        with self.assertRaises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", ports["stopped"]), timeout=5)

        killed = service.processes_of("killed")
        self.assertGreaterEqual(len(killed), 6)
        for pid in killed:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

        self.assertEqual(service.ctl("server", "pause", "paused").stdout, "server paused: paused\n")
        for _ in range(20):
            with service.at(ports["paused"]) as refused:
                self.assertTrue(refused.greeting.startswith("421 4.3.2 "), refused.greeting)
        kept["paused"].do("HELO kept")
        kept["paused"].send("a@paused.example.com", "kept-open")
        kept["paused"].send("b@elsewhere.example.net", "goes-out")
        sink.wait(1)
        wait_for(lambda: "kept-open" in service.delivered("paused"), "mail of an open session of the paused server")

        for name in ("test", "other", "killed"):
            loads[name].progress(self)
        states = {s["name"]: s["state"] for s in service.ctl_json("status")["servers"]}
        self.assertEqual(states, {"test": "running", "other": "running", "stopped": "stopped", "killed": "running",
                                  "paused": "paused", "idle": "stopped"})
        for name in ("test", "other"):
            self.assertEqual([p["pid"] for p in service.state(name)["processes"]], before[name])

        # Kept over a reload and over the death of the process that was paused.
        self.assertEqual(kept.pop("paused").do("QUIT")[:3], "221")
        smtpd = next(p["pid"] for p in service.state("paused")["processes"] if p["role"] == "smtpd")
        os.kill(smtpd, signal.SIGKILL)
        service.ctl("reload")
        self.assertEqual(service.state("stopped")["state"], "stopped")
        service.wait_state("paused", "paused")

        service.ctl("server", "continue", "paused")
        service.ctl("server", "start", "stopped")
        for load in loads.values():
            load.progress(self)

    def test_pause_survives_smtpd(self):
        with Service() as service:
            service.ctl("server", "pause", "all")
            for pid in [p["pid"] for p in service.state()["processes"] if p["role"] == "smtpd"]:
                os.kill(pid, signal.SIGKILL)
            for _ in range(30):
                with service.at(service.port) as refused:
                    self.assertTrue(refused.greeting.startswith("421 4.3.2 "), refused.greeting)
            service.wait_state("test", "paused")
            service.ctl("server", "continue", "test")
            with service.at(service.port) as session:
                self.assertTrue(session.greeting.startswith("220 "))

    def test_refusals(self):
        with Service() as service:
            self.assertIn("there is no virtual server nosuch", service.ctl("server", "stop", "nosuch", check=False).stderr)
            service.ctl("server", "stop", "test")
            for action in ("pause", "continue"):
                done = service.ctl("server", action, "test", check=False)
                self.assertEqual((done.returncode, "it is stopped" in done.stderr), (1, True))
            service.ctl("server", "start", "test")
            service.send(["a@example.com"])
            service.dropped()

    def test_overview(self):
        port = free_port()
        with Service(conf=block("second", port, "enabled no")) as service:
            with service.at(service.port):
                wait_for(lambda: service.state()["sessions"] == 1, "one session")
                lines = service.ctl("status").stdout.splitlines()
                self.assertRegex(lines[3], rf"^test +running +1 +0 +127\.0\.0\.1:{service.port}$")
                self.assertRegex(lines[4], r"^second +stopped +-$")


class Trouble(unittest.TestCase):
    @staticmethod
    def roles_ready(service, name):
        return sum(process["state"] == "ready" for process in service.state(name)["processes"])

    def test_port_in_use(self):
        port = free_port()
        stranger = socket.socket()
        stranger.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        stranger.bind(("127.0.0.1", port))
        stranger.listen()
        with stranger, Service(conf=block("second", port)) as service:
            load = Load("test", service.port)
            state = service.state("second")
            self.assertEqual(state["state"], "trouble")
            self.assertRegex(state["trouble"], rf"can't listen on 127\.0\.0\.1:{port} \({service.conf}:\d+\): Address already in use")
            self.assertEqual(service.ctl("status", check=False).returncode, 1)
            wait_for(lambda: self.roles_ready(service, "second") == 7, "all but the listener")
            stranger.close()
            service.wait_state("second", "running", 15)
            load.progress(self)
            load.finish()
            self.assertEqual(load.errors, [])

    def test_address_that_does_not_exist_yet(self):
        with Service(conf=block("second", free_port()).replace("127.0.0.1:", "192.0.2.77:")) as service:
            self.assertIn("does not have the address (yet)", service.state("second")["trouble"])
            self.assertEqual(service.state()["state"], "running")

    def test_one_of_two_addresses_does_not_exist_yet(self):
        """The other address, the queue and the pickup folder do not wait for it; a reload names what is missing and fails."""
        with Service(conf=block("second", port := free_port(), "listen 192.0.2.77:2525")) as service:
            state = service.state("second")
            self.assertEqual(state["state"], "running")
            self.assertEqual(state["listeners"], [f"127.0.0.1:{port}"])
            self.assertRegex(state["trouble"], rf"can't listen on 192\.0\.2\.77:2525 \({service.conf}:\d+\)")
            load = Load("second", port)
            load.progress(self)
            load.finish()
            self.assertEqual(service.ctl("status", check=False).returncode, 1)
            done = service.ctl("reload", check=False)
            self.assertEqual(done.returncode, 1, done)
            self.assertIn("192.0.2.77", done.stderr)
            self.assertEqual(sum(process["restarts"] for process in service.state("second")["processes"]), 0)

    def test_reloads_are_no_crashes(self):
        with Service("processes { spare 3; max 60 }\ndelivery { processes { spare 2; max 60 } }") as service:
            for bound in (61, 62, 63):
                service.rewrite(f"max {bound - 1} }}", f"max {bound} }}")
            for process in service.state()["processes"]:
                self.assertEqual((process["restarts"], process["last_end"]), (0, ""), process)

    def test_a_reload_that_can_not_do_all_fails(self):
        with Service() as service:
            service.conf.write_text(service.conf.read_text().replace("fqdn mail", f"local_domain b.example.com {{ drop_dir {service.folder}/missing/drop }}\n fqdn mail"))
            done = service.ctl("reload", check=False)
            self.assertEqual(done.returncode, 1, done)
            self.assertIn(f"folder {service.folder}/missing/drop", done.stderr)
            self.assertIn("reloaded, but not all of it works", done.stderr)

    def test_more_servers_than_can_run(self):
        """The service can start every configuration that `check` accepts."""
        with Service() as service:
            many = service.folder / "many.conf"
            many.write_text("\n".join(block(f"v{n}", 10000 + n) for n in range(257)))
            done = service.ctl("check", many, check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn("more than 256 virtual servers", done.stdout + done.stderr)

    def test_folder_missing(self):
        missing = harness.scratch() / "mount"
        try:
            with Service(conf=block("second", free_port(), f"badmail_dir {missing}/badmail")) as service:
                self.assertIn(str(missing), service.state("second")["trouble"])
                self.assertEqual(service.state()["state"], "running")
                missing.mkdir()
                missing.chmod(0o755)
                service.wait_state("second", "running", 15)
        finally:
            shutil.rmtree(missing.parent)

    def test_processes_that_keep_failing(self):
        port = free_port()
        with Service(conf=block("second", port)) as service:
            load = Load("test", service.port)
            pids = [p["pid"] for p in service.state()["processes"]]
            shutil.rmtree(service.folder / "spool" / "second")
            (service.folder / "spool" / "second").write_text("in the way\n")
            for pid in service.processes_of("second"):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            wait_for(lambda: any("spool/second" in p["last_end"] for p in service.state("second")["processes"]), "the reason")
            load.progress(self, 10)
            self.assertNotEqual(service.state("second")["state"], "running")
            self.assertEqual([p["pid"] for p in service.state()["processes"]], pids)
            (service.folder / "spool" / "second").unlink()
            self.assertEqual(service.ctl("server", "start", "second").stdout, "server second: running\n")
            with service.at(port) as session:
                self.assertTrue(session.greeting.startswith("220 "))
            load.finish()
            self.assertEqual(load.errors, [])


class Wildcard(unittest.TestCase):
    def test_beside_single_addresses(self):
        port = free_port()
        conf = block("four", port).replace(f"127.0.0.1:{port}", f"127.0.0.2:{port}")
        conf += block("six", port).replace(f"127.0.0.1:{port}", f"[::1]:{port}")
        conf += block("all", port).replace(f"127.0.0.1:{port}", f"*:{port}")
        with Service(conf=conf) as service:
            six = service.state("six")["state"] == "running"

            def who(host):
                with service.at(port, host) as session:
                    return session.greeting.split()[1]

            for _ in range(30):
                self.assertEqual(who("127.0.0.2"), "four.example.com")
                self.assertEqual(who("127.0.0.1"), "all.example.com")
                if six:
                    self.assertEqual(who("::1"), "six.example.com")
            service.ctl("server", "stop", "four")
            self.assertEqual(who("127.0.0.2"), "all.example.com")
            service.ctl("server", "start", "four")
            self.assertEqual(who("127.0.0.2"), "four.example.com")


class Reload(unittest.TestCase):
    def test_listeners_with_open_sessions(self):
        one, two = free_port(), free_port()
        with Service(f"listen 127.0.0.1:{one}") as service:
            load = Load("test", service.port)
            kept, leaving = service.at(service.port), service.at(one)
            for session in (kept, leaving):
                session.do("EHLO kept")
                self.assertTrue(session.do("MAIL FROM:<a@example.com>").startswith("250"))
            said = service.rewrite(f"listen 127.0.0.1:{one}", f"listen 127.0.0.1:{two}")
            self.assertIn("takes effect with new processes", said)
            wait_for(lambda: socket.socket().connect_ex(("127.0.0.1", two)) == 0, "the new listener")
            wait_for(lambda: socket.socket().connect_ex(("127.0.0.1", one)) != 0, "the end of the old listener")
            with socket.socket() as free:  # although a session that came through it is open
                free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                free.bind(("127.0.0.1", one))
                free.listen()
            wait_for(lambda: any(p["state"] == "retiring" for p in service.state()["processes"]), "an older smtpd")
            listed = [s for s in service.ctl_json("sessions")["sessions"] if s["state"] == "sender given"]
            self.assertGreaterEqual(len(listed), 2)

            # An older smtpd gets the new policy; its sessions obey it at the next command.
            self.assertTrue(kept.do("RCPT TO:<x@elsewhere.example.net>").startswith("250"))
            service.rewrite("relay { list 127.0.0.1 ::1 }", "relay { list 10.0.0.1 }")
            self.assertTrue(kept.do("RCPT TO:<y@elsewhere.example.net>").startswith("550 5.7.1"))
            self.assertTrue(leaving.do("RCPT TO:<b@example.com>").startswith("250"))
            self.assertTrue(leaving.do("DATA").startswith("354"))
            self.assertTrue(leaving.do("Subject: leaving\r\n\r\n.").startswith("250"))
            wait_for(lambda: "leaving" in service.delivered("test"), "the message of a session that outlived its listener")

            load.progress(self)
            load.finish()
            self.assertEqual(load.errors, [])

            # These sessions can be ended by name.
            for session in service.ctl_json("sessions")["sessions"]:
                if session["state"] == "recipients given":
                    service.ctl("kick", session["id"])
            self.assertEqual(leaving.do("QUIT")[:3], "221")
            self.assertEqual(kept.reply()[1][:9], "421 4.3.2")
            kept.lines.close()
            kept.socket.close()
            wait_for(lambda: sum(child["role"] == "smtpd" for child in service.state()["processes"]) == 1, "the end of older smtpds")

    def test_many_generations_under_load(self):
        with Service("processes { spare 3; max 50 }") as service:
            loads = [Load("test", service.port) for _ in range(3)]
            for bound in range(51, 61):
                service.rewrite(f"max {bound - 1} }}", f"max {bound} }}")
                loads[0].progress(self, 1)
            for load in loads:
                load.progress(self)
                load.finish()
                self.assertEqual(load.errors, [])
            wait_for(lambda: sum(child["role"] == "smtpd" for child in service.state()["processes"]) == 1, "the end of older smtpds")
            self.assertIn("max 60", service.ctl("status").stdout)

    def test_a_port_in_use_by_another_process(self):
        taken = socket.socket()
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with taken, Service() as service:
            service.rewrite(f"listen 127.0.0.1:{service.port}", f"listen 127.0.0.1:{service.port} ; listen 127.0.0.1:{port}", check=False)
            wait_for(lambda: "Address already in use" in service.state()["trouble"], "the reason")
            self.assertEqual(service.state()["state"], "running")
            self.assertEqual(service.state()["listeners"], [f"127.0.0.1:{service.port}"])
            service.send(["a@example.com"])
            taken.close()
            wait_for(lambda: len(service.state()["listeners"]) == 2, "the second listener", 15)
            wait_for(lambda: service.state()["state"] == "running", "running")
            self.assertEqual(service.state()["trouble"], "")

    def test_servers_come_and_go(self):
        ports = [free_port(), free_port()]
        with Service(conf=block("first", ports[0])) as service:
            load = Load("test", service.port)
            session = service.at(ports[0])
            session.do("HELO stays")
            said = service.rewrite(block("first", ports[0]), block("second", ports[1]))
            self.assertIn("server first: the whole server removed", said)
            self.assertIn("server second: the whole server added", said)
            service.wait_state("second", "running")
            self.assertEqual(service.state("first")["state"], "ending")
            with self.assertRaises(ConnectionRefusedError):
                service.at(ports[0])
            session.send("a@first.example.com", "last-words")
            wait_for(lambda: "last-words" in service.delivered("first"), "the mail of the last session")
            self.assertEqual(session.do("QUIT")[:3], "221")
            service.wait_state("first", "none")
            self.assertEqual(service.processes_of("first"), [])
            service.rewrite(block("second", ports[1]), block("second", ports[1]) + block("first", ports[0]))
            service.wait_state("first", "running")
            with service.at(ports[0]) as again:
                again.do("HELO again")
                again.send("a@first.example.com", "back")
            wait_for(lambda: {"last-words", "back"} <= service.delivered("first"), "mail of both lives")
            load.progress(self)
            load.finish()
            self.assertEqual(load.errors, [])

    def test_enabled(self):
        port = free_port()
        with Service(conf=block("second", port, "enabled no")) as service:
            self.assertEqual(service.state("second")["state"], "stopped")
            service.rewrite("enabled no", "enabled yes")
            service.wait_state("second", "running")
            session = service.at(port)
            service.rewrite("enabled yes", "enabled no")
            self.assertEqual(service.state("second")["state"], "ending")
            service.rewrite("enabled no", "enabled yes")  # while an old session is open
            service.wait_state("second", "running")
            self.assertEqual(session.do("NOOP")[:3], "250")
            with service.at(port) as fresh:
                self.assertEqual(fresh.do("NOOP")[:3], "250")
            self.assertEqual(session.do("QUIT")[:3], "221")


if __name__ == "__main__":
    harness.main()
