"""Attacks on TLS, inbound and outbound: by a man in the middle, or by the other end."""
import os
import unittest

import certs
import harness
from harness import Mailroot
from test_tls_out import NAME, Peer, context_of, verdicts


class Stripping(unittest.TestCase):
    """An attacker breaks handshakes so that mail is sent in clear."""

    @classmethod
    def setUpClass(cls):
        cls.folder = harness.scratch()
        cls.ca = certs.Authority(cls.folder / "ca")
        cls.context = context_of(cls.ca.issue(NAME))

    def test_clear_for_one_domain_is_not_clear_for_another(self):
        """Two domains on one host: if opportunistic TLS fell back to clear there, encrypt and verify do not."""
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
        """The host before it had failed in TLS, and then could not be reached in clear either."""
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


class NoFiles(unittest.TestCase):
    """The configuration names FIFOs: a process that opens one would block for ever, and all mail with it."""

    def test_fifos(self):
        folder = harness.scratch()
        fifo, key = folder / "fifo", certs.self_signed(folder, "relay.example.com").key
        os.mkfifo(fifo)
        rows = {"ca": f"tls verify; tls_ca {fifo}", "certificate": f"client_certificate {fifo} {key}", "key": f"client_certificate {key} {fifo}",
                "keys": f"tls verify; auth gssapi; username a@EXAMPLE.COM; password_file {fifo}"}
        with harness.Sink() as sink:
            blocks = "\n".join(f"remote_domain {name}.test {{ route [127.0.0.1]:{sink.port}; outbound {{ {block} }} }}" for name, block in rows.items())
            with Mailroot(f"access {{ auth gssapi; keytab {fifo} }}\nremote_domain good.test {{ route [127.0.0.1]:{sink.port} }}\n{blocks}") as server:
                server.send(["u@good.test"])
                harness.wait_for(lambda: sink.messages, "mail that does not need them")
                for name in rows:
                    self.assertRegex(server.log(), rf"mail waits: remote_domain {name}\.test: .*it is no regular file")
                self.assertRegex(server.log(), "can't read key tab .*it is no regular file")


if __name__ == "__main__":
    harness.main()
