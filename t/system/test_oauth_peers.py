"""Access tokens at a real server: Dovecot submission, which checks the signature of each token by itself."""
import base64
import types
import unittest

import dovecot
import harness
import idp
import test_oauth
from harness import Sink, wait_for
from peers import Peer, needs_root
from test_oauth import MAILBOX, NAME

KEY = b"a key of the issuer, which Dovecot knows"


def token_of(mailbox, key=KEY):
    return idp.signed(key, sub="535fb089", email=mailbox)


@needs_root
class Dovecot(test_oauth.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.peer, cls.sink = Peer("dovecot"), Sink()
        cls.addClassCleanup(cls.sink.close)
        cls.addClassCleanup(cls.peer.__exit__, None, None, None)
        cls.host = types.SimpleNamespace(port=harness.free_port())
        certificate = cls.authority.issue(NAME)
        cls.peer.write("etc/mail.pem", certificate.certificate.read_bytes())
        cls.peer.write("etc/mail.key", certificate.key.read_bytes(), 0o600)
        cls.peer.write("etc/dovecot/tokens.conf", dovecot.TOKENS_CONF)
        cls.peer.write("etc/tokens/default/HS256/default", base64.b64encode(KEY))
        dovecot.start(cls.peer, cls.host.port, cls.sink.port, dovecot.TLS, dovecot.TOKENS)

    def sends(self, auth, way):
        self.issuer.way = way
        server = self.relay(self.host, auth=auth, more=f"send_as {MAILBOX}")
        server.scan()
        return server

    def test_xoauth2(self):
        self.accepted("xoauth2")

    def test_oauthbearer(self):
        self.accepted("oauthbearer")

    def accepted(self, auth):
        before = len(self.sink.messages)
        self.sends(auth, token_of(MAILBOX))
        sender, _, text = self.sink.wait(before + 1)[before]
        self.assertIn(f"<{MAILBOX}>", sender)
        self.assertIn(b"Copier 3", text)

    def test_a_token_that_another_has_signed(self):
        for auth in ("xoauth2", "oauthbearer"):
            with self.subTest(auth=auth):
                self.refused(auth, token_of(MAILBOX, b"some other key, which Dovecot does not know"), "Incorrect JWT signature")

    def test_a_token_for_another_mailbox(self):
        self.refused("xoauth2", token_of("ann@example.com"), "Username")

    def refused(self, auth, way, why):
        """WHY is Dovecot's own."""
        before = len(self.sink.messages)
        server = self.sends(auth, way)
        server.waits("535")
        wait_for(lambda: "the host refused the access token of connector cloud" in server.ctl("status", check=False).stdout, "it in status")
        self.assertIn(why, self.peer.said())
        self.assertNotIn(self.issuer.token, server.log())
        self.assertEqual(len(self.sink.messages), before)


if __name__ == "__main__":
    harness.main()
