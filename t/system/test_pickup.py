"""The pickup folder: files of programs are sent once, as they were written; other files do no harm."""
import contextlib
import email
import email.header
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import threading
import time
import unittest

import harness
import writers
from harness import Mailroot, wait_for

SIMPLE = b"x-sender: app@example.com\r\nx-receiver: sales@example.com\r\nSubject: simple\r\n\r\ntext\r\n"


class Pickup(Mailroot):
    def folder_of(self):
        return self.server_folder() / "pickup"

    def put(self, octets, name="put.eml"):
        """Renames a file into the folder; it is sent at once."""
        path = self.folder_of() / name
        hidden = path.parent / f".{name[:200]}.hidden"
        hidden.write_bytes(octets)
        os.rename(hidden, path)
        return path

    def reasons(self, count=1):
        wait_for(lambda: len(self.files("badmail")) >= count, f"{count} bad files")
        return [path.read_text() for path in self.files("badmail", ".txt")]

    def trouble(self, text):
        wait_for(lambda: text in self.ctl("status").stdout, f"`{text}` in status")

    def left(self):
        return sorted(path.name for path in self.folder_of().iterdir())


def message(path):
    raw = pathlib.Path(path).read_bytes()
    return email.message_from_bytes(raw), raw


class Writers(unittest.TestCase):
    def test_each_writer_is_sent_once_and_whole(self):
        with Pickup() as server:
            want, lock = {}, threading.Lock()

            def write(name, count):
                for number in range(count):
                    _, body = writers.WRITERS[name](server.folder_of(), number, f"{name}@example.com")
                    with lock:
                        want[f"{name} {number}"] = body

            threads = [threading.Thread(target=write, args=(name, 4 if name in ("slow", "shell") else 40)) for name in writers.WRITERS]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            found = {}
            for path in server.dropped(len(want), seconds=60):
                subject, body = writers.subject_and_body(path.read_bytes())
                self.assertNotIn(subject, found)
                found[subject] = body
            self.assertEqual(found, want)
            wait_for(lambda: not server.left(), "an empty pickup folder")
            self.assertEqual(len(server.files("drop")), len(want))
            self.assertEqual(server.files("badmail"), [])

    def test_what_is_still_open_waits(self):
        with Pickup() as server, open(server.folder_of() / "long.eml", "wb", buffering=0) as file:
            file.write(SIMPLE)
            server.put(SIMPLE)
            server.dropped(1)
            time.sleep(2.5)  # no event shows that a file was examined and left
            self.assertEqual(len(server.files("drop")), 1)
            file.write(b"the end\r\n")
            file.close()
            self.assertTrue(any(b"the end" in path.read_bytes() for path in server.dropped(2)))

    def test_unfinished_names_are_left_alone(self):
        with Pickup() as server:
            for name in (".hidden", "copy.tmp", "copy.eml.part", "copy.filepart", "copy.eml~", "COPY.PARTIAL"):
                (server.folder_of() / name).write_bytes(SIMPLE)
            server.put(SIMPLE)
            server.dropped(1)
            self.assertEqual(len(server.left()), 6)
            os.rename(server.folder_of() / "copy.tmp", server.folder_of() / "copy.eml")
            server.dropped(2)


