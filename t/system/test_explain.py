"""`explain route` says what the next message does: asked first, then the message is sent and the log compared."""
import random
import re
import unittest

import harness
from harness import Mailroot, Sink, free_port, wait_for
from test_dns import A, MX, NameServer, loopback, mx


class Route(unittest.TestCase):
    def explain(self, server, address, *more):
        return server.ctl_json("explain", "route", address, *more)

    def test_it_is_what_the_next_message_does(self):
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
                                              "tls": "TLS required, with a certificate for x.odd.test"}])
            self.assertIn({"name": "tls", "value": "verify"}, told["outbound"])
            self.assertRegex(told["rules"][0]["at"], r"\.conf:\d+$")
            self.assertNotIn("password_file", {one["name"] for one in told["outbound"]})
            told = self.explain(server, "a@odd.test", "--size", "2K")
            self.assertEqual(told["next_hop"], "[127.0.0.1]:1")
            self.assertIn("connector odd", told["advice"])
            self.assertIn("max_message_size", told["advice"])
            text = server.ctl("explain", "route", "a@other.test").stdout
            self.assertIn("mail goes to [127.0.0.1]:1\n", text)
            self.assertIn("smart_host", text)
            self.assertNotEqual(server.ctl("explain", "route", "a@@b", check=False).returncode, 0)

    def test_a_look_up_that_comes_to_nothing_and_one_that_hangs(self):
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
