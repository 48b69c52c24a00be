"""`mailrootctl dkim`: from no key to a signature that verifies, the change to a new key, and records in DNS that are wrong or hostile."""
import json
import os
import pathlib
import re
import shutil
import subprocess
import threading
import unittest

import dkim_verifier
import doctor
import harness
import japanese
from dnstree import Tree, Zone

ADDRESS = "20.30.40.50"
ZONES = {"a.test.": Zone(f"""
    @ TXT "v=spf1 ip4:{ADDRESS} -all"
    _dmarc TXT "v=DMARC1; p=reject; adkim=s; rua=mailto:postmaster@a.test"
    mail A {ADDRESS}
    loop1._domainkey CNAME loop2._domainkey
    loop2._domainkey CNAME loop1._domainkey
    """, signed=False)}
TREE = None


def setUpModule():
    global TREE
    TREE = Tree(ZONES).__enter__()


def tearDownModule():
    TREE.__exit__()


class Dkim(unittest.TestCase):
    def setUp(self):
        self.folder = harness.scratch()
        self.file = self.folder / "mailroot.conf"
        self.conf()
        self.addCleanup(TREE.faults.clear)

    def conf(self, more=""):
        self.file.write_text(f"mailroot_dir {self.folder}/spool\n{TREE.settings('no')}\n"
                             f"virtual_server test {{\nfqdn mail.a.test\ndefault_domain a.test\noutbound {{ source_address {ADDRESS} }}\n{more}\n}}\n")

    def dkim(self, *words, code=0, prefix=(), **more):
        done = subprocess.run([*prefix, str(harness.BUILD / "mailrootctl"), "-c", str(self.file), "dkim", *map(str, words)],
                              capture_output=True, text=True, timeout=90, check=False, **more)
        if code is not None:
            self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        self.assertNotRegex(done.stdout + done.stderr, r"[\x00-\x08\x0e-\x1f\x7f]")
        return done.stdout + done.stderr

    def refused(self, *words, code=1, says, **more):
        said = self.dkim(*words, code=code, **more)
        for text in [says] if isinstance(says, str) else says:
            self.assertIn(text, said)

    def keygen(self, selector="m1", *more):
        """(file, record)"""
        said = self.dkim("keygen", "a.test", "--selector", selector, *more)
        return self.folder / "dkim" / f"{selector}._domainkey.a.test.pem", re.search(r"^v=DKIM1; .*$", said, re.M)[0]

    @staticmethod
    def publish(selector, *records):
        TREE.faults[(f"{selector}._domainkey.a.test", "TXT")] = [r if isinstance(r, bytes) else doctor.txt(r) for r in records]

    def block(self, *selectors):
        self.conf("dkim a.test {\n" + "".join(f"    selector {s} {self.folder}/dkim/{s}._domainkey.a.test.pem  # {s}\n" for s in selectors) + "}")

    def state(self, selector="m1", code=1):
        """What check says of the key, and the findings on it."""
        said = json.loads(self.dkim("check", "a.test", "--json", code=code))
        key = next(k for d in said["domains"] for k in d["keys"] if k["selector"] == selector)
        return key, [f for f in said["findings"] if f["where"].startswith(selector + ".")]


def signed_by(message, **records):
    """The selectors whose signatures in MESSAGE are right. RECORDS: selector = record."""
    try:
        return [tags["s"] for tags in dkim_verifier.verify(message, {f"{name}._domainkey.a.test": text for name, text in records.items()})]
    except AssertionError:
        return []


