"""mailrootctl queue: actions on waiting mail while mail is being delivered, by hand and by scripts."""
import contextlib
import json
import os
import pathlib
import pty
import re
import select
import signal
import subprocess
import threading
import time
import unittest

import harness
from harness import Mailroot, Sink, free_port, wait_for

RETRY = "delivery { retry 4h; expire 5d }\nmessages { max_message_size none; max_session_size none; max_recipients 5000 }"


def down():
    """A next hop that can't be reached."""
    return f"smart_host [127.0.0.1]:{free_port()}\n{RETRY}"


def listed(server, *selectors):
    return server.ctl_json("queue", "list", *selectors)["messages"]


def waiting(server, count, state="waiting"):
    """Waits until there are COUNT messages, all in STATE."""
    def found():
        messages = listed(server)
        return (messages,) if len(messages) == count and all(m["state"] == state for m in messages) else None
    return wait_for(found, f"{count} messages that are {state}")[0]


def hold_all(server, count):
    """Sends COUNT messages, all held, which is faster than to wait until a dead next hop delays them."""
    def done():
        server.ctl("queue", "hold", "--all", "--yes", check=False)
        messages = listed(server)
        return len(messages) == count and all(m["state"] == "held" for m in messages)
    wait_for(done, f"{count} messages that are held")


def on_terminal(server, *args, answer=None):
    """Runs mailrootctl on a terminal: (exit status, all output)."""
    pid, fd = pty.fork()
    if not pid:
        os.execv(str(harness.BUILD / "mailrootctl"), ["mailrootctl", "-c", str(server.conf), *args])
    shown, deadline = b"", time.monotonic() + 30
    with contextlib.suppress(OSError):
        while time.monotonic() < deadline and select.select([fd], [], [], 30)[0]:
            piece = os.read(fd, 4096)
            if not piece:
                break
            shown += piece
            if answer and shown.endswith(b"[y/N] "):
                os.write(fd, answer)
                answer = None
    os.close(fd)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown.decode()


