#!/usr/bin/env python3
"""The same two hundred odd messages with the same filter through Debian's Postfix and through Mailroot: is the mail that comes out the same?

usage: filters.py --build DIR [--filters all, or some such as odd,rspamd] [--servers postfix,mailroot] [--count 200] [--first 0] [--show 3]

Needs root. Everything runs in a network namespace of its own. Between each server and the filter sits a tap, which records every packet, so
that what the filter is told is compared, too: commands, macros, header fields, body. Compared octet for octet are

    mail      header, body, sender and recipients of all that is delivered (of held mail, after its release)
    held      whether the message waited for its release
    replies   of the server to the client, of commands and of the message: codes, and whole refusals
    events    packets to the filter, with their macros

after normalised() only:

    Received    each server's own field, which stays where it is
    id          of the message
    t= b=       of the signatures of OpenDKIM: the time of signing, and what depends on it
    macros      v; {client_port}; {mail_host} and {rcpt_host}, in which Postfix names the next hop and Mailroot the domain; i before DATA, which
                Postfix knows from the first recipient on; empty ones; upper case in {mail_addr} and {rcpt_addr}, of which Postfix removes some
    name :      blanks between the name of a field and its colon, which Postfix removes
    "a"@b       quotation marks around a local part that needs none, which Postfix removes
    recipients  that a filter adds though they are there: Postfix sends to them twice
    replies     a refusal at HELO, to which Postfix replies later (refused_at_hello)

Postfix runs with settings that switch off what it does to mail beside its filters (POSTFIX). The row `none` has no filter.
"""
import collections
import contextlib
import json
import os
import pathlib
import re
import socket
import struct
import subprocess
import sys
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "system"))

import filter_peers  # noqa: E402
import harness  # noqa: E402
import odd_messages  # noqa: E402
import postfix  # noqa: E402
from harness import Mailroot, Sink, wait_for  # noqa: E402
from odd_actions import ACTIONS  # noqa: E402
from peers import unpacked  # noqa: E402
from test_connect import TXT, NameServer  # noqa: E402

INSIDE = "MAILROOT_FILTERS_CAMPAIGN"
KINDS = ("mail", "held", "replies", "events")
HOST = "mail.example.com"
FILTERS = {"none": None, "odd": filter_peers.OddFilter, "odd exact": filter_peers.ExactOddFilter, "odd twice": filter_peers.OddFilter, "opendkim": filter_peers.OpenDkim,
           "opendmarc": filter_peers.OpenDmarc, "clamav": filter_peers.Clamav, "clamav quarantine": filter_peers.ClamavQuarantine,
           "spamassassin": filter_peers.SpamAssassin, "rspamd": filter_peers.Rspamd}
POSTFIX = """myhostname = {host}
mynetworks = 127.0.0.0/8
mydestination = example.com
local_recipient_maps =
default_transport = smtp:[127.0.0.1]:{sink}
smtpd_peername_lookup = yes
smtpd_tls_security_level = none
smtp_tls_security_level = none
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_milters = {milters}
milter_default_action = tempfail
message_size_limit = 52428800
message_drop_headers =
local_header_rewrite_clients =
always_add_missing_headers = no
swap_bangpath = no
smtp_line_length_limit = 0
disable_mime_output_conversion = yes
smtpd_client_event_limit_exceptions = static:all
smtpd_error_sleep_time = 0
in_flow_delay = 0
"""
MAILROOT = """smart_host [127.0.0.1]:{sink}
messages {{ max_message_size 50M; max_session_size none; max_recipients 100 }}
relay {{ list 127.0.0.1 }}
processes {{ spare 2 }}
{filters}
"""
NAMES = {"example.com": "v=spf1 ip4:127.0.0.1 -all", "_dmarc.example.com": "v=DMARC1; p=reject; aspf=r", "example.net": "v=spf1 -all"}


class Names(NameServer):
    """The name server of the namespace, on port 53."""

    def __init__(self):
        super().__init__({name: {TXT: [text]} for name, text in NAMES.items()})
        self.socket.close()
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 53))
        self.port = 53