class FromNothing(Dkim):
    def test_key_check_block_signature(self):
        said = self.dkim("check", "a.test")
        self.assertIn("begin with `mailrootctl dkim keygen a.test`", said)
        said = self.dkim("keygen", "a.test")
        file = next((self.folder / "dkim").iterdir())
        self.assertRegex(file.name, r"^m\d{4}a\._domainkey\.a\.test\.pem$")
        self.assertEqual(file.stat().st_mode & 0o777, 0o600)
        selector = file.name.split(".")[0]
        strings = re.findall(r'^    "(.*)"', said, re.M)
        record = re.search(r"^v=DKIM1; .*$", said, re.M)[0]
        self.assertEqual("".join(strings), record)
        self.assertTrue(all(len(s) <= 255 for s in strings) and len(strings) == 2)
        self.assertIn(f"key    {selector}._domainkey.a.test: not published (RSA, 2048 bits), not in use", self.dkim("check", "a.test"))
        self.publish(selector, record)
        self.assertIn(f"key    {selector}._domainkey.a.test: published (RSA, 2048 bits), not in use", self.dkim("check", "a.test"))
        self.conf(re.search(r"^    dkim a\.test \{.*?^    \}", said, re.M | re.S)[0])
        said = self.dkim("check")
        for text in (f"published (RSA, 2048 bits), in use from {file}", "to the mail exchangers of other domains: signed", f"SPF    pass for this machine ({ADDRESS})",
                     "DKIM   signed as a.test, aligned with From", "DMARC  p=reject aspf=r adkim=s", "passes DMARC by SPF and by DKIM"):
            self.assertIn(text, said)
        message = self.folder / "m.eml"
        message.write_bytes(b"From: A <x@a.test>\nSubject:  a   folded\n\tone\nTo: b@b.test\n\n text \t with  blanks \r\n\n\n")
        signed = subprocess.run([harness.BUILD / "mailrootctl", "-c", self.file, "dkim", "sign", message], capture_output=True, check=True).stdout
        self.assertEqual(signed_by(signed, **{selector: record}), [selector])
        self.assertEqual(signed_by(signed.replace(b"with", b"without"), **{selector: record}), [])
        self.assertEqual(signed_by(signed.replace(b"b@b.test", b"c@b.test"), **{selector: record}), [])
        self.assertNotRegex(signed, rb"[^\r]\n")

    def test_two_signatures(self):
        records = {"m1": self.keygen("m1")[1], "m2": self.keygen("m2", "--type", "ed25519")[1]}
        self.block("m1", "m2")
        signed = subprocess.run([harness.BUILD / "mailrootctl", "-c", self.file, "dkim", "sign", "-"], capture_output=True, check=True,
                                input=b"From: x@a.test\nSubject: two\n\ntext\n").stdout
        self.assertEqual(signed_by(signed, **records), ["m1", "m2"])
        self.assertEqual(signed_by(signed, m1=records["m1"], m2=self.keygen("m3", "--type", "ed25519")[1]), [])

    def test_text_as_it_is_sent(self):
        """Line ends become CRLF, long lines are folded as delivery does it, dots in front of lines stay."""
        _, record = self.keygen()
        self.block("m1")
        def sign(text):
            return subprocess.run([harness.BUILD / "mailrootctl", "-c", self.file, "dkim", "sign", "-"], capture_output=True, check=True, input=text).stdout
        long = b"x" * 2500
        signed = sign(b"From: x@a.test\n\n.\n..\na\rb\n" + long + b"\nlast")
        body = signed.split(b"\r\n\r\n", 1)[1]
        self.assertTrue(body.startswith(b".\r\n..\r\na\r\nb\r\n" + long[:998] + b"\r\n x"), body[:60])
        self.assertTrue(body.endswith(b"x\r\nlast\r\n"))
        self.assertTrue(signed_by(signed, m1=record))
        self.file.write_text(self.file.read_text().replace("outbound {", "outbound { fold_lines no;"))
        signed = sign(b"From: x@a.test\r\n\r\n" + long)
        self.assertTrue(signed.endswith(b"\r\n\r\n" + long + b"\r\n") and signed_by(signed, m1=record))
        signed = sign(b"From: x@a.test\n\n")
        self.assertTrue(signed.endswith(b"From: x@a.test\r\n\r\n") and signed_by(signed, m1=record))

    def test_a_key_is_never_overwritten(self):
        file, record = self.keygen()
        before = file.read_bytes()
        said = self.dkim("keygen", "a.test", "--selector", "M1")
        self.assertIn("exists already and stays as it is (RSA, 2048 bits)", said)
        self.assertIn(record, said)
        self.refused("keygen", "a.test", "--selector", "m1", "--type", "rsa4096", says="exists already, and a key is never overwritten")
        file.write_bytes(b"not a key\n")
        self.refused("keygen", "a.test", "--selector", "m1", says="exists already, and is not overwritten; but it is no key that can be used")
        self.assertEqual(file.read_bytes(), b"not a key\n")
        file.unlink()
        file.symlink_to(self.folder / "elsewhere")
        self.refused("keygen", "a.test", "--selector", "m1", says="exists already, and is not overwritten")
        self.assertFalse((self.folder / "elsewhere").exists())
        self.assertNotEqual(before, b"")

    @unittest.skipIf(os.geteuid(), "only root can give a file away")
    def test_key_of_a_service_without_root(self):
        """Root may work with a key of the service's user, and with nobody else's."""
        file, record = self.keygen()
        self.file.write_text("user games\n" + self.file.read_text())
        self.publish("m1", record)
        for user, says in (("games", "published (RSA, 2048 bits), not in use"), ("nobody", "belongs to the wrong user")):
            shutil.chown(file, user)
            self.assertIn(says, self.dkim("check", "a.test"))

    def test_types(self):
        for word, says in (("rsa2048", "RSA, 2048 bits"), ("rsa4096", "RSA, 4096 bits"), ("ed25519", "Ed25519")):
            self.assertIn(f"({says})", self.dkim("keygen", "a.test", "--selector", word, "--type", word))


