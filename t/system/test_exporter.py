#!/usr/bin/env python3
"""mailroot-exporter: serves metrics by HTTP to those who may read them, may do nothing else, and comes back."""
import http.client
import os
import pathlib
import signal
import smtplib
import socket
import subprocess
import time
import unittest

import harness
import metrics
from harness import wait_for

SLOW_S = 20  # more than the exporter gives a request


class Service(harness.Mailroot):
    """With an exporter. SETTINGS are those of the block metrics."""

    def __init__(self, settings="", server="relay { list 127.0.0.0/8 }"):
        self.http, self.settings = harness.free_port(), settings
        super().__init__(server, global_conf=self.block())

    def block(self):
        return f"metrics {{ listen 127.0.0.1:{self.http}; {self.settings} }}"

    def rewrite(self, settings):
        old = self.block()
        self.settings = settings
        self.conf.write_text(self.conf.read_text().replace(old, self.block()))
        self.ctl("reload")

    def __enter__(self):
        super().__enter__()
        wait_for(self.serves, "metrics")
        return self

    def serves(self):
        try:
            return get(self, "/health")[0] in (200, 403)
        except (OSError, http.client.HTTPException):
            return False

    def status(self):
        return self.ctl_json("status")

    def exporter(self):
        """pid and restarts, or None."""
        for process in self.status()["processes"]:
            if process["role"] == "metrics" and process["state"] == "ready":
                return process["pid"], process["restarts"]
        return None


def get(server, path="/metrics", accept=None, source="127.0.0.1"):
    connection = http.client.HTTPConnection("127.0.0.1", server.http, timeout=20, source_address=(source, 0))
    connection.request("GET", path, headers={"Accept": accept} if accept else {})
    answer = connection.getresponse()
    found = answer.status, answer.getheader("Content-Type"), answer.read().decode()
    connection.close()
    return found


def raw(server, octets, wait=5):
    """What comes back on a connection on which OCTETS were sent."""
    with socket.create_connection(("127.0.0.1", server.http), timeout=wait) as s:
        s.sendall(octets)
        answer = b""
        try:
            while piece := s.recv(65536):
                answer += piece
        except (TimeoutError, ConnectionResetError):
            pass
        return answer


class Serves(unittest.TestCase):
    def test_what_the_command_prints(self):
        with Service("windows_names yes") as server:
            with smtplib.SMTP("127.0.0.1", server.port) as client:
                client.sendmail("a@example.com", ["b@example.com"], "Subject: x\r\n\r\nx\r\n")
            status, kind, text = get(server)
            self.assertEqual((status, kind), (200, "text/plain; version=0.0.4; charset=utf-8"))
            self.assertEqual(sorted(metrics.parsed(text)), sorted(metrics.parsed(metrics.text(server))))
            self.assertEqual(metrics.parsed(text)['mailroot_messages_received_total{door="smtp"}'], 1)
            self.assertEqual(metrics.parsed(text)["windows_smtp_messages_received_total"], 1)
            checked = metrics.promtool("check", "metrics", stdin=text)
            self.assertEqual(checked.returncode, 0, checked.stderr)

    def test_openmetrics_when_it_is_wanted(self):
        with Service() as server:
            _, kind, text = get(server, accept="application/openmetrics-text;version=1.0.0;q=0.5,text/plain;q=0.2")
            self.assertEqual(kind, "application/openmetrics-text; version=1.0.0; charset=utf-8")
            self.assertTrue(text.endswith("# EOF\n"))
            metrics.openmetrics(text)
            self.assertNotIn("windows_smtp", text)
            for accept in ("text/plain", "application/openmetrics-text;q=0", "*/*", ",;,=", "x" * 2000):
                self.assertTrue(get(server, accept=accept)[1].startswith("text/plain"), accept)

    def test_other_paths_and_methods(self):
        with Service() as server:
            self.assertEqual(get(server, "/health"), (200, "text/plain; charset=utf-8", "ok\n"))
            self.assertEqual(get(server, "/")[0], 404)
            self.assertEqual(get(server, "/metrics/..%2f")[0], 404)
            for octets in (b"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello", b"DELETE /metrics HTTP/1.0\r\n\r\n",
                           b"\x16\x03\x01\x00\x05hello\r\n\r\n", b"GET /metrics\r\n\r\n" + b"\0" * 100,
                           b"GET /metrics HTTP/1.1\r\nX: " + b"y" * 10000 + b"\r\n\r\n"):
                self.assertNotIn(b"mailroot_", raw(server, octets), octets[:20])
            self.assertEqual(get(server)[0], 200)

    def test_only_those_who_may(self):
        with Service("allow 127.0.0.2") as server:
            self.assertEqual(get(server, source="127.0.0.2")[0], 200)
            status, _, text = get(server)
            self.assertEqual(status, 403)
            self.assertIn("allow", text)



