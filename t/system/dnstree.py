"""A private DNS on loopback: signed zones from a root of its own, served by nsd, behind a door that can do what no name server should.

    with Tree({"s.test.": Zone("www A 127.0.0.1")}) as tree:
        ... dns_server 127.0.0.1:{tree.port}, trust_anchor {tree.anchor}

`tree.asked` counts the questions that came, by name and type; `tree.faults` says what becomes of those of a name.
"""
import collections
import contextlib
import datetime
import socket
import struct
import threading
import time

import harness
from peers import Peer

ALGORITHM = "ECDSAP256SHA256"
TYPES = {1: "A", 2: "NS", 5: "CNAME", 6: "SOA", 12: "PTR", 15: "MX", 16: "TXT", 28: "AAAA", 43: "DS", 48: "DNSKEY", 52: "TLSA"}
SERVFAIL, NXDOMAIN, REFUSED = 2, 3, 5


class Zone:
    """The records of a zone, one per line without TTL and class ("www A 127.0.0.1"), and how it is signed and delegated.

    signed: it is; delegated: the parent has its DS; days: (begin, end) of the signatures, from now; other_key: the DS is of another key."""

    def __init__(self, records="", signed=True, delegated=True, days=(-2, 30), other_key=False, ttl=60):
        self.records, self.signed, self.delegated = records, signed, signed and delegated
        self.days, self.other_key, self.ttl = days, other_key, ttl

    def text(self, name, more):
        head = (f"$ORIGIN {name}\n$TTL {self.ttl}\n@ SOA ns.invalid. root.invalid. 1 3600 600 86400 {self.ttl}\n@ NS ns.invalid.\n")
        lines = [line.strip() for line in self.records.splitlines()]
        return head + "\n".join(line for line in lines if line and not line.startswith("#")) + "\n" + more


def wire(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.strip(".").split(".") if label) + b"\0"


def question(packet):
    """(name in lower case, type, offset of the end of the question)"""
    at, labels = 12, []
    while packet[at]:
        labels.append(packet[at + 1:at + 1 + packet[at]].decode("latin-1").lower())
        at += packet[at] + 1
    return ".".join(labels), TYPES.get(number := struct.unpack(">H", packet[at + 1:at + 3])[0], number), at + 5


def answer_head(packet, rcode=0, flags=0x8180, end=None):
    return packet[:2] + struct.pack(">HHHHH", flags | rcode, 1, 0, 0, 0) + packet[12:end or question(packet)[2]]


