"""sendmail(8) as programs of Debian call it, up to the recipient, with the service up and down."""
import concurrent.futures
import os
import pwd
import re
import shutil
import subprocess
import textwrap
import unittest

import harness
from harness import Mailroot, Message, wait_for

ROOT = os.geteuid() == 0
USERS = (65534, 65533, 65532) if ROOT else (os.geteuid(),)
ME = pwd.getpwuid(USERS[0]).pw_name


def become(uid):
    return ["setpriv", "--reuid", str(uid), "--regid", str(uid), "--clear-groups"] if ROOT else []


class Service(Mailroot):
    """With `sendmail` for all users: a script, so that programs need no -C."""

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.home = self.folder / "home"
        self.home.mkdir()
        self.home.chmod(0o777)
        shutil.copy(harness.BUILD / "sendmail", self.folder / "program")
        (self.folder / "mailrootctl").symlink_to(harness.BUILD / "mailrootctl")
        self.sendmail = self.folder / "sendmail"
        self.sendmail.write_text(f'#!/bin/sh\nexec {self.folder}/program -C {self.conf} "$@"\n')
        self.sendmail.chmod(0o755)

    def run(self, *command, uid=USERS[0], text="", status=0, **options):
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.home), "LANG": "C.UTF-8"}
        done = subprocess.run([*become(uid), *map(str, command)], input=text.encode(), capture_output=True, timeout=60, env=environment,
                              cwd=options.get("cwd", "/"))
        if done.returncode != status:
            raise AssertionError(f"{command}: exit {done.returncode}\n{done.stdout.decode()}{done.stderr.decode()}")
        return done

    def arrived(self, count=1, folder="drop"):
        """Removes the dropped messages and returns them."""
        found = []
        for path in self.dropped(count, folder):
            found.append(Message(path))
            path.unlink()
        return found

    def message(self):
        """The only dropped message, also as an EmailMessage."""
        message, = self.arrived()
        return message, harness.email.message_from_bytes(message.content, policy=harness.email.policy.default)


def needs(program, package):
    if not shutil.which(program):
        raise AssertionError(f"{program} is missing: run `etc/prepare test`, or install the package {package}")
    return program


