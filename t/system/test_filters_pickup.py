"""Mail of the pickup folder and of sendmail goes through the filters; what becomes of the file for each answer, and while a filter is down."""
import os
import signal
import subprocess
import threading
import time
import unittest

import harness
import japanese
import milter
from harness import Mailroot, wait_for
from milter import Milter

TEXT = b"x-sender: app@example.com\r\nx-receiver: sales@example.com\r\nSubject: %s\r\n\r\ntext\r\n"
TIMES = "timeout connect 1s command 2s content 2s"


class Service(Mailroot):
    def pickup(self, subject="file"):
        path = self.server_folder() / "pickup" / f"{subject}.eml"
        hidden = path.parent / f".{path.name}.hidden"
        hidden.write_bytes(TEXT % subject.encode())
        os.rename(hidden, path)
        return path

    def sendmail(self, subject="program"):
        subprocess.run([str(harness.BUILD / "sendmail"), "-C", str(self.conf), "-f", "app@example.com", "sales@example.com"], check=True,
                       input=b"Subject: %s\n\ntext\n" % subject.encode())

    def left(self):
        return [path.name for path in (self.server_folder() / "pickup").iterdir()]

    def drop(self):
        """The content of each dropped message."""
        return [path.read_bytes() for path in self.files("drop")]

    def status(self, text):
        wait_for(lambda: text in self.ctl("status").stdout, f"`{text}` in status")


def seen(filter_):
    """The sessions that are over, without connections that asked nothing."""
    return [session for session in filter_.sessions if session.events and session.ended.is_set()]