class Tree:
    """ZONES: name with final dot -> Zone. The root and the zones in between are made."""

    def __init__(self, zones):
        self.zones = dict(zones)
        for name in zones:
            while name != ".":
                name = name.split(".", 1)[1] or "."
                self.zones.setdefault(name, Zone())
        self.faults, self.asked, self.rcodes = {}, collections.Counter(), collections.Counter()
        self.peer, self.behind, self.stopping = Peer("nsd"), harness.free_port(), threading.Event()
        self.anchor = None

    def __enter__(self):
        try:
            self._serve_zones()
            self._open()
        except BaseException:
            self.peer.__exit__(None)
            raise
        return self

    def __exit__(self, *what):
        self.stopping.set()
        for s in (self.udp, self.tcp):
            with contextlib.suppress(OSError):
                s.shutdown(socket.SHUT_RDWR)
            s.close()
        self.peer.__exit__(*what or [None])

    def settings(self, dnssec="auto"):
        return f"dns_server 127.0.0.1:{self.port}\ntrust_anchor {self.anchor}\ndnssec {dnssec}"

    # -- zones

    def _sign(self, name, zone, text):
        """The name of the zone's file, signed; and its DS."""
        file = "zones/" + (name.strip(".") or "root")
        self.peer.write(file, text)
        if not zone.signed:
            return file, ""
        now = datetime.datetime.now(datetime.timezone.utc)
        begin, end = (f"{now + datetime.timedelta(days=d):%Y%m%d%H%M%S}" for d in zone.days)
        said = self.peer.run("/bin/sh", "-ec", f"cd /zones; key=$(ldns-keygen -k -a {ALGORITHM} {name}); "
                             f"other=$(ldns-keygen -k -a {ALGORITHM} {name}); "
                             f"ldns-signzone -i {begin} -e {end} {file[6:]} $key; cat $key.ds; echo ==; cat $other.ds; echo ==; cat $key.key")
        ds, other, key = said.split("==\n")
        if name == ".":
            self.anchor = harness.scratch() / "root.key"
            self.anchor.write_text(key)
        return file + ".signed", other if zone.other_key else ds

    def _serve_zones(self):
        """Children before parents, so that a parent has their DS."""
        more, conf = collections.defaultdict(str), ""
        self.peer.folder("zones", 0o777)
        for name in sorted(self.zones, key=lambda name: -len(name.strip(".").split(".")) if name != "." else 0):
            zone = self.zones[name]
            file, ds = self._sign(name, zone, zone.text(name, more[name]))
            conf += f'zone:\n  name: "{name}"\n  zonefile: "/{file}"\n'
            if name != ".":
                parent = name.split(".", 1)[1] or "."
                while parent not in self.zones:
                    parent = parent.split(".", 1)[1] or "."
                more[parent] += f"{name} NS ns.invalid.\n" + (ds if zone.delegated else "")
        self.peer.write("etc/nsd/nsd.conf", f"""server:
  ip-address: 127.0.0.1@{self.behind}
  username: ""
  zonesdir: "/zones"
  database: ""
  pidfile: ""
  zonelistfile: "/tmp/zone.list"
  xfrdfile: "/tmp/xfrd"
  server-count: 1
  rrl-ratelimit: 0
  round-robin: no
  minimal-responses: yes
remote-control:
  control-enable: no
""" + conf)
        self.peer.start("/usr/sbin/nsd", "-d", "-c", "/etc/nsd/nsd.conf", port=self.behind)

    # -- the proxy

    def _open(self):
        while True:
            self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.udp.bind(("127.0.0.1", 0))
            self.port = self.udp.getsockname()[1]
            try:
                self.tcp = socket.create_server(("127.0.0.1", self.port))
                break
            except OSError:
                self.udp.close()
        threading.Thread(target=self._serve_udp, daemon=True).start()
        threading.Thread(target=self._serve_tcp, daemon=True).start()

    def _serve_udp(self):
        while not self.stopping.is_set():
            with contextlib.suppress(OSError, IndexError):
                packet, client = self.udp.recvfrom(65535)
                if packet:
                    threading.Thread(target=self._one_udp, args=(packet, client), daemon=True).start()

    def _one_udp(self, packet, client):
        with contextlib.suppress(OSError, IndexError):
            answer = self._answer(packet, "udp")
            if answer:
                self.udp.sendto(answer, client)

    def _serve_tcp(self):
        while True:
            try:
                connection, _ = self.tcp.accept()
            except OSError:
                return
            threading.Thread(target=self._one_tcp, args=(connection,), daemon=True).start()

    def _one_tcp(self, connection):
        with contextlib.suppress(OSError, IndexError, struct.error), connection:
            connection.settimeout(30)
            while True:
                packet = exactly(connection, struct.unpack(">H", exactly(connection, 2))[0])
                answer = self._answer(packet, "tcp")
                if answer is None:
                    return
                connection.sendall(struct.pack(">H", len(answer)) + answer)

    def _fault(self, name, kind):
        """The fault for the name and type, for the name, for a parent name ("*.name"), or for all names ("*")."""
        for key in ((name, kind), name, *(f"*.{name.split('.', n)[n]}" for n in range(1, name.count(".") + 1)), "*"):
            if key in self.faults:
                return self.faults[key]
        return None

    def _answer(self, packet, way):
        name, kind, _ = question(packet)
        self.asked[name, kind] += 1
        fault = self._fault(name, kind)
        if fault == "silent":
            return None
        if fault == "truncated" and way == "udp":
            return answer_head(packet, flags=0x8380)
        if isinstance(fault, int):
            return answer_head(packet, fault)
        if isinstance(fault, float):
            self.stopping.wait(fault)
        if isinstance(fault, list):  # records of this name and type, unsigned: rdata
            records = b"".join(b"\xc0\x0c" + packet[question(packet)[2] - 4:question(packet)[2]] + struct.pack(">IH", 60, len(r)) + r for r in fault)
            return _limit(answer_head(packet)[:6] + struct.pack(">HHH", len(fault), 0, 0) + packet[12:question(packet)[2]] + records, packet, way)
        answer = ask_server(packet, self.behind)
        if fault == "stripped":
            return strip(packet, answer)
        # It acts as a recursive server: no answer is authoritative, and recursion is available.
        flags = struct.unpack(">H", answer[2:4])[0] & ~0x0400 | 0x0080
        self.rcodes[name, kind, flags & 15] += 1
        return _limit(answer[:2] + struct.pack(">H", flags) + answer[4:], packet, way)


def _limit(answer, packet, way):
    """An answer of more than 1232 octets, the size that libunbound announces, is truncated over UDP."""
    return answer_head(packet, flags=0x8380) if way == "udp" and len(answer) > 1232 else answer


def exactly(connection, count):
    data = b""
    while len(data) < count:
        more = connection.recv(count - len(data))
        if not more:
            raise OSError("closed")
        data += more
    return data


def ask_server(packet, port):
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(struct.pack(">H", len(packet)) + packet)
        return exactly(connection, struct.unpack(">H", exactly(connection, 2))[0])


def skip_name(packet, at):
    while packet[at]:
        if packet[at] >= 0xc0:
            return at + 2
        at += packet[at] + 1
    return at + 1


def strip(packet, answer):
    """ANSWER as from a server without DNSSEC: no DS, DNSKEY, RRSIG, NSEC, and no EDNS."""
    at, kept = question(packet)[2], []
    for count in struct.unpack(">HH", answer[6:10]):
        section = []
        for _ in range(count):
            begin, at = at, skip_name(answer, at)
            kind, _, _, length = struct.unpack(">HHIH", answer[at:at + 10])
            at += 10 + length
            if kind not in (43, 46, 47, 48, 50):
                section.append(answer[begin:at])
        kept.append(section)
    rcode = answer[3] & 15
    return (answer[:2] + struct.pack(">HHHHH", 0x8180 | rcode, 1, len(kept[0]), len(kept[1]), 0) + packet[12:question(packet)[2]] +
            b"".join(b"".join(section) for section in kept))
