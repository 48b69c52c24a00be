#!/usr/bin/env python3
"""Every message of mailrootctl is in po/*.po, translated, and no other; a translation names the same commands and settings.
Daemons mark the texts that mailrootctl shows.

usage: messages.py SOURCE_DIR

Prints every difference and exits 1 when there is one. `po/update` puts new messages into the files.
"""
import ast
import pathlib
import re
import subprocess
import sys
import tempfile


# Modules of daemons whose sentences all come to mailrootctl.
SHOWN = ["common/dns/lookup.c", "common/tls/client.c", "delivery/smtp/ending.c", "delivery/smtp/greeting.c", "delivery/smtp/refusal.c",
         "delivery/resolver/list_watch.c", "delivery/resolver/watch.c", "master/changes.c", "queue/operator/as_sent.c", "queue/operator/explain.c", "queue/operator/explain_say.c", "queue/operator/not_taken.c",
         "queue/operator/report.c", "smtpd/accept/submission.c", "smtpd/pickup/pickup_trouble.c", "smtpd/policy/advice.c",
         "smtpd/policy/gateway.c", "smtpd/policy/policy.c", "smtpd/policy/rules.c"]
LITERAL = re.compile(r'"(?:[^"\\\n]|\\.)*"' + r"|'(?:[^'\\\n]|\\.)*'")
NO_MESSAGES = re.compile(r"N_|_|ngettext|_Static_assert|reply_says|log_\w+")
NAMES = {"drop folder", "next hop", "relay allow", "the host",
         "basic authentication is", "SmtpClientAuthentication is disabled", "application-specific password"}


def calls(text, end):
    """The names of the calls that are open at offset END of TEXT, which has no comments: the innermost first."""
    depth, names = 0, []
    for at in range(end - 1, -1, -1):
        if text[at] in ";{}" and depth == 0:
            break
        depth += {")": 1, "(": -1}.get(text[at], 0)
        if depth < 0:
            depth = 0
            names.append(re.search(r"\w*$", text[:at])[0])
    return names


def unmarked(text):
    """The sentences of a source that are not marked."""
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    bare = LITERAL.sub(lambda found: found[0][0] + "." * (len(found[0]) - 2) + found[0][0], text)
    for found in LITERAL.finditer(text):
        sentence = found[0][1:-1]
        if re.search("[a-z],? [a-zA-Z]", sentence) and sentence not in NAMES and not any(
                NO_MESSAGES.fullmatch(name) for name in calls(bare, found.start())):
            yield sentence


def entries(path):
    """The entries of a file of gettext: {message: (flags, [translation ...])}."""
    found = {}
    for block in path.read_text().split("\n\n"):
        texts, key = {}, None
        for line in block.splitlines():
            start = re.match(r'(msgid|msgid_plural|msgstr(?:\[\d+\])?) (?=")', line)
            if start:
                key = start[1]
                line = line[start.end():]
            if line.startswith('"'):
                texts[key] = texts.get(key, "") + ast.literal_eval(line)
        flags = " ".join(re.findall(r"^#, (.*)$", block, re.M))
        if texts.get("msgid"):
            found[texts["msgid"]] = (flags, [text for name, text in texts.items() if name.startswith("msgstr")])
    return found


def commands(text):
    """What is to be typed, in back quotes."""
    return sorted(set(re.findall(r"`([^`]*)`", text)))


class Messages:
    def __init__(self, root):
        self.root = root
        self.errors = []

    def complain(self, path, text):
        self.errors.append(f"{path.relative_to(self.root)}: {text}")

    def compare(self, path, template):
        ours = entries(path)
        for message in template.keys() - ours.keys():
            self.complain(path, f'lacks "{message}": run po/update, and translate it')
        for message in ours.keys() - template.keys():
            self.complain(path, f'has "{message}", which no program says any more: run po/update')
        for message in ours.keys() & template.keys():
            flags, translations = ours[message]
            if "fuzzy" in flags or not all(translations):
                self.complain(path, f'"{message}" is not translated')
            for translation in translations:
                if commands(translation) != commands(message):
                    self.complain(path, f'"{translation}" has not the commands of "{message}"')
        if re.search(r"^#~", path.read_text(), re.M):
            self.complain(path, "has messages that are not in use any more (#~): remove them")

    def check(self, path):
        done = subprocess.run(["msgfmt", "--check", "--output-file=/dev/null", str(path)], capture_output=True, text=True)
        for line in done.stderr.splitlines():
            self.errors.append(line)

    def run(self):
        with tempfile.TemporaryDirectory() as folder:
            template = pathlib.Path(folder) / "mailroot.pot"
            subprocess.run([str(self.root / "po" / "update"), str(template)], check=True)
            wanted = entries(template)
        for path in sorted((self.root / "po").glob("*.po")):
            self.compare(path, wanted)
            self.check(path)
        for name in SHOWN:
            for text in unmarked((self.root / name).read_text()):
                self.complain(self.root / name, f'"{text}" has no N_(), so that mailrootctl shows it in English only')
        print("\n".join(self.errors) if self.errors else f"{len(wanted)} messages are translated")
        return 1 if self.errors else 0


sys.exit(Messages(pathlib.Path(sys.argv[1]).resolve()).run())
