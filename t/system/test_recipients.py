"""Recipients that exist: every door refuses the others, a change of the file acts at once, and no fault of the file refuses everybody."""
import os
import smtplib
import subprocess
import threading
import time
import unittest

import harness
from harness import Mailroot, Message, wait_for

SETTLED = 20  # a change of a file is noticed within 12 s


class Service(Mailroot):
    """Local domain example.com and remote domain branch.test share a file."""

    def __init__(self, entries="ann\nbob\n", more="", block=""):
        self.first, self.more, self.block = entries, more, block
        super().__init__()

    def write_conf(self, server="", conf="", global_conf=""):
        (self.folder / "etc").mkdir(exist_ok=True)
        self.list = self.folder / "etc" / "recipients"
        if self.first is not None and not self.list.exists():
            self.list.write_text(self.first)
        super().write_conf(f"local_domain example.com {{ recipients {self.list}; {self.block} }}\n"
                           f"remote_domain branch.test {{ relay yes; recipients {self.list} }}\n{self.more}\n{server}", conf, global_conf)

    def put(self, entries):
        """Replaces the file by rename."""
        fresh = self.list.with_suffix(".new")
        fresh.write_text(entries)
        fresh.rename(self.list)

    def rcpt(self, *addresses):
        """The replies to RCPT."""
        with self.client() as client:
            client.ehlo("client.test")
            client.mail("app@example.org")
            return [client.rcpt(address) for address in addresses]

    def code(self, address):
        return self.rcpt(address)[0][0]

    def status(self):
        server, = self.ctl_json("status")["servers"]
        return server["recipients"]

    def attention(self):
        return " ".join(line["text"] for line in self.ctl_json("status")["servers"][0]["attention"])

    def explain(self, *args):
        return self.ctl("explain", "relay", "--client", "192.0.2.1", *args, check=False).stdout


class Doors(unittest.TestCase):
    def test_smtp_refuses_what_is_not_in_the_file(self):
        with Service("ann\nbob@example.com\nsales: ann bob@example.com\n") as server:
            replies = server.rcpt("ann@example.com", "Bob+x@EXAMPLE.com", "carl@example.com", "a.much.longer.name@example.com",
                                  "bob@branch.test", "ann@branch.test", "postmaster@example.com", "sales@example.com")
            self.assertEqual([code for code, _ in replies], [250, 250, 550, 550, 550, 250, 250, 250])
            self.assertEqual(replies[2], (550, b"5.1.1 User unknown"))
            self.assertEqual(replies[2], replies[3])
            wait_for(lambda: f"not in recipients {server.list}" in server.log(), "the reason in the log")
            with server.client() as client:
                self.assertEqual(client.verify("carl@example.com")[0], 252)

    def test_errors_end_a_session_that_guesses(self):
        with Service() as server, server.client() as client:
            client.ehlo("client.test")
            client.mail("app@example.org")
            codes = [client.rcpt(f"user{i}@example.com")[0] for i in range(20)]
            self.assertEqual(codes + [client.rcpt("bob@example.com")[0]], [550] * 20 + [250])
            self.assertEqual(client.rcpt("user20@example.com")[0], 421)

    def test_unknown_accept_tries_a_list_out(self):
        with Service(block="unknown accept") as server:
            server.send(["carl@example.com"])
            self.assertEqual(Message(server.dropped()[0]).rcpts, ["carl@example.com"])
            self.assertIn("status=accepted reason=\"not in recipients", server.log())

    def test_pickup_and_sendmail_tell_the_sender(self):
        with Service() as server:
            text = b"From: ann@example.com\nTo: bob@example.com, carl@example.com\nSubject: half\n\nx\n"
            (server.server_folder() / "pickup" / "a.eml").write_bytes(text)
            mails = [path.read_bytes() for path in server.dropped(2)]
            notice, = [mail for mail in mails if b"x-sender: <>" in mail]
            self.assertIn(b"Final-Recipient: rfc822; carl@example.com\r\nAction: failed\r\nStatus: 5.1.1\r\n", notice)
            self.assertIn(b"x-receiver: ann@example.com\r\n", notice)
            sent = subprocess.run([str(harness.BUILD / "sendmail"), "-C", str(server.conf), "-f", "ann@example.com", "bob@example.com", "dora@example.com"],
                                  input=b"Subject: x\n\nx\n", capture_output=True, timeout=60)
            self.assertEqual(sent.returncode, 0, sent.stderr)
            mails = [path.read_bytes() for path in server.dropped(4)]
            self.assertEqual(sum(b"rfc822; dora@example.com\r\n" in mail for mail in mails), 1)
            self.assertEqual(server.files("badmail"), [])

    def test_a_file_for_unknown_recipients_only_goes_to_badmail(self):
        with Service() as server:
            (server.server_folder() / "pickup" / "a.eml").write_bytes(b"From: ann@example.com\nTo: carl@example.com\n\nx\n")
            path, = wait_for(lambda: server.files("badmail", ".txt"), "the bad file")
            self.assertIn("there is no such recipient", path.read_text())
            self.assertEqual(server.files("drop"), [])

    def test_a_notice_to_an_unknown_sender_does_not_loop(self):
        """The sender does not exist either: one notice goes to the drop folder, and nothing follows it."""
        with Service() as server:
            text = b"From: ghost@example.com\nTo: bob@example.com, carl@example.com\n\nx\n"
            (server.server_folder() / "pickup" / "a.eml").write_bytes(text)
            server.dropped(2)
            server.send(["bob@example.com"])
            self.assertEqual(len(server.dropped(3)), 3)
            self.assertEqual(server.files("badmail"), [])


