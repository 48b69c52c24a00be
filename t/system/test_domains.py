"""Where mail is delivered: default domain, local and alias domains, remote domains by pattern, relay yes."""
import unittest

import harness
from harness import Mailroot, Message, Sink

DOMAINS = """
    relay { list none }
    local_domain sales.example.com
    alias_domain example.org
    alias_domain old.example.org
    remote_domain *.example.net { relay yes ; route [127.0.0.1]:%(wide)d }
    remote_domain *.near.example.net { relay yes ; route [127.0.0.1]:%(near)d }
    remote_domain exact.near.example.net { relay yes ; route [127.0.0.1]:%(exact)d }
    remote_domain closed.near.example.net { route [127.0.0.1]:%(exact)d }
"""


class Local(unittest.TestCase):
    def test_unqualified_addresses_get_the_default_domain(self):
        with Mailroot() as server:
            with server.client() as client:
                client.helo()
                self.assertEqual(client.docmd("MAIL", "FROM:<app>")[1], b"2.1.0 app@example.com....Sender OK")
                self.assertEqual(client.docmd("RCPT", "TO:<sales>"), (250, b"2.1.5 sales@example.com"))
                self.assertEqual(client.data("Subject: x\r\n\r\nhello\r\n")[0], 250)
            message = Message(server.dropped(1)[0])
            self.assertEqual((message.sender, message.rcpts), ("app@example.com", ["sales@example.com"]))

    def test_default_domain_changes_with_a_reload(self):
        with Mailroot() as server, server.client() as client:
            client.helo()
            client.mail("app@example.com")
            self.assertEqual(client.docmd("RCPT", "TO:<a>")[1], b"2.1.5 a@example.com")
            text = server.conf.read_text()
            server.conf.write_text(text.replace("default_domain example.com", "default_domain new.example"))
            said = server.ctl("reload").stdout
            self.assertIn("default_domain new.example (was example.com)", said)
            self.assertEqual(client.docmd("RCPT", "TO:<b>")[1], b"2.1.5 b@new.example")

    def test_null_sender_stays_null(self):
        with Mailroot() as server:
            server.send(["sales@example.com"], sender="")
            self.assertIn(Message(server.dropped(1)[0]).sender, ("", "<>"))

    def test_alias_domains_are_stamped(self):
        with Mailroot("alias_domain example.org ; alias_domain old.example.org ; relay { list none }") as server:
            server.send(["sales@example.org", "Sales@OLD.example.ORG", "other@example.com"])
            message = Message(server.dropped(1)[0])
            self.assertEqual(sorted(message.rcpts), ["Sales@example.com", "other@example.com", "sales@example.com"])
            with server.client() as client:
                client.helo()
                client.mail("a@example.com")
                self.assertEqual(client.rcpt("sales@sub.example.org")[0], 550)

    def test_local_domain_with_a_folder_of_its_own(self):
        folder = harness.scratch()
        folder.chmod(0o777)
        with Mailroot(f"local_domain sales.example.com {{ drop_dir {folder} }}") as server:
            server.send(["a@sales.example.com", "b@sales.example.com"])
            server.send(["c@example.com"])
            self.assertEqual(Message(server.dropped(1, folder)[0]).rcpts, ["a@sales.example.com", "b@sales.example.com"])
            self.assertEqual(Message(server.dropped(1)[0]).rcpts, ["c@example.com"])
            for path in server.files(folder):
                path.unlink()
        folder.rmdir()


class Remote(unittest.TestCase):
    def test_longest_match_decides_route_and_relay(self):
        with Sink() as wide, Sink() as near, Sink() as exact:
            ports = {"wide": wide.port, "near": near.port, "exact": exact.port}
            with Mailroot(DOMAINS % ports) as server:
                for rcpt, sink in (("u@a.example.net", wide), ("u@a.b.example.net", wide), ("u@near.example.net", wide),
                                   ("u@x.near.example.net", near), ("u@x.y.near.example.net", near),
                                   ("u@exact.near.example.net", exact)):
                    with self.subTest(rcpt):
                        before = len(sink.messages)
                        server.send([rcpt])
                        self.assertIn(rcpt, sink.wait(before + 1)[-1][1][0])
                self.assertEqual([len(s.messages) for s in (wide, near, exact)], [3, 2, 1])
                with server.client() as client:
                    client.helo()
                    client.mail("a@example.com")
                    # The pattern matches names below the domain, not the domain itself; the longest match decides, also against relaying.
                    for rcpt in ("u@example.net", "u@xexample.net", "u@closed.near.example.net", "u@example.net.evil.example"):
                        self.assertEqual(client.rcpt(rcpt)[0], 550, rcpt)
                    self.assertEqual(client.rcpt("U@A.EXAMPLE.NET")[0], 250)


if __name__ == "__main__":
    harness.main()
