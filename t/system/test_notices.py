"""Notices to senders, read by Python's email package, a parser of RFC 3464 that shares no code with the writer."""
import contextlib
import datetime
import email
import email.policy
import email.utils
import os
import re
import signal
import unittest

import harness
from harness import Mailroot, Sink, Wire, wait_for

EXTENSIONS = ("PIPELINING", "SIZE 50000000", "8BITMIME")
QUICK = "delivery { retry 1s; delay_notice 2s; expire 5s; local_delay_notice 2s; local_expire 5s }\n"


def relay(port):
    return f"smart_host [127.0.0.1]:{port}\n{QUICK}"


class Notice:
    """A dropped notice in its parts; fails if it violates RFC 3464, 5322, 6522 or 3834."""

    def __init__(self, path):
        raw = path.read_bytes()
        self.raw = raw
        head, self.rcpts = b"", []
        while True:
            line, rest = raw.split(b"\r\n", 1)
            if not line.lower().startswith(b"x-"):
                break
            if line.startswith(b"x-receiver: "):
                self.rcpts.append(line[12:].decode())
            head, raw = head + line, rest
        assert b"x-sender: <>" in head, head
        assert all(len(line) <= 998 for line in raw.split(b"\r\n"))
        assert b"\n" not in raw.replace(b"\r\n", b"") and b"\r" not in raw.replace(b"\r\n", b"")
        self.content = raw
        self.mail = email.message_from_bytes(raw, policy=email.policy.default)
        parts = list(self.mail.walk())
        assert not any(part.defects for part in parts), [part.defects for part in parts]
        assert self.mail.get_content_type() == "multipart/report"
        assert self.mail.get_param("report-type") == "delivery-status"
        assert self.mail["Auto-Submitted"] == "auto-replied" and self.mail["MIME-Version"] == "1.0"
        assert self.mail["Message-ID"] and self.mail["Date"].datetime and self.mail["From"].addresses
        self.parts = list(self.mail.iter_parts())
        assert len(self.parts) == 3, [p.get_content_type() for p in self.parts]
        assert self.parts[0].get_content_type() == "text/plain"
        assert self.parts[1].get_content_type() == "message/delivery-status"
        self.text = " ".join(self.parts[0].get_content().split())
        groups = self.parts[1].get_payload()
        self.message, self.recipients = groups[0], {}
        assert set(self.message.keys()) <= {"Reporting-MTA", "Original-Envelope-Id", "Arrival-Date"}, self.message.keys()
        assert self.message["Reporting-MTA"] == "dns; mail.example.com"
        assert is_date(self.message["Arrival-Date"])
        for group in groups[1:]:
            self.check_group(group)

    def check_group(self, group):
        known = {"Original-Recipient", "Final-Recipient", "Action", "Status", "Remote-MTA", "Diagnostic-Code", "Last-Attempt-Date", "Will-Retry-Until"}
        assert set(group.keys()) <= known and len(group.keys()) == len(set(group.keys())), group.keys()
        kind, address = group["Final-Recipient"].split(";", 1)
        assert kind == "rfc822" and group["Action"] in ("failed", "delayed", "relayed", "delivered", "expanded")
        assert re.fullmatch(r"[245]\.\d{1,3}\.\d{1,3}", group["Status"]), group["Status"]
        assert group["Action"] == "expanded" or is_date(group["Last-Attempt-Date"])
        assert ("Will-Retry-Until" in group) == (group["Action"] == "delayed")
        assert "Remote-MTA" not in group or re.fullmatch(r"dns; \S+", group["Remote-MTA"])
        self.recipients[address.strip()] = group

    def returned(self):
        return self.parts[2]


def is_date(text):
    return isinstance(email.utils.parsedate_to_datetime(text), datetime.datetime)


def ask(server, text, rcpts, sender="app@example.com", mail=()):
    """Sends one message; RCPTS: address -> parameters of RCPT."""
    with server.client() as client:
        client.ehlo()
        assert client.has_extn("dsn")
        code, reply = client.mail(sender, list(mail))
        assert code == 250, reply
        for address, options in rcpts.items():
            code, reply = client.rcpt(address, list(options))
            assert code == 250, reply
        code, reply = client.data(text)
        assert code == 250, reply


