"""An issuer of access tokens over HTTPS for tests, which does what it is told: good answers, errors, lies and attacks.

    with Idp(authority) as idp:
        idp.way = refuse("invalid_client", "AADSTS7000215: Invalid client secret provided.", 7000215)
        ... token_url {idp.url}/token ...
        idp.wait(1)  # requests at the path /token

A way is a function (idp, request) -> Answer, or None for no answer at all. idp.requests has what came.
"""
import base64
import contextlib
import email.utils
import gzip
import hmac
import itertools
import json
import pathlib
import socket
import ssl
import struct
import tempfile
import threading
import time
import urllib.parse

import certs
import harness

numbers = itertools.count(1)


class Request:
    def __init__(self, path, head, form):
        self.path, self.head, self.form, self.at = path, head, form, time.monotonic()


class Answer:
    def __init__(self, body, status=200, headers=(), date=None):
        self.body = body if isinstance(body, bytes) else body.encode()
        self.status, self.headers, self.date = status, list(headers), date

    def octets(self):
        lines = [f"HTTP/1.1 {self.status} Said", f"Date: {email.utils.formatdate(self.date, usegmt=True)}", f"Content-Length: {len(self.body)}",
                 "Content-Type: application/json", *self.headers]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + self.body


def pack(octets):
    return base64.urlsafe_b64encode(octets).decode().rstrip("=")


def jwt(claims, key=None):
    """Signed with KEY (HS256); without one, a token that only looks like one."""
    head = {"typ": "JWT", "alg": "HS256" if key else "none"}
    text = ".".join(pack(json.dumps(part).encode()) for part in (head, claims))
    return f"{text}.{pack(hmac.digest(key, text.encode(), 'sha256') if key else b'sig')}"


def unpack(part):
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def token(life=3600, refresh=None, **more):
    """A good answer; each token is another one."""
    def way(idp, request):
        idp.token = jwt({"aud": "https://outlook.office365.com", "appid": request.form.get("client_id", ""), "roles": ["SMTP.SendAsApp"],
                         "n": next(numbers)})
        answer = {"token_type": "Bearer", "access_token": idp.token, "expires_in": life, **more}
        if refresh:
            idp.refresh = answer["refresh_token"] = f"{refresh}{next(numbers)}"
        return Answer(json.dumps(answer))
    return way


def signed(key, life=3600, **claims):
    """A good answer whose token has CLAIMS, its times, and the signature of KEY."""
    def way(idp, _request):
        now = int(time.time())
        idp.token = jwt({"iat": now, "nbf": now, "exp": now + life, **claims}, key)
        return Answer(json.dumps({"token_type": "Bearer", "access_token": idp.token, "expires_in": life}))
    return way


def refuse(error, text="", number=None, status=400, **options):
    answer = {"error": error, "error_description": text + "\r\nTrace ID: 1", **({"error_codes": [number]} if number else {})}
    return lambda idp, request: Answer(json.dumps(answer), status, **options)


def say(body, status=200, *headers):
    return lambda idp, request: Answer(body, status, headers)


def with_token(text, **more):
    """A token as JSON writes it: TEXT may have escapes."""
    rest = "".join(f',"{key}":{value}' for key, value in more.items())
    return say('{"token_type":"Bearer","access_token":"' + text + '"' + rest + "}")


def bomb(idp, request):
    return Answer(gzip.compress(b'{"token_type":"Bearer","access_token":"' + b"x" * (64 << 20)), 200, ["Content-Encoding: gzip"])


