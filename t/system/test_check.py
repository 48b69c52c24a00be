"""What `mailrootctl check` reports about the environment of a valid configuration: folders and host names."""
import os
import pwd
import subprocess
import unittest

import certs
import harness
from test_dns import A, NameServer, loopback

MX = 15


class Check(unittest.TestCase):
    def setUp(self):
        self.folder = harness.scratch()

    def check(self, server, dns="", user=None):
        conf = self.folder / "check.conf"
        conf.write_text(f"mailroot_dir {self.folder}/spool\nrun_dir {self.folder}/run\n{dns}\n"
                        f"virtual_server test {{\nfqdn mail.example.com\n{server}\n}}\n")
        become = ["setpriv", "--reuid", user, "--regid", user, "--clear-groups"] if user else []
        done = subprocess.run([*become, str(harness.BUILD / "mailrootctl"), "check", str(conf)], capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout + done.stderr

    def expect(self, server, code, *texts, **more):
        got, said = self.check(server, **more)
        self.assertEqual(got, code, said)
        for text in texts:
            self.assertIn(text, said)


@unittest.skipIf(os.geteuid(), "only root can ask what another user may do")
class Folders(Check):
    def forms(self, path):
        """Every setting with a folder, and the name of the folder in messages."""
        return (("drop folder", f"local_domain a.test {{ drop_dir {path} }}"), ("badmail folder", f"badmail_dir {path}"),
                ("pickup folder", f"pickup_dir {path}"), ("log folder", f"log {{ dir {path} }}"))

    def service_user(self):
        try:
            return pwd.getpwnam("mailroot")
        except KeyError:
            self.skipTest("there is no user mailroot")

    def test_folder_whose_parent_is_missing(self):
        self.service_user()
        for what, setting in self.forms(f"{self.folder}/no/such"):
            with self.subTest(what=what):
                self.expect(setting, 1, f"check.conf:6: error: {what} {self.folder}/no/such can't be created, because {self.folder}/no is no folder: "
                                        f"mkdir -p {self.folder}/no\n", "the service would accept it, but not all of it would work")
        self.expect(f"enabled no; badmail_dir {self.folder}/no/such", 0)

    def test_folder_that_the_service_makes(self):
        self.service_user()
        for what, setting in self.forms(f"{self.folder}/new"):
            with self.subTest(what=what):
                self.expect(setting, 0, "0 warnings")
        self.assertFalse((self.folder / "new").exists())

    def test_folder_that_the_service_may_not_use(self):
        user = self.service_user()
        closed = self.folder / "closed"
        closed.mkdir()
        for what, setting in self.forms(closed):
            with self.subTest(what=what):
                self.expect(setting, 1, f"error: {what} {closed}: the user of the service, mailroot, may not read and write there: "
                                        f"chown mailroot {closed}\n")
        os.chown(closed, user.pw_uid, user.pw_gid)
        for what, setting in self.forms(closed):
            self.expect(setting, 0, "0 warnings")

    def test_file_in_the_place_of_a_folder(self):
        self.service_user()
        self.expect(f"badmail_dir {self.folder}/check.conf", 1, "is no folder")

    def test_a_user_without_permission(self):
        closed = self.folder / "closed"
        closed.mkdir(mode=0o700)
        self.expect(f"badmail_dir {closed}", 0, f"note: badmail folder {closed} was not examined: you may not write there; run check as root",
                    user="65534")


@unittest.skipIf(os.geteuid(), "only root runs a process as another user")
class Users(Check):
    def test_users_that_only_some_configurations_need(self):
        harness.users()
        tokens = "oauth { provider microsoft365; tenant t.test; client_id c; client_secret_file /none }"
        needed = {
            "web_user": f"smart_host [192.0.2.1]; outbound {{ tls verify; auth xoauth2; username u@a.test; {tokens} }}",
            "kerberos_user": "access { auth plain; auth_requires_tls no; passwords kerberos; keytab /none }",
            "filters_user": "filter one { address inet:127.0.0.1:9 }",
        }
        for setting, block in needed.items():
            with self.subTest(setting):
                missing = f"{setting} no-such-user"
                self.expect(block, 1, f"check.conf:3: error: there is no user no-such-user ({setting}), so ", dns=missing)
                for server, line in ((block, ""), (f"enabled no\n{block}", missing), ("", missing)):
                    self.assertNotIn("there is no user", self.check(server, line)[1])


class Tokens(Check):
    """The files with which a block gets access tokens: each fault in the line that names the file."""

    def secret(self, name, text, mode=0o600):
        path = self.folder / name
        path.write_text(text)
        path.chmod(mode)
        return path

    def block(self, oauth, more=""):
        return f"{more}\nsmart_host [192.0.2.1]\noutbound {{ tls verify; auth xoauth2; username u@a.test; oauth {{\n{oauth}\n}} }}"

    def expect_oauth(self, oauth, code, *texts, line=9, **more):
        harness.users() if not os.geteuid() else None
        self.expect(self.block(oauth, **more), code, *(text if "warnings" in text else f"check.conf:{line}: {text}" for text in texts))

    def test_secret(self):
        app = "provider microsoft365; tenant t.test; client_id c; client_secret_file"
        good = self.secret("good", "secret\n")
        self.expect_oauth(f"{app} {good}", 0, "0 warnings")
        self.expect_oauth(f"{app} {good}; secret_expires 2020-01-31", 0, f"warning: client_secret_file {good} expired on 2020-01-31: make a new secret")
        self.expect_oauth(f"{app} {self.folder}/none", 1, f"error: client_secret_file {self.folder}/none can't be used: No such file")
        empty = self.secret("empty", "\nsecret\n")
        self.expect_oauth(f"{app} {empty}", 1, f"error: client_secret_file {empty} begins with an empty line")
        shown = self.secret("shown", "secret\n", mode=0o644)
        self.expect_oauth(f"{app} {shown}", 1, f"error: client_secret_file {shown} may be read or written by every user")

    def test_certificate(self):
        app = "provider microsoft365; tenant t.test; client_id c; client_certificate"
        rsa, ecdsa = (certs.self_signed(self.folder, "app", kind=kind) for kind in ("rsa", "ecdsa"))
        self.expect_oauth(f"{app} {rsa}", 0, "0 warnings")
        self.expect_oauth(f"{app} {ecdsa}", 1, f"error: client_certificate {ecdsa.certificate} has no RSA key")
        self.expect_oauth(f"{app} {rsa.certificate} {ecdsa.key}", 1, "error: ")

    def test_service_account(self):
        app = "provider google; service_account_file"
        good = self.secret("good", '{ "type": "service_account", "private_key": "x", "client_email": "y" }')
        self.expect_oauth(f"{app} {good}", 0, "0 warnings")
        bad = self.secret("bad", '{ "installed": { "client_id": "x" } }')
        self.expect_oauth(f"{app} {bad}", 1, f"error: service_account_file {bad} is no key of a service account in JSON")

    def test_proxy(self):
        app = f"provider microsoft365; tenant t.test; client_id c; client_secret_file {self.secret('good', 'secret')}"
        shown = self.secret("shown", "secret\n", mode=0o644)
        proxy = f"web {{ proxy http://p.test; proxy_user u; proxy_password_file {shown}; ca {shown} }}"
        self.expect_oauth(app, 1, f"error: proxy_password_file {shown} may be read", f"error: ca {shown} holds no certificate", more=proxy, line=6)


class Names(Check):
    RECORDS = {("smtp.test", A): loopback(1), ("exchanged.test", MX): [b"\0\x0a\4smtp\4test\0"]}
    ROUTES = ("smart_host {}", "remote_domain x.test {{ route {} }}", "connector c {{ address_space x.test; route {} }}")

    def test_hosts_that_exist(self):
        with NameServer(self.RECORDS) as names:
            for route in self.ROUTES:
                for host in ("smtp.test", "[smtp.test]:587", "exchanged.test", "[192.0.2.1]", "[localhost]:26"):
                    with self.subTest(route=route, host=host):
                        self.expect(route.format(host), 0, "0 warnings", dns=f"dns_server 127.0.0.1:{names.port}")

    def test_hosts_that_do_not(self):
        with NameServer(self.RECORDS) as names:
            for route in self.ROUTES:
                for host in ("smtpp.test", "[smtpp.test]:587", "[exchanged.test]"):
                    with self.subTest(route=route, host=host):
                        name = host.split("]")[0].strip("[")
                        self.expect(route.format(f"[192.0.2.1] {host}"), 0, f"check.conf:6: warning: {route.split(' ')[0] if 'smart' in route else 'route'} "
                                    f"{name}: DNS has no host of this name, so its mail waits", "1 warning",
                                    dns=f"dns_server 127.0.0.1:{names.port}")

    def test_without_an_answer(self):
        """One warning for the name server and one for all names, within seconds."""
        with NameServer(self.RECORDS, silent=("a.test", "b.test", "c.test")) as names:
            hosts = "smart_host [a.test] [b.test] [c.test]"
            self.expect(hosts, 0, "warning: smart_host a.test: no name server answered in time", "1 warning", dns=f"dns_server 127.0.0.1:{names.port}")
            names.mute = True
            self.expect(hosts, 0, "does not answer", "2 warnings", dns=f"dns_server 127.0.0.1:{names.port}")

    def test_second_name_server_is_asked(self):
        with NameServer({}, silent=("smtp.test",)) as silent, NameServer(self.RECORDS) as names:
            self.expect("smart_host [smtp.test]", 0, "0 warnings", dns=f"dns_server 127.0.0.1:{silent.port} 127.0.0.1:{names.port}")


if __name__ == "__main__":
    harness.main()
