#!/usr/bin/env python3
"""`mailrootctl metrics`: what it prints is what the processes have counted and what they are doing, and others can read it."""
import smtplib
import subprocess
import time
import unittest

import certs
import harness
import metrics
from counted import counted
from harness import wait_for

SERVER = """
    relay { list 127.0.0.0/8 }
    local_domain here.test { drop_dir %s/drop }
    remote_domain down.test { route [127.0.0.1]:9 }
"""


def post(server, *rcpts):
    with smtplib.SMTP("127.0.0.1", server.port, timeout=20) as client:
        client.sendmail("a@here.test", rcpts, "Subject: x\r\n\r\nx\r\n")


class Service(harness.Mailroot):
    """With a drop folder, and a next hop that nothing listens at."""

    def write_conf(self, server="", *rest):
        drop = self.folder / "drop"
        drop.mkdir(exist_ok=True)
        drop.chmod(0o777)
        super().write_conf(SERVER % self.folder + server, *rest)


class Metrics(unittest.TestCase):
    def test_counters_are_those_of_the_page(self):
        with Service() as server:
            for _ in range(3):
                post(server, "u@here.test", "u@down.test")
            wait_for(lambda: metrics.parsed(metrics.text(server)).get('mailroot_queue_messages{state="waiting"}') == 3, "three that wait")
            values, page = metrics.parsed(metrics.text(server)), counted(server)
            for name, value in page.items():
                if "_seconds" not in name:
                    self.assertEqual(values[name], value, name)
            self.assertEqual(values['mailroot_messages_received_total{door="smtp"}'], 3)
            self.assertEqual(values['mailroot_delivered_total{how="drop"}'], 3)

    def test_state_of_the_service(self):
        with Service() as server:
            post(server, "u@here.test", "u@down.test")

            def waits():
                values = metrics.parsed(metrics.text(server))
                return values.get('mailroot_hop_messages{hop="[127.0.0.1]:9"}') and values

            values = wait_for(waits, "the next hop", 30)
            self.assertEqual(values['mailroot_hop_messages{hop="[127.0.0.1]:9"}'], 1)
            self.assertEqual(values["mailroot_server_up"], 1)
            self.assertEqual(values['mailroot_process_up{role="queue"}'], 1)
            self.assertEqual(values['mailroot_process_answers{role="smtpd"}'], 1)
            self.assertGreater(values["mailroot_disk_free_octets"], 0)
            self.assertGreater(values["mailroot_disk_size_octets"], values["mailroot_disk_free_octets"])
            wait_for(lambda: metrics.parsed(metrics.text(server))['mailroot_hop_up{hop="[127.0.0.1]:9"}'] == 0, "a next hop that is down")
            with smtplib.SMTP("127.0.0.1", server.port) as client:
                client.ehlo()
                self.assertEqual(metrics.parsed(metrics.text(server))['mailroot_sessions{direction="in"}'], 1)
            server.ctl("server", "pause", "test")
            wait_for(lambda: metrics.parsed(metrics.text(server))["mailroot_server_up"] == 0, "a paused server")

    def test_badmail_and_certificates(self):
        with Service() as server:
            ours = certs.Authority(server.folder).issue("mail.here.test", days=5)
            server.write_conf(f"    access {{ tls_certificate {ours} }}\n")
            server.ctl("reload")
            wait_for(lambda: "mailroot_badmail_messages" in metrics.parsed(metrics.text(server)), "the first walk through badmail")
            values = metrics.parsed(metrics.text(server))
            self.assertEqual(values["mailroot_badmail_messages"], 0)
            left = values[f'mailroot_certificate_expiry_seconds{{file="{ours.certificate}"}}'] - time.time()
            self.assertTrue(3 * 86400 < left <= 4 * 86400 + 60, left)
            (server.server_folder() / "badmail" / "one.eml").write_text("x\r\n")
            (server.server_folder() / "badmail" / "one.txt").write_text("why\n")
            wait_for(lambda: metrics.parsed(metrics.text(server))["mailroot_badmail_messages"] == 1, "the message in badmail", 40)

    def test_prometheus_reads_it(self):
        with Service() as server:
            post(server, "u@here.test")
            checked = metrics.promtool("check", "metrics", stdin=metrics.text(server))
            self.assertEqual((checked.returncode, checked.stdout + checked.stderr), (0, ""))

    def test_a_second_reading_of_openmetrics(self):
        with Service() as server:
            post(server, "u@here.test")
            families = metrics.openmetrics(metrics.text(server, "openmetrics"))
            received = [(labels["door"], value) for _, labels, value in families["mailroot_messages_received"]["samples"]]
            self.assertEqual(sorted(received), [("pickup", 0), ("sendmail", 0), ("smtp", 1)])
            self.assertEqual(families["mailroot_message_seconds"]["type"], "histogram")

    def test_errors(self):
        with Service() as server:
            def run(*words):
                return subprocess.run([server.programs / "mailrootctl", "-c", server.conf, *words], capture_output=True, text=True)
            self.assertIn("the only other format is openmetrics", run("metrics", "influx").stderr)
            self.assertIn("`metrics` has no option --json", run("metrics", "--json").stderr)
            self.assertEqual(run("metrics", "--help").returncode, 0)
        stopped = run("metrics")
        self.assertEqual((stopped.returncode, stopped.stdout), (3, ""))
        self.assertIn("mailrootd is not running", stopped.stderr)


if __name__ == "__main__":
    harness.main()