def notices(server, count=1, seconds=30, folder="drop"):
    """The notices in a drop folder, oldest first."""
    def found():
        files = [p for p in server.files(folder) if b"multipart/report" in p.read_bytes()]
        return files if len(files) >= count else None
    return [Notice(path) for path in sorted(wait_for(found, f"{count} notices", seconds), key=lambda p: p.stat().st_mtime)]


def settled(server):
    return not server.files("new", "") and not server.files("cur", "")


class Kinds(unittest.TestCase):
    def test_failed(self):
        with Sink(answers={"RCPT": lambda a: "550 5.1.1 <bob> is not known here" if "bob" in a else None}) as sink, Mailroot(relay(sink.port)) as server:
            ask(server, b"Subject: Offer\r\nMessage-ID: <1@client.test>\r\n\r\nSECRET\r\n",
                {"bob@example.net": ["ORCPT=rfc822;Bob+2Bold@example.org"], "eve@example.net": []}, mail=["ENVID=QQ+20314"])
            notice = notices(server)[0]
            self.assertEqual(notice.rcpts, ["app@example.com"])
            self.assertEqual(notice.mail["To"], "app@example.com")
            self.assertEqual(notice.mail["From"].addresses[0].addr_spec, "postmaster@example.com")
            self.assertEqual(notice.mail["Subject"], "Undelivered: Offer")
            self.assertEqual(notice.mail["In-Reply-To"], "<1@client.test>")
            self.assertEqual(notice.message["Original-Envelope-Id"], "QQ 314")
            self.assertEqual(list(notice.recipients), ["bob@example.net"])
            group = notice.recipients["bob@example.net"]
            self.assertEqual(group["Action"], "failed")
            self.assertEqual(group["Status"], "5.1.1")
            self.assertEqual(group["Original-Recipient"], "rfc822;Bob+old@example.org")
            self.assertEqual(group["Remote-MTA"], "dns; [127.0.0.1]")
            self.assertEqual(group["Diagnostic-Code"], "smtp; 550 5.1.1 <bob> is not known here")
            for words in ("<bob@example.net>", f"The server [127.0.0.1]:{sink.port} said:", "550 5.1.1 <bob> is not known here", "typing mistake"):
                self.assertIn(words, notice.text)
            self.assertNotIn("eve", notice.text)
            self.assertEqual(notice.returned().get_content_type(), "text/rfc822-headers")
            self.assertIn("Subject: Offer", notice.returned().get_payload())
            self.assertNotIn(b"SECRET", notice.content)
            wait_for(lambda: settled(server), "an empty spool")
            self.assertEqual(len(notices(server)), 1)

    def test_delayed_then_expired(self):
        with Sink(answers={"RCPT": lambda a: "451 4.2.2 the box is full"}) as sink, Mailroot(relay(sink.port)) as server:
            ask(server, b"Subject: x\r\n\r\n", {"bob@example.net": []})
            delayed, expired = notices(server, 2)
            group = delayed.recipients["bob@example.net"]
            self.assertEqual((group["Action"], group["Status"]), ("delayed", "4.2.2"))
            self.assertEqual(group["Diagnostic-Code"], "smtp; 451 4.2.2 the box is full")
            arrival = email.utils.parsedate_to_datetime(delayed.message["Arrival-Date"])
            until = email.utils.parsedate_to_datetime(group["Will-Retry-Until"])
            self.assertEqual((until - arrival).total_seconds(), 5)
            self.assertEqual(delayed.mail["Subject"], "Delayed: x")
            self.assertIn("you need not do anything", delayed.text)
            group = expired.recipients["bob@example.net"]
            self.assertEqual((group["Action"], group["Status"]), ("failed", "4.4.7"))
            self.assertEqual(group["Diagnostic-Code"], "smtp; 451 4.2.2 the box is full")
            self.assertIn("gives up", expired.text)
            wait_for(lambda: settled(server), "an empty spool")
            self.assertEqual(len(notices(server, 2)), 2)

    def test_host_that_does_not_exist(self):
        with Mailroot(relay(harness.free_port())) as server:
            ask(server, b"Subject: x\r\n\r\n", {"bob@example.net": ["NOTIFY=DELAY"]})
            notice = notices(server)[0]
            self.assertIn("This server could not pass it on to [127.0.0.1]:", notice.text)
            self.assertTrue(notice.recipients["bob@example.net"]["Diagnostic-Code"].startswith("X-Mailroot; "))
            wait_for(lambda: settled(server), "the message to expire without a second notice", 30)
            self.assertEqual(len(notices(server)), 1)

    def test_delivered_and_relayed(self):
        with Sink() as sink, Mailroot(relay(sink.port) + "local_domain sales.example.com { drop_dir %s }" % (harness.scratch() / "sales")) as server:
            ask(server, b"Subject: x\r\n\r\n", {"ann@sales.example.com": ["NOTIFY=SUCCESS"], "bob@example.net": ["NOTIFY=SUCCESS,FAILURE"],
                                                "eve@example.net": ["NOTIFY=FAILURE"]}, mail=["RET=FULL"])
            wait_for(lambda: settled(server), "an empty spool")
            found = notices(server)  # two, if the drop folder had its copy before an SMTP client was free
            self.assertEqual({a: (g["Action"], g["Status"]) for notice in found for a, g in notice.recipients.items()},
                             {"ann@sales.example.com": ("delivered", "2.0.0"), "bob@example.net": ("relayed", "2.0.0")})
            self.assertEqual(sum(len(notice.recipients) for notice in found), 2)
            self.assertIn("no confirmations", next(n.text for n in found if "bob@example.net" in n.recipients))
            for notice in found:
                self.assertNotIn(b"sales/", notice.content)
                self.assertEqual(notice.returned().get_content_type(), "text/rfc822-headers")

    def test_local_success_alone(self):
        with Mailroot() as server:
            ask(server, b"Subject: x\r\n\r\nlocal\r\n", {"ann@example.com": ["NOTIFY=SUCCESS,FAILURE,DELAY"], "bob@example.com": []})
            notice = notices(server)[0]
            self.assertEqual(notice.mail["Subject"], "Delivered: x")
            self.assertEqual(list(notice.recipients), ["ann@example.com"])
            self.assertEqual(sum(b"local" in p.read_bytes() for p in server.files("drop")), 1)


