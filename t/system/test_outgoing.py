"""Our names for other hosts: the sender, the source address, the name in EHLO; and mail loops."""
import unittest

import harness
from harness import Mailroot, Message, Sink, wait_for


class Names:
    """Answers for a Sink: `heard` has the arguments of EHLO and HELO."""

    def __init__(self):
        self.heard = []

    def __call__(self, argument):
        self.heard.append(argument)


class Masquerade(unittest.TestCase):
    CONF = "smart_host [127.0.0.1]:{port}; masquerade_domain example.net; local_domain sales.example.com; alias_domain alias.test"

    def test_only_own_domains_and_no_header(self):
        with Sink() as sink, Mailroot(self.CONF.format(port=sink.port)) as server:
            text = b"From: app@example.com\r\nSender: app@sales.example.com\r\nSubject: x\r\n\r\nfrom app@example.com\r\n"
            senders = {"app@example.com": "app@example.net", "b@sales.example.com": "b@example.net", "c@alias.test": "c@example.net",
                       '"d d"@EXAMPLE.com': '"d d"@example.net', "e@partner.test": "e@partner.test", "": ""}
            for n, sender in enumerate(senders, 1):
                server.send([f"r{n}@other.test"], text=text, sender=sender)
                sink.wait(n)
            self.assertEqual([sender.split(">")[0][1:] for sender, _, _ in sink.messages], list(senders.values()))
            for _, _, body in sink.messages:
                self.assertTrue(body.endswith(text), body)

    def test_drop_folders_and_notices_know_the_sender(self):
        refuse = {"RCPT": lambda argument: "550 5.1.1 nobody here" if "gone" in argument else None}
        with Sink(answers=refuse) as sink, Mailroot(self.CONF.format(port=sink.port)) as server:
            server.send(["a@example.com", "gone@other.test"], sender="boss@sales.example.com")
            files = [Message(path) for path in server.dropped(2)]
            copy = next(m for m in files if m.rcpts == ["a@example.com"])
            notice = next(m for m in files if m.rcpts != ["a@example.com"])
            self.assertEqual(copy.sender, "boss@sales.example.com")
            self.assertEqual(notice.rcpts, ["boss@sales.example.com"])

    def test_a_reload_acts_on_waiting_mail(self):
        down = []
        with Sink(answers={"RCPT": lambda _: None if down else "451 4.3.0 not now"}) as sink:
            way = f"smart_host [127.0.0.1]:{sink.port}; delivery {{ retry 1s }}\n"
            with Mailroot(way) as server:
                server.send(["a@other.test"])
                wait_for(lambda: "status=delayed" in server.log(), "the first attempt")
                server.write_conf(way + "masquerade_domain example.net")
                server.ctl("reload")
                down.append(True)
                self.assertIn("app@example.net", sink.wait(1)[0][0])


class Connections(unittest.TestCase):
    def test_name_and_address_by_server_domain_and_connector(self):
        names = Names()
        with Sink(answers={"EHLO": names, "HELO": names}) as sink:
            with Mailroot(f"""
                    outbound {{ helo_name all.example.com; source_address 127.0.0.10 ::1 }}
                    smart_host [127.0.0.1]:{sink.port}
                    remote_domain a.test {{ outbound {{ helo_name a.example.com }} }}
                    remote_domain b.test {{ outbound {{ source_address 127.0.0.11; use_helo yes }} }}
                    remote_domain none.test {{ outbound {{ source_address none }} }}
                    connector c {{ address_space *.net; route [127.0.0.1]:{sink.port}; outbound {{ source_address 127.0.0.12 }} }}
                    """) as server:
                expected = []
                for rcpt, peer, name in (("x.test", "127.0.0.10", "all.example.com"), ("a.test", "127.0.0.10", "a.example.com"),
                                         ("b.test", "127.0.0.11", "all.example.com"), ("none.test", "127.0.0.1", "all.example.com"),
                                         ("x.net", "127.0.0.12", "all.example.com")):
                    server.send([f"u@{rcpt}"])
                    expected.append((peer, name))
                    sink.wait(len(expected))
                self.assertEqual(list(zip(sink.peers, names.heard)), expected)

    def test_a_reload_is_obeyed_by_kept_connections(self):
        names = Names()
        with Sink(answers={"EHLO": names}) as sink, Mailroot(f"smart_host [127.0.0.1]:{sink.port}") as server:
            server.send(["a@x.test"])
            sink.wait(1)
            server.write_conf(f"smart_host [127.0.0.1]:{sink.port}; outbound {{ source_address 127.0.0.9; helo_name new.example.com }}")
            server.ctl("reload")
            server.send(["b@x.test"])
            sink.wait(2)
            self.assertEqual((sink.peers, names.heard), (["127.0.0.1", "127.0.0.9"], ["mail.example.com", "new.example.com"]))

    def test_a_foreign_source_address_is_named(self):
        with Sink() as sink:
            way = f"smart_host [127.0.0.1]:{sink.port}\n"
            with Mailroot(way + "outbound { source_address 192.0.2.77 }; delivery { retry 1h }") as server:
                server.send(["a@x.test"])
                wait_for(lambda: "from source_address 192.0.2.77: Cannot assign requested address" in server.log(), "the reason")
                self.assertEqual(sink.peers, [])
                server.write_conf(way + "delivery { retry 1h }")
                server.ctl("reload")
                sink.wait(1)


class Hops(unittest.TestCase):
    def test_two_servers_that_send_to_each_other(self):
        """Neither has the domain: the message loops until it has too many Received fields, and the sender gets a notice."""
        with Mailroot() as a, Mailroot() as b:
            for server, other in ((a, b), (b, a)):
                server.write_conf(f"smart_host [127.0.0.1]:{other.port}; delivery {{ max_hops 5 }}; relay {{ list 127.0.0.1 }}")
                server.ctl("reload")
            a.send(["lost@nowhere.test"])
            notice = wait_for(lambda: a.files("drop") or b.files("drop"), "the notice")
            text = Message(notice[0]).content
            self.assertIn(b"5.4.6", text)
            self.assertIn(b"Hop count exceeded, possible mail loop", text)
            self.assertIn(b"lost@nowhere.test", text)
            wait_for(lambda: not any(s.files(f, "") for s in (a, b) for f in ("new", "cur")), "an empty spool")
            self.assertEqual(sum("status=delivered" in line and "lost@" in line for line in (a.log() + b.log()).splitlines()), 5)

    def test_the_bound(self):
        received = b"Received: from x by y; Sat, 21 Nov 2026 10:00:00 +0000\r\n"
        with Mailroot("delivery { max_hops 3 }") as server:
            server.send(["a@example.com"], text=3 * received + b"Subject: x\r\n\r\n" + 9 * received)
            with self.assertRaises(harness.smtplib.SMTPDataError) as refused:
                server.send(["a@example.com"], text=4 * received + b"Subject: x\r\n\r\n")
            self.assertEqual(refused.exception.smtp_code, 554)
            server.dropped(1)


if __name__ == "__main__":
    harness.main()
