#!/usr/bin/env python3
"""Does it boot? Mailroot under a real systemd in a virtual machine, from its installation to a reboot, one step after the other.

usage: boot.py [--packages FOLDER] [--suite bookworm] [--only STEP ...]
  --packages  installs the .deb files of FOLDER; otherwise this tree is built and installed as doc/installing.md says

Each step prints its name, its result and its time. The machine has no network but loopback. Needs root, qemu and debootstrap; ends with 77 without
them. The disk of the machine stays in $MAILROOT_DEBIAN (/var/tmp/mailroot-fresh) for the next time.
"""
import argparse
import contextlib
import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time

from machine import Failed, Machine

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = HERE.parents[1]
SKIPPED = 77
UNIT = "mailrootd"
UNPRIVILEGED = "mailroot-unprivileged"
HARDEN = SOURCE / "etc/mailrootd-harden.conf"
EXPOSURE_MAX = {UNIT: 29, "hardened": 25, UNPRIVILEGED: 12}  # tenths, of systemd-analyze security

CONF = """
virtual_server default {
    listen          127.0.0.1:25
    fqdn            mail.example.com
    default_domain  example.com
    relay           { list 127.0.0.1 }
    smart_host      [127.0.0.1]:2500
    pickup_dir      /srv/mail/pickup
    access {
        auth             plain login
        tls_certificate  /etc/letsencrypt/live/mail/fullchain.pem /etc/letsencrypt/live/mail/privkey.pem
    }
    local_domain drop.example.com { drop_dir /srv/mail/drop }
}
"""

# The next hop. It begins with the machine, so that mail can wait for a reboot.
SINK = """
[Service]
ExecStart=/usr/bin/python3 -m aiosmtpd -n -l 127.0.0.1:2500 -c aiosmtpd.handlers.Mailbox /var/lib/sink
[Install]
WantedBy=multi-user.target
"""

# What an administrator adds to the units without root.
CREDENTIALS = """
[Service]
LoadCredential=fullchain.pem:/etc/letsencrypt/live/mail/fullchain.pem
LoadCredential=privkey.pem:/etc/letsencrypt/live/mail/privkey.pem
"""
SOCKET = """
[Socket]
ListenStream=
ListenStream=127.0.0.1:25
"""

STEPS = []


def step(function):
    STEPS.append(function)
    return function


def require(condition, what):
    if not condition:
        raise Failed(what)


class Guest(Machine):
    """The machine, and what the steps ask it."""

    def master(self):
        return self.run(f"systemctl show -P MainPID {UNIT}").strip()

    def processes(self, unit=UNIT):
        """{pid: (user, program)} of the unit."""
        lines = self.run(f"ps -o pid=,user:32=,comm:32= -p $(paste -sd, /sys/fs/cgroup/system.slice/{unit}.service/cgroup.procs)").splitlines()
        return {pid: (user, program) for pid, user, program in map(str.split, lines)}

    def write(self, path, text):
        self.run(f"mkdir -p $(dirname {path}) && cat >{path} <<'END'\n{text}\nEND")

    def pick_up(self, subject):
        self.run(f"""printf 'To: c@drop.example.com\\r\\nFrom: app@example.com\\r\\nSubject: {subject}\\r\\n\\r\\nx\\r\\n' >/srv/mail/.new
            mv /srv/mail/.new /srv/mail/pickup/one.eml""")

    def send(self, subject, to="a@example.net", options=""):
        self.run(f"swaks --silent 2 --server 127.0.0.1 --from app@example.com --to {to} --h-Subject '{subject}' {options}")

    def relayed(self, subject):
        self.wait(f"grep -rqs 'Subject: {subject}$' /var/lib/sink")

    def dropped(self, subject):
        self.wait(f"grep -rqs 'Subject: {subject}.\\?$' /srv/mail/drop")

    def journal(self, options=""):
        return self.run(f"journalctl -q --no-pager -b -u {UNIT} {options}")

    def running(self):
        self.wait("mailrootctl status | grep -q running", 60)

    def exposure(self, unit, kind=None):
        print("    " + self.run(f"set -o pipefail; systemd-analyze --no-pager --threshold={EXPOSURE_MAX[kind or unit]} security {unit} | tail -1", 60).strip())

    def denied(self):
        """What AppArmor has refused since the boot."""
        return self.attempt("journalctl -q -k -b --no-pager | grep 'apparmor=\"DENIED\".*mailroot'")[1]

    def certificate(self, serial):
        """As certbot keeps them: links in live/, the key for root alone."""
        self.run(f"""set -e; umask 077; cd /etc/letsencrypt; mkdir -p live/mail archive/mail
            openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj /CN=mail.example.com -set_serial {serial} \
                -keyout archive/mail/privkey{serial}.pem -out archive/mail/fullchain{serial}.pem
            for part in privkey fullchain; do ln -sf ../../archive/mail/${{part}}{serial}.pem live/mail/$part.pem; done""", 60)

    def serial(self):
        shown = self.run("openssl s_client -connect 127.0.0.1:25 -starttls smtp </dev/null 2>/dev/null | openssl x509 -noout -serial")
        return int(shown.strip().removeprefix("serial="), 16)