class NewUser(Dkim):
    """Each mistake has a message that says where it is and what to do."""

    def test_command_line(self):
        for words, says in ((["keygen"], "too few arguments"), (["keygen", "a.test", "b.test"], "too many arguments"), (["keygen", "a test"], "a test is no domain"),
                            (["keygen", "a.test", "--type", "dsa"], "not rsa2048, rsa4096 or ed25519"), (["keygen", "a.test", "--selector", "a/b"], "such as m2026a"),
                            (["check", "--server", "other"], "no virtual server other"), (["rotate"], "too few arguments"), (["sign"], "too few arguments"),
                            (["sign", "x", "--json"], "has no option --json"), (["show"], "no such command"), ([], "usage: mailrootctl")):
            with self.subTest(words=words):
                self.refused(*words, code=2, says=says)
        for word in ("keygen", "check", "rotate", "sign"):
            self.assertIn(f"usage: mailrootctl [-c FILE] dkim {word} ", self.dkim(word, "--help"))

    def test_configuration(self):
        self.file.write_text("virtual_server test {\nfqdn mail.a.test\nnonsense\n}\n")
        self.refused("keygen", "a.test", says=["mailroot.conf:3", "nothing was done"])
        self.assertFalse((self.folder / "dkim").exists())
        self.file = self.folder / "none.conf"
        self.refused("check", "a.test", says=["No such file", "name another file with -c FILE"])

    def test_more_domains_than_are_checked(self):
        self.conf("\n".join(f"local_domain d{i}.test" for i in range(31)))
        self.assertEqual(json.loads(self.dkim("check", "--json", code=None))["findings"][-1]["where"], "d30.test")
        self.conf("\n".join(f"local_domain d{i}.test" for i in range(32)))
        self.assertIn("not all domains were checked", self.dkim("check", code=None))
        said = json.loads(self.dkim("check", "--json", code=None))
        self.assertEqual(len(said["domains"]), 32)
        self.assertIn("not all domains were checked", said["findings"][-1]["what"])

    def test_no_block(self):
        self.refused("rotate", "a.test", says="has no block dkim a.test, so there is no key to follow: begin with `mailrootctl dkim keygen a.test`")
        self.refused("sign", "-", input="From: x@a.test\n\ntext\n", says="no block dkim has a.test, the domain in From; `mailrootctl dkim keygen a.test` begins")

    def test_messages_that_can_not_be_signed(self):
        self.keygen()
        self.block("m1")
        for text, why in (("From: x@a.test\nFrom: y@a.test\n\n", "more than one field From"), ("Subject: x\n\n", "no field From"), ("", "no field From"),
                          ("From: x@a.test, y@a.test\n\n", "address"), ("From: nobody\n\n", "address")):
            with self.subTest(text=text):
                self.refused("sign", "-", input=text, says=["- can't be signed: ", why])
        self.refused("sign", self.folder / "none.eml", says="none.eml: No such file or directory")
        self.refused("sign", self.folder, says="Is a directory")

    def test_key_files(self):
        file, record = self.keygen()
        self.block("m1")
        self.publish("m1", record)
        weak = subprocess.run(["openssl", "genrsa", "512"], capture_output=True, text=True, check=False).stdout
        curve = subprocess.run(["openssl", "ecparam", "-genkey", "-name", "prime256v1"], capture_output=True, text=True, check=True).stdout
        good = file.read_text()
        for text, mode in ((None, 0), ("", 0o600), ("garbage\n", 0o600), (curve, 0o600), (good, 0o644), *([(weak, 0o600)] if weak else [])):
            file.unlink(missing_ok=True)
            if text is not None:
                file.write_text(text)
                file.chmod(mode)
            with self.subTest(text=text, mode=mode):
                self.refused("sign", "-", input="From: x@a.test\n\ntext\n", says=[f"{self.file}:", f"the key {file} can't be used: "])
                self.refused("rotate", "a.test", says=[f"{self.file}:", f"the key {file} can't be read"])
                self.assertIn(f"the file {file} was not compared", self.dkim("check", "a.test"))

    @unittest.skipIf(os.geteuid(), "only root can become another user")
    def test_without_root(self):
        self.folder.chmod(0o755)
        self.refused("keygen", "a.test", prefix=("setpriv", "--reuid", "nobody", "--clear-groups"), says=["can't write", "run the command as root"])
        self.file.chmod(0o600)
        self.refused("check", "a.test", prefix=("setpriv", "--reuid", "nobody", "--clear-groups"), says=["Permission denied", "run the command as root"])
        self.file.chmod(0o644)
        self.keygen()
        self.block("m1")
        self.refused("check", "a.test", prefix=("setpriv", "--reuid", "nobody", "--clear-groups"), says=["was not compared with DNS", "run the command as root"])


