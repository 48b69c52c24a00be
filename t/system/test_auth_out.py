"""Which hosts get our credentials and which never do; and mail whose password is wrong, missing or changed."""
import contextlib
import os
import pathlib
import unittest

import certs
import harness
from auth_host import PLAIN, AuthHost, server_context
from harness import Mailroot, Sink, wait_for
from test_dns import A, MX, NameServer, loopback, mx

NAME = "mx.provider.test"
USER, PASSWORD = "relay@example.com", "Pa55-phrase-of-the-relay"
LONG = "messages { max_message_size none; max_session_size none; max_recipients 5000 }"


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = harness.scratch()
        cls.authority = certs.Authority(cls.folder / "ca")
        cls.certificate = cls.authority.issue(NAME)
        cls.context = server_context(cls.certificate)

    def setUp(self):
        self.stack = contextlib.ExitStack()
        self.addCleanup(self.stack.close)
        self.password = self.put("password", PASSWORD + "\n")

    def put(self, name, text, mode=0o600):
        path = self.folder / name
        if path.is_dir():
            path.rmdir()
        path.write_text(text)
        path.chmod(mode)
        return path

    def host(self, *, users=None, **options):
        return self.stack.enter_context(AuthHost(self.context, users or {USER: PASSWORD}, **options))

    def block(self, auth="login", more="", username=USER, password=None, tls=None):
        tls = tls or f"tls verify; tls_ca {self.authority.file}; tls_name {NAME}"
        return f"outbound {{ {tls}; auth {auth}; username {username}; password_file {password or self.password}; {more} }}"

    def service(self, conf, **options):
        return self.stack.enter_context(Mailroot(f"{conf}\n{LONG}", **options))

    def waits(self, server, words, count=1):
        """COUNT messages wait, none of them at a worker, each with a reason that has WORDS."""
        def reasons():
            found = server.ctl_json("queue", "list")["messages"]
            settled = all(words in message["reason"] and message["state"] == "waiting" for message in found)
            return found if len(found) == count and settled else None
        return wait_for(reasons, f"{count} messages that wait for: {words}")


