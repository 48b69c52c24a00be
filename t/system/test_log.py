"""The transaction log of the running service: every command is in it once, whatever process is killed, whatever is changed meanwhile."""
import collections
import contextlib
import json
import os
import random
import re
import shutil
import signal
import smtplib
import socket
import subprocess
import threading
import time
import unittest

import harness
from harness import Mailroot, Sink, wait_for

FIELDS = "date time c-ip cs-username s-sitename s-ip s-port cs-method cs-uri-query sc-status sc-bytes cs-bytes time-taken x-session x-reply"


def log_files(server, prefix="ex"):
    folder = server.folder / "logs" / server.name
    return sorted(p for p in folder.iterdir() if p.name.startswith(prefix)) if folder.exists() else []


def read_w3c(text):
    """A reader of W3C extended logs by #Fields only: rows as dictionaries, and the remarks."""
    rows, remarks, fields = [], [], None
    assert text.endswith("\n") or not text, "the last line is torn"
    for line in text.split("\n")[:-1]:
        assert all(" " <= c <= "~" for c in line), repr(line)
        if line.startswith("#Fields: "):
            fields = line[9:].split(" ")
        elif line.startswith("#"):
            assert re.match(r"#(Software|Version|Date|Remark): .", line), line
            if line.startswith("#Remark"):
                remarks.append(line)
        else:
            values = line.split(" ")
            assert fields and len(values) == len(fields), (fields, line)
            rows.append(dict(zip(fields, values)))
    return rows, remarks


def rows_of(server):
    rows, remarks = [], []
    for path in log_files(server):
        some = read_w3c(path.read_bytes().decode("ascii"))
        rows, remarks = rows + some[0], remarks + some[1]
    return rows, remarks


class Talker:
    """A client that records its commands and their replies, in order. Its HELO name is unique."""

    def __init__(self, server, name, seed):
        self.name, self.said, self.chooser = name, [], random.Random(seed)
        self.socket = socket.create_connection(("127.0.0.1", server.port), timeout=60)
        self.lines = self.socket.makefile("rb")
        self.reply()

    def reply(self):
        first = None
        while True:
            line = self.lines.readline().decode().rstrip("\r\n")
            first = first or line
            assert line, f"{self.name} was cut off after {self.said[-1:]}"
            if line[3:4] != "-":
                return int(line[:3]), first[4:]

    def note(self, verb, argument, octets):
        code, text = self.reply()
        self.said.append((verb, argument.replace(" ", "+") or "-", str(code), str(octets), text.replace(" ", "+") or "-"))
        return code

    def send(self, *lines):
        """Pipelined: all at once, then the replies."""
        self.socket.sendall(b"".join(line.encode() + b"\r\n" for line in lines))
        codes = []
        for line in lines:
            verb, _, argument = line.partition(" ")
            codes.append(self.note(verb.upper(), argument.strip(), len(line) + 2))
        return codes

    def message(self, rcpt):
        if self.send(f"mail FROM:<{self.name}@example.com>", f"RCPT TO:<{rcpt}>", "RCPT TO:<nobody@>")[0] != 250:
            return
        if self.chooser.random() < 0.5:
            assert self.send("DATA") == [354]
            text = b"Subject: x\r\n\r\n" + b"x" * self.chooser.randrange(1, 70) + b"\r\n.\r\n"
            self.socket.sendall(text)
            code, reply = self.reply()
            ident = re.match(r"2\.6\.0 (<[^@]+)@", reply).group(1) + ">"
            self.said.append(("DATA", ident, str(code), str(len(text)), reply.replace(" ", "+")))
        else:
            self.socket.sendall(b"BDAT 12\r\nSubject: x\r\nBDAT 5 LAST\r\n\r\nx\r\n")
            for argument, octets in ("12", 12), ("5+LAST", 5):
                self.note("BDAT", argument, octets)

    def run(self, messages):
        with self.socket:
            self.send(f"EHLO {self.name}")
            for _ in range(messages):
                self.message(self.chooser.choice(["sales@example.com", "user@example.net", "user@example.net"]))
                self.send(*self.chooser.sample(["NOOP", "RSET", "VRFY x  y", "bogus a b", "HELP", "FROBNICATE\\x"], 3))
            self.send("QUIT")


