#!/usr/bin/env python3
"""`mailrootctl top` in a terminal (tmux): what it shows, what its keys do, and what is left of the terminal afterwards."""
import contextlib
import os
import re
import signal
import smtplib
import subprocess
import unittest

import harness
import japanese
from harness import wait_for
from tmux import Terminal

SERVER = """
    relay { list 127.0.0.0/8 }
    remote_domain down.test { route [127.0.0.1]:9 }
    remote_domain other.test { route [127.0.0.1]:7 }
"""
DOWN, OTHER = "[127.0.0.1]:9", "[127.0.0.1]:7"


def post(service, rcpt, n=1):
    with smtplib.SMTP("127.0.0.1", service.port, timeout=20) as client:
        for _ in range(n):
            client.sendmail("a@example.com", [rcpt], "Subject: x\r\n\r\nx\r\n")


def states(service):
    return sorted(message["state"] for message in service.queue())


def row(screen, begins):
    """The row of the screen that begins so; None = there is none."""
    found = [line for line in screen.split("\n") if line.startswith(begins)]
    return found[0] if found else None


class Service(harness.Mailroot):
    def __init__(self, server="", **more):
        super().__init__(SERVER + server, **more)

    def queue(self):
        return self.ctl_json("queue", "list")["messages"]


@contextlib.contextmanager
def top(service, columns=80, lines=24, **more):
    """`mailrootctl top` of SERVICE in a terminal, once it has news."""
    with Terminal(service.folder, columns, lines, **more) as terminal:
        terminal.run(str(service.programs / "mailrootctl"), "-c", str(service.conf), "top")
        terminal.wait(lambda screen: "SERVER" in screen and "test" in screen, "the servers")
        yield terminal