class Japanese(Dkim):
    def test_all_is_in_japanese(self):
        """Each line that is words in English; JSON, records and lines of the configuration are the same."""
        _, record = self.keygen("m1")
        self.keygen("m2", "--type", "ed25519")
        bad = self.folder / "dkim" / "m4._domainkey.a.test.pem"
        bad.write_text("")
        self.block("m1", "m2", "m4")
        self.publish("m1", record)
        for words, code in ((["keygen", "a.test", "--selector", "m1"], 0), (["keygen", "b.test", "--selector", "m1", "--type", "dsa"], 2), (["check"], 1),
                            (["rotate", "a.test"], 1), (["sign", "-"], 1), (["show"], 2)):
            with self.subTest(words=words):
                said = {language: self.dkim(*words, code=code, input="From: x@a.test\nFrom: y@a.test\n\n",
                                            env={"LANG": language, "LOCPATH": str(japanese.locales()), "PATH": os.environ["PATH"]}).splitlines()
                        for language in ("ja_JP.UTF-8", "C")}
                self.assertEqual(len(said["ja_JP.UTF-8"]), len(said["C"]))
                for line, english in zip(said["ja_JP.UTF-8"], said["C"]):
                    words_in = re.search(r"[a-z]+ [a-z]+ [a-z]+", english) and not english.startswith("usage")
                    self.assertTrue(english.isascii() and not (words_in and line.isascii()), line)
        self.assertTrue(self.dkim("check", "--json", code=1, env={"LANG": "ja_JP.UTF-8", "LOCPATH": str(japanese.locales()), "PATH": os.environ["PATH"]}).isascii())


