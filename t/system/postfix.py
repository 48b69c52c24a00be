"""Debian's Postfix with TLS, which accepts mail on one port and discards it.

    with Postfix(certificate, "smtpd_sasl_auth_enable = yes\\n", "127.0.0.1", port) as postfix:
        postfix.serve()
        ... postfix.log()
"""
from peers import Peer

MASTER = """{address}:{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
proxymap unix - - n - - proxymap
discard unix - - n - - discard
smtp unix - - n - - smtp
local unix - - n - - discard
error unix - - n - - error
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
"""
MAIN = """compatibility_level = 3.6
queue_directory = /var/spool/postfix
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
data_directory = /var/lib/postfix
mail_owner = postfix
setgid_group = postdrop
myhostname = peer.test
mydestination =
alias_maps =
alias_database =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
maillog_file = /var/log/maillog
default_transport = discard
relay_transport = discard
smtpd_peername_lookup = no
smtpd_tls_chain_files = /etc/mail.key, /etc/mail.pem
"""


def merged(settings):
    """MAIN with SETTINGS in the place of its own: postlogd can block itself with warnings of settings that stand twice."""
    names = {line.split("=")[0].strip() for line in settings.splitlines()}
    return "".join(line + "\n" for line in MAIN.splitlines() if line.split("=")[0].strip() not in names) + settings


class Postfix(Peer):
    """CERTIFICATE: of certs.py; None if SETTINGS switch TLS off. SETTINGS: further lines of main.cf. Start it with serve(), when all files in them exist."""

    def __init__(self, certificate, settings, address, port):
        super().__init__("postfix")
        self.address, self.port = address, port
        for name in ("active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "private", "saved", "trace"):
            self.folder(f"var/spool/postfix/{name}", 0o700, (20001, 0))
        for name, mode in (("maildrop", 0o730), ("public", 0o710)):
            self.folder(f"var/spool/postfix/{name}", mode, (20001, 20002))
        self.folder("var/spool/postfix/pid")
        self.folder("var/lib/postfix", owner=(20001, 20001))
        self.write("etc/postfix/main.cf", merged(settings))
        self.write("etc/postfix/master.cf", MASTER.format(address=address, port=port))
        self.write("etc/postfix/dynamicmaps.cf", "")
        if certificate:
            self.write("etc/mail.pem", certificate.certificate.read_text())
            self.write("etc/mail.key", certificate.key.read_text(), 0o600)

    def serve(self):
        self.start("/usr/lib/postfix/sbin/master", "-c", "/etc/postfix", "-d", port=self.port)

    def log(self):
        there = self.root / "var/log/maillog"
        return there.read_text() if there.exists() else ""
