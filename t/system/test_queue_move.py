"""Mail that moves to another machine: queue export, queue import, archives that are not what they seem."""
import io
import os
import shutil
import subprocess
import tarfile
import threading
import unittest

import harness
from harness import Mailroot, Sink, free_port, wait_for
from test_queue_tools import hold_all, listed

RETRY = "delivery { retry 4h; expire 5d }"
ID = "01NGWN7ARZ3XZ0DJM1YKQ6QH"
TEXT = b"x-sender: app@example.com\r\nx-receiver: b@one.test\r\nReceived: from x by y; Sat, 21 Nov 2026 10:00:00 +0000\r\nSubject: x\r\n\r\nx\r\n"


def name_of(text, ident=ID):
    return f"{ident},S={len(text)}.eml"


def entry(name, content=b"", **more):
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for key, value in more.items():
        setattr(info, key, value)
    return info, content


def tar(path, *entries, form=tarfile.USTAR_FORMAT):
    with tarfile.open(path, "w", format=form) as out:
        for info, content in entries:
            out.addfile(info, io.BytesIO(content))
    return path


def names_in(file):
    with tarfile.open(file) as archive:
        return archive.getnames()


def octets_in(file):
    with tarfile.open(file) as archive:
        return sum(info.size for info in archive if info.name.endswith(".eml"))


def left_over(server):
    """What is not a list of an import, nor empty."""
    folder = server.server_folder() / "moved"
    return [path.name for path in folder.iterdir() if path.is_dir() and (path.name.startswith(".") or any(path.iterdir()))] if folder.exists() else []


def take_in(server):
    """A queue that starts looks at once."""
    server.stop()
    server.start()


