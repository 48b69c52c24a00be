"""Mail that a filter holds (the envelope line x-mailroot-hold): listed with its reason, released once, deleted; nobody else can write that line."""
import os
import signal
import unittest

import harness
import japanese
from harness import Mailroot, Sink, wait_for
from test_hostile_spool import file_with

REASON = "filter virus: Eicar \"x\""


def held(subject, reason=REASON):
    return (f"x-sender: app@example.com\r\nx-mailroot-hold: {reason}\r\nx-receiver: user@example.net\r\n"
            f"Received: from x by y\r\n\t; Sat, 21 Nov 2026 00:00:00 +0000\r\nSubject: {subject}\r\n\r\nbody\r\n").encode()


class Held(unittest.TestCase):
    def setUp(self):
        self.sink = self.enterContext(Sink())
        self.server = self.enterContext(Mailroot(f"smart_host [127.0.0.1]:{self.sink.port}\ndelivery {{ retry 1s; expire 10s }}"))

    def new_queue(self):
        """Another queue reads the spool."""
        old = self.server.pids()["queue"]
        os.kill(old, signal.SIGKILL)
        wait_for(lambda: self.server.pids().get("queue", old) != old, "another queue")

    def put(self, *contents):
        ids = [file_with(content)(self.server.server_folder() / "new") for content in contents]
        self.new_queue()
        wait_for(lambda: self.state() == dict.fromkeys(ids, "held"), "all of them held")
        return ids

    def state(self):
        return {m["id"]: m["state"] for m in self.server.ctl_json("queue", "list")["messages"]}

    def test_reason_release_and_delete(self):
        first, second, third = self.put(held("first"), held("second", "no reason was given"), held("third"))
        reasons = {m["id"]: m["reason"] for m in self.server.ctl_json("queue", "list")["messages"]}
        self.assertEqual(reasons, {first: REASON, second: "no reason was given", third: REASON})
        self.assertIn(REASON, self.server.ctl("queue", "list").stdout)
        shown = self.server.ctl("queue", "show", first).stdout
        for text in (f"why         {REASON}", f"we: {REASON}", f"queue release {first}"):
            self.assertIn(text, shown)
        self.assertIn("status=held", self.server.log())
        self.assertIn("理由は示されていません", japanese.ctl(self.server, "queue list").stdout.decode())

        self.new_queue()
        wait_for(lambda: self.state() == dict.fromkeys((first, second, third), "held"), "all of them held over a restart")
        self.assertEqual(self.sink.messages, [])
        self.server.ctl("queue", "release", first, "--yes")
        self.sink.wait(1)
        self.assertNotIn(b"x-mailroot-hold", self.sink.messages[0][2])
        self.server.ctl("queue", "delete", second, "--yes")
        self.assertEqual(self.state(), {third: "held"})
        self.assertEqual([path.name[:24] for path in self.server.files("badmail")], [second])
        self.server.ctl("badmail", "resend", second, "--yes")
        self.sink.wait(2)
        self.assertEqual(self.state(), {third: "held"})

    def test_released_over_a_restart(self):
        self.sink.close()
        (ident,) = self.put(held("first"))
        self.server.ctl("queue", "release", ident, "--yes")
        wait_for(lambda: self.state() == {ident: "waiting"}, "a failed attempt")
        self.new_queue()
        wait_for(lambda: self.state() == {ident: "waiting"}, "it waits, and is not held again")

    def test_only_mailroot_writes_the_line(self):
        line = "x-mailroot-hold: mine"
        self.server.send(["a@example.net"], f"{line}\r\nSubject: a header field\r\n\r\nbody\r\n")
        self.sink.wait(1)
        self.assertIn(line.encode(), self.sink.messages[0][2])
        for folder, owner in (("pickup", None), ("maildrop", 65534 if not os.geteuid() else None)):
            bad = len(self.server.files("badmail"))
            content = f"x-sender: a@example.com\r\nx-receiver: b@example.net\r\n{line}\r\nSubject: x\r\n\r\nbody\r\n".encode()
            hidden = self.server.folder / "x"
            hidden.write_bytes(content)
            hidden.chmod(0o644)
            if owner:
                os.chown(hidden, owner, owner)
            name = "x.eml" if folder == "pickup" else f"01NGVKQP0400000000000000,S={len(content)}.eml"
            hidden.rename(self.server.server_folder() / folder / name)
            wait_for(lambda bad=bad: len(self.server.files("badmail")) > bad, f"a bad file of {folder}")
            reason = sorted(self.server.files("badmail", ".txt"), key=lambda path: path.stat().st_mtime)[-1].read_text()
            self.assertIn("x-mailroot-", reason)
        self.assertEqual(len(self.sink.messages), 1)


if __name__ == "__main__":
    harness.main()