class Envelope(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Pickup("alias_domain example.org\nmessages { max_message_size 1M }")
        cls.server.start()
        cls.addClassCleanup(cls.server.__exit__, None, None, None)

    def setUp(self):
        for folder in ("drop", "badmail"):
            for path in (self.server.server_folder() / folder).iterdir():
                path.unlink()

    def sent(self, octets):
        self.server.put(octets)
        return message(self.server.dropped(1)[0])

    def refused(self, octets, reason):
        self.server.put(octets)
        self.assertIn(reason, self.server.reasons()[0])
        self.assertEqual(self.server.files("badmail")[0].read_bytes(), octets)
        self.assertEqual(self.server.files("drop"), [])

    def test_header_is_envelope_and_is_repaired(self):
        found, raw = self.sent(b"From: Bob\n <bob>\nTo: sue, \"Last, First\" <x@example.org>\nBcc: secret@example.com\nSubject: x\n\nbody\n")
        self.assertEqual(found["x-sender"], "bob@example.com")
        self.assertEqual(found.get_all("x-receiver"), ["sue@example.com", "x@example.com", "secret@example.com"])
        self.assertIsNone(found["bcc"])
        self.assertEqual(raw.count(b"secret"), 1)
        self.assertEqual(found["from"].split(), ["Bob", "<bob@example.com>"])
        self.assertEqual(found["to"], "sue@example.com, \"Last, First\" <x@example.org>")
        self.assertTrue(found["message-id"].endswith("@mail.example.com>"))
        self.assertIsNotNone(email.utils.parsedate_to_datetime(found["date"]))
        self.assertIn(f"file of uid {os.getuid()}", found["received"])
        self.assertTrue(raw.endswith(b"\r\n\r\nbody\r\n"))

    def test_envelope_lines_come_before_the_header(self):
        found, _ = self.sent(b"x-sender: <>\r\nx-receiver: a@example.com\r\nx-receiver: A@example.com\r\nFrom: b@example.com\r\nTo: c@example.com\r\n\r\n")
        self.assertEqual((found["x-sender"], found.get_all("x-receiver")), ("<>", ["a@example.com", "A@example.com"]))

    def test_every_form_of_line_end_and_8_bit(self):
        found, raw = self.sent(b"\xef\xbb\xbfFrom: a@example.com\nTo: b@example.com\r\nSubject: \xc3\xbc\r\n\none\r\ntwo\rthree\n\xc3\xa4 no end")
        self.assertTrue(raw.endswith(b"\r\n\r\none\r\ntwo\r\nthree\r\n\xc3\xa4 no end\r\n"))
        self.assertEqual(found["x-sender"], "a@example.com")

    def test_cr_cr_lf_is_one_line_end(self):
        found, raw = self.sent(b"From: a@example.com\r\r\nTo: b@example.com\r\r\nSubject: x\r\r\n\r\r\none\r\r\ntwo\r\r\n")
        self.assertEqual(found["subject"], "x")
        self.assertTrue(raw.endswith(b"\r\n\r\none\r\ntwo\r\n"), raw)

    def test_bad_files_are_reported_until_they_are_deleted(self):
        with Pickup() as server:
            for number in range(3):
                server.put(b"To: a@example.com\n\nno sender\n", f"bad{number}.eml")
            server.trouble("3 bad files moved to")
            server.ctl("badmail", "delete", "--all", "--yes")
            wait_for(lambda: "bad files moved to" not in server.ctl("status").stdout, "status to forget what was deleted", 10)

    def test_what_can_never_be_sent_goes_to_badmail(self):
        for octets, reason in (
                (bytes(range(256)) * 10, "does not begin with"),
                (b"From: a@example.com\n\nno recipient\n", "no recipient"),
                (b"To: a@example.com\n\nno sender\n", "no sender"),
                (b"x-mailroot-notify: NEVER\n" + SIMPLE, "reserved"),
                (b"From: a@example.com\nTo: not an address\n\n", "several words"),
                ("From: a@example.com\nTo: b@example.com\n\nx\n".encode("utf-16"), "UTF-16"),
                (b"From: a@example.com\nTo: b@example.com\nX: \0\n\n", "value 0"),
                (SIMPLE + b"x" * (1 << 20), "max_message_size"),
                (b"Received: by x\r\n" * 51 + b"From: a@example.com\nTo: b@example.com\n\n", "this is a mail loop"),
                (b"From: a@example.com\nTo: b@example.com\nX: " + b"y" * (3 << 20) + b"\n\n", "")):
            with self.subTest(reason=reason):
                self.setUp()
                self.refused(octets, reason)

    def test_a_bad_recipient_does_not_affect_the_others(self):
        self.server.put(b"From: Acme, Inc. <app@example.com>\nTo: not an address, sue@example.com\nCc: g: c@example.com\nSubject: half\n\nx\n")
        mails = [message(path)[0] for path in self.server.dropped(2)]
        sent, = [mail for mail in mails if mail["subject"] == "half"]
        notice, = [mail for mail in mails if mail["subject"] != "half"]
        self.assertEqual((sent["x-sender"], sent.get_all("x-receiver")), ("app@example.com", ["sue@example.com"]))
        self.assertEqual(sent["from"], "Acme, Inc. <app@example.com>")
        self.assertEqual((notice["x-sender"], notice.get_all("x-receiver")), ("<>", ["app@example.com"]))
        human, report, head = notice.get_payload()
        self.assertIn("To: not an address\n", human.get_payload().replace("\r", ""))
        self.assertIn("Cc: g: c@example.com\n", human.get_payload().replace("\r", ""))
        self.assertEqual([part["action"] for part in report.get_payload()[1:]], ["failed", "failed"])
        self.assertIn("Subject: half", head.get_payload())
        self.assertEqual(self.server.files("badmail"), [])

    def test_a_reason_names_field_and_address(self):
        for octets, reason in ((b"From: a@example.com\nTo: not an address\n\n", 'To "not an address": '),
                               (b"x-sender: a b\nx-receiver: c@example.com\n\n", 'x-sender "a b": '),
                               (b"x-sender: a\nx-receiver: <c\nTo: d@example.com\n\n", 'x-receiver "<c": ')):
            with self.subTest(reason=reason):
                self.setUp()
                self.refused(octets, reason)

    def test_files_with_and_without_dot_stuffing(self):
        _, raw = self.sent(SIMPLE + b"..NET\r\n....\r\n")
        self.assertTrue(raw.endswith(b"\r\n.NET\r\n...\r\n"))
        self.setUp()
        _, raw = self.sent(SIMPLE + b"..NET\r\n.\r\n")
        self.assertTrue(raw.endswith(b"\r\n..NET\r\n.\r\n"))


class Settings(unittest.TestCase):
    def test_dot_stuffing_follows_the_setting(self):
        for value, want in (("on", b"\r\nNET\r\n"), ("off", b"\r\n.NET\r\n")):
            with self.subTest(value=value), Pickup(f"dot_stuffing {value}") as server:
                server.put(SIMPLE + b".NET\r\n")
                self.assertTrue(server.dropped(1)[0].read_bytes().endswith(want))

    def test_the_notice_follows_notice_language(self):
        with Pickup("notice_language ja") as server:
            server.put(b"From: app@example.com\nTo: not an address, sue@example.com\nSubject: half\n\nx\n")
            notice, = [mail for mail, _ in map(message, server.dropped(2)) if mail["x-sender"] == "<>"]
            self.assertEqual(str(email.header.make_header(email.header.decode_header(notice["subject"]))), "【配信不能】正しくない宛先があります")
            human = notice.get_payload()[0].get_payload(decode=True).decode()
            self.assertIn("次の宛先は正しいメールアドレスではない", human)
            self.assertIn("To: not an address\r\n", human)

    def test_a_folder_elsewhere_and_none(self):
        with Pickup() as server:
            other = server.folder / "elsewhere"
            server.write_conf(f"pickup_dir {other}")
            server.ctl("reload")
            wait_for(other.is_dir, "the new folder")
            (other / "a.eml").write_bytes(SIMPLE)
            server.dropped(1)
            server.write_conf("pickup_dir off")
            server.ctl("reload")
            (other / "b.eml").write_bytes(SIMPLE)
            (server.folder_of() / "c.eml").write_bytes(SIMPLE)
            wait_for(lambda: server.ctl_json("status")["servers"][0]["state"] == "running", "a server that runs without")
            time.sleep(2)  # no event shows that nothing is read
            self.assertEqual(len(server.files("drop")), 1)

    def test_two_names_of_a_drop_folder(self):
        with Pickup() as server:
            os.symlink(server.server_folder() / "drop", server.folder / "alias")
            server.write_conf(f"pickup_dir {server.folder}/alias")
            server.ctl("reload", check=False)
            server.trouble("it is also a drop or badmail folder")
            server.send(["sales@example.com"])
            server.dropped(1)


class Hostile(unittest.TestCase):
    def test_other_types_of_files_stay_and_are_reported(self):
        with Pickup() as server:
            folder = server.folder_of()
            os.mkfifo(folder / "fifo")
            os.symlink("/etc/passwd", folder / "link")
            os.symlink("nowhere", folder / "dangling")
            os.mkdir(folder / "folder")
            if not os.getuid():
                os.mknod(folder / "device", 0o666 | 0o020000, os.makedev(1, 5))  # /dev/zero
            with socket.socket(socket.AF_UNIX) as listener:
                listener.bind(str(folder / "socket"))
            (folder / "linked").write_bytes(SIMPLE)
            os.link(folder / "linked", server.folder / "second")
            names = ("-rf", "new\nline", "x" * 255, "quote\" \\ %s", "\xff\xfe name")
            for name in names:
                (folder / name).write_bytes(SIMPLE)
            server.dropped(len(names))
            server.trouble("are symbolic links, pipes, sockets or devices")
            server.trouble("have several hard links")
            self.assertEqual(len(server.left()), 7 - bool(os.getuid()))
            self.assertEqual(server.files("badmail"), [])
            os.unlink(server.folder / "second")
            server.dropped(len(names) + 1)

    @unittest.skipIf(os.getuid(), "needs files of several users")
    def test_files_of_other_users(self):
        with Pickup() as server:
            nobody = pwd.getpwnam("nobody")
            script = ("import os, sys; os.setgid(%d); os.setuid(%d); os.umask(int(sys.argv[2], 8));"
                      "file = open(sys.argv[1], 'wb'); file.write(%r)" % (nobody.pw_gid, nobody.pw_uid, SIMPLE))
            for name, umask in (("open.eml", "022"), ("closed.eml", "077")):
                subprocess.run(["python3", "-c", script, server.folder_of() / name, umask], check=True)
            found, _ = message(server.dropped(1)[0])
            self.assertIn(f"file of uid {nobody.pw_uid}", found["received"])
            server.trouble("can't be read by the service")
            self.assertEqual(server.left(), ["closed.eml"])
            os.chmod(server.folder_of() / "closed.eml", 0o644)
            server.dropped(2)

    def test_read_only_and_empty_files(self):
        with Pickup() as server:
            path = server.folder_of() / "read-only.eml"
            path.write_bytes(SIMPLE)
            path.chmod(0o444)
            (server.folder_of() / "empty.eml").touch()
            server.dropped(1)
            self.assertEqual(server.left(), ["empty.eml"])
            os.utime(path.parent / "empty.eml")
            (path.parent / "empty.eml").write_bytes(SIMPLE)
            server.dropped(2)

    def test_the_folder_is_removed_and_made_again(self):
        with Pickup() as server:
            server.put(SIMPLE)
            server.dropped(1)
            shutil.rmtree(server.folder_of())
            wait_for(server.folder_of().is_dir, "a new folder")
            server.put(SIMPLE)
            server.dropped(2)
            server.folder_of().rename(server.server_folder() / "moved")
            wait_for(server.folder_of().is_dir, "a new folder")
            server.put(SIMPLE)
            server.dropped(3)

    def test_more_events_than_inotify_keeps(self):
        with Pickup() as server:
            reader = server.pids()["pickup"]
            os.kill(reader, signal.SIGSTOP)
            try:
                hidden = server.folder_of() / ".event"
                hidden.touch()
                for _ in range(20000):  # fs.inotify.max_queued_events is 16384 by default
                    hidden.chmod(0o600)
                    hidden.chmod(0o644)
                server.put(SIMPLE)
            finally:
                os.kill(reader, signal.SIGCONT)
            server.dropped(1)

    def test_no_room_means_waiting(self):
        with Pickup("") as server:
            server.conf.write_text(server.conf.read_text().replace("free_space_floor 1M", "free_space_floor 100000G"))
            server.ctl("reload")
            server.put(SIMPLE)
            server.trouble("less free space than free_space_floor")
            server.conf.write_text(server.conf.read_text().replace("free_space_floor 100000G", "free_space_floor 1M"))
            server.ctl("reload")
            server.dropped(1)


class Killed(unittest.TestCase):
    """A few kills; t/fault/kill_pickup.py has hundreds."""

    def test_sent_once_whatever_is_killed(self):
        with Pickup() as server:
            count, stop = 300, threading.Event()

            def kill():
                while not stop.wait(0.15):
                    with contextlib.suppress(KeyError, ProcessLookupError):
                        os.kill(server.pids()["pickup"], signal.SIGKILL)

            killer = threading.Thread(target=kill)
            killer.start()
            try:
                for number in range(count):
                    server.put(SIMPLE.replace(b"simple", b"kill %d" % number), f"{number}.eml")
                time.sleep(1)
            finally:
                stop.set()
                killer.join()
            server.dropped(count, seconds=60)
            wait_for(lambda: not server.left(), "an empty pickup folder")
            subjects = sorted(message(path)[0]["subject"] for path in server.files("drop"))
            self.assertEqual(subjects, sorted(f"kill {number}" for number in range(count)))


if __name__ == "__main__":
    harness.main()
