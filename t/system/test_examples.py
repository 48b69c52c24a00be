"""The configurations that the manual and the settings' own list show: `mailrootctl check` has nothing to say against them."""
import pathlib
import re
import subprocess
import unittest

import certs
import harness

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Examples(unittest.TestCase):
    def shown(self):
        """Blocks of the manual that are configuration; those with commands of other programs are not."""
        blocks = re.findall(r"\.Bd -literal[^\n]*\n(.*?)\.Ed", (ROOT / "etc/mailroot.conf.5").read_text(), re.S)
        return [block.replace("\\&", "") for block in blocks if "{" in block]

    def with_files(self, folder, text):
        """Every file that TEXT names is one of ours."""
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
        text = re.sub(r"access\s*{(?=\s*auth scram)", f"access {{ user_file {users};", text)
        text = re.sub(r"tls_certificate\s+\S+\s+\S+", pair, text)
        return re.sub(r"password_file\s+[^\s;}]+", f"password_file {secret}", text)

    def test_check_finds_nothing(self):
        examples = self.shown()
        self.assertGreaterEqual(len(examples), 4)
        for text in examples:
            folder = harness.scratch()
            text = self.with_files(folder, text)
            if "virtual_server" not in text:
                text = f"virtual_server default {{\n{text}\n}}\n"
            if "fqdn" not in text:
                text = text.replace("{", "{\nfqdn mail.example.com", 1)
            conf = folder / "mailroot.conf"
            conf.write_text(f"mailroot_dir {folder}/spool\nrun_dir {folder}/run\nlog_dir {folder}/log\n" + text)
            done = subprocess.run([str(harness.BUILD / "mailrootctl"), "check", str(conf)], capture_output=True, text=True, timeout=60)
            with self.subTest(text=text):
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
                self.assertIn(" 0 warnings", done.stdout)


if __name__ == "__main__":
    harness.main()
