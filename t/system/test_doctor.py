"""`mailrootctl doctor`: nothing on a sound machine, and each seeded fault by the check that is there for it."""
import base64
import os
import pathlib
import pwd
import socket
import subprocess
import time
import unittest

import certs
import doctor
import harness
import japanese
import milter
from doctor import ADDRESS, FAR, GATEWAY, HOP, Machine

MACHINE = None


def setUpModule():
    global MACHINE
    if os.geteuid():
        raise unittest.SkipTest("only root can make namespaces and file systems")
    MACHINE = Machine().__enter__()


def tearDownModule():
    if MACHINE:
        MACHINE.__exit__()


class Doctor(unittest.TestCase):
    def expect_sound(self, *args, **more):
        status, said = MACHINE.doctor(*args, **more)
        self.assertEqual([f for f in said["findings"] if f["what"] != "the service does not run, so it could not be asked"], [])
        self.assertEqual(status, 0)
        self.assertTrue(all(check["complete"] for check in said["checks"]), said["checks"])

    def expect(self, check, severity, words, conf=None, besides=(), prefix=doctor.ALONE, **more):
        """One finding of CHECK with SEVERITY and WORDS, and no error or warning of another check, but for BESIDES."""
        status, said = MACHINE.doctor(conf, prefix=prefix, **more)
        found = [f for f in said["findings"] if f["check"] == check and f["severity"] == severity and words in f["what"]]
        self.assertEqual(len(found), 1, said["findings"])
        self.assertTrue(found[0]["remedy"])
        self.assertEqual([f for f in said["findings"] if f not in found and f["severity"] != "note" and f["check"] not in besides], [])
        self.assertEqual(status, 1 if severity != "note" else 0)


class Sound(Doctor):
    def test_nothing_on_a_sound_machine(self):
        self.expect_sound(prefix=doctor.ALONE)

    def test_text_for_people(self):
        done = subprocess.run([*doctor.ALONE, harness.BUILD / "mailrootctl", "-c", MACHINE.conf(), "doctor"], capture_output=True, text=True, timeout=60,
                              env=dict(os.environ, LD_PRELOAD=str(MACHINE.clock), CLOCK_RUNS_FREE="yes", ASAN_OPTIONS="verify_asan_link_order=0"))
        self.assertRegex(done.stdout, r"^warning: clock: nothing keeps the clock right .*\n    remedy: install chrony .*\n")
        self.assertRegex(done.stdout, r"\n\d+ checks; errors: 0, warnings: 1, notes: 1\n$")

    def test_people_read_japanese(self):
        """Every line of findings of many checks; JSON is English."""
        conf = MACHINE.conf(f"smart_host [{HOP}]:587", fqdn="mailserver", default_domain="nobody.a.test")
        said = {}
        for language in ("ja_JP.UTF-8", "C"):
            done = subprocess.run([harness.BUILD / "mailrootctl", "-c", conf, "doctor"], capture_output=True, timeout=60,
                                  env={"LANG": language, "LOCPATH": str(japanese.locales()), "PATH": os.environ["PATH"]})
            said[language] = done.stdout.decode().splitlines()
        self.assertEqual(len(said["ja_JP.UTF-8"]), len(said["C"]))
        self.assertGreater(len(said["C"]), 10)
        for line, english in zip(said["ja_JP.UTF-8"], said["C"]):
            self.assertTrue(english.isascii() and not line.isascii(), line)
        environment = {"LANG": "ja_JP.UTF-8", "LOCPATH": str(japanese.locales())}
        _, found = MACHINE.doctor(conf, prefix=("env", *(f"{name}={value}" for name, value in environment.items())))
        self.assertTrue(all(f["what"].isascii() and f["remedy"].isascii() for f in found["findings"]))

    def test_usage(self):
        for arguments in (["--all"], ["nonsense"], ["--server", "other"]):
            done = subprocess.run([harness.BUILD / "mailrootctl", "-c", MACHINE.conf(), "doctor", *arguments], capture_output=True, text=True, timeout=60)
            self.assertEqual(done.returncode, 2, done.stderr)
        self.expect_sound(arguments=("--server", "test"), prefix=doctor.ALONE)


