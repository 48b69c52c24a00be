"""A machine to examine with `mailrootctl doctor`: network and mounts of its own, a clock that is right, and a configuration without faults.

    become_machine()            first: this process goes on in namespaces of its own
    with Machine() as machine:
        machine.doctor(server="...")
"""
import contextlib
import json
import os
import pathlib
import ssl
import subprocess
import sys

import harness
from dnstree import Tree, Zone, wire

ADDRESS, GATEWAY = "20.30.40.50", "20.30.40.1"
FAR, HOP = "20.30.50.1", "20.30.50.2"  # a mail exchanger of the Internet, a smart host
INSIDE = "MAILROOT_TEST_MACHINE"
ALONE = ("unshare", "--pid", "--fork", "--mount-proc")  # without the processes of others, which may be mail servers

CLOCK = """
#include <string.h>
#include <stdlib.h>
#include <sys/timex.h>
int adjtimex(struct timex *t)
{
	memset(t, 0, sizeof(*t));
	return getenv("CLOCK_RUNS_FREE") ? TIME_ERROR : TIME_OK;
}
"""

# The public key of RFC 8463, appendix A.
DKIM = "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
ZONES = {
    "a.test.": Zone(f"""
        @ MX 10 mail
        @ TXT "v=spf1 ip4:{ADDRESS} ip4:{HOP} -all"
        _dmarc TXT "v=DMARC1; p=reject; rua=mailto:postmaster@a.test"
        default._domainkey TXT "{DKIM}"
        mail A {ADDRESS}
        elsewhere A 20.30.99.1
        alias CNAME mail
        """, signed=False),
    "b.test.": Zone(f"""
        @ MX 10 mail.a.test.
        @ TXT "v=spf1 ip4:{ADDRESS} -all"
        _dmarc TXT "v=DMARC1; p=reject; rua=mailto:postmaster@a.test"
        """, signed=False),
    "isp.test.": Zone(f"host-20-30-40-50 A {ADDRESS}", signed=False),
    "40.30.20.in-addr.arpa.": Zone("50 PTR mail.a.test.", signed=False),
    "com.": Zone(f"mx-far A {FAR}"),
    "gmail.com.": Zone("@ MX 5 mx-far.com.", signed=False),
    "outlook.com.": Zone("@ MX 5 mx-far.com.", signed=False),
    "zen.spamhaus.org.": Zone("2.0.0.127 A 127.0.0.2", signed=False),
    "bl.spamcop.net.": Zone("2.0.0.127 A 127.0.0.2", signed=False),
    "hop.test.": Zone(f"smtp A {HOP}", signed=False),
}


def txt(text):
    """The data of a TXT record."""
    return b"".join(bytes([len(part)]) + part for part in (text[i:i + 255].encode() for i in range(0, len(text), 255)))


def mx(host):
    return b"\0\x0a" + wire(host)


def become_machine():
    """The process namespace stays: what other tests left is told from what they use by their processes."""
    if os.environ.get(INSIDE) or os.geteuid():
        return
    os.environ[INSIDE] = "yes"
    os.execvp("unshare", ["unshare", "--net", "--mount", "--propagation", "private", sys.executable, *sys.argv])


def run(*argv):
    subprocess.run([str(a) for a in argv], check=True, capture_output=True, text=True)


