"""mailrootctl replay: it decides as the running service does, and what it prints can be pasted into the configuration."""
import ipaddress
import itertools
import json
import os
import pathlib
import random
import re
import subprocess
import time
import unittest

import harness
import oldlogs
from harness import Mailroot, scratch
from oldlogs import Rules, Traffic

CLIENTS = ["10.1.0.1", "10.1.255.255", "10.2.0.1", "192.168.7.9", "192.168.8.10", "198.51.100.7", "203.0.113.9", "2001:db8::1", "127.0.0.1"]
DOMAINS = ["example.com", "EXAMPLE.com", "sales.example.com", "alias.example", "partner.example", "a.partner.example", "no.example", "shop.test",
           "example.net", "[192.0.2.1]"]


def run(*args, stdin=None, check=None):
    done = subprocess.run([str(harness.BUILD / "mailrootctl"), *map(str, args)], capture_output=True, text=True, timeout=120,
                          input=stdin if stdin is not None else "")
    if check is not None and done.returncode != check:
        raise AssertionError(f"exit {done.returncode}, not {check}: {' '.join(map(str, args))}\n{done.stdout}{done.stderr}")
    return done


def replay(conf, *args, check=None):
    done = run("-c", conf, "replay", *args, "--json", check=check)
    return json.loads(done.stdout)


def conf_file(folder, inside, name="mailroot.conf"):
    path = folder / name
    path.write_text(f"virtual_server main {{\nfqdn mail.example.com\n{inside}\n}}\n")
    return path


class Random:
    """A random configuration of rules about clients and domains."""

    def __init__(self, choose):
        pick = lambda *some: choose.choice(some)
        networks = choose.sample(["10.1.0.0/16", "192.168.7.9", "198.51.100.0/24", "2001:db8::/32", "10.0.0.0/8"], 2)
        names = choose.random() < 0.4
        self.lines = ["local_domain sales.example.com { }", "alias_domain alias.example",
                      f"remote_domain partner.example {{ relay {pick('yes', 'no')} }}",
                      f"remote_domain *.partner.example {{ relay {pick('yes', 'no')} }}",
                      f"connector shop {{ address_space *.test; route [127.0.0.1]:9; relay {pick('yes', 'no')} }}",
                      f"relay {{ open_relay_intended yes; allow {pick('only-listed', 'all-except-listed')}; authenticated {pick('yes', 'no')}",
                      *(f"list {one}" for one in networks), *(["list *.corp.example"] if names else []), "}"]
        if choose.random() < 0.5:
            self.lines += ["connect {", f"list {pick('203.0.113.0/24', '10.2.0.1', '*.bad.example')}", "}"]
        self.access = f"auth scram-sha-256; anonymous {pick('yes', 'yes', 'no')}"


