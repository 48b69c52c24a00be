"""A spool on a file system of a network is refused. Here it is a FUSE file system (bindfs), which only the processes of a test see."""
import os
import subprocess
import unittest

import harness
from harness import Mailroot

REFUSED = "is on FUSE, where locks, names and fsync promise less than the spool relies on"


class NetworkSpool(unittest.TestCase):
    def setUp(self):
        if os.geteuid() or not os.access("/dev/fuse", os.W_OK):
            self.skipTest("this machine permits no FUSE file system")

    def mounted(self, server, folder):
        """A command line's beginning: FOLDER is on FUSE for what follows."""
        real = server.folder / "real"
        for path in (real, folder):
            path.mkdir(mode=0o755, exist_ok=True)
        return ("unshare", "--mount", "sh", "-c", f'{" ".join(harness.tool("bindfs"))} {real} {folder} && exec "$@"', "sh")

    def check(self, server, prefix):
        return subprocess.run([*prefix, harness.BUILD / "mailrootctl", "-c", server.conf, "check"], capture_output=True, text=True, timeout=60)

    def test_spool(self):
        server = Mailroot()
        self.addCleanup(server.__exit__, None, None, None)
        (server.folder / "spool").mkdir(mode=0o755)
        prefix = self.mounted(server, server.folder / "spool")
        done = self.check(server, prefix)
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn(f"the spool {server.folder}/spool {REFUSED}", done.stdout + done.stderr)
        server.start(wait=False, prefix=prefix)
        harness.wait_for(lambda: "it " + REFUSED in server.log(), "the reason in the log")
        self.assertIn("or set spool_on_network yes", server.log())
        self.assertEqual(list((server.folder / "real").iterdir()), [])
        server.stop()
        server.write_conf(global_conf="spool_on_network yes")
        done = self.check(server, prefix)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        server.start(prefix=prefix)
        server.send(["ann@example.com"])
        harness.wait_for(lambda: list((server.folder / "real/test/drop").glob("*.eml")), "the message")

    def test_folder_of_one_server(self):
        """The spool is on a local disk; another file system is mounted on the folder of a server in it."""
        server = Mailroot()
        self.addCleanup(server.__exit__, None, None, None)
        folder = server.folder / "spool/test"
        folder.parent.mkdir(mode=0o755)
        prefix = self.mounted(server, folder)
        done = self.check(server, prefix)
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertEqual((done.stdout + done.stderr).count(REFUSED), 1)
        self.assertIn(f"the spool {folder} {REFUSED}", done.stdout + done.stderr)
        server.start(wait=False, prefix=prefix)
        harness.wait_for(lambda: f"folder {folder}: it {REFUSED}" in server.log(), "the reason in the log")
        self.assertEqual((list((server.folder / "real").iterdir()), (server.folder / "real").stat().st_uid), ([], 0))
        server.stop()
        server.write_conf(global_conf="spool_on_network yes")
        self.assertEqual(self.check(server, prefix).returncode, 0)
        server.start(prefix=prefix)
        server.send(["ann@example.com"])
        harness.wait_for(lambda: list((server.folder / "real/drop").glob("*.eml")), "the message")

    def test_drop_folder_may_be_there(self):
        server = Mailroot()
        self.addCleanup(server.__exit__, None, None, None)
        drop = server.folder / "far"
        server.write_conf(f"local_domain far.test {{ drop_dir {drop} }}")
        prefix = self.mounted(server, drop)
        (server.folder / "real").chmod(0o777)
        self.assertNotIn("FUSE", self.check(server, prefix).stdout)
        server.start(prefix=prefix)
        server.send(["bob@far.test"])
        harness.wait_for(lambda: list((server.folder / "real").glob("*.eml")), "the file of the message")


if __name__ == "__main__":
    harness.main()