class Changes(unittest.TestCase):
    def test_a_change_acts_by_itself_and_with_a_reload(self):
        with Service() as server:
            self.assertEqual(server.code("carl@example.com"), 550)
            server.put("ann\nbob\ncarl\n")
            server.ctl("reload")
            self.assertEqual(server.code("carl@example.com"), 250)
            server.put("ann\nbob\ncarl\ndora\n")
            wait_for(lambda: server.code("dora@example.com") == 250, "the renamed file", SETTLED)
            with server.list.open("a") as file:
                file.write("eve\n")
            wait_for(lambda: server.code("eve@example.com") == 250, "the line that was added", SETTLED)
            (server.server_folder() / "pickup" / "a.eml").write_bytes(b"From: ann@example.com\nTo: eve@example.com\n\nx\n")
            server.dropped(1)

    def test_an_open_session_sees_the_change(self):
        with Service() as server, server.client() as client:
            client.ehlo("client.test")
            client.mail("app@example.org")
            self.assertEqual(client.rcpt("carl@example.com")[0], 550)
            server.put("ann\nbob\ncarl\n")
            server.ctl("reload")
            self.assertEqual(client.rcpt("carl@example.com")[0], 250)

    def test_a_list_comes_with_a_reload(self):
        """Workers that were there before any list see it."""
        with Mailroot() as server:
            server.send(["carl@example.com"])
            listed = server.folder / "etc" / "list"
            listed.parent.mkdir(exist_ok=True)
            listed.write_text("ann\n")
            server.write_conf(f"local_domain example.com {{ recipients {listed} }}")
            server.ctl("reload")
            with server.client() as client:
                client.ehlo("client.test")
                client.mail("app@example.org")
                self.assertEqual([client.rcpt(f"{name}@example.com")[0] for name in ("carl", "ann")], [550, 250])
            server.write_conf()
            server.ctl("reload")
            server.send(["carl@example.com"])
            self.assertEqual(server.ctl_json("status")["servers"][0]["recipients"], [])

    def test_faults_of_the_file_refuse_nobody(self):
        many = "".join(f"user{i}\n" for i in range(100))
        with Service(many) as server:
            faults = (("is missing", lambda: server.list.unlink()),
                      ("has no recipient", lambda: server.put("")),
                      ("has 50 recipients, and the list in force has 100", lambda: server.put("".join(f"user{i}\n" for i in range(50)))),
                      ("it holds a NUL", lambda: server.put(many.replace("\n", "\0\n"))),
                      ("can't be opened: it is not a regular file", lambda: (server.list.unlink(), server.list.mkdir())),
                      ("has 100 bad lines beside 50 good ones", lambda: (server.list.rmdir(), server.put("good\n" * 50 + "bad one\n" * 100))))
            for words, make in faults:
                with self.subTest(fault=words):
                    make()
                    wait_for(lambda: words in server.attention(), "status to tell it", SETTLED)
                    self.assertIn("the list before it stays in force", server.attention())
                    self.assertEqual((server.code("user99@example.com"), server.code("nobody@example.com")), (250, 550))
                    listed, = server.status()
                    self.assertEqual((listed["state"], listed["entries"]), ("kept", 100))
            self.assertIn("the file has a fault now", server.ctl("status").stdout)
            server.put(many)
            wait_for(lambda: not server.attention(), "the end of the fault", SETTLED)

    def test_a_list_that_was_made_shorter_is_taken_by_a_reload(self):
        with Service("".join(f"user{i}\n" for i in range(100))) as server:
            server.put("user1\nuser2\n")
            server.ctl("reload")
            self.assertEqual(server.code("user99@example.com"), 250)
            self.assertIn("if that is meant: mailrootctl reload", server.attention())
            server.ctl("reload")
            self.assertEqual((server.code("user99@example.com"), server.code("user1@example.com")), (550, 250))
            self.assertEqual(server.attention(), "")

    def test_no_list_at_the_start_puts_mail_off(self):
        with Service(None) as server:
            self.assertEqual(server.rcpt("ann@example.com", "ann@branch.test", "postmaster@example.com"),
                             [(451, b"4.3.0 Recipients of this domain cannot be checked now, try again later")] * 2
                             + [(250, b"2.1.5 postmaster@example.com")])
            self.assertIn("mail for its domains is put off with 451", server.attention())
            self.assertEqual(server.status()[0]["state"], "none")
            (server.server_folder() / "pickup" / "a.eml").write_bytes(b"From: ann@example.com\nTo: ann@example.com\n\nx\n")
            wait_for(lambda: "a recipient can't be examined now" in server.attention(), "pickup to wait")
            server.put("ann\n")
            wait_for(lambda: server.code("ann@example.com") == 250, "the list", SETTLED)
            server.dropped(1)

    def test_nothing_is_lost_while_the_file_changes(self):
        """Senders of known recipients, at a good rate, during many changes of a list that needs new areas."""
        lines = "".join(f"user{i}@example.com\n" for i in range(20000))
        with Service(lines) as server:
            end, failed, sent = time.monotonic() + 15, [], [0] * 4

            def send(thread):
                while time.monotonic() < end:
                    with server.client() as client:
                        for n in range(20):
                            try:
                                client.sendmail("app@example.org", [f"user{n}@example.com"], b"Subject: x\r\n\r\nx\r\n")
                                sent[thread] += 1
                            except smtplib.SMTPException as error:
                                failed.append(error)

            threads = [threading.Thread(target=send, args=(i,)) for i in range(len(sent))]
            for thread in threads:
                thread.start()
            for i in range(20):
                server.put(lines + f"more{i}\n")
                server.ctl("reload")
            for thread in threads:
                thread.join()
            self.assertEqual(failed, [])
            self.assertEqual(server.code("more19@example.com"), 250)
            wait_for(lambda: len(server.files("drop")) == sum(sent), "all messages", 60)


