"""Several versions of the programs: copies of the built ones that differ in their number, and a link to the installed ones."""
import os
import pathlib
import shutil
import subprocess

import harness

PROGRAMS = ("mailrootd", "mailrootctl", "mailroot-smtpd", "mailroot-pickup", "mailroot-queue", "mailroot-log", "mailroot-delivery",
            "mailroot-local", "mailroot-resolver", "mailroot-web", "mailroot-kerberos", "mailroot-filters")


class Versions:
    """FOLDER/installed is a link to one of FOLDER/VERSION. A package manager replaces programs; the link does the same at once."""

    def __init__(self, folder):
        self.folder, self.installed = pathlib.Path(folder) / "programs", pathlib.Path(folder) / "programs" / "installed"
        self.built = subprocess.run([harness.BUILD / "mailrootd", "-V"], capture_output=True, text=True, check=True).stdout.split()[1]

    def number(self, n):
        """The N-th version from that of the build on; as long as that, because it takes its place in the programs."""
        head, last = self.built.rsplit(".", 1)
        found = f"{head}.{(int(last) + n) % 10 ** len(last):0{len(last)}d}"
        assert n == 0 or found != self.built
        return found

    def make(self, n, without=()):
        """The folder of the N-th version, without some programs."""
        version = self.number(n)
        place = self.folder / f"{version}{'-'.join(['', *without])}"
        if not place.exists():
            place.mkdir(parents=True)
            for name in set(PROGRAMS) - set(without):
                built = (harness.BUILD / name).read_bytes()
                (place / name).write_bytes(built.replace(self.built.encode(), version.encode()))
                shutil.copymode(harness.BUILD / name, place / name)
        return place

    def install(self, n, without=()):
        """Makes the N-th version the installed one, without some programs. The version."""
        place, fresh = self.make(n, without), self.folder / "fresh"
        fresh.symlink_to(place)
        os.replace(fresh, self.installed)
        return self.number(n)


def upgradable(server):
    """SERVER, a Mailroot that has not started, with its own programs; it is of version 0 then."""
    server.versions = Versions(server.folder)
    server.programs = server.versions.installed
    server.versions.install(0)
    return server
