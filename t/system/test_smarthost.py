"""A smart host that is down, slow, partly dead or refuses."""
import os
import threading
import unittest

import harness
from harness import Mailroot, Sink

RETRY = "delivery { retry 1s 1s 2s; expire 1h }"


class SmartHostTrouble(unittest.TestCase):
    def test_down_for_a_while(self):
        port = harness.free_port()
        with Mailroot(f"smart_host [127.0.0.1]:{port}\n{RETRY}") as server:
            for _ in range(5):
                server.send(["user@example.net"])
            harness.wait_for(lambda: len(server.files("cur")) == 5, "five messages waiting")
            listing = harness.wait_for(lambda: (lambda text: text if text.count("onnection refused") >= 5 else None)(server.ctl("queue", "list").stdout),
                                       "queue list to say why")
            self.assertIn(f"127.0.0.1", listing)
            with Sink(port) as sink:
                sink.wait(5)
                harness.wait_for(lambda: not server.files("cur", "") and not server.files("new", ""), "an empty spool")
                self.assertEqual(len(sink.messages), 5)

    def test_first_host_dead_second_takes_over(self):
        with Sink() as sink, Mailroot(f"smart_host [127.0.0.1]:{harness.free_port()} [127.0.0.1]:{sink.port}\n{RETRY}") as server:
            server.send(["user@example.net"])
            sink.wait(1)
            self.assertEqual(server.files("cur", ""), [])

    def test_first_host_greets_with_554(self):
        with Sink(answers={"greeting": lambda _: "554 5.3.2 closed"}) as first, Sink() as second:
            with Mailroot(f"smart_host [127.0.0.1]:{first.port} [127.0.0.1]:{second.port}\n{RETRY}") as server:
                server.send(["user@example.net"])
                second.wait(1)

    def test_mixed_recipients(self):
        verdicts = {"no": "550 5.1.1 no such user here", "later": "451 4.2.0 come back"}
        later = dict(verdicts)

        def rcpt(argument):
            return next((reply for word, reply in later.items() if word + "@" in argument), None)

        with Sink(answers={"RCPT": rcpt}) as sink, Mailroot(f"smart_host [127.0.0.1]:{sink.port}\n{RETRY}") as server:
            server.send(["yes@example.net", "no@example.net", "later@example.net"])
            sink.wait(1)
            self.assertEqual(sink.messages[0][1], ["<yes@example.net>"])
            del later["later"]
            sink.wait(2)
            self.assertEqual(sink.messages[1][1], ["<later@example.net>"])
            notice = harness.Message(server.dropped()[0])  # to app@example.com, in our own domain
            self.assertEqual((notice.sender, notice.rcpts), ("<>", ["app@example.com"]))
            self.assertIn(b"no@example.net", notice.content)
            self.assertIn(b"no such user here", notice.content)
            self.assertNotIn(b"later@example.net", notice.content)
            harness.wait_for(lambda: not server.files("cur", ""), "an empty cur/")
            self.assertEqual(len(sink.messages), 2)

    def test_master_killed_while_a_message_is_sent(self):
        """Mail that the smart host accepts after the death of master is recorded by the other processes, and not sent again."""
        in_hand, answer = threading.Event(), threading.Event()

        def dot(_):
            in_hand.set()
            answer.wait(20)

        with Sink(answers={"dot": dot}) as sink, Mailroot(f"smart_host [127.0.0.1]:{sink.port}\n{RETRY}") as server:
            server.send(["user@example.net"])
            self.assertTrue(in_hand.wait(20))
            left = server.descendants()
            server.process.kill()
            server.process.wait()
            server.start(wait=False)
            answer.set()
            harness.wait_for(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in left), "the old processes to finish")
            harness.wait_for(lambda: not server.files("cur", "") and not server.files("new", ""), "an empty spool")
            server.send(["last@example.net"])
            harness.wait_for(lambda: any("last" in rcpts[0] for _, rcpts, _ in sink.messages), "the last message")
            self.assertEqual([rcpts for _, rcpts, _ in sink.messages], [["<user@example.net>"], ["<last@example.net>"]])

    def test_expiry_gives_a_notice(self):
        with Mailroot(f"smart_host [127.0.0.1]:{harness.free_port()}\ndelivery {{ retry 1s; expire 3s }}") as server:
            server.send(["user@example.net"])
            notice = harness.Message(server.dropped()[0])
            self.assertIn(b"user@example.net", notice.content)
            harness.wait_for(lambda: not server.files("cur", "") and not server.files("new", ""), "an empty spool")

    def test_notice_that_cannot_be_delivered_becomes_bad_mail(self):
        with Sink(answers={"RCPT": lambda _: "550 5.1.1 nobody"}) as sink, Mailroot(f"smart_host [127.0.0.1]:{sink.port}\n{RETRY}") as server:
            server.send(["user@example.net"], sender="outside@example.org")
            harness.wait_for(lambda: server.files("badmail", ".eml"), "bad mail")
            self.assertEqual(len(server.files("badmail", ".txt")), 1)
            harness.wait_for(lambda: not server.files("cur", "") and not server.files("new", ""), "an empty spool")

    def test_queue_tools(self):
        with Mailroot(f"smart_host [127.0.0.1]:{harness.free_port()}") as server:
            server.send(["user@example.net"])
            harness.wait_for(lambda: server.files("cur", ".log"), "a waiting message")
            rows = harness.wait_for(lambda: server.ctl_json("queue", "list"), "a row")
            row = (rows.get("messages") or rows.get("rows")) if isinstance(rows, dict) else rows
            self.assertEqual(len(row), 1)
            ident = row[0]["id"]
            shown = server.ctl("queue", "show", ident).stdout
            self.assertIn("user@example.net", shown)
            self.assertIn("efused", shown)
            self.assertNotEqual(server.ctl("queue", "delete", check=False).returncode, 0)
            server.ctl("queue", "retry", ident, "--yes")
            server.ctl("queue", "delete", ident, "--yes")
            harness.wait_for(lambda: not server.files("cur", ""), "an empty cur/")

    def test_weights(self):
        """Connections are shared by weight; a host without weight is used when the others are down."""
        with Sink() as heavy, Sink() as light, Sink() as spare:
            hosts = f"[127.0.0.1]:{heavy.port} weight 30 [127.0.0.1]:{light.port} weight 10 [127.0.0.1]:{spare.port}"
            with Mailroot(f"smart_host {hosts}\nmessages {{ max_messages_per_connection 1 }}\n{RETRY}") as server:
                for _ in range(120):
                    server.send(["user@example.net"])
                harness.wait_for(lambda: len(heavy.messages) + len(light.messages) == 120, "all at the two")
                self.assertGreater(len(heavy.messages), 60)  # 90, plus or minus 5: these bounds are six times as wide
                self.assertGreater(len(light.messages), 2)
                heavy.close()
                light.close()
                server.send(["user@example.net"])
                spare.wait(1)

    def test_connections_refused_are_fewer_connections(self):
        """A host with room for three connections, which the service does not know: all mail is delivered, and the host seldom refuses."""
        open_now, refused, lock = [0], [0], threading.Lock()

        class Small(Sink):
            def _session(self, connection, lines):
                with lock:
                    open_now[0] += 1
                    too_many = open_now[0] > 3
                    refused[0] += too_many
                try:
                    if too_many:
                        connection.sendall(b"421 4.7.0 too many connections\r\n")
                    else:
                        super()._session(connection, lines)
                finally:
                    with lock:
                        open_now[0] -= 1

        with Small() as sink, Mailroot(f"smart_host [127.0.0.1]:{sink.port}\n{RETRY}") as server:
            with server.client() as client:
                for number in range(300):
                    if number % 20 == 0 and number:
                        client.quit()
                        client.connect("127.0.0.1", server.port)
                    client.sendmail("app@example.com", ["user@example.net"], b"Subject: x\r\n\r\nx\r\n")
            sink.wait(300, seconds=60)
            harness.wait_for(lambda: not server.files("cur", "") and not server.files("new", ""), "an empty spool")
            self.assertEqual(len(sink.messages), 300)
            self.assertLess(refused[0], 150)

    def test_waiting_mail_follows_a_reload(self):
        """Another smart host, route or connector: at once for messages that it concerns, with their history; no effect on others."""
        hour = "delivery { retry 1h; expire 2d }"

        def conf(smart, route, connector):
            return (f"smart_host [127.0.0.1]:{smart}\n{hour}\nremote_domain routed.test {{ route [127.0.0.1]:{route} }}\n"
                    f"connector some {{ address_space connected.test; route [127.0.0.1]:{connector} }}")

        dead = [harness.free_port() for _ in range(3)]
        with Sink() as sink, Mailroot(conf(*dead)) as server:
            domains = ["example.net", "routed.test", "connected.test"]
            for domain in domains:
                server.send([f"user@{domain}"])
            harness.wait_for(lambda: len(server.files("cur", ".log")) == 3, "three messages waiting")
            ids = {row["first_open"].partition("@")[2]: row["id"] for row in self.rows(server)}
            for number, domain in enumerate(domains):
                dead[number] = sink.port
                server.write_conf(conf(*dead))
                journal = server.server_folder() / "cur" / f"{ids[domain]}.log"
                before = journal.read_text()
                self.assertIn("refused", before)
                server.ctl("reload")
                sink.wait(number + 1)
                self.assertIn(domain, sink.messages[number][1][0])
                harness.wait_for(lambda: len(self.rows(server)) == 2 - number, "the others alone")
                self.assertEqual(server.log().count(f"id={ids[domain]} "), 3)  # accepted, refused once, delivered
            self.assertEqual(len(sink.messages), 3)

    @staticmethod
    def rows(server):
        return server.ctl_json("queue", "list")["messages"]


if __name__ == "__main__":
    harness.main()
