#!/usr/bin/env python3
"""The rules of HACKING.md that a machine can check.

usage: lint.py SOURCE_DIR BUILD_DIR

Prints every violation as file:line: text and exits 1 when there is one.
"""
import fnmatch
import functools
import pathlib
import re
import shutil
import subprocess
import sys
import unicodedata
from concurrent.futures import ThreadPoolExecutor

# The layers of folders, called floors, lowest first. A file includes files of its own folder and of lower floors; folders
# of one floor don't include one another. Programs stand on common and don't include one another. A program in a folder of
# another one has floors of its own; the two may share lower ones.
COMMON = [["common/base"], ["common/mail"], ["common/accounts", "common/ipc", "common/spool"], ["common/config"],
          ["common/net", "common/recipients"], ["common/process"], ["common/dkim", "common/dns", "common/gss", "common/jail", "common/tls"]]
PROGRAMS = {
    "master": [["master"]],
    "smtpd": [["smtpd/protocol"], ["smtpd/policy"], ["smtpd/accept"], ["smtpd/milter"], ["smtpd/auth"], ["smtpd/session"], ["smtpd/proxy"], ["smtpd"]],
    "smtpd/kerberos": [["smtpd/kerberos"]],
    "smtpd/filters": [["smtpd/protocol"], ["smtpd/policy"], ["smtpd/accept"], ["smtpd/milter"], ["smtpd/filters"]],
    "smtpd/pickup": [["smtpd/protocol"], ["smtpd/policy"], ["smtpd/accept"], ["smtpd/milter"], ["smtpd/pickup"]],
    "queue": [["queue/rules"], ["queue/model"], ["queue/plan"], ["queue/spool"], ["queue/attempt"], ["queue/etrn"],
              ["queue/operator"], ["queue"]],
    "queue/log": [["queue/log"]],
    "delivery": [["delivery/report"], ["delivery/pool"], ["delivery/auth"], ["delivery/smtp"], ["delivery"]],
    "delivery/local": [["delivery/report"], ["delivery/pool"], ["delivery/local"]],
    "delivery/resolver": [["delivery/resolver"]],
    "delivery/web": [["delivery/web"]],
    "ctl": [["ctl"]],
    "ctl/filter": [["smtpd/protocol"], ["smtpd/policy"], ["smtpd/accept"], ["smtpd/milter"], ["smtpd/filters"], ["ctl"], ["ctl/filter"]],
    "ctl/doctor": [["smtpd/protocol"], ["smtpd/policy"], ["smtpd/accept"], ["smtpd/milter"], ["smtpd/filters"], ["ctl"], ["ctl/doctor"]],
    "ctl/dkim": [["smtpd/protocol"], ["smtpd/policy"], ["ctl"], ["ctl/doctor"], ["ctl/dkim"]],
    "ctl/alerts": [["ctl"], ["ctl/alerts"]],
    "ctl/metrics": [["ctl"], ["ctl/metrics"]],
    "ctl/exporter": [["ctl"], ["ctl/metrics"], ["ctl/exporter"]],
    "ctl/top": [["ctl"], ["ctl/metrics"], ["ctl/top"]],
    "ctl/replay": [["smtpd/protocol"], ["smtpd/policy"], ["ctl"], ["ctl/replay"]],
    "ctl/import": [["ctl/import"]],
    "sendmail": [["sendmail"]],
}

# What common/mail may take from outside: memory and text functions of libc that make no system call. str.c and arena.c
# (common/base) bring malloc; they are the caller's choice. clock_iso and clock_iso_parse read no clock.
PURE_LIBC = {
    "memchr", "memcmp", "memcpy", "memmove", "memset", "memrchr", "memmem", "strlen", "strchr", "strcmp", "strncmp",
    "snprintf", "__snprintf_chk", "__memcpy_chk", "__memmove_chk", "__memset_chk", "__stack_chk_fail", "bsearch", "qsort",
    "inet_ntop", "inet_pton", "_GLOBAL_OFFSET_TABLE_", "rawmemchr", "strspn", "strcspn", "strnlen",
}
PURE_BASE = re.compile(r"^(span|str|arena|base64)_|^clock_iso")
COMPONENT_MAX = 5
FUNCTION_LINES_MAX = 60
FILE_LINES_MAX = 450
DIAGNOSTIC_MIN = 12
PAGE_LINES_MAX = 250
PAGE_COLUMNS = 100
CLANG_FORMAT = 14  # that of Debian 12
CPP_KEYWORD = re.compile(r"^[a-z][\w *]*[ *](catch|class|delete|explicit|export|friend|mutable|namespace|new|operator|private|protected"
                         r"|public|template|this|throw|try|typename|using|virtual)\(")
