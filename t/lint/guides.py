#!/usr/bin/env python3
"""The guides for administrators say what the programs say, and the Japanese pages say what the English ones say.

usage: guides.py SOURCE_DIR

Prints every difference as file: text and exits 1 when there is one. Compared are the levels of headings and, in each part,
the code (settings, commands, lines of the log), the blocks, the number of rows of tables, and where links lead.
"""
import pathlib
import re
import sys

TRANSLATED = {"README.md": "README.ja.md", "doc/from-iis.md": "doc/ja/from-iis.md", "doc/printers.md": "doc/ja/printers.md"}
BETWEEN = ["README.md", "README.ja.md", "../from-iis.md", "../printers.md", "ja/from-iis.md", "ja/printers.md"]  # languages
REPLY = re.compile(r"(\d{3}) (\d\.\d+\.\d+)(?: (.*))?$")
FILLED_IN = re.compile(r'\[?\.\.\.\]?|\w+="?|"|[A-Z]\w*\d[\w.]*')
WORDS_MIN = 8  # of a line of the log: shorter pieces, such as "NAME", are an administrator's


class Part:
    """What stands between two headings."""

    def __init__(self, heading):
        self.level = len(re.match(r"#*", heading)[0])
        self.heading = heading.lstrip("# ")
        self.lines = []

    def text(self):
        return "\n".join(line for line in self.lines if not line.startswith("    "))

    def code(self):
        return set(re.findall(r"`([^`]+)`", " ".join(self.text().split())))

    def rows(self):
        return sum(line.startswith("|") for line in self.lines)

    def block(self):
        return [line for line in self.lines if line.startswith("    ")]

    def links(self):
        """The files that links lead to; parts of a page are called otherwise in another language."""
        targets = re.findall(r"\]\(([^)#]+)[^)]*\)", self.text())
        return sorted(pathlib.Path(t).name for t in targets if t not in BETWEEN)


def parts_of(page):
    parts = []
    for line in page.read_text().splitlines():
        if line.startswith("#"):
            parts.append(Part(line))
        elif parts:
            parts[-1].lines.append(line)
    return parts


def same_line(english, japanese):
    """A comment or description may be translated: then the line is the same up to its first Japanese character."""
    if english.strip().startswith("#"):
        return japanese.strip().startswith("#")
    kept = re.match(r"[\x00-\x7f]*", japanese)[0]
    return english == japanese if kept == japanese else english.startswith(kept.rstrip(" #")) and len(kept.strip()) > 0


class Guides:
    def __init__(self, root):
        self.root = root
        self.errors = []
        sources = [p for p in root.glob("*/**/*.*") if p.suffix in (".c", ".def") and p.relative_to(root).parts[0] not in ("t", "build")]
        self.said = "\n".join(re.sub(r'"\s*\n\s*"', "", path.read_text()) for path in sources).replace('\\"', '"')

    def complain(self, page, text):
        self.errors.append(f"{page}: {text}")

    def compare_block(self, page, ours, theirs):
        if len(ours.block()) != len(theirs.block()):
            self.complain(page, f'"{theirs.heading}" has another number of lines of code than "{ours.heading}"')
        for english, japanese in zip(ours.block(), theirs.block()):
            if not same_line(english, japanese):
                self.complain(page, f'"{theirs.heading}": "{japanese.strip()}" is not "{english.strip()}"')

    def compare(self, english, japanese):
        ours, theirs = parts_of(self.root / english), parts_of(self.root / japanese)
        if [p.level for p in ours] != [p.level for p in theirs]:
            self.complain(japanese, f"has not the headings of {english}: {len(theirs)} and {len(ours)}")
            return
        for a, b in zip(ours, theirs):
            for what in sorted(a.code() - b.code()):
                self.complain(japanese, f'"{b.heading}" lacks `{what}`, which "{a.heading}" has')
            for what in sorted(b.code() - a.code()):
                self.complain(japanese, f'"{b.heading}" has `{what}`, which "{a.heading}" has not')
            if a.rows() != b.rows():
                self.complain(japanese, f'"{b.heading}" has {b.rows()} rows of tables, "{a.heading}" has {a.rows()}')
            if a.links() != b.links():
                self.complain(japanese, f'"{b.heading}" links to {b.links()}, "{a.heading}" to {a.links()}')
            self.compare_block(japanese, a, b)

    def is_said(self, line):
        """Whether a program writes LINE of the log; `...` in it stands for anything."""
        reply = REPLY.match(line)
        if reply and f'{reply[1]}, "{reply[2]}"' not in re.sub(r",\s+", ", ", self.said):
            return False
        text = (reply[3] or "") if reply else line.removeprefix("the client ")
        pieces = [piece.strip() for piece in FILLED_IN.split(text)]
        return all(piece in self.said for piece in pieces if len(piece) >= WORDS_MIN)

    def log_lines(self):
        """The first column of "What goes wrong" has words of the programs; alerts of TLS are those of OpenSSL."""
        page = "doc/printers.md"
        part = next(p for p in parts_of(self.root / page) if p.heading == "What goes wrong")
        for row in part.lines:
            first = row.split("|")[1] if row.startswith("|") else ""
            for line in re.findall(r"`([^`]+)`", first):
                if not line.startswith(("alert", "'")) and not self.is_said(line):
                    self.complain(page, f"no program says `{line}`")

    def run(self):
        for page in sorted(self.root.glob("doc/ja/*.md")):
            if str(page.relative_to(self.root)) not in TRANSLATED.values():
                self.complain(page.relative_to(self.root), "is not compared: add it to TRANSLATED")
        for english, japanese in TRANSLATED.items():
            self.compare(english, japanese)
        self.log_lines()
        print("\n".join(self.errors) if self.errors else f"{len(TRANSLATED)} pages are the same in both languages")
        return 1 if self.errors else 0


sys.exit(Guides(pathlib.Path(sys.argv[1]).resolve()).run())
