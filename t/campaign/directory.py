#!/usr/bin/env python3
"""Passwords of Active Directory: a Samba domain controller of Debian's, and what guessing does to its accounts.

usage: directory.py --build DIR [--guesses 1000]

Needs root. Samba is downloaded and unpacked into a root of its own below ${MAILROOT_PEERS:-~/.cache/mailroot-peers}; nothing of it is
installed. A copy of that is provisioned, and runs, in namespaces of its own (network, mounts, host name, processes), and is removed at the end.
"""
import collections
import contextlib
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "system"))

import harness  # noqa: E402
from auth_service import plain  # noqa: E402
from harness import Mailroot  # noqa: E402

PACKAGES = ("samba", "samba-ad-provision", "samba-common-bin", "samba-dsdb-modules", "samba-vfs-modules", "winbind", "python3-samba",
            "ldb-tools", "bash", "coreutils")
CACHE = pathlib.Path(os.environ.get("MAILROOT_PEERS", pathlib.Path.home() / ".cache/mailroot-peers")) / "samba"
ADDRESS, REALM, INSIDE = "10.99.0.1", "EXAMPLE.COM", "MAILROOT_DIRECTORY_CAMPAIGN"
THRESHOLD, PARALLEL, SERVICE = 10, 8, "smtp/mail.example.com"
KRB5_CONF = f"""[libdefaults]
    default_realm = {REALM}
    dns_lookup_kdc = no
    dns_lookup_realm = no
    rdns = no
[realms]
    {REALM} = {{
        kdc = {ADDRESS}
    }}
"""


def fetch():
    """All packages that a system without any would need: Samba brings its own libraries, which this system may lack."""
    if (CACHE / "ready").exists():
        return
    debs = CACHE / "debs"
    (debs / "partial").mkdir(parents=True, exist_ok=True)
    (CACHE / "status").touch()
    subprocess.run(["apt-get", "-qq", "-y", "--download-only", "--no-install-recommends", "-o", f"Dir::State::status={CACHE}/status",
                    "-o", f"Dir::Cache::archives={debs}", "-o", "APT::Sandbox::User=root", "install", *PACKAGES], check=True,
                   stdout=subprocess.DEVNULL)
    shutil.rmtree(CACHE / "root", ignore_errors=True)
    (CACHE / "root").mkdir()
    for deb in sorted(debs.glob("*.deb")):
        archive = subprocess.Popen(["dpkg-deb", "--fsys-tarfile", deb], stdout=subprocess.PIPE)
        subprocess.run(["tar", "-x", "--no-same-owner", "--keep-directory-symlink", "-C", CACHE / "root", "--exclude", "./usr/share/doc*",
                        "--exclude", "./usr/share/man*", "--exclude", "./usr/share/locale*"], stdin=archive.stdout, check=True)
        archive.wait()
    (CACHE / "ready").touch()


