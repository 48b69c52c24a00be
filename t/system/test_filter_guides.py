"""doc/filters.md as it is written: its lines go into the files of Debian's filters and into mailroot.conf, and mail meets the filters.

The test runs in namespaces of its own. There /run is empty and gets the folders of the filters' sockets, mailroot-filters is a member of the
groups that the page names, and 127.0.0.1:53 answers for the domains of the test.
"""
import os
import pathlib
import re
import shlex
import smtplib
import subprocess
import sys
import unittest

import filter_peers
import harness
import odd_messages
from harness import Mailroot, wait_for
from peers import needs_root, unpacked
from test_connect import TXT, NameServer

INSIDE = "MAILROOT_FILTER_GUIDES"
PAGE = pathlib.Path(__file__).resolve().parents[2] / "doc/filters.md"
PEERS = ("rspamd", "clamav", "opendkim", "opendmarc", "spamassassin")
GROUPS = {"opendkim": 20053, "opendmarc": 20054, "clamav": 20052, "spamass-milter": 20056}
STRANGER = "192.0.2.9"
PLAIN = b"From: app@example.com\r\nDate: Mon, 30 Nov 2026 12:00:00 +0000\r\nSubject: x\r\n\r\nx\r\n"
NAMES = {"strict.test": {TXT: ["v=spf1 -all"]}, "_dmarc.strict.test": {TXT: ["v=DMARC1; p=reject"]}}


def section(title):
    """{file: lines that the page has for it} of the part TITLE, and the groups that mailroot-filters joins."""
    text = re.search(rf"(?ms)^## {title}\n(.*?)(?=^## |\Z)", PAGE.read_text())[1]
    files = {}
    for lead, block in re.findall(r"(?m)^((?:.*\n)*?.*):\n\n((?: {7}.*\n|\n(?= {7}))+)", text):
        files[re.findall(r"`(/etc/[^`]+)`", lead)[-1]] = re.sub(r"(?m)^ {7}", "", block)
    return files, re.findall(r"adduser mailroot-filters ([\w-]+)", text)


class Names(NameServer):
    def __init__(self):
        super().__init__(NAMES)
        self.socket.close()
        self.socket = harness.socket.socket(harness.socket.AF_INET, harness.socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 53))


def enter_namespaces():
    """Starts this test anew in namespaces of its own, and furnishes them."""
    if not os.environ.get(INSIDE):
        for peer in PEERS:
            unpacked(peer)
        words = ["unshare", "--net", "--mount", "--propagation", "private", sys.executable, *sys.argv]
        os.execvpe("unshare", words, dict(os.environ, **{INSIDE: "1"}))
    harness.users()
    folder = harness.scratch()
    joined = {group for title in ("ClamAV", "OpenDKIM", "OpenDMARC", "SpamAssassin") for group in section(title)[1]}
    (folder / "group").write_text(pathlib.Path("/etc/group").read_text() + "".join(
        f"{name}:x:{number}:{'mailroot-filters' if name in joined else ''}\n" for name, number in GROUPS.items()))
    for command in (["ip", "link", "set", "lo", "up"], ["ip", "address", "add", f"{STRANGER}/32", "dev", "lo"],
                    ["mount", "-t", "tmpfs", "tmpfs", "/run"], ["mount", "--bind", folder / "group", "/etc/group"]):
        subprocess.run(command, check=True)


