"""sendmail(8), the command for local programs. The service does not run here; test_sendmail_programs delivers to recipients."""
import contextlib
import os
import pathlib
import re
import resource
import shutil
import signal
import stat
import subprocess
import unittest

import harness
from harness import wait_for

ROOT = os.geteuid() == 0
USER, OTHER = 65534, 65533  # the user nobody, and a user that does not exist
NAME = re.compile(r"[0-9A-HJKMNP-TV-Z]{24},S=(\d+)(,8)?\.eml")
LONG = b"Subject: x\n\n" + b"x" * (35 << 20)  # beyond the usual max_message_size
OK, USAGE, DATAERR, NOINPUT, UNAVAILABLE, CANTCREAT, IOERR, TEMPFAIL, CONFIG = 0, 64, 65, 66, 69, 73, 74, 75, 78


def become(uid):
    """The prefix of a command that runs it as UID, as far as possible."""
    return ["setpriv", "--reuid", str(uid), "--regid", str(uid), "--clear-groups"] if ROOT else []


class Door:
    """A spool as mailrootd makes it, and the program in a place where every user can run it."""

    def __init__(self, server="free_space_floor 1M"):
        self.folder = harness.scratch()
        self.maildrop = self.folder / "spool/default/maildrop"
        self.maildrop.mkdir(parents=True)
        self.maildrop.chmod(0o1733)
        (self.folder / "spool/.maildrop").symlink_to("default/maildrop")
        self.conf = self.folder / "mailroot.conf"
        self.conf.write_text(f"mailroot_dir {self.folder}/spool\nvirtual_server default {{ fqdn mail.example.com; {server} }}\n")
        self.program = self.folder / "sendmail"
        shutil.copy(harness.BUILD / "sendmail", self.program)

    def command(self, *args, uid=USER, prefix=()):
        return [*become(uid), *prefix, str(self.program), "-C", str(self.conf), *args]

    def send(self, *args, text=b"Subject: x\n\nhello\n", status=OK, **how):
        options = {key: how.pop(key) for key in ("env", "preexec_fn", "pass_fds") if key in how}
        done = subprocess.run(self.command(*args, **how), input=text, capture_output=True, timeout=60, **options)
        assert done.returncode == status, f"exit {done.returncode} instead of {status}: {done.stderr.decode()}"
        if status == OK:
            assert not done.stderr, done.stderr
        return done

    def files(self):
        return sorted(self.maildrop.iterdir())

    def take(self):
        """The only message: (envelope lines, header and text)."""
        path, = self.files()
        raw = path.read_bytes()
        match = NAME.fullmatch(path.name)
        assert match and int(match[1]) == len(raw), path.name
        assert bool(match[2]) == any(octet > 127 for octet in raw), path.name
        assert b"\n" not in raw.replace(b"\r\n", b"") and b"\r" not in raw.replace(b"\r\n", b"")
        path.unlink()
        lines = raw.decode("latin-1").split("\r\n")
        count = next(i for i, line in enumerate(lines) if not re.match(r"x-(sender|receiver|mailroot-\w+): ", line))
        return lines[:count], "\n".join(lines[count:])


class Test(unittest.TestCase):
    def setUp(self):
        self.door = Door()
        self.addCleanup(shutil.rmtree, self.door.folder, ignore_errors=True)

    def refused(self, status, word, *args, **how):
        """No file is left, and one line has the reason."""
        done = self.door.send(*args, status=status, **how)
        self.assertEqual(self.door.files(), [])
        said = done.stderr.decode()
        self.assertRegex(said, r"\Asendmail: [^\n]+\n\Z")
        self.assertIn(word, said)
        return said


