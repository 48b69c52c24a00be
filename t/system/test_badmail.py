"""Bad mail: which mail becomes bad mail, how it is reported, how it is sent again, and how long it stays."""
import contextlib
import os
import random
import signal
import threading
import time
import unittest

import harness
from harness import Mailroot, Sink, free_port, wait_for
from test_queue_tools import hold_all

RETRY = "delivery { retry 4h; expire 5d }"
OURS = "x-sender: app@example.com\r\nx-receiver: b@one.test\r\nReceived: from x by y; Sat, 21 Nov 2026 10:00:00 +0000\r\nSubject: {}\r\n\r\nx\r\n"


def listed(server):
    return server.ctl_json("badmail", "list")["messages"]


def put(server, name, text, reason="why\n", age=0):
    folder = server.server_folder() / "badmail"
    for suffix, content in ((".eml", text), (".txt", reason)):
        if content is not None:
            path = folder / f"{name}{suffix}"
            path.write_bytes(content.encode() if isinstance(content, str) else content)
            os.chown(path, folder.stat().st_uid, folder.stat().st_gid)
            os.utime(path, (time.time() - age,) * 2)


class Commands(unittest.TestCase):
    def test_from_a_failure_without_sender_to_the_reader(self):
        bad = True
        with Sink(answers={"RCPT": lambda _: "550 5.1.1 nobody here" if bad else None}) as sink:
            with Mailroot(f"smart_host [127.0.0.1]:{sink.port}\n{RETRY}") as server:
                self.assertIn("No bad mail.", server.ctl("badmail", "list").stdout)
                server.send(["a@one.test", "b@one.test"], b"Subject: lost\r\n\r\nx\r\n", sender="")
                one = wait_for(lambda: listed(server), "bad mail")[0]
                self.assertEqual((one["sender"], one["recipients"], one["server"]), ("<>", 2, "test"))
                self.assertGreater(one["kept_s"], 29 * 86400)
                shown = server.ctl("badmail", "show", one["id"]).stdout
                self.assertIn("said: 550 5.1.1 nobody here", shown)
                self.assertIn("    a@one.test  failed\n", shown)
                self.assertIn("its sender is empty", shown)
                self.assertIn(f"badmail resend {one['id']}", shown)
                self.assertIn("badmail resend ID", server.ctl("badmail", "list").stdout)
                self.assertIn("Subject: lost", server.ctl("badmail", "show", one["id"], "--message").stdout)
                self.assertIn("b@one.test", [r["address"] for r in server.ctl_json("badmail", "show", one["id"])["recipients"]])
                bad = False
                server.ctl("badmail", "resend", one["id"], "--yes")
                self.assertEqual(len(sink.wait(1)[0][1]), 2)
                wait_for(lambda: not listed(server), "an empty folder")
                self.assertEqual(server.files("badmail", ""), [])

    def test_wrong_ids_and_no_ids(self):
        with Mailroot(f"smart_host [127.0.0.1]:{free_port()}") as server:
            for verb in ("resend", "delete"):
                done = server.ctl("badmail", verb, "--yes", check=False)
                self.assertEqual((done.returncode, "which messages?" in done.stderr), (2, True))
                done = server.ctl("badmail", verb, "--all", "--yes", check=False)
                self.assertEqual((done.returncode, "there is no bad mail" in done.stderr), (1, True))
                for name in ("nonsense", "../new/x", "..", ".", "", "x" * 200, "x/y", "\x1b[2J"):
                    done = server.ctl("badmail", verb, name, "--yes", check=False)
                    self.assertEqual(done.returncode, 1, name)
                    self.assertNotIn("\x1b", done.stdout + done.stderr)
            for name in ("nonsense", "../lock"):
                self.assertEqual(server.ctl("badmail", "show", name, check=False).returncode, 1)
            put(server, "one", "nothing\r\n")
            done = server.ctl("badmail", "delete", "one", check=False)
            self.assertEqual((done.returncode, "1 message will be removed for good. Nothing was done: there is no terminal" in done.stderr), (1, True))
            done = server.ctl("badmail", "delete", "one", "two", "--yes", check=False)
            self.assertEqual((done.returncode, "1 of the IDs are not in badmail" in done.stderr), (1, True))
            self.assertEqual(server.files("badmail", ""), [])

    def test_what_can_not_be_sent_stays(self):
        with Mailroot(f"smart_host [127.0.0.1]:{free_port()}") as server:
            put(server, "no mail", "nothing\r\n", "\x1b[2Jwhy \xe4\n")
            self.assertNotIn("badmail resend ID", server.ctl("badmail", "list").stdout)
            put(server, "0" * 24, OURS.format("x").replace("\r\n", "\n"))
            put(server, "1" * 24, b"\0" * 1000)
            os.mkfifo(server.server_folder() / "badmail" / "fifo.eml")
            os.symlink("/etc/passwd", server.server_folder() / "badmail" / "link.eml")
            self.assertEqual(len(listed(server)), 3)
            self.assertIn("It can't be sent again", server.ctl("badmail", "show", "no mail").stdout)
            self.assertNotIn("\x1b", server.ctl("badmail", "list").stdout + server.ctl("badmail", "show", "no mail").stdout)
            done = server.ctl("badmail", "resend", "--all", "--yes", check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn("0 sent again", done.stdout)
            self.assertIn("3 could not be:", done.stderr)
            self.assertIn("pickup folder", done.stderr)
            self.assertEqual(len(listed(server)), 3)
            self.assertEqual(server.ctl("badmail", "show", "link", "--message", check=False).returncode, 1)

    def test_another_file_system(self):
        """A badmail folder on another file system, which no rename reaches."""
        with contextlib.ExitStack() as stack:
            elsewhere = harness.pathlib.Path(stack.enter_context(harness.tempfile.TemporaryDirectory(dir="/dev/shm")))
            elsewhere.chmod(0o755)
            port = free_port()
            with Mailroot(f"smart_host [127.0.0.1]:{port}\nbadmail_dir {elsewhere}/bad\n{RETRY}") as server:
                if os.stat(elsewhere).st_dev == os.stat(server.folder).st_dev:
                    self.fail("/dev/shm and /var/tmp are one file system: run the tests with a tmpfs at /dev/shm")
                server.send(["a@one.test"], b"Subject: far\r\n\r\nx\r\n")
                one = wait_for(lambda: [m for m in server.ctl_json("queue", "list")["messages"] if m["state"] == "waiting"], "it waits")[0]["id"]
                server.ctl("queue", "delete", one, "--yes")
                self.assertEqual(sorted(p.suffix for p in (elsewhere / "bad").iterdir()), [".eml", ".log", ".txt"])
                self.assertEqual(server.files("cur", ""), [])
                with Sink(port) as sink:
                    server.ctl("badmail", "resend", one, "--yes")
                    self.assertIn(b"Subject: far", sink.wait(1)[0][2])
                    wait_for(lambda: not server.files("cur", ""), "an empty queue")
                self.assertEqual(list((elsewhere / "bad").iterdir()), [])


class Bounds(unittest.TestCase):
    def test_age_and_size(self):
        with Mailroot(f"smart_host [127.0.0.1]:{free_port()}\nbadmail_keep 2d; badmail_max 64K") as server:
            for i in range(10):
                put(server, f"m{i}", "x" * 10000, age=i * 1000)
            put(server, "old", "x", age=3 * 86400)
            wait_for(lambda: sorted(m["id"] for m in listed(server)) == [f"m{i}" for i in range(6)], "the six youngest", 30)
            self.assertRegex(server.log(), r"badmail: removed 1 by badmail_keep .* and 4 by badmail_max")

    def test_settings_are_checked(self):
        with Mailroot(f"smart_host [127.0.0.1]:{free_port()}") as server:
            server.write_conf("badmail_keep none; badmail_max 5")
            done = server.ctl("check", check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn("badmail_keep", done.stdout + done.stderr)
            self.assertIn("badmail_max", done.stdout + done.stderr)


class Crashes(unittest.TestCase):
    def test_resend_and_kill(self):
        """At whatever moment the queue dies, each message is finally sent exactly once."""
        count, rounds, seed = 60, 4, random.randrange(1 << 32)
        choice = random.Random(seed)
        port = free_port()
        with Mailroot(f"smart_host [127.0.0.1]:{port}\n{RETRY}") as server:
            with server.client() as client:
                for i in range(count):
                    client.sendmail("app@example.com", [f"a{i}@one.test"], f"Subject: {i}\r\n\r\nx\r\n")
            hold_all(server, count)
            server.ctl("queue", "delete", "--all", "--yes")
            self.assertEqual(len(listed(server)), count)
            for _ in range(rounds):
                sending = [threading.Thread(target=lambda: server.ctl("badmail", "resend", "--all", "--yes", check=False)) for _ in range(2)]
                for one in sending:
                    one.start()
                time.sleep(choice.random() * 0.03)
                queue = server.pids().get("queue")
                if queue:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(queue, signal.SIGKILL)
                for one in sending:
                    one.join()
                wait_for(lambda: server.ctl("badmail", "list", check=False).returncode == 0, "a queue that answers")
                back = len(server.files("cur")) + len(server.files("new"))
                self.assertEqual(back + len(listed(server)), count, f"seed {seed}")
                server.ctl("queue", "hold", "--all", "--yes", check=False)
            with Sink(port) as sink:
                server.ctl("badmail", "resend", "--all", "--yes", check=False)
                server.ctl("queue", "release", "--all", "--yes", check=False)
                server.ctl("queue", "retry", "--all", "--yes", check=False)
                sink.wait(count)
                wait_for(lambda: not server.files("cur", ""), "an empty queue")
                subjects = sorted(int(text.split(b"Subject: ")[1].split(b"\r\n")[0]) for _, _, text in sink.messages)
                self.assertEqual(subjects, list(range(count)), f"seed {seed}")


if __name__ == "__main__":
    harness.main()
