"""Hostile files in the spool, at start and while running, and hostile packets on the control socket."""
import array
import contextlib
import os
import pathlib
import random
import re
import signal
import socket
import subprocess
import sys
import time
import unittest

import harness
from harness import Mailroot, Message, Sink, unharmed

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
CHOOSER = random.Random(4)
ENVELOPE = b"x-sender: app@example.com\r\nx-receiver: user@example.net\r\n"
MESSAGE = ENVELOPE + b"Received: from x by y\r\n\t; Sat, 21 Nov 2026 00:00:00 +0000\r\nSubject: x\r\n\r\nbody\r\n"


def encode(number, chars):
    return "".join(ALPHABET[number >> 5 * i & 31] for i in reversed(range(chars)))


def ident(seconds=None):
    return encode(int(time.time()) if seconds is None else seconds, 8) + encode(CHOOSER.getrandbits(80), 16)


def name_of(content, number=None, seconds=None):
    return f"{ident(seconds)},S={len(content) if number is None else number}.eml"


def file_with(content, size=None):
    """Returns a function that puts such a file into a folder, whole, and returns its id."""
    def put(folder):
        name = name_of(content, size)
        made = folder.parent / name
        made.write_bytes(content)
        made.chmod(0o644)
        as_the_service(made)
        made.rename(folder / name)
        return name[:24]
    return put


def special(make):
    """The same for other types of files: MAKE gets the path."""
    def put(folder):
        name = name_of(MESSAGE)
        make(folder / name)
        return name[:24]
    return put


def unreadable(path):
    path.write_bytes(MESSAGE)
    os.chmod(path, 0o000)


def unix_socket(path):
    with socket.socket(socket.AF_UNIX) as s:
        here = os.open(path.parent, os.O_PATH)
        s.bind(f"/proc/self/fd/{here}/{path.name}")
        os.close(here)


BADMAIL, GONE, SENT, DROPPED, LEFT = "badmail", "gone", "sent", "dropped", "left"

# name -> function that puts it into new/ or cur/, outcome
FILES = {
    "whole": (file_with(MESSAGE), SENT),
    "empty": (file_with(b"", 100), GONE),
    "empty and named so": (file_with(b""), GONE),
    "shorter than its name": (file_with(MESSAGE, 1000), BADMAIL),
    "longer than its name": (file_with(MESSAGE, 10), BADMAIL),
    "of 2^64-1 octets": (file_with(MESSAGE, 2**64 - 1), BADMAIL),
    "envelope cut in the sender": (file_with(ENVELOPE[:12]), BADMAIL),
    "envelope cut in the recipient": (file_with(ENVELOPE[:45]), BADMAIL),
    "no recipient": (file_with(ENVELOPE[:27] + b"Subject: x\r\n\r\n"), BADMAIL),
    "no sender": (file_with(ENVELOPE[27:] + b"Subject: x\r\n\r\n"), BADMAIL),
    "two senders": (file_with(ENVELOPE[:27] + ENVELOPE + b"\r\n"), BADMAIL),
    "no envelope": (file_with(b"Subject: x\r\n\r\nbody\r\n"), BADMAIL),
    "zeros": (file_with(bytes(4096)), BADMAIL),
    "noise": (file_with(CHOOSER.randbytes(100_000)), BADMAIL),
    "unknown envelope line": (file_with(ENVELOPE + b"x-mailroot-evil: 1\r\n\r\n"), BADMAIL),
    "traversal": (file_with(b"x-sender: <>\r\nx-receiver: ../../etc/passwd\r\n\r\n"), DROPPED),
    "control characters": (file_with(b"x-sender: <>\r\nx-receiver: a\x1b[2J@example.net\r\n\r\n"), BADMAIL),
    "5001 recipients": (file_with(ENVELOPE[:27] + b"x-receiver: user@example.net\r\n" * 5001 + b"\r\n"), BADMAIL),
    "endless envelope": (file_with(b"x-sender: " + b"a" * 3_000_000), BADMAIL),
    "envelope only": (file_with(ENVELOPE), SENT),
    "line feeds only": (file_with(MESSAGE.replace(b"\r\n", b"\n")), SENT),
    "directory": (special(lambda path: path.mkdir()), LEFT),
    "FIFO": (special(os.mkfifo), LEFT),
    "socket": (special(unix_socket), LEFT),
    "symlink to a file": (special(lambda path: path.symlink_to("/etc/passwd")), LEFT),
    "symlink to nothing": (special(lambda path: path.symlink_to("/nonexistent")), LEFT),
    "symlink to itself": (special(lambda path: path.symlink_to(path.name)), LEFT),
    "unreadable": (special(unreadable), BADMAIL),
}