@step
def boot(guest):
    """the machine starts, and nothing in it has failed"""
    guest.wait_for_boot(120)
    guest.wait("systemctl is-system-running --wait || systemctl --failed", 60)
    print("    " + guest.run("uname -r; systemctl --version | head -1").replace("\n", " "))


@step
def install(guest):
    """the package is installed, or the tree as doc/installing.md says"""
    if guest.attempt("ls /payload/*.deb")[0] == 0:
        print("    " + guest.run("DEBIAN_FRONTEND=noninteractive dpkg -i /payload/*.deb", 300).replace("\n", "\n    "))
    else:
        guest.run("tar -C / -xf /payload/tree.tar && ldconfig && systemd-sysusers && systemctl daemon-reload", 120)
    guest.run("mailrootd -V && systemctl cat " + UNIT)


@step
def configure(guest):
    """configuration, certificate, sink; `check` finds nothing wrong"""
    guest.run("mkdir -p /etc/letsencrypt /srv/mail && chmod 700 /etc/letsencrypt")
    guest.certificate(1)
    guest.write("/etc/mailroot/mailroot.conf", CONF)
    guest.write("/etc/systemd/system/sink.service", SINK)
    guest.run("systemctl daemon-reload && systemctl enable --now sink", 60)
    guest.run("mailrootctl check", 60)


@step
def start(guest):
    """enabled and started: systemd waits until it is ready"""
    guest.run(f"systemctl enable {UNIT} && systemctl restart {UNIT}", 90)
    guest.run(f"systemctl is-active {UNIT} && systemctl is-enabled {UNIT}")
    guest.running()
    print("    " + ", ".join(sorted({f"{program} ({user})" for user, program in guest.processes().values()})))


@step
def relay(guest):
    """a message to the next hop"""
    guest.send("first")
    guest.relayed("first")


@step
def drop(guest):
    """a message to a folder in /srv"""
    guest.send("dropped", "b@drop.example.com")
    guest.dropped("dropped")


@step
def pickup(guest):
    """a file of the pickup folder in /srv"""
    guest.pick_up("picked")
    guest.dropped("picked")


@step
def tls(guest):
    """STARTTLS, with a certificate in /etc/letsencrypt"""
    guest.send("encrypted", options="--tls")
    guest.relayed("encrypted")
    require(guest.serial() == 1, "another certificate")


@step
def user(guest):
    """`user add`, then AUTH"""
    guest.run("echo 'secret of scan' | mailrootctl user add scan@example.com")
    guest.send("authenticated", options="--tls --auth PLAIN --auth-user scan@example.com --auth-password 'secret of scan'")
    guest.relayed("authenticated")
    status, _ = guest.attempt("swaks --silent 2 --server 127.0.0.1 --from a@example.com --to b@example.net --tls --auth PLAIN"
                              " --auth-user scan@example.com --auth-password wrong")
    require(status, "a wrong password was accepted")