class Idp:
    def __init__(self, authority, names=("localhost", "IP:127.0.0.1"), host="127.0.0.1", **issue):
        certificate = authority.issue(*names, **issue)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate.certificate, certificate.key)
        self.way, self.requests, self.token, self.refresh = token(), [], None, None
        self.connections, self.sent = 0, 0
        self.host, self.socket = host, None

    def __enter__(self):
        self.open(0)
        self.port = self.socket.getsockname()[1]
        return self

    def __exit__(self, *_):
        self.close()

    def open(self, port=None):
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        self.socket = socket.create_server((self.host, self.port if port is None else port), family=family)
        threading.Thread(target=self._accept, args=(self.socket,), daemon=True).start()

    def close(self):
        """An outage: connections are refused until open()."""
        if self.socket:
            with contextlib.suppress(OSError):
                self.socket.shutdown(socket.SHUT_RDWR)
            self.socket.close()

    @property
    def url(self):
        return f"https://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"

    def wait(self, count, path="/token", seconds=20):
        return harness.wait_for(lambda: len(self.asked(path)) >= count and self.asked(path), f"{count} requests at {path}", seconds)

    def asked(self, path="/token"):
        return [request for request in self.requests if request.path == path]

    def _accept(self, listener):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with contextlib.suppress(OSError, ValueError), connection:
            with self.context.wrap_socket(connection, server_side=True) as stream:
                request = self._read(stream)
                self.requests.append(request)
                answer = self.way(self, request)
                if answer == "endless":
                    self._flood(stream)
                elif answer == "drip":
                    self._drip(stream)
                elif answer:
                    stream.sendall(answer.octets())

    def _flood(self, stream):
        """A body without end, until the other side has had enough."""
        stream.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            stream.sendall(b"4000\r\n" + b"{" * 0x4000 + b"\r\n")
            self.sent += 0x4000

    @staticmethod
    def _drip(stream):
        """An octet now and then."""
        stream.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while True:
            stream.sendall(b" ")
            time.sleep(0.5)

    @staticmethod
    def _read(stream):
        octets = b""
        while b"\r\n\r\n" not in octets:
            more = stream.recv(65536)
            if not more:
                raise ValueError("no request")
            octets += more
        head, _, body = octets.partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        fields = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
        while len(body) < int(fields.get("content-length", 0)):
            body += stream.recv(65536)
        return Request(lines[0].split()[1], fields, dict(urllib.parse.parse_qsl(body.decode(), keep_blank_values=True)))


def verified(assertion, certificate, padding="pss"):
    """The header and the claims of a signed JWT; fails unless the signature is that of CERTIFICATE."""
    with tempfile.TemporaryDirectory() as folder:
        header, claims, signature = assertion.split(".")
        path = pathlib.Path(folder)
        (path / "signature").write_bytes(unpack(signature))
        (path / "key").write_bytes(certs.openssl("x509", "-in", certificate, "-noout", "-pubkey"))
        options = ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:32"] if padding == "pss" else []
        certs.openssl("dgst", "-sha256", "-verify", path / "key", *options, "-signature", path / "signature", stdin=f"{header}.{claims}".encode())
        return json.loads(unpack(header)), json.loads(unpack(claims))


class Names:
    """A name server on loopback: NAMES, each an address, and nothing else."""

    def __init__(self, **names):
        self.names, self.asked = {name.replace("_", "."): address for name, address in names.items()}, []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        harness.close_served(self.socket, self.thread)

    def _serve(self):
        while True:
            packet, client = self.socket.recvfrom(4096)
            if not packet:
                return
            self.socket.sendto(self._answer(packet), client)

    def _answer(self, packet):
        at, labels = 12, []
        while packet[at]:
            labels.append(packet[at + 1:at + 1 + packet[at]].decode().lower())
            at += packet[at] + 1
        name, kind = ".".join(labels), struct.unpack("!H", packet[at + 1:at + 3])[0]
        self.asked.append(name)
        address = self.names.get(name) if kind == 1 else None
        answer = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4" + socket.inet_aton(address) if address else b""
        rcode = 0 if name in self.names else 3
        return packet[:2] + bytes([0x81, 0x80 | rcode]) + b"\0\1" + struct.pack("!H", bool(address)) + b"\0\0\0\0" + packet[12:at + 5] + answer


class Proxy(harness.Acceptor):
    """CONNECT with or without a password, one address for every host."""

    def __init__(self, port, user=None):
        self.to, self.user, self.seen = port, user, []
        super().__init__(socket.create_server(("127.0.0.1", 0)))

    def _serve(self, client):
        while True:
            head = b""
            while b"\r\n\r\n" not in head:
                more = client.recv(4096)
                if not more:
                    return
                head += more
            self.seen.append(head.decode().split("\r\n"))
            wanted = f"Proxy-Authorization: Basic {base64.b64encode(self.user.encode()).decode()}" if self.user else None
            if not wanted or wanted in self.seen[-1]:
                break
            client.sendall(b'HTTP/1.1 407 No\r\nProxy-Authenticate: Basic realm="x"\r\nContent-Length: 0\r\n\r\n')
        with socket.create_connection(("127.0.0.1", self.to)) as server:
            client.sendall(b"HTTP/1.1 200 Go\r\n\r\n")
            there = threading.Thread(target=self._pump, args=(client, server), daemon=True)
            there.start()
            self._pump(server, client)
            there.join()

    @staticmethod
    def _pump(source, sink):
        with contextlib.suppress(OSError):
            while octets := source.recv(65536):
                sink.sendall(octets)
            sink.shutdown(socket.SHUT_WR)
