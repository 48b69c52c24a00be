#!/usr/bin/env python3
"""mailroot-alerts: one message when a condition begins and one when it ends, by a way that works, and never a storm."""
import email
import json
import os
import pathlib
import signal
import subprocess
import unittest

import certs
import harness
from harness import Sink, free_port, wait_for

COMMAND = """#!/bin/sh
{ echo "$ALERT_STATE $ALERT_KIND $ALERT_SERVER $ALERT_OBJECT"; } >> %s
cat > /dev/null
"""
QUICK = "next_hop_down 2s; quiet 4s; queue_age none; badmail no; disk none; certificate none; problems no"


def subjects(sink, to=None):
    """The subjects of the alerts at SINK, without the name of the machine."""
    found = [(rcpts, email.message_from_bytes(text)["Subject"]) for _, rcpts, text in sink.messages]
    return [subject.split("] ", 1)[1] for rcpts, subject in found if to is None or rcpts == [f"<{to}>"]]


def put_badmail(server):
    for suffix, text in ((".eml", "x\r\n"), (".txt", "why\n")):
        (server.server_folder() / "badmail" / f"one{suffix}").write_text(text)


class Service(harness.Mailroot):
    """With alerts by SETTINGS of the block, a next hop that may be down, and a command that keeps a list."""

    def __init__(self, settings, server="", command=True):
        self.hop, self.settings, self.with_command = free_port(), settings, command
        super().__init__("")
        out = self.folder / "out"
        out.mkdir()
        out.chmod(0o777)
        self.list, self.script = out / "list", self.folder / "tell"
        self.script.write_text(COMMAND % self.list)
        self.script.chmod(0o755)
        self.rest = server
        self.rewrite(settings)

    def rewrite(self, settings):
        command = f"command {self.script};" if self.with_command else ""
        retry = "delivery { retry 1s; expire 1d }"
        self.write_conf(f"remote_domain down.test {{ route [127.0.0.1]:{self.hop} }}\n{retry}\n{self.rest}", "",
                        f"alert {{ {command} {settings} }}")

    def commands(self):
        return self.list.read_text().splitlines() if self.list.exists() else []

    def alerts(self):
        """The row of the process that is ready, or None."""
        return next((p for p in self.ctl_json("status")["processes"] if p["role"] == "alerts" and p["state"] == "ready"), None)

    def test_alert(self):
        """Sends a test. The process has looked at the service before, so that what was due has been told."""
        wait_for(self.alerts, "mailroot-alerts")
        return self.ctl("alert", "test", "--json", check=False)

    def assert_test(self):
        done = self.test_alert()
        assert done.returncode == 0, done.stdout + done.stderr


