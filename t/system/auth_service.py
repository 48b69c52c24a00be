"""A service with accounts, and a client's part of the dialogue, for tests of authentication."""
import base64
import socket
import ssl
import subprocess

import certs
import harness
from harness import Mailroot, Wire

USERS = {"alice": "wonderland 1865", "bob@example.com": "Tr\u00e4umerei", "copier": "a9!Secret"}
FAR = "reader@far.test"  # only authenticated clients may relay there
ALL = "auth plain login scram-sha-256 cram-md5"


def b64(text):
    return base64.b64encode(text if isinstance(text, bytes) else text.encode())


def plain(user, password):
    return b64(f"\0{user}\0{password}")


class Service(Mailroot):
    """With accounts, a certificate for localhost, and relay only for authenticated clients. A smart host gets outgoing mail."""

    def __init__(self, access=ALL, server="", users=USERS, clear=True):
        super().__init__()
        self.users_file = self.folder / "users"
        self.authority = certs.Authority(self.folder / "tls")
        certificate = self.authority.issue("localhost", "IP:127.0.0.1")
        self.write_conf(f"""relay {{ list none }}
    access {{ {access}; auth_domain example.com; user_file {self.users_file}; tls_certificate {certificate}
              {"auth_clear_list 127.0.0.1" if clear else ""} }}
    remote_domain far.test {{ route [127.0.0.1]:{harness.free_port()} }}
    {server}""")
        self.passwords = dict(users)
        for name, password in users.items():
            self.user("add", name, password)

    def user(self, action, name, password=None, *options):
        done = subprocess.run([str(harness.BUILD / "mailrootctl"), "-c", str(self.conf), "user", action, name, *options], text=True,
                              input=f"{password}\n" if password else "", capture_output=True, timeout=60)
        if done.returncode:
            raise AssertionError(f"user {action} {name}: {done.stdout}{done.stderr}")

    def clone(self, name, n):
        """Names of N accounts with the password of NAME. None of them is cached from an earlier login."""
        line = next(line for line in self.users_file.read_text().splitlines() if line.startswith(name + " "))
        names = [f"clone{i}" for i in range(n)]
        with self.users_file.open("a") as file:
            file.writelines(line.replace(name, clone, 1) + "\n" for clone in names)
        self.ctl("reload")
        self.passwords.update(dict.fromkeys(names, self.passwords[name]))
        return iter(names)

    def context(self):
        return ssl.create_default_context(cafile=str(self.authority.file))

    def logged(self, *words):
        return [line for line in self.log().splitlines() if all(word in line for word in words)]


def greeted(server, **options):
    wire = Wire(server, **options)
    assert wire.reply()[0] == 220
    wire.say(b"EHLO client.test\r\n")
    assert wire.reply()[0] == 250
    return wire


def ask(wire, line):
    wire.say(line + b"\r\n")
    return wire.reply()


class Source(Wire):
    """A connection from another loopback address."""

    def __init__(self, server, source):
        self.socket = socket.create_connection(("127.0.0.1", server.port), 30, source_address=(source, 0))
        self.lines = self.socket.makefile("rb")
