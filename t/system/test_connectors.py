"""Connectors: the route of a message by domain, size and sender, in deliveries and in `explain route`."""
import base64
import threading
import unittest

import harness
from harness import Mailroot, Sink


class Connectors(unittest.TestCase):
    def test_space_size_and_sender(self):
        with Sink() as net, Sink() as small, Sink() as boss, Sink() as rest:
            ways = f"""
                smart_host [127.0.0.1]:{rest.port}
                connector net {{ address_space *.net cost 5; route [127.0.0.1]:{net.port} }}
                connector small {{ address_space *.net cost 4; route [127.0.0.1]:{small.port}; max_message_size 2K }}
                connector boss {{ route [127.0.0.1]:{boss.port}; senders boss@example.com <> }}
            """
            with Mailroot(ways) as server:
                server.send(["a@x.net"])
                server.send(["b@x.net"], text=b"Subject: large\r\n\r\n" + 100 * (b"x" * 70 + b"\r\n"))
                server.send(["c@example.org"], sender="boss@example.com")
                server.send(["d@example.org", "d@x.net", "d@y.net"])
                small.wait(2)
                net.wait(1)
                boss.wait(1)
                rest.wait(1)
                self.assertEqual(sorted(rcpts for _, rcpts, _ in small.messages), [["<a@x.net>"], ["<d@x.net>", "<d@y.net>"]])
                self.assertEqual([rcpts for _, rcpts, _ in net.messages], [["<b@x.net>"]])
                self.assertEqual([rcpts for _, rcpts, _ in boss.messages], [["<c@example.org>"]])
                self.assertEqual([rcpts for _, rcpts, _ in rest.messages], [["<d@example.org>"]])

    def test_relay_and_reload(self):
        with Sink() as sink, Mailroot("relay { list none }") as server, server.client() as client:
            client.ehlo()
            client.mail("a@example.org")
            self.assertEqual(client.rcpt("user@x.partner.test")[0], 550)
            connector = f"connector partner {{ address_space *.partner.test; route [127.0.0.1]:{sink.port}; relay yes }}"
            server.write_conf("relay { list none }\n" + connector)
            self.assertIn("connector partner added", server.ctl("reload").stdout)
            self.assertEqual(client.rcpt("user@x.partner.test")[0], 250)
            self.assertEqual(client.rcpt("user@partner.test")[0], 550)
            client.data("Subject: test\r\n\r\n")
            sink.wait(1)
            told = server.ctl("explain", "relay", "--client", "192.0.2.1", "--to", "u@x.partner.test").stdout
            self.assertIn("connector partner has relay yes: accepted", told)

    def test_its_user_is_shown_to_its_hosts_alone(self):
        """Two blocks with one host: mail of the connector is sent over a separate connection, with the user of the connector."""
        seen, lock = [], threading.Lock()

        def auth(argument):
            with lock:
                seen.append(base64.b64decode(argument.split()[1]))
            return "235 2.7.0 welcome"

        with Sink(answers={"AUTH": auth}, extensions=("AUTH PLAIN",)) as sink:
            with Mailroot() as server:
                secret = server.folder / "secret"
                secret.write_text("open sesame\n")
                secret.chmod(0o600)
                server.write_conf(f"""
                    smart_host [127.0.0.1]:{sink.port}
                    remote_domain out.net {{ outbound {{ timeout 1m }} }}
                    connector m365 {{
                        address_space *.net
                        address_space out.net
                        route [127.0.0.1]:{sink.port}
                        outbound {{ tls off; auth plain; username scan; password_file {secret}; auth_unverified yes }}
                    }}""")
                server.ctl("reload")
                server.send(["a@example.org"])
                sink.wait(1)
                self.assertEqual(seen, [])
                for n, rcpt in enumerate(("b@x.net", "c@out.net"), 2):
                    server.send([rcpt])
                    sink.wait(n)
                self.assertEqual(set(seen), {b"\0scan\0open sesame"})
                server.send(["d@example.org"])
                sink.wait(4)
                self.assertGreaterEqual(sink.connections, 2)
                self.assertNotIn("sesame", server.log())

    def test_mail_that_waits_follows_a_new_connector(self):
        closed = harness.free_port()
        retry = "delivery { retry 1h }"
        with Sink() as sink, Mailroot(f"connector c {{ route [127.0.0.1]:{closed} }}\n{retry}") as server:
            server.send(["user@example.net"])
            harness.wait_for(lambda: "refused" in server.ctl("queue", "list").stdout, "the message to wait")
            server.write_conf(f"connector c {{ route [127.0.0.1]:{sink.port} }}\n{retry}")
            server.ctl("reload")
            sink.wait(1)


if __name__ == "__main__":
    harness.main()