@needs_root
class Guides(unittest.TestCase):
    def setUp(self):
        self.enter(Names())

    def enter(self, context):
        value = context.__enter__()
        self.addCleanup(context.__exit__, None, None, None)
        return value

    def peer(self, kind, title, run=None, owner=(0, 0)):
        """A filter with the lines of part TITLE in its files. Folder run/RUN of its root is /run/RUN."""
        peer = self.enter(kind())
        files, _ = section(title)
        if run:
            there = peer.folder(f"run/{run}", owner=owner)
            os.makedirs(f"/run/{run}", exist_ok=True)
            subprocess.run(["mount", "--bind", there, f"/run/{run}"], check=True)
            self.addCleanup(subprocess.run, ["umount", f"/run/{run}"])
        for file, text in files.items():
            if not file.startswith("/etc/mailroot/"):
                peer.write(file.lstrip("/"), text)
        return peer, files

    def mailroot(self, *blocks):
        port = harness.free_port()
        server = self.enter(Mailroot(f"listen {STRANGER}:{port}\nrelay {{ list 127.0.0.1 {STRANGER} }}\n" + "\n".join(blocks),
                                     global_conf="dns_server 127.0.0.1"))
        server.stranger_port = port
        return server

    @staticmethod
    def reply(server, text, sender="app@example.com"):
        """The reply to a message of a client outside."""
        with smtplib.SMTP(STRANGER, server.stranger_port, local_hostname="client.test", timeout=60) as client:
            client.ehlo()
            assert client.mail(sender)[0] == 250
            assert client.rcpt("sales@example.com")[0] == 250
            return client.data(text)

    @staticmethod
    def waits_for(path):
        wait_for(lambda: os.path.exists(path), path)

    def test_clamav(self):
        peer, files = self.peer(filter_peers.Clamav, "ClamAV", "clamav", (20052, 20052))
        peer.database()
        peer.write("etc/clamav/clamav-milter.conf", files["/etc/clamav/clamav-milter.conf"] + "Foreground yes\n")
        peer.write("etc/clamav/clamd.conf", "Foreground yes\nUser clamav\nDatabaseDirectory /var/lib/clamav\nLocalSocket /run/clamav/clamd.ctl\n")
        peer.start("/usr/sbin/clamd", "--config-file=/etc/clamav/clamd.conf")
        self.waits_for("/run/clamav/clamd.ctl")
        peer.start("/usr/sbin/clamav-milter", "--config-file=/etc/clamav/clamav-milter.conf")
        self.waits_for("/run/clamav/clamav-milter.ctl")
        server = self.mailroot(files["/etc/mailroot/mailroot.conf"])
        code, text = self.reply(server, b"Subject: x\r\n\r\n" + odd_messages.EICAR + b"\r\n")
        self.assertEqual((code, text.split(b": ")[0]), (550, b"5.7.1 Virus found"))
        self.assertEqual(self.reply(server, b"Subject: x\r\n\r\nclean\r\n")[0], 250)
        self.assertIn(b"X-Virus-Status: Clean\r\n", server.dropped()[0].read_bytes())

    def dkim(self):
        peer, files = self.peer(filter_peers.OpenDkim, "OpenDKIM", "opendkim", (20053, 20053))
        peer.start("/usr/sbin/opendkim", "-f", "-x", "/etc/opendkim.conf")
        self.waits_for("/run/opendkim/opendkim.sock")
        return files["/etc/mailroot/mailroot.conf"]

    def test_opendkim(self):
        server = self.mailroot(self.dkim())
        self.assertEqual(self.reply(server, b"Authentication-Results: mail.example.com; dkim=pass\r\n" + PLAIN)[0], 250)
        text = server.dropped()[0].read_bytes()
        self.assertRegex(text, rb"(?m)^Authentication-Results: ?mail.example.com; dkim=none")
        self.assertNotIn(b"dkim=pass", text)

    def test_opendmarc_behind_opendkim(self):
        peer, files = self.peer(filter_peers.OpenDmarc, "OpenDMARC", "opendmarc", (20054, 20054))
        peer.start("/usr/sbin/opendmarc", "-f", "-c", "/etc/opendmarc.conf")
        self.waits_for("/run/opendmarc/opendmarc.sock")
        server = self.mailroot(self.dkim(), files["/etc/mailroot/mailroot.conf"])
        forged = PLAIN.replace(b"app@example.com", b"boss@strict.test")
        self.assertEqual(self.reply(server, forged, "boss@strict.test")[0], 550)
        self.assertEqual(self.reply(server, forged.replace(b"strict", b"loose"), "boss@loose.test")[0], 250)
        text = server.dropped()[0].read_bytes()
        self.assertIn(b"dkim=none", text)
        self.assertIn(b"dmarc=none", text)

    def test_rspamd(self):
        peer, files = self.peer(filter_peers.Rspamd, "rspamd")
        peer.port = 11332
        peer.serve({file.rsplit("/", 1)[1]: text for file, text in files.items() if "rspamd" in file})
        server = self.mailroot(files["/etc/mailroot/mailroot.conf"])
        self.assertEqual(self.reply(server, b"Subject: x\r\n\r\n" + odd_messages.GTUBE + b"\r\n"), (554, b"5.7.1 Gtube pattern"))
        self.assertEqual(self.reply(server, b"Subject: x\r\n\r\nhello\r\n")[0], 250)
        self.assertIn(b"X-Spamd-Bar: ", server.dropped()[0].read_bytes())

    def test_spamassassin(self):
        peer, files = self.peer(filter_peers.SpamAssassin, "SpamAssassin", "spamass", (20056, 20056))
        settings = dict(line.split("=", 1) for line in files["/etc/default/spamass-milter"].splitlines() if line)
        options, path, owner, mode = (shlex.split(settings[name])[0] for name in ("OPTIONS", "SOCKET", "SOCKETOWNER", "SOCKETMODE"))
        peer.spamd(783)
        peer.start("/usr/sbin/spamass-milter", "-p", path, *shlex.split(options))
        self.waits_for(path)
        os.chown(path, 0, GROUPS[owner.split(":")[1]])  # as the script of Debian that starts it does
        os.chmod(path, int(mode, 8))
        server = self.mailroot(files["/etc/mailroot/mailroot.conf"])
        self.assertEqual(self.reply(server, b"Subject: x\r\n\r\n" + odd_messages.GTUBE + b"\r\n")[0], 550)
        self.assertEqual(self.reply(server, b"Subject: x\r\n\r\nhello\r\n")[0], 250)
        self.assertIn(b"X-Spam-Status: ", server.dropped()[0].read_bytes())


if __name__ == "__main__":
    if not os.geteuid():
        enter_namespaces()
    harness.main()
