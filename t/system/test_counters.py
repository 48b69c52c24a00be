#!/usr/bin/env python3
"""Counters: each event counts once, in the counter that its name promises, and nothing else changes."""
import os
import signal
import smtplib
import subprocess
import threading
import unittest

import harness
import milter
from auth_service import ALL, USERS, Service, b64, plain
from counted import Difference, counted, find
from harness import Mailroot, Sink, Wire, free_port, wait_for
from test_connect import NameServer, SERVFAIL, SILENT
from test_connect import Service as Lookups
from test_dnsbl import LISTS, Lists, entry

TEXT = b"Subject: test\r\n\r\nhello\r\n"
SESSION = {"connections": {"in": 1}}


def received(n=1, rcpts=1, door="smtp", octets=len(TEXT)):
    return {"messages_received": {door: n}, "recipients_received": {door: rcpts}, "message_octets_received": {door: octets * n}}


def stored(server, folder="drop"):
    return sum(path.stat().st_size for path in server.files(folder))


class Accepted(unittest.TestCase):
    def test_a_drop(self):
        with Mailroot() as server:
            change = Difference(server)
            server.send(["sales@example.com", "info@example.com"])
            server.dropped()
            size = stored(server)
            change.expect(self, **SESSION, **received(rcpts=2), delivered={"drop": 2}, directory_drops=1, directory_drop_octets=size)
            seen = change.all()
            self.assertEqual(seen["mailroot_message_seconds"], 1)
            self.assertGreater(seen[find("connection_octets", "in,received")], len(TEXT))
            self.assertGreater(seen[find("connection_octets", "in,sent")], 100)
            self.assertGreater(size, len(TEXT))

    def test_how_long_it_takes(self):
        with Mailroot() as server:
            change = Difference(server)
            for _ in range(10):
                server.send(["sales@example.com"])
            wait_for(lambda: change.all().get("mailroot_message_seconds") == 10, "ten messages")
            self.assertLess(change.all().get("mailroot_message_seconds sum", 0), 3000, "ms, and not whole seconds")

    def test_many_at_once(self):
        with Mailroot("processes { max 20 }") as server:
            change = Difference(server)

            def work():
                with server.client() as client:
                    for _ in range(25):
                        client.sendmail("app@example.com", ["sales@example.com", "info@example.com"], TEXT)

            threads = [threading.Thread(target=work) for _ in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            server.dropped(200)
            change.expect(self, connections={"in": 8}, **received(200, 400), delivered={"drop": 400}, directory_drops=200,
                          directory_drop_octets=stored(server))
            self.assertEqual(change.all()["mailroot_message_seconds"], 200)

    def test_copies_by_a_worker(self):
        with Mailroot("local_domain one.test { drop_dir %s/one }\nlocal_domain two.test { drop_dir %s/two }" % (("/tmp/none",) * 2)) as server:
            for name in ("one", "two"):
                (server.folder / name).mkdir(mode=0o777)
                (server.folder / name).chmod(0o777)
            server.conf.write_text(server.conf.read_text().replace("/tmp/none", str(server.folder)))
            server.ctl("reload")
            change = Difference(server)
            server.send(["a@one.test", "b@two.test"])
            server.dropped(folder=str(server.folder / "one"))
            server.dropped(folder=str(server.folder / "two"))
            wait_for(lambda: change.all().get("mailroot_message_seconds") == 1, "the end of the message")
            seen = change.now()
            self.assertEqual((seen[find("delivered", "drop")], seen[find("directory_drops")]), (2, 2))

    def test_the_relay(self):
        with Sink() as sink, Mailroot(f"smart_host [127.0.0.1]:{sink.port}") as server:
            change = Difference(server)
            server.send(["a@far.test", "b@far.test"])
            sink.wait(1)
            change.expect(self, connections={"in": 1, "out": 1}, **received(rcpts=2), delivered={"relay": 2}, messages_sent=1,
                          message_octets_sent=len(sink.messages[0][2]))
            octets = wait_for(lambda: change.all().get(find("connection_octets", "out,sent")), "the end of the connection")
            self.assertGreater(octets, len(sink.messages[0][2]))

    def test_pickup_and_sendmail(self):
        with Mailroot("delivery { max_hops 3 }") as server:
            change = Difference(server)

            def put(octets):
                hidden = server.server_folder() / "pickup/.hidden"
                hidden.write_bytes(octets)
                os.rename(hidden, server.server_folder() / "pickup/one.eml")

            put(b"x-sender: app@example.com\r\nx-receiver: sales@example.com\r\n" + TEXT)
            server.dropped()
            subprocess.run([harness.BUILD / "sendmail", "-C", str(server.conf), "-f", "app@example.com", "info@example.com"], input=TEXT, check=True)
            server.dropped(2)
            wait_for(lambda: change.all().get(find("recipients_received", "sendmail")), "the last thing that pickup counts")
            seen = change.now()
            size = stored(server)
            octets = {door: seen[find("message_octets_received", door)] for door in ("pickup", "sendmail")}
            self.assertEqual(min(octets.values()) >= len(TEXT), True, octets)
            change.expect(self, messages_received={"pickup": 1, "sendmail": 1}, recipients_received={"pickup": 1, "sendmail": 1},
                          message_octets_received=octets, delivered={"drop": 2}, directory_drops=2, directory_drop_octets=size)
            for n, bad in enumerate((b"From: app@example.com\r\n" + TEXT,
                                     b"x-sender: a@example.com\r\nx-receiver: b@example.com\r\n" + 4 * b"Received: from x\r\n" + TEXT,
                                     b"x-sender: <<<\r\nx-receiver: b@example.com\r\n" + TEXT)):
                put(bad)
                wait_for(lambda n=n: len(server.files("badmail")) > n, "bad mail")
            seen = change.now()
            self.assertEqual({name: n for name, n in seen.items() if "badmail" in name},
                             {find("badmail", reason): 1 for reason in ("no_recipients", "hop_count_exceeded", "bad_pickup_file")})


class Refused(unittest.TestCase):
    def test_each_reason(self):
        cases = [("relay", b"RCPT TO:<user@far.test>\r\n"), ("syntax", b"FROB\r\n"), ("size", None), ("hops", None), ("bare_newline", None)]
        with Mailroot("relay { list none }\nmessages { max_message_size 64k }\ndelivery { max_hops 2 }") as server:
            for reason, line in cases:
                change = Difference(server)
                with server.client() as client:
                    client.ehlo()
                    if reason == "size":
                        self.assertEqual(client.docmd("MAIL FROM:<a@example.com> SIZE=70000")[0], 552)
                    elif reason == "hops":
                        with self.assertRaises(smtplib.SMTPDataError):
                            client.sendmail("a@example.com", ["b@example.com"], 3 * b"Received: from x\r\n" + TEXT)
                    elif reason == "bare_newline":
                        client.mail("a@example.com")
                        client.rcpt("b@example.com")
                        client.putcmd("DATA")
                        client.getreply()
                        client.sock.sendall(b"Subject: x\r\n\r\none\ntwo\r\n.\r\n")
                        self.assertEqual(client.getreply()[0], 550)
                    else:
                        client.mail("a@example.com")
                        client.send(line)
                        self.assertGreaterEqual(client.getreply()[0], 500)
                with self.subTest(reason):
                    change.expect(self, **SESSION, refused={reason: 1})

    def test_clients_that_may_not_connect_or_must_authenticate(self):
        with Mailroot("connect { allow only-listed; list 192.0.2.1 }") as server:
            change = Difference(server)
            with self.assertRaises(smtplib.SMTPConnectError):
                server.client()
            change.expect(self, **SESSION, refused={"access": 1})
        with Mailroot("access { anonymous no; auth login; auth_requires_tls no }") as server:
            change = Difference(server)
            with server.client() as client:
                client.ehlo()
                self.assertEqual(client.docmd("MAIL FROM:<a@example.com>")[0], 530)
            change.expect(self, **SESSION, refused={"auth": 1})

    def test_a_client_that_leaves(self):
        with Mailroot() as server:
            change = Difference(server)
            with Wire(server) as wire:
                wire.reply()
            change.expect(self, **SESSION, connection_errors={"in,lost": 1})

    def test_a_paused_server(self):
        with Mailroot() as server:
            server.ctl("server", "pause", "test")
            change = Difference(server)
            with self.assertRaises(smtplib.SMTPConnectError):
                server.client()
            change.expect(self, **SESSION, refused={"stopping": 1})


class Authenticated(unittest.TestCase):
    def test_mechanisms_results_and_versions(self):
        with Service(ALL) as server:
            change = Difference(server)
            with server.client() as client:
                client.starttls(context=server.context())
                client.ehlo()
                self.assertEqual(client.docmd("AUTH", "PLAIN " + plain("alice", USERS["alice"]).decode())[0], 235)
            with server.client() as client:
                client.ehlo()
                self.assertEqual(client.docmd("AUTH", "PLAIN " + plain("alice", "wrong").decode())[0], 535)
                self.assertEqual(client.docmd("AUTH", "PLAIN " + plain("alice", USERS["alice"]).decode())[0], 235)
            with server.client() as client:
                client.ehlo()
                client.docmd("AUTH", "LOGIN " + b64("alice").decode())
                self.assertEqual(client.docmd("*")[0], 501)
            change.expect(self, connections={"in": 3}, auth={"PLAIN,failed": 1, "PLAIN,ok": 2, "LOGIN,failed": 1},
                          tls_handshakes={"in,TLSv1.3": 1}, refused={"auth": 2})
            self.assertEqual(change.all()['mailroot_tls_handshake_seconds{direction="in"}'], 1)

    def test_a_handshake_that_fails(self):
        with Service(ALL) as server:
            change = Difference(server)
            with Wire(server) as wire:
                wire.reply()
                wire.say(b"EHLO x\r\n")
                wire.reply()
                wire.say(b"STARTTLS\r\n")
                wire.reply()
                wire.say(b"no handshake at all, but many octets\r\n")
                wait_for(lambda: change.now().get(find("tls_failures", "in")), "the failure")
            change.expect(self, **SESSION, tls_failures={"in": 1})


class Filtered(unittest.TestCase):
    def test_actions(self):
        answers = {"edit": [milter.add_header("X-Spam", "no"), milter.CONTINUE], "reject": milter.REJECT, "tempfail": milter.TEMPFAIL,
                   "discard": milter.DISCARD, "accept": milter.CONTINUE}
        for action, answer in answers.items():
            with milter.Milter({milter.EOM: answer}) as spam, Mailroot(spam.block("spam")) as server, self.subTest(action):
                change = Difference(server)
                try:
                    server.send(["b@example.com"])
                except smtplib.SMTPException:
                    pass
                wait_for(lambda: change.now().get(find("filter_actions", action)), action)
                seen = change.now()
                self.assertEqual([n for name, n in seen.items() if "filter_actions" in name], [1], seen)
                self.assertEqual(seen.get(find("refused", "filter"), 0), int(action in ("reject", "tempfail")))
                self.assertEqual(change.all()["mailroot_filter_seconds"], 1)


class NotDelivered(unittest.TestCase):
    def test_nobody_listens(self):
        with Mailroot(f"smart_host [127.0.0.1]:{free_port()}\ndelivery {{ retry 4h }}") as server:
            change = Difference(server)
            server.send(["a@far.test", "b@far.test"])
            change.expect(self, **SESSION, **received(rcpts=2), connection_errors={"out,refused": 1}, deferred={"connection": 2})

    def test_a_host_that_delays_and_a_retry(self):
        later = True
        with Sink(answers={"RCPT": lambda _: "451 4.7.1 later" if later else None}) as sink:
            with Mailroot(f"smart_host [127.0.0.1]:{sink.port}\ndelivery {{ retry 4h }}") as server:
                change = Difference(server)
                server.send(["a@far.test"])
                change.expect(self, connections={"in": 1, "out": 1}, **received(), deferred={"host": 1})
                later = False
                change = Difference(server)
                wait_for(lambda: server.ctl_json("queue", "list")["messages"], "the message")
                server.ctl("queue", "retry", "--all", "--yes")
                sink.wait(1)
                wait_for(lambda: change.all().get("mailroot_message_seconds"), "the end of the message")
                seen = change.now()
                self.assertEqual((seen[find("retries", "relay")], seen[find("delivered", "relay")], seen[find("messages_sent")]), (1, 1, 1), seen)

    def test_a_bounce_and_its_notice(self):
        with Sink(answers={"RCPT": lambda _: "550 5.1.1 nobody here"}) as sink:
            with Mailroot(f"smart_host [127.0.0.1]:{sink.port}\ndelivery {{ retry 4h }}") as server:
                change = Difference(server)
                server.send(["a@far.test"])
                server.dropped()
                wait_for(lambda: change.all().get("mailroot_message_seconds") == 2, "the end of the message and of the notice")
                size = stored(server)
                change.expect(self, connections={"in": 1, "out": 1}, **received(), bounced={"recipient": 1}, notices={"failure": 1},
                              delivered={"drop": 1}, directory_drops=1, directory_drop_octets=size)

    def test_mail_without_a_sender_becomes_bad(self):
        with Sink(answers={"RCPT": lambda _: "552 5.3.4 too big"}) as sink:
            with Mailroot(f"smart_host [127.0.0.1]:{sink.port}\ndelivery {{ retry 4h }}") as server:
                change = Difference(server)
                server.send(["a@far.test"], sender="")
                change.expect(self, connections={"in": 1, "out": 1}, **received(), bounced={"size": 1}, badmail={"ndr_of_dsn": 1})

    def test_an_operator(self):
        with Mailroot(f"smart_host [127.0.0.1]:{free_port()}\ndelivery {{ retry 4h }}") as server:
            server.send(["a@far.test"], sender="")
            wait_for(lambda: counted(server)[find("deferred", "connection")], "the first attempt")
            change = Difference(server)
            server.ctl("queue", "bounce", "--all", "--yes")
            change.expect(self, bounced={"operator": 1}, badmail={"ndr_of_dsn": 1})


class Elsewhere(unittest.TestCase):
    def test_lists_and_look_ups(self):
        with Lists(entry(5, "bl.test"), {"silent.test": SILENT}) as names:
            with Lookups(LISTS.format(more=""), global_conf=f"dns_server 127.0.0.1:{names.port}") as server:
                change = Difference(server)
                with server.session(5) as client:
                    self.assertTrue(client.rcpt("sales@example.com").startswith("550"))
                with server.session(6) as client:
                    self.assertTrue(client.rcpt("sales@example.com").startswith("250"))
                change.expect(self, connections={"in": 2}, connection_errors={"in,lost": 2}, dnsbl={"refused": 1, "passed": 1}, refused={"dnsbl": 1})
                self.assertGreaterEqual(change.all()[find("dns_queries")], 2)
                self.assertEqual(change.all().get(find("dns_failures"), 0), 0)

    def test_a_name_server_that_fails(self):
        with NameServer({"broken.test": SERVFAIL, "closed.test": {}}) as names:
            with Mailroot("delivery { retry 4h }", global_conf=f"dns_server 127.0.0.1:{names.port}") as server:
                change = Difference(server)
                server.send(["a@broken.test"])
                change.expect(self, **SESSION, **received(), deferred={"dns": 1})
                self.assertGreater(change.all()[find("dns_failures")], 0)
                self.assertGreaterEqual(change.all()[find("dns_queries")], change.all()[find("dns_failures")])
                change = Difference(server)
                server.send(["a@gone.test"], sender="")
                change.expect(self, **SESSION, **received(), bounced={"dns": 1}, badmail={"ndr_of_dsn": 1})
                self.assertEqual(change.all().get(find("dns_failures"), 0), 0)

    def test_signatures(self):
        with Sink() as sink, Mailroot() as server:
            key = server.folder / "key.pem"
            subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", key], check=True, capture_output=True)
            key.chmod(0o600)
            server.write_conf(f"smart_host [127.0.0.1]:{sink.port}\ndkim example.com {{ selector s {key} }}")
            server.ctl("reload")
            change = Difference(server)
            for n, text in enumerate((b"From: a@example.com\r\n" + TEXT, b"From: a@example.com\r\nFrom: b@example.com\r\n" + TEXT,
                                      b"From: a@other.test\r\n" + TEXT), 1):
                server.send(["a@far.test"], text)
                sink.wait(n)
                wait_for(lambda n=n: change.all().get("mailroot_message_seconds") == n, "the end of the message")
            seen = change.now()
            self.assertEqual({name: n for name, n in seen.items() if "dkim" in name}, {find("dkim", "signed"): 1, find("dkim_unsigned", "from"): 1})
            self.assertEqual(seen[find("message_octets_sent")], sum(len(message[2]) for message in sink.messages))

    def test_requests_for_mail(self):
        with Mailroot(f"remote_domain branch.test {{ etrn yes; relay yes; route [127.0.0.1]:{free_port()} }}") as server:
            change = Difference(server)
            with server.client() as client:
                client.ehlo()
                self.assertEqual(client.docmd("ETRN", "branch.test")[0], 251)
                self.assertEqual(client.docmd("ETRN", "other.test")[0], 459)
                self.assertEqual(client.docmd("ETRN", "<>")[0], 501)
            change.expect(self, **SESSION, etrn={"etrn": 2}, refused={"etrn": 1, "syntax": 1})

    def test_tokens(self):
        with Mailroot() as server:
            secret = server.folder / "secret"
            secret.write_text("SECRET-OF-THE-APPLICATION\n")
            secret.chmod(0o600)
            server.write_conf(f"""connector tokens {{ address_space tokens.test; route [127.0.0.1]:{free_port()}; outbound {{
                tls verify; auth xoauth2; username u@tokens.test
                oauth {{ token_url https://127.0.0.1:{free_port()}/; client_id c; client_secret_file {secret} }} }} }}""")
            server.ctl("reload")
            wait_for(lambda: counted(server)[find("token_fetches", "failed")] == 1, "a request that fails")
            self.assertEqual(counted(server)[find("token_fetches", "ok")], 0)


class Kept(unittest.TestCase):
    def test_ends_of_processes(self):
        with Mailroot() as server:
            server.send(["sales@example.com"])
            server.dropped()
            wait_for(lambda: counted(server)["mailroot_message_seconds"] == 1, "the end of the message")
            change = Difference(server)
            for role in ("queue", "smtpd", "resolver"):
                pid = server.pids()[role]
                os.kill(pid, signal.SIGKILL)
                wait_for(lambda role=role, pid=pid: server.pids().get(role, pid) != pid, f"another {role}")
            change.expect(self, process_restarts={"queue": 1, "smtpd": 1, "resolver": 1})
            wait_for(lambda: "running" in server.ctl("status", check=False).stdout, "a running server")
            server.send(["sales@example.com"])
            server.dropped(2)
            wait_for(lambda: counted(server)["mailroot_message_seconds"] == 2, "the numbers of new processes in the same page")

    def test_an_upgrade(self):
        with Mailroot() as server:
            server.send(["sales@example.com"])
            server.dropped()
            wait_for(lambda: counted(server)["mailroot_message_seconds"] == 1, "the end of the message")
            server.ctl("upgrade")
            wait_for(lambda: "takes over" in server.log(), "the upgrade")
            server.send(["sales@example.com"])
            server.dropped(2)
            wait_for(lambda: counted(server)["mailroot_message_seconds"] == 2, "the numbers of both versions in one page")
            self.assertEqual(counted(server)[find("messages_received", "smtp")], 2)
            self.assertFalse([name for name, n in counted(server).items() if "restarts" in name and n])


if __name__ == "__main__":
    harness.main()
