"""Aliases: a line of the recipients file leads elsewhere. Every door, real receivers, notices, loops between two hosts."""
import subprocess
import unittest

import certs
import harness
import japanese
import peers
from harness import Mailroot, Message, Sink, wait_for
from postfix import Postfix
from test_notices import Notice, ask, notices, settled

LIST = """ann
bob
sales: ann b@partner.example
boss: ann
team: sales bob
postmaster: ann
far: c@partner.example
loop: pool
pool: loop
"""
EXTENSIONS = ("PIPELINING", "SIZE 50000000", "8BITMIME", "DSN")


class Service(Mailroot):
    """The drop domain example.com with aliases; everything else goes to the smart host at PORT."""

    def __init__(self, port, entries=LIST, server="", delivery="retry 1s; expire 5s"):
        self.entries, self.more, self.delivery = entries, server, delivery
        self.smart = port
        super().__init__()

    def write_conf(self, server="", conf="", global_conf=""):
        self.list = self.folder / "recipients"
        self.list.write_text(self.entries)
        super().write_conf(f"local_domain example.com {{ recipients {self.list} }}\nsmart_host [127.0.0.1]:{self.smart}\n"
                           f"delivery {{ {self.delivery} }}\n{self.more}", conf, global_conf)


def rcpts(message):
    """The addresses of RCPT, without parameters."""
    return [rcpt.split(">")[0].lstrip("<") for rcpt in message[1]]


class Doors(unittest.TestCase):
    def test_smtp(self):
        with Sink() as host, Service(host.port) as server:
            server.send(["team@example.com"])
            self.assertEqual(sorted(Message(server.dropped()[0]).rcpts), ["ann@example.com", "bob@example.com"])
            wait_for(lambda: host.messages, "the message at the smart host")
            self.assertEqual(rcpts(host.messages[0]), ["b@partner.example"])
            self.assertIn("app@example.com", host.messages[0][0])
            self.assertIn(f"alias={server.list}:5", server.log())
            with server.client() as client:
                client.ehlo()
                self.assertEqual(client.verify("sales@example.com")[0], 252)

    def test_a_client_that_may_not_relay_reaches_the_members(self):
        with Sink() as host, Service(host.port, server="relay { list none }") as server:
            with server.client() as client:
                client.ehlo()
                client.mail("a@example.net")
                self.assertEqual(client.rcpt("c@partner.example")[0], 550)
                self.assertEqual(client.rcpt("far@example.com")[0], 250)
                client.data(b"Subject: x\r\n\r\nx\r\n")
            wait_for(lambda: host.messages, "the message at the smart host")
            self.assertEqual(rcpts(host.messages[0]), ["c@partner.example"])

    def test_pickup_and_sendmail(self):
        with Sink() as host, Service(host.port) as server:
            fresh = server.server_folder() / "pickup" / "x.tmp"
            fresh.write_bytes(b"From: a@example.com\r\nTo: Boss@example.com, far\r\nSubject: x\r\n\r\nx\r\n")
            fresh.rename(fresh.with_suffix(".eml"))
            self.assertEqual(Message(server.dropped()[0]).rcpts, ["ann@example.com"])
            wait_for(lambda: len(host.messages) == 1, "the message at the smart host")
            done = subprocess.run([str(harness.BUILD / "sendmail"), "-C", str(server.conf), "-f", "a@example.com", "postmaster", "far"],
                                  input=b"Subject: x\n\nx\n", capture_output=True)
            self.assertEqual(done.returncode, 0, done.stderr)
            server.dropped(2)
            wait_for(lambda: len(host.messages) == 2, "the second message at the smart host")
            self.assertEqual([rcpts(m) for m in host.messages], [["c@partner.example"]] * 2)