CUT_LITERAL = re.compile(r'(?<!\\)[A-Za-z,] ?"[ \t]*\n[ \t]*"[ a-z]')


def columns(line):
    """How many columns of a terminal LINE takes: a wide character, as in Japanese, takes two."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in line)


def folder_of(path, root):
    return str(path.relative_to(root).parent)


def may_include(folder, other):
    """Whether a file of FOLDER may include one of OTHER, which is another folder."""
    floors = COMMON + PROGRAMS.get(folder, PROGRAMS.get(folder.split("/")[0], []))
    level = {name: number for number, names in enumerate(floors) for name in names}
    return other in level and level[other] < level[folder]


def knots(graph):
    """The strongly connected components of GRAPH (Tarjan)."""
    index, low, stack, found = {}, {}, [], []

    def visit(node):
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in graph.get(node, ()):
            if other not in index:
                visit(other)
            if other in stack:
                low[node] = min(low[node], low[other])
        if low[node] == index[node]:
            at = stack.index(node)
            found.append(stack[at:])
            del stack[at:]

    for node in graph:
        if node not in index:
            visit(node)
    return found


class Lint:
    def __init__(self, root, build):
        self.root, self.build = root, build
        self.errors = []
        folders = {root / name for floors in [COMMON, *PROGRAMS.values()] for names in floors for name in names}
        self.sources = sorted(p for folder in folders for p in folder.glob("*.[ch]"))
        self.headers = [p for p in self.sources if p.suffix == ".h"]

    def complain(self, path, line, text):
        self.errors.append(f"{path}:{line}: {text}")

    def includes(self, path):
        """An include points to the same folder or a lower floor, and its path is written in full."""
        folder = folder_of(path, self.root)
        for number, line in enumerate(path.read_text().splitlines(), 1):
            match = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
            if not match:
                continue
            target = self.root / match.group(1)
            if not target.exists() and not target.with_name(target.name + ".in").exists() and not (self.build / match.group(1)).exists():
                self.complain(path, number, f'"{match.group(1)}": write the path from the top folder')
                continue
            other = folder_of(target, self.root)
            if other != folder and not may_include(folder, other):
                self.complain(path, number, f"{folder} must not include {other}, which is no lower floor")

    def circles(self):
        """No include circle among headers."""
        graph = {str(p.relative_to(self.root)): re.findall(r'^\s*#\s*include\s+"([^"]+\.h)"', p.read_text(), re.M)
                 for p in self.headers}
        done = set()

        def visit(name, trail):
            if name in trail:
                self.complain(self.root / name, 1, "include circle: " + " -> ".join(trail + [name]))
            elif name not in done:
                for other in graph.get(name, []):
                    visit(other, trail + [name])
                done.add(name)

        for name in graph:
            visit(name, [])

    def components(self):
        """Modules of a folder that include one another in a circle: a few may, a knot of them is no design."""
        graph = {}
        for path in self.sources:
            module = path.relative_to(self.root).with_suffix("")
            uses = {pathlib.Path(name).with_suffix("") for name in re.findall(r'^\s*#\s*include\s+"([^"]+)"', path.read_text(), re.M)}
            graph.setdefault(module, set()).update(use for use in uses if use.parent == module.parent and use != module)
        for knot in knots(graph):
            if len(knot) > COMPONENT_MAX:
                names = ", ".join(sorted(module.name for module in knot))
                self.complain(self.root / knot[0].parent, 1, f"{len(knot)} modules include one another in a circle: {names}")

    def header_alone(self, path):
        """Every header compiles alone, under the same warnings as the code."""
        command = ["cc", "-std=gnu11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Wconversion", "-Werror",
                   f"-I{self.root}", "-fsyntax-only", "-x", "c", str(path)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            self.complain(path, 1, "does not compile alone: " + done.stderr.strip().splitlines()[0])

    def pure(self):
        """common/mail needs nothing that makes a system call."""
        archive = self.build / "libmail.a"
        if not archive.exists():
            self.complain(archive, 1, "is not built")
            return
        listing = subprocess.run(["nm", "-A", str(archive)], capture_output=True, text=True, check=True).stdout
        defined = set(re.findall(r" [TDBR] (\w+)$", listing, re.M))
        for line in listing.splitlines():
            match = re.match(r"(\S+?):\s+U (\S+)$", line)
            name = match and match.group(2)
            if name and name not in defined and name not in PURE_LIBC and not PURE_BASE.match(name):
                self.complain(match.group(1), 1, f"common/mail must be pure, but needs {name}")

    def sizes(self, path):
        """A function fits a screen, a file a room: generous hard limits here, better judgement elsewhere."""
        lines = path.read_text().splitlines()
        if len(lines) > FILE_LINES_MAX:
            self.complain(path, 1, f"{len(lines)} lines: this has become two modules")
        start = None
        for number, line in enumerate(lines, 1):
            if line == "{":
                start = number
            elif line == "}" and start:
                if number - start > FUNCTION_LINES_MAX:
                    self.complain(path, start, f"a function of {number - start} lines")
                start = None

    def modules(self, path):
        """X.c, and X_Y.c of the same family, is declared in X_Y.h or X.h beside it; main.c declares nothing."""
        family = path.stem.split("_")[0]
        if path.suffix == ".c" and path.stem != "main":
            if not any(path.with_name(f"{name}.h").exists() for name in (path.stem, family)):
                self.complain(path, 1, f"neither {path.stem}.h nor {family}.h is beside it")

    def names(self):
        """Within a program, and within common, no file but main.c has the name of another one."""
        seen = {}
        for path in self.sources:
            program = folder_of(path, self.root).split("/")[0]
            first = seen.setdefault((program, path.name), path)
            if first is not path and path.name != "main.c":
                self.complain(path, 1, f"{first.relative_to(self.root)} has the same name")

    def words(self, path):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if re.search(r"\b(TODO|FIXME|XXX|HACK)\b", line):
                self.complain(path, number, "unfinished mark")
            if re.search(r"\b(strcpy|strcat|sprintf|gets|strtok|atoi|atol|system|popen)\s*\(", line):
                self.complain(path, number, "a function that this house does not use")

    def keywords(self, path):
        """No function has the name of a keyword of C++, which editors and tools take for one."""
        for number, line in enumerate(path.read_text().splitlines(), 1):
            match = CPP_KEYWORD.match(line)
            if match:
                self.complain(path, number, f"{match.group(1)} is a keyword of C++")

    def literals(self, path):
        """A sentence in a string literal is not cut by the end of a line, so that grep finds a message."""
        text = path.read_text()
        for match in CUT_LITERAL.finditer(text):
            self.complain(path, text.count("\n", 0, match.start()) + 1, "a literal is cut in the middle of a sentence")

    def format(self):
        """clang-format agrees. Its versions do not agree with one another, so it is asked where it is the one that we use."""
        tool = shutil.which("clang-format-14") or shutil.which("clang-format")
        if not tool:
            self.complain(self.root / ".clang-format", 1, "clang-format is not installed")
            return
        version = subprocess.run([tool, "--version"], capture_output=True, text=True, check=True).stdout
        if f" {CLANG_FORMAT}." not in version:
            print(f"the format is not checked: that takes clang-format {CLANG_FORMAT}, and here is {version.strip()}")
            return
        files = self.sources + sorted((self.root / "t").glob("*/*.[ch]"))
        done = subprocess.run([tool, "--dry-run", "-Werror", *map(str, files)], capture_output=True, text=True)
        for match in re.finditer(r"^(\S+?):(\d+):\d+: error:", done.stderr, re.M):
            self.complain(match.group(1), match.group(2), "clang-format would change this")

    def anchors(self, page):
        """What links to parts of a page may say: its headings as GitHub writes them."""
        headings = re.findall(r"^#+ (.*)$", page.read_text(), re.M)
        return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}

    def link(self, page, number, target, anchor):
        there = page.parent / target if target else page
        if not there.exists():
            self.complain(page, number, f"the link {target} leads nowhere")
        elif anchor and anchor not in self.anchors(there):
            self.complain(page, number, f"{there.name} has no part #{anchor}")

    def document(self, page):
        """A page fits its columns and its length, its links lead somewhere, and the files and names in it exist."""
        lines = page.read_text().splitlines()
        if len(lines) > PAGE_LINES_MAX:
            self.complain(page, 1, f"{len(lines)} lines: this has become two pages")
        for number, line in enumerate(lines, 1):
            if columns(line) > PAGE_COLUMNS:
                self.complain(page, number, f"{columns(line)} columns")
            for target, anchor in re.findall(r"\]\(([^):#]*)(?:#([^)]+))?\)", line):
                self.link(page, number, target, anchor)
            for name in re.findall(r"`((?:common|doc|etc|t|" + "|".join(PROGRAMS) + r")/[\w./*-]+\.\w+)`", line):
                if "NAME" not in name and not any(self.root.glob(name)):
                    self.complain(page, number, f"there is no {name}")
            for name in re.findall(r"`([\w*]+\.[ch])`", line):
                if "NAME" not in name and not fnmatch.filter(self.file_names(), name):
                    self.complain(page, number, f"no file is called {name}")
            constants = re.findall(r"(?<!\w)(?:-D)?([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)\b", line)
            for name in re.findall(r"`([a-z]\w*_\w+)(?:\(\))?`", line) + constants:
                ours = "NAME" not in name and not name.endswith("_") and not name.startswith("CMAKE_")
                if ours and name not in self.known():
                    self.complain(page, number, f"nothing is called {name}")

    @functools.cache
    def named_files(self):
        """What a document may name: sources, scripts and what builds them."""
        files = [p for pattern in ("*.*", "*/*.*", "*/*/*.*") for p in self.root.glob(pattern)]
        return [p for p in files if p.suffix in (".c", ".h", ".in", ".def", ".py") or p.name == "CMakeLists.txt"]

    @functools.cache
    def file_names(self):
        return {path.name.removesuffix(".in") for path in self.named_files()}

    @functools.cache
    def known(self):
        """Every word with an underscore in those files and in their names."""
        words = {word for path in self.named_files() for word in re.findall(r"\w+_\w+", path.read_text(errors="replace"))}
        return words | {path.stem for path in self.named_files()}

    def documents(self):
        for pattern in ("*.md", "[a-z]*/*.md", "doc/ja/*.md", "etc/container/*.md"):
            for page in sorted(self.root.glob(pattern)):
                self.document(page)
        for path in self.sources:
            for number, line in enumerate(path.read_text().splitlines(), 1):
                for name in re.findall(r"\b((?:doc/)?[\w-]+\.md)\b", line):
                    if not (self.root / name).exists():
                        self.complain(path, number, f"there is no {name}")

    def manuals(self):
        """mandoc has no warning about a manual page."""
        pages = sorted(p for p in self.root.glob("*/*.[158]"))
        tool = shutil.which("mandoc")
        if not tool:
            print("the manual pages are not checked: mandoc is not installed")
            return
        done = subprocess.run([tool, "-T", "lint", "-W", "warning", *map(str, pages)], capture_output=True, text=True)
        for match in re.finditer(r"^mandoc: (\S+?):(\d+):\d+: (\w+: .*)$", done.stdout, re.M):
            self.complain(match.group(1), match.group(2), match.group(3))

    def diagnostics(self):
        """Each message that a manual page explains is one of the programs. What they fill in stands in capitals or parentheses."""
        said = "\n".join(re.sub(r'"\s*\n\s*"', "", path.read_text()) for path in self.sources)
        for page in self.root.glob("*/*.[158]"):
            for number, line in enumerate(page.read_text().splitlines(), 1):
                message = re.match(r'\.It "(.*)"$', line)
                for words in re.split(r"[A-Z]{3,}|\(.*?\)|[:;] ", message.group(1)) if message else []:
                    if len(words) > DIAGNOSTIC_MIN and words.strip() not in said:
                        self.complain(page, number, f'no program says "{words.strip()}"')

    def packaging(self):
        """debian/ has the version of CMakeLists.txt, and needs the packages that etc/prepare installs to build; a Debian has the compiler."""
        version = re.search(r"project\(mailroot VERSION (\S+)", (self.root / "CMakeLists.txt").read_text()).group(1)
        changelog = self.root / "debian/changelog"
        if not changelog.read_text().startswith(f"mailroot ({version})"):
            self.complain(changelog, 1, f"its version is not {version}, that of CMakeLists.txt")
        needed = re.search(r"\[build\]=\"(.*?)\"", (self.root / "etc/prepare").read_text()).group(1).split()
        control = self.root / "debian/control"
        listed = re.findall(r"^ ([\w.+-]+)", control.read_text(), re.M)
        for package in set(needed) - set(listed) - {"gcc", "libc6-dev"}:
            self.complain(control, 1, f"{package} of etc/prepare is not in Build-Depends")

    def apparmor(self):
        """AppArmor understands the profile; no kernel with AppArmor is needed."""
        tool = shutil.which("apparmor_parser")
        for profile in (self.root / "etc/apparmor.d").glob("*"):
            done = subprocess.run([tool, "-Q", "-K", profile], capture_output=True, text=True) if tool else None
            if done and done.returncode:
                self.complain(profile, 1, done.stderr.strip())
        if not tool:
            print("the AppArmor profile is not checked: apparmor is not installed")

    def run(self):
        for path in self.sources:
            self.includes(path)
            self.words(path)
            self.keywords(path)
            self.literals(path)
            self.sizes(path)
            self.modules(path)
        self.circles()
        self.names()
        self.components()
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(self.header_alone, self.headers))
        self.pure()
        self.format()
        self.manuals()
        self.documents()
        self.diagnostics()
        self.packaging()
        self.apparmor()
        print("\n".join(self.errors) if self.errors else f"{len(self.sources)} files keep the rules")
        return 1 if self.errors else 0


sys.exit(Lint(pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()).run())