class Alerts(unittest.TestCase):
    def test_a_next_hop_goes_down_and_comes_back(self):
        with Sink() as sink, Service(f"to ops@far.test; via [127.0.0.1]:{sink.port}; {QUICK}") as server:
            server.send(["u@down.test"])
            sink.wait(1)
            began = f"Next hop [127.0.0.1]:{server.hop} does not take mail (server test)"
            self.assertEqual(subjects(sink), [began])
            sender, rcpts, text = sink.messages[0]
            self.assertEqual(rcpts, ["<ops@far.test>"])
            message = email.message_from_bytes(text)
            self.assertEqual(message["Auto-Submitted"], "auto-generated")
            self.assertIn("Connection refused", message.get_payload())
            server.stop()
            server.start()
            server.assert_test()
            self.assertEqual([s for s in subjects(sink) if not s.startswith("Test")], [began])  # the restart repeats nothing
            with Sink(port=server.hop) as hop:
                hop.wait(1)
                ended = f"Next hop [127.0.0.1]:{server.hop} takes mail again (server test)"
                wait_for(lambda: ended in subjects(sink), "the end", 40)
            server.assert_test()
            self.assertEqual([s for s in subjects(sink) if not s.startswith("Test")], [began, ended])
            where = f"next_hop_down test [127.0.0.1]:{server.hop}"
            self.assertEqual([c for c in server.commands() if not c.startswith("test")], [f"begin {where}", f"end {where}"])

    def test_what_comes_and_goes_is_one_alert(self):
        with Sink() as sink, Service(f"to ops@far.test; via [127.0.0.1]:{sink.port}; {QUICK.replace('quiet 4s', 'quiet 30s')}") as server:
            server.send(["u@down.test"])
            sink.wait(1)
            for i in range(4):
                with Sink(port=server.hop) as hop:
                    hop.wait(1)
                server.send(["u@down.test"])
                server.assert_test()
            self.assertEqual(len([s for s in subjects(sink) if not s.startswith("Test")]), 1)

    def test_a_queue_that_hangs_and_one_that_ends_again_and_again(self):
        with Sink() as sink, Service(f"to ops@far.test; via [127.0.0.1]:{sink.port}; {QUICK}") as server:
            wait_for(server.alerts, "mailroot-alerts")
            queue = server.pids()["queue"]
            os.kill(queue, signal.SIGSTOP)
            try:
                sink.wait(1, 90)
                self.assertEqual(subjects(sink), ["Process queue does not answer (server test)"])
            finally:
                os.kill(queue, signal.SIGCONT)
            sink.wait(2, 60)
            self.assertEqual(subjects(sink)[1], "Process queue answers again (server test)")
            for _ in range(3):
                queue = server.pids()["queue"]
                os.kill(queue, signal.SIGKILL)
                wait_for(lambda old=queue: server.pids().get("queue", old) != old, "the next queue", 60)
            sink.wait(3, 60)
            self.assertEqual(subjects(sink)[2], "Process queue ends again and again (server test)")
            self.assertIn("process test queue", server.commands()[-1])

    @unittest.skipIf(os.geteuid(), "only root can mount a disk")
    def test_a_disk_that_is_nearly_full(self):
        with Sink() as sink:
            server = Service(f"to ops@far.test; via [127.0.0.1]:{sink.port}; {QUICK.replace('disk none', 'disk 20%')}")
            disk = server.folder / "disk"
            disk.mkdir()
            subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m,mode=777", "tmpfs", disk], check=True)
            try:
                server.rest = f"local_domain here.test {{ drop_dir {disk} }}"
                server.rewrite(server.settings)
                with server:
                    server.assert_test()
                    self.assertEqual(len(subjects(sink)), 1)
                    (disk / "much").write_bytes(bytes(3600 << 10))
                    wait_for(lambda: f"The disk of {disk} is nearly full (server test)" in subjects(sink), "the alert", 40)
                    (disk / "much").unlink()
                    wait_for(lambda: f"The disk of {disk} has room again (server test)" in subjects(sink), "the end", 40)
            finally:
                subprocess.run(["umount", "-l", disk], check=True)

    def test_badmail_and_a_certificate_and_a_reload(self):
        quick = QUICK.replace("badmail no", "badmail yes").replace("certificate none", "certificate 14d")
        with Sink() as sink:
            server = Service(f"to ops@far.test; via [127.0.0.1]:{sink.port}; {quick}")
            ours = certs.Authority(server.folder / "ca").issue("mail.example.com", days=5)
            server.rest = f"access {{ tls_certificate {ours} }}"
            server.rewrite(server.settings)
            with server:
                expires = f"The certificate {ours.certificate} expires soon (server test)"
                wait_for(lambda: subjects(sink) == [expires], "the certificate", 30)
                put_badmail(server)
                wait_for(lambda: subjects(sink) == [expires, "New mail in badmail (server test)"], "badmail", 40)
                old = server.alerts()["pid"]
                server.rewrite(f"to other@far.test; via [127.0.0.1]:{sink.port}; {quick.replace('badmail yes', 'badmail no')}")
                server.ctl("reload")
                wait_for(lambda: (server.alerts() or {"pid": old})["pid"] != old, "a new process")
                server.assert_test()
                self.assertEqual(len(subjects(sink, "ops@far.test")), 2)  # neither repeated nor ended
                self.assertEqual(len(subjects(sink, "other@far.test")), 1)
                saved = (server.folder / "state" / "alerts" / "state").read_text()
                self.assertNotIn("badmail", saved)
                self.assertIn("certificate", saved)
                server.write_conf()
                server.ctl("reload")
                wait_for(lambda: "alerts" not in server.pids(), "no process without the block")
                self.assertIn("no block `alert`", server.ctl("alert", "test", check=False).stderr)

    def test_a_server_that_works_carries_what_no_other_way_takes(self):
        quick = QUICK.replace("badmail no", "badmail yes")
        with Service(f"to u@example.com; via [127.0.0.1]:{free_port()}; {quick}", command=False) as server:
            put_badmail(server)
            text = server.dropped(seconds=60)[0].read_text()
            self.assertIn("New mail in badmail (server test)", text)
            self.assertIn("x-receiver: u@example.com", text)
            server.send(["u@down.test"])  # now mail of this server may not arrive, so it does not carry the alert
            wait_for(lambda: "because no way is left" in server.log() or server.log().count("not told by mail") > 1, "an alert that no way takes", 40)
            self.assertEqual(len(server.files("drop")), 1)

    def test_a_test_says_how_each_way_went(self):
        dead = free_port()
        with Sink(answers={"RCPT": lambda argument: "550 5.1.1 nobody here" if "bad" in argument else None}) as sink, \
                Service(f"to good@far.test bad@far.test; via [127.0.0.1]:{dead} [127.0.0.1]:{sink.port}; {QUICK}") as server:
            done = server.test_alert()
            ways = {w["way"]: (w["sent"], w["said"]) for w in json.loads(done.stdout)["ways"]}
            self.assertEqual(done.returncode, 1)
            self.assertEqual(ways[f"command {server.script}"], (True, f"{server.script} ended with status 0"))
            self.assertEqual(ways[f"mail to good@far.test by 127.0.0.1:{dead}"], (False, "can't connect: Connection refused"))
            self.assertTrue(ways[f"mail to good@far.test by 127.0.0.1:{sink.port}"][0])
            self.assertEqual(ways[f"mail to bad@far.test by 127.0.0.1:{sink.port}"], (False, "after RCPT: 550 nobody here"))
            self.assertEqual(server.commands(), ["test   "])
            self.assertIn("nobody here", server.ctl("alert", "test", check=False).stdout)
            server.script.write_text("#!/bin/sh\nexit 3\n")
            self.assertIn("ended with status 3", server.ctl("alert", "test", check=False).stdout)

    def test_the_command_and_the_watch_run_without_rights(self):
        with Service("queue_age 1h") as server:
            server.script.write_text(f"#!/bin/sh\ncat > {server.list}.text\ncat /proc/self/status > {server.list}\nls -l /proc/self/fd >> {server.list}\n")
            server.assert_test()
            lines = dict(line.split(":\t", 1) for line in server.commands() if ":\t" in line)
            self.assertEqual(lines["CapEff"], "0" * 16)
            self.assertEqual(lines["NoNewPrivs"], "1")
            self.assertIn("This is a test.", pathlib.Path(f"{server.list}.text").read_text())
            self.assertNotIn("socket:", server.list.read_text())
            pid = server.pids()["alerts"]
            if os.geteuid() == 0:
                self.assertNotEqual(lines["Uid"].split()[0], "0")
                self.assertEqual(os.readlink(f"/proc/{pid}/root"), str(server.folder / "run"))
            old = server.alerts()
            sender = next(p for p, name in server.descendants().items() if name == "mr-alerts-send")
            os.kill(sender, signal.SIGKILL)
            wait_for(lambda: (server.alerts() or old)["pid"] != old["pid"], "a new process after the sender ended")
            server.assert_test()


if __name__ == "__main__":
    harness.main()
