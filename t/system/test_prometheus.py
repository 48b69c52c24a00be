#!/usr/bin/env python3
"""Debian's Prometheus scrapes mailroot-exporter; its rules and the dashboard of Grafana fit the metrics that there are."""
import json
import pathlib
import re
import smtplib
import tempfile
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request

import harness
import metrics
import peers
from harness import wait_for
from test_exporter import Service

SOURCE = pathlib.Path(__file__).resolve().parents[2]
RULES = SOURCE / "etc/prometheus/mailroot.rules.yml"
DASHBOARD = SOURCE / "etc/grafana/mailroot.json"
CONFIGURATION = """
global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}
rule_files: [/etc/mailroot.rules.yml]
scrape_configs:
  - job_name: mailroot
    static_configs: [{targets: ["127.0.0.1:%d"]}]
"""
NAME = re.compile(r"\bmailroot_[a-z_]+")


def ask(port, query):
    """The samples of QUERY, as (labels, value)."""
    url = f"http://127.0.0.1:{port}/api/v1/query?" + urllib.parse.urlencode({"query": query})
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            found = json.load(answer)["data"]["result"]
    except urllib.error.HTTPError:  # it is not ready yet
        return []
    return [(sample["metric"], float(sample["value"][1])) for sample in found]


def names(server):
    """All names of samples that the service has."""
    return {line.split("{")[0].split(" ")[0] for line in metrics.text(server).splitlines() if not line.startswith("#")} | {
        line.split(" ")[2] for line in metrics.text(server).splitlines() if line.startswith("# TYPE")}


class Prometheus(unittest.TestCase):
    @peers.needs_root
    def test_it_scrapes(self):
        port = harness.free_port()
        with Service() as server, peers.Peer("prometheus", linked=True) as prometheus:
            prometheus.write("etc/prometheus.yml", CONFIGURATION % server.http)
            prometheus.write("etc/mailroot.rules.yml", RULES.read_text())
            prometheus.folder("data")
            prometheus.start("/usr/bin/prometheus", "--config.file=/etc/prometheus.yml", "--storage.tsdb.path=/data",
                             f"--web.listen-address=127.0.0.1:{port}", port=port)
            wait_for(lambda: ask(port, 'up{job="mailroot"} == 1'), "a scrape", 60)
            for _ in range(5):
                with smtplib.SMTP("127.0.0.1", server.port) as client:
                    client.sendmail("a@example.com", ["b@example.com"], "Subject: x\r\n\r\nx\r\n")
            received = 'mailroot_messages_received_total{server="test",door="smtp"}'
            wait_for(lambda: [value for _, value in ask(port, received)] == [5], "five messages", 30)
            buckets = ask(port, "histogram_quantile(0.5, mailroot_message_seconds_bucket)")
            self.assertEqual(len(buckets), 1)
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/rules", timeout=10) as answer:
                rules = [rule for group in json.load(answer)["data"]["groups"] for rule in group["rules"]]
            self.assertEqual(len(rules), RULES.read_text().count("- alert:"))
            self.assertEqual({rule["name"] for rule in rules if rule.get("lastError")}, set())

    def test_rules_begin_and_end(self):
        checked = metrics.promtool("check", "rules", RULES)
        self.assertEqual(checked.returncode, 0, checked.stderr)
        cases = (SOURCE / "t/system/mailroot.rules.test.yml").read_text()
        alerts = re.findall(r"- alert: (\w+)", RULES.read_text())
        for alert in alerts:
            self.assertIn(alert, cases)
        with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
            file.write(cases.replace("RULES", str(RULES)))
            file.flush()
            tested = metrics.promtool("test", "rules", file.name)
        self.assertEqual(tested.returncode, 0, tested.stdout + tested.stderr)

    def test_rules_and_dashboard_name_metrics_that_exist(self):
        with Service() as server:
            known = names(server)
        dashboard = json.loads(DASHBOARD.read_text())
        expressions = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
        self.assertEqual(len({panel["id"] for panel in dashboard["panels"]}), len(dashboard["panels"]))
        for text in [RULES.read_text(), *expressions]:
            for name in NAME.findall(text):
                self.assertTrue(name in known or name.removesuffix("_bucket") in known, name)
        for expression in expressions:
            plain = expression.replace("$__rate_interval", "5m").replace("$instance", ".*").replace("$server", ".*")
            self.assertEqual(self.parse_error(plain), "", expression)

    def parse_error(self, expression):
        """What promtool says about EXPRESSION as a rule."""
        with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
            json.dump({"groups": [{"name": "g", "rules": [{"record": "r", "expr": expression}]}]}, file)
            file.flush()
            return metrics.promtool("check", "rules", file.name).stderr


class Cost(unittest.TestCase):
    def test_a_scrape_is_cheap(self):
        """Generous, for a busy machine; t/bench measures."""
        with Service() as server:
            metrics.parsed(metrics.text(server))
            took = []
            for _ in range(50):
                began = time.monotonic()
                urllib.request.urlopen(f"http://127.0.0.1:{server.http}/metrics", timeout=10).read()
                took.append(time.monotonic() - began)
            self.assertLess(sorted(took)[25], 0.05)


if __name__ == "__main__":
    harness.main()