class Guest(Doctor):
    def test_user_without_rights(self):
        """It says what it can't look at, and nothing is wrong."""
        status, said = MACHINE.doctor(prefix=("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"))
        self.assertEqual([f for f in said["findings"] if f["severity"] != "note"], [])
        self.assertEqual(status, 0)
        with doctor.process("/usr/sbin/nothing", "sleep", "60"), socket.create_server((ADDRESS, 2525)):
            status, said = MACHINE.doctor(prefix=("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"))
        self.assertIn("is taken by a process that can't be seen from here", [f["what"] for f in said["findings"] if f["check"] == "ports"][0])
        self.assertEqual(status, 0)

    def test_answers_are_read_without_root(self):
        """While name servers are slow, the checks that wait for them are not root's."""
        with MACHINE.dns_fault(any=("*.com", "silent")), doctor.background(MACHINE) as running:
            out = pwd.getpwnam("mailroot-out").pw_uid
            harness.wait_for(lambda: running.poll() is not None or out in doctor.users("mailroot-doctor"), "a check of mailroot-out")
            self.assertIsNone(running.poll())


class TheMachine(Doctor):
    def test_configuration_with_an_error(self):
        self.expect("config", "error", 'unknown setting "fqn"', MACHINE.conf("fqn x"))

    def test_configuration_that_is_not_there(self):
        self.expect("config", "error", "can't read /no/such: No such file", "/no/such")

    def test_file_that_the_configuration_names(self):
        self.expect("config", "error", "drop folder /no/such/drop can't be created", MACHINE.conf("local_domain b.test { drop_dir /no/such/drop }"))

    def test_folder_that_the_user_of_the_service_may_not_use(self):
        closed = MACHINE.folder / "closed"
        closed.mkdir(mode=0o700)
        for setting in (f"pickup_dir {closed}", f"local_domain b.test {{ drop_dir {closed} }}"):
            with self.subTest(setting=setting):
                self.expect("config", "error", "the user of the service, mailroot, may not read and write there", MACHINE.conf(setting))

    def test_certificates(self):
        authority = certs.Authority(MACHINE.folder / "authority")
        for issued, severity, why in ((authority.issue("mail.a.test", since=-30, days=20), "warning", "expired"),
                                      (authority.issue("mail.a.test", days=8), "warning", "expires"),
                                      (authority.issue("other.a.test", days=60), "warning", "mail.a.test")):
            with self.subTest(why=why):
                self.expect("config", severity, why, MACHINE.conf(f"access {{ tls_certificate {issued.certificate} {issued.key} }}"))

    def test_user_file_that_others_may_read(self):
        users = MACHINE.folder / "users"
        users.write_text("")
        users.chmod(0o644)
        self.expect("config", "warning", f"user_file {users} may be read or written by every user",
                    MACHINE.conf(f"access {{ auth scram-sha-256; user_file {users} }}"))

    def test_secret_that_expires(self):
        secret = MACHINE.folder / "secret"
        secret.write_text("secret")
        secret.chmod(0o600)
        with harness.Sink(port=587, address=HOP, extensions=("AUTH XOAUTH2",)):
            self.expect("config", "warning", f"client_secret_file {secret} expired on 2020-01-31",
                        MACHINE.conf(f"smart_host [smtp.hop.test]:587; outbound {{ tls verify; auth xoauth2; username u@a.test; oauth {{ provider microsoft365;"
                                     f"tenant t.test; client_id c; client_secret_file {secret}; secret_expires 2020-01-31 }} }}"), besides=("hops",))

    def test_user_that_does_not_exist(self):
        self.expect("users", "error", "there is no user nobody-at-all (smtpd_user)", MACHINE.conf(smtpd_user="nobody-at-all"))

    def test_user_who_is_root(self):
        self.expect("users", "error", "delivery_user is root, who is root", MACHINE.conf(delivery_user="root"))

    def test_two_roles_with_one_user(self):
        self.expect("users", "warning", "delivery_user and smtpd_user are one user", MACHINE.conf(delivery_user="mailroot-smtpd"))

    def test_port_that_another_process_has(self):
        with socket.create_server((ADDRESS, 2525)):
            self.expect("ports", "error", f"{ADDRESS}:2525 is taken by process {os.getpid()}, ", besides=["rivals"], prefix=())

    def test_port_that_two_processes_of_ours_have(self):
        """As after a start by a socket unit, or while a new version takes over."""
        with socket.create_server((ADDRESS, 2525)) as listener, doctor.renamed("mailroot-smtpd", listener):
            self.expect_sound()

    def test_port_that_another_process_has_on_every_address(self):
        with socket.create_server(("::", 2525), family=socket.AF_INET6, dualstack_ipv6=True):
            self.expect("ports", "error", f"is taken by process {os.getpid()}, ", besides=["rivals"], prefix=())

    def test_port_of_an_address_that_is_not_here(self):
        self.expect("ports", "error", "20.30.40.51:25 is no address of this machine", MACHINE.conf(listen="20.30.40.51:25"))

    def test_other_mail_server(self):
        with doctor.process("/usr/lib/postfix/sbin/master", "sleep", "60"):
            self.expect("rivals", "warning", "Postfix runs on this machine, too", prefix=())
        with doctor.process("/usr/sbin/exim4", "sleep", "60"):
            self.expect("rivals", "warning", "Exim runs on this machine, too", prefix=())

    def test_service_that_does_not_start_with_the_machine(self):
        MACHINE.wanted.unlink()
        try:
            self.expect("boot", "warning", "the service does not start with the machine")
        finally:
            MACHINE.wanted.symlink_to(MACHINE.unit)

    def test_clock_that_runs_free(self):
        self.expect("clock", "warning", "nothing keeps the clock right", free_clock=True)

    def test_kernel_without_landlock(self):
        refuse = pathlib.Path(__file__).with_name("refuse.py")
        self.expect("sandbox", "warning", "the kernel has no Landlock", prefix=("python3", refuse, "444"))

    def test_full_disk(self):
        small = MACHINE.disk("small", megabytes=120)
        self.expect("disk", "error", "less than free_space_floor", MACHINE.conf(mailroot_dir=small))

    def test_disk_without_inodes(self):
        few = MACHINE.disk("few", options=("-O", "has_journal", "-N", "2048"))
        for i in range(os.statvfs(few).f_favail - 50):
            (few / f"f{i}").touch()
        self.expect("disk", "error", "inodes are free", MACHINE.conf(mailroot_dir=few))

    def test_file_system_without_journal(self):
        self.expect("filesystem", "warning", "has no journal", MACHINE.conf(mailroot_dir=MACHINE.disk("bare", options=("-O", "^has_journal"))))

    def test_spool_in_memory(self):
        self.expect("filesystem", "error", "in memory (tmpfs)", MACHINE.conf(mailroot_dir="/run/mailroot"))

    def test_spool_of_one_server_in_memory(self):
        spool = MACHINE.disk("mounted")
        (spool / "test").mkdir()
        prefix = (*doctor.ALONE, "unshare", "--mount", "sh", "-c", f'mount -t tmpfs -o size=300m none {spool}/test && exec "$@"', "sh")
        self.expect("filesystem", "error", "in memory (tmpfs)", MACHINE.conf(mailroot_dir=spool), prefix=prefix)

    def test_spool_on_fuse(self):
        spool, real = MACHINE.disk("fuse"), MACHINE.folder / "real"
        for path in (spool / "test", real):
            path.mkdir()
        prefix = (*doctor.ALONE, "unshare", "--mount", "sh", "-c",
                  f'{" ".join(map(str, harness.tool("bindfs")))} {real} {spool}/test && exec "$@"', "sh")
        self.expect("filesystem", "error", "the spool is on FUSE", MACHINE.conf(mailroot_dir=spool), besides=("config",), prefix=prefix)
        self.expect("filesystem", "note", "the spool is on FUSE", MACHINE.conf(mailroot_dir=spool, spool_on_network="yes"), prefix=prefix)

    def test_folder_that_everyone_may_write(self):
        folder = MACHINE.folder / "pickup"
        folder.mkdir()
        folder.chmod(0o777)
        conf = MACHINE.conf(f"pickup_dir {folder}")
        self.expect("folders", "warning", "may write, rename and remove files in the pickup folder", conf)
        folder.chmod(0o1777)
        self.expect_sound(conf, prefix=doctor.ALONE)


