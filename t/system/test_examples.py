"""The configurations in the manual and in the list of settings: `mailrootctl check` accepts them without a warning."""
import pathlib
import re
import struct
import subprocess
import unittest

import certs
import harness
from test_dns import NameServer

ROOT = pathlib.Path(__file__).resolve().parents[2]


class EveryName(NameServer):
    """A name server on which every name exists, because the hosts of examples do not."""

    def _answer(self, query):
        return query[:2] + bytes([0x81, 0x80]) + struct.pack(">HHHH", 1, 1, 0, 0) + query[12:] + b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 60, 4) + b"\x7f\0\0\1"


class Examples(unittest.TestCase):
    def shown(self):
        """Blocks of the manual and the README that are configuration, not commands of other programs."""
        blocks = re.findall(r"\.Bd -literal[^\n]*\n(.*?)\.Ed", (ROOT / "etc/mailroot.conf.5").read_text(), re.S)
        blocks += re.findall(r"^(    virtual_server .*?^    }$)", (ROOT / "README.md").read_text(), re.S | re.M)
        return [block.replace("\\&", "") for block in blocks if "{" in block]

    def of_packages(self):
        """What the Debian package and the container install, with the settings that stand there as comments."""
        files = [ROOT / "debian/mailroot.conf", ROOT / "etc/container/conf/mailroot.conf"]
        return [re.sub(r"^    #(?=\w)", "    ", file.read_text(), flags=re.M) for file in files]

    def with_files(self, folder, text):
        """Makes every file that TEXT names, and each folder below /srv."""
        if "client_rule" in text and "access" not in text:  # its clients must be able to do what it requires
            text = "access { auth plain gssapi; keytab /x; tls_certificate /x /x }\n" + text
        text = text.replace("/srv/drop/", f"{folder}/").replace("/srv/", f"{folder}/")
        cert = certs.self_signed(folder, "mail.example.com")
        rsa = certs.self_signed(folder, "mail.example.com", kind="rsa")
        secret = folder / "secret"
        secret.write_text("open sesame\n")
        secret.chmod(0o600)

        def pair(match):
            one = rsa if "rsa" in match[0] else cert
            return f"tls_certificate {one}"
        users = folder / "users"
        users.touch(0o600)
        text = re.sub(r"access\s*{(?=[^}]*\bauth\s+(scram|plain))", f"access {{ user_file {users};", text)
        text = re.sub(r"tls_certificate\s+\S+\s+\S+", pair, text)
        text = re.sub(r"client_certificate\s+\S+\s+\S+", f"client_certificate {rsa}", text)
        keytab = folder / "keytab"
        keytab.write_bytes(b"\5\2")
        keytab.chmod(0o600)
        text = re.sub(r"\bkeytab\s+[^\s;}]+", f"keytab {keytab}", text)
        account = folder / "account.json"
        account.write_text('{ "type": "service_account", "private_key": "", "client_email": "" }')
        account.chmod(0o600)
        text = re.sub(r"service_account_file\s+[^\s;}]+", f"service_account_file {account}", text)
        text = re.sub(r"secret_expires\s+\S+", "secret_expires 2999-12-31", text)
        key = folder / "dkim.pem"
        subprocess.run(["openssl", "genrsa", "-out", key, "2048"], check=True, capture_output=True)
        key.chmod(0o600)
        text = re.sub(r"(selector\s+\S+)\s+[^\s;}]+", rf"\1 {key}", text)
        text = re.sub(r"\bca\s+/[^\s;}]+", f"ca {cert.certificate}", text)
        return re.sub(r"(password_file|client_secret_file)\s+[^\s;}]+", rf"\1 {secret}", text)

    def test_check_finds_nothing(self):
        examples = self.shown() + self.of_packages() + [path.read_text() for path in sorted((ROOT / "etc/examples").glob("*.conf"))]
        self.assertGreaterEqual(len(examples), 15)
        for text in examples:
            folder = harness.scratch()
            text = self.with_files(folder, text)
            names = self.enterContext(EveryName({}))
            if "virtual_server" not in text:
                text = f"virtual_server default {{\n{text}\n}}\n"
            if "fqdn" not in text:
                text = text.replace("{", "{\nfqdn mail.example.com", 1)
            conf = folder / "mailroot.conf"
            conf.write_text(f"mailroot_dir {folder}/spool\nrun_dir {folder}/run\nlog_dir {folder}/log\n"
                            f"dns_server 127.0.0.1:{names.port}\n" + text)
            done = subprocess.run([str(harness.BUILD / "mailrootctl"), "check", str(conf)], capture_output=True, text=True, timeout=60)
            with self.subTest(text=text):
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
                self.assertIn(" 0 warnings", done.stdout)