class Messages(Test):
    def test_a_message(self):
        self.door.send("bob@example.com", "root")
        path, = self.door.files()
        status = path.stat()
        self.assertEqual(stat.S_IMODE(status.st_mode), 0o644)
        self.assertEqual(status.st_uid, USER if ROOT else os.geteuid())
        envelope, text = self.door.take()
        self.assertRegex(envelope[0], r"^x-sender: \S+$")
        self.assertEqual(envelope[1:], ["x-receiver: bob@example.com", "x-receiver: root"])
        self.assertRegex(text, r"\ADate: \w+, .*\nFrom: .*\nSubject: x\n\nhello\n\Z")

    def test_umask_does_not_matter(self):
        self.door.send("root", preexec_fn=lambda: os.umask(0o777))
        self.assertEqual(stat.S_IMODE(self.door.files()[0].stat().st_mode), 0o644)

    def test_sender(self):
        for args, sender, header in ((["-f", "app@example.com"], "app@example.com", "\nFrom: app@example.com\n"),
                                     (["-f", "app@example.com", "-F", "The App"], "app@example.com", '\nFrom: "The App" <app@example.com>\n'),
                                     (["-f", ""], "<>", "From: "),
                                     (["-f<>"], "<>", "From: "),
                                     (["-r", "App <app@example.com>"], "app@example.com", "\nFrom: app@example.com\n"),
                                     (["-FCron Daemon"], None, 'From: "Cron Daemon" <')):
            self.door.send(*args, "root")
            envelope, text = self.door.take()
            if sender:
                self.assertEqual(envelope[0], f"x-sender: {sender}")
            self.assertIn(header, text)

    def test_a_user_that_does_not_exist(self):
        if not ROOT:
            self.skipTest("needs root to be somebody else")
        self.door.send("root", uid=OTHER)
        self.assertEqual(self.door.take()[0][0], f"x-sender: uid{OTHER}")

    def test_recipients_of_the_header(self):
        text = b"From: a@example.com\nTo: Bob <bob@example.com>,\n  \"Doe, J\" <j@example.net> (x)\nCc: list: c@d, e@f;\nBcc: g@h\n\nx\n"
        self.door.send("-t", text=text)
        envelope, message = self.door.take()
        self.assertEqual([line[12:] for line in envelope[1:]], ["bob@example.com", "j@example.net", "c@d", "e@f", "g@h"])
        self.assertNotIn("g@h", message)
        self.door.send("-t", "more@example.com", text=text)
        self.assertEqual(len(self.door.take()[0]), 7)

    def test_dots(self):
        text = b"Subject: x\n\na\n.\nb\n"
        for args, want in ((["-t"], "a\n"), (["-i"], "a\n.\nb\n"), (["-oi"], "a\n.\nb\n"), (["-t", "-i"], "a\n.\nb\n")):
            self.door.send(*args, "root", text=b"To: x\n" + text)
            self.assertEqual(self.door.take()[1].partition("\n\n")[2], want)

    def test_texts(self):
        for text, want in ((b"no header\n", "no header\n"), (b"", ""), (b"\n", ""), (b"\nx", "x\n"), (b"a: b\n\nx\r\ny\rz", "x\ny\nz\n"),
                           (b"a: b\r\r\nc: d\r\r\n\r\r\nx\r\r\ny\r\r\n", "x\ny\n"),
                           (b"From joe Sun Nov 22 08:41:12 2026\na: b\n\nx\n", "x\n"), (b"a: b\nnone\nx\n", "none\nx\n")):
            self.door.send("root", text=text)
            envelope, message = self.door.take()
            self.assertEqual(message.partition("\n\n")[2], want, text)
            self.assertRegex(message, r"\A(X-Mailbox-Line: From joe .*\n)?Date: ")

    def test_eight_bits_and_nul(self):
        body = bytes(range(256)).replace(b"\r", b"").replace(b"\n", b"") * 300
        self.door.send("root", text=b"Subject: x\n\n" + body + b"\n")
        path, = self.door.files()
        self.assertTrue(path.name.endswith(",8.eml"))
        self.assertTrue(path.read_bytes().endswith(b"\r\n\r\n" + body + b"\r\n"))

    def test_envelope_lines_in_the_text_are_text(self):
        self.door.send("root", text=b"X-Sender: evil\nx-receiver: evil@example.com\nX-Mailroot-Notify: NEVER\nFrom: a\nDate: b\n\nx\n")
        envelope, message = self.door.take()
        self.assertEqual(len(envelope), 2)
        self.assertEqual(message, "From: a\nDate: b\nX-Sender: evil\nx-receiver: evil@example.com\nX-Mailroot-Notify: NEVER\n\nx\n")

    def test_notices(self):
        self.door.send("-N", "success,delay", "-R", "hdrs", "-V", "id+1", "-f", "a@b", "c@d", "e@f")
        self.assertEqual(self.door.take()[0], ["x-sender: a@b", "x-mailroot-ret: HDRS", "x-mailroot-envid: id+2B1", "x-receiver: c@d",
                                               "x-mailroot-notify: SUCCESS,DELAY", "x-receiver: e@f", "x-mailroot-notify: SUCCESS,DELAY"])

    def test_other_modes(self):
        self.assertIn(b"usage", self.run_as("sendmail", "--help").stdout)
        for name, args in (("newaliases", []), ("sendmail", ["-bi"]), ("sendmail", ["-I"])):
            done = self.run_as(name, *args)
            self.assertEqual((done.returncode, done.stdout, done.stderr), (OK, b"", b""))

    def run_as(self, name, *args):
        return subprocess.run([name, *args], executable=str(self.door.program), capture_output=True, stdin=subprocess.DEVNULL, timeout=60)


