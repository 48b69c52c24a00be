"""A real MIT KDC on loopback, with its own configuration and database in a folder of its own.

As a program, for tests in C:  kdc.py FOLDER  makes the principals and files of `furnish`, writes FOLDER/ready, and serves until its
standard input ends.
"""
import contextlib
import functools
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import time

import peers

KRB5_CONF = """
[libdefaults]
    default_realm = {realm}
    dns_lookup_kdc = no
    dns_lookup_realm = no
    dns_canonicalize_hostname = no
    rdns = no
    udp_preference_limit = {udp_limit}
[realms]
    {realm} = {{
        kdc = 127.0.0.1:{port}
    }}
[domain_realm]
    localhost = {realm}
    .example.com = {realm}
"""

KDC_CONF = """
[kdcdefaults]
    kdc_listen = 127.0.0.1:{port}
    kdc_tcp_listen = 127.0.0.1:{port}
[realms]
    {realm} = {{
        database_name = {folder}/principal
        key_stash_file = {folder}/stash
        acl_file = {folder}/acl
        max_life = 1d
        supported_enctypes = aes256-cts-hmac-sha1-96:normal aes128-cts-hmac-sha1-96:normal
    }}
[logging]
    kdc = FILE:{folder}/kdc.log
{modules}"""


@functools.cache
def unpacked():
    """The place of the programs that `peers` has unpacked, and the command to start them with the libraries next to them."""
    root = peers.unpacked("kdc")
    libraries = root / "usr/lib" / f"{os.uname().machine}-linux-gnu"
    loader = next(root.glob("lib64/ld-linux-*.so.*"))
    return root, libraries, [str(loader), "--library-path", str(libraries)]


def program(name):
    """The command NAME of this machine, or the unpacked one."""
    found = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if found:
        return [found]
    root, _, start = unpacked()
    return [*start, str(next(root.glob(f"usr/*bin/{name}")))]


def database_modules():
    """For kdc.conf: the folder of the database plugin, if the KDC is not installed."""
    if shutil.which("krb5kdc", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin"):
        return ""
    return f"[dbmodules]\n    db_module_dir = {unpacked()[1]}/krb5/plugins/kdb\n"


def free_port():
    """Free for UDP and for TCP."""
    while True:
        with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
            tcp.bind(("127.0.0.1", 0))
            with contextlib.suppress(OSError):
                udp.bind(tcp.getsockname())
                return tcp.getsockname()[1]


class Kdc:
    """One realm. `env` is the environment that its clients need. Use as a context manager."""

    def __init__(self, folder, realm="EXAMPLE.COM", udp_limit=1465):
        self.folder, self.realm, self.port, self.process = pathlib.Path(folder), realm, free_port(), None
        self.folder.mkdir(parents=True, exist_ok=True)
        self.krb5_conf = self.folder / "krb5.conf"
        self.krb5_conf.write_text(KRB5_CONF.format(realm=realm, port=self.port, udp_limit=udp_limit))
        (self.folder / "kdc.conf").write_text(KDC_CONF.format(realm=realm, port=self.port, folder=self.folder,
                                                                  modules=database_modules()))
        self.env = dict(os.environ, KRB5_CONFIG=str(self.krb5_conf), KRB5CCNAME=f"FILE:{self.folder}/tickets", PYTHONDONTWRITEBYTECODE="1")
        self.own_env = dict(self.env, KRB5_KDC_PROFILE=str(self.folder / "kdc.conf"))
        self.run("kdb5_util", "-r", realm, "create", "-s", "-P", "master")

    def run(self, name, *args, check=True, **options):
        options.setdefault("env", self.own_env)
        done = subprocess.run([*program(name), *map(str, args)], capture_output=True, text=True, timeout=60, **options)
        if check and done.returncode:
            raise AssertionError(f"{name} {' '.join(map(str, args))}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def admin(self, *commands):
        for command in commands:
            done = self.run("kadmin.local", "-r", self.realm, "-q", command)
            if "kadmin.local:" in done.stderr:
                raise AssertionError(f"kadmin.local {command}: {done.stderr}")

    def principal(self, name, password=None):
        self.admin(f"add_principal {'-pw ' + password if password else '-randkey'} {name}")

    def keytab(self, path, *names, new_key=False, mode=0o600):
        """Appends the keys of NAMES to the key tab at PATH."""
        for name in names:
            self.admin(f"ktadd -k {path} {'' if new_key else '-norandkey'} {name}")
        os.chmod(path, mode)
        return pathlib.Path(path)

    def tickets(self, name, password=None, keytab=None, lifetime="1h", cache=None):
        """kinit; the environment with these tickets."""
        cache = cache or f"FILE:{self.folder}/tickets-{name.replace('/', '_')}"
        how = ["-k", "-t", keytab] if keytab else []
        self.run("kinit", "-l", lifetime, "-c", cache, *how, name, env=self.env, input=None if keytab else password + "\n")
        return dict(self.env, KRB5CCNAME=cache)

    def start(self):
        self.process = subprocess.Popen([*program("krb5kdc"), "-n", "-r", self.realm], env=self.own_env, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 20
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return self
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError("krb5kdc did not start:\n" + (self.folder / "kdc.log").read_text())
            time.sleep(0.01)

    def stop(self):
        if self.process:
            self.process.terminate()
            self.process.wait()
            self.process = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()


def furnish(kdc):
    """The principals for the tests in C: services, one with a new key, and clients, one with tickets of two seconds."""
    kdc.principal("smtp/mail.example.com")
    kdc.principal("smtp/other.example.com")
    kdc.principal("bob", "secret")
    kdc.principal("app/printer")
    kdc.keytab(kdc.folder / "service", "smtp/mail.example.com")
    kdc.keytab(kdc.folder / "other", "smtp/other.example.com")
    kdc.principal("brief")
    kdc.admin("modify_principal -maxlife 2sec brief")
    kdc.principal("late", "secret")
    kdc.principal("locked", "secret")
    kdc.admin("modify_principal -pwexpire yesterday late", "modify_principal -allow_tix locked")
    kdc.keytab(kdc.folder / "client", "bob", "app/printer", "brief")
    kdc.principal("smtp/renewed.example.com")
    kdc.keytab(kdc.folder / "old-key", "smtp/renewed.example.com")
    kdc.admin("change_password -randkey smtp/renewed.example.com")


def main():
    with Kdc(sys.argv[1]) as kdc:
        furnish(kdc)
        (kdc.folder / "ready").touch()
        sys.stdin.read()


if __name__ == "__main__":
    main()