class Recommended(unittest.TestCase):
    """Commands in messages of the programs, in the README and in quickstart: mailrootctl accepts each as it is printed."""
    FOLDERS = ("common", "ctl", "delivery", "master", "queue", "sendmail", "smtpd")
    SAMPLES = {"ID": "0" * 24, "ADDRESS": "a@example.net", "NAME": "default", "FILE": "FILE", "SESSION": "default-1", "SETTING": "relay"}

    def sources(self):
        files = [path for folder in self.FOLDERS for path in sorted((ROOT / folder).rglob("*.[ch]"))]
        files.remove(ROOT / "queue/operator/probe.c")  # the text of a test message, which states its origin
        return [*files, ROOT / "common/config/settings.def"]

    def commands(self):
        """(file, command) of each `mailrootctl ...` in a string, and of each `word ...` beside one that begins with a command of two words."""
        families = {"queue", "badmail", "server", "user", "config", "explain", "log", "oauth"}
        for path in self.sources():
            text = re.sub(r'"\s*\n\s*"', "", path.read_text())  # a string continues on the next line
            strings = re.findall(r'"((?:[^"\\\n]|\\.)*)"', text)
            for shown in (shown for string in strings for shown in re.findall(r"`([a-z][^`\n]*)`", string)):
                words = ["queue" if word == "%s" and shown.endswith("show %s") and i == 1 else word for i, word in enumerate(shown.split())]
                if words[0] == "mailrootctl" and words[1:] == ["%s"]:
                    continue  # all of it is filled in
                if words[0] == "mailrootctl" or (words[0] in families and len(words) > 1 and words[1].isalpha()):
                    yield path.relative_to(ROOT), [word for word in words if word != "mailrootctl"]
        for page in ("README.md", "doc/installing.md", "doc/oauth.md"):
            for line in re.findall(r"^    mailrootctl (.*?)(?:   .*)?$", (ROOT / page).read_text(), re.M):
                yield page, line.split()

    def filled(self, words):
        """WORDS with values for what a message fills in; a placeholder that is part of a word is an option that is not always there."""
        if "replay" in words:
            words = ["mailroot.conf" if words[i - 1] == "--config" else "SMTPSVC1" if word == "%s" else word for i, word in enumerate(words)]
        words = [self.SAMPLES["ADDRESS" if "route" in words else "ID"] if word[0] == "%" else word.split("%")[0] for word in words]
        return [self.SAMPLES.get(word, word) for word in words]

    def test_each_is_accepted(self):
        folder = harness.scratch()
        conf = folder / "mailroot.conf"
        conf.write_text(f"mailroot_dir {folder}/spool\nrun_dir {folder}/run\nvirtual_server default {{ fqdn mail.example.com }}\n")
        (folder / "SMTPSVC1").mkdir()  # logs of an old server
        (folder / "SMTPSVC1/ex260101.log").write_text(
            "#Fields: date time c-ip cs-method cs-uri-query sc-status\n2026-01-01 08:00:00 10.1.2.3 RCPT +TO:<a@example.net> 250\n")
        seen = 0
        for file, words in self.commands():
            words = self.filled(words)
            seen += 1
            with self.subTest(file=str(file), command=" ".join(words)):
                done = subprocess.run([str(harness.BUILD / "mailrootctl"), "-c", str(conf), *words], stdin=subprocess.DEVNULL, cwd=folder,
                                      capture_output=True, text=True, timeout=60)
                self.assertNotEqual(done.returncode, 2, done.stderr)
        self.assertGreater(seen, 60)


if __name__ == "__main__":
    harness.main()
