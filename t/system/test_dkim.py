"""DKIM signatures as they arrive at a host: verified there, made by keys that only the signer has."""
import os
import pathlib
import re
import signal
import smtplib
import subprocess
import unittest

import dkim_verifier
import harness
import peers
from harness import Mailroot, Sink, wait_for
from test_dnsbl import own_network
from test_hostile_spool import file_with

MESSAGE = b"From: App <app@example.com>\r\nTo: boss@partner.test\r\nSubject: report  42\r\nDate: Mon, 30 Nov 2026 12:00:00 +0000\r\n\r\nline \t one\r\n.dot\r\n"


class Dkim(unittest.TestCase):
    def setUp(self):
        self.folder = harness.scratch()
        self.folder.chmod(0o755)
        self.records = {}

    def tearDown(self):
        for path in self.folder.iterdir():
            path.unlink()
        self.folder.rmdir()

    def key(self, selector, kind="rsa", domain="example.com"):
        path = self.folder / f"{selector}.pem"
        self.records[f"{selector}._domainkey.{domain}"] = dkim_verifier.make_key(path, kind)
        return path

    def block(self, *selectors, domain="example.com", more=""):
        lines = "\n".join(f"selector {name} {self.folder}/{name}.pem" for name in selectors)
        return f"dkim {domain} {{ {lines}\n{more} }}\n"

    def verify(self, sent):
        return dkim_verifier.verify(sent[2], self.records)

    def test_both_kinds_of_keys(self):
        self.key("rsa1")
        self.key("ed1", "ed25519")
        with Sink() as sink, Mailroot(f"smart_host [127.0.0.1]:{sink.port}\n" + self.block("rsa1", "ed1")) as server:
            server.send(["boss@partner.test"], text=MESSAGE)
            sent = sink.wait(1)[0]
            found = self.verify(sent)
            self.assertEqual([(tags["a"], tags["d"], tags["s"], tags["c"]) for tags in found],
                             [("rsa-sha256", "example.com", "rsa1", "relaxed/relaxed"), ("ed25519-sha256", "example.com", "ed1", "relaxed/relaxed")])
            self.assertNotIn("l", found[0])
            self.assertNotIn("x", found[0])
            self.assertEqual(found[0]["h"].lower().split(":").count("from"), 2)
            self.assertIn(f"SIZE={len(sent[2])}", sent[0])
            self.assertIn("dkim=example.com/rsa1,ed1 status=delivered", server.log())
            server.send(["boss@partner.test"], text=MESSAGE.replace(b"app@example.com", b"app@other.test"))
            self.assertEqual(self.verify(sink.wait(2)[1]), [])
            self.assertEqual(server.log().count(" dkim="), 1 + 2)
            self.assertIn("dkim=example.com/rsa1 algorithm=rsa-sha256 bits=2048 in force", server.log())

    def test_texts(self):
        """Whatever the text is, and however it changes on its way out."""
        head = b"From: app@sub.example.com\r\nSubject: =?utf-8?B?w5w=?=\r\n\tfolded\r\n"
        texts = [b"", b"\r\n", b"\r\n\r\n\r\n", b"\r\nx", b"\r\n" + b"\xc3\x9c \r\n" * 3 + b"\r\n\r\n", b"\r\n" + b"long " * 1000 + b"\r\n",
                 b"\r\n" + b".\r\n..\r\n" * 40000, b"\r\n" + b"z" * 65530 + b"\r\n\r\n"]
        self.key("m1")
        for more in ("subdomains yes", "subdomains yes; canonical simple/simple; oversign no; expire 7d; headers From Subject X-No"):
            with Sink() as sink, Mailroot(f"smart_host [127.0.0.1]:{sink.port}\n" + self.block("m1", more=more)) as server:
                for i, text in enumerate(texts):
                    server.send(["boss@partner.test"], text=head + text)
                    sent = sink.wait(i + 1)[i]
                    self.assertEqual(len(self.verify(sent)), 1, text[:20])
                tags = self.verify(sent)[0]
                if "simple" in more:
                    self.assertEqual((tags["h"], int(tags["x"]) - int(tags["t"])), ("From:Subject", 7 * 86400))

    def test_other_senders_and_notices(self):
        """Rewriting comes before signing; a notice of ours is signed, too."""
        self.key("m1")
        refuse = {"RCPT": lambda argument: "550 5.1.1 nobody here" if "gone" in argument else None}
        with Sink(answers=refuse) as sink, Mailroot(f"smart_host [127.0.0.1]:{sink.port}; outbound {{ send_as relay@example.com }}\n"
                                                    + self.block("m1")) as server:
            server.send(["boss@partner.test"], text=b"From: X <x@other.test>\r\nSender: y@other.test\r\n\r\nx\r\n", sender="x@other.test")
            sent = sink.wait(1)[0]
            self.assertIn(b"From: X <relay@example.com>\r\n", sent[2])
            self.assertEqual(len(self.verify(sent)), 1)
            server.send(["gone@partner.test"], text=MESSAGE, sender="x@other.test")
            notice = sink.wait(2)[1]
            self.assertIn(b"Auto-Submitted", notice[2])
            self.assertEqual(len(self.verify(notice)), 1)

    def test_where_we_authenticate(self):
        self.key("m1")
        password = self.folder / "password"
        password.touch(0o600)
        password.write_text("secret\n")
        hosts = dict(answers={"AUTH": lambda _: "235 2.7.0 welcome"}, extensions=("AUTH PLAIN", "PIPELINING"))
        for dkim, with_auth, plain in (("auto", 0, 1), ("yes", 1, 1), ("no", 0, 0)):
            with Sink(**hosts) as provider, Sink() as other, Mailroot(f"""
                    smart_host [127.0.0.1]:{provider.port}
                    outbound {{ dkim {dkim}; tls off; auth plain; username u; password_file {password}; auth_unverified yes }}
                    remote_domain near.test {{ route [127.0.0.1]:{other.port} }}
                    """ + self.block("m1")) as server:
                server.send(["a@far.test", "b@near.test"], text=MESSAGE)
                self.assertEqual(len(self.verify(provider.wait(1)[0])), with_auth, dkim)
                self.assertEqual(len(self.verify(other.wait(1)[0])), plain, dkim)

    def test_messages_that_no_verifier_would_accept_go_unsigned(self):
        self.key("m1")
        twice = b"From: app@example.com\r\n" + MESSAGE
        two = MESSAGE.replace(b"App <app@example.com>", b"app@example.com, other@example.com")
        long = b"".join(b"X-Filler-%d: %s\r\n" % (i, b"y" * 60) for i in range(4500)) + MESSAGE
        with Sink() as sink, Mailroot(f"smart_host [127.0.0.1]:{sink.port}\n" + self.block("m1")) as server:
            for count, text in enumerate((twice, two, long), 1):
                server.send(["boss@partner.test"], text=text)
                self.assertTrue(sink.wait(count)[-1][2].endswith(b"\r\n" + text), "not the message as it came")
                self.assertNotIn(b"DKIM-Signature", sink.messages[-1][2])
                wait_for(lambda: server.log().count("sent without a DKIM signature") == count, "a line in the log")
            self.assertNotIn("dkim=example.com/m1 status", server.log())

    def test_queue_show_says_that_the_signature_comes_later(self):
        self.key("m1")
        busy = {"RCPT": lambda argument: "451 4.3.2 later"}
        for more, expected in (("", True), ("outbound { dkim no }", False)):
            with Sink(answers=busy) as sink, Mailroot(f"smart_host [127.0.0.1]:{sink.port}\n{more}\n" + self.block("m1")) as server:
                server.send(["boss@partner.test"], text=MESSAGE)
                listed = wait_for(lambda: [m for m in server.ctl_json("queue", "list")["messages"] if m["state"] == "waiting"], "the mail waits")
                shown = server.ctl("queue", "show", listed[0]["id"], "--sent")
                self.assertNotIn("DKIM-Signature", shown.stdout)
                self.assertEqual("a DKIM signature is made when the message is sent" in shown.stderr, expected, shown.stderr)
                self.assertEqual(server.ctl("queue", "show", listed[0]["id"], "--message").stderr, "")

    def signer(self, server):
        return [pid for pid, name in server.descendants().items() if name == "mailroot-signer"]

    def test_a_key_that_cannot_be_read_holds_the_mail_of_its_domain(self):
        with Sink() as sink, Mailroot(f"smart_host [127.0.0.1]:{sink.port}; delivery {{ retry 1m }}\n" + self.block("m1")) as server:
            server.send(["boss@partner.test"], text=MESSAGE)
            server.send(["boss@partner.test"], text=MESSAGE.replace(b"example.com", b"other.test"))
            self.assertIn(b"other.test", sink.wait(1)[0][2])
            listed = wait_for(lambda: [m for m in server.ctl_json("queue", "list")["messages"] if m["state"] == "waiting"], "the mail waits")
            self.assertIn("m1.pem", server.ctl("queue", "show", listed[0]["id"]).stdout)
            self.assertIn("4.3.5", server.ctl("queue", "show", listed[0]["id"]).stdout)
            self.assertRegex(server.ctl("status", check=False).stdout, r"dkim example\.com: selector m1: can't use \S+m1\.pem")
            self.assertRegex(server.ctl("check", check=False).stderr, r"error: the key \S+m1\.pem can't be used: No such file .* mailrootctl dkim keygen")
            self.key("m1")
            server.ctl("reload")
            wait_for(lambda: self.signer(server) and "m1.pem" not in server.ctl("status", check=False).stdout, "the signer has the key")

            def retried():  # an old process may have taken the first attempt
                server.ctl("queue", "retry", "--all", "--yes", check=False)
                return len(sink.messages) > 1

            wait_for(retried, "the mail is sent")
            self.assertEqual(len(self.verify(sink.messages[1])), 1)

    def test_check_finds_keys_that_cannot_sign(self):
        """And the mail of such a domain waits, for the same reason."""
        def genpkey(name, *options):
            path = self.folder / f"{name}.pem"
            path.touch(0o600)
            subprocess.run(["openssl", "genpkey", "-out", str(path), *options], check=True, capture_output=True)
            path.chmod(0o600)
        genpkey("ec", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")
        genpkey("short", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:512")
        genpkey("weak", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024")
        genpkey("locked", "-algorithm", "RSA", "-aes256", "-pass", "pass:secret")
        genpkey("open", "-algorithm", "RSA")
        (self.folder / "open.pem").chmod(0o644)
        (self.folder / "empty.pem").touch(0o600)
        faults = {"ec": "error: .*kind EC", "short": "error: .*512 bits", "locked": "error: .*passphrase", "open": "error: .*may be read or written by",
                  "empty": "error: .*it is empty", "weak": "warning: .*less than 2048 bits"}
        with Sink() as sink, Mailroot(f"smart_host [127.0.0.1]:{sink.port}\n"
                                      + "".join(self.block(name, domain=f"{name}.test") for name in faults)) as server:
            said = server.ctl("check", check=False).stderr
            status = server.ctl("status", check=False).stdout
            for name, fault in faults.items():
                self.assertRegex(said, rf"(?m)^\S+: {fault.replace(': ', rf': the key {self.folder}/{name}.pem', 1)}", name)
                self.assertEqual(f"mail waits: dkim {name}.test: selector {name}: can't use" in status, name != "weak", status)
                server.send(["boss@partner.test"], text=MESSAGE.replace(b"example.com", name.encode() + b".test"))
            self.assertIn(b"d=weak.test;", sink.wait(1)[0][2])
            waiting = wait_for(lambda: (lambda m: len(m) == 5 and m)([m for m in server.ctl_json("queue", "list")["messages"] if m["state"] == "waiting"]),
                               "the other five wait")
            for message in waiting:
                self.assertIn("4.3.5", server.ctl("queue", "show", message["id"]).stdout)
            self.assertEqual(len(sink.messages), 1)

    def test_a_replaced_key_signs_after_a_reload(self):
        self.key("m1")
        with Sink() as sink, Mailroot(f"smart_host [127.0.0.1]:{sink.port}\n" + self.block("m1")) as server:
            server.send(["boss@partner.test"], text=MESSAGE)
            self.assertEqual(len(self.verify(sink.wait(1)[0])), 1)
            before = self.signer(server)
            self.assertEqual(len(before), 1)
            (self.folder / "m1.pem").unlink()
            self.key("m1")
            self.assertIn("m1.pem changed", server.ctl("reload").stdout)
            wait_for(lambda: len(self.signer(server)) == 1 and self.signer(server) != before, "another signer")
            server.send(["boss@partner.test"], text=MESSAGE)
            self.assertEqual(len(self.verify(sink.wait(2)[1])), 1)

    def test_mail_of_strangers(self):
        """What a stranger sent to a recipient of ours elsewhere goes on unsigned, whatever its From says; with our sender it is signed."""
        self.key("m1")
        mail = b"x-sender: x@other.test\r\nx-mailroot-foreign: yes\r\nx-receiver: boss@partner.test\r\n" + MESSAGE
        for settings, count in (("", 0), ("outbound { send_as relay@example.com }", 1)):
            with Sink() as sink, Mailroot(f"smart_host [127.0.0.1]:{sink.port}; {settings}\n" + self.block("m1")) as server:
                file_with(mail)(server.server_folder() / "new")
                sent = sink.wait(1)[0]
                self.assertIn(b"Subject: report  42", sent[2])
                self.assertEqual(len(self.verify(sent)), count)

    @peers.needs_root
    def test_a_stranger_at_the_door(self):
        """The same client and message, signed only where the client may relay."""
        self.key("m1")
        door, stranger = "2001:db8:9::1", "2001:db8:1::5"
        with own_network(door, stranger):
            for relay, count in (("", 0), (f"relay {{ list {stranger} }}\n", 1)):
                port = harness.free_port()
                with Sink() as sink, Mailroot(f"listen [{door}]:{port}\nremote_domain partner.test {{ relay yes; route [127.0.0.1]:{sink.port} }}\n"
                                              + relay + self.block("m1")):
                    with smtplib.SMTP(door, port, timeout=20, source_address=(stranger, 0)) as client:
                        client.sendmail("app@example.com", ["boss@partner.test"], MESSAGE)
                    sent = sink.wait(1)[0]
                    self.assertNotIn(b"x-mailroot", sent[2])
                    self.assertEqual(len(self.verify(sent)), count)

    @peers.needs_root
    def test_a_stranger_after_the_first_block(self):
        """A reload that adds the first block dkim: from then on the door marks what strangers send."""
        self.key("m1")
        door, stranger = "2001:db8:9::1", "2001:db8:1::5"
        with own_network(door, stranger):
            port = harness.free_port()
            with Sink() as sink:
                settings = f"listen [{door}]:{port}\nremote_domain partner.test {{ relay yes; route [127.0.0.1]:{sink.port} }}\n"
                with Mailroot(settings) as server, smtplib.SMTP(door, port, timeout=20, source_address=(stranger, 0)) as client:
                    client.ehlo()
                    server.write_conf(settings + self.block("m1"))
                    server.ctl("reload")
                    client.sendmail("app@example.com", ["boss@partner.test"], MESSAGE)
                    self.assertEqual(len(self.verify(sink.wait(1)[0])), 0)
                    server.send(["boss@partner.test"], text=MESSAGE)
                    self.assertEqual(len(self.verify(sink.wait(2)[1])), 1)

    def test_a_killed_signer_comes_back(self):
        self.key("m1")
        with Sink() as sink, Mailroot(f"smart_host [127.0.0.1]:{sink.port}; delivery {{ retry 1s }}\n" + self.block("m1")) as server:
            server.send(["boss@partner.test"], text=MESSAGE)
            sink.wait(1)
            killed = self.signer(server)
            os.kill(killed[0], signal.SIGKILL)
            server.send(["boss@partner.test"], text=MESSAGE)
            self.assertEqual(len(self.verify(sink.wait(2)[1])), 1)
            self.assertIn("the process that signs mail (DKIM) was ended by signal 9", server.log())
            self.assertNotIn(killed[0], self.signer(server))

    def test_keys_are_in_the_signer_alone(self):
        """Only it has read the file, and it has neither files nor network nor an environment to ask."""
        path = self.key("m1")
        secret = re.sub(r"-----.*?-----|\s", "", path.read_text())
        self.assertGreater(len(secret), 1000)
        with Sink() as sink, Mailroot(f"smart_host [127.0.0.1]:{sink.port}\n" + self.block("m1")) as server:
            server.send(["boss@partner.test"], text=MESSAGE)
            sink.wait(1)
            pid = self.signer(server)[0]
            if os.geteuid() == 0:
                self.assertTrue(all(os.stat(f"/proc/{pid}/fd/{fd}").st_mode & 0o170000 != 0o040000 for fd in os.listdir(f"/proc/{pid}/fd")))
                self.assertNotIn("Uid:\t0", pathlib.Path(f"/proc/{pid}/status").read_text())
            self.assertIn("Seccomp:\t2", pathlib.Path(f"/proc/{pid}/status").read_text())
            server.stop()
            wait_for(lambda: not os.path.exists(f"/proc/{pid}") or " Z " in pathlib.Path(f"/proc/{pid}/stat").read_text(), "the end of the signer")


if __name__ == "__main__":
    harness.main()
