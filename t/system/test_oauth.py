"""Mail that leaves with an access token: from the issuer over mailroot-web to Exchange Online as m365.py imitates it, and what becomes of it when one of
them says no or is away."""
import contextlib
import email
import json
import os
import pathlib
import time
import unittest

import certs
import harness
import idp
import japanese
from auth_host import OAUTHBEARER, XOAUTH2, AuthHost, server_context
from auth_service import Service, ask, b64, greeted
from harness import wait_for
from m365 import CONNECTIONS, RECIPIENTS_A_DAY, Exchange

NAME, MAILBOX, SHORT = "smtp.cloud.test", "relay@example.com", 62  # seconds: a token is used until a minute before its end
SCAN = b"From: Copier 3 <copier@old.example>\r\nTo: boss@far.test\r\nSubject: Scan\r\n\r\npages\r\n"


MAILBOXES = {MAILBOX, "ann@example.com", "bob@example.com"}


def permits(user, token):
    """As Exchange does with a token of client credentials: the permission stands in it, and the mailbox is one of those that it holds for."""
    claims = json.loads(idp.unpack(token.split(".")[1]))
    return user.lower() in MAILBOXES and claims["aud"] == "https://outlook.office365.com" and "SMTP.SendAsApp" in claims["roles"]


class Relay(Service):
    """A copier may send through it with a password. All goes to HOST by the connector cloud, with tokens of ISSUER."""

    def __init__(self, host, issuer, authority, auth="xoauth2", more="", server="", secret="s3cret value", username=MAILBOX):
        super().__init__("auth login", users={"copier": "a9!Secret"})
        self.secret = self.folder / "secret"
        self.secret.write_text(secret + "\n")
        self.secret.chmod(0o600)
        self.write_conf(f"""relay {{ list none }}
    access {{ auth login; auth_domain example.com; user_file {self.users_file}; auth_clear_list 127.0.0.1 }}
    web {{ ca {authority.file} }}
    delivery {{ retry 1h; expire 1d; delay_notice 1d }}
    connector cloud {{
        route [127.0.0.1]:{host.port}
        outbound {{
            tls verify; tls_ca {authority.file}; tls_name {NAME}
            auth {auth}; username {username}; {more}
            oauth {{ token_url {issuer.url}/token; client_id 535fb089; client_secret_file {self.secret}; scope s }}
        }}
    }}
    {server}""")

    def scan(self, count=1, text=SCAN, sender="copier@old.example", rcpt="boss@far.test"):
        """As a copier sends it."""
        with self.client() as client:
            client.ehlo()
            client.user, client.password = "copier", "a9!Secret"
            client.auth("LOGIN", client.auth_login)
            for _ in range(count):
                client.sendmail(sender, [rcpt], text)

    def waits(self, words, count=1):
        """COUNT messages wait at no worker, each for a reason that has WORDS."""
        def reasons():
            found = self.ctl_json("queue", "list")["messages"]
            good = all(words in message["reason"] and message["state"] == "waiting" for message in found)
            return found if len(found) == count and good else None
        return wait_for(reasons, f"{count} messages that wait for: {words}")


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = harness.scratch()
        cls.authority = certs.Authority(cls.folder / "ca")
        cls.context = server_context(cls.authority.issue(NAME))

    def setUp(self):
        self.issuer = self.enterContext(idp.Idp(self.authority))

    def exchange(self, **options):
        return self.enterContext(Exchange(self.context, permits, **options))

    def host(self, **options):
        return self.enterContext(AuthHost(self.context, offer=(XOAUTH2, OAUTHBEARER), **options))

    def relay(self, host, **options):
        return self.enterContext(Relay(host, self.issuer, self.authority, **options))

    def taken(self, host, count, seconds=20):
        wait_for(lambda: len(host.messages) >= count, f"{count} messages, not {len(host.messages)}", seconds)
        return host.messages