class Verdicts(unittest.TestCase):
    """`explain relay` of the running service is asked about each possible client: with and without authentication, and with each name."""

    def possible(self, server, client, domain, authenticated):
        worlds = itertools.product([[], ["--user", "joe"]] if authenticated else [[]],
                                   [[], ["--name", "a.corp.example"], ["--name", "a.bad.example"], ["--name", "a.other.example"]])
        found = {}
        for user, name in worlds:
            told = server.ctl_json("explain", "relay", "--client", client, "--to", f"u@{domain}", *user, *name)
            found.setdefault("accepted" if told["accepted"] else "refused", told["rules"][-1])
        return found

    def groups(self, server, log):
        """(client, domain) -> the new outcome and its group, from logs in which every recipient was accepted, then refused."""
        found, same = {}, 0
        for old, status in (("accepted", 250), ("refused", 550)):
            text = log.replace("STATUS", str(status))
            path = server.folder / f"ex_{old}.log"
            path.write_text(text)
            told = replay(server.conf, path)
            self.assertEqual(told["bad_lines"], 0)
            for group in told["groups_otherwise"] + told["groups_unknowable"]:
                self.assertEqual(group["old"], old)
                found[group["first"]["client"], group["domain"]] = group
            same += told["same"]
        return found, same

    def log_of(self, pairs, users):
        lines = ["#Fields: c-ip x-session cs-method cs-uri-query sc-status"]
        for n, (client, domain) in enumerate(pairs):
            lines += [f"{client} {n + 1} AUTH +LOGIN 235"] * (client in users) + [f"{client} {n + 1} RCPT +TO:<u@{domain}> STATUS"]
        return "\n".join(lines) + "\n"

    def test_as_explain_relay(self):
        seed = int(os.environ.get("MAILROOT_SEED") or time.time_ns() // 1000)
        print(f"MAILROOT_SEED={seed}")
        choose = random.Random(seed)
        users = {"10.2.0.1", "198.51.100.7", "10.1.0.1"}
        with Mailroot() as server:
            (server.folder / "users").write_text("")
            for n in range(4):
                plan = Random(choose)
                server.write_conf("\n".join([*plan.lines, f"access {{ user_file {server.folder}/users; {plan.access} }}"]))
                server.ctl("reload")
                pairs = choose.sample(list(itertools.product(CLIENTS, DOMAINS)), 25)
                found, same = self.groups(server, self.log_of(pairs, users))
                for client, domain in pairs:
                    with self.subTest(client=client, domain=domain, conf=server.conf.read_text(), user=client in users):
                        possible = self.possible(server, client, domain, client in users)
                        group = found[client, domain.lower()]
                        self.assertEqual(group["new"], "unknowable" if len(possible) > 1 else list(possible)[0])
                        if len(possible) == 1 and client not in users:
                            rule = list(possible.values())[0]
                            self.assertEqual((group["at"], re.sub(r" \(the client has no confirmed name.*?\)", "", group["rule"])),
                                             (rule["at"] or "the default", re.sub(r" \(the client has no confirmed name.*?\)", "", rule["rule"])))
                self.assertEqual(same, sum(len(self.possible(server, *pair, pair[0] in users)) == 1 for pair in pairs))


class OwnLogs(unittest.TestCase):
    def test_every_format(self):
        """The service's own logs replayed against its own configuration: nothing differs. Against a stricter one, what was relayed does."""
        for kind in ("w3c", "iis", "ncsa"):
            with self.subTest(kind=kind), Mailroot(f"log {{ format {kind} }}\nsmart_host [127.0.0.1]:{harness.free_port()}") as server:
                with server.client() as client:
                    for rcpts in (["joe@example.com"], ["ann@example.net", "joe@example.com"], ["ann@example.org"]):
                        client.sendmail("app@example.com", rcpts, b"Subject: x\r\n\r\nhello\r\n")
                folder = server.folder / "logs" / server.name
                harness.wait_for(lambda: any(b"QUIT" in path.read_bytes() for path in folder.iterdir()), "the last row")
                told = replay(server.conf, folder, check=0)
                self.assertEqual((told["same"], told["otherwise"], told["unknowable"], told["bad_lines"]), (4, 0, 0, 0))
                self.assertEqual(told["mail"]["messages"], 3)
                self.assertEqual([(one["list"], one["recipients"], one["listed"]) for one in told["relay_list"]], [("127.0.0.1", 2, True)])
                stricter = conf_file(server.folder, "relay { list 10.0.0.0/8 }\ndefault_domain example.com", "stricter.conf")
                told = replay(stricter, folder, check=1)
                self.assertEqual((told["same"], told["otherwise"]), (2, 2))

    def test_a_user(self):
        """A client that authenticated is known by its row, in every format, and its recipients are unknowable: will it do so again?"""
        for kind in ("w3c", "iis", "ncsa"):
            with self.subTest(kind=kind), Mailroot() as server:
                server.write_conf(f"log {{ format {kind} }}\nsmart_host [127.0.0.1]:{harness.free_port()}\nrelay {{ list none }}\n"
                                  f"access {{ user_file {server.folder}/users; auth_requires_tls no; auth plain login }}")
                server.ctl("reload")
                run("-c", server.conf, "user", "add", "joe", stdin="secret word\n", check=0)
                with server.client() as client:
                    client.login("joe", "secret word")
                    client.sendmail("app@example.com", ["ann@example.net", "joe@example.com"], b"Subject: x\r\n\r\nhello\r\n")
                folder = server.folder / "logs" / server.name
                harness.wait_for(lambda: any(b"QUIT" in path.read_bytes() for path in folder.iterdir()), "the last row")
                told = replay(server.conf, folder, check=0)
                self.assertEqual((told["same"], told["otherwise"], told["unknowable"]), (1, 0, 1))
                self.assertEqual([(one["depends_on"], one["domain"]) for one in told["groups_unknowable"]], [("user", "example.net")])
                self.assertEqual(told["relay_list"], [])


class OldServer(unittest.TestCase):
    def setUp(self):
        self.folder = scratch()
        self.rules = Rules()
        self.clients = [f"10.1.3.{n}" for n in range(1, 30)] + [f"203.0.113.{n}" for n in range(1, 30)] + ["192.168.7.9", "10.9.9.9"]
        self.domains = ["example.com", "partner.example", "example.net", "example.org"]

    def write(self, kind, users=(), seed=1, count=3000):
        traffic = Traffic(self.rules, self.clients, self.domains, users, seed)
        path = self.folder / "logs" / f"{kind}251009.log"
        path.parent.mkdir(exist_ok=True)
        oldlogs.write(path, traffic.rows(count), kind)
        return traffic

    def test_three_formats_alike(self):
        conf = conf_file(self.folder, self.rules.conf())
        for kind in oldlogs.FORMATS:
            with self.subTest(kind=kind):
                traffic = self.write(kind)
                told = replay(conf, self.folder / "logs" / f"{kind}251009.log", check=0)
                self.assertEqual((told["same"], told["otherwise"], told["bad_lines"]), (traffic.recipients, 0, 0))
                self.assertGreater(told["outbound_rows"], 0)
        told = replay(conf, self.folder / "logs", check=0)
        self.assertEqual((told["files"], told["same"]), (3, 3 * traffic.recipients))

    def test_the_printed_relay_list_cures_it(self):
        traffic = self.write("ex")
        conf = conf_file(self.folder, "default_domain example.com\nremote_domain partner.example { relay yes }")
        done = run("-c", conf, "replay", self.folder / "logs", check=1)
        block = re.search(r"^    relay \{\n.*?^    \}$", done.stdout, re.M | re.S)[0]
        self.assertRegex(block, r"(?m)^        list 10\.1\.3\.0/24 +# 29 clients, \d+ recipients, last seen 2025-10-09$")
        self.assertRegex(block, r"(?m)^        list 192\.168\.7\.9 +# \d+ recipients, HELO host-9, last seen 2025-10-09$")
        self.assertNotIn("10.9.9.9", block)
        conf.write_text(conf.read_text().replace("\n}\n", f"\n{block}\n}}\n"))
        told = replay(conf, self.folder / "logs", check=0)
        self.assertEqual(told["same"], traffic.recipients)
        self.assertIn("relay list has all of them", run("-c", conf, "replay", self.folder / "logs", check=0).stdout)

    def test_a_server_that_was_imported(self):
        """The metabase of the server that wrote the logs, imported: every recipient that a log can tell is decided alike."""
        self.rules = Rules(domains=("example.com", "example.org"), remotes=("partner.example", "*.wild.example"),
                           networks=("10.1.3.0/24", "10.4.0.0/14", "192.168.7.9/32", "172.16.4.0/22"))
        self.clients += ["10.4.0.1", "10.8.0.1", "172.16.7.255", "172.16.8.0", "192.168.7.8"]
        self.domains += ["a.wild.example", "wild.example", "EXAMPLE.ORG"]
        (self.folder / "MetaBase.xml").write_text(self.rules.metabase(), encoding="utf-8")
        conf = self.folder / "imported.conf"
        run("import-iis", self.folder / "MetaBase.xml", "--out", conf, check=0)
        for kind in oldlogs.FORMATS:
            with self.subTest(kind=kind):
                traffic = self.write(kind, users=["203.0.113.5", "10.9.9.9"])
                told = replay(conf, self.folder / "logs" / f"{kind}251009.log", check=0)
                self.assertEqual((told["otherwise"], told["same"] + told["unknowable"]), (0, traffic.recipients))
                self.assertLessEqual(told["unknowable"], traffic.of_users)

    def test_users_and_strangers(self):
        traffic = self.write("ex", users=["203.0.113.5", "10.9.9.9"])
        users = f"access {{ auth scram-sha-256; user_file {self.folder}/users }}\n"
        conf = conf_file(self.folder, users + self.rules.conf())
        told = replay(conf, self.folder / "logs", check=0)
        self.assertEqual(told["same"] + told["unknowable"], traffic.recipients)
        self.assertLessEqual(told["unknowable"], traffic.of_users)
        self.assertTrue(all(group["depends_on"] == "user" for group in told["groups_unknowable"]))
        done = run("-c", conf, "replay", self.folder / "logs", check=0)
        self.assertIn("2 clients relayed after AUTH", done.stdout)
        # Without the remote domain, mail from many networks for it is refused.
        self.rules.known.clear()
        self.clients = [f"{100 + n}.0.2.1" for n in range(20)]
        self.write("ex")
        conf = conf_file(self.folder, "default_domain example.com\nrelay { list 10.1.0.0/16 }")
        done = run("-c", conf, "replay", self.folder / "logs", check=1)
        self.assertIn("Mail for partner.example came from 20 public networks", done.stdout)
        self.assertIn("No row has reply 235", done.stdout)

    def test_the_command(self):
        self.write("ex")
        log = self.folder / "logs" / "ex251009.log"
        conf = conf_file(self.folder, self.rules.conf())
        text = log.read_text(encoding="utf-8-sig")
        self.assertIn("decided otherwise", run("replay", "-", "--config", conf, stdin=text, check=0).stdout)
        self.assertIn("\n1 line is no row:\n", run("replay", "-", "--config", conf, stdin="x\n" + text, check=0).stdout)
        with open(log, "a") as more:
            more.write("\nnot a row\n2025-10-09 00:00:01 10.1.3.1\n" + 70000 * "x" + "\n" + "#Fields: time\n")
        done = run("replay", log, "--config", conf, check=0)
        lines = text.count("\n") + 1
        self.assertIn(f"4 lines are no rows:\n  {log}:{lines + 1}: ", done.stdout)
        self.assertIn(f"{log}:{lines + 3}: longer than 64 KiB: xxx", done.stdout)
        self.assertIn("can't read", run("replay", log, self.folder / "none.log", "--config", conf, check=2).stderr)
        (self.folder / "empty").mkdir()
        self.assertIn("no file in this folder is called *.log", run("replay", self.folder / "empty", "--config", conf, check=2).stderr)
        self.assertIn("which logs?", run("replay", "--config", conf, check=2).stderr)
        self.assertIn("nothing can be compared", run("replay", log, "--config", log, check=2).stderr)
        self.assertIn("it has main", run("replay", log, "--config", conf, "--server", "other", check=2).stderr)
        told = replay(conf, log, "--since", "2025-10-09 00:02:00", check=0)
        self.assertTrue(told["left_out_rows"] > 0 < told["same"] and told["from"] >= "2025-10-09 00:02:00")
        self.assertIn("No row is a RCPT", run("replay", log, "--config", conf, "--since", "2025-10-19", check=2).stdout)
        self.assertIn("usage: mailrootctl replay", run("replay", "--help", check=0).stdout)


if __name__ == "__main__":
    harness.main()