class Wishes(unittest.TestCase):
    def test_never(self):
        with Sink(answers={"RCPT": lambda a: "550 no"}) as sink, Mailroot(relay(sink.port)) as server:
            ask(server, b"Subject: x\r\n\r\n", {"a@example.net": ["NOTIFY=NEVER"], "b@example.net": ["NOTIFY=SUCCESS"]})
            wait_for(lambda: "status=failed" in server.log() and settled(server), "both to fail")
            ask(server, b"Subject: y\r\n\r\n", {"c@example.net": []})
            self.assertEqual(list(notices(server)[0].recipients), ["c@example.net"])

    def test_passed_on(self):
        with Sink(extensions=(*EXTENSIONS, "DSN")) as sink, Mailroot(relay(sink.port)) as server:
            seen = []
            sink.answers = {"MAIL": lambda a: seen.append(a), "RCPT": lambda a: seen.append(a)}
            ask(server, b"Subject: x\r\n\r\n", {"a@example.net": ["NOTIFY=SUCCESS,DELAY", "ORCPT=rfc822;A+2BB@example.org"], "b@example.net": ["NOTIFY=NEVER"]},
                mail=["RET=HDRS", "ENVID=QQ314"])
            sink.wait(1)
            self.assertRegex(seen[0], r"RET=HDRS ENVID=QQ314$")
            self.assertTrue(seen[1].endswith("<a@example.net> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;A+2BB@example.org"), seen)
            self.assertTrue(seen[2].endswith("<b@example.net> NOTIFY=NEVER"), seen)
            wait_for(lambda: settled(server), "an empty spool")
            self.assertEqual(server.files("drop"), [])

    def test_whole_message_of_8_bits(self):
        content = "Subject: Größe\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n日本\r\n.\r\n".encode()
        with Sink(answers={"RCPT": lambda a: "550 5.7.1 no"}) as sink, Mailroot(relay(sink.port)) as server:
            ask(server, content, {"a@example.net": []}, mail=["RET=FULL", "BODY=8BITMIME"])
            notice = notices(server)[0]
            self.assertEqual(notice.returned().get_content_type(), "message/rfc822")
            self.assertTrue(b"\r\n" + content + b"\r\n--=_" in notice.content)
            self.assertEqual(notice.mail["Subject"], "Undelivered: Größe")
            self.assertIn("Subject: Größe", notice.text)
            ask(server, content, {"b@example.net": []}, mail=["RET=HDRS", "BODY=8BITMIME"])
            notice = notices(server, 2)[1]
            self.assertTrue(notice.content.isascii())
            headers = notice.returned().get_payload(decode=True).decode()
            self.assertIn("Subject: Größe", headers)
            self.assertNotIn("日本", headers)

    def test_not_announced_not_taken(self):
        with Mailroot("without dsn") as server, Wire(server) as wire:
            wire.reply()
            wire.say(b"EHLO c\r\nMAIL FROM:<a@example.com> RET=FULL\r\n")
            self.assertEqual([wire.reply()[0], wire.reply()[0]], [250, 555])
            with server.client() as client:
                client.ehlo()
                self.assertFalse(client.has_extn("dsn"))