class ToExchange(Case):
    def test_scan_of_a_copier(self):
        host = self.exchange()
        server = self.relay(host, more=f"send_as {MAILBOX}")
        server.scan()
        user, rcpts, text = self.taken(host, 1)[0]
        message = email.message_from_string(text)
        self.assertEqual((user, rcpts), (MAILBOX, ["boss@far.test"]))
        self.assertEqual((message["From"], message["Reply-To"]), (f"Copier 3 <{MAILBOX}>", "<copier@old.example>"))
        self.assertEqual((host.refused, host.attempts), ([], [(MAILBOX, self.issuer.token)]))
        self.assertFalse(any(b"AUTH" in line for line in host.clear))
        self.assertNotIn(self.issuer.token, server.log() + server.ctl("queue", "list").stdout + server.ctl("status").stdout)

    def test_nobody_else_has_the_token(self):
        """The queue, the SMTP server and master do not; nor does a client once it has said it."""
        host = self.exchange()
        server = self.relay(host, more=f"send_as {MAILBOX}")
        server.scan()
        self.taken(host, 1)
        wait_for(lambda: not server.files("cur", "") and not server.files("new", ""), "an empty spool")
        forms = [self.issuer.token.split(".")[1].encode(), b64(f"user={MAILBOX}\1auth=Bearer {self.issuer.token}\1\1")[60:-4]]
        pages = 0
        for pid in server.descendants():
            role = harness.role_of(pid)
            for name, octets in memory(pid) if role != "web" else ():
                found = any(form in octets for form in forms)
                self.assertTrue(not found or "mailroot-tokens" in name, f"{role}: {name}")
                pages += found
        self.assertGreater(pages, 0)  # SMTP clients have the page, so the search finds what there is

    def test_a_sender_that_the_mailbox_may_not_be(self):
        host = self.exchange()
        server = self.relay(host)
        server.scan(sender="app@example.com")
        notice = server.dropped()[0].read_bytes().decode()
        self.assertIn("SendAsDenied; relay@example.com not allowed to send as app@example.com", notice.replace("\r\n", " ").replace("  ", " "))
        self.assertIn("Tell postmaster", notice)
        self.assertIn("write send_as with the mailbox of username", server.log())

    def test_limits_that_the_settings_keep(self):
        host = self.exchange(over_rate="432")
        server = self.relay(host, more=f"send_as {MAILBOX}; max_connections 3; rate 30/1m")
        server.scan(20)
        self.taken(host, 20)
        self.assertLessEqual(host.peak[MAILBOX], CONNECTIONS)
        self.assertEqual(host.refused, [])

    def test_more_connections_than_it_takes(self):
        host = self.exchange()
        host.in_use[MAILBOX] = CONNECTIONS  # of others, with the same mailbox
        server = self.relay(host, more=f"send_as {MAILBOX}")
        server.scan()
        server.waits("Concurrent connections limit exceeded. Visit https://aka.ms/concurrent_sending for more information. [Hostname=")
        shown = server.ctl("queue", "show", server.ctl_json("queue", "list")["messages"][0]["id"]).stdout
        self.assertIn("write max_connections 3", shown)

    def test_limit_of_a_day(self):
        """The mail waits for the next day instead of going back to the printer."""
        host = self.exchange()
        host.recipients[MAILBOX] = RECIPIENTS_A_DAY
        server = self.relay(host, more=f"send_as {MAILBOX}")
        server.scan()
        server.waits("SubmissionQuotaExceededException")
        self.assertIn("mail waits until it may send again", server.ctl("queue", "show", server.ctl_json("queue", "list")["messages"][0]["id"]).stdout)
        self.assertEqual(server.files("drop"), [])  # no notice
        host.recipients[MAILBOX] = 0
        server.ctl("queue", "retry", "--all", "--yes")
        self.taken(host, 1)

    def test_smtp_auth_is_off(self):
        host = self.exchange(smtp_auth=False)
        server = self.relay(host, more=f"send_as {MAILBOX}")
        server.scan()
        server.waits("their administrator can enable it")
        self.assertIn("SMTP AUTH is disabled for this mailbox", server.ctl("status", check=False).stdout)

    def test_permission_on_its_way(self):
        """It is refused once, not for each message, and goes when the administrator says that it is there."""
        host = self.exchange(propagation=3600)
        server = self.relay(host, more=f"send_as {MAILBOX}; max_connections 3")
        server.scan(5)
        server.waits("takes up to two hours", 5)
        self.assertLessEqual(len(host.attempts), 4)  # as many as were under way at the first refusal
        host.permitted_at = 0
        server.ctl("queue", "retry", "--all", "--yes")
        self.taken(host, 5)

    def test_a_password(self):
        host = self.exchange()
        password = self.folder / "password"
        password.write_text("x\n")
        password.chmod(0o600)
        outbound = f"tls verify; tls_ca {self.authority.file}; tls_name {NAME}; auth login; username {MAILBOX}; password_file {password}"
        server = self.enterContext(harness.Mailroot(f"connector cloud {{ route [127.0.0.1]:{host.port}; outbound {{ {outbound} }} }}"))
        server.send(["boss@far.test"])
        wait_for(lambda: "write auth xoauth2 with a block oauth" in server.ctl("status", check=False).stdout, "the remedy in status")