class Controller:
    """The domain controller. Its root is a copy."""

    def __init__(self, folder):
        self.root, self.process = folder / "samba", None
        subprocess.run(["cp", "-a", "--reflink=auto", CACHE / "root", self.root], check=True)
        for name in ("null", "zero", "random", "urandom"):
            there = self.root / "dev" / name
            if not there.exists():
                os.mknod(there, 0o666 | 0o020000, os.stat(f"/dev/{name}").st_rdev)
                os.chmod(there, 0o666)
        for name, text in {"passwd": "root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534::/:/bin/false\n",
                           "group": "root:x:0:\nnogroup:x:65534:\nusers:x:100:\n",
                           "hosts": f"127.0.0.1 localhost\n{ADDRESS} dc1.example.com dc1\n",
                           "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n", "resolv.conf": f"nameserver {ADDRESS}\n"}.items():
            (self.root / "etc" / name).write_text(text)
        for name in ("run/samba", "var/log/samba", "var/lib/samba/private", "var/cache/samba", "var/tmp", "tmp"):
            (self.root / name).mkdir(parents=True, exist_ok=True)
        (self.root / "etc/samba/smb.conf").unlink(missing_ok=True)
        subprocess.run(["mount", "-t", "proc", "proc", self.root / "proc"], check=True)
        self.tool("domain", "provision", f"--realm={REALM}", "--domain=EXAMPLE", "--server-role=dc", "--dns-backend=SAMBA_INTERNAL",
                  "--adminpass=Adm1n-passw0rd", f"--host-ip={ADDRESS}", "--host-name=dc1", "--option=interfaces=lo",
                  "--option=bind interfaces only=yes")

    def argv(self, *argv):
        return ["chroot", self.root, "/usr/bin/env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", *argv]

    def run(self, *argv):
        done = subprocess.run(self.argv(*argv), capture_output=True, text=True, timeout=600)
        if done.returncode:
            raise AssertionError(f"{' '.join(argv)}: {done.stdout[-2000:]}{done.stderr[-4000:]}")
        return done.stdout

    def tool(self, *args):
        return self.run("samba-tool", *args)

    def start(self):
        self.process = subprocess.Popen(self.argv("samba", "-i", "-M", "single"), stdin=subprocess.DEVNULL,
                                        stdout=open(self.root / "said", "wb"), stderr=subprocess.STDOUT)
        harness.wait_for(lambda: socket.socket().connect_ex((ADDRESS, 88)) == 0, "port 88 of Samba", 120)

    def user(self, name, password, **changes):
        self.tool("user", "create", name, password)
        if changes:
            lines = "".join(f"replace: {key}\n{key}: {value}\n-\n" for key, value in changes.items())
            (self.root / "tmp/ldif").write_text(f"dn: CN={name},CN=Users,DC=example,DC=com\nchangetype: modify\n{lines}")
            self.run("ldbmodify", "-H", "/var/lib/samba/private/sam.ldb", "/tmp/ldif")

    def wrong(self, name):
        """badPwdCount, and whether the account is locked."""
        said = self.run("ldbsearch", "-H", "/var/lib/samba/private/sam.ldb", f"(sAMAccountName={name})", "badPwdCount", "lockoutTime")
        found = dict(line.split(": ", 1) for line in said.splitlines() if ": " in line and not line.startswith("#"))
        return int(found.get("badPwdCount", 0)), found.get("lockoutTime", "0") != "0"

    def furnish(self, keytab):
        self.tool("domain", "passwordsettings", "set", "--complexity=off", "--min-pwd-length=1", "--min-pwd-age=0",
                  f"--account-lockout-threshold={THRESHOLD}", "--account-lockout-duration=30", "--reset-account-lockout-after=30")
        self.tool("user", "create", "svc-mail", "--random-password")
        self.tool("spn", "add", SERVICE, "svc-mail")
        self.tool("domain", "exportkeytab", f"--principal={SERVICE}", "/tmp/keytab")
        shutil.copyfile(self.root / "tmp/keytab", keytab)
        keytab.chmod(0o600)
        for name in ("alice", "guessed", "locked", "disabled", "proven"):
            self.user(name, f"of-{name}")
        self.user("bob", "of-bob", userPrincipalName="robert.smith@corp.test")
        self.user("gone", "of-gone", accountExpires="1")
        self.user("expired", "of-expired", pwdLastSet="0")
        self.tool("user", "disable", "disabled")


def login(server, name, password, address="127.0.0.1"):
    """The code of the reply, and what the log says of it."""
    before = len(server.log())
    with socket.socket() as client:
        client.bind((address, 0))
        client.settimeout(60)
        client.connect(("127.0.0.1", server.port))
        client.sendall(b"EHLO client.test\r\nAUTH PLAIN " + plain(name, password) + b"\r\nQUIT\r\n")
        lines = client.makefile("rb").read().decode().splitlines()
    codes = [line[:3] for line in lines if not line.startswith(("220", "250", "221"))]
    said = [line for line in server.log()[before:].splitlines() if "mechanism=PLAIN" in line]
    return int(codes[0]) if codes else 0, said[-1].split("client=")[-1] if said else ""


KNOWN = (("alice", "of-alice", 235, "user=alice "), ("EXAMPLE\\alice", "of-alice", 235, "user=alice "),
         ("ALICE@example.com", "of-alice", 235, "user=alice "), ("robert.smith@corp.test", "of-bob", 235, "user=bob "),
         ("bob", "of-bob", 235, "user=bob "), ("alice", "wrong", 535, "wrong password"), ("nobody", "wrong", 535, "does not know the user"),
         ("robert.smith@corp.test", "wrong", 535, "wrong password"), ("disabled", "of-disabled", 535, "disabled, expired or locked"),
         ("gone", "of-gone", 535, "expired"), ("expired", "of-expired", 535, "the password has expired"),
         ("alice", "", 535, "empty password"))


def known(server, failures):
    for name, password, code, words in KNOWN:
        got, said = login(server, name, password)
        print(f"  {name:25} {password or '(empty)':15} {got}  {said}")
        if got != code or words not in said:
            failures.append(f"{name} with {password!r}: {got}, not {code} with {words!r}")


