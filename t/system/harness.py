"""Runs the whole service for a test: with the real programs, a private folder, free loopback ports, and conditions instead of sleeps.

Tests are unittest classes; `harness.main()` at the end of each file takes --build DIR. A test ends every process that it starts, by process id.
"""
import argparse
import atexit
import contextlib
import email
import email.policy
import json
import os
import pathlib
import shutil
import signal
import smtplib
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest

os.environ["LC_ALL"] = "C"  # messages are compared in English, whoever runs the tests

BUILD = None
SCRATCH = "mailroot-test-"
SKIPPED = 77  # the exit status that CTest takes for a test that is skipped
TOOLS = pathlib.Path(__file__).resolve().parent / "tools.sh"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(condition, what, seconds=20.0):
    """Polls until condition() returns something true, and returns that. Fails with WHAT after the deadline."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"after {seconds} s still not: {what}")
        time.sleep(0.01)


def close_served(served, thread):
    """Ends THREAD, which waits for clients of the socket SERVED, and closes that.

    Without the end, an interrupted recvfrom or accept is restarted on the next socket that gets the number of this one."""
    with contextlib.suppress(OSError):
        served.shutdown(socket.SHUT_RDWR)
    thread.join(5)
    served.close()


def scratch(parent="/var/tmp"):
    """A folder, on a real disk unless PARENT says otherwise: tmpfs has no O_TMPFILE races to test. Mode 0755, so that the jailed users can reach it.

    It is removed when this process ends, however the test ends (KEEP in the environment keeps it)."""
    folder = tempfile.mkdtemp(prefix=f"{SCRATCH}{os.getpid()}-", dir=parent)
    os.chmod(folder, 0o755)
    if not os.environ.get("KEEP"):
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return pathlib.Path(folder)


def sweep():
    """Removes the folders of killed tests: those whose process has ended."""
    for folder in pathlib.Path("/var/tmp").glob(f"{SCRATCH}*"):
        pid = folder.name[len(SCRATCH):].split("-")[0]
        if pid.isdigit() and not os.path.exists(f"/proc/{pid}") and not os.environ.get("KEEP"):
            shutil.rmtree(folder, ignore_errors=True)


def role_of(pid):
    """The role of a process of the service, from the name of its program; None = not started yet, or master."""
    program = pathlib.Path(f"/proc/{pid}/cmdline").read_text(errors="replace").split("\0")[0]
    return program.removeprefix("mailroot-") if program.startswith("mailroot-") else None


class Notify:
    """The receiving end of sd_notify."""

    def __init__(self, folder):
        self.path = str(folder / "notify")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        os.chmod(self.path, 0o777)

    def wait(self, word, seconds=20):
        deadline = time.monotonic() + seconds
        while True:
            self.socket.settimeout(max(0.01, deadline - time.monotonic()))
            try:
                text = self.socket.recv(4096).decode()
            except TimeoutError:
                raise AssertionError(f"no {word} from mailrootd within {seconds} s") from None
            if word in text:
                return


class Mailroot:
    """One running service with one virtual server `test` (more by CONF). Use as a context manager."""

    def __init__(self, server="", conf="", global_conf="", server_name="test"):
        self.folder = scratch()
        self.port = free_port()
        self.name = server_name
        self.conf = self.folder / "mailroot.conf"
        self.log_path = self.folder / "log"
        self.process = None
        self.programs = BUILD
        self.users = "" if os.geteuid() else users()
        self.write_conf(server, conf, global_conf)

    def write_conf(self, server="", conf="", global_conf=""):
        relay = "" if "relay" in server.split("{")[0].split() or "relay {" in server else "relay { list 127.0.0.1 ::1 }"
        # Octets arrive as they were sent; test_text.py tests what the message of a client may lack.
        completion = "" if "add_missing_headers" in server else "add_missing_headers no"
        self.conf.write_text(f"""