class BySender(Case):
    """username sender: each message goes as its own mailbox, all with one token."""

    def scans(self, server, *senders):
        for sender in senders:
            text = SCAN.replace(b"copier@old.example", sender.encode() or b"nobody@old.example")
            server.scan(sender=sender, text=text)

    def test_mailboxes(self):
        host = self.exchange()
        server = self.relay(host, username="sender", more=f"send_as {MAILBOX}")
        self.scans(server, "ann@example.com", "bob@example.com", "copier@old.example", "ann@example.com", "Ann@Example.com")
        taken = [(user.lower(), email.message_from_string(text)["From"].lower()) for user, _, text in self.taken(host, 5)]
        self.assertEqual(sorted(taken), sorted([("ann@example.com", "copier 3 <ann@example.com>")] * 3 + [("bob@example.com", "copier 3 <bob@example.com>")]
                                               + [(MAILBOX, f"copier 3 <{MAILBOX}>")]))
        self.assertEqual((host.refused, len(self.issuer.asked())), ([], 1))
        self.assertEqual({token for _, token in host.attempts}, {self.issuer.token})

    def test_a_mailbox_that_the_application_may_not_use(self):
        """Its mail waits, other mail does not."""
        host = self.exchange()
        server = self.relay(host, username="sender", more=f"send_as {MAILBOX}")
        self.scans(server, "eve@example.com", "eve@example.com", "ann@example.com", "bob@example.com")
        self.taken(host, 2)
        server.waits("the application has no permission to send as this mailbox", 2)
        self.assertIn("from eve@example.com", server.ctl("status", check=False).stdout)

    def test_explained(self):
        server = self.relay(self.exchange(), username="sender", more=f"send_as {MAILBOX}")
        for sender, mailbox in (("ann@example.com", "ann@example.com"), ("copier@old.example", MAILBOX)):
            explained = server.ctl("explain", "route", "boss@far.test", "--from", sender).stdout
            self.assertIn(f"as connector cloud from {mailbox}", explained)


class Refused(Case):
    """The two forms of a refusal; what a refusal leads to."""

    def test_in_words_and_at_once(self):
        for auth, in_words, answers in (("xoauth2", True, [""]), ("oauthbearer", True, ["AQ=="]), ("xoauth2", False, []), ("oauthbearer", False, [])):
            with self.subTest(auth, in_words=in_words), AuthHost(self.context, offer=(XOAUTH2, OAUTHBEARER), in_words=in_words) as host:
                with Relay(host, self.issuer, self.authority, auth=auth) as server:
                    server.scan()
                    reason = server.waits("the host refused the access token of connector cloud")[0]["reason"]
                    self.assertEqual("status 400, scope https://mail.google.com/" in reason, in_words)
                    self.assertEqual((host.answers, len(host.attempts)), (answers, 1))

    def test_another_token_after_a_refusal(self):
        """The host no longer takes the token. mailroot-web fetches another one, not sooner than a minute after the last, and the mail goes by itself."""
        host = self.host(accepts=lambda user, token: token not in refused)
        server = self.relay(host)
        refused = set()
        server.scan()
        self.taken(host, 1)
        refused.add(self.issuer.token)
        wait_for(lambda: b"QUIT\r\n" in host.heard, "the end of the first connection")
        server.scan(3)
        server.waits("the host refused the access token", 3)
        self.taken(host, 4, seconds=90)
        self.assertEqual(len(self.issuer.asked()), 2)


