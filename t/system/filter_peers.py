"""The mail filters of Debian for tests, each in a root of its own (peers.py), as small and as still as their configurations permit.

    with OpenDkim(port) as opendkim:
        opendkim.serve()
        ... Mailroot(f"filter dkim {{ address {opendkim.address} }}")

None of them asks anything outside this machine. What they ask the DNS is answered by 127.0.0.1:53, where nobody listens unless the test
does (in a network namespace).
"""
import pathlib
import subprocess

import harness
from odd_messages import EICAR
from peers import Peer, listens

HERE = pathlib.Path(__file__).resolve().parent
SIGNING_DOMAIN, SELECTOR = "example.com", "odd"


class Filter(Peer):
    """One that listens on PORT of 127.0.0.1 and speaks the milter protocol. `address` is that for the settings of a server."""
    peer = None

    def __init__(self, port=None):
        super().__init__(self.peer, linked=True)
        self.port = port or harness.free_port()
        self.address = f"inet:127.0.0.1:{self.port}"

    def serve(self):
        raise NotImplementedError


class OddFilter(Filter):
    """odd_filter.py: all kinds of edits and answers."""
    peer, options = "pymilter", ()

    def serve(self):
        for name in ("odd_filter.py", "odd_actions.py"):
            self.write(name, (HERE / name).read_text())
        self.start("/usr/bin/python3", "/odd_filter.py", f"inet:{self.port}@127.0.0.1", *self.options, port=self.port, LC_ALL="C.UTF-8")


class ExactOddFilter(OddFilter):
    """The same, with the blank behind the colon and without answers to header fields."""
    options = ("exact",)


class DyingFilter(Filter):
    """dying_filter.py: ends at a callback, in the last one after some edits."""
    peer = "pymilter"

    def serve(self, callback, edits):
        harness.wait_for(lambda: not listens(self.port), f"the end of what listened on port {self.port}")
        self.write("dying_filter.py", (HERE / "dying_filter.py").read_text())
        self.start("/usr/bin/python3", "/dying_filter.py", f"inet:{self.port}@127.0.0.1", callback, edits, port=self.port, LC_ALL="C.UTF-8")


class OpenDkim(Filter):
    """Signs mail of example.com with a fixed time, and verifies the rest with the keys of a file."""
    peer = "opendkim"
    mode = "sv"

    def serve(self):
        key = self.write("etc/dkim.key", subprocess.run(["openssl", "genrsa", "-traditional", "2048"], capture_output=True, check=True).stdout,
                         0o600, (20053, 20053))
        public = subprocess.run(["openssl", "rsa", "-in", key, "-pubout"], capture_output=True, text=True, check=True).stdout
        p = "".join(public.splitlines()[1:-1])
        self.write("etc/dkim.keys", f"{SELECTOR}._domainkey.{SIGNING_DOMAIN} v=DKIM1; k=rsa; p={p}\n")
        self.write("etc/opendkim.conf", f"""Syslog no
UserID opendkim
Mode {self.mode}
Canonicalization relaxed/relaxed
Domain {SIGNING_DOMAIN}
Selector {SELECTOR}
KeyFile /etc/dkim.key
OversignHeaders From
InternalHosts 127.0.0.1
TestPublicKeys /etc/dkim.keys
AlwaysAddARHeader yes
AuthservID mail.example.com
Socket inet:{self.port}@127.0.0.1
""")
        self.start("/usr/sbin/opendkim", "-f", "-x", "/etc/opendkim.conf", port=self.port)


class OpenDmarc(Filter):
    peer = "opendmarc"

    def serve(self):
        self.folder("run/opendmarc", owner=(20054, 20054))
        self.write("etc/opendmarc.conf", f"""Syslog no
UserID opendmarc
AuthservID mail.example.com
TrustedAuthservIDs mail.example.com
RejectFailures true
SPFSelfValidate true
RequiredHeaders false
Socket inet:{self.port}@127.0.0.1
""")
        self.start("/usr/sbin/opendmarc", "-f", "-c", "/etc/opendmarc.conf", port=self.port)


class Clamav(Filter):
    """clamd with one signature, that of the EICAR test file, and clamav-milter."""
    peer = "clamav"
    on_infected = "Reject"

    def database(self):
        self.folder("var/lib/clamav", owner=(20052, 20052))
        self.write("var/lib/clamav/eicar.ndb", b"Eicar-Test-Signature:0:*:" + EICAR[:40].hex().encode() + b"\n")

    def serve(self):
        self.database()
        clamd = harness.free_port()
        self.write("etc/clamav/clamd.conf", f"""Foreground yes
User clamav
DatabaseDirectory /var/lib/clamav
TCPSocket {clamd}
TCPAddr 127.0.0.1
StreamMaxLength 50M
""")
        self.write("etc/clamav/clamav-milter.conf", f"""Foreground yes
User clamav
MilterSocket inet:{self.port}@127.0.0.1
ClamdSocket tcp:127.0.0.1:{clamd}
OnInfected {self.on_infected}
RejectMsg Virus found: %v
AddHeader Replace
ReportHostname mail.example.com
MaxFileSize 50M
""")
        self.start("/usr/sbin/clamd", "--config-file=/etc/clamav/clamd.conf", port=clamd)
        self.start("/usr/sbin/clamav-milter", "--config-file=/etc/clamav/clamav-milter.conf", port=self.port)