mailroot_dir {self.folder}/spool
run_dir {self.folder}/run
log_dir {self.folder}/logs
state_dir {self.folder}/state
{self.users}
{global_conf}
virtual_server {self.name} {{
    listen 127.0.0.1:{self.port}
    fqdn mail.example.com
    default_domain example.com
    free_space_floor 1M
    {relay}
    {completion}
    {server}
}}
{conf}
""")

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, kind, value, trace):
        self.stop()
        if kind and os.environ.get("KEEP"):
            print(f"kept {self.folder}", file=sys.stderr)
            return
        if kind:
            print("---- log of the service\n" + self.log()[-8000:], file=sys.stderr)
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self, wait=True, prefix=()):
        notify = Notify(self.folder) if wait else None
        environment = dict(os.environ, **({"NOTIFY_SOCKET": notify.path} if wait else {}))
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen([*prefix, str(self.programs / "mailrootd"), "-f", "-c", str(self.conf)], stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log, env=environment, cwd="/")
        if wait:
            try:
                notify.wait("READY=1")
            except AssertionError:
                print("---- log of the service\n" + self.log()[-8000:], file=sys.stderr)
                raise
            finally:
                notify.socket.close()
                os.unlink(notify.path)

    def stop(self, signo=signal.SIGTERM, seconds=30):
        if not self.process:
            return None
        if self.process.poll() is None:
            self.process.send_signal(signo)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            for pid in self.pids().values():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"mailrootd did not stop within {seconds} s") from None
        finally:
            self.process = None

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def server_folder(self):
        return self.folder / "spool" / self.name

    def ctl(self, *args, check=True):
        done = subprocess.run([str(self.programs / "mailrootctl"), "-c", str(self.conf), *map(str, args)], capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, timeout=60)
        if check and done.returncode:
            raise AssertionError(f"mailrootctl {' '.join(map(str, args))}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def ctl_json(self, *args):
        return json.loads(self.ctl(*args, "--json").stdout)

    def descendants(self):
        """pid -> command name of every process below mailrootd."""
        children, found = {}, {}
        for entry in os.listdir("/proc"):
            if entry.isdigit():
                with contextlib.suppress(OSError):
                    stat = pathlib.Path(f"/proc/{entry}/stat").read_text()
                    name = stat[stat.index("(") + 1:stat.rindex(")")]
                    parent = int(stat[stat.rindex(")") + 2:].split()[1])
                    children.setdefault(parent, []).append((int(entry), name))
        todo = [self.process.pid]
        while todo:
            for pid, name in children.get(todo.pop(), []):
                found[pid] = name
                todo.append(pid)
        return found

    def pids(self):
        """role -> pid of master's children, the newest of each role. Process ids wrap around, so start times decide."""
        found = {"master": (0, self.process.pid)}
        for pid in self.descendants():
            with contextlib.suppress(OSError):
                fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
                parent, started = int(fields[1]), int(fields[19])
                if parent == self.process.pid and (role := role_of(pid)):
                    found[role] = max(found.get(role, (0, 0)), (started, pid))
        return {role: pid for role, (_, pid) in found.items()}

    def files(self, folder, suffix=".eml"):
        path = pathlib.Path(folder) if str(folder).startswith("/") else self.server_folder() / folder
        try:
            return sorted(p for p in path.iterdir() if p.name.endswith(suffix) and not p.name.startswith("."))
        except FileNotFoundError:
            return []

    def dropped(self, count=1, folder="drop", seconds=20):
        wait_for(lambda: len(self.files(folder)) >= count, f"{count} files in {folder}", seconds)
        return self.files(folder)

    def client(self, **options):
        return smtplib.SMTP("127.0.0.1", self.port, local_hostname="client.test", timeout=30, **options)

    def send(self, rcpts, text=b"Subject: test\r\n\r\nhello\r\n", sender="app@example.com"):
        with self.client() as client:
            return client.sendmail(sender, rcpts, text)


def users():
    """As root the service runs as users of its own. The tests make them if sysusers of the package has not."""
    for name in ("mailroot", "mailroot-smtpd", "mailroot-out", "mailroot-web", "mailroot-kerberos", "mailroot-filters", "mailroot-stat"):
        if subprocess.run(["id", name], capture_output=True).returncode:
            subprocess.run(["useradd", "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent", "--shell",
                            "/usr/sbin/nologin", name], check=True)
    if subprocess.run(["getent", "group", "mailroot-operators"], capture_output=True).returncode:
        subprocess.run(["groupadd", "--system", "mailroot-operators"], check=True)
    return ""