class Lasts(unittest.TestCase):
    def test_slow_clients_are_dropped(self):
        with Service() as server:
            slow = [socket.create_connection(("127.0.0.1", server.http)) for _ in range(100)]
            try:
                for s in slow:
                    s.sendall(b"GET /metrics HTTP/1.1\r\n")
                ended = time.monotonic() + SLOW_S
                while slow and time.monotonic() < ended:
                    for s in list(slow):  # one octet now and then, so that no silence ends it
                        try:
                            s.setblocking(False)
                            s.send(b"X")
                            if s.recv(100) == b"":
                                raise ConnectionResetError
                        except BlockingIOError:
                            continue
                        except OSError:
                            slow.remove(s)
                            s.close()
                    if len(slow) < 50:
                        break
                    time.sleep(0.5)
                self.assertLess(len(slow), 100)
                wait_for(server.serves, "an answer beside slow clients", SLOW_S)
                self.assertEqual(get(server)[0], 200)
            finally:
                for s in slow:
                    s.close()

    def test_a_killed_exporter_comes_back(self):
        with Service() as server:
            pid, restarts = server.exporter()
            os.kill(pid, signal.SIGKILL)
            wait_for(lambda: server.exporter() and server.exporter()[0] != pid, "another exporter")
            wait_for(server.serves, "metrics again")
            self.assertEqual(server.exporter()[1], restarts + 1)

    def test_a_reload(self):
        with Service() as server:
            pid, _ = server.exporter()
            server.rewrite("windows_names yes")
            wait_for(lambda: "windows_smtp_" in get(server)[2], "the new names")
            self.assertEqual(server.exporter()[0], pid)
            old, server.http = server.block(), harness.free_port()
            server.conf.write_text(server.conf.read_text().replace(old, server.block()))
            server.ctl("reload")
            wait_for(lambda: server.exporter() and server.exporter()[0] != pid, "another exporter")
            wait_for(server.serves, "the new port")
            server.conf.write_text(server.conf.read_text().replace(server.block(), ""))
            server.ctl("reload")
            wait_for(lambda: not server.status()["processes"], "no exporter")

    def test_a_queue_that_hangs(self):
        with Service() as server:
            queue = server.pids()["queue"]
            os.kill(queue, signal.SIGSTOP)
            try:
                status, _, text = get(server)
                self.assertEqual(status, 200)
                values = metrics.parsed(text)
                self.assertEqual(values['mailroot_process_answers{role="queue"}'], 0)
                self.assertEqual(values['mailroot_process_answers{role="smtpd"}'], 1)
                self.assertIn('mailroot_messages_received_total{door="smtp"}', values)
            finally:
                os.kill(queue, signal.SIGCONT)

    def test_a_port_in_use(self):
        with Service() as server, socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            old, server.http = server.block(), taken.getsockname()[1]
            server.conf.write_text(server.conf.read_text().replace(old, server.block()))
            server.ctl("reload")
            wait_for(lambda: any("can't listen" in a["text"] for a in server.status()["attention"]), "the reason in status")
            self.assertIn(str(server.http), server.status()["attention"][0]["text"])
            taken.close()
            wait_for(server.serves, "metrics once the port is free", 40)
            wait_for(lambda: not server.status()["attention"], "no problem any more")


@unittest.skipIf(os.geteuid(), "only root can start it as another user")
class Jail(unittest.TestCase):
    def test_it_may_only_ask(self):
        with Service() as server:
            def run(*words):
                return subprocess.run(["setpriv", "--reuid", "mailroot-stat", "--regid", "mailroot-stat", "--clear-groups",
                                       server.programs / "mailrootctl", "-c", server.conf, *words], capture_output=True, text=True, timeout=30)
            self.assertEqual(run("status").returncode, 0)
            self.assertIn("mailroot_sessions", run("metrics").stdout)
            for words in (["server", "pause", "test"], ["reload"], ["stop"], ["queue", "list"], ["sessions"], ["upgrade"],
                          ["queue", "hold", "--all", "--yes"], ["explain", "relay", "192.0.2.1", "x@example.com"]):
                refused = run(*words)
                self.assertNotEqual(refused.returncode, 0, words)
            self.assertEqual(server.status()["servers"][0]["state"], "running")

    def test_it_sees_no_files(self):
        with Service() as server:
            pid, _ = server.exporter()
            self.assertEqual(os.readlink(f"/proc/{pid}/root"), str(server.folder / "run"))
            state = dict(line.split(":\t", 1) for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines() if ":\t" in line)
            self.assertEqual((state["NoNewPrivs"], int(state["CapEff"], 16), int(state["CapBnd"], 16)), ("1", 0, 0))
            if not os.environ.get("ASAN_OPTIONS"):
                self.assertEqual(state["Seccomp"], "2")
            import pwd
            self.assertEqual(state["Uid"].split()[0], str(pwd.getpwnam("mailroot-stat").pw_uid))


if __name__ == "__main__":
    harness.main()
