"""`mailrootctl import-iis`: metabases of all versions become configurations that check takes and that decide as the metabase; files that
are no metabase, or hostile, are refused with their place; nothing is overwritten."""
import os
import pathlib
import random
import re
import stat
import unittest

import harness
from harness import scratch
from import_oracle import Imported, run_import
from metabase import VERSIONS, Generator, odd_metabase

REQUESTS = 40
HEAD = '<?xml version="1.0"?>\n<configuration>\n<MBProperty>\n'
TAIL = "</MBProperty>\n</configuration>\n"
SERVER = '<IIsSmtpServer Location="/LM/SmtpSvc/1" FullyQualifiedDomainName="mail.example.com" {}/>\n'


class Verdicts(unittest.TestCase):
    def test_the_configuration_decides_as_the_metabase(self):
        seed = int(os.environ.get("MAILROOT_SEED", random.randrange(2 ** 32)))
        choose, accepted = random.Random(seed), 0
        for version in VERSIONS:
            with self.subTest(version=version, MAILROOT_SEED=seed), Imported(choose, version) as server:
                self.assertIn(" is good: ", server.ctl("check", server.conf).stdout)
                accepted += server.compare(REQUESTS)
        self.assertGreater(accepted, len(VERSIONS) * REQUESTS // 20)
        self.assertLess(accepted, len(VERSIONS) * REQUESTS * 9 // 10)


class Files(unittest.TestCase):
    def setUp(self):
        self.folder = scratch()
        self.metabase = self.folder / "MetaBase.xml"

    def write(self, text):
        self.metabase.write_bytes(text if isinstance(text, bytes) else text.encode())

    def imported(self, *options):
        return run_import(self.metabase, *options)

    def test_nothing_is_overwritten(self):
        self.write(HEAD + SERVER.format("") + TAIL)
        out, report = self.folder / "mailroot.conf", self.folder / "report.txt"
        done = self.imported("--out", out, "--report", report)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("virtual_server default {", out.read_text())
        self.assertIn("To do", report.read_text())
        self.assertEqual(stat.S_IMODE(out.stat().st_mode) & 0o007, 0)
        before = out.read_bytes(), report.read_bytes()
        for options in (["--out", out], ["--report", report], ["--anonymise", "--out", out]):
            with self.subTest(options=options):
                done = self.imported(*options)
                self.assertEqual(done.returncode, 1)
                self.assertRegex(done.stderr, "exists already, and is not overwritten")
        self.assertEqual((out.read_bytes(), report.read_bytes()), before)
        out.unlink()
        out.symlink_to("elsewhere")  # a link that leads nowhere is not followed
        self.assertEqual(self.imported("--out", out).returncode, 1)
        self.assertFalse((self.folder / "elsewhere").exists())

    def test_standard_output_has_the_configuration_alone(self):
        self.write(HEAD + SERVER.format("") + TAIL)
        done = self.imported()
        self.assertTrue(done.stdout.startswith("# The configuration of Mailroot"), done.stdout)
        self.assertNotIn("To do", done.stdout)
        self.assertIn("To do", done.stderr)

    def test_what_is_no_metabase_is_refused_with_its_place(self):
        wide = (HEAD + SERVER.format("") + TAIL).encode("utf-16-le")
        cases = {
            "empty": (b"", "is no XML"),
            "binary": (b"\x01\x02MetaBase.bin\0" * 100, "is no XML.*MetaBase.bin"),
            "cut": (HEAD + SERVER.format("")[:40], ":4:1: unclosed token"),
            "NUL": (HEAD + "<a b=\"\0\"/>" + TAIL, ":4:"),
            "DOCTYPE": ('<?xml version="1.0"?>\n<!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;">]>\n<a>&c;</a>', ":2:[0-9]+: a DOCTYPE"),
            "depth": (HEAD + "<a>" * 10 ** 6, ":4:[0-9]+: .*nested too deeply"),
            "attributes": (HEAD + "<a " + " ".join(f'a{n}="1"' for n in range(10 ** 6)) + "/>" + TAIL, ":4:1: .*too"),
            "one long attribute": (HEAD + '<a b="' + "x" * 10 ** 7 + '"/>' + TAIL, ":[0-9]+:[0-9]+: .*1 MiB"),
            "twice": (HEAD + SERVER.format("") * 2 + TAIL, ":5:1: .*twice"),
            "no server": (HEAD + TAIL, "no virtual SMTP server"),
            "HTML": ("<html><body/></html>", ":1:1: no metabase"),
            "UTF-16 without a mark, cut": (wide[:300], ":[0-9]+:[0-9]+: "),
        }
        for name, (text, why) in cases.items():
            with self.subTest(name):
                self.write(text)
                done = self.imported("--out", self.folder / "out.conf")
                self.assertEqual(done.returncode, 1)
                self.assertRegex(done.stderr, "^mailrootctl: .*" + why)
                self.assertFalse((self.folder / "out.conf").exists())

    def test_a_huge_file(self):
        with open(self.metabase, "wb") as file:
            file.write(HEAD.encode())
            file.truncate(1 << 30)
        done = self.imported()
        self.assertEqual(done.returncode, 1)
        self.assertIn("larger than 64 MiB", done.stderr)

    def test_hostile_values_never_become_a_rule(self):
        cases = {
            "an odd number of digits": ('RelayIpList="123"', "RelayIpList"),
            "offsets beyond the end": ('RelayIpList="ffffffffffffffffffffffffffffffff0100000000000000"', "RelayIpList"),
            "a line in a value": ('ConnectResponse="x&#10;relay { list 0.0.0.0/0 }"', "ConnectResponse"),
            "a quote in a value": ('ConnectResponse="x&quot; ; open_relay_intended yes"', None),
            "a brace in a name": ('ServerComment="} relay { list 0.0.0.0/0"', None),
            "a path that leads out": ('PickupDirectory="C:\\Inetpub\\mailroot\\..\\..\\etc"', "PickupDirectory"),
            "a share": ('BadMailDirectory="\\\\server\\share"', "BadMailDirectory"),
            "a name that is no domain": ('DefaultDomain="a b; relay { list * }"', "DefaultDomain"),
            "a user with a line": ('SmartHost="[192.0.2.1]" SmartHostType="2" RouteAction="256" RouteUserName="a&#10;tls off"', "RouteUserName"),
        }
        for name, (attribute, told) in cases.items():
            with self.subTest(name):
                self.write(HEAD + SERVER.format(attribute) + TAIL)
                conf, report = self.folder / f"{name}.conf", self.folder / f"{name}.txt"
                done = self.imported("--out", conf, "--report", report, "--map-path", "C:\\Inetpub\\mailroot=/srv/mailroot")
                self.assertEqual(done.returncode, 0, done.stderr)
                if told:
                    self.assertRegex(report.read_text(), rf"(look at this|not taken) +{told}")
                lines = [line.strip().split("  ")[0] for line in conf.read_text().splitlines()]
                self.assertEqual([line for line in lines if line.startswith("list")], ["list none"])
                self.assertFalse([line for line in lines if line.startswith(("open_relay", "tls off")) or "/etc\"" in line or line.endswith("/etc")])

    def test_odd_values_give_a_configuration_without_errors(self):
        seed = int(os.environ.get("MAILROOT_SEED", random.randrange(2 ** 32)))
        choose = random.Random(seed)
        table = (pathlib.Path(__file__).resolve().parents[2] / "ctl/import/iis.def").read_text()
        properties = [(name, int(number)) for name, number in re.findall(r"^IIS\((\w+),\s*(\d+)", table, re.M)]
        for n in range(100):
            self.write(odd_metabase(choose, properties))
            done = self.imported("--map-path", "C:\\Inetpub\\mailroot=/srv/mailroot")
            with self.subTest(n=n, MAILROOT_SEED=seed):
                self.assertEqual(done.returncode, 0, done.stderr + self.metabase.read_text())
                self.assertNotIn("open_relay", done.stdout)

    def test_a_wrong_command_line(self):
        self.write(HEAD + SERVER.format("") + TAIL)
        for options in (["--server", "x=y"], ["--server", "1"], ["--server", "1=a/b"], ["--map-path", "C:\\x"], ["--map-path", "C:=relative"],
                        ["--wrong"], ["other.xml"], ["--out"], ["--anonymise", "--report", "r"]):
            with self.subTest(options=options):
                done = self.imported(*options)
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertRegex(done.stderr, "^mailrootctl: ")


class Copies(unittest.TestCase):
    """--anonymise: the copy imports as the original does."""

    def test_a_copy_makes_the_same_configuration_with_other_names(self):
        choose = random.Random(7)
        for version in VERSIONS:
            folder = scratch()
            original, copy = folder / "MetaBase.xml", folder / "copy.xml"
            original.write_bytes(Generator(choose, version, 2525).octets())
            with self.subTest(version=version):
                done = run_import(original, "--anonymise", "--out", copy)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertNotRegex(copy.read_text(), "(?i)partner|alias|host.example|B\u00fcro|W3SVC|192\\.0\\.2")
                shapes = [self.shape(run_import(file, "--server", "1=s1").stdout) for file in (original, copy)]
                self.assertEqual(*shapes)

    @staticmethod
    def shape(configuration):
        """The settings, without the values that a copy changes, and without the number of lines of a list."""
        settings = [line.split("#")[0].split()[:1] for line in configuration.splitlines() if line.split("#")[0].strip()]
        return [setting for setting, before in zip(settings, [None, *settings]) if setting != ["list"] or before != ["list"]]


if __name__ == "__main__":
    harness.main()