NOT_OURS = ["x", "-rf", "a b", "new\nline", "\x1b[2J", "x" * 255, ".hidden", "..x", "." + ident(), ident(), ident() + ".eml", ident() + ",S=.eml", ident() + ",S=-1.eml",
            ident() + ",S=01.eml", ident() + ",S=18446744073709551616.eml", ident()[:-1] + ",S=1.eml", ident().lower() + ",S=1.eml", "U" * 24 + ",S=1.eml", ident() + ",S=1.eml~",
            ident() + ",S=1,8,8.eml", b"\xff\xfe".decode("utf-8", "surrogateescape"), ident() + ".log", ident() + ".log.bak"]

JOURNAL_STAMP = "2026-11-21T00:00:00Z"


def as_the_service(path):
    """Files of the tests belong to the owner of the spool, except those that must be unreadable."""
    if not os.geteuid():
        owner = path.parent.lstat().st_uid
        if path.is_symlink() or path.lstat().st_mode & 0o777:
            os.lchown(path, owner, -1)


class Spool(unittest.TestCase):
    def outcomes(self, server, sink, ids):
        """Waits until every file is handled, and checks the outcomes."""
        def left():
            return {p.name[:24] for f in ("new", "cur") for p in (server.server_folder() / f).iterdir() if p.name[:24] in ids}

        to_stay = {ident_ for ident_, (_, outcome) in ids.items() if outcome == LEFT}
        harness.wait_for(lambda: left() <= to_stay, "an outcome for every file", 30)
        self.assertEqual(left(), to_stay)
        bad = {p.name[:24] for p in server.files("badmail")}
        for ident_, (name, outcome) in ids.items():
            with self.subTest(name):
                self.assertEqual(ident_ in bad, outcome == BADMAIL)
                self.assertEqual((server.server_folder() / "drop" / f"{ident_}.eml").exists(), outcome == DROPPED)
                if outcome == BADMAIL:
                    self.assertTrue((server.server_folder() / "badmail" / f"{ident_}.txt").read_text().strip())
        sink.wait(sum(outcome == SENT for _, outcome in ids.values()))
        self.assertEqual(len(sink.messages), sum(outcome == SENT for _, outcome in ids.values()))

    def fill(self, server, folder):
        ids = {}
        for name, (put, outcome) in FILES.items():
            if (folder, name) == ("new", "zeros"):
                outcome = GONE  # left by a power failure of a message that was never acknowledged
            ids[put(server.server_folder() / folder)] = (f"{folder}: {name}", outcome)
        for name in NOT_OURS:
            path = server.server_folder() / folder / name
            if not path.exists():
                path.write_bytes(MESSAGE)
        for path in (server.server_folder() / folder).iterdir():
            with contextlib.suppress(FileNotFoundError):  # a running queue removes the empty one
                as_the_service(path)
        return ids

    def test_at_start(self):
        with Sink() as sink, Mailroot(f"smart_host [127.0.0.1]:{sink.port}") as server:
            server.stop()
            ids = {**self.fill(server, "new"), **self.fill(server, "cur")}
            server.start()
            with unharmed(self, server):
                self.outcomes(server, sink, ids)

    def test_found_by_a_new_queue(self):
        """The files come while the service runs, and the queue dies before it scans them; other processes continue."""
        with Sink() as sink, Mailroot(f"smart_host [127.0.0.1]:{sink.port}") as server:
            ids = {**self.fill(server, "new"), **self.fill(server, "cur")}
            before = server.pids()
            os.kill(before["queue"], signal.SIGKILL)
            server.send(["sales@example.com"])
            self.outcomes(server, sink, ids)
            server.dropped()
            after = server.pids()
            self.assertNotEqual(after.pop("queue"), before.pop("queue"))
            self.assertEqual(after, before)
            self.assertEqual(len(re.findall(r"ended \(", server.log())), 1)

    def test_10000_strange_files(self):
        """Foreign names are ignored, journals without message removed, bad messages moved to badmail; new mail is not delayed."""
        with Mailroot() as server:
            server.stop()
            for folder in ("new", "cur"):
                for i in range(5000):
                    (server.server_folder() / folder / f"junk-{i}").touch()
                    (server.server_folder() / folder / f"{ident()}.log").write_bytes(b"junk")
            for _ in range(500):
                file_with(b"junk")(server.server_folder() / "new")
            server.start()
            with unharmed(self, server):
                began = time.monotonic()
                server.send(["sales@example.com"])
                server.dropped()
                self.assertLess(time.monotonic() - began, 3)
                harness.wait_for(lambda: len(server.files("badmail")) == 500, "500 bad mails")
                harness.wait_for(lambda: not server.files("cur", ".log"), "no journal without message")
                self.assertEqual(len(server.files("cur", "")), 5000)
                self.assertEqual(len([p for p in server.files("new", "") if p.name.startswith("junk")]), 5000)
            self.assertLess(server.log().count("\n"), 600)

    def waiting(self, server, journal, rcpts=3):
        """Puts a message into cur/ with that journal, due now. Returns its id."""
        text = b"x-sender: app@example.com\r\n" + b"".join(b"x-receiver: %d@example.net\r\n" % i for i in range(rcpts)) + MESSAGE[len(ENVELOPE):]
        name = name_of(text)
        cur = server.server_folder() / "cur"
        (cur / name).write_bytes(text)
        log = cur / f"{name[:24]}.log"
        if callable(journal):
            journal(log)
        else:
            log.write_bytes(journal)
        for path in (cur / name, log):
            as_the_service(path)
        with contextlib.suppress(OSError):
            os.utime(log, (2, 2), follow_symlinks=False)
        return name[:24]

    def test_journals(self):
        """Valid lines count, wherever they are in garbage; a recipient that has the message does not get it again."""
        done = f"{JOURNAL_STAMP} 1 delivered 250 2.0.0 h[192.0.2.1]:25 ok\n".encode()
        junk = CHOOSER.randbytes(200).replace(b"\n", b"")
        journals = {
            "clean": (done, {0, 2}),
            "torn": (done + done[:30], {0, 2}),
            "garbage lines": (junk + b"\n" + done + junk + b"\n", {0, 2}),
            "torn garbage": (done + junk, {0, 2}),
            "torn zeros of a page": (done + bytes(4096), {0, 2}),
            "torn zeros of a megabyte": (done + bytes(1 << 20), {0, 2}),
            "zeros before": (bytes(200_000) + b"\n" + done, {0, 2}),
            "a line without end before": (b"x" * 200_000 + b"\n" + done, {0, 2}),
            "empty lines": (b"\n" * 10_000 + done, {0, 2}),
            "empty": (b"", {0, 1, 2}),
            "only zeros": (bytes(70_000), {0, 1, 2}),
            "strange ordinals": (done + b"".join(f"{JOURNAL_STAMP} {o} delivered 250 2.0.0 h ok\n".encode() for o in ("-1", "3", "4999", "4294967295", "00", "2-1", "0-", "0x0", "")), {0, 2}),
            "strange events": (done + f"{JOURNAL_STAMP} 0 exploded 250 2.0.0 h ok\n{JOURNAL_STAMP} 0 DELIVERED 250 2.0.0 h ok\n{JOURNAL_STAMP} 0 noticed 250 2.0.0 h ok\n".encode(), {0, 2}),
            "all delivered": (done.replace(b" 1 ", b" * "), set()),
            "a range beyond": (done.replace(b" 1 ", b" 1-4998 "), {0}),
        }
        with Sink() as sink, Mailroot(f"smart_host [127.0.0.1]:{sink.port}") as server:
            server.stop()
            ids = {name: self.waiting(server, journal) for name, (journal, _) in journals.items()}
            server.start()
            with unharmed(self, server):
                harness.wait_for(lambda: not server.files("cur", "") and not server.files("new", ""), "an empty spool")
            sent = {i: {int(found) for found in re.findall(rf"id={i} .*to=<(\d)@example.net>.*status=delivered", server.log())} for i in ids.values()}
            for name, (_, rcpts) in journals.items():
                with self.subTest(name):
                    self.assertEqual(sent[ids[name]], rcpts)
            self.assertEqual(len(sink.messages), sum(bool(rcpts) for _, rcpts in journals.values()))

    def test_lines_appended_to_garbage_count(self):
        """A final line after an incomplete one of any length can be read by the next queue."""
        answers = {"RCPT": lambda argument: "450 4.2.0 later" if argument.startswith("TO:<0@") else None}
        with Sink(answers=answers) as sink, Mailroot(f"smart_host [127.0.0.1]:{sink.port}\ndelivery {{ retry 1h }}") as server:
            server.stop()
            tails = {name: self.waiting(server, tail) for name, tail in {"short": b"x" * 100, "a page": bytes(4096), "a megabyte": b"y" * (1 << 20), "none": b""}.items()}
            server.start()
            sink.wait(len(tails))
            harness.wait_for(lambda: server.log().count("status=delayed") >= len(tails), "the delays")
            server.stop()
            answers.clear()
            for log in server.files("cur", ".log"):
                os.utime(log, (2, 2))
            server.start()
            sink.wait(2 * len(tails))
            harness.wait_for(lambda: not server.files("cur", ""), "an empty cur/")
            for name, ident_ in tails.items():
                with self.subTest(name):
                    found = re.findall(rf"id={ident_} .*to=<(\d)@example.net>.*status=delivered", server.log())
                    self.assertEqual(sorted(found), ["0", "1", "2"])

    def test_journals_that_are_no_files(self):
        journals = {"directory": lambda path: path.mkdir(), "full directory": lambda path: (path.mkdir(), (path / "x").touch()), "FIFO": os.mkfifo,
                    "symlink": lambda path: path.symlink_to("/etc/passwd"), "symlink to nothing": lambda path: path.symlink_to("/nonexistent/x"), "unreadable": unreadable}
        with Sink() as sink, Mailroot(f"smart_host [127.0.0.1]:{sink.port}") as server:
            server.stop()
            ids = {name: self.waiting(server, make) for name, make in journals.items()}
            server.start()
            before = pathlib.Path("/etc/passwd").read_bytes()
            with unharmed(self, server):
                harness.wait_for(lambda: not server.files("cur", ".eml"), "every message handled", 15)
            bad = {p.name[:24] for p in server.files("badmail")}
            for name, ident_ in ids.items():
                with self.subTest(name):
                    self.assertIn(ident_, bad)
            self.assertEqual(pathlib.Path("/etc/passwd").read_bytes(), before)
            self.assertFalse(pathlib.Path("/nonexistent").exists())