class Top(unittest.TestCase):
    def test_the_screen(self):
        with Service() as service:
            post(service, "u@down.test", 3)
            post(service, "u@other.test")
            with smtplib.SMTP("127.0.0.1", service.port) as client, top(service) as terminal:
                client.ehlo("printer.example.com")
                screen = terminal.wait(lambda screen: "printer.example.com" in screen and re.search(r"down +3 ", screen), "queue and session")
                lines = screen.split("\n")
                self.assertRegex(lines[0], r"^Mailroot [\d.]+, running for ")
                self.assertRegex(lines[1], r"^SERVER STATE +SESSIONS +IN/s LAST MINUTE +OUT/s LAST MINUTE +MAIL OLDEST$")
                self.assertRegex(lines[2], r"^test +running +1 +.* 4 +\d+s$")
                self.assertRegex(lines[3], r"^NEXT HOP +STATE +MAIL OLDEST OPEN WHY")
                self.assertRegex(lines[4], r"^\[127\.0\.0\.1\]:9 +down +3 +\d+s +0 .*could not connect")
                self.assertRegex(lines[5], r"^\[127\.0\.0\.1\]:7 +down +1 +\d+s +0 .*could not connect")
                self.assertRegex(lines[6], r"^CLIENT +SINCE STATE +QUIET FOR MESSAGES HELO")
                self.assertRegex(lines[7], r"^127\.0\.0\.1 +\d+s .*printer\.example\.com")
                self.assertTrue(lines[23].startswith("?:help q:quit"))

    def test_rates_rise_while_mail_comes(self):
        with Service() as service, top(service) as terminal:
            terminal.wait(lambda screen: "▁" in screen, "a reading")

            def busy(screen):
                post(service, "u@down.test", 5)
                return "█" in screen and re.search(r"^test +running +\d+ +[1-9]", screen, re.M)
            terminal.wait(busy, "a rate and a peak")

    def test_sizes(self):
        with Service() as service:
            post(service, "u@down.test")
            with top(service) as terminal:
                terminal.see(DOWN)
                terminal.resize(40, 10)
                screen = terminal.wait(lambda screen: len(screen.split("\n")[0]) <= 40 and DOWN in screen and len(screen.split("\n")) <= 11, "40x10")
                self.assertIn("No client is connected.", screen)
                terminal.resize(30, 8)
                terminal.see("30x8 is too small;")
                terminal.see("40x10 at least")
                terminal.resize(132, 50)
                self.assertIn("could not connect: Connection refused", terminal.see(DOWN))

    def test_filter(self):
        with Service() as service:
            post(service, "u@down.test")
            post(service, "u@other.test")
            with top(service) as terminal:
                terminal.wait(lambda screen: DOWN in screen and OTHER in screen, "both next hops")
                terminal.type("/:9")
                terminal.press("Enter")
                terminal.wait(lambda screen: DOWN in screen and OTHER not in screen, "one next hop")
                terminal.press("Escape")
                terminal.see(OTHER)

    def test_hold_release_and_retry(self):
        with Service() as service:
            post(service, "u@down.test", 2)
            post(service, "u@other.test")
            wait_for(lambda: states(service) == ["waiting"] * 3, "three that wait")
            with top(service) as terminal:
                terminal.wait(lambda screen: re.search(r":9 +down +2 ", screen), "the next hop first")
                terminal.type("h")
                terminal.see("2 messages will be held")
                self.assertEqual(states(service), ["waiting"] * 3)
                terminal.type("n")
                terminal.see("Nothing was done.")
                self.assertEqual(states(service), ["waiting"] * 3)
                terminal.type("h")
                terminal.see("[y/N]")
                terminal.type("y")
                terminal.see("2 held.")
                self.assertEqual(states(service), ["held", "held", "waiting"])
                terminal.press("BTab")
                terminal.type("u")
                terminal.see("2 messages will be released")
                terminal.type("y")
                terminal.see("2 released.")
                wait_for(lambda: "held" not in states(service), "no message that is held")
                terminal.type("r")
                terminal.see("3 messages will be tried again now")
                terminal.type("y")
                terminal.see("3 retried.")

    def test_pages(self):
        with Service() as service:
            post(service, "u@down.test")
            wait_for(lambda: states(service) == ["waiting"], "one that waits")
            message = service.queue()[0]["id"]
            with top(service) as terminal:
                terminal.see(DOWN)
                terminal.press("Enter")
                terminal.see(f"Mail for {DOWN}")
                terminal.see(message)
                terminal.type("h")
                terminal.see("1 message will be held")
                terminal.type("y")
                terminal.wait(lambda screen: row(screen, message + " held"), "the list anew")
                terminal.press("Enter")
                screen = terminal.see(f"Message {message}")
                self.assertIn("could not connect", screen)
                terminal.type("q")
                terminal.see(f"Mail for {DOWN}")
                terminal.type("q")
                terminal.see("NEXT HOP")

    def test_pause(self):
        with Service() as service, top(service) as terminal:
            terminal.type("p")
            terminal.see("Server test will answer new connections with 421. Continue? [y/N]")
            terminal.type("y")
            terminal.wait(lambda screen: re.search(r"^test +paused", screen, re.M), "a paused server")
            with self.assertRaises(smtplib.SMTPConnectError):
                smtplib.SMTP("127.0.0.1", service.port)
            terminal.type("p")
            terminal.see("will accept connections again")
            terminal.type("y")
            terminal.wait(lambda screen: re.search(r"^test +running", screen, re.M), "a server that runs")

    def test_hostile_texts(self):
        with Service() as service, smtplib.SMTP("127.0.0.1", service.port) as client, top(service) as terminal:
            for name in ("x\x1b[2J\x9b31m.test".encode("latin-1"), ("[日本語" + "あ" * 60 + "]").encode(), b"evil-" + b"w" * 200 + b".test"):
                client.send(b"EHLO " + name + b"\r\n")
                client.getreply()
            screen = terminal.see("127.0.0.1")
            self.assertIn("Mailroot", screen.split("\n")[0])
            self.assertIn("CLIENT", screen)

    def test_the_service_goes_and_comes(self):
        with Service() as service, top(service) as terminal:
            service.stop()
            terminal.see("No answer, trying again: mailrootd is not running")
            self.assertTrue(row(terminal.screen(), "test"))
            service.start()
            terminal.wait(lambda screen: re.match(r"Mailroot [\d.]+, running for", screen), "news again")

    def test_a_process_that_hangs_does_not_stop_the_screen(self):
        with Service() as service, top(service) as terminal:
            queue = service.pids()["queue"]
            os.kill(queue, signal.SIGSTOP)
            try:
                terminal.see("A process has not answered for")
                terminal.type("?")
                terminal.see("next pane")
                terminal.type("qq")
                terminal.wait(lambda _: not terminal.alternate(), "an end")
            finally:
                os.kill(queue, signal.SIGCONT)

    def test_the_terminal_is_clean_afterwards(self):
        with Service() as service, top(service) as terminal:
            self.assertTrue(terminal.alternate())
            terminal.type("q")
            terminal.wait(lambda screen: not terminal.alternate() and "SERVER" not in screen, "the shell")
            terminal.run("echo $?-done; stty -a | grep -o ' icanon.*echo'")
            terminal.wait(lambda screen: "0-done" in screen and re.search(r"^ icanon .*echo", screen, re.M), "a terminal as before")

    def test_suspend(self):
        with Service() as service, top(service) as terminal:
            terminal.press("C-z")
            terminal.wait(lambda screen: not terminal.alternate() and "Stopped" in screen, "the shell")
            terminal.run("fg")
            terminal.wait(lambda screen: terminal.alternate() and "NEXT HOP" in screen, "the screen again")

    def test_interrupt(self):
        with Service() as service, top(service) as terminal:
            terminal.press("C-c")
            terminal.wait(lambda _: not terminal.alternate(), "the shell")
            terminal.run("stty -a | grep -o ' icanon.*echo'")
            terminal.wait(lambda screen: re.search(r"^ icanon .*echo", screen, re.M), "a terminal as before")

    def test_japanese(self):
        os.environ["LOCPATH"] = str(japanese.locales())
        with Service() as service:
            post(service, "u@down.test")
            with Terminal(service.folder, locale="C.UTF-8") as terminal:
                terminal.run(f"LOCPATH={os.environ['LOCPATH']} LC_ALL=ja_JP.UTF-8", str(service.programs / "mailrootctl"), "-c", str(service.conf), "top")
                screen = terminal.wait(lambda screen: "次ホップ" in screen and DOWN in screen, "Japanese headings")
                self.assertIn("稼働時間", screen)
                self.assertIn("接続できません", terminal.screen())
                terminal.type("q")

    def test_ascii(self):
        with Service() as service, top(service, locale="C") as terminal:
            screen = terminal.wait(lambda screen: re.search(r"^test .*_", screen, re.M), "a graph of ASCII")
            self.assertTrue(screen.isascii(), screen)

    def test_no_terminal(self):
        with Service() as service:
            command = [service.programs / "mailrootctl", "-c", service.conf, "top"]
            piped = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
            self.assertEqual((piped.returncode, piped.stdout), (1, ""))
            self.assertIn("`mailrootctl status` prints the state once", piped.stderr)
            with Terminal(service.folder, 132, term="dumb") as terminal:
                terminal.run(*map(str, command))
                terminal.see("TERM=dumb")
        stopped = subprocess.run(command, capture_output=True, text=True)
        self.assertEqual(stopped.returncode, 3)
        self.assertIn("mailrootd is not running", stopped.stderr)


if __name__ == "__main__":
    harness.main()