class Tap:
    """Passes connections on to TO, and keeps the packets of the server: a list of (command, data) for each connection."""

    def __init__(self, to):
        self.to, self.sessions = to, []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.address = f"inet:127.0.0.1:{self.port}"
        self.thread = threading.Thread(target=self._accept, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        harness.close_served(self.listener, self.thread)

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                server, _ = self.listener.accept()
                there = socket.create_connection(("127.0.0.1", self.to))
                for one in (server, there):
                    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                packets = []
                self.sessions.append(packets)
                threading.Thread(target=self._pump, args=(server, there, packets), daemon=True).start()
                threading.Thread(target=self._pump, args=(there, server, None), daemon=True).start()

    @staticmethod
    def _pump(source, target, packets):
        rest = b""
        with contextlib.suppress(OSError):
            while octets := source.recv(1 << 20):
                target.sendall(octets)
                if packets is None:
                    continue
                rest += octets
                while len(rest) >= 4 and len(rest) >= 4 + (size := struct.unpack("!I", rest[:4])[0]):
                    packets.append((chr(rest[4]), rest[5:4 + size]))
                    rest = rest[4 + size:]
            target.shutdown(socket.SHUT_WR)


class PostfixServer:
    name = "postfix"

    def __init__(self, sink, filters):
        settings = POSTFIX.format(host=HOST, sink=sink.port, milters=", ".join(filters))
        self.peer = postfix.Postfix(None, settings, "127.0.0.1", harness.free_port())
        self.port = self.peer.port

    def __enter__(self):
        self.peer.serve()
        return self

    def __exit__(self, *why):
        self.peer.__exit__(*why)

    def _queue(self, *folders):
        return [file for folder in folders for file in (self.peer.root / "var/spool/postfix" / folder).rglob("*") if file.is_file()]

    def idle(self):
        return not self._queue("incoming", "active", "deferred", "maildrop")

    def held(self):
        return len(self._queue("hold"))

    def release(self):
        self.peer.run("/usr/sbin/postsuper", "-H", "ALL")
        self.peer.run("/usr/sbin/postqueue", "-f")


class MailrootServer:
    name = "mailroot"

    def __init__(self, sink, filters):
        blocks = "\n".join(f"filter filter{i} {{ address {address} }}" for i, address in enumerate(filters))
        self.server = Mailroot(MAILROOT.format(sink=sink.port, filters=blocks), global_conf="dns_server 127.0.0.1")
        self.port = self.server.port

    def __enter__(self):
        self.server.__enter__()
        return self

    def __exit__(self, *why):
        self.server.__exit__(*why)

    def idle(self):
        return len([file for folder in ("new", "cur") for file in self.server.files(folder)]) == self.held()

    def held(self):
        return sum(message["state"] == "held" for message in self.server.ctl_json("queue", "list")["messages"])

    def release(self):
        self.server.ctl("queue", "release", "--all", "--yes")


SERVERS = {server.name: server for server in (PostfixServer, MailrootServer)}


class Client:
    """One session of the client for message NUMBER. `replies` has each reply as (command, text)."""

    def __init__(self, port, number, message):
        self.replies, self.over = [], False
        with socket.create_connection(("127.0.0.1", port), timeout=120) as self.socket, self.socket.makefile("rb") as self.lines:
            with contextlib.suppress(OSError):
                self._session(number, message)

    def _reply(self, command):
        text = []
        while line := self.lines.readline():
            text.append(line.decode("latin-1").rstrip("\r\n"))
            if line[3:4] != b"-":
                break
        if not text or text[-1].startswith("421"):
            self.over = True
        if text:
            self.replies.append((command, "\n".join(text)))
        return text[-1][:1] if text else ""

    def _say(self, command):
        if self.over:
            return ""
        self.socket.sendall(command.encode() + b"\r\n")
        return self._reply(command)

    def _session(self, number, message):
        self._reply("connect")
        if self._say(f"EHLO n{number}.client.test") == "2" and self._say(f"MAIL FROM:<{message.sender}>") == "2":
            taken = [rcpt for rcpt in message.rcpts if self._say(f"RCPT TO:<{rcpt}>") == "2"]
            if taken and self._say("DATA") == "3":
                self.socket.sendall(re.sub(rb"(?m)^\.", b"..", message.text) + b".\r\n")
                self._reply("text")
        self._say("QUIT")


OWN = re.compile(rb"Received: from n(\d+)\.client\.test\b[^\r]*\r\n(?:[ \t][^\r]*\r\n)*?[^\r]*; ?(?:\r\n\s)?[^\r]*\r\n")


class Result:
    """What became of one message: replies, deliveries as (sender, sorted recipients, text), and packets, a list for each filter."""

    def __init__(self):
        self.replies, self.mail, self.sessions, self.held = [], [], [], False

    def events(self):
        """The packets of all filters."""
        return [packet for session in self.sessions for packet in session]


def delivered(sink):
    """number -> deliveries."""
    found = collections.defaultdict(list)
    for sender, rcpts, text in sink.messages:
        own = OWN.search(text)
        number = int(own[1]) if own else None
        found[number].append((address(sender), sorted({address(rcpt) for rcpt in rcpts}), text))
    return found


def address(argument):
    """The address in an argument of MAIL or RCPT, without needless quotation marks."""
    return unquoted(argument.rsplit(">", 1)[0].removeprefix("<"))


def unquoted(text):
    return re.sub(r'^"([\w.]+)"@', r"\1@", text)


def send_all(server, sink, tap, messages):
    """number -> Result."""
    results = {}
    for number, message in messages:
        first = len(tap.sessions) if tap else 0
        results[number] = result = Result()
        result.replies = Client(server.port, number, message).replies
        result.sessions = tap.sessions[first:] if tap else []
    wait_for(server.idle, f"an idle {server.name}", 60)
    for number, mail in delivered(sink).items():
        results[number].mail = mail
    held, before = server.held(), len(sink.messages)
    if held:
        server.release()
        wait_for(lambda: len(sink.messages) >= before + held and server.idle(), f"{server.name} to send what it held", 60)
        for number, mail in delivered(sink).items():
            results[number].held = len(mail) > len(results[number].mail)
            results[number].mail = mail
    return results


LEFT_OUT = (b"v", b"{client_port}", b"{mail_host}", b"{rcpt_host}")
TWICE = ("delete a recipient", "delete all recipients", "quarantine", "quarantine with edits")  # see beyond_comparison
STAGES = "CHMRTLNBE"  # in the order in which a filter looks for a macro, from the last one back to the first


def events_of(packets):
    """Events in words: (command, data, the macros that the filter finds then). Pieces of a body are put together; A, which has no answer and
    no effect at the end of a session, is left out there."""
    macros, words, body = {}, [], b""
    for command, data in packets:
        if command == "D":
            fields = data[1:].split(b"\0")[:-1]
            macros[chr(data[0])] = dict(zip(fields[::2], fields[1::2]))
        if command in "DOAQ":
            continue
        if command == "B":
            body += data
            continue
        if body:
            words.append(("B", body, seen(macros, "B")))
            body = b""
        if command == "C":
            data = re.sub(rb"\x004..", b"\0004PP", data, flags=re.S)
        if command == "M":
            macros = {stage: known for stage, known in macros.items() if stage in "CHM"}
        words.append((command, data, seen(macros, command)))
    return words


def seen(macros, command):
    """What a filter finds at COMMAND: the macros of that stage and of all before it."""
    found = {}
    for stage in STAGES[:STAGES.index(command) + 1]:
        found.update(macros.get(stage, {}))
    return found


def id_of(result):
    """The id of the message, from macro i or the last reply."""
    for command, data in result.events():
        if command == "D" and b"\0i\0" in b"\0" + data[1:]:
            return (b"\0" + data[1:]).split(b"\0i\0", 1)[1].split(b"\0")[0].decode()
    found = re.search(r"queued as (\S+)|\b([0-9A-Z]{24})\b", " ".join(text for command, text in result.replies if command == "text"))
    return next(word for word in found.groups() if word) if found else None


def normalised(result):
    """The Result as text that is equal if the servers do the same. What must differ is named at the top."""
    number = id_of(result)

    def plain(octets):
        head, blank, body = OWN.sub(b"Received: (own)\r\n", octets).partition(b"\r\n\r\n")
        head = re.sub(rb"(s=odd;\s+)t=\d+;(.*?\s)b=[\w+/=]+(?:\r?\n[ \t]+[\w+/=]+)*", rb"\1\2", head, flags=re.S)
        octets = re.sub(rb"(?m)^([!-9;-~]+)[ \t]+:", rb"\1:", head) + blank + body
        return octets.replace(number.encode(), b"(id)") if number else octets

    events = []
    for command, data, macros in events_of(result.events()):
        left_out = LEFT_OUT if command in "TLNBE" else (*LEFT_OUT, b"i")
        macros = {name.decode(): plain(value).decode("latin-1") for name, value in macros.items()
                  if value and name not in left_out}
        macros |= {name: unquoted(value.lower()) for name, value in macros.items() if name.endswith("_addr}")}
        events.append((command, plain(data).decode("latin-1"), json.dumps(macros, sort_keys=True)))
    return {"mail": sorted((sender, tuple(rcpts), plain(text).decode("latin-1")) for sender, rcpts, text in result.mail),
            "held": result.held,
            "replies": codes([(command, text.replace(number, "(id)") if number else text) for command, text in result.replies]),
            "events": events}


def in_words(value, limit=600):
    text = "\n".join(map(repr, value)) if isinstance(value, list) else repr(value)
    return text if len(text) <= limit else text[:limit] + "..."


def first_difference(mine, other):
    """The first elements of two lists that are not equal."""
    for at in range(max(len(mine), len(other))):
        one, two = (mine[at:at + 1] or [None])[0], (other[at:at + 1] or [None])[0]
        if one != two:
            return f"[{at}] {near(one, two)}\n      {near(two, one)}"
    return ""


def near(value, other):
    """VALUE from shortly before where it begins to differ from OTHER."""
    one, two = repr(value), repr(other)
    at = next((i for i, (a, b) in enumerate(zip(one, two)) if a != b), min(len(one), len(two)))
    return one[max(0, at - 60):at + 200]


def codes(replies):
    """Reply codes, and whole refusals: other texts are the servers' own."""
    return [(command, text if text[0] in "45" else text[:3]) for command, text in replies]


def compare(name, messages, postfix_results, mailroot_results, show):
    """Prints a row and returns the numbers of messages that differ, by kind."""
    differ = collections.defaultdict(list)
    for number, message in messages:
        one, two = normalised(postfix_results[number]), normalised(mailroot_results[number])
        if refused_at_hello(name, number):
            one["replies"], two["replies"] = one["replies"][-2][1][0], two["replies"][-1][1][0]
        for kind in KINDS:
            if one[kind] != two[kind]:
                differ[kind].append(number)
                if len(differ[kind]) <= show:
                    what = first_difference(one[kind], two[kind]) if isinstance(one[kind], list) else f"{one[kind]} {two[kind]}"
                    print(f"  {name}: {number} {message.name} {action_of(name, number)}: {kind}\n    {what}")
    return differ


def beyond_comparison(name, number):
    """Mailroot does not show a message to a second filter when the first has left no recipient, Postfix does not when the first has
    quarantined it."""
    return name == "odd twice" and ACTIONS[number % len(ACTIONS)][0] in TWICE


def refused_at_hello(name, number):
    """Mailroot replies to EHLO with the refusal and ends the session, Postfix replies with it to each MAIL."""
    action = action_of(name, number)
    return "at hello" in action and "accept" not in action


def action_of(name, number):
    return f"({ACTIONS[number % len(ACTIONS)][0]})" if name.startswith("odd") else ""


def names(options):
    return list(FILTERS) if options.filters == "all" else options.filters.split(",")


def run_inside(options):
    failures = []
    messages = list(enumerate(odd_messages.corpus()))[options.first:options.first + options.count]
    with Names():
        for name in names(options):
            with running(FILTERS[name]) as filter_peer:
                results = {server: through(name, filter_peer, server, messages) for server in options.servers.split(",")}
            print(report(name, messages, results, options.show, failures), flush=True)
    return failures


@contextlib.contextmanager
def running(kind):
    """One for both servers: the order in which rspamd adds fields is another in each of its processes."""
    if not kind:
        yield None
        return
    with kind() as filter_peer:
        filter_peer.serve()
        yield filter_peer


def through(name, filter_peer, server, messages):
    with contextlib.ExitStack() as stack:
        tap, filters, sink = None, [], stack.enter_context(Sink())
        if filter_peer:
            tap = stack.enter_context(Tap(filter_peer.port))
            filters = [tap.address] * (2 if name == "odd twice" else 1)
        started = stack.enter_context(SERVERS[server](sink, filters))
        return send_all(started, sink, tap, messages)


def report(name, messages, results, show, failures):
    if len(results) == 1:
        return f"{name}: {only_one(*results.values())}"
    messages = [one for one in messages if not beyond_comparison(name, one[0])]
    differ = compare(name, messages, results["postfix"], results["mailroot"], show)
    failures += [f"{name}: {len(numbers)} of {len(messages)} differ in {kind}" for kind, numbers in differ.items() if numbers]
    same = {kind: len(messages) - len(differ[kind]) for kind in KINDS}
    return f"{name}: of {len(messages)} the same: " + ", ".join(f"{kind} {count}" for kind, count in same.items()) + f"; {only_one(results['postfix'])}"


def only_one(results):
    last = collections.Counter(result.replies[-2][1][:3] if len(result.replies) > 1 else "none" for result in results.values())
    return (f"Postfix: last replies {dict(last)}, delivered {sum(bool(result.mail) for result in results.values())}, "
            f"held {sum(result.held for result in results.values())}")


def run(options):
    if os.geteuid():
        raise unittest.SkipTest("only root can make namespaces")
    if not os.environ.get(INSIDE):
        for peer in {"postfix"} | {FILTERS[name].peer for name in names(options) if FILTERS[name]}:
            unpacked(peer)
        words = ["unshare", "--net", "--mount", "--fork", "--kill-child", sys.executable, *sys.argv]
        return [] if subprocess.run(words, env=dict(os.environ, **{INSIDE: "1"})).returncode == 0 else ["see above"]
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    return run_inside(options)


if __name__ == "__main__":
    harness.campaign(run, filters="all", servers="postfix,mailroot", count=200, first=0, show=3)