REVERSE = "50.40.30.20.in-addr.arpa"


class Dns(Doctor):
    def expect_fault(self, faults, *args, **more):
        with MACHINE.dns_fault(**faults):
            self.expect(*args, **more)

    def test_name_servers_that_do_not_answer(self):
        self.expect("resolver", "error", "no name server answers", MACHINE.conf(dns_server="127.0.0.1:9"), besides=("config",))

    def test_name_server_that_invents_addresses(self):
        fault = {"any": ("*.com", [bytes(4 * [99])])}
        self.expect_fault(fault, "resolver", "error", "has no valid signature: they invent addresses")
        self.expect_fault(fault, "resolver", "error", "the name servers invent an address for mailroot-doctor-", MACHINE.conf(dnssec="no"))

    def test_slow_name_server(self):
        self.expect_fault({"any": ("*.com", 1.3)}, "resolver", "warning", "a look-up took ")

    def test_name_server_without_dnssec(self):
        self.expect_fault({"any": ("*", "stripped")}, "resolver", "warning", "pass no signatures on", besides=("resolver",))

    def test_root_keys_are_missing(self):
        self.expect("resolver", "warning", "the root keys of DNSSEC can't be read", MACHINE.conf(trust_anchor="/no/such"))

    def test_name_that_no_host_takes(self):
        for name, why in (("mailserver", "has no dot"), ("mail.corp.local", "only your own network knows"),
                          ("localhost", "only your own network knows"), ("nobody.a.test", "has no address in DNS")):
            with self.subTest(name=name):
                self.expect("fqdn", "error", why, MACHINE.conf(fqdn=name))

    def test_name_of_another_machine(self):
        self.expect("fqdn", "warning", "none of this machine's", MACHINE.conf(fqdn="elsewhere.a.test"))

    def test_helo_name(self):
        self.expect("fqdn", "error", "helo_name nobody.a.test has no address", MACHINE.conf("outbound { helo_name nobody.a.test }"))

    def test_address_without_a_name(self):
        self.expect_fault({"PTR": (REVERSE, 3)}, "reverse", "error", "our address has no name in DNS (PTR)")

    def test_name_of_the_address_leads_elsewhere(self):
        self.expect_fault({"PTR": (REVERSE, [doctor.wire("elsewhere.a.test")])}, "reverse", "error", "elsewhere.a.test, does not lead back")

    def test_name_of_the_address_is_that_of_a_line(self):
        self.expect_fault({"PTR": (REVERSE, [doctor.wire("host-20-30-40-50.isp.test")])}, "reverse", "warning", "looks like")

    def test_blocklists(self):
        name = "50.40.30.20.zen.spamhaus.org"
        for address, why in (("127.0.0.4", "our address is on the blocklist zen.spamhaus.org"), ("127.0.0.11", "as a customer's line")):
            with self.subTest(why=why):
                self.expect_fault({"A": (name, [socket.inet_aton(address)])}, "blocklists", "error", why)
        for address in ("127.255.255.254", "127.0.0.1", "20.20.20.20"):
            with self.subTest(address=address), MACHINE.dns_fault(A=(name, [socket.inet_aton(address)])):
                self.expect_sound(prefix=doctor.ALONE)
        self.expect_fault({"any": ("*.zen.spamhaus.org", [socket.inet_aton("127.255.255.254")])}, "blocklists", "note", "gives no sound answer")

    def test_lists_of_clients(self):
        lists = MACHINE.conf("connect { dnsbl bl.test 127.0.0.2-11 }")
        def entries(listed, unlisted=3):
            return {"any": ("*.bl.test", 3), "A": ("2.0.0.127.bl.test", listed if isinstance(listed, int) else [socket.inet_aton(listed)])} if unlisted == 3 else {"any": ("*.bl.test", [socket.inet_aton(unlisted)])}
        with MACHINE.dns_fault(**entries("127.0.0.2")):
            self.expect_sound(lists)
        for fault, severity, why in ((entries(3), "warning", "does not have its test entry 127.0.0.2"), (entries("127.0.0.12"), "note", "which is not among the answers that count"),
                                     ({"any": ("*.bl.test", "silent")}, "warning", "bl.test does not answer"), (entries(2), "warning", "bl.test does not answer"), (entries(0, "127.0.0.2"), "error", "has every address"),
                                     (entries(0, "127.255.255.254"), "warning", "refuses our name server by the answer 127.255.255.254"), (entries(0, "1.2.3.4"), "warning", "1.2.3.4 is no answer of a DNS list")):
            with self.subTest(why=why):
                self.expect_fault(fault, "dnsbl", severity, why, lists)

    def test_filters(self):
        """One that answers is sound; one that is away, or accepts a connection and says nothing, is an error, or a warning where mail passes."""
        with milter.Milter() as good, socket.create_server(("127.0.0.1", 0)) as silent:
            self.expect_sound(MACHINE.conf(good.block("virus")))
            address = f"inet:127.0.0.1:{silent.getsockname()[1]}"
            for filter, severity, why in ((f"filter virus {{ address unix:{MACHINE.folder}/none }}", "error", "none does not exist: is the filter running"),
                                          (f"filter virus {{ address unix:{MACHINE.folder}/none; when_down accept }}", "warning", "none does not exist"),
                                          (f"filter virus {{ address {address}; timeout connect 1s }}", "error", "the filter did not answer")):
                with self.subTest(why=why):
                    self.expect("filters", severity, why, MACHINE.conf(filter))

    def test_mail_exchangers(self):
        for records, severity, why in (([], "error", "neither an MX record nor an address"), ([doctor.mx("nobody.a.test")], "error", "has no address in DNS"), ([doctor.mx("192.0.2.1")], "error", "MX record has an address"),
                                       ([doctor.mx("alias.a.test")], "warning", "is an alias (CNAME) of mail.a.test"), ([b"\0\0\0"], "error", "null MX"),
                                       ([doctor.mx("elsewhere.a.test")], "note", "are not this machine"), (3, "error", "does not exist in DNS")):
            with self.subTest(why=why):
                self.expect_fault({"MX": ("a.test", records)}, "mx", severity, why)

    def test_spf(self):
        other = "v=spf1 ip4:192.0.2.1 -all"
        for records, severity, why in (([other], "error", "forbids this machine"), ([other.replace("-", "~")], "warning", "does not permit"),
                                       ([], "warning", "no SPF record"), (["v=spf1 +all"], "warning", "permits every host"),
                                       ([other, other], "error", "more than one SPF record"), (["v=spf1 ipv4:1.2.3.4"], "error", "no such mechanism"),
                                       (["v=spf1 " + "a:elsewhere.a.test " * 11 + "-all"], "error", "more than 10 look-ups"),
                                       (["v=spf1 include:nobody.a.test -all"], "error", "it has no SPF record")):
            with self.subTest(why=why):
                self.expect_fault({"TXT": ("a.test", [doctor.txt(r) for r in records])}, "spf", severity, why, besides=("dmarc",))

    def test_spf_of_the_smart_host(self):
        with MACHINE.dns_fault(TXT=("a.test", [doctor.txt(f"v=spf1 ip4:{ADDRESS} -all")])), harness.Sink(port=587, address=HOP):
            self.expect("spf", "warning", f"forbids smart host smtp.hop.test ({HOP})", MACHINE.conf("smart_host [smtp.hop.test]:587"), besides=("dmarc",))

    def test_dkim(self):
        name = "default._domainkey.a.test"
        for text, severity, why in (("v=DKIM1; k=ed25519; p=abc", "error", "no public key"), (doctor.DKIM.replace("k=", "s=other; k=", 1), "warning", "not for mail")):
            with self.subTest(why=why):
                self.expect_fault({"TXT": (name, [doctor.txt(text)])}, "dkim", severity, why)

    def test_own_dkim_key(self):
        """Of a domain with a block dkim: DNS has the same key, another one, none, a wildcard's text."""
        file = MACHINE.folder / "m1.pem"
        key = subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519"], capture_output=True, check=True).stdout
        file.write_bytes(key)
        file.chmod(0o600)
        der = subprocess.run(["openssl", "pkey", "-pubout", "-outform", "DER"], input=key, capture_output=True, check=True).stdout
        good = "v=DKIM1; k=ed25519; p=" + base64.b64encode(der[-32:]).decode()
        conf = MACHINE.conf(f"dkim a.test {{ selector m1 {file} }}")
        name = ("m1._domainkey.a.test", "TXT")
        self.expect("dkim", "error", "DNS does not have it", conf)
        for text, severity, why in ((doctor.DKIM, "error", "DNS has another DKIM key than"), ("v=DKIM1; p=", "error", "DNS says that it is revoked"),
                                    (good[:-4], "error", "this DKIM key can't be used"), (good.replace("k=", "t=y; k=", 1), "note", "being tested")):
            with self.subTest(why=why), MACHINE.dns_fault(any=(name, [doctor.txt(text)])):
                self.expect("dkim", severity, why, conf)
        with self.subTest("good"), MACHINE.dns_fault(any=(name, [doctor.txt(good)])):
            self.expect_sound(conf, prefix=doctor.ALONE)
            with self.subTest("not SPF alone, but the signature meets DMARC"), MACHINE.dns_fault(any=(name, [doctor.txt(good)]), TXT=("a.test", [])):
                self.expect("spf", "warning", "no SPF record", conf)
        with self.subTest("several"), MACHINE.dns_fault(any=(name, [doctor.txt(doctor.DKIM), doctor.txt(good)])):
            self.expect("dkim", "warning", "several records", conf)

    def test_dmarc(self):
        good = "v=DMARC1; p=reject"
        for records, severity, why in (([], "warning", "no DMARC record"), ([good, good], "error", "more than one DMARC record"),
                                       (["v=DMARC1; p=refuse"], "error", "neither none, quarantine nor reject")):
            with self.subTest(why=why):
                self.expect_fault({"TXT": ("_dmarc.a.test", [doctor.txt(r) for r in records])}, "dmarc", severity, why)

    def test_name_server_that_fails_is_no_fault_of_the_domain(self):
        for faults, check, severity, why in (({"TXT": ("_dmarc.a.test", 2)}, "dmarc", "note", "DNS gave no answer for its DMARC record"),
                                             ({"any": ("*._domainkey.a.test", 2)}, "dkim", "note", "DNS gave no answer for its DKIM keys"),
                                             ({"TXT": ("a.test", 2)}, "spf", "warning", "can't be evaluated, so receivers delay its mail")):
            with self.subTest(check=check):
                self.expect_fault(faults, check, severity, why)

    def test_dmarc_that_our_mail_does_not_meet(self):
        conf = MACHINE.conf("masquerade_domain b.test")
        self.expect("dmarc", "warning", "sent with MAIL FROM of b.test", conf)
        self.expect_fault({"any": ("default._domainkey.a.test", 3)}, "dmarc", "error", "such mail is refused unless it is signed", conf)