class Shown(Case):
    """Only these hosts get the password."""

    def test_plain_and_login(self):
        for auth in ("plain", "login"):
            with self.subTest(auth), self.host() as host:
                server = self.service(f"smart_host [127.0.0.1]:{host.port}\n{self.block(auth)}")
                server.send(["a@far.test", "b@far.test"])
                wait_for(lambda: host.messages, "the message")
                self.assertEqual((host.messages[0][0], host.attempts), (USER, [(USER, PASSWORD)]))
                self.assertFalse(any(b"AUTH" in line for line in host.clear))

    def test_one_authentication_serves_a_connection(self):
        host = self.host()
        server = self.service(f"smart_host [127.0.0.1]:{host.port}\n{self.block()}\ndelivery {{ processes {{ spare 1; max 1 }} }}")
        for i in range(10):
            server.send([f"a{i}@far.test"])
        wait_for(lambda: len(host.messages) == 10, "ten messages")
        self.assertLessEqual(len(host.attempts), len(host.sessions))
        self.assertLess(len(host.sessions), 10)

    def test_a_long_password_waits_to_be_asked_for(self):
        long = "p" * 1024
        self.put("password", long)
        host = self.host(users={USER: long})
        self.service(f"smart_host [127.0.0.1]:{host.port}\n{self.block('plain')}").send(["a@far.test"])
        wait_for(lambda: host.messages, "the message")
        self.assertIn(b"AUTH PLAIN\r\n", host.heard)

    def test_file_of_a_windows_editor(self):
        self.put("password", f"\ufeff{PASSWORD}\r\nsomething else\r\n")
        host = self.host()
        self.service(f"smart_host [127.0.0.1]:{host.port}\n{self.block()}").send(["a@far.test"])
        wait_for(lambda: host.messages, "the message")

    def test_not_to_a_host_that_is_not_verified(self):
        """Wrong name, unknown authority, no TLS: no octet of user or password is sent, in clear or in TLS."""
        other = server_context(certs.self_signed(self.folder / "other", NAME))
        hosts = {"wrong name": (self.context, f"tls verify; tls_ca {self.authority.file}; tls_name mx.other.test"),
                 "unknown authority": (other, f"tls verify; tls_ca {self.authority.file}; tls_name {NAME}"),
                 "no TLS": (None, f"tls verify; tls_ca {self.authority.file}; tls_name {NAME}"),
                 "wrong fingerprint": (self.context, "tls_fingerprint " + "00" * 32)}
        for what, (context, tls) in hosts.items():
            with self.subTest(what), AuthHost(context, {USER: PASSWORD}, clear_auth=True) as host:
                with Mailroot(f"smart_host [127.0.0.1]:{host.port}\n{self.block('plain', tls=tls)}") as server:
                    server.send(["a@far.test"])
                    wait_for(lambda: "status=delayed" in server.log(), "an attempt")
                    self.assertFalse(host.knows(PASSWORD) or host.knows(USER) or host.attempts or host.messages)

    def test_unverified_when_the_administrator_says_so(self):
        for tls in ("tls encrypt", "tls opportunistic", "tls off"):
            with self.subTest(tls), self.host(clear_auth=True) as host:
                server = self.service(f"smart_host [127.0.0.1]:{host.port}\n{self.block(tls=tls, more='auth_unverified yes')}")
                server.send(["a@far.test"])
                wait_for(lambda: host.messages, "the message")
                self.assertEqual(any(b"AUTH" in line for line in host.clear), tls == "tls off")

    def test_by_fingerprint(self):
        host = self.host()
        tls = f"tls_fingerprint {self.certificate.fingerprint()}"
        self.service(f"smart_host [127.0.0.1]:{host.port}\n{self.block(tls=tls)}").send(["a@far.test"])
        wait_for(lambda: host.messages, "the message")

    def test_never_to_a_host_found_by_mx(self):
        """One machine is both the smart host, with credentials, and the MX of a domain: for that domain no credentials are sent."""
        records = {("mail.test", MX): [mx(10, NAME)], (NAME, A): loopback(1), ("literal.test", MX): [mx(10, NAME)]}
        host, names = self.host(required=False), self.stack.enter_context(NameServer(records))
        server = self.service(f"smart_host [127.0.0.1]:{host.port}\n{self.block('plain', more=f'port {host.port}')}\n"
                              "remote_domain mail.test { route dns }", global_conf=f"dns_server 127.0.0.1:{names.port}")
        for i in range(5):
            server.send([f"a{i}@mail.test"])
            server.send([f"b{i}@far.test"])
        wait_for(lambda: len(host.messages) == 10, "ten messages")
        for user, rcpts, _ in host.messages:
            self.assertEqual(user, USER if rcpts[0].endswith("far.test") else None)

    def test_two_blocks_never_share_a_connection(self):
        users = {"one": "password of one", "two": "password of two"}
        host = self.host(users=users)
        files = {user: self.put(f"password-{user}", password) for user, password in users.items()}
        blocks = "".join(f"remote_domain {user}.test {{ route [127.0.0.1]:{host.port}; {self.block('plain', '', user, files[user])} }}\n"
                         for user in users)
        server = self.service(f"{blocks}delivery {{ processes {{ spare 2; max 2 }} }}")
        for i in range(20):
            server.send([f"a{i}@one.test"])
            server.send([f"b{i}@two.test", f"c{i}@one.test"])
        wait_for(lambda: sum(len(rcpts) for _, rcpts, _ in host.messages) == 60, "all recipients")
        for session in host.sessions:
            self.assertEqual(len({user for user, _ in session}), 1 if session else 0)
            for user, rcpts in session:
                self.assertTrue(all(rcpt.endswith(f"@{user}.test") for rcpt in rcpts), (user, rcpts))
        self.assertEqual(set(host.attempts), set(users.items()))

    def test_smart_host_for_a_domain_with_settings_of_its_own(self):
        """The TLS settings are those of the domain's block, the user is that of the block with the smart host."""
        host = self.host()
        server = self.service(f"smart_host [127.0.0.1]:{host.port}\n{self.block()}\nremote_domain own.test {{ outbound {{ timeout 30s }} }}")
        server.send(["a@own.test"])
        server.send(["a@far.test"])
        wait_for(lambda: len(host.messages) == 2, "both messages")
        self.assertEqual([user for user, _, _ in host.messages], [USER, USER])

    def test_a_connector(self):
        host = self.host()
        server = self.service(f"connector provider {{ route [127.0.0.1]:{host.port}; {self.block('plain')} }}")
        server.send(["a@far.test"])
        wait_for(lambda: host.messages, "the message")
        self.assertEqual(host.messages[0][0], USER)


