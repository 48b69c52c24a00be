"""`sessions` and `kick`: which clients are connected, what they do, and that ending one session does not affect others."""
import socket
import unittest

import harness
from harness import Mailroot, wait_for


class Raw:
    """A client that sends exactly what it is told."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self.lines = self.socket.makefile("rb")
        self.reply()

    def reply(self):
        while True:
            line = self.lines.readline().decode()
            if line[3:4] != "-":
                return line.rstrip()

    def say(self, line):
        self.socket.sendall(line.encode() + b"\r\n")
        return self.reply()

    def close(self):
        self.lines.close()
        self.socket.close()


class Sessions(unittest.TestCase):
    def sessions(self, server):
        return server.ctl_json("sessions")["sessions"]

    def wait_states(self, server, *states):
        wait_for(lambda: sorted(s["state"] for s in self.sessions(server)) == sorted(states), f"sessions {states}")

    def test_list(self):
        with Mailroot() as server:
            self.assertEqual(server.ctl("sessions").stdout, "No client is connected.\n")
            one, two = Raw(server.port), Raw(server.port)
            one.say("HELO HP LaserJet 400")
            two.say("EHLO two")
            two.say("MAIL FROM:<a@example.com>")
            self.wait_states(server, "between messages", "sender given")
            two.say("RCPT TO:<b@example.com>")
            self.assertTrue(two.say("DATA").startswith("354"))
            self.wait_states(server, "between messages", "sending a message")
            self.assertTrue(two.say(".").startswith("250"))
            wait_for(lambda: sorted(s["messages"] for s in self.sessions(server)) == [0, 1], "one message of the second session")
            for session in self.sessions(server):
                self.assertEqual(session["client"], "127.0.0.1")
                self.assertLess(session["since_s"], 30)
                self.assertTrue(session["id"].startswith("test:"))
            self.assertEqual(sorted(s["helo"] for s in self.sessions(server)), ["HP?LaserJet?400", "two"])
            shown = server.ctl("sessions", "--server", "test").stdout
            self.assertIn("HP?LaserJet?400", shown)
            self.assertIn("SESSION", shown)
            self.assertIn("2 sessions.", shown)
            one.close()
            two.close()
            wait_for(lambda: not self.sessions(server), "no session")

    def test_kick_one(self):
        with Mailroot() as server:
            stays, goes = Raw(server.port), Raw(server.port)
            stays.say("HELO stays")
            goes.say("HELO goes")
            goes.say("MAIL FROM:<a@example.com>")
            self.wait_states(server, "between messages", "sender given")
            name = next(s["id"] for s in self.sessions(server) if s["state"] == "sender given")
            self.assertEqual(server.ctl_json("kick", name), {"told": 1})
            self.assertTrue(goes.reply().startswith("421 4.3.2 "))
            self.assertEqual(goes.lines.read(), b"")
            goes.close()
            wait_for(lambda: len(self.sessions(server)) == 1, "one session")
            again = server.ctl("kick", name, check=False)
            self.assertEqual(again.returncode, 1)
            self.assertIn("there is no session", again.stderr)
            self.assertTrue(stays.say("NOOP").startswith("250"))
            stays.close()

    def test_kick_all_after_the_message_in_hand(self):
        with Mailroot() as server:
            clients = [Raw(server.port) for _ in range(10)]
            for client in clients:
                client.say("HELO c")
                client.say("MAIL FROM:<a@example.com>")
                client.say("RCPT TO:<b@example.com>")
                self.assertTrue(client.say("DATA").startswith("354"))
            self.wait_states(server, *["sending a message"] * 10)
            self.assertEqual(server.ctl_json("kick", "--all"), {"told": 10})
            for client in clients:
                self.assertTrue(client.say("Subject: x\r\n\r\nhello\r\n.").startswith("250"))
                self.assertTrue(client.reply().startswith("421 4.3.2 "))
                client.close()
            server.dropped(10)
            with server.client() as client:
                self.assertEqual(client.noop()[0], 250)

    def test_names_stay_with_another_smtpd(self):
        # A new listener needs a new smtpd; the session of the old one keeps its name, and that of the new one has another.
        with Mailroot() as server:
            old = Raw(server.port)
            old.say("HELO old")
            self.wait_states(server, "between messages")
            name = self.sessions(server)[0]["id"]
            port = harness.free_port()
            server.write_conf(f"listen 127.0.0.1:{port}")
            server.ctl("reload")

            def connects():
                try:
                    return Raw(port)
                except OSError:
                    return None

            new = wait_for(connects, "the new listener")
            new.say("HELO new")
            wait_for(lambda: len(self.sessions(server)) == 2, "both sessions")
            self.assertEqual(len({s["id"] for s in self.sessions(server)} | {name}), 2)
            self.assertEqual(server.ctl_json("kick", name), {"told": 1})
            self.assertTrue(old.reply().startswith("421 4.3.2 "))
            self.assertTrue(new.say("NOOP").startswith("250"))
            old.close()
            new.close()

    def test_usage(self):
        with Mailroot() as server:
            self.assertEqual(server.ctl("kick", check=False).returncode, 2)
            self.assertEqual(server.ctl("kick", "--all", "test:1-1", check=False).returncode, 2)
            self.assertEqual(server.ctl("kick", "1-1", check=False).returncode, 1)
            self.assertIn("no virtual server nobody", server.ctl("sessions", "--server", "nobody", check=False).stderr)


if __name__ == "__main__":
    harness.main()