class Moves(unittest.TestCase):
    def test_live_to_another(self):
        """Held, waiting and new mail moves from a queue that runs; the other one delivers each message once."""
        with Sink() as sink, Mailroot(f"smart_host [127.0.0.1]:{free_port()}\n{RETRY}") as one, Mailroot(f"smart_host [127.0.0.1]:{sink.port}\n{RETRY}") as two:
            for i in range(12):
                one.send([f"a{i}@one.test", f"b{i}@one.test"], f"Subject: {i:02}\r\n\r\nx\r\n".encode())
            hold_all(one, 12)
            file = one.folder / "mail.tar"
            copied = one.ctl("queue", "export", file)
            self.assertIn("12 messages exported", copied.stdout)
            self.assertIn("still in this queue", copied.stdout)
            self.assertEqual(len(listed(one)), 12)
            self.assertEqual(file.stat().st_mode & 0o777, 0o600)
            names = names_in(file)
            self.assertEqual(names[0], "mailroot-export")
            self.assertEqual(names[1:], sorted(names[1:], key=lambda name: (name[:24], not name.endswith(".log"))))
            for lister in (["tar", "tf"], ["bsdtar", "tf"]):
                if shutil.which(lister[0]):
                    self.assertEqual(subprocess.run([*lister, file], capture_output=True, text=True, check=True).stdout.split(), names)
            again = one.ctl("queue", "export", file, check=False)
            self.assertEqual((again.returncode, "exists" in again.stderr), (1, True))
            moved = one.folder / "moved.tar"
            self.assertEqual(one.ctl_json("queue", "export", moved, "--remove")["exported"], 12)
            self.assertEqual((listed(one), one.files("cur", ""), left_over(one)), ([], [], []))
            self.assertEqual(two.ctl_json("queue", "import", moved), {"imported": 12, "octets": octets_in(moved), "already": 0, "here": 0})
            take_in(two)
            wait_for(lambda: len(listed(two)) == 12, "the mail in the other queue")
            self.assertEqual({m["state"] for m in listed(two)}, {"held"})
            self.assertFalse({m["id"] for m in listed(two)} & {name[:24] for name in names})
            shown = two.ctl("queue", "show", listed(two)[0]["id"]).stdout
            self.assertIn("from an export where it was", shown)
            self.assertEqual(two.ctl_json("queue", "import", moved)["already"], 12)
            two.ctl("queue", "release", "--all", "--yes")
            sink.wait(12)
            wait_for(lambda: not listed(two), "an empty queue")
            self.assertEqual(two.ctl_json("queue", "import", file)["already"], 12)
            take_in(two)
            self.assertEqual(len(sink.wait(12)), 12)
            self.assertEqual((two.files("cur", ""), left_over(two)), ([], []))

    def test_journal_is_kept(self):
        """Recipients that have the mail do not get it again; the next attempt and the attempts are those of the journal."""
        with Sink(answers={"RCPT": lambda text: "451 4.2.0 later" if "later" in text else None}) as sink:
            with Mailroot(f"smart_host [127.0.0.1]:{sink.port}\n{RETRY}") as one, Mailroot(f"smart_host [127.0.0.1]:{sink.port}\n{RETRY}") as two:
                one.send(["now@one.test", "later@one.test"], b"Subject: 1\r\n\r\n\xc3\xa4\r\n")
                wait_for(lambda: [m for m in listed(one) if m["state"] == "waiting"], "a message that waits")
                before = listed(one)[0]
                one.stop()
                file = one.folder / "mail.tar"
                one.ctl("queue", "export", file, "--remove")
                two.ctl("queue", "import", file)
                take_in(two)
                after = wait_for(lambda: listed(two), "the message")[0]
                self.assertEqual((after["state"], after["open"]), (before["state"], 1))
                self.assertLess(abs(after["next_try_s"] - before["next_try_s"]), 60)
                self.assertEqual(len(sink.messages), 1)
                self.assertEqual(two.ctl_json("queue", "list", "--attempts", "1")["messages"][0]["id"], after["id"])
                one.start()
                self.assertEqual(listed(one), [])

    def test_folder_of_a_dead_machine(self):
        with Sink() as sink, Mailroot(f"smart_host [127.0.0.1]:{free_port()}\n{RETRY}") as one, Mailroot(f"smart_host [127.0.0.1]:{sink.port}\n{RETRY}") as two:
            for i in range(3):
                one.send([f"a{i}@one.test"], f"Subject: {i}\r\n\r\nx\r\n".encode())
            running = two.ctl("queue", "import", one.server_folder(), check=False)
            self.assertEqual(running.returncode, 1)
            self.assertIn("is in use", running.stderr)
            one.stop()
            two.ctl("queue", "import", one.server_folder())
            self.assertEqual(two.ctl_json("queue", "import", one.server_folder())["already"], 3)
            take_in(two)
            two.ctl("queue", "retry", "--all", "--yes", check=False)  # what was tried before waits
            self.assertEqual(len(sink.wait(3)), 3)
            file = one.folder / "dead.tar"
            self.assertEqual(two.ctl_json("queue", "export", file, one.server_folder(), "--remove")["exported"], 3)
            self.assertEqual(one.files("cur", "") + one.files("new", ""), [])

    def test_selection(self):
        with Mailroot(f"smart_host [127.0.0.1]:{free_port()}\n{RETRY}") as server:
            for i, sender in enumerate(["a@example.com", "b@example.com", ""]):
                server.send([f"r{i}@d{i}.test", "x@common.test"], b"Subject: x\r\n\r\n" + b"y" * 70 * i + b"\r\n", sender=sender)
            hold_all(server, 3)
            for options, count in (([], 3), (["--sender", "a@example.com"], 1), (["--sender", "<>"], 1), (["--domain", "d1.test"], 1),
                                   (["--recipient", "x@common.test"], 3), (["--older", "1h"], 0), (["--larger", "1M"], 0),
                                   (["--reason", "connection"], None), (["--reason", "nonsense"], 0), ([listed(server)[0]["id"]], 1)):
                file = server.folder / "x.tar"
                found = server.ctl_json("queue", "export", file, *options)["exported"]
                self.assertEqual(found, len(server.ctl_json("queue", "list", *options)["messages"]), options)
                self.assertIn(found, [count, found if count is None else count], options)
                file.unlink()
            bad = server.ctl("queue", "export", server.folder / "x.tar", "nonsense", check=False)
            self.assertEqual((bad.returncode, "neither the ID" in bad.stderr), (2, True))

    def test_pipe(self):
        with Mailroot(f"smart_host [127.0.0.1]:{free_port()}\n{RETRY}") as one, Mailroot(f"smart_host [127.0.0.1]:{free_port()}\n{RETRY}") as two:
            one.send(["a@one.test"], b"Subject: x\r\n\r\nx\r\n")
            hold_all(one, 1)
            ctl = [str(one.programs / "mailrootctl"), "-c"]
            out = subprocess.run([*ctl, one.conf, "queue", "export", "-"], capture_output=True, check=True)
            done = subprocess.run([*ctl, two.conf, "queue", "import", "-", "--json"], input=out.stdout, capture_output=True, check=True)
            self.assertIn(b'"imported":1', done.stdout.replace(b" ", b""))
            refused = one.ctl("queue", "export", "-", "--remove", check=False)
            self.assertEqual((refused.returncode, "--remove needs a FILE" in refused.stderr), (2, True))

    def test_message_being_delivered(self):
        """A message that a worker has stays; it is told, and a later export gets it or it is delivered."""
        go = threading.Event()
        with Sink(answers={"DATA": lambda _: go.wait(60) and None}) as sink, Mailroot(f"smart_host [127.0.0.1]:{sink.port}\n{RETRY}") as server:
            server.send(["a@one.test"], b"Subject: x\r\n\r\nx\r\n")
            wait_for(lambda: [m for m in listed(server) if m["state"] == "active"], "a delivery")
            file = server.folder / "x.tar"
            done = server.ctl("queue", "export", file, "--remove", check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn("being delivered just now", done.stdout)
            self.assertEqual(names_in(file), ["mailroot-export"])
            go.set()
            sink.wait(1)
            wait_for(lambda: not listed(server), "an empty queue")


class Hostile(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = cls.enterClassContext(Mailroot(f"smart_host [127.0.0.1]:{free_port()}\nmessages {{ max_message_size 1M }}\n{RETRY}"))

    def refuse(self, what, file, *said):
        done = self.server.ctl("queue", "import", file, check=False)
        self.assertEqual(done.returncode, 1, what)
        self.assertIn("nothing was imported", done.stderr, what)
        for text in said:
            self.assertIn(text, done.stderr, what)
        self.assertEqual(left_over(self.server), [], what)
        self.assertEqual(self.server.files("cur", "") + self.server.files("new", ""), [], what)

    def test_entries(self):
        good = entry(name_of(TEXT), TEXT)
        link = entry("x", type=tarfile.SYMTYPE, linkname="/etc/passwd")
        cases = {
            "symlink": ([link], "symbolic link"),
            "hard link": ([entry("x", type=tarfile.LNKTYPE, linkname="/etc/passwd")], "hard link"),
            "device": ([entry("x", type=tarfile.CHRTYPE)], "device"),
            "folder": ([entry("new", type=tarfile.DIRTYPE)], "folder"),
            "pipe": ([entry("x", type=tarfile.FIFOTYPE)], "named pipe"),
            "absolute": ([entry("/etc/passwd", b"x")], "no export gives"),
            "above": ([entry("../../new/" + name_of(TEXT), TEXT)], "no export gives"),
            "head later": ([good, entry("mailroot-export", b"0123456789abcdef\n")], "no export gives"),
            "size in name": ([entry(name_of(TEXT + b"x"), TEXT)], "not that in its name"),
            "LF only": ([entry(name_of(TEXT.replace(b"\r\n", b"\n")), TEXT.replace(b"\r\n", b"\n"))], "CRLF"),
            "no envelope": ([entry(name_of(b"Subject: x\r\n\r\nx\r\n"), b"Subject: x\r\n\r\nx\r\n")], name_of(b"Subject: x\r\n\r\nx\r\n")),
            "twice": ([good, good], "twice"),
            "journal alone": ([entry(ID + ".log", b"x\n")], "before the message of the last journal"),
            "journal of another": ([entry("11NGWN7ARZ3XZ0DJM1YKQ6QH.log", b"x\n"), good], "journal before it is missing"),
            "two journals": ([entry(ID + ".log", b"x\n"), entry(ID + ".log", b"x\n"), good], "journal before it is missing"),
            "bad after good": ([good, link], "symbolic link"),
            "control characters": ([entry("\x1b[2Jx", b"x")], "\\x1b[2Jx"),
        }
        large = TEXT + b"y\r\n" * (10 << 20)
        cases["large"] = ([entry(name_of(large), large)], "max_message_size")
        for what, (entries, said) in cases.items():
            self.refuse(what, tar(self.server.folder / "x.tar", *entries), said)

    def test_formats(self):
        long_name = entry("x" * 200, b"x")
        self.refuse("GNU", tar(self.server.folder / "x.tar", long_name, form=tarfile.GNU_FORMAT), "long name")
        self.refuse("pax", tar(self.server.folder / "x.tar", entry("ä" * 60, b"x"), form=tarfile.PAX_FORMAT), "extended header")
        self.refuse("prefix", tar(self.server.folder / "x.tar", entry("a" * 90 + "/" + "b" * 60, b"x")), "folders")

    def test_octets(self):
        path = tar(self.server.folder / "x.tar", entry(name_of(TEXT), TEXT))
        whole = path.read_bytes()
        header = bytearray(whole[:512])
        for at in (0, 1, 511, 512, 513, 512 + len(TEXT), 1023, 1024):
            path.write_bytes(whole[:at])
            self.refuse(f"cut at {at}", path, "not whole")
        for size in (b"\x80" + b"\0" * 3 + b"\xff" * 8, b"77777777777\0", b"-0000000001\0", b"0000000009a\0"):
            changed = bytearray(header)
            changed[124:136] = size
            changed[148:156] = b" " * 8
            changed[148:156] = b"%06o\0 " % sum(changed)
            path.write_bytes(bytes(changed) + whole[512:])
            self.refuse(repr(size), path)
        header[0] ^= 1
        path.write_bytes(bytes(header) + whole[512:])
        self.refuse("sum", path, "no header")
        for what, octets in (("text", b"hello\n" * 1000), ("gzip", b"\x1f\x8b" + os.urandom(2000)), ("empty", b"")):
            path.write_bytes(octets)
            self.refuse(what, path)

    def test_places(self):
        path = tar(self.server.folder / "x.tar", entry(name_of(TEXT), TEXT))
        for arguments, said in ((["import", path, "--server", "nobody"], "no virtual server nobody"), (["export", self.server.folder / "y.tar", "--server", "nobody"], "no virtual server nobody"),
                                (["import", self.server.folder / "missing"], "can't read"), (["import", self.server.folder], "is no spool"),
                                (["export", self.server.folder / "no" / "y.tar"], "can't write"), (["export", self.server.folder / "y.tar", "/etc/"], "is no spool")):
            done = self.server.ctl("queue", *arguments, check=False)
            self.assertEqual((done.returncode, said in done.stderr), (1, True), done.stderr)

    def test_full_disk(self):
        if os.geteuid():
            self.skipTest("needs root")
        disk = self.server.folder / "disk"
        disk.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", disk], check=True)
        try:
            with Mailroot(f"smart_host [127.0.0.1]:{free_port()}\n{RETRY}") as one:
                for i in range(3):
                    one.send([f"a{i}@one.test"], b"Subject: x\r\n\r\n" + b"y" * 70 + b"\r\n" * 15000)
                hold_all(one, 3)
                for more in ([], ["--remove"]):
                    done = one.ctl("queue", "export", disk / "x.tar", *more, check=False)
                    self.assertEqual((done.returncode, "the queue has all mail" in done.stderr), (1, True))
                    self.assertEqual(os.listdir(disk), [])
                take_in(one)
                wait_for(lambda: len(listed(one)) == 3, "all mail")
                self.assertEqual(left_over(one), [])
        finally:
            subprocess.run(["umount", disk], check=True)


if __name__ == "__main__":
    harness.main()
