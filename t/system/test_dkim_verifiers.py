#!/usr/bin/env python3
"""Two hundred odd messages that Mailroot signs in every form, with RSA and Ed25519, are verified by three others."""
import re
import unittest

import dkim_peers
import dkim_verifier
import harness
import odd_messages
from harness import Mailroot, Sink
from peers import needs_root

FORMS = ("relaxed/relaxed", "relaxed/simple", "simple/relaxed", "simple/simple")
KINDS = ("rsa", "ed25519")


LONG = [  # lines that are folded on their way out
    odd_messages.message("long_to", [b"To: " + b", ".join(b"r%d@example.org" % i for i in range(200)), b"Subject: " + b"word " * 500], [b"text"]),
    odd_messages.message("long_word", [b"Subject: " + b"w" * 5000], [b"x" * 998, b"y" * 999, b"z" * 5000]),
    odd_messages.message("long_dots", odd_messages.usual(b"dots"), [b"." * 2998, b" " * 1500 + b"." + b"\t" * 1500, b"", b"."]),
]


def domain_of(form):
    return form.replace("/", "-") + ".example"


def by(domain, text):
    """TEXT with one field From, whose address is in DOMAIN: its first one, or a new one."""
    seen = []

    def keep(field):
        seen.append(field)
        return re.sub(rb"@[\w.]+", b"@" + domain.encode(), field[0]) if len(seen) == 1 else b""

    head, separator, body = text.partition(b"\r\n\r\n")
    head = re.sub(rb"(?im)^from[ \t]*:.*\r\n(?:[ \t].*\r\n)*", keep, head + b"\r\n")
    if not seen or text.startswith(b":"):  # what begins so is text, and its From, too
        head = b"From: app@" + domain.encode() + b"\r\nX-Next: field\r\n" + head
    return head + (b"\r\n" + body if separator else b"")


def signatures(message):
    """The selectors of the signatures by one of our domains."""
    head = re.sub(rb"\r\n[ \t]+", b" ", message.partition(b"\r\n\r\n")[0])
    fields = [line for line in head.split(b"\r\n") if line.startswith(b"DKIM-Signature:") and b".example;" in line]
    return {re.search(rb"\bs=(\w+);", field)[1].decode() for field in fields}


@needs_root
class Verifiers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        """Sends the messages through Mailroot. `sent`: form -> name -> text as it arrived."""
        cls.folder = harness.scratch()
        cls.folder.chmod(0o755)
        records = {kind: dkim_verifier.make_key(cls.folder / f"{kind}.pem", kind) for kind in KINDS}
        cls.keys = {f"{kind}._domainkey.{domain_of(form)}": record for form in FORMS for kind, record in records.items()}
        selectors = "\n".join(f"selector {kind} {cls.folder}/{kind}.pem" for kind in KINDS)
        blocks = "\n".join(f"dkim {domain_of(form)} {{ {selectors}\ncanonical {form} }}" for form in FORMS)
        corpus = odd_messages.corpus() + LONG
        cls.sent = {form: {} for form in FORMS}
        with Sink() as sink, Mailroot(f"smart_host [127.0.0.1]:{sink.port}\n{blocks}") as server:
            with server.client() as client:
                for i, message in enumerate(corpus):
                    for j, form in enumerate(FORMS):
                        client.sendmail("app@example.com", [f"m{i}-{j}@partner.test"], by(domain_of(form), message.text))
            for _, rcpts, text in sink.wait(len(corpus) * len(FORMS), 120):
                i, j = map(int, re.search(r"m(\d+)-(\d+)@", rcpts[0]).groups())
                cls.sent[FORMS[j]][corpus[i].name] = text

    @classmethod
    def tearDownClass(cls):
        for path in cls.folder.iterdir():
            path.unlink()
        cls.folder.rmdir()

    def test_all_are_signed(self):
        for form, messages in self.sent.items():
            self.assertEqual(len(messages), odd_messages.COUNT + len(LONG))
            self.assertEqual({name for name, text in messages.items() if signatures(text) != set(KINDS)}, set(), form)

    def verify(self, verifier, form, messages):
        """MESSAGES that VERIFIER refuses, or whose signatures it does not find, and what it says."""
        kinds = [kind for kind in KINDS if kind != "ed25519" or verifier.ed25519]
        found = verifier.verify({name: text for name, text in messages.items() if verifier.reads(text)})
        self.assertGreater(len(found), 0.9 * len(messages), f"{verifier.peer} reads too few messages")
        return {name: said for name, said in found.items() if any(said.get(kind) != "pass" for kind in kinds)}

    def check(self, peer):
        with peer(self.keys) as verifier:
            for form in FORMS:
                if form.startswith("relaxed") or verifier.simple:
                    self.assertEqual(self.verify(verifier, form, self.sent[form]), {}, f"{peer.__name__}, {form}")
            self.check_changes(verifier)

    def check_changes(self, verifier):
        """What must not pass: another body, another field, and a field that was added in front."""
        text = self.sent["relaxed/relaxed"]["header_reply_to"]
        changed = {
            "body": text.replace(b"this is a test", b"this is no test"),
            "added_line": text + b"more\r\n",
            "subject": text.replace(b"Subject: reply", b"Subject: repaid"),
            "second_from": b"From: other@relaxed-relaxed.example\r\n" + text,
            "second_subject": b"Subject: pay\r\n" + text,
            "new_cc": b"Cc: other@partner.test\r\n" + text,
            "new_encoding": b"Content-Transfer-Encoding: base64\r\n" + text,
            "no_date": re.sub(rb"\nDate: .*\r\n", b"\n", text),
        }
        found = verifier.verify({"unchanged": text} | changed)
        self.assertEqual(set(found), {"unchanged"} | set(changed), verifier.peer)
        self.assertIn("pass", found.pop("unchanged").values(), verifier.peer)
        for name, said in found.items():
            self.assertNotEqual(changed[name], text)
            self.assertTrue(said, f"{verifier.peer} says nothing of {name}")
            self.assertNotIn("pass", said.values(), f"{verifier.peer}, {name}")

    def test_dkimpy(self):
        self.check(dkim_peers.DkimPy)

    def test_mail_dkim(self):
        self.check(dkim_peers.MailDkim)

    def test_opendkim(self):
        self.check(dkim_peers.OpenDkim)


if __name__ == "__main__":
    harness.main()
