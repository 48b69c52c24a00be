"""mailroot-web against an issuer of access tokens that gives, refuses, lies and attacks."""
import contextlib
import json
import os
import pathlib
import random
import re
import signal
import subprocess
import threading
import time
import unittest

import certs
import harness
import idp
from harness import Mailroot, wait_for

SECRET = "s3cret+/=~ value"


class Service(Mailroot):
    """One connector with auth xoauth2, whose provider is ISSUER."""

    def __init__(self, issuer, authority, oauth="client_secret_file", more="", web="", global_conf="", url=None):
        super().__init__()
        self.secret = self.file("secret", SECRET + "\n")
        how = f"client_secret_file {self.secret}" if oauth == "client_secret_file" else oauth
        self.write_conf(f"""
    web {{ ca {authority.file}; {web} }}
    connector cloud {{
        address_space far.test
        route [127.0.0.1]:{harness.free_port()}
        outbound {{
            tls verify; auth xoauth2; username relay@example.com
            oauth {{ token_url {url or issuer.url}/token; {how}; {more} }}
        }}
    }}""", global_conf=global_conf)

    def file(self, name, text):
        path = self.folder / name
        path.write_text(text)
        path.chmod(0o600)
        return path

    def token(self):
        """The only one; without state while a process that was killed has no ready successor."""
        tokens = json.loads(self.ctl("oauth", "status", "--json", check=False).stdout)["tokens"]
        return tokens[0] if tokens else {"state": "", "error": ""}

    def wait_state(self, state, seconds=20):
        return wait_for(lambda: (self.token()["state"] == state) and self.token(), f"state {state}, but {self.token()}", seconds)

    def wait_error(self, words, seconds=20):
        wait_for(lambda: words in self.token()["error"], f"error {words}, but {self.token()}", seconds)
        return self.token()

    def web_pid(self):
        return wait_for(lambda: self.pids().get("web"), "mailroot-web")


CLIENT = "client_id 535fb089; scope s"


