"""A TLS client for tests, which does exactly what it is told and has the octets of its handshake."""
import contextlib
import socket
import ssl

import harness


def context(authority=None, least=None, most=None, ciphers=None):
    """What the client accepts: certificates of AUTHORITY, or any; versions from LEAST to MOST."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = bool(authority)
    made.verify_mode = ssl.CERT_REQUIRED if authority else ssl.CERT_NONE
    if authority:
        made.load_verify_locations(str(authority.file))
    if ciphers:
        made.set_ciphers(ciphers)
    made.minimum_version = least or ssl.TLSVersion.TLSv1_2
    made.maximum_version = most or ssl.TLSVersion.TLSv1_3
    return made


class Secured(harness.Wire):
    """A session in TLS from its greeting (PORT of a listener with tls), or from STARTTLS (PORT None); the next reply is that to the next command."""

    def __init__(self, server, tls=None, port=None, name="mail.example.com", session=None, timeout=20):
        self.clear = None
        at = type("At", (), {"port": port or server.port})
        super().__init__(at, timeout)
        try:
            if not port:
                self.greeting = self.reply()
                self.say(b"EHLO client.test\r\n")
                self.reply()
                self.say(b"STARTTLS\r\n")
                code, text = self.reply()
                assert code == 220, text
            self.wrap(tls or context(), name, session)
            if port:
                self.greeting = self.reply()
        except BaseException:
            self.socket.close()
            raise

    def wrap(self, tls, name, session):
        """TLS through memory, so that the socket itself stays usable."""
        self.lines.close()
        self.socket = tls.wrap_socket(self.socket, server_hostname=name, session=session, suppress_ragged_eofs=False)
        self.lines = self.socket.makefile("rb")

    def command(self, text):
        self.say(text.encode() + b"\r\n")
        return self.reply()

    def hello(self):
        """All lines of the reply to EHLO."""
        self.say(b"EHLO client.test\r\n")
        lines = []
        while not lines or lines[-1][3:4] == "-":
            lines.append(self.lines.readline().decode().rstrip())
        return lines

    def deliver(self, text=b"Subject: x\r\n\r\nhello\r\n", rcpt="b@example.com"):
        """Sends one message, all commands at once. Returns the code of the last reply."""
        self.say(b"EHLO c\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<%s>\r\nBDAT %d LAST\r\n" % (rcpt.encode(), len(text)) + text)
        return [self.reply()[0] for _ in range(4)][-1]

    def ended(self):
        """True if the server has sent close_notify and nothing before it."""
        return self.lines.read() == b""

    def common_name(self):
        return subject(self.socket.getpeercert(binary_form=True))


def subject(der):
    """The subject's common name of a certificate, by openssl."""
    import certs
    return certs.openssl("x509", "-inform", "DER", "-noout", "-subject", "-nameopt", "multiline", stdin=der).decode().split("commonName")[1].split("=")[1].strip()


class Hello:
    """A ClientHello as octets, which can be altered; after it the connection can only be read."""

    def __init__(self, name="mail.example.com", tls=None):
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.object = (tls or context()).wrap_bio(self.incoming, self.outgoing, server_hostname=name)
        with contextlib.suppress(ssl.SSLWantReadError):
            self.object.do_handshake()
        self.octets = self.outgoing.read()

    def naming(self, name):
        """The same with NAME, any octets, in place of a server name of the same length."""
        was = self.object.server_hostname.encode()
        assert len(was) == len(name) and self.octets.count(was) == 1
        return self.octets.replace(was, name)


def after_hello(server, octets, timeout=10):
    """The first TLS octets that the server sends in reply to these octets after STARTTLS; b"" = it closes the connection."""
    with harness.Wire(server, timeout) as wire:
        wire.reply()
        wire.say(b"STARTTLS\r\n")
        assert wire.reply()[0] == 220
        wire.say(octets)
        heard = b""
        with contextlib.suppress(socket.timeout, ConnectionResetError):
            wire.socket.settimeout(timeout)
            while (more := wire.socket.recv(65536)):
                heard += more
                wire.socket.settimeout(0.3)
        return heard
