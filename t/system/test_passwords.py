#!/usr/bin/env python3
"""Passwords of PLAIN and LOGIN that a KDC checks (access passwords kerberos), with a real KDC."""
import contextlib
import os
import pathlib
import pwd
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
import unittest

import gss_client
import harness
from auth_service import ask, greeted, plain
from harness import Mailroot, wait_for
from kdc import Kdc

SERVICE = "smtp/mail.example.com"
RIGHT, WRONG, LATER = 235, 535, 454


class Passwords(unittest.TestCase):
    """One service, and the KDC of EXAMPLE.COM. krb5.conf is written anew in its place, as an administrator would."""

    @classmethod
    def setUpClass(cls):
        cls.folder = harness.scratch()
        cls.addClassCleanup(shutil.rmtree, cls.folder, True)
        cls.kdc = Kdc(cls.folder / "kdc").start()
        cls.addClassCleanup(cls.kdc.stop)
        os.chmod(cls.kdc.folder, 0o755)
        cls.kdc.principal(SERVICE)
        for name in ("alice", "bob", "carol", "guessed", "expired", "disabled", "gone"):
            cls.kdc.principal(name, f"of-{name}")
        cls.kdc.admin("modify_principal -pwexpire yesterday expired", "modify_principal -allow_tix disabled",
                      "modify_principal -expire yesterday gone",
                      "add_policy -maxfailure 5 -lockoutduration 1h careful", "modify_principal -policy careful guessed")
        cls.keytab = cls.kdc.keytab(cls.folder / "keytab", SERVICE)
        cls.usual = cls.kdc.krb5_conf.read_text()
        environment = gss_client.environment({"KRB5_CONFIG": str(cls.kdc.krb5_conf)})
        environment.__enter__()
        cls.addClassCleanup(environment.__exit__, None, None, None)

    @classmethod
    def access(cls, more="passwords kerberos; kerberos_realm EXAMPLE.COM", auth="plain login"):
        return (f"access {{ auth {auth}; auth_requires_tls no; keytab {cls.keytab}; user_file {cls.folder}/users; {more} }}\n"
                f"relay {{ list none }}\nremote_domain far.test {{ route [127.0.0.1]:{harness.free_port()} }}")

    def setUp(self):
        self.kdc.krb5_conf.write_text(self.usual)

    def service(self, *args, **options):
        server = Mailroot(self.access(*args, **options))
        self.addCleanup(shutil.rmtree, server.folder, True)
        self.addCleanup(server.stop)
        server.start()
        return server

    def kdc_at(self, port):
        """From now on the library asks there."""
        self.kdc.krb5_conf.write_text(self.usual.replace(f":{self.kdc.port}", f":{port}"))

    def login(self, server, user, password=None, code=RIGHT, why=None, seconds=30):
        """Authenticates; the log of this."""
        before = len(server.log())
        with greeted(server) as wire:
            wire.socket.settimeout(seconds)
            got = ask(wire, b"AUTH PLAIN " + plain(user, f"of-{user}" if password is None else password))
            self.assertEqual(got[0], code, f"{got} {server.log()[before:]}")
            relayed = ask(wire, b"MAIL FROM:<app@example.com>")[0], ask(wire, b"RCPT TO:<reader@far.test>")[0]
            self.assertEqual(relayed == (250, 250), code == RIGHT)
        if why:
            wait_for(lambda: why in server.log()[before:], f"{why!r} in {server.log()[before:]}", 5)
        return server.log()[before:]


