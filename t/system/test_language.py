"""mailrootctl speaks Japanese under a Japanese locale; what programs read, and every log, stays as it is."""
import os
import pty
import re
import subprocess
import unicodedata
import unittest

import harness
import japanese
from harness import Mailroot, wait_for

COMMANDS = ["help", "status", "sessions", "queue list", "badmail list", "check", "config show", "reload", "nonsense", "queue", "queue hold --all",
            "queue show nonsense", "kick", "config doc relay", "user list", "log summary --log /dev/null", "explain relay --client 192.0.2.7 --to a@example.net",
            "explain route a@example.net", "explain route <a@example.net", f"explain route a@{'x' * 64}.example",
            "test", "oauth status", "server pause all", "server continue all", "--nonsense"]
# The settings of `config show` are the same in every language.
ENGLISH = ["config show"]
REFUSED = "(Connection refused|接続を拒否されました)"  # libc has the second one where its translations are installed
NUMBER = re.compile(rb"\d+")  # ages and counts change from one moment to the next


def columns(text):
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


class Language(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.service = Mailroot("smart_host [127.0.0.1]:9\naccess { auth plain login; auth_requires_tls no; user_file /nonexistent/users }\n"
                               "connect { list *.example.org }")
        cls.service.start()
        cls.service.send(["b@example.net"])
        cls.queued = staticmethod(lambda: [m for m in cls.service.ctl_json("queue", "list")["messages"] if m["state"] == "waiting"])
        wait_for(cls.queued, "mail that waits")

    @classmethod
    def tearDownClass(cls):
        cls.service.stop()

    def ctl(self, command, **options):
        return japanese.ctl(self.service, command, **options)

    def both(self, command, **options):
        return self.ctl(command, **options), self.ctl(command, language="C")

    def test_people_read_japanese(self):
        for command in COMMANDS:
            with self.subTest(command):
                ours, english = self.both(command)
                said = (ours.stdout + ours.stderr).decode()
                self.assertEqual(ours.returncode, english.returncode, said)
                self.assertTrue((english.stdout + english.stderr).isascii())
                self.assertEqual(not said.isascii(), command not in ENGLISH, said)

    def test_json_is_the_same(self):
        for command in [*COMMANDS, f"queue show {self.queued()[0]['id']}", "queue retry nonsense"]:
            with self.subTest(command):
                ours, english = self.both(command + " --json")
                self.assertEqual(NUMBER.sub(b"0", ours.stdout), NUMBER.sub(b"0", english.stdout))

    def test_errors_of_a_configuration(self):
        bad = self.service.folder / "bad.conf"
        bad.write_text("virtual_server x {\n listen *:99999\n smart_hst [192.0.2.1]\n relay { list 10.0.0.5/8 }\n}\n")
        said = self.ctl(f"check {bad}").stderr.decode()
        self.assertIn('listen の "*:99999": ポートは 1 から 65535 の数です', said)
        self.assertIn("smart_host ではありませんか", said)
        self.assertNotRegex(said, r"(?m)^\S+: error: ")
        ours, english = self.both(f"check {bad} --json")
        self.assertEqual(ours.stdout, english.stdout)

    def test_programs_of_their_own(self):
        said = self.ctl("doctor").stdout.decode()
        self.assertRegex(said, r"(?m)^検査 \d+ 件、エラー: \d+、警告: \d+、注意: \d+$")
        self.assertRegex(said, r"(?m)^ +対処: ")
        self.assertNotRegex(said, r"(?m)^(error|warning|note|    remedy): |\\x")
        self.assertTrue(self.ctl("doctor --json").stdout.isascii())
        log = self.service.folder / "old.log"
        log.write_text("no row\n#Fields: c-ip cs-method cs-uri-query sc-status\n192.0.2.1 RCPT +TO:<> 250\n")
        said = self.ctl(f"replay {log}").stdout.decode()
        self.assertIn("これらの値が何かを示す #Fields の行が上にありません: no row", said)
        self.assertIn("<> は宛先にできません", said)
        self.assertTrue(self.ctl(f"replay {log} --json").stdout.isascii())

    def lines(self, command):
        """What COMMAND says in Japanese, without the file's path."""
        return self.ctl(command).stdout.decode().replace(str(self.service.conf), "FILE")

    def test_rules_and_advice(self):
        said = self.lines("explain relay --client 192.0.2.7 --to a@example.net")
        self.assertRegex(said, r"(?m)^  FILE:\d+: クライアントは connect list になく \(クライアントの名前を確認できません: --name で指定されていません\)、"
                               r"allow は all-except-listed: 接続可$")
        self.assertRegex(said, r"(?m)^  FILE:\d+: クライアントは relay list になく、allow は only-listed: 拒否$")
        self.assertRegex(said, r"(?m)^許可するには: クライアントで認証を使用、または FILE:\d+ の relay list に 192\.0\.2\.7 を追加$")
        said = self.lines("explain relay --client 192.0.2.7 --to a@example.com")
        self.assertRegex(said, r"(?m)^  FILE:\d+: example\.com は既定のドメインです: 受付$")
        self.assertRegex(said, r"(?m)^拒否するには: FILE:\d+ の connect list に 192\.0\.2\.7 を追加$")
        said = self.lines("explain route a@example.net")
        self.assertIn("ホストが提供していれば TLS (証明書は問わない)\n", said)
        self.assertRegex(said, rf"(?m)^  停止: \[127\.0\.0\.1\]:9: 接続できません: {REFUSED}。")

    def test_reasons(self):
        self.assertRegex(self.lines("queue list"), rf"  \[127\.0\.0\.1\]:9: 接続できません: {REFUSED}\n")
        said = self.lines(f"queue show {self.queued()[0]['id']}")
        self.assertRegex(said, rf"(?m)^  理由 +\[127\.0\.0\.1\]:9: 接続できません: {REFUSED}$")
        self.assertRegex(said, rf"(?m)^    \S+  #0  遅延  \[127\.0\.0\.1\]:9: 4\.4\.1 接続できません: {REFUSED}$")
        self.assertRegex(self.lines("status"), rf"(?m)^  配信待ち: 次ホップ \S+: \[127\.0\.0\.1\]:9: 接続できません: {REFUSED}$")

    def test_changes_and_refusals(self):
        with Mailroot("smart_host [127.0.0.1]:9") as service:
            usual = service.conf.read_text()
            service.write_conf("smart_host [127.0.0.1]:10\nmax_connections 5\nrelay { list 10.0.0.0/8 }\nlocal_domain x.example { }")
            said = japanese.ctl(service, "reload").stdout.decode()
            self.assertIn("サーバー test: smart_host [127.0.0.1]:10 (以前は [127.0.0.1]:9)\n", said)
            self.assertIn("サーバー test: max_connections 5 (以前は none); 次の接続から有効\n", said)
            self.assertIn("サーバー test: 10.0.0.0/8 はどのドメインへも中継できるようになります\n", said)
            self.assertIn("サーバー test: local_domain x.example を追加\n", said)
            service.conf.write_text(usual + "smart_hst x\n")
            refused = japanese.ctl(service, "reload")
            self.assertEqual(refused.returncode, 1)
            self.assertRegex(refused.stderr.decode(), r"(?m)^\S+:\d+:1: エラー: smart_hst という設定は")
            self.assertNotRegex(refused.stderr.decode(), ": error: ")
            self.assertTrue(service.log().isascii())

    def test_mailrootd_at_a_terminal(self):
        bad = harness.scratch() / "bad.conf"
        bad.write_text("virtual_server x {\n smart_hst [192.0.2.1]\n}\n")
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG"))}
        environment |= {"LANG": "ja_JP.UTF-8", "LOCPATH": str(japanese.locales())}
        command = [str(harness.BUILD / "mailrootd"), "-n", "-c", str(bad)]
        ours, theirs = pty.openpty()
        with os.fdopen(ours, "rb", 0) as ours:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=theirs, env=environment, timeout=60)
            os.close(theirs)
            said = ours.read(4096).decode()
        self.assertEqual(done.returncode, 1)
        self.assertIn(": エラー: ", said)
        self.assertIn("設定に 1 件のエラーがあります。何も開始しませんでした", said)
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, env=environment, timeout=60)
        self.assertIn(b"mailrootd: 1 error in the configuration; nothing was started", done.stderr)  # as the journal has it

    def test_words_of_other_hosts_stay(self):
        """Even if they say what we could say; what we say about them is translated."""
        refusals = {"RCPT": lambda _: "432 4.3.2 no TLS; could not connect: sender thread limit exceeded"}
        login = {"AUTH": lambda _: "535 5.7.8 no TLS"}
        with harness.Sink(answers=refusals) as busy, harness.Sink(answers=login, extensions=("AUTH PLAIN",)) as strict:
            password = harness.scratch() / "password"
            password.write_text("secret\n")
            password.chmod(0o600)
            with Mailroot(f"smart_host [127.0.0.1]:{busy.port}\n remote_domain strict.example {{ route [127.0.0.1]:{strict.port}; outbound {{"
                          f" auth plain; auth_unverified yes; username u; password_file {password} }} }}") as service:
                service.send(["b@example.net"])
                service.send(["b@strict.example"])
                wait_for(lambda: all(m["reason"] for m in service.ctl_json("queue", "list")["messages"]), "two reasons")
                said = japanese.ctl(service, "queue list").stdout.decode()
        self.assertIn(" の応答: 432 no TLS; could not connect: sender thread limit exceeded (管理者へ: max_connections 3 と書いてください)\n", said)
        self.assertIn(" の応答: 535 ホストが remote_domain strict.example of virtual_server test のユーザー名とパスワードを拒否しました "
                      f"(username u, {service.conf}:", said)
        self.assertIn("): 535 5.7.8 no TLS; username と password_file を直してから、mailrootctl reload を実行してください\n", said)

    def test_report_of_an_import(self):
        metabase, report = harness.scratch() / "MetaBase.xml", harness.scratch() / "report.txt"
        metabase.write_text('<?xml version="1.0"?>\n<configuration>\n<MBProperty>\n<IIsSmtpServer Location="/LM/SmtpSvc/1" EtrnDays="366"'
                            ' FullyQualifiedDomainName="mail.example.com" LogFilePeriod="9"/>\n'
                            '<k Location="/LM/SmtpSvc/1/Domain/a.example" RouteAction="4608"/>\n</MBProperty>\n</configuration>\n')
        done = self.ctl(f"import-iis {metabase} --out {report.with_suffix('.conf')} --report {report}")
        self.assertEqual(done.returncode, 0, done.stderr)
        said = report.read_text()
        self.assertRegex(said, r"(?m)^プロパティ: 採用 \d+、変更 \d+、要確認 \d+、")
        self.assertRegex(said, r'(?m)^  要確認       EtrnDays "366" \(/LM/SmtpSvc/1、\d+ 行目\)\n +対象外: expire は 1 日から 365 日までです$')
        self.assertRegex(said, r"(?m)^ +ログは無効でした$")
        self.assertTrue(report.with_suffix(".conf").read_text().isascii())

    def test_columns_are_aligned(self):
        lines = self.ctl("queue list").stdout.decode().splitlines()
        heading, row = lines[0], lines[1]
        self.assertTrue(heading.startswith("ID "), heading)
        for word, cell in (("状態", "待機中"), ("差出人", "app@example.com"), ("宛先", "b@example.net")):
            self.assertEqual(columns(heading[:heading.index(word)]), columns(row[:row.index(cell)]), lines)

    def test_arguments_in_another_order(self):
        self.assertIn("1 通のメッセージを保留にします", self.ctl("queue hold --all").stderr.decode())

    def test_a_locale_that_is_not_there_is_english(self):
        for language, folder in (("ja_JP.UTF-8", "/nonexistent"), ("ja_JP.EUC-JP", None), ("C", None), ("xx_XX.UTF-8", None)):
            with self.subTest(language):
                done = self.ctl("queue list", language=language, folder=folder)
                self.assertTrue(done.stdout.isascii())
                self.assertIn(b"STATE", done.stdout)

    def test_the_log_and_replies_are_english(self):
        os.environ.update(LC_ALL="ja_JP.UTF-8", LOCPATH=str(japanese.locales()))
        try:
            with Mailroot("smart_host [127.0.0.1]:9") as service:
                service.send(["b@example.net"])
                service.ctl("reload", check=False)
                wait_for(lambda: "status=delayed" in service.log(), "a line of the log")
                self.assertTrue(service.log().isascii())
        finally:
            os.environ.update(LC_ALL="C")
            del os.environ["LOCPATH"]


harness.main()