class Settings(unittest.TestCase):
    def test_japanese(self):
        with Sink(answers={"RCPT": lambda a: "550 5.2.2 mailbox full"}) as sink, Mailroot(relay(sink.port) + "notice_language ja\npostmaster kanri@example.com") as server:
            ask(server, "Subject: =?UTF-8?B?6KaL56mN?=\r\n\r\n".encode(), {"a@example.net": []})
            notice = notices(server)[0]
            self.assertTrue(notice.content.isascii())
            self.assertEqual(notice.mail["Subject"], "【配信不能】見積")
            self.assertEqual(notice.mail["From"].addresses[0].display_name, "メール配信")
            self.assertEqual(notice.mail["From"].addresses[0].addr_spec, "kanri@example.com")
            self.assertIn("次の宛先には配信できませんでした", notice.text)
            self.assertIn("550 5.2.2 mailbox full", notice.text)
            self.assertIn("メールボックス", notice.text)
            self.assertIn("kanri@example.com", notice.text)
            self.assertEqual(notice.recipients["a@example.net"]["Diagnostic-Code"], "smtp; 550 5.2.2 mailbox full")

    def test_copies(self):
        with Sink(answers={"RCPT": lambda a: "550 no"}) as sink, Mailroot(relay(sink.port) + "messages { ndr_copy_to ops@example.com app@example.com }") as server:
            ask(server, b"Subject: x\r\n\r\n", {"a@example.net": []})
            self.assertEqual(notices(server)[0].rcpts, ["app@example.com", "ops@example.com"])

    def test_reload_changes_the_language(self):
        with Sink(answers={"RCPT": lambda a: "550 no"}) as sink, Mailroot(relay(sink.port)) as server:
            server.write_conf(relay(sink.port) + "notice_language ja")
            server.ctl("reload")
            ask(server, b"Subject: x\r\n\r\n", {"a@example.net": []})
            self.assertEqual(notices(server)[0].mail["Subject"], "【配信不能】 x")


class Ends(unittest.TestCase):
    """Notices do not loop: there is none about a notice, nor about mail of the null sender."""

    def test_null_sender(self):
        with Sink(answers={"RCPT": lambda a: "550 5.1.1 no"}) as sink, Mailroot(relay(sink.port)) as server:
            ask(server, b"Subject: x\r\n\r\n", {"a@example.net": ["NOTIFY=SUCCESS,FAILURE,DELAY"]}, sender="<>")
            reason = wait_for(lambda: server.files("badmail", ".txt"), "the bad mail")[0]
            self.assertIn("550 5.1.1", reason.read_text())
            self.assertEqual(server.files("drop"), [])

    def test_notice_that_cannot_be_delivered(self):
        with Sink(answers={"RCPT": lambda a: "550 5.1.1 no"}) as sink, Mailroot(relay(sink.port) + "messages { ndr_copy_to ops@example.com }") as server:
            ask(server, b"Subject: x\r\n\r\n", {"a@example.net": []}, sender="nobody@example.org")
            bad = wait_for(lambda: server.files("badmail"), "the notice as bad mail")
            self.assertEqual(len(bad), 1)
            self.assertIn("nobody@example.org", Notice(bad[0]).text + bad[0].read_text())
            self.assertEqual(Notice(bad[0]).rcpts, ["nobody@example.org", "ops@example.com"])
            copy = wait_for(lambda: server.files("drop"), "the copy")
            self.assertEqual(len(copy), 1)
            wait_for(lambda: settled(server), "an empty spool")
            self.assertEqual(len(server.files("badmail")), 1)


HOSTILE = [
    "550 5.1.1 no\x00\x1b[2J\x07such user\r",
    "550-5.1.1 first\r\n550 5.1.1 Subject: injected",
    "550 5.1.1 \r",
    "550 " + "x" * 1500,
    "550 --=_boundary--",
    "550 5.1.1 caf\xe9 \xe6\x97\xa5",
    "550 2.0.0 Action: delivered",
    "550 999.999.999 <script>alert(1)</script> %s%n $1 $2",
]