class Programs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.service = Service()
        cls.service.start()
        cls.addClassCleanup(shutil.rmtree, cls.service.folder, ignore_errors=True)
        cls.addClassCleanup(cls.service.stop)

    def tearDown(self):
        for path in self.service.files("drop"):
            path.unlink()

    def expect(self, sender, recipients, subject):
        message, parsed = self.service.message()
        self.assertEqual(message.sender, sender)
        self.assertEqual(message.rcpts, recipients)
        self.assertEqual(parsed["Subject"], subject)
        for field in ("From", "Date", "Message-ID"):
            self.assertEqual(len(parsed.get_all(field, [])), 1, field)
        self.assertIsNone(parsed["Bcc"])
        return parsed

    def test_cron(self):
        text = textwrap.dedent("""\
            From: root (Cron Daemon)
            To: root
            Subject: Cron <root@host> /usr/bin/backup
            MIME-Version: 1.0
            Content-Type: text/plain; charset=UTF-8
            Content-Transfer-Encoding: 8bit
            X-Cron-Env: <SHELL=/bin/sh>

            grün
            .
            the last line""")
        self.service.run(self.service.sendmail, "-i", "-FCronDaemon", "-B8BITMIME", "-oem", "root", text=text)
        parsed = self.expect(f"{ME}@example.com", ["root@example.com"], "Cron <root@host> /usr/bin/backup")
        self.assertEqual(parsed.get_content().splitlines()[:3], ["grün", ".", "the last line"])
        self.assertEqual((parsed["From"], parsed["To"]), ("root@example.com", "root@example.com"))

    def test_php(self):
        script = textwrap.dedent("""\
            exit(mail("Bob <bob@example.com>", "=?UTF-8?B?R3LDvG4=?=", "hello\\n.\\nmore\\n",
                 ["From" => "App <app@example.com>", "Bcc" => "secret@example.com", "X-Kind" => "test"], "-fbounces@example.com") ? 0 : 1);""")
        self.service.run(needs("php", "php-cli"), "-n", "-d", f"sendmail_path={self.service.sendmail} -t -i", "-r", script)
        parsed = self.expect("bounces@example.com", ["bob@example.com", "secret@example.com"], "Grün")
        self.assertEqual(parsed.get_content().splitlines()[:3], ["hello", ".", "more"])

    def test_php_is_told_of_a_failure(self):
        php = (needs("php", "php-cli"), "-n", "-d", f"sendmail_path={self.service.sendmail} -t -i", "-r")
        done = self.service.run(*php, 'exit(mail("a b c", "x", "y") ? 0 : 1);', status=1)
        self.assertIn(b"sendmail: recipients", done.stderr)

    def test_mailx(self):
        self.service.run(needs("s-nail", "s-nail"), "-n", "-S", f"mta={self.service.sendmail}", "-S", "ttycharset=utf-8", "-s", "Grün", "-c", "carol@example.com",
                         "-b", "secret@example.com", "bob@example.com", text="hello\n.\n")
        parsed = self.expect(f"{ME}@example.com", ["bob@example.com", "carol@example.com", "secret@example.com"], "Grün")
        self.assertEqual(parsed["Cc"], "carol@example.com")

    def test_git_send_email(self):
        where = self.service.home / "repository"
        git = ["git", "-c", "user.name=Joe Doe", "-c", "user.email=joe@example.com"]
        needs("git", "git")
        if not os.path.exists("/usr/lib/git-core/git-send-email") or not os.path.exists("/usr/share/perl5/Mail/Address.pm"):
            needs("git send-email", "git-email with libmailtools-perl")
        self.service.run(*git, "init", "-q", where)
        self.service.run(*git, "commit", "-q", "--allow-empty", "-m", "Begin", cwd=where)
        (where / "file").write_text("x\n")
        self.service.run(*git, "add", "file", cwd=where)
        self.service.run(*git, "commit", "-q", "-m", "Add a file", cwd=where)
        self.service.run(*git, "send-email", f"--smtp-server={self.service.sendmail}", "--to=bob@example.com", "--cc=carol@example.com",
                         "--bcc=secret@example.com", "--envelope-sender=auto", "--confirm=never", "--suppress-cc=all", "-1", cwd=where)
        parsed = self.expect("joe@example.com", ["bob@example.com", "carol@example.com", "secret@example.com"], "[PATCH] Add a file")
        self.assertIn("diff --git", parsed.get_content())

    def test_calls_of_programs(self):
        """Calls of mutt, anacron, reportbug, at, logcheck, sudo and of scripts without a header."""
        text = "To: bob@example.com\nSubject: x\n\nhello\n"
        for args in (["-oem", "-oi", "-f", "app@example.com", "--", "bob@example.com"], ["-oi", "-t", "-f", "app@example.com"],
                     ["-odi", "-f", "app@example.com", "bob@example.com"], ["-ti", "-rapp@example.com"], ["-i", "-fapp@example.com", "bob@example.com"],
                     ["-f", "app", "bob"], ["-odb", "-oem", "-os", "-t", "-fapp"]):
            with self.subTest(args=args):
                self.service.run(self.service.sendmail, *args, text=text)
                self.expect("app@example.com", ["bob@example.com"], "x")
        self.service.run(self.service.sendmail, "-F", "The Backup", "root", text="done\n")
        parsed = self.expect(f"{ME}@example.com", ["root@example.com"], None)
        self.assertEqual(str(parsed["From"]), f"The Backup <{ME}@example.com>")
        self.assertEqual(parsed.get_content().strip(), "done")

    def test_smtp_on_pipes(self):
        self.service.run(self.service.sendmail, "-bs", text="EHLO me\nMAIL FROM:<app@example.com> BODY=8BITMIME\nRCPT TO:<bob@example.com>\n"
                         "DATA\nSubject: x\n\n..dot\n.\nQUIT\n")
        parsed = self.expect("app@example.com", ["bob@example.com"], "x")
        self.assertEqual(parsed.get_content().strip(), ".dot")

    def test_notices_are_asked_for(self):
        self.service.run(self.service.sendmail, "-N", "success", "-R", "hdrs", "-V", "order 7", "-f", "app@example.com", "bob@example.com",
                         text="Subject: x\n\nhello\n")
        notice, = [message for message in self.service.arrived(2) if message.rcpts == ["app@example.com"]]
        self.assertEqual(notice.sender, "<>")
        self.assertRegex(notice.content, rb"(?s)Original-Envelope-Id: order 7\r\n.*Action: delivered\r\n")
        self.service.run(self.service.sendmail, "-N", "never", "-f", "app@example.com", "bob@example.com", text="Subject: x\n\nhello\n")
        self.expect("app@example.com", ["bob@example.com"], "x")

    def test_the_user_is_recorded(self):
        self.service.run(self.service.sendmail, "-f", "ceo@example.com", "bob", text="Subject: x\n\nhello\n")
        path, = self.service.dropped()
        raw = path.read_bytes()
        path.unlink()
        self.assertIn(f"uid {USERS[0]}", raw[:raw.index(b"Subject")].decode())
        wait_for(lambda: re.search(rf"client=sendmail uid={USERS[0]} .*from=<ceo@example.com>", self.service.log()), "a line of the log")

    def test_files_made_by_hand(self):
        """Files that a user puts there by hand are checked like mail of any client."""
        maildrop = self.service.server_folder() / "maildrop"
        head = "x-sender: a@example.com\r\nx-receiver: b@example.com\r\n"
        for i, text in enumerate((head + "x-mailroot-evil: 1\r\nSubject: x\r\n\r\n", "Subject: x\r\n\r\n", "\0" * 1000)):
            name = f"01NG5B7YVCCNVNZM6K830TR{i},S={len(text)}.eml"
            self.service.run("python3", "-c", f"open({str(maildrop / name)!r}, 'w', newline='').write({text!r})")
        wait_for(lambda: len(self.service.files("badmail")) == 3, "three bad files")
        for path in self.service.files("badmail"):
            path.unlink()
            path.with_suffix(".txt").unlink()
        secret = self.service.folder / "secret"
        secret.write_text(head + "Subject: secret\r\n\r\n")
        secret.chmod(0o600)
        name = str(maildrop / f"01NG5B7YVCCNVNZM6K830TRX,S={secret.stat().st_size}.eml")
        for code in (f"os.symlink({str(secret)!r}, {name!r})", f"os.mkfifo({name!r})", f"os.mkdir({name!r})", f"os.link({str(secret)!r}, {name!r})"):
            subprocess.run([*become(USERS[0]), "python3", "-c", f"import os\n{code}"], capture_output=True, timeout=60)
            self.service.run(self.service.sendmail, "bob", text="Subject: next\n\n")  # pickup has seen the files and runs
            self.expect(f"{ME}@example.com", ["bob@example.com"], "next")
            subprocess.run([*become(USERS[0]), "rm", "-rf", name], capture_output=True, timeout=60)
        self.assertEqual(self.service.files("badmail") if ROOT else [], [])