class Waiting(Case):
    """Mail waits, with the reason, until the administrator has corrected it."""

    def test_no_auth_where_the_host_wants_it(self):
        with harness.Sink(answers={"MAIL": lambda _: "530 5.7.0 Authentication required"}) as sink:
            server = self.service(f"smart_host [127.0.0.1]:{sink.port}\ndelivery {{ retry 1h }}")
            for i in range(5):
                server.send([f"a{i}@far.test"])
            self.waits(server, "the host requires authentication: 530 5.7.0 Authentication required; write auth, username and password_file into outbound of "
                       "virtual_server (smart_host in %s:" % server.conf, 5)
            status = server.ctl("status", check=False).stdout
            self.assertRegex(status, r"mail waits for next hop .*530 5\.7\.0 Authentication required")
            self.assertEqual(server.files("drop"), [])

    def test_auth_wanted_for_some_recipients(self):
        """These wait; other recipients and messages are sent, even if the connection ended meanwhile."""
        def judge(argument):
            return "530 5.7.1 Authentication required" if "far.test" in argument else None
        for more in ("", "messages { max_messages_per_connection 1 }"):
            with self.subTest(more), harness.Sink(answers={"RCPT": judge}) as sink:
                server = self.stack.enter_context(Mailroot(f"smart_host [127.0.0.1]:{sink.port}\n{more}\ndelivery {{ retry 1h }}"))
                server.send(["a@far.test"])
                server.send(["b@far.test", "c@near.test"])
                self.waits(server, "the host requires authentication: 530 5.7.1 Authentication required; write auth, username and password_file", 2)
                for i in range(5):
                    server.send([f"d{i}@near.test"])
                sink.wait(6)
                self.assertNotIn("mail waits for next hop", server.ctl("status", check=False).stdout)
                self.assertEqual(server.files("drop"), [])

    def test_a_wrong_password_does_not_hammer_the_host(self):
        self.put("password", "wrong\n")
        host = self.host()
        server = self.service(f"smart_host [127.0.0.1]:{host.port}\n{self.block()}\ndelivery {{ retry 1h }}")
        for i in range(30):
            server.send([f"a{i}@far.test"])
        self.waits(server, "the host refused username and password of virtual_server test (username %s, %s:" % (USER, server.conf), 30)
        self.assertLessEqual(len(host.attempts), 4)  # the initial number of connections of a next hop
        tried = len(host.attempts)
        for i in range(10):
            server.send([f"b{i}@far.test"])
        self.waits(server, "535", 40)
        self.assertEqual(len(host.attempts), tried)
        # Corrected: waiting mail is sent at once, not in an hour.
        self.put("password", PASSWORD + "\n")
        server.ctl("reload")
        wait_for(lambda: len(host.messages) == 40, "all messages", 40)
        self.assertEqual({user for user, _, _ in host.messages}, {USER})

    def test_a_changed_password(self):
        host = self.host()
        server = self.service(f"smart_host [127.0.0.1]:{host.port}\n{self.block()}")
        server.send(["a@far.test"])
        wait_for(lambda: host.messages, "the message")
        host.users[USER] = "new secret"
        self.put("password", "new secret\n")
        server.ctl("reload")
        server.send(["b@far.test"])
        wait_for(lambda: len(host.messages) == 2, "the second message")
        self.assertEqual(host.attempts[-1], (USER, "new secret"))

    def test_mechanism_not_offered(self):
        for offer, words in (((), "the host offers no authentication"), ((PLAIN,), "the host offers PLAIN")):
            with self.subTest(offer), self.host(offer=offer) as host:
                server = self.service(f"smart_host [127.0.0.1]:{host.port}\n{self.block('login')}")
                server.send(["a@far.test"])
                self.waits(server, words)
                self.assertIn("does not offer AUTH LOGIN", server.log())
                self.assertFalse(host.knows(PASSWORD) or host.messages)

    def test_files_that_can_not_be_used(self):
        """Each delays only its own mail, with the reason in the log, in status and in the queue; when it is corrected, the mail is sent."""
        spoilt = {"is open to others": (lambda path: path.chmod(0o644), "chmod 600"),
                  "is empty": (lambda path: path.write_text(""), "its first line is empty"),
                  "is missing": (lambda path: path.unlink(), "No such file"),
                  "is no file": (lambda path: (path.unlink(), path.mkdir()), "it is no regular file")}
        for what, (spoil, words) in spoilt.items():
            with self.subTest(what), self.host() as host, Sink() as sink:
                self.put("password", PASSWORD + "\n")
                spoil(self.password)
                server = self.service(f"remote_domain paid.test {{ route [127.0.0.1]:{host.port}; {self.block()} }}\n"
                                      f"smart_host [127.0.0.1]:{sink.port}\ndelivery {{ retry 1h }}")
                server.send(["a@paid.test"])
                server.send(["a@far.test"])
                sink.wait(1)
                self.waits(server, words)
                self.assertEqual(host.sessions, [])
                self.assertRegex(server.log(), rf"mail waits: remote_domain paid\.test: password_file: can't use .*{words}.*mailroot\.conf:\d+\)")
                self.assertIn(words, server.ctl("status").stdout)
                self.put("password", PASSWORD + "\n")
                server.ctl("reload", check=False)
                wait_for(lambda: host.messages, "the message after the correction")
                wait_for(lambda: words not in server.ctl("status").stdout, "the end of the trouble")

    def test_a_domain_added_by_reload(self):
        """SMTP clients that do not know its block yet return its mail to the queue; nothing is lost or sent without authentication."""
        host, sink = self.host(), self.stack.enter_context(Sink())
        server = self.service(f"smart_host [127.0.0.1]:{sink.port}")
        server.send(["a@far.test"])
        sink.wait(1)
        server.write_conf(f"smart_host [127.0.0.1]:{sink.port}\n"
                          f"remote_domain paid.test {{ route [127.0.0.1]:{host.port}; {self.block()} }}")
        server.ctl("reload")
        server.send(["a@paid.test"])
        wait_for(lambda: host.messages, "the message")
        self.assertEqual(host.messages[0][0], USER)
        self.assertNotIn("status=delayed", server.log())