@step
def reload(guest):
    """systemctl reload: a renewed certificate, the same master; an error in the file fails the reload and changes nothing"""
    before = guest.master()
    guest.certificate(2)
    guest.run(f"systemctl reload {UNIT}", 60)
    guest.wait("openssl s_client -connect 127.0.0.1:25 -starttls smtp </dev/null 2>/dev/null | openssl x509 -noout -serial | grep -q '=02$'")
    require(guest.master() == before, "another master")
    guest.run("echo 'nonsense here' >>/etc/mailroot/mailroot.conf")
    status, _ = guest.attempt(f"systemctl reload {UNIT}", 60)
    require(status, "a reload of a wrong file succeeded")
    guest.write("/etc/mailroot/mailroot.conf", CONF)
    guest.run(f"systemctl reload {UNIT} && systemctl is-active {UNIT}", 60)
    guest.send("reloaded")
    guest.relayed("reloaded")


@step
def upgrade(guest):
    """mailrootctl upgrade: the same master for systemd, every other process is new, and mail passes"""
    master, before = guest.master(), guest.processes()
    guest.run("mailrootctl upgrade", 90)
    guest.wait("! mailrootctl status | grep -q retiring")
    guest.run(f"systemctl is-active {UNIT}")
    require(guest.master() == master, "another master")
    require(set(before) & set(guest.processes()) == {master}, "a process of before")
    guest.send("upgraded")
    guest.relayed("upgraded")


@step
def new_version(guest):
    """a later package is installed: the same master for systemd, every other process is new, and a session that is open goes on"""
    if guest.attempt("ls /payload/next/*.deb")[0]:
        print("    the tree has no later package")
        return
    master, before = guest.master(), guest.processes()
    output = guest.run("""exec 3<>/dev/tcp/127.0.0.1/25 && printf 'HELO client.test\\r\\n' >&3
        DEBIAN_FRONTEND=noninteractive dpkg -i /payload/next/*.deb || exit
        printf 'MAIL FROM:<app@example.com>\\r\\nQUIT\\r\\n' >&3 && timeout 100 cat <&3""", 300)
    print("    " + output.replace("\n", "\n    ").strip())
    require("has taken over" in output, "no upgrade")
    require(re.findall(r"^(\d\d\d) ", output, re.M) == ["220", "250", "250", "221"], "the session was dropped")
    guest.wait("! mailrootctl status | grep -q retiring")
    require(guest.master() == master, "another master")
    require(set(before) & set(guest.processes()) == {master}, "a process of before")
    guest.send("by the new version")
    guest.relayed("by the new version")


@step
def operator(guest):
    """an operator without root may look and order; another user may not"""
    guest.run("useradd -m -G mailroot-operators olga && useradd -m paul")
    guest.run("runuser -u olga -- mailrootctl status && runuser -u olga -- mailrootctl queue list")
    status, output = guest.attempt("runuser -u paul -- mailrootctl status")
    require(status, f"any user may use mailrootctl: {output}")


@step
def sendmail(guest):
    """sendmail(1) of an ordinary user, also while the service is down"""
    program = "/usr/libexec/mailroot/sendmail"
    guest.run(f"printf 'Subject: by sendmail\\n\\nx\\n' | runuser -u paul -- {program} d@drop.example.com")
    guest.dropped("by sendmail")
    guest.run(f"systemctl stop {UNIT}", 100)
    guest.run(f"printf 'Subject: while down\\n\\nx\\n' | runuser -u paul -- {program} d@drop.example.com")
    guest.run(f"systemctl start {UNIT}", 90)
    guest.dropped("while down")


@step
def kill(guest):
    """kill -9 of master: systemd starts another, and no process of the old one is left"""
    before = guest.processes()
    guest.run(f"kill -9 {guest.master()}")
    guest.wait(f"systemctl is-active {UNIT} && test $(systemctl show -P NRestarts {UNIT}) = 1", 60)
    guest.running()
    orphans = [program for pid, (_, program) in before.items() if guest.attempt(f"grep -q ^mailroot /proc/{pid}/comm")[0] == 0]
    require(not orphans, f"orphans: {orphans}")
    guest.send("after the kill")
    guest.relayed("after the kill")


@step
def watchdog(guest):
    """master stands still: systemd ends it and starts another"""
    guest.write(f"/run/systemd/system/{UNIT}.service.d/watchdog.conf", "[Service]\nWatchdogSec=20")
    guest.run(f"systemctl daemon-reload && systemctl restart {UNIT}", 120)
    stopped = guest.master()
    guest.run(f"kill -STOP {stopped}")
    guest.wait(f"test $(systemctl show -P NRestarts {UNIT}) = 1", 90)
    guest.wait(f"systemctl is-active {UNIT}", 60)
    guest.running()
    require(guest.master() != stopped, "it is the same master")
    require(guest.attempt(f"test -d /proc/{stopped}")[0], "the old one is still there")
    guest.send("after the watchdog")
    guest.relayed("after the watchdog")
    guest.run(f"rm -r /run/systemd/system/{UNIT}.service.d && systemctl daemon-reload")


@step
def hang(guest):
    """the queue stands still: mail is accepted meanwhile, master starts another queue after three minutes, and the mail is relayed"""
    queue = guest.run("pgrep -o -f '^mailroot-queue'").strip()
    guest.run(f"kill -STOP {queue}")
    guest.send("while the queue hangs")
    guest.wait(f"test ! -d /proc/{queue}", 300)
    guest.relayed("while the queue hangs")
    guest.journal(f"-g 'role=queue pid={queue} hangs'")


@step
def late_address(guest):
    """an address that appears after the start is listened on"""
    guest.run("sed -i '/listen.*127/a listen 192.0.2.25:25' /etc/mailroot/mailroot.conf")
    guest.run(f"systemctl restart {UNIT}", 120)
    guest.run("mailrootctl status | grep 192.0.2.25")
    guest.send("without the address")
    guest.run("ip address add 192.0.2.25/32 dev lo")
    guest.wait("swaks --silent 2 --server 192.0.2.25 --quit-after EHLO", 40)
    guest.run("ip address del 192.0.2.25/32 dev lo")
    guest.write("/etc/mailroot/mailroot.conf", CONF)
    guest.run(f"systemctl restart {UNIT}", 120)


@step
def log(guest):
    """lines of the journal have an identifier, a priority and no error that the steps did not cause"""
    lines = guest.journal("-o json --output-fields=SYSLOG_IDENTIFIER,PRIORITY,MESSAGE")
    identifiers = set(re.findall(r'"SYSLOG_IDENTIFIER":"(.*?)"', lines))
    require(identifiers and all(name.startswith("mailroot") for name in identifiers - {"systemd"}), f"identifiers: {identifiers}")
    priorities = set(re.findall(r'"PRIORITY":"(\d)"', lines))
    require({"3", "6"} <= priorities, f"priorities: {priorities}")
    require("can't read the addresses" not in lines, "the resolver does not know the addresses of this machine")
    print("    identifiers " + " ".join(sorted(identifiers)) + ", priorities " + " ".join(sorted(priorities)))
    print("    " + guest.journal("-p warning -o cat").replace("\n", "\n    ").strip())


@step
def apparmor(guest):
    """the profile of the package is enforced, if it has one"""
    if guest.attempt("test -e /etc/apparmor.d/usr.sbin.mailrootd -o -e /etc/apparmor.d/mailrootd")[0]:
        print("    no profile is installed")
        return
    confined = guest.run(f"cat /proc/{guest.master()}/attr/current").strip()
    require(confined.endswith("(enforce)"), f"master is {confined}")


@step
def exposure(guest):
    """systemd-analyze security"""
    guest.exposure(UNIT)


@step
def hardened(guest):
    """with mailrootd-harden.conf master has fewer rights: mail, a reload and an upgrade go on as before"""
    guest.write(f"/run/systemd/system/{UNIT}.service.d/harden.conf", HARDEN.read_text())
    guest.run(f"sysctl -q -w net.core.wmem_max=33554432 && systemctl daemon-reload && systemctl restart {UNIT}", 120)
    guest.running()
    guest.run(f"systemctl reload {UNIT} && mailrootctl upgrade", 120)
    guest.send("with fewer rights", options="--tls")
    guest.relayed("with fewer rights")
    guest.pick_up("picked with fewer rights")
    guest.dropped("picked with fewer rights")
    guest.exposure(UNIT, "hardened")
    guest.run(f"rm -r /run/systemd/system/{UNIT}.service.d && systemctl daemon-reload && systemctl restart {UNIT}", 120)


@step
def unprivileged(guest):
    """mailroot-unprivileged: the same service without a process of root, until it is stopped again"""
    guest.run(f"systemctl stop {UNIT}", 100)
    guest.write(f"/run/systemd/system/{UNPRIVILEGED}.service.d/test.conf", CREDENTIALS)
    guest.write(f"/run/systemd/system/{UNPRIVILEGED}.socket.d/test.conf", SOCKET)
    guest.write("/etc/mailroot/mailroot.conf", CONF.replace("/etc/letsencrypt/live/mail", f"/run/credentials/{UNPRIVILEGED}.service"))
    guest.run("chown mailroot /etc/mailroot/users && chown -R mailroot:mailroot /srv/mail")
    guest.run(f"systemctl daemon-reload && systemctl start {UNPRIVILEGED}", 120)
    guest.wait("mailrootctl status | grep -q running", 60)
    users = {user for user, _ in guest.processes(UNPRIVILEGED).values()}
    require(users == {"mailroot"}, f"users: {users}")
    for subject, to in (("without root", "a@example.net"), ("dropped without root", "b@drop.example.com")):
        guest.send(subject, to, "--tls --auth PLAIN --auth-user scan@example.com --auth-password 'secret of scan'")
    guest.relayed("without root")
    guest.dropped("dropped without root")
    guest.pick_up("picked without root")
    guest.dropped("picked without root")
    guest.run(f"systemctl reload {UNPRIVILEGED} && runuser -u olga -- mailrootctl status", 60)
    status, output = guest.attempt("runuser -u mailroot -- mailrootctl status")
    require(status, f"the user of the service gives orders: {output}")
    guest.exposure(UNPRIVILEGED)
    guest.write("/etc/mailroot/mailroot.conf", CONF)
    guest.run(f"systemctl stop {UNPRIVILEGED}.socket {UNPRIVILEGED} && chown root:root /srv/mail && systemctl start {UNIT}", 200)
    guest.running()


@step
def stop(guest):
    """a stop takes less than its time, with a session that is idle"""
    guest.run("(exec 3<>/dev/tcp/127.0.0.1/25; sleep 300) >/dev/null 2>&1 & sleep 1")
    began = time.monotonic()
    guest.run(f"systemctl stop {UNIT}", 100)
    print(f"    {time.monotonic() - began:.1f} s")
    result = guest.run(f"systemctl show -P Result {UNIT}").strip()
    require(result == "success", f"the result of the unit is {result}")
    require(guest.attempt("pgrep -l mailroot")[0], "a process is left")
    guest.run(f"systemctl start {UNIT}", 90)


@step
def reboot(guest):
    """mail that waited before a reboot is relayed after it, and new mail passes"""
    guest.run("systemctl stop sink")
    guest.send("waited")
    guest.wait("mailrootctl queue list | grep -q a@example.net")
    guest.reboot()
    guest.wait(f"systemctl is-active {UNIT}", 60)
    guest.running()
    guest.wait("ss -ltn | grep -q ':2500 '", 60)  # the sink may be slower
    guest.attempt("mailrootctl queue retry --all --yes", 60)  # it may have gone by itself
    guest.relayed("waited")
    guest.send("after the reboot")
    guest.relayed("after the reboot")
    require(guest.attempt("systemctl --failed --no-legend | grep .")[0], "a unit failed at boot")


def install_tree(payload):
    """This tree as /payload/tree.tar, built as doc/installing.md says."""
    build = SOURCE / "build/boot"
    quiet = {"check": True, "stdout": subprocess.DEVNULL}
    subprocess.run(["cmake", "-S", SOURCE, "-B", build, "-G", "Ninja", "-DBUILD_TESTING=OFF", "-DCMAKE_BUILD_TYPE=RelWithDebInfo",
                    "-DCMAKE_INSTALL_PREFIX=/usr", "-DCMAKE_INSTALL_SYSCONFDIR=/etc"], **quiet)
    subprocess.run(["cmake", "--build", build], **quiet)
    with tempfile.TemporaryDirectory() as stage:
        subprocess.run(["cmake", "--install", build, "--strip"], env=dict(os.environ, DESTDIR=stage), **quiet)
        subprocess.run(["tar", "-C", stage, "--owner=0", "--group=0", "-cf", payload / "tree.tar", *os.listdir(stage)], check=True)


def later_version(deb, to):
    """Makes DEB again, as of a later version."""
    with tempfile.TemporaryDirectory() as folder:
        tree = pathlib.Path(folder) / "tree"
        subprocess.run(["dpkg-deb", "-R", deb, tree], check=True)
        control = tree / "DEBIAN/control"
        text = control.read_text()
        version = re.search(r"^Version: (.*)", text, re.M).group(1)
        control.write_text(text.replace(version, version + ".1"))
        subprocess.run(["dpkg-deb", "-Znone", "-b", tree, to / deb.name], check=True, stdout=subprocess.DEVNULL)


def fill(payload, packages):
    payload.mkdir()
    shutil.copy(HERE / "agent.py", payload)
    if not packages:
        install_tree(payload)
        return
    debs = [deb for deb in pathlib.Path(packages).glob("*.deb") if "dbgsym" not in deb.name]
    if not debs:
        sys.exit(f"{packages} has no package")
    (payload / "next").mkdir()
    for deb in debs:
        shutil.copy(deb, payload)
        later_version(deb, payload / "next")


def play(guest, only):
    began = time.monotonic()
    for one in STEPS:
        if only and one.__name__ not in only:
            continue
        print(f"-- {one.__name__}: {one.__doc__}", flush=True)
        started = time.monotonic()
        try:
            one(guest)
            denied = guest.denied()
            require(not denied, f"AppArmor refused:\n{denied}")
        except Failed as failed:
            print(f"   FAILED after {time.monotonic() - started:.1f} s: {failed}")
            with contextlib.suppress(Failed, OSError):
                print("---- journal\n" + guest.attempt(f"journalctl --no-pager -n 60 -u {UNIT}; journalctl -k --no-pager -n 10")[1])
            return 1
        print(f"   ok {time.monotonic() - started:.1f} s", flush=True)
    print(f"all steps passed in {time.monotonic() - began:.0f} s ({guest.accelerator})")
    return 0


def missing():
    """Why there can be no machine; "" = nothing."""
    if os.geteuid():
        return "not root"
    if platform.machine() != "x86_64":
        return "the machine is no x86_64"
    return ", ".join(f"{name} is not installed" for name in ("qemu-system-x86_64", "debootstrap", "mke2fs") if not shutil.which(name))


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--packages")
    parser.add_argument("--suite", default="bookworm")
    parser.add_argument("--only", nargs="*")
    options = parser.parse_args()
    why = missing()
    if why:
        print(f"skipped: {why}")
        return SKIPPED
    made = subprocess.run([HERE / "image.sh", options.suite], check=True, stdout=subprocess.PIPE, text=True)
    with tempfile.TemporaryDirectory(prefix="mailroot-boot-", dir="/var/tmp") as folder:
        payload = pathlib.Path(folder) / "root"
        fill(payload, options.packages)
        print(f"-- the machine is Debian {options.suite}", flush=True)
        with Guest(pathlib.Path(folder), made.stdout.strip(), payload) as guest:
            return play(guest, options.only)


if __name__ == "__main__":
    sys.exit(main())
