"""Mail that is routed by DNS: the resolver against a name server of the test."""
import socket
import struct
import threading
import unittest

import harness
from harness import Mailroot, Sink

A, MX, NOERROR, NXDOMAIN = 1, 15, 0, 3
RETRY = "delivery { retry 1s; expire 1h }"


def wire(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"


def mx(preference, name):
    return struct.pack(">H", preference) + (wire(name) if name != "." else b"\0")


class NameServer:
    """Answers from `records`, (name, type) -> [rdata]; other names do not exist; those in `silent`, and all when `mute`, get no answer."""

    def __init__(self, records, silent=(), port=0, address="127.0.0.1"):
        self.records, self.silent, self.mute = records, set(silent), False
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.address = address
        self.socket.bind((address, port))
        self.port = self.socket.getsockname()[1]
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        stop = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        stop.sendto(b"", (self.address, self.port))
        self.thread.join(5)
        self.socket.close()
        stop.close()

    def _serve(self):
        while True:
            query, client = self.socket.recvfrom(4096)
            if not query:
                return
            answer = self._answer(query)
            if answer:
                self.socket.sendto(answer, client)

    def _answer(self, query):
        at, labels = 12, []
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]].decode().lower())
            at += query[at] + 1
        name, kind = ".".join(labels), struct.unpack(">H", query[at + 1:at + 3])[0]
        if name in self.silent or self.mute:
            return None
        found = self.records.get((name, kind), [])
        rcode = NOERROR if any(known == name or known.endswith("." + name) for known, _ in self.records) else NXDOMAIN
        head = query[:2] + bytes([0x81, 0x80 | rcode]) + struct.pack(">HHHH", 1, len(found), 0, 0)
        return head + query[12:at + 5] + b"".join(b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 60, len(r)) + r for r in found)


def loopback(last):
    return [bytes([127, 0, 0, last])]


class Resolver(unittest.TestCase):
    def service(self, names, port, server=""):
        return Mailroot(f"outbound {{ port {port} }}\n{RETRY}\n{server}", global_conf=f"dns_server 127.0.0.1:{names.port}")

    def test_mail_exchangers_in_order(self):
        records = {("mail.test", MX): [mx(20, "second.mail.test"), mx(10, "first.mail.test")],
                   ("first.mail.test", A): loopback(9), ("second.mail.test", A): loopback(1)}
        with NameServer(records) as names, Sink() as sink, self.service(names, sink.port) as server:
            server.send(["user@mail.test"])
            sink.wait(1)
            # No process listens on the first one.
            self.assertIn("relay=second.mail.test[127.0.0.1]", harness.wait_for(
                lambda: server.log() if "status=delivered" in server.log() else None, "the line of the delivery"))

    def test_no_mail_exchanger_means_the_name_itself(self):
        with NameServer({("plain.test", A): loopback(1)}) as names, Sink() as sink, self.service(names, sink.port) as server:
            server.send(["user@plain.test"])
            sink.wait(1)

    def test_smart_host_by_name(self):
        records = {("smart.test", A): loopback(1), ("smart.test", MX): [mx(10, "elsewhere.test")]}
        with NameServer(records) as names, Sink() as sink, self.service(names, 9, f"smart_host [smart.test]:{sink.port}") as server:
            server.send(["user@example.net"])
            sink.wait(1)

    def test_domains_that_accept_no_mail(self):
        records = {("null.test", MX): [mx(0, ".")], ("null.test", A): loopback(1), ("empty.test", 16): [b"\1x"]}
        with NameServer(records) as names, self.service(names, 9) as server:
            server.send(["a@null.test", "b@gone.test", "c@empty.test"])
            notice = harness.Message(server.dropped()[0]).content
            for code in (b"5.1.10 null.test", b"5.1.2 gone.test", b"5.4.4 empty.test"):
                self.assertIn(code, notice)
            harness.wait_for(lambda: not server.files("cur", "") and not server.files("new", ""), "an empty spool")

    def test_mail_that_leads_back_to_us_is_returned(self):
        records = {("loop.test", MX): [mx(10, "us.test"), mx(20, "backup.test")], ("us.test", A): loopback(1),
                   ("good.test", MX): [mx(10, "better.test"), mx(20, "us.test")], ("better.test", A): loopback(2),
                   ("backup.test", A): loopback(2)}
        with NameServer(records) as names:
            server = self.service(names, 9)
            server.conf.write_text(server.conf.read_text().replace("outbound { port 9 }", f"outbound {{ port {server.port} }}"))
            with server, Sink(address="127.0.0.2", port=server.port) as sink:
                server.send(["user@loop.test", "user@good.test"])
                sink.wait(1)
                self.assertIn("good.test", sink.messages[0][1][0])
                self.assertIn(b"5.4.6 loop.test: mail for it would loop back to this server", harness.Message(server.dropped()[0]).content)

    def test_silence_delays_only_its_own_mail(self):
        records = {("plain.test", A): loopback(1), ("later.test", A): loopback(1), ("silent.test", A): loopback(1)}
        with NameServer(records, silent=["silent.test"]) as names, Sink() as sink, self.service(names, sink.port) as server:
            server.send(["user@silent.test"])
            server.send(["user@plain.test"])
            sink.wait(1, seconds=5)
            self.assertIn("plain.test", sink.messages[0][1][0])
            harness.wait_for(lambda: 'text="silent.test: DNS gave no answer' in server.log(), "the reason", 60)
            # And the name server is not regarded as dead.
            server.send(["user@later.test"])
            sink.wait(2, seconds=5)
            names.silent.clear()
            sink.wait(3, seconds=60)

    def test_direct_first(self):
        """Directly if possible; by the smart host if the look-up fails or no host answers, in the same attempt."""
        records = {("plain.test", A): loopback(1), ("dead.test", A): loopback(9), ("null.test", MX): [mx(0, ".")],
                   ("picky.test", A): loopback(1)}
        answers = {"RCPT": lambda argument: "451 4.7.1 come back later" if "picky" in argument else None}
        with NameServer(records, silent=["silent.test"]) as names, Sink(answers=answers) as direct, Sink() as smart:
            with self.service(names, direct.port, f"smart_host [127.0.0.1]:{smart.port}; direct_first yes") as server:
                server.send(["user@plain.test"])
                direct.wait(1)
                server.send(["user@null.test"])
                self.assertIn(b"5.1.10 null.test", harness.Message(server.dropped()[0]).content)
                server.send(["user@picky.test"])
                harness.wait_for(lambda: server.log().count("come back later") >= 3, "three attempts")
                del answers["RCPT"]
                direct.wait(2)
                self.assertEqual(len(smart.messages), 0)
                for number, domain in enumerate(["dead.test", "gone.test", "silent.test"]):
                    server.send([f"user@{domain}"])
                    smart.wait(number + 1, seconds=60)
                    self.assertIn(domain, smart.messages[number][1][0])
                self.assertNotIn("status=delayed", server.log().split("dead.test", 1)[1])


if __name__ == "__main__":
    harness.main()