class Kept(Case):
    """Which processes have the secret, and which do not."""

    def memory_of(self, pid):
        """The readable memory of a process."""
        with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
            for line in maps:
                begin, end = (int(x, 16) for x in line.split()[0].split("-"))
                shadow = end - begin > 1 << 30  # of the sanitizers
                if line.split()[1][0] == "r" and not shadow and not line.rstrip().endswith(("[vvar]", "[vsyscall]", "[vvar_vclock]")):
                    with contextlib.suppress(OSError, ValueError, OverflowError):
                        memory.seek(begin)
                        yield memory.read(end - begin)

    def holds(self, pid):
        return any(PASSWORD.encode() in piece for piece in self.memory_of(pid))

    @unittest.skipIf(os.geteuid(), "only root looks into other processes")
    def test_no_other_process_has_it(self):
        host = self.host()
        server = self.service(f"smart_host [127.0.0.1]:{host.port}\n{self.block('plain')}\nlog {{ format w3c }}")
        server.send(["a@far.test"])
        wait_for(lambda: host.messages, "the message")
        pids = server.pids()
        self.assertTrue(self.holds(pids["delivery"]), "the search finds nothing")
        for role in ("master", "smtpd", "queue", "local", "resolver", "log"):
            self.assertFalse(self.holds(pids[role]), role)
        for pid, name in server.descendants().items():
            parent = int(pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
            if parent not in (server.process.pid, pids["delivery"]):
                self.assertFalse(self.holds(pid), name)

    def test_nothing_is_written_down(self):
        """Neither the log nor transaction logs, journals, listings or the configuration in force have it, whatever happens."""
        self.put("wrong", "another-Secret-phrase\n")
        host = self.host()
        server = self.service(f"smart_host [127.0.0.1]:{host.port}\n{self.block('plain')}\nlog {{ format json }}\ndelivery {{ retry 1h }}\n"
                              f"remote_domain wrong.test {{ route [127.0.0.1]:{host.port}; "
                              f"{self.block('login', password=self.folder / 'wrong')} }}")
        server.send(["a@far.test"])
        server.send(["a@wrong.test"])
        wait_for(lambda: host.messages, "the message")
        self.waits(server, "535")
        said = server.ctl("status").stdout + server.ctl("queue", "list").stdout + server.ctl("config", "show").stdout
        log = wait_for(lambda: [path for path in (server.folder / "logs").rglob("*.log") if b"AUTH" in path.read_bytes()], "a log of AUTH")
        written = [server.log().encode(), said.encode(), *(p.read_bytes() for p in log)]
        written += [p.read_bytes() for p in (server.folder / "spool").rglob("*") if p.is_file()]
        for secret in (PASSWORD, "another-Secret-phrase"):
            probe = AuthHost.__new__(AuthHost)
            probe.heard = written
            self.assertFalse(AuthHost.knows(probe, secret), secret)


if __name__ == "__main__":
    harness.main()
