"""Attacks on authentication, inbound and outbound: by a client, a listener, or a man in the middle."""
import base64
import select
import socket
import ssl
import unittest

import certs
import harness
from harness import Mailroot, Wire, wait_for
from test_users import PASSWORD, Service


def hello(wire):
    wire.reply()
    wire.say(b"EHLO client.test\r\n")
    wire.reply()


def ask(wire, octets):
    """(code, challenge) after sending a text in base64, with an optional command before it."""
    wire.say(octets + b"\r\n")
    code, text = wire.reply()
    return code, base64.b64decode(text[4:]) if code == 334 else text


class Middle(harness.Acceptor):
    """A man in the middle between a client and HOST, with its own TLS to both: it passes everything on."""

    def __init__(self, context, host):
        self.context, self.host = context, host
        super().__init__(socket.create_server(("127.0.0.1", 0)))

    def _serve(self, client):
        with socket.create_connection(("127.0.0.1", self.host)) as host:
            while not self._relay(client, host):
                pass
            any_host = ssl.create_default_context()
            any_host.check_hostname, any_host.verify_mode = False, ssl.CERT_NONE
            any_host.maximum_version = self.context.maximum_version = ssl.TLSVersion.TLSv1_2  # no tickets after the handshake
            with any_host.wrap_socket(host) as host, self.context.wrap_socket(client, server_side=True) as client:
                while self._pass_on(client, host):
                    pass

    @staticmethod
    def _relay(client, host):
        """Passes on one reply and the next command. Returns whether TLS follows."""
        client.sendall(host.recv(65536))
        said = client.recv(65536)
        host.sendall(said)
        if said != b"STARTTLS\r\n":
            return False
        client.sendall(host.recv(65536))
        return True

    @staticmethod
    def _pass_on(client, host):
        """Passes on octets in both directions. False at the end."""
        ready, _, _ = select.select([client, host], [], [])
        for one, other in ((client, host), (host, client)):
            if one in ready:
                said = one.recv(65536)
                other.sendall(said)
                if not said:
                    return False
        return True


class ChannelBinding(unittest.TestCase):
    """Channel binding of SCRAM is useful only if an attacker can't remove it."""

    @classmethod
    def setUpClass(cls):
        cls.folder = harness.scratch()
        cls.ca = certs.Authority(cls.folder / "ca")
        cls.good, cls.evil = cls.ca.issue("mail.example.com"), cls.ca.issue("evil.example.com")
        cls.access = f"auth scram-sha-256; tls_certificate {cls.good.certificate} {cls.good.key}"

    def test_middle_man(self):
        """Its certificate is not verified, and it passes everything on: the host finds that our proof is for another connection."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.evil.certificate, self.evil.key)
        secret = self.folder / "password"
        secret.write_text(PASSWORD + "\n")
        secret.chmod(0o600)
        with Service(auth=self.access) as host, Middle(context, host.port) as middle:
            host.add("relay")
            block = f"outbound {{ tls encrypt; auth scram-sha-256; auth_unverified yes; username relay; password_file {secret} }}"
            with Mailroot(f"remote_domain a.test {{ route [127.0.0.1]:{middle.port}; {block} }}") as ours:
                ours.send(["u@a.test"])
                wait_for(lambda: "mechanism=SCRAM-SHA-256-PLUS" in host.log(), "an authentication at the host")
                self.assertNotIn("status=authenticated", host.log())

    def test_binding_without_plus(self):
        """A client that uses channel binding must have chosen -PLUS, because its proof does not cover the name of the mechanism."""
        with Service(auth=self.access) as server, Wire(server) as wire:
            server.add("alice")
            hello(wire)
            bare = b"n=alice,r=abc"
            code, first = ask(wire, b"AUTH SCRAM-SHA-256 " + base64.b64encode(b"p=tls-exporter,," + bare))
            self.assertEqual(code, 535, first)


class ForgedLog(unittest.TestCase):
    """Texts of others are in quotes in a line of the log, and can't end the quotes."""

    def test_client_and_host(self):
        host = harness.Sink(answers={"RCPT": lambda _: '550 5.1.1 no" delay=0s client=192.0.2.66 status="authenticated'})
        with host, Mailroot(f"remote_domain a.test {{ route [127.0.0.1]:{host.port} }}") as server, Wire(server) as wire:
            hello(wire)
            wire.say(b'MAIL FROM:<a@example.com> X="client=192.0.2.66"\r\n')
            self.assertEqual(wire.reply()[0] // 100, 5)
            server.send(["u@a.test"])
            wait_for(lambda: "status=failed" in server.log(), "the verdict")
            lines = [line for line in server.log().splitlines() if "192.0.2.66" in line]
            self.assertEqual(len(lines), 2, lines)
            for line in lines:
                self.assertNotIn("192.0.2.66", "".join(line.split('"')[::2]), line)


if __name__ == "__main__":
    harness.main()