class Japanese(Case):
    def test_why_there_is_no_token(self):
        self.issuer.way = idp.refuse("invalid_client", "AADSTS7000222: expired", number=7000222, status=401)
        server = self.relay(self.exchange())
        server.scan()
        waiting = server.waits("no access token for connector cloud: ")[0]
        wait_for(lambda: "the client secret has expired" in server.ctl("oauth", "status", check=False).stdout, "the answer of the issuer")
        for command in ("status", "oauth status", f"queue show {waiting['id']}"):
            with self.subTest(command):
                said = japanese.ctl(server, command).stdout.decode()
                self.assertIn("クライアント シークレットの有効期限が切れています: アプリケーションに新しいシークレットを作り", said)
                self.assertNotIn("the client secret has expired", said)


class Away(Case):
    def test_no_token_yet(self):
        """The issuer is away from the start: no connection to the host, no attempt; when it is back all of it goes within seconds."""
        host = self.exchange()
        self.issuer.way = idp.refuse("temporarily_unavailable", status=503, headers=["Retry-After: 1"])
        server = self.relay(host, more=f"send_as {MAILBOX}; max_connections 3")
        server.scan(10)
        found = server.waits("no access token for connector cloud: ", 10)
        self.assertTrue(all("(set in " in message["reason"] and "mailroot.conf:" in message["reason"] for message in found), found)
        self.assertEqual((host.sessions, server.files("drop")), ([], []))
        self.assertIn("no access token for connector cloud", server.ctl("status", check=False).stdout)
        since = time.monotonic()
        self.issuer.way = idp.token()
        self.taken(host, 10, seconds=5)
        print(f"10 messages {time.monotonic() - since:.1f} s after the issuer's return")
        self.assertEqual([user for user, _, _ in host.messages], [MAILBOX] * 10)

    def test_outage_until_the_token_has_ended(self):
        host = self.exchange()
        self.issuer.way = idp.token(life=SHORT)
        server = self.relay(host, more=f"send_as {MAILBOX}")
        wait_for(lambda: server.ctl_json("oauth", "status")["tokens"][0]["state"] != "asking", "a first token")
        self.issuer.close()
        wait_for(lambda: server.ctl_json("oauth", "status")["tokens"][0]["state"] != "valid", "the end of the token")
        server.scan(3)
        server.waits("no access token for connector cloud: ", 3)
        sessions = len(host.sessions)
        server.ctl("oauth", "test", "connector cloud", check=False)
        server.waits("no access token for connector cloud: ", 3)
        since = time.monotonic()
        self.issuer.way = idp.token()
        self.issuer.open()
        self.taken(host, 3, seconds=5)
        print(f"3 messages {time.monotonic() - since:.1f} s after the issuer's return")
        self.assertEqual(sessions, 0)

    def test_web_is_killed(self):
        """A token outlives the process that fetched it."""
        host = self.exchange()
        server = self.relay(host, more=f"send_as {MAILBOX}; max_connections 3")
        server.scan()
        self.taken(host, 1)
        self.issuer.close()
        os.kill(wait_for(lambda: server.pids().get("web"), "mailroot-web"), 9)
        server.scan(5)
        self.taken(host, 6)
        self.assertEqual(host.refused, [])
        self.assertEqual({token for _, token in host.attempts}, {self.issuer.token})


def memory(pid):
    """(name, octets) of each mapping of PID that can be written, and of the page of tokens."""
    with contextlib.suppress(OSError), open(f"/proc/{pid}/mem", "rb", buffering=0) as source:
        for line in pathlib.Path(f"/proc/{pid}/maps").read_text().splitlines():
            place, mode, *_, name = [*line.split(maxsplit=5), ""][:6] if len(line.split()) > 5 else [*line.split(), ""]
            begin, end = (int(part, 16) for part in place.split("-"))
            if mode.startswith("rw") or "mailroot-tokens" in name:
                with contextlib.suppress(OSError, OverflowError, ValueError):
                    source.seek(begin)
                    yield name, source.read(end - begin)


if __name__ == "__main__":
    harness.main()