class Tools(unittest.TestCase):
    def test_explain_names_the_line_that_decides(self):
        with Service("# ours\nann\nsales: ann bob@partner.example\n", block="unknown reject") as server:
            known = server.explain("--to", "Ann+x@example.com")
            self.assertIn(f"{server.list}:2", known)
            self.assertIn("has it: accepted", known)
            self.assertIn(f"{server.list}:3", server.explain("--to", "sales@example.com"))
            unknown = server.explain("--to", "carl@example.com")
            self.assertIn("550 5.1.1 User unknown", unknown)
            self.assertIn("does not have it, unknown is reject: refused", unknown)
            self.assertIn(f"to permit it, add the recipient to {server.list}", unknown)
            self.assertIn(str(server.conf), unknown)

    def test_status_lists_the_files(self):
        with Service() as server:
            os.utime(server.list, (time.time() - 7200,) * 2)
            server.ctl("reload")
            listed, = server.status()
            self.assertEqual((listed["file"], listed["state"], listed["entries"]), (str(server.list), "good", 2))
            self.assertAlmostEqual(listed["age_s"], 7200, delta=60)
            self.assertIn(f"recipients {server.list}: 2 entries, changed 2h", server.ctl("status").stdout)

    def test_check_and_doctor_examine_the_files(self):
        with Service() as server:
            def told():
                done = server.ctl("check", check=False)
                return " ".join((done.stdout + done.stderr).split())

            self.assertNotIn("recipients", told())
            for words, make in ((f"{server.list} was changed 40d ago", lambda: os.utime(server.list, (time.time() - 40 * 86400,) * 2)),
                                (f"every user can write to recipients {server.list}", lambda: server.list.chmod(0o666)),
                                ("line 3: there is text after the address", lambda: server.put("ann\nbob\nbob ann\n")),
                                ("has no recipient", lambda: server.put("# none\n")),
                                ("can't be used: it holds a NUL", lambda: server.put("a\0b\n")),
                                ("is missing: mail for its domains is put off", server.list.unlink)):
                with self.subTest(words=words):
                    make()
                    self.assertIn(words, told())
            self.assertIn(f"recipients {server.list} is missing", server.ctl("doctor", "--json", check=False).stdout)


if __name__ == "__main__":
    harness.main()