class Selecting(unittest.TestCase):
    def test_selectors(self):
        with Mailroot(down()) as server:
            server.send(["a@one.test"], sender="app@example.com")
            server.send(["b@two.test", "c@one.test"], sender="cron@example.com")
            server.send(["d@three.test"], b"Subject: long\r\n\r\n" + b"x" * 70 + b"\r\n" + b"long line\r\n" * 1000, sender="")
            waiting(server, 3)
            for selectors, count in [
                    ((), 3), (("--all",), 3), (("--server", "test"), 3), (("--domain", "ONE.test"), 2), (("--domain", "test"), 0),
                    (("--recipient", "c@one.test"), 1), (("--sender", "cron@example.com"), 1), (("--sender", "<>"), 1),
                    (("--sender", "nobody@example.com"), 0), (("--older", "1h"), 0), (("--older", "0s"), 3), (("--larger", "5K"), 1),
                    (("--attempts", "1"), 3), (("--attempts", "2"), 0), (("--reason", "REFUSED"), 3), (("--reason", "greylisted"), 0),
                    (("--domain", "one.test", "--sender", "cron@example.com"), 1)]:
                with self.subTest(selectors):
                    self.assertEqual(len(listed(server, *selectors)), count)
            ids = [m["id"] for m in listed(server)]
            self.assertEqual(len(listed(server, *ids[:2])), 2)
            table = server.ctl("queue", "list").stdout
            self.assertEqual([line.split()[0] for line in table.splitlines()[1:4]], sorted(ids))
            self.assertIn("3 messages", table)
            self.assertIn("No mail in the queue matches.", server.ctl("queue", "list", "--domain", "x.test").stdout)
            done = server.ctl("queue", "list", "--server", "nowhere", check=False)
            self.assertEqual((done.returncode, "no virtual server nowhere" in done.stderr), (1, True))

    def test_actions_need_a_selection(self):
        with Mailroot(down()) as server:
            server.send(["a@one.test"])
            waiting(server, 1)
            for verb in ("retry", "hold", "release", "delete", "bounce"):
                done = server.ctl("queue", verb, check=False)
                self.assertEqual(done.returncode, 2)
                for word in ("which messages?", "--domain", "--reason", "--all", "queue list"):
                    self.assertIn(word, done.stderr)
                self.assertEqual(len(done.stderr.splitlines()), 1)
                done = server.ctl("queue", verb, "000000000000000000000000", "nonsense", "--yes", check=False)
                self.assertEqual(done.returncode, 1)
                self.assertIn("nonsense: no such message in the queue", done.stderr)
                done = server.ctl("queue", verb, "--domain", "elsewhere.test", "--yes", check=False)
                self.assertEqual(done.returncode, 1)
                self.assertIn("no message in the queue matches", done.stderr)
            waiting(server, 1)

    def test_the_question(self):
        with Mailroot(down()) as server:
            for i in range(3):
                server.send([f"a{i}@one.test"])
            waiting(server, 3)
            done = server.ctl("queue", "delete", "--all", check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn("3 messages will be deleted", done.stderr)
            self.assertIn("--yes", done.stderr)
            status, shown = on_terminal(server, "queue", "delete", "--all", answer=b"n\n")
            self.assertEqual(status, 1)
            self.assertIn("3 messages will be deleted without a notice; they stay in badmail for 7 days. Continue? [y/N]", shown)
            self.assertIn("nothing was done", shown)
            self.assertEqual(on_terminal(server, "queue", "delete", "--all", answer=b"\n")[0], 1)
            self.assertEqual(on_terminal(server, "queue", "delete", "--all", answer=b"\x04")[0], 1)
            waiting(server, 3)
            status, shown = on_terminal(server, "queue", "delete", "--all", answer=b"y\n")
            self.assertEqual(status, 0)
            self.assertIn("3 deleted.", shown)
            waiting(server, 0)

    def test_json(self):
        with Mailroot(down()) as server:
            server.send(["a@one.test"])
            first = waiting(server, 1)[0]["id"]
            self.assertEqual(server.ctl_json("queue", "hold", "--all", "--yes"),
                             {"held": 1, "in_hand": 0, "already": 0, "failed": 0, "unknown": []})
            done = server.ctl("queue", "release", first, "nonsense", "--yes", "--json", check=False)
            self.assertEqual((done.returncode, json.loads(done.stdout)["unknown"]), (1, ["nonsense"]))
            shown = server.ctl_json("queue", "show", first)
            self.assertEqual(shown["message"]["id"], first)
            self.assertEqual(shown["recipients"][0]["address"], "a@one.test")
            self.assertEqual(shown["history"][0]["event"], "delayed")


class Acting(unittest.TestCase):
    def test_retry(self):
        port = free_port()
        with Mailroot(f"smart_host [127.0.0.1]:{port}\n{RETRY}") as server:
            for i in range(5):
                server.send([f"a{i}@one.test"])
            waiting(server, 5)
            with Sink(port) as sink:
                done = server.ctl("queue", "retry", "--domain", "one.test", "--yes")
                self.assertIn("5 retried.", done.stdout)
                sink.wait(5)
                waiting(server, 0)

    def test_hold_and_release(self):
        port = free_port()
        with Mailroot(f"smart_host [127.0.0.1]:{port}\n{RETRY}") as server:
            for i in range(3):
                server.send([f"a{i}@one.test"])
            held = waiting(server, 3)[0]["id"]
            self.assertIn("1 held.", server.ctl("queue", "hold", held, "--yes").stdout)
            done = server.ctl("queue", "hold", held, "--yes", check=False)
            self.assertEqual((done.returncode, "held already" in done.stderr), (1, True))
            done = server.ctl("queue", "retry", held, "--yes", check=False)
            self.assertEqual((done.returncode, "queue release" in done.stderr), (1, True))
            os.kill(server.pids()["queue"], signal.SIGKILL)
            wait_for(lambda: "queue" in server.pids(), "a new queue")
            wait_for(lambda: server.ctl("queue", "list", check=False).returncode == 0, "an answer of it")
            self.assertEqual([m["id"] for m in listed(server) if m["state"] == "held"], [held])
            self.assertIn("held 1", server.ctl("status").stdout)
            server.stop()
            with Sink(port) as sink:
                server.start()
                self.assertIn("2 retried.", server.ctl("queue", "retry", "--all", "--yes").stdout)
                sink.wait(2)
                self.assertEqual([m["id"] for m in waiting(server, 1, "held")], [held])
                shown = server.ctl("queue", "show", held).stdout
                self.assertIn("is held", shown)
                self.assertIn(f"`mailrootctl queue release {held}` releases it", shown)
                server.ctl("queue", "release", held, "--yes")
                sink.wait(3)

    def test_what_is_held_is_not_tried_at_all(self):
        """Mail for a busy host is held before a worker has it."""
        go = threading.Event()
        with Sink(answers={"greeting": lambda _: go.wait(60) and None}) as sink:
            with Mailroot(f"smart_host [127.0.0.1]:{sink.port}\ndelivery {{ retry 4h; expire 5d; max_outbound_connections_per_domain 1 }}") as server:
                for i in range(10):
                    server.send([f"a{i}@one.test"])
                wait_for(lambda: sink.connections, "a connection")
                done = server.ctl_json("queue", "hold", "--all", "--yes")
                self.assertEqual((done["held"] + done["in_hand"], done["failed"]), (10, 0))
                self.assertGreaterEqual(done["in_hand"], 1)
                self.assertGreaterEqual(done["held"], 1)
                text = server.ctl("queue", "hold", "--all", "--yes", check=False)
                self.assertIn("not changed" if text.returncode == 0 else "held already", text.stdout + text.stderr)
                go.set()
                sink.wait(done["in_hand"])
                waiting(server, done["held"], "held")
                self.assertEqual(len(sink.messages), done["in_hand"])

    def test_delete_and_bring_back(self):
        port = free_port()
        with Mailroot(f"smart_host [127.0.0.1]:{port}\n{RETRY}") as server:
            server.send(["a@one.test"], b"Subject: precious\r\n\r\nx\r\n")
            gone = waiting(server, 1)[0]["id"]
            server.ctl("queue", "delete", gone, "--yes")
            waiting(server, 0)
            self.assertEqual([p.name for p in server.files("badmail")], [f"{gone}.eml"])
            with Sink(port) as sink:
                server.ctl("badmail", "resend", gone, "--yes")
                self.assertIn(b"Subject: precious", sink.wait(1)[0][2])

    def test_bounce(self):
        with Mailroot(f"{down()}\nlocal_domain example.com") as server:
            server.send(["a@one.test"], b"Subject: wrong number\r\n\r\nx\r\n")
            waiting(server, 1)
            done = server.ctl("queue", "bounce", "--all", "--yes")
            self.assertIn("1 returned.", done.stdout)
            notice = server.dropped(1)[0].read_text()
            self.assertIn("a@one.test", notice)
            self.assertIn("returned to the sender by an operator", notice)
            waiting(server, 0)

    def test_show_tells_who_refused(self):
        with Sink(answers={"RCPT": lambda _: "451 4.7.1 greylisted, come back"}) as sink:
            with Mailroot(f"smart_host [127.0.0.1]:{sink.port}\n{RETRY}") as server:
                server.send(["a@one.test"])
                shown = server.ctl("queue", "show", waiting(server, 1)[0]["id"]).stdout
                self.assertRegex(shown, r"\n    \S+Z  #0  delayed  \[127\.0\.0\.1\]\S* said: 451 4\.7\.1 greylisted, come back\n")
                self.assertIn("mailrootctl queue retry", shown)


class Hostile(unittest.TestCase):
    """Hostile text is shown and does not control the terminal."""

    def test_listings(self):
        evil = "451 4.2.0 \x1b]0;owned\x07\x1b[2J\x9b31m café \u202e evil"
        answers = {"RCPT": lambda _: evil}
        with Sink(answers=answers) as sink:
            with Mailroot(f"smart_host [127.0.0.1]:{sink.port}\n{RETRY}") as server:
                server.send(["a@one.test"], sender='"\'; rm -rf /"@example.com')
                one = waiting(server, 1)[0]["id"]
                for args in (["queue", "list"], ["queue", "show", one], ["queue", "list", "--json"], ["queue", "show", one, "--json"]):
                    for shown in (server.ctl(*args).stdout, on_terminal(server, *args)[1].replace("\r\n", "\n")):
                        self.assertFalse([c for c in shown if ord(c) < 32 and c != "\n" or 127 <= ord(c) < 160], args)
                        self.assertIn("owned", shown)

    def test_message_text(self):
        body = b"Subject: \xe7\x8c\xab\r\n\r\nbell \x07 escape \x1b[31m C1 \xc2\x9b31m override \xe2\x80\xae caf\xc3\xa9 \xff\r\n"
        with Mailroot(down()) as server:
            server.send(["a@one.test"], body)
            one = waiting(server, 1)[0]["id"]
            raw = subprocess.run([str(harness.BUILD / "mailrootctl"), "-c", str(server.conf), "queue", "show", one, "--message"],
                                 capture_output=True, check=True, timeout=60).stdout
            self.assertEqual(raw, next(p for p in server.files("cur")).read_bytes())
            self.assertTrue(raw.endswith(body))
            status, shown = on_terminal(server, "queue", "show", one, "--message")
            shown = shown.replace("\r\n", "\n")
            self.assertEqual(status, 0)
            self.assertFalse([c for c in shown if ord(c) < 32 and c not in "\n\t" or 127 <= ord(c) < 160 or c == "\u202e"])
            self.assertIn("Subject: 猫", shown)
            self.assertIn("bell \\x07 escape \\x1B[31m", shown)
            self.assertIn("café \\xFF", shown)
            text = server.ctl_json("queue", "show", one, "--message")["text"]
            self.assertTrue(text.endswith("café \ufffd\r\n"))

    def test_a_large_message(self):
        line = b"0123456789" * 7 + b"\r\n"
        body = b"Subject: large\r\n\r\n" + line * ((40 << 20) // len(line))
        with Mailroot(down()) as server:
            server.send(["a@one.test"], body)
            one = waiting(server, 1)[0]["id"]
            shown = subprocess.run([str(harness.BUILD / "mailrootctl"), "-c", str(server.conf), "queue", "show", one, "--message"],
                                   capture_output=True, check=True, timeout=60).stdout
            self.assertTrue(shown.endswith(body))
            peak = int(re.search(r"VmHWM:\s+(\d+)", pathlib.Path(f"/proc/{server.pids()['queue']}/status").read_text()).group(1))
            self.assertLess(peak, (400 if harness.sanitized() else 60) << 10)
            # A reader that stops early does no harm.
            part = subprocess.Popen([str(harness.BUILD / "mailrootctl"), "-c", str(server.conf), "queue", "show", one, "--message"],
                                    stdout=subprocess.PIPE)
            part.stdout.read(1000)
            part.stdout.close()
            part.wait(30)
            self.assertEqual(len(listed(server)), 1)


if __name__ == "__main__":
    harness.main()