def lock(controller, server, failures):
    """Locks an account past smtpd, as a user at a workstation would."""
    env = dict(os.environ, KRB5CCNAME="MEMORY:")
    kinit = shutil.which("kinit")
    for _ in range(THRESHOLD):
        if kinit:
            subprocess.run([kinit, f"locked@{REALM}"], input="wrong\n", text=True, capture_output=True, env=env)
        else:
            server.conf.write_text(server.conf.read_text().replace("kerberos_guesses 3/30m", "kerberos_guesses none"))
            server.ctl("reload")
            login(server, "locked", "wrong", "127.0.9.9")
    server.conf.write_text(server.conf.read_text().replace("kerberos_guesses none", "kerberos_guesses 3/30m"))
    server.ctl("reload")
    got, said = login(server, "locked", "of-locked")
    print(f"  {'locked':25} {'of-locked':15} {got}  {said}")
    if (got, controller.wrong("locked")[1]) != (535, True):
        failures.append(f"the locked account: {got} {controller.wrong('locked')}")


def guess(controller, server, number, failures):
    """Guesses at one user from many addresses, in all forms of its name, while a known client of the same user goes on."""
    if login(server, "guessed", "of-guessed", "127.0.0.9")[0] != 235:
        failures.append("the known client can't log in")
    forms, codes, began = ("guessed", "GUESSED@example.com", "EXAMPLE\\guessed", "guessed@corp.test"), collections.Counter(), time.monotonic()

    def some(first):
        for i in range(first, number, PARALLEL):
            with contextlib.suppress(OSError):
                codes[login(server, forms[i % len(forms)], f"guess {i}", f"127.1.{i // 250}.{i % 250 + 1}")[0]] += 1
    threads = [threading.Thread(target=some, args=(first,)) for first in range(PARALLEL)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took, (count, locked) = time.monotonic() - began, controller.wrong("guessed")
    known_client = login(server, "guessed", "of-guessed", "127.0.0.9")
    print(f"  {number} guesses in {took:.0f} s: replies {dict(codes)}; badPwdCount {count}, locked: {locked}; the known client then: {known_client[0]}")
    if locked or count >= THRESHOLD / 2:
        failures.append(f"{number} guesses: badPwdCount {count}, locked: {locked}")
    if known_client[0] != 235:
        failures.append("a known client is kept out")
    if sum(codes.values()) < number * 0.9:
        failures.append("too few guesses to mean anything")


def speed(server):
    """Logins that the cache does not know: each user name is written in another way."""
    took = []
    for i in range(20):
        name = "".join(c.upper() if i >> k & 1 else c for k, c in enumerate("proven"))
        began = time.monotonic()
        login(server, name, "of-proven")
        took.append(time.monotonic() - began)
    print(f"  a login with the right password, first time: median {sorted(took)[10] * 1000:.0f} ms, most {max(took) * 1000:.0f} ms")


def run(options):
    if os.geteuid():
        return ["only root can make namespaces"]
    if not os.environ.get(INSIDE):
        fetch()
        words = ["unshare", "--net", "--mount", "--uts", "--pid", "--fork", "--kill-child", "--mount-proc", sys.executable, *sys.argv]
        return [] if subprocess.run(words, env=dict(os.environ, **{INSIDE: "1"})).returncode == 0 else ["see above"]
    for command in (["ip", "link", "set", "lo", "up"], ["ip", "address", "add", f"{ADDRESS}/24", "dev", "lo"], ["hostname", "dc1"]):
        subprocess.run(command, check=True)
    failures, folder = [], harness.scratch()
    os.chmod(folder, 0o755)
    (folder / "krb5.conf").write_text(KRB5_CONF)
    os.environ["KRB5_CONFIG"] = str(folder / "krb5.conf")
    began = time.monotonic()
    controller = Controller(folder)
    controller.furnish(folder / "keytab")
    controller.start()
    print(f"the domain controller is up after {time.monotonic() - began:.0f} s")
    with Mailroot(f"""relay {{ list none }}
            access {{ auth plain login; auth_requires_tls no; keytab {folder}/keytab; passwords kerberos; kerberos_realm {REALM}
                      kerberos_guesses 3/30m }}""") as server:
        known(server, failures)
        speed(server)
        guess(controller, server, options.guesses, failures)
        lock(controller, server, failures)
    controller.process.terminate()
    controller.process.wait()
    subprocess.run(["umount", controller.root / "proc"])
    shutil.rmtree(folder, ignore_errors=True)
    return failures


harness.campaign(run, guesses=1000)
