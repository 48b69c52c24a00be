"""Name servers that do not answer: mail waits, or the other servers are used, and status names the silent one."""
import json
import os
import unittest

import harness
from harness import Mailroot, Sink
from test_dns import A, NameServer, loopback


class Servers(unittest.TestCase):
    RECORDS = {("plain.test", A): loopback(1), ("late.test", A): loopback(1), ("first.test", A): loopback(1)}

    def service(self, port, servers):
        return Mailroot(f"outbound {{ port {port} }}\ndelivery {{ retry 1s; expire 1h }}", global_conf=f"dns_server {servers}")

    @staticmethod
    def attention(server):
        found = json.loads(server.ctl("status", "--json", check=False).stdout)["servers"][0]["attention"]
        return [entry["text"] for entry in found if entry["role"] == "resolver"]

    def test_the_only_one_falls_silent_and_comes_back(self):
        with NameServer(self.RECORDS) as names, Sink() as sink, self.service(sink.port, f"127.0.0.1:{names.port}") as server:
            server.send(["user@first.test"])
            sink.wait(1)
            self.assertEqual(self.attention(server), [])
            names.mute = True
            server.send(["user@late.test"])
            harness.wait_for(lambda: 'enhanced=4.4.3 text="late.test: DNS gave no answer' in server.log(), "the reason", 60)
            told = harness.wait_for(lambda: self.attention(server), "a report of the silent name server", 60)
            self.assertRegex(told[0], rf"^name server 127\.0\.0\.1:{names.port} does not answer; mail that needs DNS waits.*dns_server in .*mailroot\.conf:\d+$")
            self.assertIn(told[0], server.ctl("status", check=False).stdout)
            done = server.ctl("check", server.conf)
            self.assertRegex(done.stdout, rf"mailroot\.conf:\d+: warning: name server 127\.0\.0\.1:{names.port} does not answer\n")
            names.mute = False
            harness.wait_for(lambda: not self.attention(server), "an end of the trouble", 60)
            sink.wait(2, seconds=60)
            self.assertNotIn("name server", server.ctl("check", server.conf).stdout)
            self.assertIn("all name servers answer again", server.log())

    def test_smart_host_whose_name_is_wrong(self):
        """status, queue list and explain route say so, until the name is right."""
        with NameServer(self.RECORDS) as names, Sink() as sink:
            route = f"outbound {{ port {sink.port} }}\ndelivery {{ retry 1h; expire 2d }}\nsmart_host "
            with Mailroot(f"{route}[plian.test]", global_conf=f"dns_server 127.0.0.1:{names.port}") as server:
                server.send(["user@example.net"])

                def waits():
                    return json.loads(server.ctl("status", "--json", check=False).stdout)["servers"][0]["mail_waits_for"]

                told = harness.wait_for(waits, "a report of the smart host")
                self.assertEqual(len(told), 1)
                self.assertIn("plian.test", told[0])
                self.assertIn("see smart_host in", told[0])
                self.assertIn("plian.test", server.ctl_json("queue", "list")["messages"][0]["reason"])
                self.assertRegex(server.ctl("explain", "route", "user@example.net", check=False).stdout, r"down")
                server.write_conf(f"{route}[plain.test]", global_conf=f"dns_server 127.0.0.1:{names.port}")
                server.ctl("reload")
                sink.wait(1)
                harness.wait_for(lambda: not waits(), "an end of the trouble")

    def test_one_of_two_is_down(self):
        with NameServer(self.RECORDS) as names, Sink() as sink:
            away = harness.free_port()
            with self.service(sink.port, f"127.0.0.1:{away} 127.0.0.1:{names.port}") as server:
                # Both are queried at the start, because the configuration names them.
                told = harness.wait_for(lambda: self.attention(server), "a report of the name server that is down", 60)
                self.assertEqual(len(told), 1)
                self.assertIn(f"name server 127.0.0.1:{away} can't be reached: Connection refused", told[0])
                server.send(["user@plain.test"])
                sink.wait(1)

    def test_one_of_two_is_silent(self):
        with NameServer(self.RECORDS) as names, NameServer({}) as silent, Sink() as sink:
            silent.mute = True
            with self.service(sink.port, f"127.0.0.1:{silent.port} 127.0.0.1:{names.port}") as server:
                server.send([f"user@{name}.test" for name in ("plain", "late", "first")])
                sink.wait(3, seconds=20)
                told = harness.wait_for(lambda: self.attention(server), "a report of the silent name server", 60)
                self.assertEqual(len(told), 1)
                self.assertIn(f"127.0.0.1:{silent.port} does not answer", told[0])


@unittest.skipIf(os.geteuid(), "needs root for an /etc of its own, and for port 53")
class Files(unittest.TestCase):
    """/etc/resolv.conf and /etc/hosts are corrected while the service runs."""

    ADDRESS = "127.53.0.1"

    def service(self, stack_port):
        return Mailroot(f"outbound {{ port {stack_port} }}\ndelivery {{ retry 1s; expire 1h }}")

    def start(self, server, resolv):
        """With a copy of /etc, which is returned."""
        etc = server.folder / "machine"
        server.start(prefix=["unshare", "-m", "sh", "-c", f'cp -a /etc {etc} && rm -f {etc}/resolv.conf && printf "{resolv}" >{etc}/resolv.conf && mount --bind {etc} /etc && exec "$@"', "sh"])
        return etc

    @staticmethod
    def replace(path, text):
        staged = path.with_suffix(".new")
        staged.write_text(text)
        staged.rename(path)

    def test_resolv_conf_is_corrected(self):
        with NameServer(Servers.RECORDS, port=53, address=self.ADDRESS), Sink() as sink:
            server = self.service(sink.port)
            try:
                etc = self.start(server, "nameserver 127.53.0.9\\n")
                server.send(["user@plain.test"])
                harness.wait_for(lambda: "enhanced=4.4.3" in server.log(), "mail that waits", 60)
                self.replace(etc / "resolv.conf", f"nameserver {self.ADDRESS}\n")
                harness.wait_for(lambda: "/etc/resolv.conf has changed: a new resolver takes over" in server.log(), "a report of the change", 20)
                sink.wait(1, seconds=60)
            finally:
                server.__exit__(None, None, None)

    def test_hosts_is_corrected_and_reloaded(self):
        with Sink() as sink:
            server = Mailroot(f"smart_host [relay.example.net]:{sink.port}\ndelivery {{ retry 1s; expire 1h }}")
            try:
                etc = self.start(server, "nameserver 127.53.0.9\\n")
                self.replace(etc / "hosts", "127.0.0.1 localhost relay.example.net\n")
                self.assertRegex(server.ctl("reload").stdout, "(hosts changed: a new resolver reads it|nothing changed)")
                server.send(["user@plain.test"])
                sink.wait(1, seconds=60)
            finally:
                server.__exit__(None, None, None)



if __name__ == "__main__":
    harness.main()