class TheWayOut(Doctor):
    def hop(self, outbound="", port=587):
        return MACHINE.conf(f"smart_host [smtp.hop.test]:{port}\noutbound {{ {outbound} }}")

    def expect_hop(self, severity, why, outbound="", **sink):
        with harness.Sink(port=587, address=HOP, **sink):
            self.expect("hops", severity, f"smart_host smtp.hop.test ({HOP}:587): {why}", self.hop(outbound))

    def test_smart_host_that_is_well(self):
        with harness.Sink(port=587, address=HOP) as sink:
            self.expect_sound(self.hop(), prefix=doctor.ALONE)
        self.assertEqual((sink.connections, sink.messages), (1, []))

    def test_smart_host_that_does_not_answer(self):
        self.expect("hops", "error", f"smart_host smtp.hop.test ({HOP}:587): it can't be reached: Connection refused", self.hop())

    def test_smart_host_of_etc_hosts_without_dns(self):
        hosts = pathlib.Path("/etc/hosts")
        self.addCleanup(hosts.write_text, hosts.read_text())
        with hosts.open("a") as file:
            file.write(f"\n{HOP} smtp.hosts.test\n")
        for dns in ({}, {"dns_server": "127.0.0.1:9"}):
            with self.subTest(dns=dns):
                self.expect("hops", "error", f"smart_host smtp.hosts.test ({HOP}:587): it can't be reached: Connection refused",
                            MACHINE.conf("smart_host [smtp.hosts.test]:587", **dns), besides=("resolver", "config") if dns else ())

    def test_smart_host_that_is_silent(self):
        with socket.create_server((HOP, 587)):
            self.expect("hops", "error", "it gives no reply of SMTP to the connection within 5 s", self.hop())

    def test_smart_host_that_refuses(self):
        self.expect_hop("error", 'it answers the connection with "554 no"', answers={"greeting": lambda _: "554 no"})
        refusal = {"EHLO": lambda _: "550 who are you?"}
        self.expect_hop("error", 'it answers EHLO with "550 who are you?"', answers={**refusal, "HELO": refusal["EHLO"]})
        for outbound, answers in (("", refusal), ("use_helo yes", {"EHLO": lambda _: self.fail("EHLO was said")})):
            with harness.Sink(port=587, address=HOP, answers=answers):
                self.expect_sound(self.hop(outbound), prefix=doctor.ALONE)

    def test_smart_host_without_tls(self):
        self.expect_hop("error", "it offers no STARTTLS, which the configuration requires", "tls encrypt")

    def test_smart_host_with_a_wrong_certificate(self):
        authority = certs.Authority(MACHINE.folder / "hop")
        verify = f"tls verify; tls_ca {authority.file}"
        with doctor.SecureHop(authority.issue("smtp.hop.test")):
            self.expect_sound(self.hop(verify), prefix=doctor.ALONE)
        with doctor.SecureHop(authority.issue("other.hop.test")):
            self.expect("hops", "error", "TLS fails: ", self.hop(verify))
            self.expect_sound(self.hop("tls encrypt"), prefix=doctor.ALONE)
        with doctor.SecureHop(authority.issue("smtp.hop.test", since=-30, days=20)):
            self.expect("hops", "error", "TLS fails: ", self.hop(verify))

    def test_smart_host_that_takes_less(self):
        with harness.Sink(port=587, address=HOP, extensions=("SIZE 1000000",)):
            self.expect("hops", "note", "smart_host smtp.hop.test takes messages of at most 1000000 octets", self.hop())
        with harness.Sink(port=587, address=HOP, extensions=("SIZE 0",)):
            self.expect_sound(self.hop(), prefix=doctor.ALONE)

    def test_smart_host_without_our_mechanism(self):
        password = MACHINE.folder / "password"
        password.write_text("secret\n")
        password.chmod(0o600)
        self.expect_hop("error", "it does not offer AUTH LOGIN, which the configuration wants; it offers: CRAM-MD5",
                        f"auth login; username u; password_file {password}; auth_unverified yes", extensions=("AUTH CRAM-MD5",))

    def test_smart_host_that_is_this_server(self):
        with harness.Sink(port=2525, address=ADDRESS):
            self.expect("hops", "error", "is this server itself", MACHINE.conf("smart_host [mail.a.test]:2525"), besides=("ports",))

    def test_port_25_is_blocked(self):
        doctor.run("ip", "route", "add", "prohibit", "20.30.60.1/32")
        self.addCleanup(doctor.run, "ip", "route", "del", "prohibit", "20.30.60.1/32")
        with MACHINE.dns_fault(MX=("gmail.com", [doctor.mx("mx.gmail.com")]), A=("mx.gmail.com", [socket.inet_aton("20.30.60.1")])):
            MACHINE.dns.faults.update({("outlook.com", "MX"): [doctor.mx("mx.gmail.com")]})
            self.expect("port25", "error", "port 25 outwards is blocked")

    def test_large_receiver_refuses_us(self):
        MACHINE.far.answers["greeting"] = lambda _: "554 5.7.1 on a blocklist"
        self.addCleanup(MACHINE.far.answers.clear)
        self.expect("port25", "warning", "does not greet us: it answers the connection with \"554 5.7.1 on a blocklist\"")


