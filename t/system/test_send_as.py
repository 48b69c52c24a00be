"""Mail with a replaced sender (send_as), for providers that accept mail only from the mailbox of the account."""
import email
import subprocess
import unittest

import harness
from harness import Mailroot, Sink, wait_for


def only_from(*senders):
    """A host that answers like Exchange Online to mail that is not from the mailbox: MAIL FROM is checked."""
    def answer(argument):
        return None if argument.split(">")[0].split("<")[1] in senders else "554 5.2.252 SendAsDenied; it is not allowed to send as that"
    return {"MAIL": answer}


def parse(message):
    return email.message_from_bytes(message[2])


class SendAs(unittest.TestCase):
    CONF = "smart_host [127.0.0.1]:{port}; outbound {{ send_as relay@example.com {more} }}"

    def test_copier(self):
        scan = b"From: Copier 3 <copier@old.example>\r\nSender: x@old.example\r\nTo: boss@partner.test\r\nSubject: Scan\r\n\r\nFrom: nobody\r\n"
        with Sink(answers=only_from("relay@example.com")) as sink, Mailroot(self.CONF.format(port=sink.port, more="")) as server:
            server.send(["boss@partner.test"], text=scan, sender="copier@old.example")
            sent = sink.wait(1)[0]
            self.assertTrue(sent[0].startswith("<relay@example.com>"), sent[0])
            got = parse(sent)
            self.assertEqual(got.get_all("From"), ["Copier 3 <relay@example.com>"])
            self.assertEqual(got["Reply-To"], "<copier@old.example>")
            self.assertIsNone(got["Sender"])
            self.assertEqual((got["Subject"], got["To"]), ("Scan", "boss@partner.test"))
            self.assertTrue(sent[2].endswith(b"\r\n\r\nFrom: nobody\r\n"), sent[2])

    def test_settings_for_what_is_kept(self):
        scan = b"From: Copier 3 <copier@old.example>\r\nSubject: Scan\r\n\r\nx\r\n"
        for more, expected in (("; send_as_keep_name no", ("<relay@example.com>", "<copier@old.example>")),
                               ("; send_as_reply_to no", ("Copier 3 <relay@example.com>", None)),
                               ("; send_as_header no", ("Copier 3 <copier@old.example>", None))):
            with Sink() as sink, Mailroot(self.CONF.format(port=sink.port, more=more)) as server:
                server.send(["boss@partner.test"], text=scan, sender="copier@old.example")
                sent = sink.wait(1)[0]
                self.assertTrue(sent[0].startswith("<relay@example.com>"), sent[0])
                self.assertEqual((parse(sent)["From"], parse(sent)["Reply-To"]), expected, more)

    def test_notices(self):
        refuse = {"RCPT": lambda argument: "550 5.1.1 nobody here" if "gone" in argument else None}
        for more, sender in (("", "relay@example.com"), ("; notice_sender alerts@example.com", "alerts@example.com")):
            with Sink(answers=refuse) as sink, Mailroot(self.CONF.format(port=sink.port, more=more)) as server:
                server.send(["gone@partner.test"], sender="app@old.example")
                notice = sink.wait(1)[0]
                self.assertTrue(notice[0].startswith(f"<{sender}>"), notice[0])
                self.assertIn(f"<{sender}>", parse(notice)["From"])
                self.assertIn("auto-", parse(notice)["Auto-Submitted"])
                self.assertEqual(notice[1], ["<app@old.example>"] if notice[1][0].startswith("<") else ["app@old.example"])

    def shown(self, server, id, *more):
        return subprocess.run([str(harness.BUILD / "mailrootctl"), "-c", str(server.conf), "queue", "show", id, "--sent", *more], capture_output=True)

    def test_queue_show_prints_what_will_be_sent(self):
        """Octet for octet, for each next hop as its block says."""
        busy = {"RCPT": lambda argument: "451 4.3.2 later"}
        scan = b"From: Copier <copier@old.example>\r\nSender: x@old.example\r\nSubject: =?utf-8?B?w5w=?=\r\n\r\n.dot\r\n\xff\x01\r\n"
        with Sink(answers=busy) as smart, Sink(answers=busy) as partner, Mailroot(f"""
                local_domain ours.test
                smart_host [127.0.0.1]:{smart.port}; outbound {{ send_as relay@example.com }}
                remote_domain partner.test {{ route [127.0.0.1]:{partner.port} }}
                """) as server:
            server.send(["a@far.test", "b@partner.test", "c@ours.test"], text=scan, sender="copier@old.example")
            def waiting():
                listed = server.ctl_json("queue", "list")["messages"]
                return listed[0] if listed and listed[0]["state"] == "waiting" and listed[0]["open"] == 2 else None
            id = wait_for(waiting, "both hosts say later")["id"]
            first, far, near = self.shown(server, id), self.shown(server, id, "--recipient", "A@far.test"), self.shown(server, id, "--recipient", "b@partner.test")
            self.assertEqual((first.returncode, first.stdout), (0, far.stdout))
            self.assertEqual(parse((0, 0, far.stdout))["From"], "Copier <relay@example.com>")
            self.assertEqual(parse((0, 0, near.stdout))["From"], "Copier <copier@old.example>")
            for recipient, said in (("c@ours.test", b"drop folder"), ("d@ours.test", b"no recipient of the message")):
                refused = self.shown(server, id, "--recipient", recipient)
                self.assertEqual((refused.returncode, refused.stdout), (1, b""))
                self.assertIn(said, refused.stderr)
            self.assertIn("--sent", server.ctl("queue", "show", id, "--recipient", "a@far.test", check=False).stderr)
            smart.answers = partner.answers = {}
            server.ctl("queue", "retry", "--all", "--yes")
            self.assertEqual(smart.wait(1)[0][2], far.stdout)
            self.assertEqual(partner.wait(1)[0][2], near.stdout)

    def test_large_headers(self):
        """A header that is too large for memory is sent unchanged, and a large one that fits is rewritten; the text stays."""
        body = b"line\r\n" * 50000
        with Sink() as sink, Mailroot(self.CONF.format(port=sink.port, more="")) as server:
            for count, expected in ((2500, ["<relay@example.com>"]), (4500, ["copier@old.example"])):
                sink.messages.clear()
                head = b"".join(b"X-Filler-%d: %s\r\n" % (i, b"y" * 60) for i in range(count))
                server.send(["boss@partner.test"], text=head + b"From: copier@old.example\r\n\r\n" + body, sender="copier@old.example")
                sent = sink.wait(1)[0]
                self.assertEqual(parse(sent).get_all("From"), expected, count)
                self.assertTrue(sent[2].endswith(b"\r\n\r\n" + body))

    def test_it_applies_to_the_hosts_of_its_block(self):
        with Sink() as smart, Sink() as partner:
            with Mailroot(f"""
                    smart_host [127.0.0.1]:{smart.port}; outbound {{ send_as relay@example.com }}
                    remote_domain partner.test {{ route [127.0.0.1]:{partner.port} }}
                    remote_domain slow.test {{ outbound {{ timeout 1m }} }}
                    """) as server:
                server.send(["a@partner.test", "b@slow.test"], text=b"From: app@old.example\r\n\r\nx\r\n", sender="app@old.example")
                self.assertTrue(partner.wait(1)[0][0].startswith("<app@old.example>"))
                self.assertEqual(parse(partner.messages[0])["From"], "app@old.example")
                self.assertTrue(smart.wait(1)[0][0].startswith("<relay@example.com>"))
                self.assertIn("relay@example.com", server.ctl("explain", "route", "b@slow.test", "--from", "app@old.example").stdout)
                self.assertNotIn("relay@example.com", server.ctl("explain", "route", "a@partner.test", "--from", "app@old.example").stdout)

    def test_a_reload_acts_on_waiting_mail(self):
        allowed = []
        with Sink(answers={"RCPT": lambda _: None if allowed else "451 4.2.0 not yet"}) as sink:
            way = f"smart_host [127.0.0.1]:{sink.port}; delivery {{ retry 1m }}\n"
            with Mailroot(way) as server:
                server.send(["a@other.test"], text=b"From: app@old.example\r\n\r\nx\r\n", sender="app@old.example")
                wait_for(lambda: "status=delayed" in server.log(), "the first attempt")
                allowed.append(True)
                server.write_conf(way + "outbound { send_as relay@example.com }")
                server.ctl("reload")
                self.assertTrue(sink.wait(1)[0][0].startswith("<relay@example.com>"))


if __name__ == "__main__":
    harness.main()
