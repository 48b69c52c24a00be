"""A host that authenticates its clients, for tests. It keeps all octets that it gets, and all logins."""
import base64
import json
import socket
import ssl

from harness import Acceptor

PLAIN, LOGIN, XOAUTH2, OAUTHBEARER = "PLAIN", "LOGIN", "XOAUTH2", "OAUTHBEARER"


def server_context(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.certificate, certificate.key)
    return context


def bearer(response):
    """(user, token) of the initial response of XOAUTH2 or OAUTHBEARER in base64; ValueError for any other octets."""
    first, *pairs, last, end = base64.b64decode(response, validate=True).decode("ascii").split("\1")
    values = dict(pair.split("=", 1) for pair in [first, *pairs] if "=" in pair)
    user = values.get("user")
    if user is None and first.startswith("n,a=") and first.endswith(","):
        user = first[len("n,a="):-1].replace("=2C", ",").replace("=3D", "=")
    scheme, _, token = values.get("auth", "").partition(" ")
    if not user or scheme != "Bearer" or not token or last or end:
        raise ValueError(response)
    return user, token


class AuthHost(Acceptor):
    """SMTP on loopback. USERS: name -> password. OFFER: mechanisms that are announced, in TLS and, with CLEAR_AUTH, also before it.

    REFUSAL: the reply to MAIL if a client has not logged in and that is REQUIRED.

    ACCEPTS(user, token): whether an access token is good for a user; the default looks into USERS. IN_WORDS: a token is refused with a 334 and
    JSON, whose answer is kept in `answers`, before the reply (RFC 7628 3.2.2); otherwise at once, as Exchange does.

    heard: all lines, of all connections, as they came out of TLS or in clear. clear: those before TLS. attempts: (name, password) as tried.
    messages: (user or None, rcpts, text). sessions: rcpts of each connection by the user that it had."""

    def __init__(self, context=None, users=None, offer=(PLAIN, LOGIN), clear_auth=False, required=True,
                 refusal="530 5.7.0 authenticate first", accepts=None, in_words=False):
        self.context, self.users, self.offer, self.clear_auth, self.required = context, users or {}, offer, clear_auth, required
        self.refusal, self.in_words = refusal, in_words
        self.accepts = accepts or (lambda user, token: self.users.get(user) == token)
        self.heard, self.clear, self.attempts, self.messages, self.sessions, self.answers = [], [], [], [], [], []
        super().__init__(socket.create_server(("127.0.0.1", 0), backlog=100))

    def knows(self, secret):
        """True if the host got SECRET, or the form that a mechanism makes of it."""
        forms = [secret.encode(), base64.b64encode(secret.encode()).rstrip(b"=")[:-1]]
        forms += [base64.b64encode(b"\0" * n + secret.encode())[4:-4] for n in (1, 2)]
        text = b"".join(self.heard)
        return any(form in text for form in forms)

    def _serve(self, connection):
        session = []
        with self.lock:
            self.sessions.append(session)
        connection.sendall(b"220 host.test ESMTP\r\n")
        channel = self.session(self, connection, session, secured=False).run()
        if channel:
            with channel:
                self.session(self, channel, session, secured=True).run()


class Session:
    def __init__(self, host, connection, record, secured):
        self.host, self.connection, self.record, self.secured = host, connection, record, secured
        self.lines, self.user, self.rcpts = connection.makefile("rb"), None, None

    def say(self, text):
        self.connection.sendall(text.encode() + b"\r\n")

    def read(self):
        line = self.lines.readline()
        with self.host.lock:
            self.host.heard.append(line)
            if not self.secured:
                self.host.clear.append(line)
        return line.decode("latin-1").rstrip("\r\n") if line else None

    def run(self):
        """Serves to the end. Returns the channel in TLS if a session follows."""
        while (line := self.read()) is not None:
            verb, _, argument = line.partition(" ")
            if verb == "EHLO":
                self.hello()
            elif verb == "STARTTLS" and self.host.context:
                self.say("220 go")
                self.lines.close()
                return self.host.context.wrap_socket(self.connection, server_side=True)
            elif verb == "AUTH":
                self.auth(*argument.split(" "))
            elif verb == "MAIL":
                self.mail(argument)
            elif verb in ("RCPT", "DATA") and self.rcpts is None:
                self.say("503 5.5.1 MAIL first")
            elif verb == "RCPT":
                self.rcpts.append(argument[4:-1])
                self.say("250 ok")
            elif verb == "DATA":
                self.data()
            elif verb == "QUIT":
                self.say("221 bye")
                return None
            else:
                self.say("250 ok" if verb in ("RSET", "NOOP") else "500 what?")
        return None

    def mail(self, _):
        allowed = self.user or not self.host.required
        self.rcpts = [] if allowed else None
        self.say("250 ok" if allowed else self.host.refusal)

    def hello(self):
        words = ["host.test", "PIPELINING", "8BITMIME"]
        if self.host.context and not self.secured:
            words.append("STARTTLS")
        if self.host.offer and (self.secured or self.host.clear_auth):
            words.append("AUTH " + " ".join(self.host.offer))
        self.say("\r\n".join(f"250{'-' if i + 1 < len(words) else ' '}{word}" for i, word in enumerate(words)))

    def ask(self, prompt):
        self.say("334 " + base64.b64encode(prompt.encode()).decode())
        return base64.b64decode(self.read()).decode()

    def auth(self, mechanism, initial=None):
        if mechanism not in self.host.offer:
            self.say("504 5.5.4 no such mechanism")
            return
        if mechanism in (XOAUTH2, OAUTHBEARER):
            self.auth_bearer(self.initial(initial))
            return
        if mechanism == PLAIN:
            initial = self.initial(initial)
            _, name, password = base64.b64decode(initial).decode().split("\0")
        else:
            name, password = self.ask("Who is it?"), self.ask("And what do you whisper?")
        with self.host.lock:
            self.host.attempts.append((name, password))
        if self.host.users.get(name) == password:
            self.user = name
            self.say("235 2.7.0 welcome")
        else:
            self.say("535 5.7.8 wrong")

    def initial(self, response):
        if response is None:
            self.say("334 ")
            response = self.read()
        return response

    def auth_bearer(self, response):
        name, token = bearer(response)
        with self.host.lock:
            self.host.attempts.append((name, token))
        if self.host.accepts(name, token):
            self.user = name
            self.say("235 2.7.0 Authentication successful")
            return
        if self.host.in_words:
            words = json.dumps({"status": "400", "schemes": "Bearer", "scope": "https://mail.google.com/"})
            self.say("334 " + base64.b64encode(words.encode()).decode())
            self.host.answers.append(self.read())
        self.say("535 5.7.3 Authentication unsuccessful")

    def data(self):
        self.say("354 go")
        text = []
        while (line := self.read()) != ".":
            if line is None:
                raise OSError
            text.append(line)
        self.say(self.take("\n".join(text)))

    def take(self, text):
        with self.host.lock:
            self.host.messages.append((self.user, self.rcpts, text))
            self.record.append((self.user, self.rcpts))
        return "250 taken"


AuthHost.session = Session