class Rotation(Dkim):
    def setUp(self):
        super().setUp()
        self.old, record = self.keygen()
        self.publish("m1", record)
        self.block("m1")
        self.file.chmod(0o640)

    def begin(self):
        said = self.dkim("rotate", "a.test")
        file = pathlib.Path(re.search(r"which takes the place of m1, is in (\S+) ", said)[1])
        return file, file.name.split(".")[0], re.search(r"^v=DKIM1; .*$", said, re.M)[0]

    def test_whole_rotation(self):
        before = self.file.read_text()
        self.refused("rotate", "a.test", "--finish", says="there is no new key for a.test yet")
        file, selector, record = self.begin()
        self.assertEqual(file.stat().st_mode & 0o777, 0o600)
        self.refused("rotate", "a.test", says=[f"{selector}._domainkey.a.test: not published", "nothing was changed"])
        self.publish(selector, doctor.DKIM)
        self.refused("rotate", "a.test", "--finish", says="published, but another key")
        self.assertEqual(self.file.read_text(), before)
        self.assertIn("not in use", self.dkim("check", "a.test"))
        for records in ([record.replace("p=", "s=tlsrpt; p=")], [record.replace("p=", "h=sha1; p=")], [doctor.DKIM, record]):
            with self.subTest(records=records):
                self.publish(selector, *records)
                self.refused("rotate", "a.test", says=["published, but unusable", "nothing was changed"])
                self.assertEqual(self.file.read_text(), before)
        self.publish(selector, record)
        said = self.dkim("rotate", "a.test")
        self.assertIn(f"selector {selector} has taken the place of m1", said)
        self.assertIn("Keep the record m1._domainkey.a.test published for 7 more days", said)
        self.assertEqual(self.file.read_text(), before.replace(f"selector m1 {self.old} ", f"selector {selector} {file} "))
        self.assertEqual(self.file.stat().st_mode & 0o777, 0o640)
        self.assertTrue(self.old.exists())
        self.assertIn("passes DMARC by SPF and by DKIM", self.dkim("check", "a.test"))
        self.refused("rotate", "a.test", "--finish", says="there is no new key for a.test yet")

    def test_lines_that_are_not_plain(self):
        file, selector, record = self.begin()
        self.publish(selector, record)
        line = f"selector {selector} {file}"
        self.conf(f"dkim a.test {{ selector m1 {self.old} }}")
        before = self.file.read_text()
        self.refused("rotate", "a.test", says=[f"{self.file}:9 can't be changed", line])
        self.block("m1")
        real = self.folder / "real.conf"
        self.file.rename(real)
        self.file.symlink_to(real)
        self.refused("rotate", "a.test", says=["can't be changed: it is a symbolic link", line])
        self.assertIn("selector m1 ", real.read_text())
        self.assertNotEqual(before, "")

    def test_line_of_an_included_file(self):
        file, selector, record = self.begin()
        self.publish(selector, record)
        part = self.folder / "dkim.conf"
        part.write_text(f"dkim a.test {{\n\tselector m1 {self.old}\n}}\n")
        self.conf(f"include {part}")
        before = self.file.read_text()
        self.dkim("rotate", "a.test", "--finish")
        self.assertEqual(part.read_text(), f"dkim a.test {{\n\tselector {selector} {file}\n}}\n")
        self.assertEqual(self.file.read_text(), before)

    def test_two_keys_of_two_types(self):
        self.keygen("m2", "--type", "ed25519")
        self.block("m1", "m2")
        self.publish_all(self.dkim("rotate", "a.test"))
        said = self.dkim("rotate", "a.test")
        self.assertIn("has taken the place of m1", said)
        self.assertIn("has taken the place of m2", said)

    def publish_all(self, said):
        """Publishes the records of SAID, and returns the selectors."""
        names = re.findall(r"^(\S+)\._domainkey\.a\.test$", said, re.M)
        for name, record in zip(names, re.findall(r"^v=DKIM1; .*$", said, re.M), strict=True):
            self.publish(name, record)
        return names

    def test_all_lines_are_changed_or_none(self):
        """The line of m2 can't be changed, so both keys stay in use, and another run makes no third key."""
        second, _ = self.keygen("m2", "--type", "ed25519")
        part = self.folder / "dkim.conf"
        part.write_text(f"selector m1 {self.old}\nselector \"m2\" {second}\n")
        self.conf(f"dkim a.test {{\ninclude {part}\n}}")
        before = part.read_text()
        names = self.publish_all(self.dkim("rotate", "a.test"))
        self.assertEqual(len(names), 2)
        files = set((self.folder / "dkim").iterdir())
        for words in (["--finish"], []):
            with self.subTest(words=words):
                said = self.dkim("rotate", "a.test", *words, code=1)
                self.assertIn(f"{part}:2 can't be changed: the line has more than the selector and its file", said)
                for i, name in enumerate(names):
                    self.assertIn(f"{part}:{i + 1}, in the place of selector m{i + 1}:\n\n    selector {name} {self.folder}/dkim/{name}._domainkey.a.test.pem\n", said)
                self.assertNotIn("remove", said)
                self.assertEqual(part.read_text(), before)
                self.assertEqual(set((self.folder / "dkim").iterdir()), files)

    def test_what_another_block_has_is_kept(self):
        """A block of another server has the same key; a block of another domain has only the file."""
        def blocks(more):
            self.block("m1")
            with self.file.open("a") as file:
                file.write(f"virtual_server b {{\nlisten 127.0.0.1:2\nfqdn b.test\n{more}\n}}\n")
        blocks("")
        self.publish_all(self.dkim("rotate", "a.test"))
        for block, says in ((f"dkim b.test {{ selector m1 {self.old} }}", f"Then remove the record. Keep the file {self.old}: {self.file}:16 names it."),
                            (f"dkim a.test {{ selector M1 {self.folder}/copy.pem }}", f"Keep the record m1._domainkey.a.test: {self.file}:16 has the selector."),
                            (f"dkim a.test {{ selector m1 {self.old} }}", f"Keep the record m1._domainkey.a.test: {self.file}:16 has the selector.")):
            with self.subTest(block=block):
                shutil.copy(self.old, self.folder / "copy.pem")
                blocks(block)
                said = self.dkim("rotate", "a.test", "--finish", "--server", "test")
                self.assertIn(says, said)
                self.assertNotIn("and the file", said)

    def test_one_line_of_two_servers(self):
        part = self.folder / "dkim.conf"
        part.write_text(f"dkim a.test {{\n\tselector m1 {self.old}\n}}\n")
        self.conf(f"include {part}\n}}\nvirtual_server b {{\nlisten 127.0.0.1:2\nfqdn b.test\ninclude {part}")
        self.publish_all(self.dkim("rotate", "a.test", "--server", "test"))
        self.assertIn(f"Then remove the record and the file {self.old}.\n", self.dkim("rotate", "a.test", "--server", "test"))

    @unittest.skipIf(os.geteuid(), "only root has something to give up")
    def test_answers_are_read_without_root(self):
        self.begin()
        for words in (("rotate", "a.test"), ("check", "a.test")):
            with self.subTest(words=words):
                TREE.faults["*"] = 3.0
                users = set()
                thread = threading.Thread(target=lambda: subprocess.run([harness.BUILD / "mailrootctl", "-c", self.file, "dkim", *words], capture_output=True, check=False))
                thread.start()
                harness.wait_for(lambda: users.update(doctor.users("mailroot-dkim")) or users - {0}, "a process of mailroot-dkim without root")
                TREE.faults.pop("*")
                thread.join()


