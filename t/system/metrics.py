"""Metrics of a running service: the command, and other programs that read them."""
import json
import pathlib
import re
import subprocess

import peers

SAMPLE = re.compile(r"^([a-z_]+(?:\{.*\})?) (\d+(?:\.\d+)?)$")


def text(server, *words):
    run = subprocess.run([server.programs / "mailrootctl", "-c", server.conf, "metrics", *words], capture_output=True, text=True, timeout=30)
    assert run.returncode == 0, run.stderr
    return run.stdout


def parsed(metrics):
    """`name{labels}` without the label of the server -> value, of a service with one server."""
    values = {}
    for line in metrics.splitlines():
        if line.startswith("#"):
            continue
        name, value = SAMPLE.match(line).groups()
        name = re.sub(r'\{(?:server|site)="[^"]*",?', "{", name).removesuffix("{}")
        assert name not in values, line
        values[name] = float(value)
    return values


def promtool(*arguments, stdin=None):
    """Prometheus's own checker of metrics and rules."""
    root = pathlib.Path(peers.unpacked("prometheus"))
    return subprocess.run([root / "usr/bin/promtool", *arguments], input=stdin, capture_output=True, text=True, timeout=60)


# Debian's module, for Debian's Python.
OPENMETRICS = """
import json, sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families
print(json.dumps({f.name: {"type": f.type, "samples": [s[:3] for s in f.samples]} for f in text_string_to_metric_families(sys.stdin.read())}))
"""


def openmetrics(metrics):
    """Family -> type and samples, as the parser of Prometheus's Python client reads them; it refuses what the format does not permit."""
    return json.loads(subprocess.run(["/usr/bin/python3", "-c", OPENMETRICS], input=metrics, capture_output=True, text=True, check=True, timeout=60).stdout)