class Dead(Doctor):
    def test_it_ends_in_time(self):
        """Silent name servers and a silent smart host."""
        with MACHINE.dns_fault(any=("*", "silent")), socket.create_server((HOP, 587)):
            began = time.monotonic()
            _, said = MACHINE.doctor(MACHINE.conf(f"smart_host [{HOP}]:587 [smtp.hop.test]"))
            self.assertLess(time.monotonic() - began, 20)
        self.assertIn("no name server answers, so no mail leaves but to written addresses", [f["what"] for f in said["findings"]])

    def test_checks_that_need_dns_are_one_line(self):
        done = subprocess.run([harness.BUILD / "mailrootctl", "-c", MACHINE.conf(dns_server="127.0.0.1:9"), "doctor"], capture_output=True, text=True,
                              timeout=60)
        self.assertRegex(done.stdout, r"\nnote: fqdn, reverse, [a-z0-9, ]*: not examined, because no name server answers\n    remedy: ")
        self.assertEqual(done.stdout.count("not examined, because no name server answers"), 1)

    def test_it_ends_in_time_if_only_some_names_are_silent(self):
        with MACHINE.dns_fault(any=("*.test", "silent")):
            began = time.monotonic()
            MACHINE.doctor()
            self.assertLess(time.monotonic() - began, 20)