class RunningService(Dkim):
    def test_from_no_key_to_the_second_one(self):
        """Each delivered message is signed with the key of the configuration, through two reloads."""
        message = b"From: App <app@a.test>\r\nSubject: report\r\n\r\ntext\r\n"
        records = {}
        with harness.Sink() as sink:
            def server_conf(more=""):
                return f"smart_host [127.0.0.1]:{sink.port}\n{more}"
            with harness.Mailroot(server_conf(), global_conf=TREE.settings("no")) as server:
                self.file = server.conf
                def selectors_of_next():
                    server.send(["boss@partner.test"], text=message)
                    count = len(sink.wait(selectors_of_next.sent + 1))
                    selectors_of_next.sent = count
                    return signed_by(sink.wait(count)[-1][2], **records)
                selectors_of_next.sent = 0
                self.assertEqual(selectors_of_next(), [])
                said = self.dkim("keygen", "a.test", "--selector", "m1")
                records["m1"] = re.search(r"^v=DKIM1; .*$", said, re.M)[0]
                self.publish("m1", records["m1"])
                server.write_conf(server_conf(re.search(r"^    dkim a\.test \{.*?^    \}", said, re.M | re.S)[0]), global_conf=TREE.settings("no"))
                server.ctl("reload")
                self.assertEqual(selectors_of_next(), ["m1"])
                said = self.dkim("rotate", "a.test")
                new = re.search(r"^(\S+)\._domainkey\.a\.test$", said, re.M)[1]
                records[new] = re.search(r"^v=DKIM1; .*$", said, re.M)[0]
                server.ctl("reload")
                self.assertEqual(selectors_of_next(), ["m1"])
                self.publish(new, records[new])
                self.dkim("rotate", "a.test", "--finish")
                self.assertEqual(selectors_of_next(), ["m1"])
                server.ctl("reload")
                self.assertEqual(selectors_of_next(), [new])
                self.assertIn(f"dkim=a.test/{new} status=delivered", server.log())