def talk(server, sessions, messages, workers=6):
    """Many sessions, several at a time. Returns the commands of each."""
    talkers, numbers, trouble = {}, list(range(sessions)), []

    def work():
        while numbers and not trouble:
            with contextlib.suppress(IndexError):
                number = numbers.pop()
                talker = Talker(server, f"c{number}.test", number)
                talkers[talker.name] = talker
                try:
                    talker.run(messages)
                except Exception as error:  # pylint: disable=broad-except
                    trouble.append((talker.name, error))

    threads = [threading.Thread(target=work) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not trouble, trouble
    return talkers


class Counting(Sink):
    """A sink that counts the commands that it gets, and its replies."""

    def __init__(self):
        self.heard = collections.Counter()
        verbs = ("EHLO", "MAIL", "RCPT", "DATA", "dot", "RSET")
        super().__init__(answers={verb: self.counter(verb) for verb in verbs})

    def counter(self, verb):
        def count(argument):
            argument = "" if verb == "dot" else argument
            with self.lock:
                self.heard[verb.replace("dot", "DATA"), argument.replace(" ", "+") or "-", verb == "dot"] += 1
        return count


def check_inbound(test, rows, talkers):
    found = collections.defaultdict(list)
    sessions = collections.defaultdict(set)
    for row in rows:
        if row["cs-username"] in talkers:
            test.assertEqual((row["c-ip"], row["s-ip"], row["s-sitename"]), ("127.0.0.1", "127.0.0.1", "test"))
            found[row["cs-username"]].append((row["cs-method"], row["cs-uri-query"], row["sc-status"], row["cs-bytes"], row["x-reply"]))
            sessions[row["x-session"]].add(row["cs-username"])
    for name, talker in talkers.items():
        test.assertEqual([(s[0], s[1], s[2]) for s in talker.said], [f[:3] for f in found[name]], name)
        test.assertEqual(talker.said, found[name], name)
    test.assertTrue(all(len(names) == 1 for names in sessions.values()))
    test.assertEqual(len(sessions), len(talkers))


def check_outbound(test, rows, sink):
    commands, replies = collections.Counter(), 0
    for row in rows:
        if row["cs-username"] == "OutboundConnectionCommand" and row["cs-method"] != "QUIT":
            is_text = row["cs-method"] == "DATA" and int(row["sc-bytes"]) > 6
            commands[row["cs-method"], row["cs-uri-query"], is_text] += 1
        elif row["cs-username"] == "OutboundConnectionResponse":
            test.assertEqual(row["cs-method"], "-")
            test.assertEqual(row["cs-uri-query"][:3], row["sc-status"])
            replies += row["sc-status"] != "221"
    test.assertEqual(commands, sink.heard)
    test.assertEqual(replies, sum(sink.heard.values()) + sink.connections)


@contextlib.contextmanager
def killing(server, role):
    """Kills the process of ROLE again and again, each after a second: a process that dies sooner is not replaced at once."""
    stop, kills = threading.Event(), []

    def work():
        while not stop.wait(1.1):
            pid = server.pids().get(role)
            if pid and pid not in kills:
                os.kill(pid, signal.SIGKILL)
                kills.append(pid)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield kills
    finally:
        stop.set()
        thread.join()
        wait_for(lambda: server.pids().get(role, kills[0]) not in kills, f"a process {role}")


class EveryCommandOnce(unittest.TestCase):
    def run_mixed(self, disturb, sessions=60, messages=5):
        with Counting() as sink, Mailroot(f"log {{ fields {FIELDS} }}\nsmart_host [127.0.0.1]:{sink.port}\nprocesses {{ spare 3; jobs 7 }}\n"
                                          "messages { max_session_size none }") as server:
            with disturb(server):
                talkers = talk(server, sessions, messages)
                wait_for(lambda: not server.files("new") and not server.files("cur"), "an empty spool", 60)
            server.stop()
            rows, remarks = rows_of(server)
            check_inbound(self, rows, talkers)
            check_outbound(self, rows, sink)
            self.assertEqual(remarks, [])
            return server, rows

    def test_mixed_run_in_and_out(self):
        _, rows = self.run_mixed(lambda server: contextlib.nullcontext())
        self.assertGreater(len(rows), 2500)

    def test_log_process_is_killed_under_load(self):
        kills = []

        @contextlib.contextmanager
        def disturb(server):
            with killing(server, "log") as list_of_kills:
                yield
            kills.extend(list_of_kills)

        self.run_mixed(disturb, sessions=1500, messages=8)
        self.assertGreater(len(kills), 3)

    def test_records_wait_while_the_log_is_down(self):
        @contextlib.contextmanager
        def disturb(server):
            pid = server.pids()["log"]
            os.kill(pid, signal.SIGSTOP)
            yield
            os.kill(pid, signal.SIGCONT)
        self.run_mixed(disturb)

    def test_period_by_size(self):
        with Mailroot(f"log {{ period 64K; fields {FIELDS} }}\nmessages {{ max_session_size none }}") as server:
            talkers = talk(server, 60, 10)
            server.stop()
            files = log_files(server, "extend")
            self.assertGreater(len(files), 3)
            self.assertEqual({p.name for p in files}, {f"extend{n + 1}.log" for n in range(len(files))})
            self.assertTrue(all(p.stat().st_size <= 65536 for p in files))
            files.sort(key=lambda p: int(p.name[6:-4]))
            rows = [row for p in files for row in read_w3c(p.read_text("ascii"))[0]]
            check_inbound(self, rows, talkers)


class Formats(unittest.TestCase):
    def text_of(self, settings, prefix):
        with Mailroot(f"log {{ {settings} }}") as server:
            server.send(["sales@example.com"])
            with server.client() as client:
                client.ehlo("a,b")
                client.docmd("AUTH PLAIN c2VjcmV0")
                client.send(b"NOOP \x01\xe6\"\t,\r\n")
                client.getreply()
                client.quit()
            server.stop()
            files = log_files(server, prefix)
            self.assertEqual(len(files), 1)
            self.assertNotIn("c2VjcmV0", files[0].read_text())
            return files[0].name, files[0].read_text("ascii")

    def test_default_is_w3c_by_the_day(self):
        name, text = self.text_of("", "ex")
        self.assertRegex(name, r"^ex\d{6}\.log$")
        rows, _ = read_w3c(text)
        self.assertEqual(list(rows[0]), ["date", "time", "c-ip", "cs-username", "s-sitename", "cs-method", "cs-uri-query", "sc-status",
                                         "cs-bytes", "time-taken"])
        rcpt = next(r for r in rows if r["cs-method"] == "RCPT")
        self.assertEqual((rcpt["c-ip"], rcpt["s-sitename"], rcpt["sc-status"]), ("127.0.0.1", "test", "250"))
        self.assertRegex(rcpt["date"] + " " + rcpt["time"], r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$")
        self.assertIn("sales@example.com", rcpt["cs-uri-query"])
        verbs = [(r["cs-method"], r["sc-status"]) for r in rows]
        self.assertEqual(verbs[:6], [("EHLO", "250"), ("MAIL", "250"), ("RCPT", "250"), ("DATA", "354"), ("DATA", "250"), ("QUIT", "221")])

    def test_fields_of_the_windows_service_by_name(self):
        rows, _ = read_w3c(self.text_of("fields iis", "ex")[1])
        self.assertEqual(list(rows[0]), ["time", "c-ip", "cs-method", "cs-uri-stem", "sc-status"])

    def test_iis(self):
        name, text = self.text_of("format iis; period monthly", "in")
        self.assertRegex(name, r"^in\d{4}\.log$")
        for line in text.splitlines():
            values = line.split(",")
            self.assertEqual(len(values), 16, line)
            self.assertEqual((values[4], values[15]), (" test", ""))

    def test_ncsa(self):
        name, text = self.text_of("format ncsa; period weekly", "nc")
        common = re.compile(r'\S+ - \S+ \[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] "[^"]* SMTP" \d+ \d+')
        for line in text.splitlines():
            self.assertTrue(common.fullmatch(line), line)

    def test_json(self):
        name, text = self.text_of("format json; period unlimited", "json")
        self.assertEqual(name, "json1.log")
        records = [json.loads(line) for line in text.splitlines()]
        self.assertEqual({r["direction"] for r in records}, {"in"})
        noop = next(r for r in records if r["verb"] == "NOOP")
        self.assertEqual((noop["argument"], noop["code"] // 100), ("\x01\xe6\"\t,", 5))

    def test_off_by_default(self):
        with Mailroot() as server:
            server.send(["sales@example.com"])
            server.stop()
            self.assertFalse((server.folder / "logs").exists())

    def test_timeouts_are_recorded(self):
        with Mailroot(f"log {{ fields {FIELDS} }}\nconnection_timeout 1s") as server:
            with server.client() as client:
                client.ehlo()
                self.assertEqual(client.getreply()[0], 421)
            row = wait_for(lambda: next((r for r in rows_of(server)[0] if r["cs-method"] == "TIMEOUT"), None), "a record of the time-out")
            self.assertEqual(row["sc-status"], "421")


class Changes(unittest.TestCase):
    def say(self, server, name):
        with server.client() as client:
            client.ehlo(name)

    def logged(self, server, name, prefix, folder=None):
        files = [p for p in folder.iterdir()] if folder else log_files(server, prefix)
        return any(name in p.read_text("latin-1") for p in files if p.name.startswith(prefix))

    def reload(self, server, settings):
        server.write_conf(settings)
        server.ctl("reload")

    def wait_logged(self, server, name, prefix, folder=None):
        wait_for(lambda: self.logged(server, name, prefix, folder), f"{name} in a file {prefix}")

    def test_reload_changes_everything(self):
        with Mailroot() as server:
            self.say(server, "silent.test")
            self.reload(server, "log { fields cs-username }")
            self.say(server, "first.test")
            self.wait_logged(server, "first.test", "ex")
            self.reload(server, "log { fields cs-username cs-method }")
            self.say(server, "second.test")
            self.wait_logged(server, "second.test EHLO", "ex")
            self.reload(server, "log { format json; period hourly }")
            self.say(server, "third.test")
            self.wait_logged(server, "third.test", "js")
            other = server.folder / "elsewhere"
            self.reload(server, f"log {{ format iis; dir {other} }}")
            self.say(server, "fourth.test")
            wait_for(other.exists, "the new folder")
            self.wait_logged(server, "fourth.test", "in", other)
            self.reload(server, "")
            self.say(server, "fifth.test")
            server.stop()
            self.assertFalse(self.logged(server, "silent.test", "ex"))
            self.assertFalse(any("fifth.test" in p.read_text("latin-1") for p in [*other.iterdir(), *log_files(server, "")]))

    def test_no_command_is_lost_over_reloads(self):
        periods = ["daily", "hourly", "monthly", "weekly"]
        with Mailroot(f"log {{ fields {FIELDS} }}\nmessages {{ max_session_size none }}") as server:
            stop = threading.Event()

            def reload():
                for n in range(1000):
                    if stop.wait(0.05):
                        return
                    self.reload(server, f"log {{ period {periods[n % 4]}; fields {FIELDS} }}\nmessages {{ max_session_size none }}")

            thread = threading.Thread(target=reload)
            thread.start()
            try:
                talkers = talk(server, 60, 5)
            finally:
                stop.set()
                thread.join()
            server.stop()
            rows, remarks = rows_of(server)
            for talker in talkers.values():
                mine = collections.Counter((r["cs-method"], r["cs-uri-query"], r["sc-status"]) for r in rows if r["cs-username"] == talker.name)
                self.assertEqual(mine, collections.Counter(s[:3] for s in talker.said))
            self.assertEqual(remarks, [])

    def test_one_log_folder_for_two_is_refused(self):
        other = f"virtual_server two {{ listen 127.0.0.1:{harness.free_port()}; fqdn b.example\nlog {{ dir /srv/log }} }}"
        server = Mailroot("log { dir /srv/log }", other)
        done = server.ctl("check", server.conf, check=False)
        shutil.rmtree(server.folder)
        self.assertEqual(done.returncode, 1)
        self.assertIn("already the log folder of virtual server test", done.stdout + done.stderr)

    @unittest.skipIf(os.geteuid(), "only root mounts")
    def test_disk_full(self):
        """Mail is still delivered; one line is logged; and the transaction log has the exact number of missing records."""
        with Mailroot() as server:
            folder = server.folder / "logs" / server.name
            folder.mkdir(parents=True)
            subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k,mode=0777", "none", str(folder)], check=True)
            try:
                self.reload(server, f"log {{ fields {FIELDS} }}\nmessages {{ max_session_size none }}")
                before = talk(server, 3, 2)
                wait_for(lambda: len(rows_of(server)[0]) >= sum(len(t.said) for t in before.values()), "the log")
                filler = folder / "filler"
                with contextlib.suppress(OSError), open(filler, "wb", buffering=0) as full:
                    while True:
                        full.write(b"x" * 4096)
                lost = talk(server, 30, 5)
                wait_for(lambda: "can't be written: No space left on device" in server.log(), "a log line about the disk")
                filler.unlink()
                talks = [before, lost]

                def is_told():
                    talks.append(talk(server, 1, 1))
                    return "can be written again" in server.log()

                wait_for(is_told, "a log line about its end")
                server.stop()
                rows, remarks = rows_of(server)
                said = sum(len(t.said) for talkers in talks for t in talkers.values())
                self.assertEqual(sum(int(re.search(r"(\d+) records were lost", r).group(1)) for r in remarks), said - len(rows))
                self.assertGreater(said - len(rows), 100)
                self.assertEqual(server.log().count("No space left"), 1)
            finally:
                subprocess.run(["umount", "-l", str(folder)], check=True)

    def test_folder_that_comes_back(self):
        with Mailroot(f"log {{ fields {FIELDS} }}") as server:
            self.say(server, "one.test")
            self.wait_logged(server, "one.test", "ex")
            folder = server.folder / "logs" / server.name
            moved = folder.rename(folder.parent / "moved")
            folder.touch()
            os.kill(server.pids()["log"], signal.SIGKILL)
            self.say(server, "two.test")
            server.send(["sales@example.com"])
            server.dropped(1)
            folder.unlink()
            moved.rename(folder)
            self.wait_logged(server, "two.test", "ex")


if __name__ == "__main__":
    harness.main()