class Message:
    """A dropped file in its parts: envelope lines, our Received field, and the message of the client."""

    def __init__(self, path):
        raw = pathlib.Path(path).read_bytes()
        self.raw, self.sender, self.rcpts = raw, None, []
        at = 0
        while True:
            end = raw.index(b"\r\n", at)
            line = raw[at:end]
            if line.lower().startswith(b"x-sender: "):
                self.sender = line[10:].decode()
            elif line.lower().startswith(b"x-receiver: "):
                self.rcpts.append(line[12:].decode())
            elif line.lower().startswith(b"x-mailroot-"):
                pass
            else:
                break
            at = end + 2
        assert raw[at:].startswith(b"Received: "), raw[:400]
        while True:  # the folded field is ours, the rest is from the client
            at = raw.index(b"\r\n", at) + 2
            if raw[at:at + 1] not in (b" ", b"\t"):
                break
        self.content = raw[at:]


class Wire:
    """A raw SMTP connection: octets exactly as given."""

    def __init__(self, server, timeout=20, receive_buffer=None):
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(timeout)
        self.socket.connect(("127.0.0.1", server.port))
        self.lines = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.lines.close()
        self.socket.close()

    def say(self, octets):
        self.socket.sendall(octets)

    def reply(self):
        """(code, last line); code 0 if the server has closed the connection."""
        while True:
            try:
                line = self.lines.readline()
            except ConnectionResetError:
                return 0, "reset"
            if not line:
                return 0, ""
            if line[3:4] != b"-":
                return int(line[:3]), line.decode().rstrip("\r\n")

    def codes(self, half_close=True):
        """All codes up to the end of the connection."""
        if half_close:
            self.socket.shutdown(socket.SHUT_WR)
        found = []
        while (code := self.reply()[0]):
            found.append(code)
        return found

    def deliver(self, rcpt, hello=True):
        """The code of RCPT, after the greeting; a message that is accepted is sent whole. HELLO: say EHLO first."""
        for line in [b"EHLO client.example"] * hello + [b"MAIL FROM:<app@example.com>"]:
            self.say(line + b"\r\n")
            assert self.reply()[0] == 250
        self.say(f"RCPT TO:<{rcpt}>\r\n".encode())
        code = self.reply()[0]
        if code == 250:
            self.say(b"DATA\r\n")
            assert self.reply()[0] == 354
            self.say(b"Subject: x\r\n\r\nhello\r\n.\r\n")
            assert self.reply()[0] == 250
        return code

    def reset(self):
        """Closes with RST instead of FIN."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.lines.close()
        self.socket.close()


def sanitized():
    """Whether BUILD has AddressSanitizer, which puts shadow and red zones around all memory."""
    return "SANITIZE:BOOL=ON" in (BUILD / "CMakeCache.txt").read_text()


@contextlib.contextmanager
def unharmed(test, server, peak_growth=8 << 20):
    """Whatever happens inside, no process of the service dies or grows, and other clients are served afterwards."""
    def peak():
        found = 0
        for pid in server.descendants():
            with contextlib.suppress(OSError):
                for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
                    if line.startswith("VmHWM:"):
                        found = max(found, int(line.split()[1]) << 10)
        return found

    pids, before = server.pids(), peak()
    yield
    with server.client() as client:
        test.assertEqual(client.ehlo()[0], 250)
    test.assertEqual(server.pids(), pids)
    test.assertNotRegex(server.log(), r"ended \(|died by signal|ended with status|Sanitizer")
    test.assertLess(peak() - before, peak_growth * (4 if sanitized() else 1))


class Acceptor:
    """A server on LISTENER, a socket that it owns: _serve(connection) of the subclass runs in a thread for each connection.

    The subclass calls __init__ last, because clients are served from then on. peers: addresses that connected, in order.
    """

    def __init__(self, listener):
        self.listener, self.peers = listener, []
        self.port = None if listener.family == socket.AF_UNIX else listener.getsockname()[1]
        self.lock, self.open = threading.Lock(), set()
        self.thread = threading.Thread(target=self._accept, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    @property
    def connections(self):
        return len(self.peers)

    def close(self):
        """Ends with all connections."""
        close_served(self.listener, self.thread)
        with self.lock:
            for connection in self.open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def _accept(self):
        while True:
            try:
                connection, peer = self.listener.accept()
            except OSError:
                return
            with self.lock:
                self.peers.append(peer[0] if peer else "")
                self.open.add(connection)
            threading.Thread(target=self._run, args=(connection,), daemon=True).start()

    def _run(self, connection):
        try:
            with contextlib.suppress(OSError, ValueError), connection:
                self._serve(connection)
        finally:
            with self.lock:
                self.open.discard(connection)


class Sink(Acceptor):
    """A smart host: a small SMTP server on loopback that keeps the mail that it gets, and answers as told.

    answers: verb -> function(argument) -> reply line, or None for the usual one.
    """

    def __init__(self, port=0, answers=None, extensions=("PIPELINING", "SIZE 50000000", "8BITMIME"),
                 address="127.0.0.1"):
        self.messages, self.answers, self.extensions = [], answers or {}, extensions
        super().__init__(socket.create_server((address, port), backlog=100))

    def _answer(self, verb, argument, usual):
        special = self.answers.get(verb)
        return (special(argument) if special else None) or usual

    def _serve(self, connection):
        with connection.makefile("rb") as lines:
            self._session(connection, lines)

    def _session(self, connection, lines):
        def say(text):
            connection.sendall(text.encode() + b"\r\n")

        say(self._answer("greeting", "", "220 sink.test ESMTP"))
        sender, rcpts = None, []
        for line in lines:
            text = line.decode("latin-1").rstrip("\r\n")
            verb, _, argument = text.partition(" ")
            verb = verb.upper()
            if verb == "EHLO":
                words = ["sink.test", *self.extensions]
                usual = "\r\n".join(f"250{'-' if i + 1 < len(words) else ' '}{w}" for i, w in enumerate(words))
                say(self._answer(verb, argument, usual))
            elif verb == "MAIL":
                reply = self._answer(verb, argument, "250 2.1.0 ok")
                sender, rcpts = (argument[5:], []) if reply.startswith("2") else (None, [])
                say(reply)
            elif verb == "RCPT":
                reply = self._answer(verb, argument, "250 2.1.5 ok")
                if reply.startswith("2"):
                    rcpts.append(argument[3:])
                say(reply)
            elif verb == "DATA":
                reply = self._answer(verb, argument, "354 go" if rcpts else "503 5.5.1 no recipient")
                say(reply)
                if not reply.startswith("3"):
                    continue
                body = []
                for data in lines:
                    if data == b".\r\n":
                        break
                    body.append(data[1:] if data.startswith(b".") else data)
                else:
                    return
                reply = self._answer("dot", b"".join(body), "250 2.0.0 taken")
                if reply.startswith("2"):
                    with self.lock:
                        self.messages.append((sender, list(rcpts), b"".join(body)))
                say(reply)
                sender, rcpts = None, []
            elif verb == "RSET":
                sender, rcpts = None, []
                say(self._answer(verb, argument, "250 2.0.0 ok"))
            elif verb == "QUIT":
                say("221 2.0.0 bye")
                return
            else:
                say(self._answer(verb, argument, "250 2.0.0 ok" if verb in ("HELO", "NOOP") else "500 5.5.2 what?"))

    def wait(self, count, seconds=30):
        wait_for(lambda: len(self.messages) >= count, f"{count} messages at the sink (has {len(self.messages)})", seconds)
        return self.messages


def tool(name):
    """Path of a client or server of Debian that t/run has provided (tools.sh), such as smtp-source."""
    found = shutil.which(name)
    if found:
        return [found]
    folder = pathlib.Path(os.environ.get("MAILROOT_TEST_TOOLS", BUILD / "tools"))
    if not (folder / "usr/sbin" / name).exists():
        subprocess.run([str(TOOLS), str(folder)], check=True, stdout=subprocess.DEVNULL)
    libraries = f"{folder}/usr/lib/postfix:{folder}/usr/lib/{os.uname().machine}-linux-gnu"
    return ["env", f"LD_LIBRARY_PATH={libraries}", str(folder / "usr/sbin" / name)]


def main():
    global BUILD
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True)
    options, rest = parser.parse_known_args()
    BUILD = pathlib.Path(options.build).resolve()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))
    sweep()
    unittest.main(argv=[sys.argv[0], *rest], verbosity=2)


def campaign(run, **settings):
    """The main function of a campaign. SETTINGS are its options beside --build, with their defaults;
    RUN(options) returns a list of failures."""
    global BUILD
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True, type=pathlib.Path)
    for name, default in settings.items():
        parser.add_argument(f"--{name}", type=type(default), default=default)
    options = parser.parse_args()
    BUILD = options.build.resolve()
    try:
        failures = run(options)
    except unittest.SkipTest as why:
        print(f"skipped: {why}")
        sys.exit(SKIPPED)
    print("\n".join(failures) or "ok")
    sys.exit(1 if failures else 0)