class Records(Dkim):
    """What DNS has in place of the key."""

    def setUp(self):
        super().setUp()
        self.file_of_key, self.record = self.keygen()
        self.block("m1")

    def expect(self, state, severity, words, code=1):
        key, found = self.state(code=code)
        self.assertEqual(key["state"], state)
        self.assertEqual([f["severity"] for f in found if words in f["what"] + f["remedy"]], [severity], found)

    def test_states(self):
        ours = self.record
        p = ours.split("p=")[1]
        for records, state, severity, words in (
                ([], "not published", "error", "DNS does not have it"), ([doctor.DKIM], "published, but another key", "error", "DNS has another DKIM key than"),
                (["v=DKIM1; p="], "revoked", "error", "says that it is revoked"), ([f'"{ours}"'], "published, but unusable", "error", "quotation marks"),
                ([ours.replace(";", "\\;")], "published, but unusable", "error", "backslashes"), ([ours[:200]], "published, but unusable", "error", "was it cut"),
                ([ours[:60] + "!" + ours[61:]], "published, but unusable", "error", "was it cut"), (["v=spf1 -all"], "published, but unusable", "error", "v is not DKIM1"),
                ([f"v=DKIM1; k=rsa; s=tlsrpt; p={p}"], "published", "warning", "not for mail"), ([f"v=DKIM1; h=sha1; p={p}"], "published", "warning", "permits no SHA-256"),
                ([doctor.DKIM, ours], "published", "warning", "several records"), ([ours, ours], "published", "warning", "several records")):
            with self.subTest(records=records):
                self.publish("m1", *records)
                self.expect(state, severity, words)
                self.assertNotIn("passes DMARC by DKIM", self.dkim("check", "a.test", code=None))
                self.assertNotIn("by SPF and by DKIM", self.dkim("check", "a.test", code=None))
        self.publish("m1", ours.replace("p=", "t=y:s; p="))
        self.expect("published", "note", "being tested", code=0)
        self.publish("m1", f"k=rsa;p={p[:100]} {p[100:]};")
        self.assertEqual(self.state(code=0)[1], [])

    def test_wildcard(self):
        TREE.faults["*._domainkey.a.test"] = [doctor.txt("v=spf1 -all")]
        self.expect("published, but unusable", "error", "a wildcard record (*) answers there")

    def test_no_answer(self):
        for fault in (2, 5, "silent"):
            with self.subTest(fault=fault):
                TREE.faults[("m1._domainkey.a.test", "TXT")] = fault
                self.expect("DNS gives no answer", "note", "DNS gave no answer for this DKIM key", code=0)

    def test_hostile_records(self):
        escape = "v=DKIM1; k=\x1b]0;x\x07\x1b[2J; p=\x00"
        for records in ([doctor.txt("v=DKIM1; p=" + "A" * 60000)], [doctor.txt(";" * 60000)], [doctor.txt("x=" + "\\" * 60000)], [doctor.txt(escape)], [b"\xff" * 21],
                        [b""], [b"\0" * 2000], [doctor.txt(f"v=DKIM1; p={i}") for i in range(250)]):
            with self.subTest(records=[r[:40] for r in records[:2]]):
                self.publish("m1", *records)
                self.assertIn(self.state(code=None)[0]["state"], ("published, but unusable", "not published", "DNS gives no answer"))
                self.dkim("check", "a.test", code=None)
        self.publish("m1", doctor.txt("x=" + "y" * 50000 + "; p=" + self.record.split("p=")[1]))
        self.assertEqual(self.state(code=0)[0]["state"], "published")

    def test_cname_loop_and_alias(self):
        self.conf(f"dkim a.test {{ selector loop1 {self.file_of_key} }}")
        self.assertIn(self.state("loop1", code=None)[0]["state"], ("DNS gives no answer", "not published"))


if __name__ == "__main__":
    harness.main()
