"""cmake --install, as by a packager and an administrator: the places of files, and that an edited configuration stays."""
import fnmatch
import os
import pathlib
import re
import subprocess
import unittest

import harness

SOURCE = pathlib.Path(__file__).resolve().parents[2]
EXAMPLE = SOURCE / "etc/mailroot.conf"


def installed():
    """MAILROOT_* -> the value that the programs were built with."""
    return dict(re.findall(r'#define (MAILROOT_\w+) "(.*?)"', (harness.BUILD / "common/base/installed.h").read_text()))


class Install(unittest.TestCase):
    def setUp(self):
        self.stage = harness.scratch() / "stage"
        self.conf = self.staged("MAILROOT_SYSCONFDIR", "mailroot.conf")

    def staged(self, folder, name):
        return pathlib.Path(f"{self.stage}{installed()[folder]}") / name

    def install(self):
        done = subprocess.run(["cmake", "--install", str(harness.BUILD)], env=dict(os.environ, DESTDIR=str(self.stage)),
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_destdir_precedes_every_file_once(self):
        self.install()
        children = [("MAILROOT_LIBEXECDIR", path.name) for path in harness.BUILD.glob("mailroot-*")]
        for folder, name in (("MAILROOT_SYSCONFDIR", "mailroot.conf"), ("MAILROOT_SBINDIR", "mailrootd"), ("MAILROOT_SBINDIR", "mailrootctl"),
                             *children, ("MAILROOT_LIBEXECDIR", "sendmail")):
            self.assertTrue(self.staged(folder, name).is_file(), self.staged(folder, name))
        for name in ("mailrootd.service", "mailrootd@.service", "mailrootd.8", "mailroot.conf.5"):
            self.assertEqual(len(list(self.stage.rglob(name))), 1, name)
        self.assertFalse(pathlib.Path(f"{self.stage}{self.stage}").exists(), "DESTDIR stands twice")

    def test_edited_configuration_stays(self):
        self.install()
        self.conf.write_text("# edited\n")
        self.install()
        self.assertEqual(self.conf.read_text(), "# edited\n")

    def test_shipped_configuration_is_the_example(self):
        self.install()
        self.assertEqual(self.conf.read_bytes(), EXAMPLE.read_bytes())

    def test_every_file_is_in_a_debian_package(self):
        """As dh_install and dh_missing demand, which come late."""
        self.install()
        prefix = str(pathlib.Path(installed()["MAILROOT_SBINDIR"]).parent)
        etc = str(pathlib.Path(installed()["MAILROOT_SYSCONFDIR"]).parent)
        staged = {str(path.relative_to(self.stage)).replace(etc[1:] + "/", "etc/", 1).replace(prefix[1:] + "/", "usr/", 1)
                  for path in self.stage.rglob("*") if path.is_file()}
        left = set(staged)
        for file in [*(SOURCE / "debian").glob("*.install"), SOURCE / "debian/not-installed"]:
            patterns = [line.split()[0] for line in file.read_text().splitlines() if not line.startswith("#")]
            for pattern in patterns:
                meant = {name for name in staged if fnmatch.fnmatch(name, pattern) or name.startswith(pattern + "/")}
                self.assertTrue(meant or (SOURCE / pattern).exists(), f"{file.name}: {pattern} is not installed")
                left -= meant
        self.assertEqual(left, set(), "in no package, and not in debian/not-installed")


if __name__ == "__main__":
    harness.main()
