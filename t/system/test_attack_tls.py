"""Attacks on TLS, inbound and outbound: what a stranger between two hosts, or at the other end, could make of it."""
import unittest

import certs
import harness
from harness import Mailroot
from test_tls_out import NAME, Peer, context_of, verdicts


class Stripping(unittest.TestCase):
    """Somebody on the way breaks handshakes, in the hope that mail goes in clear."""

    @classmethod
    def setUpClass(cls):
        cls.folder = harness.scratch()
        cls.ca = certs.Authority(cls.folder / "ca")
        cls.context = context_of(cls.ca.issue(NAME))

    def test_clear_for_one_domain_is_not_clear_for_another(self):
        """Two domains on one host: what opportunistic TLS has given up there, encrypt and verify have not."""
        conf = "delivery { retry 1s; processes { spare 1; max 1 } }"
        for policy, more in (("encrypt", ""), ("verify", f"tls_name {NAME}; tls_ca {self.ca.file}")):
            with self.subTest(policy), Peer(self.context, "close-in-handshake") as peer:
                blocks = f"""remote_domain any.test {{ route [127.0.0.1]:{peer.port}; outbound {{ tls opportunistic; timeout 2s }} }}
                             remote_domain strict.test {{ route [127.0.0.1]:{peer.port}; outbound {{ tls {policy}; timeout 2s; {more} }} }}"""
                with Mailroot(f"{conf}\n{blocks}") as server:
                    server.send(["u@any.test"])
                    peer.wait()
                    server.send(["u@strict.test"])
                    harness.wait_for(lambda: verdicts(server, "u@strict.test"), "a line for strict.test")
                    self.assertEqual([m[4] for m in peer.messages], [["u@any.test"]])

    def test_a_host_that_was_not_reached_has_not_failed_in_tls(self):
        """The one before it had, and then could not be reached in clear either."""
        class Gone(Peer):
            def _secure(self, connection):
                self.close()
                raise OSError

        port, conf = harness.free_port(), "delivery { retry 1s; processes { spare 1; max 1 } }"
        with Gone(self.context) as first:
            blocks = f"""remote_domain first.test {{ route [127.0.0.1]:{first.port} }}
                         remote_domain second.test {{ route [127.0.0.1]:{port} }}"""
            with Mailroot(f"{conf}\n{blocks}") as server:
                server.send(["u@first.test"])
                harness.wait_for(lambda: verdicts(server, "u@first.test"), "a line for first.test")
                server.send(["u@second.test"])
                harness.wait_for(lambda: verdicts(server, "u@second.test"), "a line for second.test")
                with Peer(self.context, port=port) as second:
                    self.assertIsNotNone(second.wait()[0][0])


if __name__ == "__main__":
    harness.main()
