"""Drop folders in trouble: mail waits, the reason is shown everywhere, and mail is delivered when the cause is corrected."""
import contextlib
import os
import pathlib
import shutil
import subprocess
import unittest

import harness
from harness import Mailroot, wait_for

TEXT = b"Subject: x\r\n\r\n" + b"0123456789abcdef\r\n" * 500  # about 9 KB


class Drop(unittest.TestCase):
    def setUp(self):
        self.parent = harness.scratch()
        self.addCleanup(shutil.rmtree, self.parent, ignore_errors=True)
        self.folder = self.make("out")

    def make(self, name):
        folder = self.parent / name
        folder.mkdir()
        if not os.geteuid():
            harness.users()
            shutil.chown(folder, "mailroot", "mailroot")
            shutil.chown(self.parent, "mailroot", "mailroot")
        return folder

    def service(self, more=""):
        return Mailroot(f"local_domain drop.example.com {{ drop_dir {self.folder} {more} }}")

    def send(self, server, rcpts=("sales@drop.example.com",)):
        server.send(list(rcpts), TEXT)

    def waits_because(self, server, reason, logged=True):
        """The reason is in `queue list`, `queue show`, `status` and the log."""
        listed = wait_for(lambda: [m for m in server.ctl_json("queue", "list")["messages"] if reason in m["reason"]],
                          f"a message that waits because of {reason!r}")
        shown = server.ctl("queue", "show", listed[0]["id"]).stdout
        self.assertIn(reason, shown)
        trouble = server.ctl_json("status")["servers"][0]["mail_waits_for"]
        self.assertTrue(any(str(self.folder) in t and reason in t for t in trouble), trouble)
        self.assertIn(f"mail waits for drop folder {self.folder}: ", server.ctl("status").stdout)
        if logged:
            self.assertIn(reason, server.log())

    def recovers(self, server, count=1, folder=None):
        server.dropped(count, folder or self.folder, seconds=5)
        wait_for(lambda: not server.files("new") and not server.files("cur"), "an empty spool", 5)
        wait_for(lambda: not server.ctl_json("status")["servers"][0]["mail_waits_for"], "no trouble", 5)

    @unittest.skipIf(os.geteuid(), "needs a user of the service who is not the folder's owner")
    def test_not_writable(self):
        with self.service() as server:
            os.chown(self.folder, 0, 0)
            self.send(server)
            self.send(server)
            self.waits_because(server, f"Permission denied: user mailroot may not write there; `chown mailroot {self.folder}` lets it")
            shutil.chown(self.folder, "mailroot", "mailroot")
            self.recovers(server, 2)

    def test_writable_but_not_to_be_listed(self):
        """A quota needs a count, so the folder must be listable."""
        with self.service("; drop_quota 1M") as server:
            self.folder.chmod(0o300)
            os.kill(server.pids()["queue"], 9)
            self.send(server)
            wait_for(lambda: server.ctl("queue", "list", check=False).returncode == 0, "a queue that answers")
            user = "mailroot" if not os.geteuid() else os.geteuid()
            self.waits_because(server, f"Permission denied: user {user} may write there but not list it; `chmod u+rwx {self.folder}` lets it")
            self.folder.chmod(0o700)
            self.recovers(server)

    def test_renamed_away_and_back(self):
        with self.service() as server:
            self.folder.rename(self.parent / "away")
            sent = 0

            def waits():  # the queue checks a path once a second; until then mail follows the folder
                nonlocal sent
                self.send(server)
                sent += 1
                return len(server.ctl_json("queue", "list")["messages"]) > 5

            wait_for(waits, "mail that waits")
            self.waits_because(server, "No such file or directory")
            (self.parent / "away").rename(self.folder)
            self.recovers(server, sent)

    def test_is_a_file(self):
        with self.service() as server:
            self.folder.rmdir()
            self.folder.write_text("no folder")
            self.send(server)
            self.waits_because(server, "Not a directory")
            self.folder.unlink()
            self.make("out")
            self.recovers(server)

    def test_with_other_recipients(self):
        # Two folders: the message is copied to each, and waits for one only.
        with self.service() as server:
            self.folder.rename(self.parent / "away")  # a copy is written to the folder at the path
            self.send(server, ("sales@drop.example.com", "main@example.com"))
            server.dropped(1)
            self.waits_because(server, "No such file or directory", logged=False)
            (self.parent / "away").rename(self.folder)
            self.recovers(server)
            self.assertEqual(len(server.files("drop")), 1)

    @unittest.skipIf(os.geteuid(), "needs root for a file system of its own")
    def test_disk_full(self):
        with self.service() as server:
            server.stop()
            mount = f"mount -t tmpfs -o size=100k,mode=777 none {self.folder} && exec \"$@\""
            server.start(prefix=["unshare", "-m", "sh", "-c", mount, "sh"])
            inside = pathlib.Path(f"/proc/{server.process.pid}/root{self.folder}")
            filler = inside / "filler"
            with contextlib.suppress(OSError), filler.open("wb", buffering=0) as out:
                while True:
                    out.write(bytes(4096))
            self.send(server)
            self.waits_because(server, "No space left on device")
            self.assertEqual(server.files(inside), [])
            filler.unlink()
            self.recovers(server, folder=inside)

    def test_quota(self):
        with self.service("; drop_quota 20K") as server:
            for count in (1, 2):
                self.send(server)
                server.dropped(count, self.folder)
            self.send(server)
            self.waits_because(server, "full, see drop_quota")
            self.assertIn("4.2.2", server.ctl("queue", "show", server.ctl_json("queue", "list")["messages"][0]["id"]).stdout)
            self.assertEqual(len(server.files(self.folder)), 2)
            with server.client() as client:
                client.helo()
                client.mail("app@example.com")
                refused = (452, b"4.2.2 Mailbox full")
                wait_for(lambda: client.rcpt("sales@drop.example.com") == refused, "452 at RCPT", 5)
                self.assertEqual(client.rcpt("main@example.com")[0], 250)
                # The restarted queue knows the trouble again after its first attempt.
                os.kill(server.pids()["queue"], 9)
                wait_for(lambda: client.rcpt("sales@drop.example.com") == refused, "452 after a restart", 20)
                server.files(self.folder)[0].unlink()
                wait_for(lambda: len(server.files(self.folder)) == 2, "the third message", 10)
                wait_for(lambda: server.files(self.folder)[0].unlink() or True, "room")
                wait_for(lambda: client.rcpt("sales@drop.example.com")[0] == 250, "250 again", 5)

    def test_quota_smaller_than_the_message(self):
        """A message that can never fit is refused, or returned at once, and other mail is still delivered."""
        large = b"Subject: x\r\n\r\n" + b"0123456789abcdef\r\n" * 2000
        refused = (552, b"5.2.3 Message is larger than the mailbox limit")
        with self.service("; drop_quota 20K") as server, server.client() as client:
            client.ehlo()

            def at_rcpt():
                client.rset()
                client.mail("app@example.com", [f"SIZE={len(large)}"])
                return client.rcpt("sales@drop.example.com") == refused

            wait_for(at_rcpt, "552 at RCPT", 5)
            client.rset()
            client.mail("app@example.com")
            client.rcpt("sales@drop.example.com")
            self.assertEqual(client.data(large), refused)
            client.mail("app@example.com")
            for rcpt in ("sales@drop.example.com", "main@example.com"):
                self.assertEqual(client.rcpt(rcpt)[0], 250)
            self.assertEqual(client.data(large)[0], 250)
            server.dropped(2)  # that of the other recipient, and the notice
            pickup = server.server_folder() / "pickup"
            (pickup / "new").write_bytes(b"x-sender: app@example.com\r\nx-receiver: sales@drop.example.com\r\n" + large)
            server.dropped(3)
            self.assertEqual(sum(b"5.2.3" in path.read_bytes() for path in server.files("drop")), 2)
            self.send(server)
            server.dropped(1, self.folder)
            self.assertEqual(server.ctl_json("status")["servers"][0]["mail_waits_for"], [])
            self.assertEqual(server.ctl_json("queue", "list")["messages"], [])

    def test_quota_compares_the_remaining_room(self):
        """A large waiting message does not delay a small one."""
        with self.service("; drop_quota 40K") as server:
            self.send(server)
            self.send(server)
            server.dropped(2, self.folder)
            server.send(["sales@drop.example.com"], TEXT * 3)
            self.waits_because(server, "full, see drop_quota")
            self.send(server)
            server.dropped(3, self.folder)
            with server.client() as client:
                client.ehlo()

                def at_rcpt(size):
                    client.rset()
                    client.mail("app@example.com", [f"SIZE={size}"])
                    return client.rcpt("sales@drop.example.com")[0]

                wait_for(lambda: at_rcpt(30000) == 452, "452 for a message without room", 5)
                self.assertEqual(at_rcpt(1000), 250)

    def test_replaced_between_two_messages(self):
        """If a reader renames the folder and makes a new one, no more mail is written to the old one."""
        with self.service() as server:
            for number in range(10):
                self.send(server)
                server.dropped(1, self.folder)
                self.folder.rename(self.parent / f"taken{number}")
                self.make("out")
                self.send(server)
                server.dropped(1, self.folder)
                for path in server.files(self.folder):
                    path.unlink()
                self.assertEqual(len(server.files(self.parent / f"taken{number}")), 1)

    @unittest.skipIf(os.geteuid(), "needs root for a file system of its own")
    def test_nothing_keeps_it_mounted(self):
        with self.service("; drop_quota 50K") as server:
            server.stop()
            mount = f"mount -t tmpfs -o size=1m,mode=777 none {self.folder} && exec \"$@\""
            server.start(prefix=["unshare", "-m", "sh", "-c", mount, "sh"])
            inside = pathlib.Path(f"/proc/{server.process.pid}/root{self.folder}")
            self.send(server)
            server.dropped(1, inside)
            unmount = ["nsenter", "-m", "-t", str(server.process.pid), "umount", str(self.folder)]
            wait_for(lambda: subprocess.run(unmount, capture_output=True).returncode == 0, "the file system to be unmounted", 3)
            self.send(server)
            server.dropped(1, self.folder)  # the folder at the path now

    def after_envelope(self, path):
        """The lines after x-sender and x-receiver."""
        lines = path.read_bytes().split(b"\r\n")
        return [line for line in lines if not line.lower().startswith((b"x-sender:", b"x-receiver:"))]

    def next_file(self, server, folder, seen):
        path, = wait_for(lambda: set(server.files(folder)) - seen, f"a new file in {folder}")
        seen.add(path)
        return self.after_envelope(path)

    def test_return_path(self):
        text = b"Return-Path: <theirs@example.net>\r\n" + TEXT
        plain = ["main@example.com"]
        wanted = ["sales@drop.example.com"]
        here, there = set(), set()
        with self.service("; return_path yes") as server:
            for sender, line in (("app@example.com", b"Return-Path: <app@example.com>"), ("", b"Return-Path: <>")):
                server.send(wanted, text, sender=sender)
                lines = self.next_file(server, self.folder, there)
                self.assertEqual(lines[0], line)
                self.assertTrue(lines[1].startswith(b"Received: "), lines[1])
                self.assertEqual(sum(x.lower().startswith(b"return-path") for x in lines), 1)
                self.assertTrue(b"\r\n".join(lines).endswith(TEXT))
                server.send(plain, text, sender=sender)
                self.assertIn(b"Return-Path: <theirs@example.net>", self.next_file(server, "drop", here)[1:])
                # One message to both: each folder according to its domain.
                server.send(plain + wanted, TEXT, sender=sender)
                self.assertEqual(self.next_file(server, self.folder, there)[0], line)
                self.assertTrue(self.next_file(server, "drop", here)[0].startswith(b"Received: "))
            wait_for(lambda: not server.files("new") and not server.files("cur"), "an empty spool", 5)
            self.assertRegex(server.ctl("config", "show").stdout, r"return_path yes +# ")

    def test_return_path_by_reload(self):
        seen = set()
        with self.service() as server:
            queue = server.pids()["queue"]
            for setting, starts in (("no", b"Received: "), ("yes", b"Return-Path: <app@example.com>"), ("no", b"Received: ")):
                server.write_conf(f"local_domain drop.example.com {{ drop_dir {self.folder}; return_path {setting} }}")
                server.ctl("reload")
                self.send(server)
                self.assertTrue(self.next_file(server, self.folder, seen)[0].startswith(starts))
            self.assertEqual(server.pids()["queue"], queue)

    def test_return_path_and_quota(self):
        with self.service("; drop_quota 20K; return_path yes") as server:
            with server.client() as client:
                for _ in range(6):
                    client.sendmail("app@example.com", ["sales@drop.example.com"], TEXT)
            self.waits_because(server, "full, see drop_quota")
            for count in (4, 2):  # there is room for two at a time
                self.assertEqual(len(server.dropped(2, self.folder)), 2)
                for path in server.files(self.folder):
                    path.unlink()
                wait_for(lambda: len(server.ctl_json("queue", "list")["messages"]) == count - 2, "less mail that waits", 20)
            self.recovers(server, 2)


if __name__ == "__main__":
    harness.main()