class Down(unittest.TestCase):
    def test_mail_waits_for_the_service(self):
        with Service() as service:
            service.stop()
            for i in range(20):
                service.run(service.sendmail, "bob", text=f"Subject: {i}\n\nhello\n", uid=USERS[i % len(USERS)])
            self.assertEqual(len(list((service.server_folder() / "maildrop").iterdir())), 20)
            self.assertEqual(service.run(service.sendmail, "-bp", status=3).stdout, b"")
            service.start()
            wait_for(lambda: len(service.files("drop")) == 20, "twenty messages")
            self.assertEqual(sorted(int(harness.email.message_from_bytes(message.content)["Subject"]) for message in service.arrived(20)), list(range(20)))

    def test_many_at_once_and_restarts(self):
        with Service() as service, concurrent.futures.ThreadPoolExecutor(8) as pool:
            sent = [pool.submit(service.run, service.sendmail, "-i", "bob", text=f"Subject: {i}\n\n" + "hello\n" * (i * 20), uid=USERS[i % len(USERS)])
                    for i in range(100)]
            for _ in range(3):
                os.kill(wait_for(lambda: service.pids().get("pickup"), "a reader"), 9)
            for one in sent:
                one.result()
            wait_for(lambda: len(service.files("drop")) >= 100, "all messages", 60)
            wait_for(lambda: not list((service.server_folder() / "maildrop").iterdir()), "an empty maildrop")
            found = [harness.email.message_from_bytes(message.content) for message in service.arrived(100)]
            self.assertEqual(sorted(int(message["Subject"]) for message in found), list(range(100)))
            for message in found:
                self.assertEqual(message.get_payload().count("hello"), int(message["Subject"]) * 20)


class Settings(unittest.TestCase):
    SECOND = "virtual_server second {{ listen 127.0.0.1:{port}; fqdn second.example.net; free_space_floor 1M }}"

    def test_sendmail_server(self):
        second = self.SECOND.format(port=harness.free_port())
        with Service(conf=second) as service:
            service.run(service.sendmail, "bob")
            service.arrived()
            service.write_conf(conf=second, global_conf="sendmail_server second")
            self.assertIn("sendmail_server", service.ctl("reload").stdout)
            service.run(service.sendmail, "bob")
            message, = service.arrived(folder=str(service.folder / "spool/second/drop"))
            self.assertEqual(message.rcpts, ["bob@second.example.net"])
            service.write_conf(conf=second, global_conf="sendmail_server off")
            service.ctl("reload")
            self.assertIn(b"sendmail_server is off", service.run(service.sendmail, "bob", status=69).stderr)

    def test_queue(self):
        with Service(f"smart_host [127.0.0.1]:{harness.free_port()}") as service:
            self.assertEqual(service.run(service.sendmail, "-bp", uid=os.geteuid()).stdout, b"Mail queue is empty\n")
            service.run(service.sendmail, "-f", "app@example.com", "a@example.net", "b@example.net", text="Subject: x\n\n")
            wait_for(lambda: [m for m in service.ctl_json("queue", "list")["messages"] if m["reason"]], "a message that waits")
            shown = subprocess.run(["mailq", "-C", str(service.conf)], executable=str(harness.BUILD / "sendmail"), capture_output=True, text=True, timeout=60)
            self.assertEqual(shown.returncode, 0, shown.stderr)
            self.assertRegex(shown.stdout, r"\A-Queue ID-.*\n[0-9A-Z]{24}. +\d+ \w{3} \w{3} +\d+ [\d:]{8}  app@example.com\n"
                             r" +\(.*refused.*\)\n +a@example.net and 1 more\n\n-- 1 Kbytes in 1 Request.\n\Z")
            service.run(harness.BUILD / "sendmail", "-q", "-C", service.conf, uid=os.geteuid())
            if ROOT:
                self.assertIn(b"operators", service.run(harness.BUILD / "sendmail", "-bp", "-C", service.conf, status=1).stderr)


if __name__ == "__main__":
    harness.main()
