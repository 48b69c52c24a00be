"""`explain route` predicts the next message: its answer is compared with the log of a message that is sent after it."""
import random
import re
import shutil
import unittest

import harness
from harness import Mailroot, Sink, free_port, wait_for
from test_dns import A, MX, NameServer, loopback, mx


class Route(unittest.TestCase):
    def explain(self, server, address, *more):
        return server.ctl_json("explain", "route", address, *more)

    def test_it_predicts_the_next_message(self):
        records = {("mx.test", MX): [mx(10, "a.mx.test"), mx(20, "b.mx.test")], ("a.mx.test", A): loopback(2),
                   ("b.mx.test", A): loopback(3), ("plain.test", A): loopback(4), ("named.test", A): loopback(5)}
        choose = random.Random(7)
        with NameServer(records) as dns, Sink(address="0.0.0.0") as sink:
            ways = f"""
                outbound {{ port {sink.port}; tls off }}
                smart_host [127.0.0.9]
                remote_domain mx.test {{ route dns; private_mx yes }}
                remote_domain plain.test {{ route dns; private_mx yes }}
                remote_domain *.own.test {{ route [127.0.0.6] }}
                remote_domain b.own.test {{ route [named.test] }}
                connector big {{ address_space *.net cost 5; route [127.0.0.7] }}
                connector small {{ address_space *.net; route [127.0.0.8]; max_message_size 1K; senders_refused no@example.com }}
                connector boss {{ address_space org.test; route [127.0.0.10]; senders boss@example.com <> }}
            """
            with Mailroot(ways, global_conf=f"dns_server 127.0.0.1:{dns.port}") as server:
                domains = ["mx.test", "plain.test", "a.own.test", "b.own.test", "x.net", "org.test", "elsewhere.test", "example.com"]
                for n in range(40):
                    rcpt = f"r{n}@{choose.choice(domains)}"
                    sender = choose.choice(["boss@example.com", "no@example.com", "app@example.com"])
                    large = choose.random() < 0.3
                    told = self.explain(server, rcpt, "--from", sender, "--size", "4K" if large else "300")
                    server.send([rcpt], text=b"Subject: x\r\n\r\n" + (60 * (60 * b"x" + b"\r\n") if large else b"x\r\n"), sender=sender)
                    line = wait_for(lambda: next((line for line in server.log().splitlines()
                                                  if f"to=<{rcpt}>" in line and "status=delivered" in line), None), rcpt)
                    relay = re.search(r"relay=\S*?\[([0-9.]+)\]:(\d+)", line)
                    with self.subTest(told=told, line=line):
                        if told["kind"] == "drop":
                            self.assertIn(f"folder={told['next_hop']}", line)
                        else:
                            self.assertEqual((told["hosts"][0]["address"], str(told["hosts"][0]["port"])), relay.groups())
                            self.assertEqual(told["hosts"][0]["tls"], "no TLS")

    def test_rules_settings_and_advice(self):
        with Mailroot("""
                smart_host [127.0.0.1]:1
                connector odd { address_space odd.test; route [127.0.0.2]:2; max_message_size 1K; outbound { tls verify; tls_name x.odd.test } }
                """) as server:
            told = self.explain(server, "a@odd.test", "--size", "900")
            self.assertEqual(told["next_hop"].split(" by ")[0], "[127.0.0.2]:2")
            self.assertEqual(told["outbound_block"], "connector odd")
            self.assertEqual(told["hosts"], [{"name": "127.0.0.2", "address": "127.0.0.2", "port": 2,
                                              "tls": "TLS required, with a certificate for x.odd.test",
                                              "turn": 1, "state": "well", "due_s": None, "weight": None}])
            self.assertIn({"name": "tls", "value": "verify"}, told["outbound"])
            self.assertRegex(told["rules"][0]["at"], r"\.conf:\d+$")
            self.assertFalse({"password_file", "port"} & {one["name"] for one in told["outbound"]})  # the host has its own port
            told = self.explain(server, "a@odd.test", "--size", "2K")
            self.assertEqual(told["next_hop"], "[127.0.0.1]:1")
            self.assertIn("connector odd", told["advice"])
            self.assertIn("max_message_size", told["advice"])
            text = server.ctl("explain", "route", "a@other.test").stdout
            self.assertIn("mail goes to [127.0.0.1]:1\n", text)
            self.assertIn("smart_host", text)
            self.assertNotEqual(server.ctl("explain", "route", "a@@b", check=False).returncode, 0)

    def test_rejected_rules_and_limits(self):
        with Sink() as sink, Mailroot(f"""
                smart_host [127.0.0.1]:{sink.port}
                masquerade_domain example.net
                messages {{ max_messages_per_connection 7 }}
                remote_domain *.example.org {{ route [127.0.0.2] }}
                remote_domain own.example.org {{ outbound {{ rate 30/1m; max_connections 3 }} }}
                connector a {{ address_space *.org cost 3; route [127.0.0.3]; max_message_size 1M }}
                connector b {{ address_space *.org cost 3; route [127.0.0.4] }}
                connector c {{ address_space *.org cost 2; route [127.0.0.5]; max_message_size 1K }}
                connector d {{ address_space *.example.org; route [127.0.0.1]:{sink.port}; senders app@example.com }}
                """) as server:
            told = self.explain(server, "u@x.org", "--size", "5K")
            self.assertEqual(told["next_hop"], "[127.0.0.3]:25")
            self.assertEqual([(one["rule"], one["why"]) for one in told["passed_over"]],
                             [("connector b", "connector a is listed before it"),
                              ("connector c", "the message has 5120 octets, its max_message_size is 1024"),
                              ("smart_host 127.0.0.1", "connector a takes precedence")])
            self.assertIn("connector c would take it without this condition", told["advice"])
            for one in told["passed_over"]:
                self.assertRegex(one["at"], r"\.conf:\d+$")

            told = self.explain(server, "u@own.example.org", "--from", "boss@example.com", "--size", "5K")
            self.assertEqual([(one["rule"], one["why"]) for one in told["passed_over"]],
                             [("remote_domain *.example.org", "remote_domain own.example.org is more specific"),
                              ("connector b", "connector a is listed before it"),
                              ("connector c", "the message has 5120 octets, its max_message_size is 1024"),
                              ("connector d", "the sender is not in its senders"),
                              ("smart_host 127.0.0.1", "connector a takes precedence")])
            self.assertEqual(told["rules"][0]["rule"], "remote_domain own.example.org, which has no route")
            self.assertEqual(told["masquerade"], "boss@example.net")

            server.send(["u@own.example.org"])
            sink.wait(1)

            def limits():
                told = self.explain(server, "u@own.example.org", "--from", "app@example.com")
                return {one["setting"]: (one["most"], one["now"]) for one in told["limits"] if one["setting"]}
            wait_for(lambda: limits() == {"max_outbound_connections_per_domain": (100, 1), "max_connections": (3, 1),
                                          "rate": ("30/1m", 1), "max_messages_per_connection": (7, None)}, "the counts")
            text = server.ctl("explain", "route", "u@own.example.org", "--from", "app@example.com").stdout
            self.assertRegex(text, r"(?m)^  messages: 30/1m at most, 1 now \(rate\)$")
            self.assertRegex(text, r"(?m)^  \S+\.conf:\d+: connector c: its cost|connector c: address_space \*.example.org of connector d is more specific$")
            self.assertIn("  with MAIL FROM:<app@example.net>, by masquerade_domain\n", text)

            told = self.explain(server, "u@example.com")
            self.assertEqual([one["why"] for one in told["passed_over"]], ["mail for local_domain example.com is delivered locally"])

    def test_a_host_that_does_not_answer(self):
        """It is last, with the time of its next attempt; the message tries the hosts in this order."""
        with Sink() as sink, Mailroot(f"smart_host [127.0.0.1]:{free_port()} [127.0.0.1]:{sink.port}") as server:
            told = self.explain(server, "a@x.test")
            self.assertEqual([(host["turn"], host["state"]) for host in told["hosts"]], [(1, "well"), (2, "well")])
            server.send(["a@x.test"])
            sink.wait(1)
            told = wait_for(lambda: (lambda t: t if any(h["state"] == "sick" for h in t["hosts"]) else None)(self.explain(server, "a@x.test")),
                            "the dead host to be known")
            self.assertEqual([(host["port"], host["turn"], host["state"]) for host in told["hosts"]][0], (sink.port, 1, "well"))
            self.assertIsNone(told["hosts"][1]["turn"])
            self.assertGreater(told["hosts"][1]["due_s"], 0)

    def test_mail_on_demand(self):
        with Mailroot("remote_domain w.test { etrn yes; route [127.0.0.1]:1 }") as server:
            told = self.explain(server, "a@w.test")
            self.assertEqual(told["why"], "it waits for ETRN or ATRN (etrn yes)")
            self.assertIn("etrn yes: waits for ETRN", [one["rule"] for one in told["rules"]])
            self.assertRegex(server.ctl("explain", "route", "a@w.test").stdout, r"^mail goes to \S+ etrn w.test: it waits for ETRN or ATRN")

    def test_weights(self):
        with Mailroot("smart_host [127.0.0.1]:1 weight 3 [127.0.0.2]:1 weight 1 [127.0.0.3]:1") as server:
            told = self.explain(server, "a@x.test")
            self.assertEqual({host["address"]: host["weight"] for host in told["hosts"]}, {"127.0.0.1": 3, "127.0.0.2": 1, "127.0.0.3": None})
            self.assertEqual(told["hosts"][2]["address"], "127.0.0.3")
            self.assertEqual(self.explain(server, "a@x.test")["hosts"], told["hosts"])

    def test_answers_of_dns(self):
        records = {("mx.test", MX): [mx(20, "b.mx.test"), mx(10, "a.mx.test")], ("a.mx.test", A): loopback(2), ("b.mx.test", A): loopback(3),
                   ("plain.test", A): loopback(4), ("null.test", MX): [mx(0, ".")]}
        with NameServer(records) as dns, Mailroot("smart_host [plain.test]:1; remote_domain *.test { route dns; private_mx yes }",
                                                  global_conf=f"dns_server 127.0.0.1:{dns.port}") as server:
            for domain, kind, answer, status, text in (("mx.test", "mx", "found", None, "MX 10 a.mx.test, 20 b.mx.test"),
                                                       ("plain.test", "mx", "found", None, "no MX, so the name itself is the host"),
                                                       ("null.test", "mx", "never", "5.1.10", "the domain does not accept mail (null MX)"),
                                                       ("x.example", "address", "found", None, None)):
                told = self.explain(server, f"a@{domain}")["dns"]
                self.assertEqual([(one["name"], one["type"], one["answer"], one["status"], one["text"]) for one in told],
                                 [("plain.test" if kind == "address" else domain, kind, answer, status, text)])

    def test_a_look_up_that_fails_and_one_that_hangs(self):
        with NameServer({("x.test", A): loopback(1)}, silent=["mute.test"]) as dns:
            with Mailroot("delivery { retry 1h }", global_conf=f"dns_server 127.0.0.1:{dns.port}") as server:
                told = self.explain(server, "a@none.test")
                self.assertEqual([(one["name"], one["type"], one["answer"]) for one in told["dns"]], [("none.test", "mx", "never")])
                self.assertEqual(told["hosts"], [])
                told = self.explain(server, "a@mute.test")
                self.assertEqual([(one["name"], one["answer"]) for one in told["dns"]], [("mute.test", "later")])
                server.send(["b@example.com"])
                server.dropped(1)

    def test_a_next_hop_that_is_down(self):
        with Mailroot(f"smart_host [127.0.0.1]:{free_port()}; delivery {{ retry 1h }}") as server:
            server.send(["a@x.test"])
            wait_for(lambda: self.explain(server, "b@y.test")["health"], "the next hop")
            told = wait_for(lambda: (lambda t: t if t["health"][0]["state"] == "down" else None)(self.explain(server, "b@y.test")), "down")
            self.assertIn("could not connect", told["health"][0]["reason"])
            self.assertIn("down", told["advice"])

    def test_a_name_that_does_not_exist(self):
        """All mail waits because of a mistake in the file: `status` and `explain route` name it until it is corrected."""
        with NameServer({}) as names, Sink() as sink:
            dns = f"dns_server 127.0.0.1:{names.port}"
            with Mailroot("smart_host smtp.ofice365.test; delivery { retry 1h }", global_conf=dns) as server:
                server.send(["a@x.test"])
                words = wait_for(lambda: server.ctl_json("status")["servers"][0]["mail_waits_for"], "status to name the next hop")[0]
                self.assertRegex(words, r"smtp\.ofice365\.test.*see smart_host in .*mailroot\.conf:\d+")
                told = self.explain(server, "b@y.test")
                self.assertEqual(told["health"][0]["state"], "down")
                self.assertIn("see smart_host in", told["health"][0]["reason"])
                server.write_conf(f"smart_host [127.0.0.1]:{sink.port}; delivery {{ retry 1h }}", global_conf=dns)
                server.ctl("reload")
                sink.wait(1)
                wait_for(lambda: not server.ctl_json("status")["servers"][0]["mail_waits_for"], "the end of the trouble")

    def test_credentials_and_sender(self):
        """Credentials are for the hosts of their own block; for other hosts `auth off` is shown."""
        password = self.folder() / "password"
        password.write_text("secret\n")
        outbound = f"outbound {{ tls verify; auth login; username u@x.test; password_file {password} }}"
        with Mailroot(f"smart_host [127.0.0.1]:1; {outbound}\nremote_domain other.test {{ route [127.0.0.2]:2 }}") as server:
            for rcpt, auth, user, block in (("a@x.test", "login", ["u@x.test"], "virtual_server"), ("a@other.test", "off", [], "")):
                told = self.explain(server, rcpt)
                said = [(one["name"], one["value"]) for one in told["outbound"]]
                self.assertIn(("auth", auth), said)
                self.assertEqual([value for name, value in said if name == "username"], user)
                self.assertEqual((told["outbound_block"], told["credentials_block"]), ("virtual_server", block))

    def folder(self):
        folder = harness.scratch()
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        return folder

    def test_a_change_of_tls_does_not_restart_the_queue(self):
        def pid(role):
            servers = server.ctl_json("status")["servers"]
            return next(p["pid"] for p in servers[0]["processes"] if p["role"] == role)

        def tls():
            return next(o["value"] for o in self.explain(server, "a@x.test")["outbound"] if o["name"] == "tls")

        with Mailroot("smart_host [127.0.0.1]:1; outbound { tls off }") as server:
            before = pid("queue")
            self.assertEqual(tls(), "off")
            server.write_conf("smart_host [127.0.0.1]:1; outbound { tls encrypt }")
            server.ctl("reload")
            wait_for(lambda: tls() == "encrypt", "the new setting")
            self.assertEqual(pid("queue"), before)


if __name__ == "__main__":
    harness.main()