class ClamavQuarantine(Clamav):
    on_infected = "Quarantine"


class SpamAssassin(Filter):
    """spamd without questions to anybody, and spamass-milter, which refuses from 15 points on."""
    peer = "spamassassin"

    def spamd(self, port):
        self.write("etc/spamassassin/local.cf", "dns_available no\nuse_bayes 0\nuse_auto_whitelist 0\nuse_razor2 0\nuse_pyzor 0\nreport_safe 0\n"
                   "lock_method flock\nreport_hostname mail.example.com\n")
        self.folder("var/lib/spamassassin", owner=(20055, 20055))
        self.start("/usr/sbin/spamd", "--local", "--port", port, "--listen", "127.0.0.1", "--username", "debian-spamd", "--nouser-config",
                   "--max-children", "2", "--syslog", "stderr", port=port, LC_ALL="C", PERL_HASH_SEED="0", PERL_PERTURB_KEYS="0")

    def serve(self):
        spamd = harness.free_port()
        self.spamd(spamd)
        self.start("/usr/sbin/spamass-milter", "-p", f"inet:{self.port}@127.0.0.1", "-r", "15", "--", "-d", "127.0.0.1", "-p", spamd, "-s", "5000000",
                   port=self.port)


class Rspamd(Filter):
    """The proxy worker in milter mode that scans itself; without Redis, without questions to anybody outside."""
    peer = "rspamd"

    def serve(self, more=None):
        """MORE: further files of local.d, or others in their place."""
        self.folder("var/lib/rspamd", owner=(20051, 20051))
        self.folder("var/log/rspamd", owner=(20051, 20051))
        self.folder("run/rspamd", owner=(20051, 20051))
        for name, text in ({
                "worker-proxy.inc": f'bind_socket = "127.0.0.1:{self.port}";\nmilter = yes;\nupstream "local" {{ default = yes; self_scan = yes; }}\n'
                                    "count = 1;\n",
                "worker-normal.inc": "enabled = false;\n", "worker-controller.inc": "enabled = false;\n", "worker-fuzzy.inc": "enabled = false;\n",
                "options.inc": 'dns { nameserver = ["127.0.0.1"]; timeout = 0.2s; retransmits = 1; }\nlocal_addrs = [];\n'
                               'filters = "chartable,dkim,regexp";\nurl_tld = "/etc/rspamd/tld";\n',
                "logging.inc": 'type = "console";\nlevel = "info";\n',
                "milter_headers.conf": 'use = ["x-spamd-bar", "x-spam-level", "authentication-results", "x-rspamd-server"];\nextended_spam_headers = true;\n'
                                       "skip_local = false;\nskip_authenticated = false;\n",
                "actions.conf": "reject = 15;\nadd_header = 6;\ngreylist = null;\n", "fuzzy_check.conf": "enabled = false;\n",
                "rbl.conf": "enabled = false;\n", "surbl.conf": "enabled = false;\n", "asn.conf": "enabled = false;\n",
                "phishing.conf": "openphish_enabled = false;\nphishtank_enabled = false;\n", "rspamd_update.conf": "enabled = false;\n"} | (more or {})).items():
            self.write(f"etc/rspamd/local.d/{name}", text)
        self.write("etc/rspamd/tld", "com\norg\nnet\ntest\nexample\n")  # Debian's list of nine thousand takes half a minute to compile
        self.start("/usr/bin/rspamd", "-f", "-u", "_rspamd", "-g", "_rspamd", port=self.port)


class Amavis(Peer):
    """amavisd as a content filter: takes mail by SMTP on PORT and hands it on to FORWARD, both of 127.0.0.1. It looks for no virus and no
    spam, but for names of attachments that it refuses."""

    def __init__(self, port, forward):
        super().__init__("amavis", linked=True)
        self.port, self.forward = port, forward

    def serve(self):
        for name in ("var/lib/amavis", "var/lib/amavis/tmp", "var/lib/amavis/db", "var/lib/amavis/virusmails", "run/amavis"):
            self.folder(name, 0o750, (20057, 20057))
        self.write("etc/amavis/conf.d/50-user", f"""use strict;
$MYHOME = '/var/lib/amavis';
$TEMPBASE = "$MYHOME/tmp";
$QUARANTINEDIR = "$MYHOME/virusmails";
$myhostname = 'mail.example.com';
$mydomain = 'example.com';
$inet_socket_bind = '127.0.0.1';
$inet_socket_port = {self.port};
$forward_method = 'smtp:[127.0.0.1]:{self.forward}';
$notify_method = $forward_method;
$max_servers = 2;
@bypass_virus_checks_maps = @bypass_spam_checks_maps = (1);
@av_scanners = @av_scanners_backup = @spam_scanners = ();
$final_banned_destiny = D_REJECT;
$virus_admin = undef;
$enable_db = 0;
$daemon_user = $daemon_group = 'amavis';
$DO_SYSLOG = 0;
$log_level = 1;
1;
""")
        files = sorted((self.root / "etc/amavis/conf.d").iterdir())  # which Debian's amavisd would ask run-parts for
        options = [word for file in files for word in ("-c", f"/etc/amavis/conf.d/{file.name}")]
        self.start("/usr/sbin/amavisd", *options, "foreground", port=self.port, LC_ALL="C")