class Machine:
    def __init__(self):
        self.folder = harness.scratch()
        self.etc = self.folder / "etc"
        self.clock = self.folder / "clock.so"
        self.mounts = []
        harness.users()

    def __enter__(self):
        self._network()
        self._clock()
        self._boot()
        self.spool = self.disk("spool")
        self.dns = Tree(ZONES).__enter__()
        self.far = harness.Sink(port=25, address=FAR)
        return self

    def __exit__(self, *_):
        self.far.close()
        self.dns.__exit__()
        for mount in reversed(self.mounts):
            subprocess.run(["umount", "--lazy", str(mount)], check=False)

    def _network(self):
        for words in ("link set lo up", "link add outside type veth peer name world", "link set outside up", "link set world up",
                      f"address add {ADDRESS}/24 dev outside", f"address add {FAR}/32 dev lo", f"address add {HOP}/32 dev lo", f"route add default via {GATEWAY}"):
            run("ip", *words.split())

    def _clock(self):
        source = self.folder / "clock.c"
        source.write_text(CLOCK)
        run("cc", "-shared", "-fPIC", "-o", self.clock, source)

    def _mount(self, at, *argv):
        run("mount", *argv, at)
        self.mounts.append(at)

    def _boot(self):
        """systemd runs, and starts the service with the machine."""
        run("cp", "-a", "/etc", self.etc)
        self._mount("/etc", "--bind", self.etc)
        self._mount("/run", "-t", "tmpfs", "tmpfs")
        pathlib.Path("/run/systemd/system").mkdir(parents=True)
        pathlib.Path("/etc/systemd/system/multi-user.target.wants").mkdir(parents=True, exist_ok=True)
        self.unit = pathlib.Path("/etc/systemd/system/mailrootd.service")
        self.unit.write_text("[Service]\n")
        self.wanted = pathlib.Path("/etc/systemd/system/multi-user.target.wants/mailrootd.service")
        self.wanted.symlink_to(self.unit)

    def disk(self, name, megabytes=300, options=("-O", "has_journal"), mount=()):
        """A file system of its own. Returns its folder."""
        image, folder = self.folder / f"{name}.img", self.folder / name
        with open(image, "wb") as file:
            file.truncate(megabytes << 20)
        run("mkfs.ext4", "-q", "-F", *options, image)
        folder.mkdir()
        self._mount(folder, "-o", ",".join(["loop", *mount]), image)
        return folder

    def conf(self, server="", more="", **changes):
        """A configuration without faults, but for CHANGES: name = value of a setting of the file or of the server; None = without it."""
        settings = {"mailroot_dir": self.spool / "mailroot", "run_dir": self.folder / "run", "state_dir": self.folder / "state",
                    "log_dir": self.folder / "logs", "dns_server": f"127.0.0.1:{self.dns.port}", "trust_anchor": self.dns.anchor, "dnssec": None}
        in_server = {"listen": f"{ADDRESS}:2525", "fqdn": "mail.a.test", "default_domain": "a.test"}
        for name, value in changes.items():
            (in_server if name in in_server else settings)[name] = value
        def lines(values):
            return "\n".join(f"{name} {value}" for name, value in values.items() if value is not None)
        path = self.folder / "doctor.conf"
        path.write_text(f"{lines(settings)}\n{more}\nvirtual_server test {{\n{lines(in_server)}\n{server}\n}}\n")
        return path

    def doctor(self, conf=None, prefix=(), free_clock=False, arguments=()):
        """(exit status, what it says as JSON)"""
        environment = dict(os.environ, LD_PRELOAD=str(self.clock), ASAN_OPTIONS="verify_asan_link_order=0")
        if free_clock:
            environment["CLOCK_RUNS_FREE"] = "yes"
        done = subprocess.run([*prefix, str(harness.BUILD / "mailrootctl"), "-c", str(conf or self.conf()), "doctor", "--json", *arguments],
                              capture_output=True, text=True, timeout=60, env=environment, check=False)
        return done.returncode, json.loads(done.stdout)


    @contextlib.contextmanager
    def dns_fault(self, **faults):
        """FAULTS: name of a type = (name, what Tree.faults takes); "any" is no type."""
        for kind, (name, fault) in faults.items():
            self.dns.faults[name if kind == "any" else (name, kind)] = fault
        try:
            yield
        finally:
            self.dns.faults.clear()


def users(program):
    """The ids of the users of all processes of PROGRAM."""
    found = set()
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            status = (process / "status").read_text()
            if status.startswith(f"Name:\t{program}\n"):
                found.add(int(status.split("\nUid:\t")[1].split()[0]))
    return found


@contextlib.contextmanager
def renamed(name, listener):
    """A process called NAME that has LISTENER open, too."""
    code = f"import sys; open('/proc/self/comm', 'w').write('{name}'); print('ready', flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", code], pass_fds=[listener.fileno()], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        child.stdout.readline()
        yield
        child.stdin.close()


@contextlib.contextmanager
def background(machine):
    """Doctor, while it runs."""
    with subprocess.Popen([harness.BUILD / "mailrootctl", "-c", machine.conf(), "doctor"], stdout=subprocess.DEVNULL) as child:
        yield child
        child.wait()


class SecureHop(harness.Sink):
    """A smart host at HOP, port 587, that offers STARTTLS with the certificate ISSUED."""

    def __init__(self, issued):
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(issued.certificate, issued.key)
        super().__init__(port=587, address=HOP)

    def _session(self, connection, lines):
        connection.sendall(b"220 hop.test\r\n")
        for line in lines:
            if line.upper().startswith(b"STARTTLS"):
                connection.sendall(b"220 go\r\n")
                with self.tls.wrap_socket(connection, server_side=True) as secured, secured.makefile("rb") as more:
                    self._converse(secured, more, b"250 hop.test\r\n")
                return
            connection.sendall(b"250-hop.test\r\n250 STARTTLS\r\n")

    @staticmethod
    def _converse(connection, lines, reply):
        for _ in lines:
            connection.sendall(reply)


def service(conf):
    """The running service with CONF."""
    server = harness.Mailroot()
    server.conf = conf
    return server


@contextlib.contextmanager
def process(name, *argv):
    """A process with NAME as its argument 0."""
    with subprocess.Popen(["bash", "-c", 'exec -a "$0" "$@"', name, *argv]) as child:
        harness.wait_for(lambda: pathlib.Path(f"/proc/{child.pid}/cmdline").read_bytes().startswith(name.encode() + b"\0"), f"{name} to run")
        yield child
        child.kill()