GARBAGE = [b"", b"\0", b"\xff", bytes(200), b"x" * 256, b"x" * 257, b"x" * 65536, b"x" * 150_000, *(bytes([kind]) for kind in range(64)), *(bytes([kind]) + b"\xff" * 20 for kind in range(64)),
           *(bytes([kind]) + CHOOSER.randbytes(CHOOSER.randrange(100)) for kind in range(64))]

STRANGER = """
import os, socket, sys
os.setgroups([]); os.setgid(65534); os.setuid(65534)
for _ in range(200):
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:
        s.connect(sys.argv[1])
        try:
            for packet in (b"\\x0d\\1", b"\\x0e\\0", b"\\x0f\\1", b"\\xff" * 100):
                s.send(packet)
        except OSError:
            pass
        try:
            answer = s.recv(65536)
        except ConnectionResetError:
            answer = s.recv(65536)
        assert b"you may not control" in answer, answer
        try:
            assert s.recv(65536) == b""
        except ConnectionResetError:
            pass
"""


def descriptors(pid):
    """The number of open descriptors of PID; 0 if only root may read it."""
    try:
        return len(os.listdir(f"/proc/{pid}/fd"))
    except PermissionError:
        return 0


class Control(unittest.TestCase):
    def connect(self, server):
        s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        s.connect(str(server.folder / "run/control"))
        s.settimeout(5)
        return s

    def asked(self, server, kind):
        """A direct link to the queue or smtpd, like that of mailrootctl."""
        packets = [m for m in re.findall(r"^PACKET\((\w+),", (pathlib.Path(__file__).parents[2] / "common/ipc/wire.def").read_text(), re.M)]
        with self.connect(server) as s:
            name = server.name.encode()
            s.send(bytes([packets.index("ctl_connect") + 1, len(name)]) + name + bytes([kind, 0]))
            fds = array.array("i")
            _, ancillary, _, _ = s.recvmsg(65536, socket.CMSG_SPACE(fds.itemsize))
            for _, _, data in ancillary:
                fds.frombytes(data[:fds.itemsize])
        if not fds:
            return None
        link = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET, fileno=fds[0])
        link.settimeout(5)
        return link

    def throw(self, s, packet, fds=()):
        with contextlib.suppress(OSError):
            s.sendmsg([packet], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else [])
            s.settimeout(0.05)
            s.recv(65536)
        s.close()

    def test_garbage_to_master(self):
        with Mailroot() as server, unharmed(self, server):
            stops = [p for p in GARBAGE if p[:1] in (b"\x0d", b"\x0e", b"\x0f")]
            for packet in GARBAGE:
                if len(packet) == 2 and packet in stops:
                    continue
                self.throw(self.connect(server), packet)
            open_before = descriptors(server.process.pid)
            for count in (1, 4, 5, 200):
                with open("/dev/null") as null:
                    for packet in (b"\xff", b"\x0d\0"):
                        self.throw(self.connect(server), packet, [null.fileno()] * count)
            server.ctl("status")
            harness.wait_for(lambda: descriptors(server.process.pid) <= open_before, "no descriptor left in master")

    def test_many_silent_connections(self):
        """More connections than there is room for: new ones are told so, and after a time-out there is room again."""
        with Mailroot() as server, unharmed(self, server):
            crowd = [self.connect(server) for _ in range(40)]
            done = server.ctl("status", check=False)
            self.assertIn("too many", done.stdout + done.stderr)
            server.send(["sales@example.com"])
            server.dropped()
            for s in crowd:
                s.close()
            harness.wait_for(lambda: server.ctl("status", check=False).returncode == 0, "room")

    @unittest.skipIf(os.geteuid(), "needs root to become somebody else")
    def test_user_without_permission(self):
        with Mailroot() as server, unharmed(self, server):
            done = subprocess.run([sys.executable, "-c", STRANGER, str(server.folder / "run/control")], capture_output=True, text=True, timeout=30)
            self.assertEqual(done.returncode, 0, done.stderr)
            with self.subTest("who is refused hears why, also when the question came before the door was closed"):
                os.kill(server.process.pid, signal.SIGSTOP)
                asking = subprocess.Popen([str(harness.BUILD / "mailrootctl"), "-c", str(server.conf), "status"], user=65534, group=65534, extra_groups=[],
                                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
                harness.wait_for(lambda: "recv" in pathlib.Path(f"/proc/{asking.pid}/wchan").read_text() or asking.poll() is not None or
                                 pathlib.Path(f"/proc/{asking.pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "S", "mailrootctl to wait")
                os.kill(server.process.pid, signal.SIGCONT)
                self.assertIn("you may not control", asking.communicate(timeout=20)[0])

    def test_garbage_to_queue_and_smtpd(self):
        roles = {"smtpd": None, "queue": None}
        with Mailroot() as server, unharmed(self, server):
            for kind in range(16):
                link = self.asked(server, kind)
                if link:
                    link.close()
                    roles[("smtpd", "queue")[len([r for r in roles.values() if r is not None])]] = kind
            self.assertNotIn(None, roles.values())
            before = {role: descriptors(server.pids()[role]) for role in roles}
            for role, kind in roles.items():
                for packet in GARBAGE:
                    self.throw(self.asked(server, kind), packet)
                with open("/dev/null") as null:
                    self.throw(self.asked(server, kind), b"\xff", [null.fileno()] * 100)
                    self.throw(self.asked(server, kind), b"\xff", [null.fileno()] * 3)
            for role in roles:
                harness.wait_for(lambda: descriptors(server.pids()[role]) <= before[role], f"no descriptor left in {role}")

    def test_answers_never_read(self):
        """A client that does not read its answers delays no other."""
        packets = [m for m in re.findall(r"^PACKET\((\w+),", (pathlib.Path(__file__).parents[2] / "common/ipc/wire.def").read_text(), re.M)]
        with Mailroot() as server, unharmed(self, server):
            for kind in range(16):
                link = self.asked(server, kind)
                if not link:
                    continue
                link.settimeout(0.3)
                for name in ("smtpd_status", "queue_status"):
                    with contextlib.suppress(OSError):
                        for _ in range(20_000):
                            link.send(bytes([packets.index(name) + 1, 1]))
                began = time.monotonic()
                server.send(["sales@example.com"])
                server.ctl("status")
                server.ctl("queue", "list")
                self.assertLess(time.monotonic() - began, 3)
                link.close()


if __name__ == "__main__":
    harness.main()