class Known(Passwords):
    """Who is let in, and as which user."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = Mailroot(cls.access())
        cls.addClassCleanup(shutil.rmtree, cls.server.folder, True)
        cls.addClassCleanup(cls.server.stop)
        cls.server.start()

    def test_right(self):
        for name in ("alice", "alice@EXAMPLE.COM", "alice@example.com", "EXAMPLE\\alice"):
            log = self.login(self.server, name, "of-alice")
            self.assertRegex(log, r" user=alice mechanism=PLAIN .*status=authenticated")
        self.assertNotIn("of-alice", self.server.log())

    def test_login(self):
        with greeted(self.server) as wire:
            for line, code in ((b"AUTH LOGIN Ym9i", 334), (b"b2YtYm9i", 235)):
                self.assertEqual(ask(wire, line)[0], code)

    def test_wrong(self):
        self.login(self.server, "carol", "wrong", WRONG, "wrong password")
        self.login(self.server, "nobody", "wrong", WRONG, "the KDC does not know the user")
        self.login(self.server, "carol@OTHER.COM", "of-carol", WRONG, "the KDC does not know the user")
        self.login(self.server, "expired", None, WRONG, "the password has expired")
        self.login(self.server, "disabled", None, WRONG, "the account is disabled, expired or locked")
        self.login(self.server, "gone", None, WRONG, "the account has expired")
        self.login(self.server, "carol", "", WRONG, "empty password")
        self.login(self.server, "carol", "x" * 256, WRONG, "the password is too long")
        self.login(self.server, SERVICE, "x", WRONG, "no user of a Kerberos realm has this name")
        self.login(self.server, "carol")

    def test_refusals_take_equally_long(self):
        """A user that does not exist is refused no sooner than one with another password."""
        def took(user):
            start = time.monotonic()
            self.login(self.server, user, "wrong", WRONG)
            return time.monotonic() - start
        self.assertGreater(min(took("nobody2"), took("bob")), 0.3)

    def test_what_is_offered(self):
        """SCRAM and CRAM-MD5 need accounts here."""
        for passwords, words in (("kerberos", "PLAIN"), ("file kerberos", "SCRAM-SHA-256 CRAM-MD5 PLAIN")):
            server = Mailroot(self.access(f"passwords {passwords}", auth="plain scram-sha-256 cram-md5"))
            (self.folder / "users").touch(0o600)
            with server, server.client() as client:
                client.ehlo()
                self.assertEqual(client.esmtp_features["auth"].strip(), words)


class Guessing(Passwords):
    def failures(self, name):
        listed = self.kdc.run("kadmin.local", "-r", self.kdc.realm, "-q", f"get_principal {name}").stdout
        return int(re.search(r"Failed password attempts: (\d+)", listed).group(1))

    def test_nobody_is_locked(self):
        """A thousand guesses, whatever the form of the name, are three wrong passwords in the directory, which locks after five. Some
        pairs of an address and the user are proven: these log in all the while."""
        server = self.service()
        self.login(server, "guessed")
        forms = ["guessed", "guessed@EXAMPLE.COM", "GUESSED@example.com", "EXAMPLE\\guessed", "guessed@elsewhere.test"]

        def guess(number):
            for i in range(number, 1000, 8):
                with contextlib.suppress(OSError), socket.socket() as stranger:
                    stranger.bind((f"127.0.0.{2 + i % 250}", 0))
                    stranger.settimeout(60)
                    stranger.connect(("127.0.0.1", server.port))
                    lines = stranger.makefile("rb")
                    stranger.sendall(b"EHLO client.test\r\nAUTH PLAIN " + plain(forms[i % len(forms)], f"guess {i}") + b"\r\nQUIT\r\n")
                    lines.read()
        threads = [threading.Thread(target=guess, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        asked = server.log().count("reason=\"wrong password\"")
        self.assertLessEqual(asked, 3)
        self.assertGreaterEqual(asked, 1)
        self.assertLessEqual(self.failures("guessed"), 2 * asked)  # the library has two ways to prove a password to MIT's KDC
        self.login(server, "guessed")


class Kdcs(Passwords):
    """A KDC that is away, hangs or lies."""

    def trouble(self, server, text):
        wait_for(lambda: text in server.ctl("status", check=False).stdout, f"{text!r} in status", 10)

    def test_away(self):
        server = self.service()
        self.kdc_at(harness.free_port())
        self.login(server, "alice", None, LATER, "is the KDC up, and port 88 open to it?")
        self.trouble(server, "passwords can't be checked by Kerberos")
        self.kdc.krb5_conf.write_text(self.usual)
        self.login(server, "alice")
        wait_for(lambda: "checked by Kerberos" not in server.ctl("status").stdout, "no trouble", 10)

    def test_never_answers(self):
        """A question ends after 8 s; many at once do not make the others wait longer."""
        server = self.service()
        port = harness.free_port()
        with socket.socket(type=socket.SOCK_DGRAM) as udp, socket.socket() as tcp:
            udp.bind(("127.0.0.1", port))
            tcp.bind(("127.0.0.1", port))
            tcp.listen(100)
            self.kdc_at(port)
            start = time.monotonic()
            threads = [threading.Thread(target=self.login, args=(server, f"user{i}", "x", LATER, "no KDC has answered in time")) for i in range(6)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            took = time.monotonic() - start
            self.assertGreater(took, 7)
            self.assertLess(took, 14)
        self.trouble(server, "no KDC has answered in time")

    def test_false(self):
        """It knows the realm and the user, and takes any password of its own choice, but it has not the key of our key tab."""
        server = self.service()
        with Kdc(self.folder / "false") as false:
            false.principal(SERVICE)
            false.principal("alice", "invented")
            self.kdc_at(false.port)
            self.login(server, "alice", "invented", LATER, "can't be proven with the key tab")
        self.trouble(server, "can't be proven with the key tab")

    def test_clock(self):
        """A KDC an hour ahead."""
        server = self.service()
        shim = self.folder / "clock.so"
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-x", "c", "-", "-o", shim, "-ldl"], check=True, text=True, input="""
            #define _GNU_SOURCE
            #include <sys/time.h>
            #include <sys/syscall.h>
            #include <time.h>
            #include <unistd.h>
            enum { AHEAD = 3600 };
            int clock_gettime(clockid_t id, struct timespec *t) {
                long r = syscall(SYS_clock_gettime, id, t); if (id == CLOCK_REALTIME) t->tv_sec += AHEAD; return (int)r; }
            int gettimeofday(struct timeval *restrict t, void *restrict z) {
                struct timespec s; (void)z; clock_gettime(CLOCK_REALTIME, &s); t->tv_sec = s.tv_sec; t->tv_usec = s.tv_nsec / 1000; return 0; }
            time_t time(time_t *t) { struct timespec s; clock_gettime(CLOCK_REALTIME, &s); if (t) *t = s.tv_sec; return s.tv_sec; }
        """)
        self.kdc.stop()
        try:
            before, self.kdc.own_env = self.kdc.own_env, dict(self.kdc.own_env, LD_PRELOAD=str(shim))
            self.kdc.start()
            self.login(server, "alice", None, LATER, "the clocks of this host and the KDC differ")
        finally:
            self.kdc.own_env = before
            self.kdc.stop()
            self.kdc.start()

    def test_two_realms(self):
        other = Kdc(self.folder / "other", realm="OTHER.TEST")
        with other:
            other.principal(SERVICE)
            other.principal("dave", "of-dave")
            other.principal("alice", "of-the-other-alice")
            other.keytab(self.keytab, SERVICE)
            realms = f"[realms]\n OTHER.TEST = {{\n kdc = 127.0.0.1:{other.port}\n }}\n"
            self.kdc.krb5_conf.write_text(self.usual.replace("[realms]\n", realms))
            server = self.service("passwords kerberos; kerberos_realm EXAMPLE.COM OTHER.TEST")
            self.assertIn(" user=dave@OTHER.TEST mechanism", self.login(server, "dave@other.test", "of-dave"))
            self.assertIn(" user=alice@OTHER.TEST mechanism", self.login(server, "alice@OTHER.TEST", "of-the-other-alice"))
            self.assertIn(" user=alice mechanism", self.login(server, "alice"))
            self.login(server, "dave", None, WRONG, "the KDC does not know the user")
            self.login(server, "alice", "of-the-other-alice", WRONG, "wrong password")

    def test_key_tab(self):
        """A key tab with an old key: status names the remedy."""
        with Kdc(self.folder / "renewed", realm="RENEWED.TEST") as renewed:
            renewed.principal(SERVICE)
            renewed.principal("alice", "of-alice")
            old = renewed.keytab(self.folder / "old", SERVICE)
            renewed.admin(f"change_password -randkey {SERVICE}")
            self.kdc.krb5_conf.write_text(renewed.krb5_conf.read_text())
            server = Mailroot(self.access("passwords kerberos").replace(str(self.keytab), str(old)))
            with server:
                self.login(server, "alice", None, LATER, "write it again")


class Role(Passwords):
    def kerberos(self, server):
        return wait_for(lambda: server.pids().get("kerberos"), "mailroot-kerberos")

    def test_on_and_off(self):
        """A reload acts on open sessions, and starts and ends the process."""
        server = self.service("passwords file", auth="plain login gssapi")
        self.assertIsNone(server.pids().get("kerberos"))
        self.login(server, "alice", None, WRONG)
        text = server.conf.read_text()
        with greeted(server) as wire:
            server.conf.write_text(text.replace("passwords file", "passwords file kerberos; kerberos_realm EXAMPLE.COM"))
            server.ctl("reload")
            self.kerberos(server)
            self.assertEqual(ask(wire, b"AUTH PLAIN " + plain("alice", "of-alice"))[0], RIGHT)
            server.conf.write_text(text)
            server.ctl("reload")
            wait_for(lambda: not server.pids().get("kerberos"), "the end of mailroot-kerberos")
            self.assertEqual(ask(wire, b"MAIL FROM:<app@example.com>")[0], 250)
        self.login(server, "alice", None, WRONG)

    def test_accounts_come_first(self):
        """The first source that knows the user decides."""
        for order, code in (("file kerberos", WRONG), ("kerberos file", RIGHT)):
            server = Mailroot(self.access(f"passwords {order}"))
            with server:
                for name, password in (("alice", "of the file"), ("local", "of the file")):
                    subprocess.run([str(harness.BUILD / "mailrootctl"), "-c", str(server.conf), "user", "delete", name], capture_output=True)
                    subprocess.run([str(harness.BUILD / "mailrootctl"), "-c", str(server.conf), "user", "add", name], input=f"{password}\n",
                                   text=True, check=True, capture_output=True)
                self.login(server, "alice", "of-alice", code)
                self.login(server, "alice", "of the file", RIGHT if code == WRONG else WRONG)
                self.login(server, "local", "of the file")
                self.login(server, "bob")
            (self.folder / "users").unlink()

    def test_killed(self):
        """Whenever the process dies, no session hangs, and mail goes on."""
        server = self.service()
        port = harness.free_port()
        with socket.socket(type=socket.SOCK_DGRAM) as udp, socket.socket() as tcp:
            udp.bind(("127.0.0.1", port))
            tcp.bind(("127.0.0.1", port))
            tcp.listen(100)
            self.kdc_at(port)
            client = threading.Thread(target=self.login, args=(server, "alice", None, LATER))
            client.start()
            udp.settimeout(20)
            udp.recvfrom(4096)
            for _ in range(3):
                old = self.kerberos(server)
                os.kill(old, signal.SIGKILL)
                wait_for(lambda old=old: server.pids().get("kerberos") not in (None, old), "a new mailroot-kerberos", 40)
            start = time.monotonic()
            client.join()
            self.assertLess(time.monotonic() - start, 15)
        self.kdc.krb5_conf.write_text(self.usual)
        self.login(server, "bob")
        server.send(["user@example.com"])
        server.dropped(1)

    def test_stopped(self):
        """A process that hangs: the worker gives up, and master replaces it."""
        server = self.service()
        pid = self.kerberos(server)
        os.kill(pid, signal.SIGSTOP)
        try:
            start = time.monotonic()
            self.login(server, "bob", None, LATER)
            self.assertLess(time.monotonic() - start, 15)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    def test_cached(self):
        """A right password is believed for five minutes without the KDC."""
        server = self.service()
        self.login(server, "bob")
        self.kdc_at(harness.free_port())
        self.login(server, "bob")
        self.login(server, "bob", "wrong", LATER)

    @unittest.skipIf(os.geteuid(), "needs the users of the service")
    def test_jail(self):
        """A user of its own without rights, under seccomp; the child that hears the KDC has no link to master, and only its own."""
        server = self.service()
        pid = self.kerberos(server)
        wait_for(lambda: "Seccomp:\t2" in (status := pathlib.Path(f"/proc/{pid}/status").read_text()) and status, "the jail")
        status = dict(line.split(":\t", 1) for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines() if ":\t" in line)
        self.assertEqual(set(status["Uid"].split()), {str(pwd.getpwnam("mailroot-kerberos").pw_uid)})
        self.assertEqual((int(status["CapEff"], 16), int(status["CapBnd"], 16), status["NoNewPrivs"]), (0, 0, "1"))
        port = harness.free_port()
        with socket.socket(type=socket.SOCK_DGRAM) as udp:
            udp.bind(("127.0.0.1", port))
            udp.settimeout(20)
            self.kdc_at(port)
            client = threading.Thread(target=self.login, args=(server, "alice", None, LATER))
            client.start()
            udp.recvfrom(4096)
            child, = (int(word) for word in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
            sockets = [fd for fd in os.listdir(f"/proc/{child}/fd") if int(fd) > 2 and os.readlink(f"/proc/{child}/fd/{fd}").startswith("socket:")]
            self.assertLessEqual(len(sockets), 4, sockets)  # its link, and those of the library to the KDC
            shared = {os.readlink(f"/proc/{child}/fd/{fd}") for fd in sockets} & {os.readlink(f"/proc/{pid}/fd/{fd}") for fd in ("3", "12")}
            self.assertEqual(shared, set())
            client.join()

    @unittest.skipIf(os.geteuid(), "needs the users of the service")
    def test_check(self):
        server = Mailroot(self.access(), global_conf="kerberos_user no-such-user")
        done = server.ctl("check", check=False)
        self.assertIn("there is no user no-such-user (kerberos_user)", done.stdout + done.stderr)


if __name__ == "__main__":
    harness.main()