class Hostile(unittest.TestCase):
    def test_replies(self):
        texts = iter(HOSTILE)
        with Sink(answers={"RCPT": lambda a: next(texts)}) as sink, Mailroot(relay(sink.port)) as server:
            for n in range(len(HOSTILE)):
                ask(server, b"Subject: x\r\n\r\n", {f"u{n}@example.net": ["NOTIFY=FAILURE"]})
                found = notices(server, n + 1)
            self.assertEqual(len(found), len(HOSTILE))
            for notice in found:
                self.assertTrue(notice.content.isascii())
                self.assertNotRegex(notice.content, rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
                self.assertEqual(len(notice.recipients), 1)
                (group,) = notice.recipients.values()
                self.assertEqual(group["Action"], "failed")
                self.assertTrue(group["Status"].startswith(("5.", "4.")))
                self.assertNotIn("injected", "".join(notice.mail.values()))

    def test_headers_of_the_message(self):
        content = (b"Subject: a\x1b]0;title\x07\r\n\tfolded =?x?\r\nMessage-ID: <a\x00b>\r\nX: " + b"y" * 900 + b"\r\n" * 3 + b"--=_x\r\n")
        with Sink(answers={"RCPT": lambda a: "550 no"}) as sink, Mailroot(relay(sink.port)) as server:
            ask(server, content, {"u@example.net": []})
            notice = notices(server)[0]
            self.assertNotRegex(notice.content, rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
            self.assertEqual(notice.mail["In-Reply-To"], None)


class Many(unittest.TestCase):
    def test_a_thousand_with_mixed_outcomes(self):
        """One notice for failures, one for delays, none for deliveries; no recipient in two of them."""
        def answer(argument):
            number = int(re.search(r"u(\d+)@", argument)[1])
            return {0: f"550 5.1.1 number {number % 40} is unknown", 1: "451 4.2.1 later", 2: "552 5.2.2 full"}.get(number % 5)
        names = [f"u{n}@example.net" for n in range(1000)]
        with Sink(answers={"RCPT": answer}) as sink, Mailroot(relay(sink.port) + "messages { max_recipients 1000 }") as server:
            ask(server, b"Subject: to all\r\n\r\n", {name: ["NOTIFY=SUCCESS,FAILURE,DELAY"] if n % 5 == 4 else [] for n, name in enumerate(names)})
            wait_for(lambda: settled(server), "all to be settled", 60)
            told = {}
            found = notices(server)
            for notice in found:
                for address, group in notice.recipients.items():
                    told.setdefault(address, []).append(group["Action"])
            for n, name in enumerate(names):
                expected = {0: ["failed"], 1: ["delayed", "failed"], 2: ["failed"], 3: None, 4: ["relayed"]}[n % 5]
                self.assertEqual(sorted(told.get(name, [])) or None, expected, name)
            self.assertEqual(len(found), 3)
            self.assertLess(max(len(notice.content) for notice in found), 1 << 20)


class Interrupted(unittest.TestCase):
    """kill -9 of the processes that write notices, at random: always a notice, and never two that differ."""

    def test_exactly_one_notice(self):
        with Sink(answers={"RCPT": lambda a: "550 5.1.1 no"}) as sink, Mailroot(relay(sink.port)) as server:
            for n in range(12):
                ask(server, f"Subject: number {n}\r\n\r\n".encode(), {"a@example.net": [], "b@example.net": []})
                role = ("local", "queue")[n % 2]
                for pid in server.descendants():
                    with contextlib.suppress(OSError):
                        if harness.role_of(pid) == role:
                            os.kill(pid, signal.SIGKILL)
                wait_for(lambda: server.client().noop()[0] == 250, "the service to answer")
            wait_for(lambda: settled(server), "an empty spool", 90)
            by_subject = {}
            for notice in notices(server, 12):
                by_subject.setdefault(notice.mail["Subject"], set()).add(notice.content)
                self.assertEqual(set(notice.recipients), {"a@example.net", "b@example.net"})
            self.assertEqual(set(by_subject), {f"Undelivered: number {n}" for n in range(12)})
            for subject, contents in by_subject.items():
                self.assertEqual(len(contents), 1, subject)


if __name__ == "__main__":
    harness.main()
