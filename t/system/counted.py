"""What a running service has counted, read from the page of shared memory that its processes write (common/ipc/counters.h)."""
import glob
import os
import pathlib
import re
import struct

from harness import wait_for

DEF = pathlib.Path(__file__).resolve().parents[2] / "common/ipc/counters.def"
LIST = re.compile(r'^(FAMILY|COUNTER|HISTOGRAM)\((\w+),\s+(?:(\w+),\s+)?"((?:[^"\\]|\\.)*)"', re.M)
TIMES = 12 + 2  # words of a histogram: the buckets, one beyond the last bound, and the sum
# What differs from run to run: a test looks at these by themselves.
VARIES = ("mailroot_connection_octets_total", "mailroot_tls_handshake_seconds", "mailroot_filter_seconds", "mailroot_message_seconds",
          "mailroot_dns_queries_total", "mailroot_dns_failures_total")


def names():
    """`name{labels}` of each counter, then of each histogram, in the order of the page."""
    families, found = {}, {"COUNTER": [], "HISTOGRAM": []}
    for kind, word, family, text in LIST.findall(DEF.read_text()):
        text = text.replace('\\"', '"')
        if kind == "FAMILY":
            families[word] = text
        else:
            found[kind].append(families[family] + (f"{{{text}}}" if text else ""))
    return found["COUNTER"], found["HISTOGRAM"]


def page(server):
    """The octets of the page, of a service with one virtual server."""
    for link in glob.glob(f"/proc/{server.process.pid}/fd/*"):
        if "mailroot-counters" in os.readlink(link):
            return pathlib.Path(link).read_bytes()
    raise AssertionError("master has no page of counters")


def counted(server):
    """name -> value. A histogram has the number of its times as NAME, and their sum in ms as NAME sum."""
    counters, histograms = names()
    octets = page(server)
    words = struct.unpack(f"={len(octets) // 8}Q", octets)[1:]
    assert len(words) == len(counters) + TIMES * len(histograms), (len(words), len(counters), len(histograms))
    values = dict(zip(counters, words))
    for i, name in enumerate(histograms):
        times = words[len(counters) + TIMES * i:][:TIMES]
        values[name], values[name + " sum"] = sum(times[:-1]), times[-1]
    return values


class Difference:
    """What changes from now on."""

    def __init__(self, server):
        self.server, self.before = server, counted(server)

    def all(self):
        return {name: value - self.before[name] for name, value in counted(self.server).items() if value != self.before[name]}

    def now(self):
        return {name: n for name, n in self.all().items() if not name.startswith(VARIES)}

    def expect(self, test, **families):
        """Exactly these counters change. In FAMILIES `refused={"relay": 2}` stands for the counter whose labels have the value relay."""
        wanted = {}
        for family, values in families.items():
            for label, n in (values.items() if isinstance(values, dict) else [("", values)]):
                wanted[find(family, label)] = n
        try:
            wait_for(lambda: self.now() == wanted, "as expected", 10)
        except AssertionError:
            test.assertEqual(self.now(), wanted)


def find(family, label=""):
    """The full name of the counter `mailroot_FAMILY_total`; LABEL: the values of its labels, with `,` between."""
    name = f"mailroot_{family}_total"
    all_counters = names()[0]
    for full in all_counters:
        if full.split("{")[0] == name and ",".join(re.findall(r'"([^"]*)"', full)) == label:
            return full
    raise AssertionError(f"no counter {name} with {label}")
