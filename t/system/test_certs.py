"""Certificates and keys for an administrator: check, status, and reload after a renewal, without a dropped session."""
import contextlib
import hashlib
import json
import os
import pathlib
import shutil
import ssl
import subprocess
import unittest

import certs
import harness
from harness import Mailroot, Sink, wait_for

NAME = "mail.example.com"
OLDER_MAX, GENERATIONS = 16, 18  # of master/server.h; and one more than there are slots


class Pair:
    """The files in the configuration of a service. `install` replaces them as certbot does: new files, and links to them."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()
        self.certificate, self.key, self.count = folder / "mail.pem", folder / "mail.key", 0

    def install(self, certificate=None, key=None):
        self.count += 1
        for source, link in ((certificate, self.certificate), (key, self.key)):
            if source:
                target = self.folder / f"{self.count}-{link.name}"
                shutil.copy(source, target)
                link.with_suffix(".new").symlink_to(target)
                link.with_suffix(".new").rename(link)

    def __str__(self):
        return f"{self.certificate} {self.key}"


def facts(server):
    """The JSON status of the server, whatever the exit code."""
    return json.loads(server.ctl("status", "--json", check=False).stdout)["servers"][0]


def attention(server):
    return [entry["text"] for entry in facts(server)["attention"]]


def status(server):
    """The status as text, whatever the exit code."""
    return server.ctl("status", check=False).stdout


def secured(server):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    client = server.client()
    client.starttls(context=context)
    client.ehlo()
    return client


def fingerprint(client):
    return hashlib.sha256(client.sock.getpeercert(binary_form=True)).hexdigest()


def served(server):
    """The fingerprint of the certificate that a new session gets."""
    with secured(server) as client:
        return fingerprint(client)


class Made(unittest.TestCase):
    def setUp(self):
        self.folder = harness.scratch()
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.authority = certs.Authority(self.folder / "ca")
        self.pair = Pair(self.folder / "pair")

    def put(self, *names, **how):
        issued = self.authority.issue(*(names or [NAME]), **how)
        self.pair.install(issued.certificate, issued.key)
        return issued


class Renewal(Made):
    def test_new_sessions_get_it_and_open_ones_stay(self):
        first = self.put()
        with Mailroot(f"access {{ tls_certificate {self.pair} }}") as server, contextlib.ExitStack() as stack:
            clear, tls = stack.enter_context(server.client()), stack.enter_context(secured(server))
            clear.ehlo()
            tls.mail("a@example.com")
            self.assertEqual(fingerprint(tls), first.fingerprint())
            self.assertIn("nothing changed", server.ctl("reload").stdout)
            before = server.pids()["smtpd"]
            second = self.put()
            said = server.ctl("reload").stdout
            self.assertIn(f"server test: certificate {self.pair.certificate} changed: new sessions get it\n", said)
            self.assertIn(f"server test: key {self.pair.key} changed: new sessions get it\n", said)
            self.assertEqual(served(server), second.fingerprint())
            self.assertNotEqual(server.pids()["smtpd"], before)
            self.assertEqual(tls.rcpt("sales@example.com")[0], 250)
            self.assertEqual(tls.data(b"Subject: t\r\n\r\nhello\r\n")[0], 250)
            self.assertEqual(clear.sendmail("a@example.com", ["sales@example.com"], b"Subject: t\r\n\r\nhello\r\n"), {})
            server.dropped(2)
            self.assertIn("nothing changed", server.ctl("reload").stdout)
            self.assertEqual(attention(server), [])

    def test_a_session_in_each_of_many_generations(self):
        """More old smtpds than master keeps: the change that finds no slot waits, and no session is dropped."""
        self.put()
        with Mailroot(f"access {{ tls_certificate {self.pair} }}") as server, contextlib.ExitStack() as stack:
            clients = []
            for generation in range(GENERATIONS):
                client = stack.enter_context(secured(server))
                client.mail("a@example.com")
                clients.append(client)
                issued = self.put()
                done = server.ctl("reload", check=False)
                said = done.stdout + done.stderr
                self.assertEqual("waiting: " in said, generation >= OLDER_MAX, said)
                self.assertEqual(done.returncode, int(generation >= OLDER_MAX))
                if generation < OLDER_MAX:
                    self.assertEqual(served(server), issued.fingerprint())
            self.assertIn("still have sessions", status(server))
            for client in clients[:-2]:
                self.assertEqual(client.rcpt("sales@example.com")[0], 250)
                self.assertEqual(client.data(b"Subject: t\r\n\r\nhello\r\n")[0], 250)
                client.quit()
            wait_for(lambda: served(server) == issued.fingerprint(), "the last certificate")
            for client in clients[-2:]:
                self.assertEqual(client.rcpt("sales@example.com")[0], 250)
                self.assertEqual(client.data(b"Subject: t\r\n\r\nhello\r\n")[0], 250)
            server.dropped(GENERATIONS)
            self.assertEqual(facts(server)["trouble"], "")

    def test_written_in_place_with_the_old_date(self):
        self.put()
        with Mailroot(f"access {{ tls_certificate {self.pair} }}") as server:
            old = os.stat(self.pair.certificate)
            second = self.authority.issue(NAME)
            for source, path in ((second.certificate, self.pair.certificate), (second.key, self.pair.key)):
                pathlib.Path(path).write_bytes(source.read_bytes())
                os.utime(path, ns=(old.st_atime_ns, old.st_mtime_ns))
            server.ctl("reload")
            self.assertEqual(served(server), second.fingerprint())

    def test_a_wrong_key_leaves_the_old_certificate_in_service(self):
        first = self.put()
        with Mailroot(f"access {{ tls_certificate {self.pair} }}") as server, secured(server) as client:
            client.mail("a@example.com")
            self.pair.install(key=self.authority.issue(NAME).key)
            done = server.ctl("reload", check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn(f"server test: smtpd does not start: key {self.pair.key} does not fit certificate", done.stderr)
            self.assertIn("the previous smtpd goes on serving with the old configuration", done.stderr)
            self.assertEqual(served(server), first.fingerprint())
            self.assertEqual(client.rcpt("sales@example.com")[0], 250)
            self.assertIn(f"smtpd: key {self.pair.key} does not fit", status(server))
            self.assertIn("The previous smtpd goes on serving with the old configuration.", status(server))
            self.assertTrue(any("does not fit" in text for text in attention(server)))
            self.assertEqual(server.ctl("reload", check=False).returncode, 1)
            second = self.put()
            self.assertIn("reloaded", server.ctl("reload").stdout)
            self.assertEqual(served(server), second.fingerprint())
            self.assertEqual(attention(server), [])
            self.assertEqual(client.data(b"Subject: t\r\n\r\nhello\r\n")[0], 250)
            server.dropped(1)

    def test_a_missing_file_at_the_start_is_found_when_it_comes(self):
        issued = self.authority.issue(NAME)
        with Mailroot(f"access {{ tls_certificate {self.pair} }}") as server:
            self.assertIn(f"certificate {self.pair.certificate} can't be read: No such file", status(server))
            self.pair.install(issued.certificate, issued.key)
            wait_for(lambda: facts(server)["state"] == "running", "a start without a reload", 25)
            self.assertEqual(served(server), issued.fingerprint())
            self.assertEqual(attention(server), [])


class Status(Made):
    def test_an_expired_certificate_of_another_name(self):
        self.put("other.example.com", since=-30, days=20)
        with Mailroot(f"access {{ tls_certificate {self.pair} }}") as server:
            said = status(server)
            self.assertRegex(said, rf"smtpd: certificate {self.pair.certificate} expired on \d{{4}}-\d\d-\d\d: renew it, then: mailrootctl reload")
            self.assertIn("smtpd: no tls_certificate has the name mail.example.com (fqdn), only other.example.com", said)
            self.assertEqual(len(attention(server)), 2)
            self.put()
            server.ctl("reload")
            self.assertEqual(attention(server), [])

    def test_one_that_expires_soon_is_told_by_reload_too(self):
        self.put()
        with Mailroot(f"access {{ tls_certificate {self.pair} }}") as server:
            self.put(days=10)
            said = server.ctl("reload").stdout
            self.assertRegex(said, r"server test: warning: certificate .* expires on .*, in [89] days: renew it")
            self.assertRegex(attention(server)[0], "expires on")

    def test_our_name_follows_the_configuration(self):
        self.put()
        with Mailroot(f"access {{ tls_certificate {self.pair} }}") as server:
            self.assertEqual(attention(server), [])
            server.conf.write_text(server.conf.read_text().replace("fqdn mail.example.com", "fqdn new.example.net"))
            server.ctl("reload")
            wait_for(lambda: any("new.example.net (fqdn)" in text for text in attention(server)), "word of the name")


class Outbound(Made):
    def conf(self, sink):
        return (f"smart_host [127.0.0.1]:{sink.port}\n"
                f"remote_domain a.example {{ route [127.0.0.1]:{sink.port}; outbound {{ tls opportunistic; client_certificate {self.pair} }} }}")

    def test_a_bad_client_certificate_stops_only_its_own_mail(self):
        self.put()
        with Sink() as sink, Mailroot(self.conf(sink)) as server:
            server.send(["u@a.example"])
            wait_for(lambda: len(sink.messages) == 1, "mail with a good client certificate")
            self.pair.install(key=self.authority.issue(NAME).key)
            said = server.ctl("reload", check=False)
            self.assertIn(f"server test: key {self.pair.key} changed: new connections get it", said.stdout + said.stderr)
            wait_for(lambda: any("a.example" in text for text in attention(server)), "word of the client certificate")
            server.send(["u@b.example"])
            wait_for(lambda: len(sink.messages) == 2, "mail of others")
            server.send(["u@a.example"])
            wait_for(lambda: server.ctl_json("queue", "list")["messages"], "mail that waits")
            self.put()
            server.ctl("reload")
            self.assertEqual(attention(server), [])
            server.ctl("queue", "retry", "--all", "--yes", check=False)  # the queue may be faster
            wait_for(lambda: len(sink.messages) == 3, "the mail that waited")


    def test_a_client_certificate_that_expires_soon_is_told(self):
        self.put(days=5)
        with Sink() as sink, Mailroot(self.conf(sink)) as server:
            self.assertRegex(status(server), rf"delivery: certificate {self.pair.certificate} expires on .*: renew it, then: mailrootctl reload")
            self.put()
            server.ctl("reload")
            self.assertEqual(attention(server), [])


class Check(Made):
    def check(self, server, user=None):
        conf = self.folder / "check.conf"
        conf.write_text(f"mailroot_dir {self.folder}/spool\nrun_dir {self.folder}/run\n"
                        f"virtual_server test {{\nfqdn {NAME}\n{server}\n}}\n")
        become = ["setpriv", "--reuid", user, "--regid", user, "--clear-groups"] if user else []
        done = subprocess.run([*become, str(harness.BUILD / "mailrootctl"), "check", str(conf)], capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout + done.stderr

    def expect(self, server, code, *texts, user=None):
        got, said = self.check(server, user)
        self.assertEqual(got, code, said)
        for text in texts:
            self.assertIn(text, said)

    def test_valid_certificates(self):
        self.put()
        self.expect(f"access {{ tls_certificate {self.pair} }}\noutbound {{ tls verify; client_certificate {self.pair}; tls_ca {self.authority.file} }}", 0,
                    "is good: 1 virtual server, 0 warnings")

    def test_errors_that_prevent_a_start(self):
        good, weak = self.authority.issue(NAME), self.authority.issue(NAME, kind="weak")
        self.expect(f"access {{ tls_certificate {good.certificate} {weak.key} }}", 1,
                    f"check.conf:5: error: key {weak.key} does not fit certificate {good.certificate}",
                    "the service would accept it, but not all of it would work")
        self.expect(f"access {{ tls_certificate {weak} }}", 1, "check.conf:5: error: ", "key too small")
        self.expect(f"access {{ tls_certificate {good.key} {good.certificate} }}", 1, "were the two files exchanged?")
        encrypted = self.folder / "encrypted.key"
        certs.openssl("pkey", "-in", good.key, "-aes128", "-passout", "pass:hush", "-out", encrypted)
        self.expect(f"access {{ tls_certificate {good.certificate} {encrypted} }}", 1, "is encrypted with a passphrase", "openssl pkey")

    def test_certificates_that_clients_may_refuse(self):
        other = self.authority.issue("other.example.com", since=-30, days=20)
        other.key.chmod(0o644)
        self.expect(f"access {{ tls_certificate {other} }}", 0, "warning: certificate", "expired on",
                    "no tls_certificate has the name mail.example.com (fqdn), only other.example.com", "may be read by every user: chmod 600",
                    "is good: 1 virtual server, 3 warnings")
        good = self.authority.issue(NAME)
        self.expect(f"access {{ tls_certificate {good}; tls_certificate {other} }}", 0, "2 warnings")

    def test_secrets_of_delivery(self):
        password, missing = self.folder / "password", self.folder / "missing"
        password.write_text("hush\n")
        password.chmod(0o640)
        block = "remote_domain a.example {{ route [127.0.0.2]:2525; outbound {{ tls verify; auth plain; username u; password_file {} }} }}"
        self.expect(block.format(password), 1, "check.conf:5: error: password_file", "chmod 600")
        self.assertNotIn("hush", self.check(block.format(password))[1])
        self.expect(block.format(missing), 1, "No such file or directory")
        password.chmod(0o600)
        self.expect(block.format(password), 0)
        password.write_text("\n")
        self.expect(block.format(password), 1, "begins with an empty line")
        self.expect(f"outbound {{ tls verify; tls_ca {password} }}", 1, "holds no certificate in PEM")

    def test_accounts_and_key_tabs(self):
        self.put()
        users, keytab = self.folder / "users", self.folder / "keytab"
        access = f"access {{ tls_certificate {self.pair}; auth plain gssapi; user_file {users}; keytab {keytab} }}"
        self.expect(access, 0, "mailrootctl user add NAME creates it", "key tab", "2 warnings")
        users.write_text("no account at all\n")
        keytab.write_bytes(b"\x05\x02")
        users.chmod(0o600)
        keytab.chmod(0o600)
        self.expect(access, 0, "line 1: ", "1 warning")
        users.write_text("")
        self.expect(access, 0, "0 warnings")

    @unittest.skipIf(os.geteuid(), "only root can become somebody else")
    def test_a_user_who_may_not_read_the_key(self):
        issued = self.put("other.example.com")
        os.chmod(self.pair.folder, 0o755)
        self.expect(f"access {{ tls_certificate {self.pair} }}", 0, f"note: key {self.pair.key} was not examined: you may not read it",
                    "no tls_certificate has the name mail.example.com", user="65534")
        self.assertTrue(issued.key.exists())


if __name__ == "__main__":
    harness.main()
