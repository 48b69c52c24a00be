"""aiosmtpd as a host: aiosmtpd_peer.py PORT starttls|implicit CERTIFICATE KEY [USER PASSWORD]. Prints its port when it is ready, then each message as JSON. Ends at the end of its standard input."""
import json
import ssl
import sys

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult


class Handler:
    async def handle_DATA(self, server, session, envelope):
        tls = session.ssl is not None or MODE == "implicit"
        print(json.dumps({"rcpts": envelope.rcpt_tos, "tls": tls, "text": envelope.content.decode("latin-1")}), flush=True)
        return "250 2.0.0 taken"


class Host(Controller):
    def factory(self):
        if MODE == "starttls":
            return SMTP(self.handler, tls_context=CONTEXT, require_starttls=True, **AUTH)
        return SMTP(self.handler)


def authenticate(server, session, envelope, mechanism, data):
    return AuthResult(success=[data.login.decode(), data.password.decode()] == sys.argv[5:7], handled=False)


AUTH = {"authenticator": authenticate, "auth_required": True} if len(sys.argv) > 5 else {}
PORT, MODE = int(sys.argv[1]), sys.argv[2]
CONTEXT = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
CONTEXT.load_cert_chain(sys.argv[3], sys.argv[4])
HOST = Host(Handler(), hostname="127.0.0.1", port=PORT, ssl_context=CONTEXT if MODE == "implicit" else None)
HOST.start()
print(PORT, flush=True)
sys.stdin.read()
HOST.stop()