class Web(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = harness.scratch()
        cls.authority = certs.Authority(cls.folder / "ca")

    def issuer(self, **options):
        issuer = idp.Idp(self.authority, **options)
        self.enterContext(issuer)
        return issuer

    def service(self, issuer, *args, **options):
        options.setdefault("more", CLIENT)
        service = Service(issuer, self.authority, *args, **options)
        self.enterContext(service)
        return service


class Grants(Web):
    def test_client_credentials_with_a_secret(self):
        issuer = self.issuer()
        service = self.service(issuer)
        row = service.wait_state("valid")
        self.assertEqual(issuer.asked()[0].form, {"grant_type": "client_credentials", "client_id": "535fb089", "scope": "s", "client_secret": SECRET})
        self.assertEqual((row["block"], row["mechanism"], row["user"]), ("connector cloud", "xoauth2", "relay@example.com"))
        self.assertGreater(row["valid_s"], 3500)
        self.assertTrue(1600 < row["next_s"] < 2000, row)
        claims = service.ctl_json("oauth", "test")["claims"]
        self.assertEqual(claims["appid"], "535fb089")
        self.assertEqual(json.loads(claims["roles"]), ["SMTP.SendAsApp"])
        self.assertEqual(len(issuer.asked()), 2)
        self.assertNotIn(issuer.token, service.log())
        self.assertNotIn(SECRET, service.log())

    def test_client_credentials_with_a_certificate(self):
        issuer = self.issuer()
        for algorithm, padding in (("ps256", "pss"), ("rs256", "pkcs1")):
            with self.subTest(algorithm=algorithm):
                pair = self.authority.issue("app", kind="rsa")
                os.chmod(pair.key, 0o600)
                service = self.service(issuer, f"client_certificate {pair}; assertion {algorithm}")
                service.wait_state("valid")
                form = issuer.asked()[-1].form
                self.assertEqual(form["client_assertion_type"], "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
                self.assertNotIn("client_secret", form)
                header, claims = idp.verified(form["client_assertion"], pair.certificate, padding)
                self.assertEqual(header["alg"], algorithm.upper())
                self.assertEqual(idp.unpack(header["x5t#S256"]).hex(), pair.fingerprint())
                self.assertEqual((claims["iss"], claims["sub"], claims["aud"]), ("535fb089", "535fb089", f"{issuer.url}/token"))
                self.assertEqual(claims["exp"] - claims["iat"], 300)

    def test_a_key_that_can_not_be_used_is_said(self):
        issuer = self.issuer()
        pair = self.authority.issue("app", kind="ecdsa")
        os.chmod(pair.key, 0o600)
        service = self.service(issuer, f"client_certificate {pair}")
        service.wait_error("no RSA key")
        self.assertIn("no RSA key", service.ctl("status", check=False).stdout)
        self.assertEqual(issuer.requests, [])

    def test_a_service_account(self):
        issuer = self.issuer()
        pair = self.authority.issue("account", kind="rsa")
        account = {"type": "service_account", "client_email": "r@p.iam.example", "private_key_id": "k1", "private_key": pair.key.read_text(),
                   "token_uri": f"{issuer.url}/token"}
        path = pathlib.Path(self.folder) / "account.json"
        path.write_text(json.dumps(account))
        path.chmod(0o600)
        service = self.service(issuer, f"grant service_account; service_account_file {path}", more="scope https://mail.example/")
        service.wait_state("valid")
        form = issuer.asked()[0].form
        self.assertEqual(form["grant_type"], "urn:ietf:params:oauth:grant-type:jwt-bearer")
        header, claims = idp.verified(form["assertion"], pair.certificate, "pkcs1")
        self.assertEqual((header["alg"], header["kid"]), ("RS256", "k1"))
        self.assertEqual((claims["iss"], claims["sub"], claims["scope"]), ("r@p.iam.example", "relay@example.com", "https://mail.example/"))

    def test_a_person_signs_in_and_the_refresh_token_lasts(self):
        issuer = self.issuer()
        service = self.service(issuer, f"grant refresh; device_url {issuer.url}/device")
        service.wait_state("login")
        self.assertIn("oauth login", service.ctl("status", check=False).stdout)
        polls = iter([idp.refuse("authorization_pending"), idp.refuse("slow_down"), idp.token(refresh="R")])
        device = idp.say(json.dumps({"device_code": "D", "user_code": "ABC-123", "verification_uri": "https://idp.test/device", "interval": 1}))
        issuer.way = lambda issuer, request: (device if request.path == "/device" else next(polls))(issuer, request)
        done = service.ctl("oauth", "login")
        self.assertIn("ABC-123", done.stdout)
        self.assertIn("https://idp.test/device", done.stdout)
        service.wait_state("valid")
        stored = service.folder / "state/oauth/test/connector%20cloud.json"
        self.assertEqual(json.loads(stored.read_text())["refresh_token"], issuer.refresh)
        self.assertEqual(stored.stat().st_mode & 0o777, 0o600)
        before = issuer.refresh
        issuer.way = idp.token(refresh="S")
        service.stop()
        service.start()
        service.wait_state("valid")
        self.assertEqual(issuer.asked()[-1].form["refresh_token"], before)
        self.assertEqual(json.loads(stored.read_text())["refresh_token"], issuer.refresh)
        issuer.way = idp.refuse("invalid_grant", "AADSTS700082: expired", 700082)
        self.assertNotEqual(service.ctl("oauth", "test", check=False).returncode, 0)
        self.assertIn("90 days", service.token()["error"])
        service.ctl("oauth", "forget", "--yes")
        self.assertFalse(stored.exists())
        self.assertEqual(service.token()["state"], "login")

    def test_a_refresh_token_is_imported(self):
        issuer = self.issuer()
        service = self.service(issuer, f"grant refresh; device_url {issuer.url}/device")
        service.wait_state("login")
        done = subprocess.run([str(harness.BUILD / "mailrootctl"), "-c", str(service.conf), "oauth", "import"], input="0.AX~imported\n",
                              capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(issuer.asked()[0].form["refresh_token"], "0.AX~imported")
        service.wait_state("valid")


class Outages(Web):
    def test_it_is_back_when_the_issuer_is(self):
        issuer = self.issuer()
        issuer.close()
        service = self.service(issuer)
        self.assertNotRegex(service.wait_error("onnect")["error"], r"\d ms")
        self.assertIn("mail waits: connector cloud", service.ctl("status", check=False).stdout)
        issuer.open()
        service.wait_state("valid")
        wait_for(lambda: "mail waits" not in service.ctl("status", check=False).stdout, "no trouble")

    def test_a_kill_leaves_the_token(self):
        issuer = self.issuer()
        service = self.service(issuer)
        service.wait_state("valid")
        old = service.web_pid()
        os.kill(old, signal.SIGKILL)
        wait_for(lambda: service.pids().get("web") not in (None, old), "a new mailroot-web")
        self.assertEqual(service.wait_state("valid")["error"], "")
        self.assertEqual(len(issuer.asked()), 1)

    def test_throttling_is_heeded(self):
        issuer = self.issuer()
        issuer.way = idp.say("{}", 429, "Retry-After: 1800")
        service = self.service(issuer)
        row = service.wait_error("429")
        self.assertTrue(1780 < row["next_s"] <= 1800, row)

    def test_a_wrong_clock_is_told(self):
        issuer = self.issuer()
        pair = self.authority.issue("app", kind="rsa")
        os.chmod(pair.key, 0o600)
        issuer.way = idp.refuse("invalid_client", "AADSTS700024: Client assertion is not within its valid time range.", 700024, 401,
                                date=time.time() + 7230)
        service = self.service(issuer, f"client_certificate {pair}")
        service.wait_error("the clock of this machine is 2h slow")

    def test_a_reload_asks_again(self):
        issuer = self.issuer()
        issuer.way = idp.refuse("unauthorized_client", "AADSTS700016: x", 700016)
        service = self.service(issuer)
        service.wait_error("no such application")
        issuer.way = idp.token()
        service.conf.write_text(service.conf.read_text().replace(CLIENT, f"{CLIENT}; secret_expires 2020-01-01"))
        service.ctl("reload")
        service.wait_state("valid")
        self.assertIn("the client secret has expired (2020-01-01)", service.ctl("status", check=False).stdout)

    def test_errors_have_a_remedy_and_a_pace(self):
        issuer = self.issuer()
        rows = [("invalid_client", 7000215, "the secret's value, not its ID", 60), ("invalid_client", 7000222, "expired", 60),
                ("unauthorized_client", 700016, "no such application", 60), ("temporarily_unavailable", 90033, "passing", 2)]
        issuer.way = idp.refuse("invalid_scope")
        service = self.service(issuer)
        service.wait_error("scope")
        for error, number, words, most in rows:
            with self.subTest(number=number):
                issuer.way = idp.refuse(error, f"AADSTS{number}: said", number)
                done = service.ctl("oauth", "test", check=False)
                self.assertNotEqual(done.returncode, 0)
                self.assertIn(words, done.stdout + done.stderr)
                self.assertIn(f"AADSTS{number}", service.token()["error"])


class Persons(Web):
    """What a person gave once must last."""

    def signed_in(self, way):
        issuer = self.issuer()
        service = self.service(issuer, f"grant refresh; device_url {issuer.url}/device")
        service.wait_state("login")
        issuer.way = way
        done = subprocess.run([str(harness.BUILD / "mailrootctl"), "-c", str(service.conf), "oauth", "import"], input="first\n",
                              capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return issuer, service

    @staticmethod
    def stored(service):
        return json.loads((service.folder / "state/oauth/test/connector%20cloud.json").read_text())["refresh_token"]

    def test_a_stop_waits_for_the_answer(self):
        """An issuer that takes the old refresh token back when it has given another one."""
        issuer, service = self.signed_in(idp.token(refresh="R"))
        asked, go = threading.Event(), threading.Event()
        rotate = idp.token(refresh="S")

        def late(issuer, request):
            asked.set()
            go.wait(20)
            return rotate(issuer, request)
        issuer.way = late
        test = threading.Thread(target=service.ctl, args=("oauth", "test"), kwargs={"check": False})
        test.start()
        self.assertTrue(asked.wait(20))
        pid = service.web_pid()
        stop = threading.Thread(target=service.stop)
        stop.start()
        wait_for(lambda: "smtpd" not in service.pids(), "the end of smtpd")
        self.assertIn(pid, service.descendants())
        go.set()
        stop.join()
        test.join()
        self.assertEqual(self.stored(service), issuer.refresh)

    def test_kills_at_any_moment(self):
        given = ["first"]
        rotate = idp.token(refresh="R")

        def noted(issuer, request):
            answer = rotate(issuer, request)
            given.append(issuer.refresh)
            return answer
        issuer, service = self.signed_in(noted)
        chance = random.Random(7)
        for _ in range(5):
            pid = service.web_pid()
            test = threading.Thread(target=service.ctl, args=("oauth", "test"), kwargs={"check": False})
            before = len(given)
            test.start()
            if chance.random() < 0.7:
                wait_for(lambda: len(given) > before or not test.is_alive(), "a request")
            time.sleep(chance.random() * 0.01)
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            test.join()
            self.assertIn(self.stored(service), given[-2:])
            wait_for(lambda: service.pids().get("web") not in (None, pid), "a new mailroot-web", 40)
        wait_for(lambda: service.ctl("oauth", "status", check=False).returncode == 0, "the last one ready")
        service.ctl("oauth", "test")
        self.assertEqual(self.stored(service), given[-1])


class Console(Web):
    """mailrootctl oauth, when what it asks for can't be."""

    def say_no(self, service, *command, stdin=None):
        done = subprocess.run([str(harness.BUILD / "mailrootctl"), "-c", str(service.conf), "oauth", *command], input=stdin or "",
                              capture_output=True, text=True, timeout=60)
        self.assertNotEqual(done.returncode, 0, done.stdout)
        return done.stdout + done.stderr

    def test_what_only_persons_have(self):
        service = self.service(self.issuer())
        service.wait_state("valid")
        for command in (("login",), ("forget", "--yes"), ("import",)):
            with self.subTest(command=command):
                self.assertIn("grant refresh", self.say_no(service, *command, stdin="token\n"))
        self.assertEqual(service.token()["state"], "valid")

    def test_nobody_has_signed_in(self):
        service = self.service(self.issuer(), "grant refresh")
        service.wait_state("login")
        self.assertIn("somebody must sign in", self.say_no(service, "test"))
        self.assertIn("device_url", self.say_no(service, "login"))
        self.say_no(service, "import", stdin="two words\n")
        self.assertEqual(list((service.folder / "state/oauth/test").iterdir()), [])

    def test_a_person_gives_up(self):
        issuer = self.issuer()
        service = self.service(issuer, f"grant refresh; device_url {issuer.url}/device")
        service.wait_state("login")
        device = idp.say(json.dumps({"device_code": "D", "user_code": "ABC-123", "verification_uri": "https://idp.test/device", "interval": 1}))
        issuer.way = lambda issuer, request: (device if request.path == "/device" else idp.refuse("authorization_pending"))(issuer, request)
        command = [str(harness.BUILD / "mailrootctl"), "-c", str(service.conf), "oauth", "login"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as first:
            issuer.wait(1)
            self.assertIn("somebody is signing in already", self.say_no(service, "login"))
            first.terminate()
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as second:
            issuer.wait(2, "/device")
            issuer.way = idp.refuse("access_denied")
            self.assertNotEqual(second.wait(20), 0)
        self.assertIn("has refused", service.token()["error"])

    def test_a_sign_in_that_is_forgotten_while_a_token_is_asked_for(self):
        issuer = self.issuer()
        go = threading.Event()
        rotate = idp.token(refresh="R")

        def late(issuer, request):
            go.wait(20)
            return rotate(issuer, request)
        service = self.service(issuer, f"grant refresh; device_url {issuer.url}/device")
        service.wait_state("login")
        issuer.way = late
        with subprocess.Popen([str(harness.BUILD / "mailrootctl"), "-c", str(service.conf), "oauth", "import"], stdin=subprocess.PIPE,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as client:
            client.stdin.write(b"first\n")
            client.stdin.close()
            issuer.wait(1)
            service.ctl("oauth", "forget", "--yes")
            go.set()
            self.assertNotEqual(client.wait(20), 0)
        self.assertEqual(service.token()["state"], "login")
        self.assertEqual(list((service.folder / "state/oauth/test").iterdir()), [])


class Slow(Web):
    def test_one_issuer_that_hangs_delays_no_other(self):
        """It may take 30 s in all, and no longer, however it passes the time."""
        slow, fast = self.issuer(), self.issuer()
        slow.way = lambda issuer, request: "drip"
        service = Service(slow, self.authority, more=CLIENT)
        conf = service.conf.read_text()
        block = conf[conf.index("    connector cloud"):conf.rindex("}")]
        second = block.replace("cloud", "second").replace("far.test", "near.test").replace(slow.url, fast.url)
        service.conf.write_text(conf.replace(block, block + second))
        self.enterContext(service)
        since = time.monotonic()

        def rows():
            return {row["block"]: row for row in service.ctl_json("oauth", "status")["tokens"]}
        wait_for(lambda: rows()["connector second"]["state"] == "valid", "the token of the other block", 5)
        self.assertEqual(rows()["connector cloud"]["state"], "asking")
        wait_for(lambda: rows()["connector cloud"]["error"], "the end of the slow request", 40)
        self.assertTrue(29 < time.monotonic() - since < 45)
        self.assertIn("timed out", rows()["connector cloud"]["error"].lower())


class Attacks(Web):
    def test_what_is_no_token_is_refused(self):
        issuer = self.issuer()
        issuer.way = idp.refuse("invalid_scope")
        service = self.service(issuer)
        service.wait_error("scope")
        attacks = {
            "redirect": idp.say("", 302, f"Location: {issuer.url}/other"),
            "to http": idp.say("", 307, "Location: http://127.0.0.1:1/token"),
            "a bomb": idp.bomb,
            "html": idp.say("<html>", 502),
            "twice": idp.say('{"token_type":"Bearer","access_token":"a","access_token":"b"}'),
            "1e99": idp.with_token("t", expires_in="1e99"),
            "CR LF": idp.with_token(r"a\r\nRCPT TO:<x>"),
            "^A": idp.with_token(r"a\u0001\u0001user=x"),
            "NUL": idp.with_token(r"a\u0000b"),
            "too long": idp.with_token("x" * 12001),
            "no answer": lambda issuer, request: None,
            "endless": lambda issuer, request: "endless",
            "endless header": idp.say("{}", 200, *[f"X-{i}: {'y' * 900}" for i in range(200)]),
            "deep": idp.say("[" * 60000),
            "wrong length": lambda issuer, request: idp.Answer("{}", 200, ["Content-Length: 99999999999"]),
        }
        for name, way in attacks.items():
            with self.subTest(attack=name):
                issuer.way = way
                done = service.ctl("oauth", "test", check=False)
                self.assertNotEqual(done.returncode, 0, name)
                row = service.token()
                self.assertIsNone(row["valid_s"], name)
        self.assertLess(issuer.sent, 64 << 20)
        self.assertEqual(issuer.asked("/other"), [])
        issuer.way = idp.token()
        service.ctl("oauth", "test")
        self.assertEqual(service.wait_state("valid")["error"], "")

    def test_an_issuer_that_repeats_what_it_heard(self):
        def echo(issuer, request):
            said = " ".join(value for name, value in request.form.items() if name in ("client_secret", "client_assertion"))
            return idp.refuse("invalid_client", f"Not valid: {said}")(issuer, request)
        pair = self.authority.issue("app", kind="rsa")
        os.chmod(pair.key, 0o600)
        for how in ("client_secret_file", f"client_certificate {pair}"):
            with self.subTest(how=how):
                issuer = self.issuer()
                issuer.way = echo
                service = self.service(issuer, how)
                service.wait_error("Not valid: ***")
                said = service.log() + service.ctl("status", check=False).stdout + service.ctl("oauth", "status").stdout
                self.assertNotIn(SECRET, said)
                self.assertNotIn(issuer.asked()[0].form.get("client_assertion", "?"), said)

    def test_attacks_leave_nothing_behind(self):
        issuer = self.issuer()
        service = self.service(issuer)
        service.wait_state("valid")
        pid, ways = service.web_pid(), [idp.token(), idp.bomb, lambda issuer, request: None, lambda issuer, request: "endless",
                                        idp.refuse("invalid_client"), idp.say("{", 200), idp.with_token("x" * 12001)]

        def held():
            rss = int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text()).group(1))
            return len(os.listdir(f"/proc/{pid}/fd")), rss
        for i in range(3 * len(ways)):
            issuer.way = ways[i % len(ways)]
            service.ctl("oauth", "test", check=False)
        fds, rss = held()
        for i in range(12 * len(ways)):
            issuer.way = ways[i % len(ways)]
            service.ctl("oauth", "test", check=False)
        self.assertEqual(service.web_pid(), pid)
        wait_for(lambda: held()[0] <= fds, "as few descriptors as before")
        self.assertLess(held()[1], rss + 2048)

    def test_another_certificate_gets_no_secret(self):
        for names, options in ((("other.test",), {}), (("IP:127.0.0.1",), {"since": -30, "days": 20})):
            issuer = self.issuer(names=names, **options)
            service = self.service(issuer)
            service.wait_error("certificate")
            self.assertEqual(issuer.requests, [])
        stranger = idp.Idp(certs.Authority(self.folder / "stranger", "Stranger"))
        self.enterContext(stranger)
        self.service(stranger).wait_error("certificate")
        self.assertEqual(stranger.requests, [])

    def test_the_jail_holds(self):
        issuer = self.issuer()
        service = self.service(issuer)
        service.wait_state("valid")
        status = pathlib.Path(f"/proc/{service.web_pid()}/status").read_text()
        self.assertRegex(status, r"NoNewPrivs:\s+1")
        self.assertRegex(status, r"Threads:\s+1\n")
        self.assertRegex(status, r"CapEff:\s+0+\n")
        if os.geteuid() == 0:
            self.assertNotRegex(status, r"Uid:\s+0")
        for role in ("delivery", "queue", "smtpd", "resolver"):
            maps = pathlib.Path(f"/proc/{service.pids()[role]}/maps").read_text()
            self.assertNotRegex(maps, r"libcurl|libjansson", role)


class Ways(Web):
    def test_a_name_is_looked_up_by_our_resolver(self):
        issuer = self.issuer(names=("idp.test",))
        names = idp.Names(idp_test="127.0.0.1")
        self.enterContext(names)
        url = f"https://idp.test:{issuer.port}"
        service = self.service(issuer, url=url, global_conf=f"dns_server 127.0.0.1:{names.port}; dnssec no")
        service.wait_state("valid")
        self.assertIn("idp.test", names.asked)
        self.assertEqual(issuer.asked()[0].head["host"], f"idp.test:{issuer.port}")
        del names.names["idp.test"]

    def test_an_address_of_ipv6(self):
        issuer = self.issuer(names=("IP:::1",), host="::1")
        self.service(issuer).wait_state("valid")
        self.assertEqual(len(issuer.asked()), 1)

    def test_a_name_that_is_none(self):
        issuer = self.issuer()
        names = idp.Names()
        self.enterContext(names)
        service = self.service(issuer, url="https://gone.test", global_conf=f"dns_server 127.0.0.1:{names.port}; dnssec no")
        service.wait_error("gone.test")
        self.assertEqual(issuer.connections, 0)

    def test_a_proxy_that_wants_another_password(self):
        issuer = self.issuer()
        proxy = idp.Proxy(issuer.port, "relay:other")
        self.enterContext(proxy)
        service = self.service(issuer, web=f"proxy http://127.0.0.1:{proxy.port}")
        service.wait_error("407; the proxy wants other credentials")
        self.assertEqual(issuer.connections, 0)

    def test_a_proxy_with_a_password(self):
        issuer = self.issuer(names=("idp.test",))
        names = idp.Names(proxy_test="127.0.0.1")
        proxy = idp.Proxy(issuer.port, "relay:pass word")
        self.enterContext(names)
        self.enterContext(proxy)
        password = pathlib.Path(self.folder) / "proxy-password"
        password.write_text("pass word\n")
        password.chmod(0o600)
        service = self.service(issuer, url="https://idp.test", global_conf=f"dns_server 127.0.0.1:{names.port}; dnssec no",
                               web=f"proxy http://proxy.test:{proxy.port}; proxy_user relay; proxy_password_file {password}")
        service.wait_state("valid")
        self.assertEqual(proxy.seen[-1][0], "CONNECT idp.test:443 HTTP/1.1")
        self.assertNotIn("idp.test", names.asked)
        self.assertNotIn("pass word", service.log())


if __name__ == "__main__":
    harness.main()