class Refusals(Test):
    def test_usage(self):
        self.refused(USAGE, "no recipient")
        self.refused(USAGE, "-t", text=b"")
        self.refused(USAGE, "no recipient", "-t", text=b"Subject: x\n\nTo: body@example.com\n")
        self.refused(USAGE, "unknown option", "-z", "root")
        self.refused(USAGE, "come before", "root", "-f", "x")
        self.refused(USAGE, "never", "-N", "sometimes", "root")

    def test_addresses(self):
        self.refused(DATAERR, "two words", "two words")
        self.refused(DATAERR, "sender", "-f", "a b c", "root")
        self.refused(DATAERR, "gr", "-t", text="To: grün@example.com\n\n".encode())

    def test_size(self):
        self.refused(UNAVAILABLE, "max_message_size", "root", text=LONG)
        self.door.send("root", text=b"Subject: x\n\n" + b"x" * ((35 << 20) - 1000))

    def test_configuration(self):
        self.refused(CONFIG, "No such file", "-C", "/nonexistent/mailroot.conf", "root")
        self.door.conf.write_text(self.door.conf.read_text() + "nonsense {\n")
        self.door.send("root")  # if it has the place of the spool

    def test_folder(self):
        self.door.maildrop.chmod(0o700 if ROOT else 0o500)
        self.refused_unseen(CANTCREAT, "may not put mail there")
        self.door.maildrop.chmod(0o1733)
        self.door.maildrop.rename(self.door.folder / "away")
        self.refused_unseen(CANTCREAT, "mailrootd creates the folder")
        self.door.maildrop.write_text("a file")
        self.refused_unseen(CANTCREAT, "Not a directory")

    def refused_unseen(self, status, word):
        self.assertIn(word, self.door.send("root", status=status).stderr.decode())

    def test_space(self):
        door = Door("free_space_floor 900000G")
        self.addCleanup(shutil.rmtree, door.folder, ignore_errors=True)
        self.assertIn(b"free_space_floor", door.send("root", status=TEMPFAIL).stderr)
        self.assertEqual(door.files(), [])

    @unittest.skipUnless(ROOT, "needs root to mount")
    def test_a_full_disk(self):
        self.mounted("size=256k,mode=1733", "(echo; head -c 1000000 /dev/zero) |", TEMPFAIL, "No space left")
        self.mounted("nr_inodes=1,mode=1733", "", TEMPFAIL, "No space left")
        self.mounted("ro,mode=1733", "", TEMPFAIL, "read-only")

    def mounted(self, options, source, status, word):
        """Sends with another file system as maildrop/, which must be empty afterwards."""
        where = self.door.maildrop
        self.door.conf.write_text(self.door.conf.read_text().replace("1M", "0K"))
        script = f"""mount -t tmpfs none {where} -o {options} || exit 99
            {source} {" ".join(self.door.command("root"))}
            status=$?
            ls -A {where}
            df --output=used {where} | tail -1
            exit $status"""
        done = subprocess.run(["unshare", "-m", "bash", "-c", script], capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
        self.assertEqual(done.returncode, status, done.stderr)
        self.assertIn(word, done.stderr)
        self.assertEqual(done.stdout.split(), ["0"], done.stdout)

    def test_errors_of_the_disk(self):
        for call, error, status in (("fsync", "EIO", TEMPFAIL), ("fsync", "ENOSPC", TEMPFAIL), ("write", "EDQUOT", TEMPFAIL), ("write", "EIO", TEMPFAIL)):
            with self.subTest(call=call, error=error):
                self.refused(status, "maildrop", "root", prefix=self.strace(f"{call}:error={error}:when=1"))

    def test_a_configuration_that_cannot_be_read_now(self):
        for call, error in (("openat", "EMFILE"), ("openat", "ENOMEM"), ("openat", "EIO"), ("read", "EIO")):
            with self.subTest(call=call, error=error):
                prefix = ["strace", "-qq", "-o", "/dev/null", "-P", str(self.door.conf), "-e", f"inject={call}:error={error}"]
                self.refused(TEMPFAIL, "mailroot.conf", "root", prefix=prefix)

    @staticmethod
    def strace(*conditions):
        return ["strace", "-qq", "-o", "/dev/null", *(word for condition in conditions for word in ("-e", f"inject={condition}"))]


class Hostile(Test):
    def test_no_message_is_lost_without_an_error(self):
        for recipient in ("b@x\nc: d@x", "b@x\nc@x", "list: a@x", "a@x (b", '"a@x', "a@[192.0.2.1", "a@x, <b@x", "a@x\rb@x", "c@d: a@x;", "<@r,@s a@x>"):
            with self.subTest(recipient=recipient):
                self.refused(DATAERR, "recipients", "ok@example.com", recipient)
        for field in (b"list: a@x, b@x", b"a@x (b", b'"a@x', b"a@x, <b@x", b"<@r,@s a@x>", b"a@x\0, b@x"):
            for name in (b"To", b"Cc", b"Bcc"):
                with self.subTest(name=name, field=field):
                    self.refused(DATAERR, "", "-t", text=b"To: ok@example.com\n" + name + b": " + field + b"\nSubject: x\n\nx\n")

    def test_messages_that_pickup_would_refuse_are_refused(self):
        for text, word in ((b"Subject: a\0b\n\nx\n", "value 0"), ("Subject: x\n\nx\n".encode("utf-16"), "UTF-16")):
            with self.subTest(word=word):
                self.refused(DATAERR, word, "root", text=text)
        self.door.send("root", text=b"Subject: x\n\nbinary \0 text\n")

    def test_a_hundred_thousand_recipients(self):
        said = self.refused(UNAVAILABLE, "5000", *["a@b.example"] * 90000)
        self.assertLess(len(said), 1000)
        self.refused(UNAVAILABLE, "5000", "-t", text=b"To: " + b"a@b.example,\n " * 30000 + b"c@d\n\n")
        self.door.send(*["a@b.example"] * 5000)
        self.assertEqual(len(self.door.take()[0]), 5001)

    def test_a_header_without_end(self):
        for line in (b"X: " + b"y" * 10 * 1024 * 1024, b"x: y\n" * 2000000, b"x" * 10 * 1024 * 1024 + b": y", b"\0" * (10 << 20)):
            self.refused(DATAERR, "header is longer", "root", text=line)

    def test_nul_everywhere(self):
        self.refused(DATAERR, "value 0", "-t", text=b"To: a\0b@c\n\n")
        self.door.send("root", text=b"\0: x\n\0\n\n\0")
        self.assertTrue(self.door.take()[1].endswith("\n\n\0: x\n\0\n\n\0\n"))

    def test_closed_descriptors(self):
        for closed in ([0], [1], [2], [0, 1, 2], [1, 2]):
            done = subprocess.run([*become(USER), "bash", "-c", 'exec "$@" ' + " ".join(f"{fd}<&-" for fd in closed), "-",
                                   *self.door.command("root")[len(become(USER)):]], input=b"Subject: x\n\nhello\n", capture_output=True, timeout=60)
            if 0 in closed:
                self.assertEqual((done.returncode, self.door.files()), (NOINPUT, []))
            else:
                self.assertEqual(done.returncode, OK)
                self.assertIn("hello", self.door.take()[1])

    def test_nothing_to_read(self):
        folder = os.open(self.door.folder, os.O_RDONLY)
        done = subprocess.run(self.door.command("root"), stdin=folder, capture_output=True, timeout=60)
        os.close(folder)
        self.assertEqual((done.returncode, self.door.files()), (NOINPUT, []))

    def test_few_resources(self):
        def limit():
            resource.setrlimit(resource.RLIMIT_FSIZE, (100000, 100000))

        self.refused(TEMPFAIL, "ulimit -f", "root", text=b"\n" + b"x" * 300000, preexec_fn=limit)

    def test_environment(self):
        for env in ({}, {"TZ": "x" * 100000}, {"LANG": "nowhere", "TZ": ":/etc/shadow", "POSIXLY_CORRECT": "1", "HOME": "/nonexistent"}):
            self.door.send("root", env={"PATH": os.environ["PATH"], **env})
            self.assertIn("hello", self.door.take()[1])

    def test_signals(self):
        for signo in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGKILL, signal.SIGUSR1, signal.SIGALRM):
            with self.subTest(signo=signo):
                self.killed(signo)

    def killed(self, signo, prefix=()):
        """Dies during a message; the folder is unchanged."""
        process = subprocess.Popen(self.door.command("root", prefix=prefix), stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
        try:
            process.stdin.write(b"Subject: x\n\n" + b"x" * 200000)
            process.stdin.flush()
            pid = wait_for(lambda: self.writer(process.pid), "an open message")
            os.kill(pid, signo)
            self.assertIn(process.wait(60), (-signo, 128 + signo))
        finally:
            process.kill()
            process.wait()
            with contextlib.suppress(BrokenPipeError):
                process.stdin.close()
        self.assertEqual(self.door.files(), [])

    def writer(self, pid):
        """PID or its child, whichever has a file in maildrop/ open for writing."""
        children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        for candidate in (pid, *map(int, children)):
            with contextlib.suppress(OSError):
                for path in pathlib.Path(f"/proc/{candidate}/fd").iterdir():
                    if str(self.door.maildrop) + "/" in os.readlink(path) and path.stat().st_size > 100000:
                        return candidate
        return None

    def test_signals_without_unnamed_files(self):
        for signo in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
            with self.subTest(signo=signo):
                self.killed(signo, Refusals.strace("linkat:error=ENOENT"))

    def test_without_unnamed_files(self):
        prefix = Refusals.strace("linkat:error=ENOENT")
        self.door.send("root", prefix=prefix)
        self.assertIn("hello", self.door.take()[1])
        self.refused(UNAVAILABLE, "max_message_size", "root", text=LONG, prefix=prefix)

    def test_before_linux_6_10(self):
        """Names the unnamed file by way of /proc, if naming it directly needs a capability."""
        self.door.send("root", prefix=Refusals.strace("linkat:error=ENOENT:when=1+2"))
        self.assertIn("hello", self.door.take()[1])

    def test_a_signal_that_the_caller_ignores(self):
        process = subprocess.Popen(["nohup", *self.door.command("root")], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        process.stdin.write(b"Subject: x\n\n" + b"x\n" * 100000)
        process.stdin.flush()
        wait_for(lambda: self.writer(process.pid), "an open message")
        process.send_signal(signal.SIGHUP)
        process.stdin.close()
        self.assertEqual(process.wait(60), OK)
        self.assertEqual(len(self.door.files()), 1)


class Others(Test):
    """Attacks of one user on the mail of another."""

    def as_other(self, code):
        done = subprocess.run([*become(OTHER), "python3", "-c", code], capture_output=True, text=True, timeout=60, cwd="/")
        return (done.stderr.strip().splitlines() or ["nothing"])[-1]

    @unittest.skipUnless(ROOT, "needs root to be two users")
    def test_another_users_mail(self):
        self.door.send("root")
        path, = self.door.files()
        before = path.read_bytes()
        for code in ("os.listdir({folder!r})", "open({path!r}, 'r+b')", "os.unlink({path!r})", "os.rename({path!r}, {path!r} + 'x')",
                     "os.rename('/proc/self/cwd/nothing', {path!r})", "os.chmod({path!r}, 0o666)", "os.truncate({path!r}, 0)",
                     "fd = os.open({folder!r}, os.O_PATH); os.listdir(fd)"):
            with self.subTest(code=code):
                said = self.as_other("import os\n" + code.format(folder=str(self.door.maildrop), path=str(path)))
                self.assertRegex(said, "PermissionError|FileNotFoundError|OSError.*Bad file descriptor")
        self.assertEqual(path.read_bytes(), before)

    @unittest.skipUnless(ROOT, "needs root to give the program a group")
    def test_narrowed_to_a_group(self):
        """maildrop/ 1730 and the program setgid: only through the program, and with its own rights only there."""
        root = self.door.folder / "var-spool"
        root.mkdir()
        (self.door.folder / "spool").rename(root / "mailroot")
        maildrop = root / "mailroot/default/maildrop"
        os.chown(maildrop, 0, 65000)
        maildrop.chmod(0o1730)
        os.chown(self.door.program, 0, 65000)
        self.door.program.chmod(0o2755)
        script = f'mount --bind {root} /var/spool || exit 99; exec "$@" < /dev/null'

        def run(*args):
            return subprocess.run(["unshare", "-m", "bash", "-c", script, "-", *become(USER), *args], capture_output=True, text=True, timeout=60)

        self.assertEqual(run(str(self.door.program), "root").returncode, OK)
        self.assertEqual(len(os.listdir(maildrop)), 1)
        self.door.conf.write_text("mailroot_dir /var/spool/mailroot\nvirtual_server default { fqdn mail.example.com }\n")
        self.assertEqual(run(str(self.door.program), "-C", str(self.door.conf), "root").returncode, CANTCREAT)
        self.assertNotEqual(run("python3", "-c", "open('/var/spool/mailroot/default/maildrop/x', 'w')").returncode, 0)
        self.assertEqual(len(os.listdir(maildrop)), 1)


class Dialogue(Test):
    """-bs, for programs that know only SMTP."""

    def talk(self, *lines, end=b"\r\n", codes=None):
        done = self.door.send("-bs", text=b"".join(line + end for line in lines))
        found = [int(line[:3]) for line in done.stdout.decode().splitlines() if line[3] == " "]
        if codes:
            self.assertEqual(found, codes, done.stdout)
        return done.stdout.decode()

    def test_a_session(self):
        for end in (b"\r\n", b"\n"):
            self.talk(b"EHLO me", b"MAIL FROM:<a@example.com> SIZE=100 BODY=8BITMIME RET=FULL ENVID=x", b"RCPT TO:<b@example.com> NOTIFY=SUCCESS",
                      b"rcpt to:<c@example.com> ORCPT=rfc822;d@example.com", b"DATA", b"Subject: x", b"", b"..dot", b".a", b".", b"QUIT", end=end,
                      codes=[220, 250, 250, 250, 250, 354, 250, 221])
            envelope, text = self.door.take()
            self.assertEqual(envelope, ["x-sender: a@example.com", "x-mailroot-ret: FULL", "x-mailroot-envid: x", "x-receiver: b@example.com",
                                        "x-mailroot-notify: SUCCESS", "x-receiver: c@example.com", "x-mailroot-orcpt: rfc822;d@example.com"])
            self.assertTrue(text.endswith("Subject: x\n\n.dot\na\n"), text)

    def test_many_messages(self):
        message = [b"MAIL FROM:<>", b"RCPT TO:<b>", b"DATA", b"x", b"."]
        self.talk(b"HELO me", *message * 50, b"QUIT", codes=[220, 250, *[250, 250, 354, 250] * 50, 221])
        self.assertEqual(len(self.door.files()), 50)

    def test_order_and_malformed_commands(self):
        self.talk(b"MAIL FROM:<a>", b"HELO", b"HELO x", b"RCPT TO:<a>", b"DATA", b"MAIL FROM:a b", b"MAIL FROM:<a> FOO=1", b"MAIL FROM:<a>", b"MAIL FROM:<a>",
                  b"DATA", b"RCPT TO:<>", b"RCPT FROM:<a>", b"RCPT TO:<a> NOTIFY=x", b"RSET", b"DATA", b"STARTTLS", b"VRFY x", b"NOOP", b"x" * 100000, b"\0", b"",
                  b"QUIT", b"NOOP",
                  codes=[220, 503, 501, 250, 503, 503, 555, 555, 250, 503, 554, 501, 501, 555, 250, 503, 502, 252, 250, 500, 502, 502, 221])
        self.assertEqual(self.door.files(), [])

    def test_an_input_that_ends(self):
        for lines in ([], [b"HELO x", b"MAIL FROM:<a>", b"RCPT TO:<b>", b"DATA", b"Subject: x", b"", b"half"]):
            self.talk(*lines)
            self.assertEqual(self.door.files(), [])

    def test_too_long(self):
        said = self.talk(b"HELO x", b"MAIL FROM:<a>", b"RCPT TO:<b>", b"DATA", LONG, b".", b"MAIL FROM:<a>", b"RCPT TO:<b>", b"DATA", b"x", b".", b"QUIT",
                         codes=[220, 250, 250, 250, 354, 552, 250, 250, 354, 250, 221])
        self.assertIn("552 5.3.4 the message is longer", said)
        self.assertEqual(len(self.door.files()), 1)

    def test_closed_output(self):
        read, write = os.pipe()
        os.close(read)
        process = subprocess.Popen(self.door.command("-bs"), stdin=subprocess.PIPE, stdout=write, stderr=subprocess.DEVNULL)
        os.close(write)
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(b"HELO x\r\nMAIL FROM:<a>\r\nRCPT TO:<b>\r\nDATA\r\nx\r\n.\r\n")
            process.stdin.close()
        self.assertEqual(process.wait(60), IOERR)
        self.assertEqual(self.door.files(), [])


if __name__ == "__main__":
    harness.main()
