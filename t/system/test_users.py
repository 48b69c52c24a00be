"""Accounts: `mailrootctl user` changes them, the change is in force when it returns, every smtpd knows it, and concurrent changes are kept."""
import base64
import contextlib
import ctypes
import hashlib
import hmac
import math
import os
import pathlib
import pty
import re
import select
import shutil
import signal
import stat
import struct
import subprocess
import termios
import unittest

import harness
from harness import Mailroot, Wire, free_port, wait_for

PASSWORD = "correct horse battery"
AUTH = "auth plain login scram-sha-256 cram-md5; auth_requires_tls no"


class Service(Mailroot):
    def __init__(self, more="", conf="", auth=AUTH):
        self.access, self.more = auth, more
        super().__init__(conf=conf)

    def write_conf(self, server="", conf="", global_conf=""):
        (self.folder / "etc").mkdir(exist_ok=True)
        self.users_file = self.folder / "etc" / "users"
        super().write_conf(f"access {{ {self.access}; user_file {self.users_file} }}\n{self.more}", conf, global_conf)

    def user(self, *args, password=None, check=True, **options):
        text = password if isinstance(password, bytes) else (password + "\n").encode() if password is not None else b""
        done = subprocess.run([str(harness.BUILD / "mailrootctl"), "-c", str(self.conf), "user", *map(str, args)], input=text,
                              capture_output=True, timeout=60, **options)
        done.stdout, done.stderr = done.stdout.decode(), done.stderr.decode()
        if check and done.returncode:
            raise AssertionError(f"user {' '.join(map(str, args))}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def add(self, name, password=PASSWORD, *options):
        return self.user("add", name, *options, password=password)

    def names(self, *args):
        return [user["name"] for user in self.ctl_json("user", "list", *args)["users"]]

    def attention(self):
        """What `status` reports as an error."""
        return " ".join(line["text"] for line in harness.json.loads(self.ctl("status", "--json", check=False).stdout)["servers"][0]["attention"])

    def logs_in(self, name, password=PASSWORD, port=None):
        """Whether AUTH PLAIN succeeds."""
        with Wire(type("At", (), {"port": port or self.port})) as wire:
            wire.reply()
            wire.say(b"EHLO client.test\r\n")
            wire.reply()
            wire.say(b"AUTH PLAIN " + base64.b64encode(f"\0{name}\0{password}".encode()) + b"\r\n")
            code, text = wire.reply()
            if code not in (235, 535):
                raise AssertionError(text)
            return code == 235


LIBCRYPT = ctypes.CDLL("libcrypt.so.1")
LIBCRYPT.crypt.restype = ctypes.c_char_p


def crypt(password, setting):
    return LIBCRYPT.crypt(password.encode(), setting.encode()).decode()


def fields(line):
    """A line of the account file as a dictionary."""
    name, *words = line.split()
    return {"name": name, **dict(word.split("=", 1) for word in words)}


def md5_compress(state, block):
    """One step of RFC 1321 3.4, written from the RFC."""
    shifts = [7, 12, 17, 22] * 4 + [5, 9, 14, 20] * 4 + [4, 11, 16, 23] * 4 + [6, 10, 15, 21] * 4
    words, mask = struct.unpack("<16I", block), 0xffffffff
    a, b, c, d = state
    for i in range(64):
        f, g = ((b & c | ~b & d, i), (d & b | ~d & c, 5 * i + 1), (b ^ c ^ d, 3 * i + 5), (c ^ (b | ~d & mask), 7 * i))[i // 16]
        f = (f + a + int(abs(math.sin(i + 1)) * 2**32) + words[g % 16]) & mask
        a, d, c, b = d, c, b, (b + (f << shifts[i] | f >> 32 - shifts[i])) & mask
    return tuple((x + y) & mask for x, y in zip(state, (a, b, c, d)))


def md5_from(state, text):
    """MD5 of 64 octets that led to STATE, followed by TEXT."""
    state = struct.unpack("<4I", state)
    text += b"\x80" + bytes(-(len(text) + 9) % 64) + struct.pack("<Q", 8 * (64 + len(text)))
    for at in range(0, len(text), 64):
        state = md5_compress(state, text[at:at + 64])
    return struct.pack("<4I", *state)


class Stored(unittest.TestCase):
    """Without a service: the contents of the file, computed again by other means."""

    def setUp(self):
        self.service = Service()
        self.addCleanup(shutil.rmtree, self.service.folder)

    def lines(self):
        return self.service.users_file.read_text().splitlines()

    def check_keys(self, account, password):
        stored = account["yescrypt"]
        self.assertEqual(crypt(password, stored), stored)
        self.assertNotEqual(crypt(password + "x", stored), stored)
        iterations, salt, stored_key, server_key = account["scram-sha-256"].split(",")
        self.assertEqual(iterations, "10000")
        self.assertEqual(len(base64.b64decode(salt)), 16)
        salted = hashlib.pbkdf2_hmac("sha256", password.encode(), base64.b64decode(salt), 10000)
        client_key = hmac.new(salted, b"Client Key", "sha256").digest()
        self.assertEqual(base64.b64decode(stored_key), hashlib.sha256(client_key).digest())
        self.assertEqual(base64.b64decode(server_key), hmac.new(salted, b"Server Key", "sha256").digest())

    def test_keys_are_those_of_the_password(self):
        for number, password in enumerate(["pencil", "tanstaaftanstaaf", "x" * 64, "y" * 65, "z" * 128, "Grün & Söhne €", " two words "]):
            name = f"user{number}@example.com"
            self.service.add(name, password, "--cram-md5")
            account = fields(self.lines()[number])
            self.assertEqual(account["name"], name)
            self.check_keys(account, password)
            context = base64.b64decode(account["cram-md5"])
            for challenge in (b"<1896.697170952@postoffice.reston.mci.net>", b"", b"q" * 200):
                digest = md5_from(context[16:], md5_from(context[:16], challenge))
                self.assertEqual(digest, hmac.new(password.encode(), challenge, "md5").digest())

    def test_same_password_has_no_two_equal_lines(self):
        self.service.add("ann")
        self.service.add("bob")
        ann, bob = map(fields, self.lines())
        for word in ("yescrypt", "scram-sha-256"):
            self.assertNotEqual(ann[word], bob[word])

    def test_passwords_are_prepared(self):
        """RFC 4013: passwords that look the same are the same, whatever the keyboard."""
        self.service.add("ann", "I\u00adX\u00a0\u2168")
        self.check_keys(fields(self.lines()[0]), "IX IX")

    def test_cram_md5_only_when_asked_for(self):
        self.service.add("ann")
        self.assertNotIn("cram-md5", self.lines()[0])
        self.assertEqual(self.service.ctl_json("user", "list")["users"][0]["mechanisms"], ["plain", "login", "scram-sha-256"])
        self.service.user("passwd", "ann", "--cram-md5", password="something else")
        self.assertEqual(self.service.ctl_json("user", "list")["users"][0]["mechanisms"],
                         ["plain", "login", "scram-sha-256", "cram-md5"])
        self.service.user("passwd", "ann", password="another one")
        context = base64.b64decode(fields(self.lines()[0])["cram-md5"])
        self.assertEqual(md5_from(context[16:], md5_from(context[:16], b"c")), hmac.new(b"another one", b"c", "md5").digest())

    def test_refused_passwords(self):
        for password, word in [(b"", "no password was given"), (b"\n", "empty"), (b"x" * 129 + b"\n", "128 octets"),
                               (b"x" * 5000 + b"\n", "128 octets"), (b"bell\x07bell\n", "not allowed in a password"),
                               (b"nul\0nul\n", "not allowed in a password"), (b"\xff\xfe\xfd12345\n", "UTF-8"),
                               ("\u0627x\n".encode(), "directions"), ("\u00ad\n".encode(), "empty"),
                               ("\ufdfa".encode() * 10 + b"\n", "128 octets")]:
            done = self.service.user("add", "ann", password=password, check=False)
            self.assertEqual(done.returncode, 1, password)
            self.assertIn(word, done.stderr)
            self.assertFalse(self.service.users_file.exists(), password)

    def test_short_password_is_taken_with_a_warning(self):
        self.assertIn("less than 8 characters", self.service.add("ann", "sevenäé").stderr)
        self.assertNotIn("less than", self.service.add("bob", "eightäéx").stderr)

    def test_only_the_first_line_counts(self):
        self.service.add("ann", "first line\nsecond line\n")
        self.check_keys(fields(self.lines()[0]), "first line")
        self.service.user("add", "bob", password=b"no line end")
        self.check_keys(fields(self.lines()[1]), "no line end")

    def test_refused_names(self):
        for name in ("", "a b", "a#b", "a=b", "a:b", "ä", "x" * 256, "a\nb"):
            done = self.service.user("add", name, password=PASSWORD, check=False)
            self.assertEqual(done.returncode, 2, name)
            self.assertIn("visible ASCII", done.stderr)
        self.assertEqual(self.service.user("add", "-ann", password=PASSWORD, check=False).returncode, 2)
        self.assertEqual(self.service.user("add", "--", "-ann", password=PASSWORD, check=False).returncode, 2)
        self.assertFalse(self.service.users_file.exists())

    def test_users_that_exist_or_not(self):
        for args, word in [(("passwd", "ann"), "no user ann"), (("delete", "ann"), "no user ann")]:
            done = self.service.user(*args, password=PASSWORD, check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn(word, done.stderr)
            self.assertFalse(self.service.users_file.exists())
        self.service.add("Ann")
        done = self.service.user("add", "aNN", password=PASSWORD, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("user passwd aNN", done.stderr)
        self.service.user("delete", "ANN")
        self.assertEqual(self.service.users_file.read_text(), "")
        self.assertIn("No users in", self.service.user("list").stdout)

    def test_other_lines_stay_as_they_are(self):
        self.service.add("ann")
        self.service.add("bob")
        ann, bob = self.lines()
        self.service.users_file.write_text(f"# who may send\n\n{ann}\n\t# scanners\r\nbroken line\n{bob}\nBOB again\nlast, torn")
        self.service.user("passwd", "bob", password="another one")
        lines = self.service.users_file.read_bytes().decode().split("\n")
        self.assertEqual(lines[:5], ["# who may send", "", ann, "\t# scanners\r", "broken line"])
        self.assertEqual(lines[6:], ["last, torn", ""])
        self.check_keys(fields(lines[5]), "another one")
        self.service.user("delete", "ann")
        self.assertEqual(self.service.users_file.read_bytes().decode().split("\n")[:3], ["# who may send", "", "\t# scanners\r"])
        done = self.service.user("list")
        self.assertRegex(done.stderr, r"users: line 4: .*is ignored")
        self.assertNotIn("broken", done.stderr)
        self.service.user("passwd", "BROKEN", password="mended by it")
        self.assertEqual(sorted(self.service.names()), ["BROKEN", "bob"])

    def test_time_of_change_grows_even_if_the_clock_does_not(self):
        self.service.add("ann")
        future = 4102444800000
        self.service.users_file.write_text(re.sub(r"changed=\d+", f"changed={future}", self.service.users_file.read_text()))
        self.service.user("passwd", "ann", password=PASSWORD)
        self.assertEqual(fields(self.lines()[0])["changed"], str(future + 1))

    def test_mode_and_owner(self):
        self.service.add("ann")
        self.assertEqual(stat.S_IMODE(self.service.users_file.stat().st_mode), 0o600)
        self.service.users_file.chmod(0o644)
        self.service.add("bob")
        self.assertEqual(stat.S_IMODE(self.service.users_file.stat().st_mode), 0o600)
        self.assertEqual(os.listdir(self.service.users_file.parent), ["users"])

    @unittest.skipIf(os.geteuid(), "only root gives files away")
    def test_file_belongs_to_the_user_of_the_service(self):
        folder = self.service.users_file.parent
        os.chown(folder, 65534, 65534)
        self.service.add("ann")
        self.assertEqual(self.service.users_file.stat().st_uid, 65534)
        os.chown(folder, 0, 0)
        self.service.user("passwd", "ann", password=PASSWORD)
        self.assertEqual(self.service.users_file.stat().st_uid, 65534)

    @unittest.skipIf(os.geteuid(), "needs another user beside root")
    def test_others_may_not(self):
        self.service.add("ann")
        program = self.service.folder / "mailrootctl"
        shutil.copy(harness.BUILD / "mailrootctl", program)
        for args in (("add", "bob"), ("passwd", "ann"), ("delete", "ann"), ("list",)):
            done = subprocess.run([program, "-c", self.service.conf, "user", *args], input=PASSWORD, capture_output=True, text=True,
                                  user=65534, group=65534, extra_groups=[], timeout=60)
            self.assertEqual(done.returncode, 1, done)
            self.assertIn("Permission denied; run the command as root", done.stderr)
        self.assertEqual(self.service.names(), ["ann"])

    def test_other_types_of_files(self):
        target, link = self.service.folder / "target", self.service.users_file
        target.write_text("precious\n")
        for make, word in [(lambda: link.symlink_to(target), "symbolic link"), (lambda: os.mkfifo(link), "not a regular file"),
                           (link.mkdir, "can't")]:
            make()
            for args in (("add", "ann"), ("list",)):
                done = self.service.user(*args, password=PASSWORD, check=False)
                self.assertEqual(done.returncode, 1)
                self.assertIn(word, done.stderr)
            link.rmdir() if link.is_dir() and not link.is_symlink() else link.unlink()
        self.assertEqual(target.read_text(), "precious\n")
        done = self.service.user("add", "ann", "--file", self.service.folder / "none/users", password=PASSWORD, check=False)
        self.assertIn("folder does not exist", done.stderr)

    def test_a_link_in_the_way_of_the_new_file_is_not_followed(self):
        target = self.service.folder / "target"
        target.write_text("precious\n")
        (self.service.users_file.parent / ".users.new").symlink_to(target)
        self.service.add("ann")
        self.assertEqual(target.read_text(), "precious\n")
        self.assertEqual(os.listdir(self.service.users_file.parent), ["users"])

    def test_any_file(self):
        other = self.service.folder / "other"
        done = self.service.add("ann", PASSWORD, "--file", str(other))
        self.assertIn("no virtual server has the user_file", done.stderr)
        self.assertEqual(self.service.names("--file", str(other)), ["ann"])
        self.assertFalse(self.service.users_file.exists())


class Terminal(unittest.TestCase):
    """On a terminal the password is asked for twice, and not shown."""

    def setUp(self):
        self.service = Service()
        self.addCleanup(shutil.rmtree, self.service.folder)

    def talk(self, *steps):
        """Runs `user add ann`; STEPS are (text to wait for, text to type). Returns the exit status and all output of the terminal."""
        pid, terminal = pty.fork()
        if not pid:
            os.execv(harness.BUILD / "mailrootctl", ["mailrootctl", "-c", str(self.service.conf), "user", "add", "ann"])
        shown, steps, at = b"", list(steps), 0
        while True:
            ready, _, _ = select.select([terminal], [], [], 30)
            self.assertTrue(ready, shown)
            try:
                octets = os.read(terminal, 4096)
            except OSError:  # the other end is closed
                break
            if not octets:
                break
            shown += octets
            if steps and (found := shown.find(steps[0][0].encode(), at)) >= 0:
                at = found + len(steps[0][0])
                os.write(terminal, steps.pop(0)[1].encode())
        self.assertFalse(steps, shown)
        _, status = os.waitpid(pid, 0)
        os.close(terminal)
        return os.waitstatus_to_exitcode(status), shown.decode()

    def test_asks_twice(self):
        status, shown = self.talk(("New password of ann: ", PASSWORD + "\n"), ("Repeat for ann: ", PASSWORD + "\n"))
        self.assertEqual(status, 0, shown)
        self.assertNotIn(PASSWORD, shown)
        self.assertIn("user ann added", shown)
        self.assertEqual(self.service.names(), ["ann"])

    def test_two_that_differ(self):
        status, shown = self.talk(("New password of ann: ", PASSWORD + "\n"), ("Repeat for ann: ", PASSWORD + "!\n"))
        self.assertEqual(status, 1)
        self.assertIn("differ", shown)
        self.assertFalse(self.service.users_file.exists())

    def test_interrupted(self):
        for keys, end in (("\x03", -signal.SIGINT), ("half of it\x03", -signal.SIGINT), ("\x1c", -signal.SIGQUIT), ("\x04", 1)):
            status, shown = self.talk(("New password of ann: ", keys))
            self.assertEqual(status, end, shown)
            self.assertFalse(self.service.users_file.exists())

    def test_terminal_is_as_it_was(self):
        ours, theirs = pty.openpty()
        before = termios.tcgetattr(theirs)
        for typed, signo in ((b"secret words\nsecret words\n", None), (b"", signal.SIGTERM)):
            child = subprocess.Popen([harness.BUILD / "mailrootctl", "-c", self.service.conf, "user", "add", "ann"], stdin=theirs,
                                     stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            self.assertTrue(child.stderr.read(4))
            wait_for(lambda: not termios.tcgetattr(theirs)[3] & termios.ECHO, "no echo")
            os.write(ours, typed)
            if signo:
                child.send_signal(signo)
            child.stderr.read()
            child.wait(30)
            child.stderr.close()
            self.assertEqual(termios.tcgetattr(theirs), before)
            with contextlib.suppress(FileNotFoundError):
                self.service.users_file.unlink()
        os.close(ours)
        os.close(theirs)


class Running(unittest.TestCase):
    def test_in_force_when_the_command_returns(self):
        with Service() as service:
            self.assertFalse(service.logs_in("scan@example.com"))
            self.assertEqual(service.add("scan@example.com").stdout, "user scan@example.com added; in force at once\n")
            self.assertTrue(service.logs_in("scan@example.com"))
            self.assertTrue(service.logs_in("SCAN@example.com"))
            self.assertFalse(service.logs_in("scan@example.com", PASSWORD + "x"))
            done = service.user("passwd", "scan@example.com", password="another one")
            self.assertEqual(done.stdout, "user scan@example.com has a new password; in force at once\n")
            self.assertFalse(service.logs_in("scan@example.com"))
            self.assertTrue(service.logs_in("scan@example.com", "another one"))
            done = service.user("delete", "scan@example.com")
            self.assertEqual(done.stdout, "user scan@example.com deleted; in force at once\n")
            self.assertFalse(service.logs_in("scan@example.com", "another one"))
            self.assertNotIn("another one", service.log())
            self.assertNotIn("$y$", service.log())

    def test_sessions_of_a_changed_user_end_and_no_others(self):
        with Service() as service:
            service.add("ann")
            service.add("bob")
            with contextlib.ExitStack() as stack:
                sessions = {}
                for name in ("ann", "bob", None):
                    sessions[name] = wire = stack.enter_context(Wire(service))
                    wire.reply()
                    wire.say(b"EHLO client.test\r\n")
                    wire.reply()
                    if name:
                        wire.say(b"AUTH PLAIN " + base64.b64encode(f"\0{name}\0{PASSWORD}".encode()) + b"\r\n")
                        self.assertEqual(wire.reply()[0], 235)
                service.user("passwd", "ann", password="another one")
                self.assertEqual(sessions["ann"].reply()[0], 421)
                service.user("delete", "bob")
                self.assertEqual(sessions["bob"].reply()[0], 421)
                sessions[None].say(b"NOOP\r\n")
                self.assertEqual(sessions[None].reply()[0], 250)

    def test_json(self):
        with Service() as service:
            done = harness.json.loads(service.add("ann", PASSWORD, "--json").stdout)
            self.assertEqual(done, {"user": "ann", "file": str(service.users_file), "done": "added", "running": True, "in_force": True})
            listed = service.ctl_json("user", "list")
            self.assertEqual(listed["trouble"], [])
            self.assertRegex(listed["users"][0]["changed"], r"^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ$")

    def test_not_running(self):
        with Service() as service:
            service.stop()
            self.assertEqual(service.add("ann").stdout, "user ann added; the service is not running\n")
            service.start()
            self.assertTrue(service.logs_in("ann"))

    def test_twenty_at_once(self):
        with Service() as service:
            names = [f"user{i}" for i in range(20)]
            running = [subprocess.Popen([harness.BUILD / "mailrootctl", "-c", service.conf, "user", "add", name], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) for name in names]
            for name, child in zip(names, running):
                self.assertEqual(child.communicate(f"password of {name}\n", timeout=120)[0], f"user {name} added; in force at once\n")
            self.assertEqual(sorted(service.names()), sorted(names))
            for name in names[::5]:
                self.assertTrue(service.logs_in(name, f"password of {name}"))

    def test_killed_smtpd_and_new_ones_know_them(self):
        with Service() as service:
            service.add("ann")
            before = service.pids()["smtpd"]
            os.kill(before, signal.SIGKILL)
            wait_for(lambda: service.pids().get("smtpd", before) != before, "another smtpd")
            self.assertTrue(service.logs_in("ann"))
            service.access = AUTH + "; anonymous no"
            service.more = "processes { spare 3 }"
            service.write_conf()
            service.ctl("reload")
            self.assertTrue(service.logs_in("ann"))

    def test_file_removed_and_put_back(self):
        with Service() as service:
            self.assertRegex(service.log(), r"user_file \S+/users is missing.*mailrootctl user add NAME")
            self.assertRegex(service.attention(), r"user_file \S+/users is missing")
            service.add("ann")
            wait_for(lambda: not service.attention(), "no error")
            text = service.users_file.read_text()
            service.users_file.unlink()
            self.assertTrue(service.logs_in("ann"))
            service.ctl("reload")
            self.assertFalse(service.logs_in("ann"))
            service.users_file.write_text("nonsense secret\n" + text)
            service.users_file.chmod(0o640)
            service.ctl("reload")
            self.assertTrue(service.logs_in("ann"))
            wait_for(lambda: "line 1" in service.attention(), "the report of the line")
            self.assertRegex(service.log(), r"users, line 1: .*; this line is ignored")
            self.assertRegex(service.log(), r"is open to others \(mode 640\): chmod 600 ")
            self.assertNotIn("nonsense secret", service.log())

    def test_same_file_again_is_no_news(self):
        with Service() as service:
            service.add("ann")
            service.ctl("reload")
            service.ctl("reload")
            self.assertEqual(service.log().count("accounts=1 in force"), 1)

    def test_file_that_cannot_be_opened_changes_nothing(self):
        with Service() as service:
            service.add("ann")
            service.users_file.rename(service.folder / "kept")
            service.users_file.mkdir()
            service.ctl("reload")
            wait_for(lambda: "it is not a regular file; the accounts stay as they were" in service.log(), "the report")
            self.assertTrue(service.logs_in("ann"))
            service.users_file.rmdir()
            service.users_file.symlink_to(service.folder / "kept")
            service.ctl("reload")
            self.assertTrue(service.logs_in("ann"))

    def test_auth_switched_on_by_reload_knows_them_from_the_first_command(self):
        with Service(auth="auth off") as service:
            done = service.add("ann")
            self.assertIn("nobody can log in yet", done.stderr)
            service.access = AUTH
            service.write_conf()
            service.ctl("reload")
            self.assertTrue(service.logs_in("ann"))

    def test_users_that_may_not_relay(self):
        with Service("relay { authenticated no }") as service:
            self.assertIn("users may log in, but not relay: write authenticated yes", service.add("ann").stderr)
            asked = ["explain", "relay", "--client", "192.0.2.1", "--user", "ann", "--to", "a@example.net"]
            self.assertIn("to permit it, write authenticated yes in relay at", service.ctl(*asked).stdout)
            service.more = "relay { authenticated yes }"
            service.write_conf()
            service.ctl("reload")
            self.assertNotIn("not relay", service.user("passwd", "ann", password=PASSWORD).stderr)
            self.assertIn("accepted: 250", service.ctl(*asked).stdout)

    def test_two_servers_with_two_files(self):
        port = free_port()
        with Service() as service:
            other = service.folder / "etc" / "others"
            service.write_conf(conf=f"""virtual_server other {{
                listen 127.0.0.1:{port}
                fqdn other.example.com
                default_domain other.example.com
                relay {{ list none }}
                access {{ {AUTH}; user_file {other} }}
            }}""")
            service.ctl("reload")
            done = service.user("add", "ann", password=PASSWORD, check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn(f"--server NAME or --file PATH:\n  {service.users_file} (test)\n  {other} (other)\n", done.stderr)
            self.assertEqual(service.user("list", "--server", "none", check=False).returncode, 1)
            self.assertEqual(service.user("list", "--server", "other", "--file", other, check=False).returncode, 2)
            service.add("ann", PASSWORD, "--server", "other")
            service.add("bob", PASSWORD, "--file", str(service.users_file))
            self.assertTrue(service.logs_in("ann", port=port))
            self.assertFalse(service.logs_in("ann"))
            self.assertTrue(service.logs_in("bob"))
            self.assertFalse(service.logs_in("bob", port=port))
            self.assertEqual(service.names("--server", "other"), ["ann"])


if __name__ == "__main__":
    harness.main()