class Relay(Doctor):
    def test_open_relay(self):
        self.expect("relay", "error", "is an open relay: a stranger such as 1.77.77.77", MACHINE.conf("relay { allow all-except-listed; open_relay_intended yes }"))

    def test_list_with_a_large_network(self):
        self.expect("relay", "error", "a stranger such as 3.77.77.77 may send mail to any domain (client is in relay list 3.0.0.0/8",
                    MACHINE.conf("relay { list 3.0.0.0/8 }"))

    def test_gateway_may_relay(self):
        self.expect("gateway", "warning", f"relay list {GATEWAY} has {GATEWAY}, the gateway of this network", MACHINE.conf(f"relay {{ list {GATEWAY} }}"))

    def test_gateway_is_limited(self):
        self.expect("gateway", "note", f"the limits of client hold for {GATEWAY}, the gateway of this network", MACHINE.conf("client { messages 300/1m }"))

    def test_session_with_the_running_service(self):
        """From this machine, which may not relay here; it ends without a message."""
        spool = MACHINE.spool / "mailroot" / "test"
        conf = MACHINE.conf()
        with doctor.service(conf) as server:
            status, said = MACHINE.doctor(conf)
            self.assertEqual((status, said["findings"]), (0, []))
            self.assertIn('command="RCPT TO:<@a.test:nobody@relay-test.invalid>" status=refused', server.log())
            self.assertEqual([*server.files(spool / "new"), *server.files(spool / "cur"), *server.files(spool / "drop")], [])

    def test_trouble_of_the_running_service(self):
        conf = MACHINE.conf(listen=f"{ADDRESS}:2525\nlisten 20.30.40.99:2525")
        with doctor.service(conf):
            self.expect("service", "error", "20.30.40.99:2525", conf, besides=("ports",))


if __name__ == "__main__":
    doctor.become_machine()
    harness.main()