class Faults(unittest.TestCase):
    def test_a_loop_is_put_off_and_shown(self):
        with Sink() as host, Service(host.port) as server:
            with server.client() as client:
                client.ehlo()
                client.mail("a@example.net")
                self.assertEqual(client.rcpt("loop@example.com"), (451, b"4.3.5 The alias loop@example.com cannot be expanded, try again later"))
            self.assertIn(f"alias={server.list}:8", server.log())
            attention = " ".join(line["text"] for line in server.ctl_json("status")["servers"][0]["attention"])
            self.assertIn(f"recipients {server.list}, line 8: the alias leads only back to itself", attention)
            said = server.ctl("explain", "relay", "--client", "127.0.0.1", "--to", "loop@example.com", check=False).stdout
            self.assertIn("451 4.3.5", said)
            said = server.ctl("explain", "relay", "--client", "192.0.2.1", "--to", "team@example.com").stdout
            self.assertIn(f"{server.list}:3: alias sales@example.com leads to ann b@partner.example", said)
            self.assertIn("so mail goes to 3 addresses: bob@example.com ann@example.com b@partner.example", said)

    def test_check_names_a_loop(self):
        with Sink() as host, Service(host.port) as server:
            said = " ".join(server.ctl("check").stdout.split())
            self.assertIn(f"warning: recipients {server.list}, line 8: the alias leads only back to itself", said)
            server.list.write_text(LIST.replace("pool: loop", "pool: ann"))
            self.assertNotIn("alias", server.ctl("check").stdout)

    def test_status_in_japanese(self):
        with Sink() as host, Service(host.port) as server:
            said = japanese.ctl(server, "status").stdout.decode()
            self.assertIn(f"recipients {server.list}、8 行目: この別名をたどると自分自身にしか戻りません。", said)
            server.list.write_text("")
            server.ctl("reload")
            said = japanese.ctl(server, "status").stdout.decode()
            self.assertIn(f"recipients {server.list} に宛先がありません", said)
            self.assertIn("以前の一覧が引き続き有効です", said)
            self.assertNotIn("in force", said)

    def test_explain_in_japanese(self):
        with Sink() as host, Service(host.port) as server:
            said = japanese.ctl(server, "explain relay --client 192.0.2.1 --to team@example.com").stdout.decode()
            self.assertIn(f"{server.list}:3: 別名 sales@example.com は ann b@partner.example に送られます\n", said)
            self.assertIn("メールの送り先は 3 件: bob@example.com ann@example.com b@partner.example\n", said)
            said = japanese.ctl(server, "explain relay --client 192.0.2.1 --to loop@example.com").stdout.decode()
            self.assertIn("別名を展開できません (たどると自分自身にしか戻りません): 一時的に拒否\n", said)
            said = japanese.ctl(server, "explain route loop@example.com").stdout.decode()
            self.assertIn("loop@example.com は展開できない別名です", said)
            self.assertIn(": たどると自分自身にしか戻りません\n", said)

    def test_the_routes_of_the_members(self):
        with Sink() as host, Service(host.port) as server:
            said = server.ctl("explain", "route", "team@example.org").stdout
            self.assertNotIn("alias", said)
            said = server.ctl("explain", "route", "Sales").stdout
            self.assertIn(f"Sales is an alias ({server.list}:3); its mail goes to 2 addresses:", said)
            self.assertRegex(said, r"\nann@example.com\nmail goes to .*drop")
            self.assertRegex(said, r"\nb@partner.example\nmail goes to .*127.0.0.1")
            said = server.ctl_json("explain", "route", "team@example.com")
            self.assertEqual((said["kind"], said["at"]), ("alias", f"{server.list}:5"))
            self.assertEqual(said["members"], ["bob@example.com", "ann@example.com", "b@partner.example"])
            done = server.ctl("explain", "route", "loop@example.com", check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn("leads only back to itself", done.stdout)

    def test_two_hosts_that_forward_to_each_other_end_by_the_hop_count(self):
        hosts = [Mailroot(), Mailroot()]
        for host, name, other in zip(hosts, ("one", "two"), reversed(hosts)):
            entries = host.folder / "recipients"
            entries.write_text("ball: ball@two.test\n" if name == "one" else "ball: ball@one.test\n")
            host.write_conf(f"local_domain {name}.test {{ recipients {entries} }}\nsmart_host [127.0.0.1]:{other.port}\n"
                            "delivery { max_hops 12 }")
        with hosts[0], hosts[1]:
            hosts[0].send(["ball@one.test"])
            notice, = wait_for(lambda: hosts[0].files("drop") + hosts[1].files("drop"), "the notice")
            self.assertIn(b"5.4.6 Hop count exceeded", notice.read_bytes())


class Notices(unittest.TestCase):
    def test_success_is_told_by_the_server_that_expands(self):
        with Sink(extensions=EXTENSIONS) as host, Service(host.port) as server:
            ask(server, b"Subject: x\r\n\r\nx\r\n", {"team@example.com": ["NOTIFY=SUCCESS,FAILURE"]})
            wait_for(lambda: host.messages, "the message at the smart host")
            self.assertIn("NOTIFY=FAILURE", host.messages[0][1][0])
            self.assertIn("ORCPT=rfc822;team@example.com", host.messages[0][1][0])
            wait_for(lambda: any(b"multipart/report" in f.read_bytes() for f in server.files("drop")), "the notice")
            notice, = [Notice(f) for f in server.files("drop") if b"multipart/report" in f.read_bytes()]
            self.assertEqual(list(notice.recipients), ["team@example.com"])
            self.assertEqual(notice.recipients["team@example.com"]["Action"], "expanded")
            self.assertEqual(notice.rcpts, ["app@example.com"])

    def test_a_single_member_gets_the_request(self):
        with Sink(extensions=EXTENSIONS) as host, Service(host.port) as server:
            ask(server, b"Subject: x\r\n\r\nx\r\n", {"far@example.com": ["NOTIFY=SUCCESS", "ORCPT=rfc822;Far@example.com"]})
            wait_for(lambda: host.messages, "the message at the smart host")
            self.assertIn("NOTIFY=SUCCESS", host.messages[0][1][0])
            self.assertIn("ORCPT=rfc822;Far@example.com", host.messages[0][1][0])

    def test_a_failure_names_the_alias_and_goes_to_the_sender(self):
        with Sink(answers={"RCPT": lambda _: "550 5.1.1 no such user"}) as host, Service(host.port) as server:
            server.send(["far@example.com"], sender="app@example.com")
            notice = Notice(server.dropped()[0])
            group = notice.recipients["c@partner.example"]
            self.assertEqual((group["Action"], group["Original-Recipient"]), ("failed", "rfc822;far@example.com"))
            self.assertEqual(notice.rcpts, ["app@example.com"])


class OurNotices(unittest.TestCase):
    """Notices that this server writes to an alias go to its members."""

    def refusing(self):
        """A smart host that refuses x@gone.example and takes the rest."""
        return Sink(answers={"RCPT": lambda argument: "550 5.1.1 no such user" if "gone.example" in argument else None})

    def test_a_failure(self):
        with self.refusing() as host, Service(host.port, server="messages { ndr_copy_to postmaster@example.com bob@example.com }") as server:
            server.send(["x@gone.example"], sender="sales@example.com")
            notice, = notices(server)
            self.assertEqual(notice.mail["To"], "sales@example.com")
            self.assertEqual(sorted(notice.rcpts), ["ann@example.com", "bob@example.com"])
            wait_for(lambda: host.messages, "the notice at the smart host")
            self.assertEqual(rcpts(host.messages[0]), ["b@partner.example"])
            self.assertIn("<>", host.messages[0][0])
            self.assertIn(f"to=<sales@example.com> status=expanded members=2 alias={server.list}:3", server.log())

    def test_a_delay_and_then_the_end(self):
        with Sink(answers={"RCPT": lambda argument: "450 4.2.0 later" if "gone.example" in argument else None}) as host, \
                Service(host.port, delivery="retry 1s; delay_notice 1s; expire 4s") as server:
            server.send(["x@gone.example"], sender="far@example.com")
            wait_for(lambda: len(host.messages) == 2, "both notices at the smart host")
            self.assertEqual([rcpts(m) for m in host.messages], [["c@partner.example"]] * 2)
            self.assertFalse(server.files("drop"))

    def test_expanded(self):
        with Sink(extensions=EXTENSIONS) as host, Service(host.port) as server:
            ask(server, b"Subject: x\r\n\r\nx\r\n", {"team@example.com": ["NOTIFY=SUCCESS"]}, sender="boss@example.com")
            notice, = notices(server)
            self.assertEqual(notice.recipients["team@example.com"]["Action"], "expanded")
            self.assertEqual(notice.rcpts, ["ann@example.com"])

    def test_of_a_file_in_the_pickup_folder(self):
        with Sink() as host, Service(host.port) as server:
            fresh = server.server_folder() / "pickup" / "x.tmp"
            fresh.write_bytes(b"From: Sales@example.com\r\nTo: bob@example.com, gone@example.com\r\nSubject: x\r\n\r\nx\r\n")
            fresh.rename(fresh.with_suffix(".eml"))
            wait_for(lambda: host.messages, "the notice at the smart host")
            self.assertEqual(rcpts(host.messages[0]), ["b@partner.example"])
            wait_for(lambda: any(b"multipart/report" in f.read_bytes() for f in server.files("drop")), "the notice in the drop folder")
            notice, = [f.read_bytes() for f in server.files("drop") if b"multipart/report" in f.read_bytes()]
            self.assertTrue(notice.startswith(b"x-sender: <>\r\nx-receiver: ann@example.com\r\nReceived:"), notice[:200])

    def test_a_member_that_fails_ends_in_badmail(self):
        with Sink(answers={"RCPT": lambda _: "550 5.1.1 no such user"}) as host, Service(host.port) as server:
            server.send(["x@gone.example"], sender="far@example.com")
            wait_for(lambda: server.files("badmail"), "the notice in badmail")
            wait_for(lambda: settled(server), "an empty queue")
            self.assertFalse(server.files("drop"))

    def test_what_cannot_be_expanded_is_in_the_drop_folder(self):
        with self.refusing() as host, Service(host.port) as server:
            server.send(["x@gone.example"], sender="loop@example.com")
            notice, = notices(server)
            self.assertEqual(notice.rcpts, ["loop@example.com"])
            self.assertIn("status=kept", server.log())

    def test_without_a_list_it_is_in_the_drop_folder(self):
        with self.refusing() as host, Service(host.port, entries="") as server:
            server.send(["x@gone.example"], sender="sales@example.com")
            self.assertEqual(notices(server)[0].rcpts, ["sales@example.com"])

    def test_the_newest_list_counts(self):
        with self.refusing() as host, Service(host.port) as server:
            server.send(["x@gone.example"], sender="ann@example.com")
            self.assertEqual(notices(server)[0].rcpts, ["ann@example.com"])
            server.list.write_text(LIST.replace("ann\n", "ann: d@partner.example\n", 1))
            server.ctl("reload")
            server.send(["x@gone.example"], sender="ann@example.com")
            wait_for(lambda: host.messages, "the notice at the smart host")
            self.assertEqual(rcpts(host.messages[0]), ["d@partner.example"])
            server.list.unlink()
            server.ctl("reload")
            server.send(["x@gone.example"], sender="far@example.com") # the list before stays in force
            wait_for(lambda: len(host.messages) == 2, "the second notice at the smart host")
            self.assertEqual(rcpts(host.messages[1]), ["c@partner.example"])


@peers.needs_root
class Receivers(unittest.TestCase):
    def test_postfix_gets_the_forwarded_message(self):
        port, folder = harness.free_port(), harness.scratch()
        with Postfix(certs.self_signed(folder, "peer.test"), "mynetworks = 127.0.0.0/8\n", "127.0.0.1", port) as receiver, Service(port) as server:
            receiver.serve()
            server.send(["sales@example.com"], sender="app@example.com")
            server.dropped()
            wait_for(lambda: "to=<b@partner.example>" in receiver.log(), "the message at Postfix")
            self.assertIn("from=<app@example.com>", receiver.log())


if __name__ == "__main__":
    harness.main()
