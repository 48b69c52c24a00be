"""Debian's fetchmail, a client of ETRN and ATRN (which it calls ODMR). It is downloaded and unpacked next to the peers of t/system/peers, not installed.

It runs with libraries that our own programs need too.
"""
import fcntl
import os
import pathlib
import shutil
import subprocess

REMEDY = "run 'apt-get update' and look whether 'apt-get download fetchmail' works"


def cache():
    home = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    return pathlib.Path(os.environ.get("MAILROOT_PEERS") or pathlib.Path(home) / "mailroot-peers")


def download(folder):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    user = subprocess.run(["id", "-un"], capture_output=True, text=True).stdout.strip()
    get = ["apt-get", "-qq", "-o", f"APT::Sandbox::User={user}", "download", "fetchmail"]
    done = subprocess.run(get, cwd=folder, capture_output=True, text=True)
    if done.returncode and not os.geteuid():
        subprocess.run(["apt-get", "-qq", "update"], capture_output=True)
        done = subprocess.run(get, cwd=folder, capture_output=True, text=True)
    packages = list(folder.glob("*.deb"))
    if done.returncode or not packages:
        raise AssertionError(f"the tests need Debian's fetchmail: {REMEDY}\n{done.stderr}")
    subprocess.run(["dpkg-deb", "-x", packages[0], folder / "root"], check=True)
    (folder / "done").touch()


def program():
    """Its path. It is downloaded if it is missing."""
    cache().mkdir(parents=True, exist_ok=True)
    folder = cache() / "fetchmail"
    with open(cache() / ".fetchmail.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "done").exists():
            download(folder)
    return folder / "root" / "usr" / "bin" / "fetchmail"


def run(folder, poll):
    """One round with POLL as a line of its configuration; FOLDER is for its files. Returns its output."""
    control = pathlib.Path(folder) / "fetchmailrc"
    control.write_text(poll + "\n")
    control.chmod(0o600)
    # It looks up the name of its host in DNS or /etc/hosts; localhost always exists.
    named = ["unshare", "--uts", "sh", "-c", 'hostname localhost && exec "$@"', "sh"] if os.geteuid() == 0 else []
    done = subprocess.run([*named, program(), "-f", control, "-v", "-v"], capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL,
                          env={"HOME": str(folder), "FETCHMAILHOME": str(folder), "USER": "fetcher", "PATH": "/usr/bin:/bin"})
    if done.returncode:
        raise AssertionError(f"fetchmail: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout
