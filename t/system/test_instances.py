"""mailrootd@NAME.service: more than one Mailroot on a machine, with the lines of the unit, and what the package does with them."""
import os
import pathlib
import re
import shutil
import subprocess
import unittest

import harness
from harness import Mailroot, wait_for

SOURCE = harness.TOOLS.parents[2]
OURS = {"RequiresMountsFor=/srv/mailroot/%i", "AssertPathIsMountPoint=/srv/mailroot/%i", "RuntimeDirectory=mailroot-%i",
        "Description=Mailroot SMTP service, spool %i"}


def unit(name):
    return harness.BUILD / "etc" / name


def settings(name):
    return {line for line in unit(name).read_text().splitlines() if line and not line.startswith("#")}


def command(key):
    """The words of a line of the template."""
    return re.search(rf"(?m)^{key}=(.*)", unit("mailrootd@.service").read_text())[1].split()


class Instance(Mailroot):
    """An instance with etc/ha/a.conf, but for the folders and the address; clients connect to it without a load balancer."""

    def __init__(self, name, hop=9):
        self.instance, self.hop = name, hop
        super().__init__(server_name="relay")

    def write_conf(self, *_):
        text = (SOURCE / "etc/ha/a.conf").read_text()
        for real, here in (("/srv/mailroot/a", "spool"), ("/run/mailroot-a", "run"), ("/var/log/mailroot-a", "logs"), ("/var/lib/mailroot-a", "state")):
            assert real in text
            text = text.replace(real, str(self.folder / here))
        self.conf = self.folder / f"{self.instance}.conf"
        (self.folder / "common.conf").write_text(f"default_domain example.com\nfree_space_floor 1M\nrelay {{ list 127.0.0.1 }}\nsmart_host [127.0.0.1]:{self.hop}\n")
        self.conf.write_text(f"{self.users}\n" + text.replace("10.0.0.11:25 proxy", f"127.0.0.1:{self.port}"))

    def words(self, key):
        """The command of the unit, with the folders of this test."""
        folder = re.search(r"(\S*)/%i\.conf", " ".join(command(key)))[1]
        program, *rest = [word.replace(folder, str(self.folder)).replace("%i", self.instance) for word in command(key)]
        return [str(harness.BUILD / pathlib.Path(program).name), *rest]


class Template(unittest.TestCase):
    def test_differs_in_what_an_instance_has(self):
        main, template = settings("mailrootd.service"), settings("mailrootd@.service")
        commands = {line for line in template - main if line.startswith("Exec")}
        self.assertEqual(template - main - commands, OURS)
        self.assertEqual({line.split("=")[0] for line in main - template}, {"Description", "ExecStart", "ExecReload", "RuntimeDirectory"})
        self.assertEqual(len(commands), 2)
        for line in commands:
            self.assertRegex(line, r" -c /\S*/mailroot/%i\.conf\b")

    @unittest.skipUnless(shutil.which("systemd-analyze"), "needs systemd")
    def test_systemd_understands_it(self):
        folder = harness.scratch()
        for name in ("mailrootd.service", "mailrootd@.service"):
            text = re.sub(r"(?m)^(Exec\w+=)\S*/", rf"\1{harness.BUILD}/", unit(name).read_text())
            (folder / name).write_text(text)
        for name in ("mailrootd.service", "mailrootd@a.service"):
            done = subprocess.run(["systemd-analyze", "--man=no", "verify", folder / name], capture_output=True, text=True)
            self.assertEqual((done.returncode, [line for line in done.stderr.splitlines() if "mailroot" in line]), (0, []), name)


class Beside(unittest.TestCase):
    """Instances whose virtual servers have one name, beside the main service."""

    def test_they_do_not_meet(self):
        main, a, b = Mailroot(), Instance("a"), Instance("b")
        services = (main, a, b)
        try:
            for one in services:
                one.start()
            for one in (a, b):
                self.assertEqual(one.process.args, one.words("ExecStart"))
                self.assertEqual(one.words("ExecReload"), [str(harness.BUILD / "mailrootctl"), "-c", str(one.conf), "reload"])
                subprocess.run(one.words("ExecReload"), check=True, stdout=subprocess.DEVNULL, timeout=60)
            for one in services:
                one.send(["bob@far.example" if one is not main else "ann@example.com"])
            for one in (a, b):
                wait_for(lambda: len(one.ctl_json("queue", "list")["messages"]) == 1, f"the message in {one.instance}")
            main.dropped(1)
            before = b.pids()["queue"]
            a.ctl("upgrade")
            self.assertEqual(b.pids()["queue"], before)
            main.stop()
            shutil.rmtree(main.folder / "run")  # as systemd does with RuntimeDirectory
            for one in (a, b):
                one.send(["bob@far.example"])
                wait_for(lambda: len(one.ctl_json("queue", "list")["messages"]) == 2, f"both messages in {one.instance}")
        finally:
            for one in services:
                one.__exit__(None, None, None)


@unittest.skipIf(os.geteuid(), "needs root")
class Package(unittest.TestCase):
    """The scripts of the Debian package, with stand-ins for what they call."""

    def setUp(self):
        self.folder = harness.scratch()
        for path in ("bin", "etc", "run/systemd/system", "run/mailroot-a", "run/mailroot-b"):
            (self.folder / path).mkdir(parents=True)
        for name in ("mailroot", "a", "b", "common"):
            (self.folder / f"etc/{name}.conf").touch()

    def stand_in(self, name, script=""):
        path = self.folder / "bin" / name
        path.write_text(f'#!/bin/sh\necho "{name} $*" >>{self.folder}/calls\n{script}\n')
        path.chmod(0o755)

    def run_script(self, name, *arguments, also=""):
        """The commands that the script has given."""
        mounts = f"mkdir -p /etc/mailroot && mount --bind {self.folder}/etc /etc/mailroot && mount --bind {self.folder}/run /run && {also or ':'}"
        made = not os.path.exists("/etc/mailroot")
        try:
            done = subprocess.run(["unshare", "--mount", "sh", "-c", f'{mounts} && PATH={self.folder}/bin:$PATH exec sh "$@"', "sh",
                                   SOURCE / f"debian/mailroot.{name}", *arguments], capture_output=True, text=True, timeout=60)
        finally:
            if made:
                os.rmdir("/etc/mailroot")
        self.assertEqual(done.returncode, 0, done.stderr)
        calls = self.folder / "calls"
        return calls.read_text().splitlines() if calls.exists() else [], done.stderr

    def test_upgrade_reaches_all(self):
        self.stand_in("mailrootctl")
        self.assertEqual(self.run_script("postinst", "configure", "1.0")[0],
                         [f"mailrootctl -c /etc/mailroot/{name}.conf upgrade" for name in ("mailroot", "a", "b")])

    def test_restart_of_one(self):
        """The new programs can't take over in a; the configuration of b has an error for them; mailrootd.service does not run."""
        self.stand_in("mailrootctl", 'case "$2 $3" in *mailroot.conf*) exit 3;; */a.conf\\ upgrade|*/b.conf\\ *) exit 1;; esac')
        self.stand_in("deb-systemd-invoke")
        calls, said = self.run_script("postinst", "configure", "1.0")
        self.assertEqual([line for line in calls if not line.startswith("mailrootctl")], ["deb-systemd-invoke try-restart mailrootd@a.service"])
        self.assertIn("correct what `mailrootctl -c /etc/mailroot/b.conf check` shows", said)

    def test_installation_starts_nothing(self):
        self.stand_in("mailrootctl")
        self.assertEqual(self.run_script("postinst", "configure", "")[0], [])

    def test_remove_stops_all(self):
        self.stand_in("deb-systemd-invoke")
        calls, _ = self.run_script("prerm", "remove")
        self.assertEqual(len(calls), 1)
        self.assertIn(" mailrootd@*.service ", calls[0])


if __name__ == "__main__":
    harness.main()