class Filters(unittest.TestCase):
    def serve(self, *blocks):
        return self.enterContext(Service(" ".join(blocks)))

    def filter(self, **how):
        return self.enterContext(Milter(**how))

    def test_what_a_filter_sees_and_changes(self):
        both = self.filter(answers={milter.EOM: [milter.add_header("X-Seen", "yes"), milter.body("changed\r\n"), milter.CONTINUE]})
        clients, programs = self.filter(), self.filter()
        server = self.serve(both.block("both"), clients.block("clients", "only smtp"), programs.block("programs", "only sendmail"))
        server.pickup()
        server.dropped(1)
        server.sendmail()
        server.dropped(2)
        for content in server.drop():
            self.assertIn(b"\r\nX-Seen: yes\r\n\r\nchanged\r\n", content)
        wait_for(lambda: len(seen(both)) == 2, "two sessions")
        for session in seen(both):
            self.assertEqual(session.of(milter.CONNECT)[0].data[:11], b"localhost\x004")
            self.assertIn(b"127.0.0.1", session.of(milter.CONNECT)[0].data)
            self.assertEqual([event.data for event in session.of(milter.RCPT)], [b"<sales@example.com>\0"])
            self.assertIn(("From", " app@example.com" if session.headers()[0][1].startswith(" ") else "app@example.com"), session.headers())
        self.assertEqual((len(seen(clients)), len(seen(programs))), (0, 1))
        self.assertEqual(server.left(), [])

    def test_a_large_message_is_changed_in_a_second_file(self):
        large = b"x" * 76 + b"\r\n"
        changing = self.filter(answers={milter.EOM: [milter.insert_header(0, "X-First", "yes"), milter.CONTINUE]})
        server = self.serve(changing.block())
        path = server.pickup("large")
        wait_for(lambda: not path.exists(), "the small one")
        (server.folder / "large").write_bytes(TEXT % b"large" + large * 20000)
        os.rename(server.folder / "large", path)
        server.dropped(2)
        content = max(server.drop(), key=len)
        self.assertEqual(content.count(large), 20000)
        self.assertIn(b"\r\nX-First: yes\r\nReceived: ", content)

    def test_refused_discarded_held(self):
        virus = self.filter(answers={milter.EOM: milter.reply("550 5.7.1 a virus")})
        server = self.serve(virus.block("virus"))
        server.pickup("refused")
        wait_for(lambda: server.files("badmail"), "bad mail")
        self.assertIn("filter virus refuses it: 550 a virus", server.files("badmail", ".txt")[0].read_text())
        self.assertIn(b"Subject: refused", server.files("badmail")[0].read_bytes())
        server.status("filter virus refuses it")

        virus.answers[milter.EOM] = milter.DISCARD
        server.pickup("discarded")
        server.sendmail("discarded")
        wait_for(lambda: server.log().count("status=discarded by=filter") == 2, "both discarded")
        self.assertEqual((server.left(), server.drop()), ([], []))

        virus.answers[milter.EOM] = [milter.quarantine("looks bad"), milter.CONTINUE]
        server.pickup("held")
        wait_for(lambda: server.ctl_json("queue", "list")["messages"], "a message in the queue")
        wait_for(lambda: server.ctl_json("queue", "list")["messages"][0]["state"] == "held", "a held message")
        self.assertIn("filter virus: looks bad", server.ctl("queue", "list").stdout)
        server.ctl("queue", "release", "--all", "--yes")
        server.dropped(1)

    def test_a_discarded_message_with_a_recipient_that_is_refused(self):
        """The sender gets the notice, and the log has the recipient."""
        virus = self.filter(answers={milter.EOM: milter.DISCARD})
        server = self.serve(virus.block("virus"))
        hidden = server.folder / "discarded"
        hidden.write_bytes(b"From: app@example.com\r\nTo: sales@example.com, no address at all\r\n\r\ntext\r\n")
        os.rename(hidden, server.server_folder() / "pickup" / "discarded.eml")
        server.dropped(1)
        self.assertIn(b"no address at all", server.drop()[0])
        self.assertIn("status=discarded by=filter", server.log())
        self.assertIn('status=refused field=To text="no address at all"', server.log())

    def test_later(self):
        grey = self.filter(answers={milter.EOM: milter.TEMPFAIL})
        server = self.serve(grey.block("grey"))
        server.pickup()
        server.status("its mail waits: filter grey refuses it for now")
        self.assertIn("フィルター grey が一時的に拒否しました", japanese.ctl(server, "status").stdout.decode())
        self.assertEqual(len(server.left()), 1)
        grey.answers[milter.EOM] = milter.CONTINUE
        server.dropped(1)
        self.assertEqual(server.left(), [])
        wait_for(lambda: "filter grey" not in server.ctl("status").stdout, "status without the filter")

    def test_orders_while_a_filter_thinks(self):
        """An order to stop ends the wait; the file is sent after the next start. A reload waits until the file is done."""
        thinking, goes_on = threading.Event(), threading.Event()

        def think(session, data):
            thinking.set()
            goes_on.wait(30)
            return milter.CONTINUE

        slow = self.filter(answers={milter.EOM: think})
        server = self.serve(slow.block())
        server.pickup()
        self.assertTrue(thinking.wait(10))
        began = time.monotonic()
        server.stop()
        self.assertLess(time.monotonic() - began, 5)
        self.assertEqual(len(server.left()), 1)

        thinking.clear()
        server.start()
        self.assertTrue(thinking.wait(10))
        server.write_conf(slow.block(more="max_size 1M"))
        server.ctl("reload")
        server.pickup("second")
        goes_on.set()
        server.dropped(2)
        self.assertEqual(len(server.drop()), 2)

    def test_a_signal_ends_the_wait_for_a_filter(self):
        """In each wait, SIGTERM ends the process at once; the next process sends the file."""
        for event in (milter.NEGOTIATE, milter.RCPT, milter.EOM):
            thinking, goes_on = threading.Event(), threading.Event()

            def think(session, data, thinking=thinking, goes_on=goes_on):
                thinking.set()
                goes_on.wait(30)
                return milter.CLOSE

            slow = self.filter(answers={event: think})
            with self.subTest(event), Service(slow.block("slow", "timeout connect 1m command 1m content 1m")) as server:
                server.pickup()
                self.assertTrue(thinking.wait(10))
                pid = server.pids()["pickup"]
                slow.answers.clear()
                os.kill(pid, signal.SIGTERM)
                wait_for(lambda: not os.path.exists(f"/proc/{pid}"), "the end of the process", 5)
                goes_on.set()
                server.dropped(1)

    def test_a_signal_ends_the_wait_for_a_connection(self):
        honest = self.filter()
        server = self.serve(honest.block("honest", "timeout connect 1m"))
        pids = server.pids()
        os.kill(pids["filters"], signal.SIGSTOP)
        try:
            path = server.pickup()
            wait_for(lambda: not path.exists(), "a claimed file")
            os.kill(pids["pickup"], signal.SIGTERM)
            wait_for(lambda: not os.path.exists(f"/proc/{pids['pickup']}"), "the end of the process", 5)
        finally:
            os.kill(pids["filters"], signal.SIGCONT)
        server.dropped(1)

    def test_down(self):
        """A filter breaks off after its edits, and is then gone: nothing of the edits is done."""
        for when_down in ("tempfail", "reject", "accept", "hold"):
            dying = self.filter(answers={milter.EOM: lambda session, data: milter.CLOSE, milter.HEADER: milter.CONTINUE})
            with self.subTest(when_down), Service(dying.block("virus", f"when_down {when_down}; {TIMES}")) as server:
                for gone in (False, True):
                    if gone:
                        dying.close()
                    server.pickup(f"gone {gone}")
                self.outcome(server, when_down)

    def outcome(self, server, when_down):
        if when_down == "accept":
            server.dropped(2)
        elif when_down == "reject":
            wait_for(lambda: len(server.files("badmail")) == 2, "two bad files")
            self.assertTrue(all("filter virus is down: " in path.read_text() for path in server.files("badmail", ".txt")))
        elif when_down == "hold":
            wait_for(lambda: [m["state"] for m in server.ctl_json("queue", "list")["messages"]] == ["held", "held"], "two held messages")
            self.assertIn("filter virus is down: ", server.ctl("queue", "list").stdout)
            self.assertIn("フィルター virus は停止しています: ", japanese.ctl(server, "queue list").stdout.decode())
        else:
            server.status("its mail waits: filter virus is down: ")
            self.assertEqual(len(server.left()), 2)
            self.assertEqual([*server.drop(), *server.files("badmail")], [])


if __name__ == "__main__":
    harness.main()
