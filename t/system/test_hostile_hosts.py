"""Remote hosts that attack our SMTP client. Each is the only host of a domain; all attack at the same time, while mail for a good host is sent."""
import contextlib
import re
import socket
import struct
import threading
import time
import unittest

import harness
from harness import Mailroot, Message, Sink, unharmed

REMOTE_TIMEOUT = 2
EHLO = b"250-h.test\r\n250 8BITMIME\r\n"
PIPELINED = b"250-h.test\r\n250-PIPELINING\r\n250 SIZE\r\n"
STEPS = ("greeting", "EHLO", "MAIL", "RCPT", "DATA", "dot")
USUAL = {"greeting": b"220 h.test\r\n", "EHLO": EHLO, "HELO": b"250 h.test\r\n", "MAIL": b"250 ok\r\n", "RCPT": b"250 ok\r\n", "DATA": b"354 go\r\n", "dot": b"250 taken\r\n",
         "RSET": b"250 ok\r\n"}


def drip(octets, pause):
    """One octet every PAUSE seconds."""
    def answer(host, connection):
        for octet in octets:
            connection.sendall(bytes([octet]))
            if host.stopping.wait(pause):
                return
    return answer


def endless(octets):
    def answer(host, connection):
        while not host.stopping.is_set():
            connection.sendall(octets)
    return answer


def taken_then_empty_lines(pause):
    """Accepts the message, and sends an empty line every PAUSE seconds while the connection lasts."""
    def answer(host, connection):
        connection.sendall(b"250 taken\r\n")
        while not host.stopping.wait(pause):
            connection.sendall(b"\r\n")
    return answer


def stall(host, connection):
    del connection
    host.stopping.wait(30)


def reset(host, connection):
    del host
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raise ConnectionAbortedError


def hang_up(host, connection):
    del host, connection
    raise ConnectionAbortedError


def in_mid_data(octets, then):
    """Replies 354, reads 100 kB, sends OCTETS while more is coming."""
    def answer(host, connection):
        connection.sendall(b"354 go\r\n")
        left = 100_000
        while left > 0 and (got := connection.recv(65536)):
            left -= len(got)
        connection.sendall(octets)
        then(host, connection)
    return answer


def drain(host, connection):
    del host
    while connection.recv(65536):
        pass
    raise ConnectionAbortedError


class Host(harness.Acceptor):
    """A scripted SMTP server. ANSWERS: step -> octets, or a function of host and connection, or a list with one answer for each time; the last repeats."""

    def __init__(self, answers):
        self.answers = {**USUAL, **answers}
        self.asked, self.messages = {}, []
        self.stopping = threading.Event()
        super().__init__(socket.create_server(("127.0.0.1", 0), backlog=50))

    def close(self):
        self.stopping.set()
        super().close()

    def _say(self, step, connection):
        answer = self.answers.get(step, b"500 what?\r\n")
        if isinstance(answer, list):
            count = self.asked[step] = self.asked.get(step, 0) + 1
            answer = answer[min(count, len(answer)) - 1]
        if callable(answer):
            answer(self, connection)
            return b""
        connection.sendall(answer)
        return answer

    def _serve(self, connection):
        with connection.makefile("rb") as lines:
            self._say("greeting", connection)
            for line in lines:
                verb = line.split()[0].decode("latin-1").upper()
                if verb == "QUIT":
                    break
                if self._say(verb, connection).startswith(b"354"):
                    content = []
                    for data in lines:
                        if data == b".\r\n":
                            break
                        content.append(data)
                    else:
                        break
                    self.messages.append(b"".join(content))
                    self._say("dot", connection)


DELAYED, FAILED, DELIVERED = "delayed", "failed", "delivered"

# name -> answers, outcome, words of queue list (delayed) or of the notice (failed), messages that the host got up to the dot
HOSTS = {
    "endless-greeting": ({"greeting": endless(b"220-x\r\n" * 1000)}, DELAYED, "sent an invalid reply", 0),
    "endless-ehlo": ({"EHLO": endless(b"250-x\r\n" * 1000)}, DELAYED, "sent an invalid reply", 0),
    "endless-dot": ({"dot": endless(b"250-x\r\n" * 1000)}, DELAYED, "sent an invalid reply", 1),
    "endless-line": ({"MAIL": endless(b"250 " + b"x" * 60000)}, DELAYED, "sent an invalid reply|connection lost|too long", 0),
    "endless-zeros": ({"greeting": endless(bytes(60000))}, DELAYED, "sent an invalid reply|connection lost", 0),
    "drip-greeting": ({"greeting": drip(b"220 h.test\r\n", 0.5)}, DELAYED, "time-out while waiting for the greeting", 0),
    "drip-ehlo": ({"EHLO": drip(b"250-h\r\n" * 20, 0.1)}, DELAYED, "time-out while waiting for the reply to EHLO", 0),
    "drip-dot": ({"dot": drip(b"250 taken\r\n", 0.5)}, DELAYED, "time-out while waiting for the reply to the message", 1),
    "stall-greeting": ({"greeting": stall}, DELAYED, "time-out while waiting for the greeting", 0),
    "stall-rcpt": ({"RCPT": stall}, DELAYED, "time-out while waiting for the reply to RCPT", 0),
    "stall-dot": ({"dot": [stall, b"250 taken\r\n"]}, DELAYED, "time-out while waiting for the reply to the message", 1),
    "line-64k": ({"MAIL": b"250 " + b"x" * 65536 + b"\r\n"}, DELAYED, "sent an invalid reply", 0),
    "line-64k-refusal": ({"RCPT": b"550 " + b"x" * 65536 + b"\r\n"}, DELAYED, "sent an invalid reply", 0),
    "code-2500": ({"MAIL": b"2500 ok\r\n"}, DELAYED, "time-out while waiting for the reply to MAIL; the host said: 2500 ok", 0),
    "code-25": ({"MAIL": b"25 ok\r\n"}, DELAYED, "time-out while waiting for the reply to MAIL; the host said: 25 ok", 0),
    "code-650": ({"MAIL": b"650 ok\r\n"}, DELAYED, "time-out while waiting for the reply to MAIL; the host said: 650 ok", 0),
    "code-none": ({"MAIL": b"ok\r\n"}, DELAYED, "time-out while waiting for the reply to MAIL; the host said: ok", 0),
    "code-changes": ({"MAIL": b"250-a\r\n550 b\r\n"}, FAILED, "a b", 0),
    "code-http": ({"greeting": b"HTTP/1.1 400 Bad Request\r\n\r\n"}, DELAYED, "the host said: HTTP/1.1 400 Bad Request", 0),
    "lines-empty": ({step: USUAL[step] + b"\r\n" for step in STEPS}, DELIVERED, "", 1),
    "code-354-to-mail": ({"MAIL": b"354 go\r\n"}, DELAYED, "sent a reply of the wrong class while we waited for .*: (354|250) go", 0),
    "code-250-to-data": ({"DATA": b"250 ok\r\n"}, DELAYED, "sent a reply of the wrong class while we waited for .*: (354|250) ok", 0),
    "code-354-to-dot": ({"dot": b"354 go\r\n"}, DELAYED, "sent a reply of the wrong class while we waited for .*: (354|250) go", 1),
    "text-none": ({step: USUAL[step][:3] + b"\r\n" for step in STEPS}, DELIVERED, "", 1),
    "text-control": ({"RCPT": b"550 5.1.1 \x1b[2J\0\x07 gone \xe6\x97\xa5 \"quoted\"\r\n"}, FAILED, r"\?\[2J\?\? gone \?\?\?", 0),
    "text-odd-lines": ({"RCPT": b"553-x\r\n553\r\n"}, FAILED, "553", 0),
    "text-long": ({"RCPT": b"550-" + b"x" * 900 + b"\r\n" + (b"550-" + b"y" * 1500 + b"\r\n") * 100 + b"550 z\r\n"}, FAILED, "xxxx", 0),
    "line-ends": ({"greeting": b"220 x\n", "EHLO": b"250 x\n", "MAIL": b"250 ok\r\r\n"}, DELIVERED, "", 1),
    "greeting-554": ({"greeting": b"554 no\r\n"}, DELAYED, "no", 0),
    "greeting-421": ({"greeting": b"421 later\r\n"}, DELAYED, "421|later", 0),
    "ehlo-500": ({"EHLO": b"500 what\r\n"}, DELIVERED, "", 1),
    "helo-500": ({"EHLO": b"500 what\r\n", "HELO": b"550 go away\r\n"}, DELAYED, "go away", 0),
    "keyword-10k": ({"EHLO": b"250-h\r\n250-" + b"X" * 10_240 + b"\r\n250 8BITMIME\r\n"}, DELIVERED, "", 1),
    "keyword-2000": ({"EHLO": b"250-h\r\n250-" + b"X" * 2_000 + b"\r\n250-AUTH=\r\n250-AUTH= LOGIN\r\n250 8BITMIME\r\n"}, DELIVERED, "", 1),
    "keywords-doubled": ({"EHLO": b"250-h\r\n" + b"250-SIZE 5\r\n250-SIZE\r\n250-SIZE x\r\n250-SIZE 99999999999999999999999\r\n250-PIPELINING\r\n250-pipelining\r\n250 SIZE 9999999\r\n"},
                         DELIVERED, "", 1),
    "size-0": ({"EHLO": b"250-h\r\n250 SIZE 0\r\n"}, DELIVERED, "", 1),
    "size-1": ({"EHLO": b"250-h\r\n250 SIZE 1\r\n"}, FAILED, r"5\.3\.4", 0),
    "354-with-none": ({"EHLO": PIPELINED, "RCPT": b"550 5.1.1 nobody\r\n", "dot": b"554 no valid recipients\r\n"}, FAILED, "nobody", 1),
    "354-with-none-taken": ({"EHLO": PIPELINED, "RCPT": b"550 5.1.1 nobody\r\n"}, FAILED, "nobody", 1),
    "554-after-all-250": ({"EHLO": PIPELINED, "DATA": b"554 not today\r\n"}, FAILED, "not today", 0),
    "injected-all": ({"greeting": b"220 h\r\n250 h\r\n250 ok\r\n250 ok\r\n354 go\r\n250 taken\r\n"}, DELAYED, "taken", 0),
    "injected-ehlo": ({"EHLO": b"250 h\r\n250 ok\r\n250 ok\r\n250 ok\r\n250 ok\r\n"}, DELAYED, "sent a reply of the wrong class while we waited for .*: (354|250) ok", 0),
    "injected-354": ({"DATA": b"354 go\r\n250 taken\r\n"}, DELAYED, "taken", 0),
}
for step in STEPS:
    took = int(step == "dot")
    HOSTS[f"421-{step}"] = ({step: b"421 4.3.2 restarting\r\n"}, DELAYED, "restarting", took)
    HOSTS[f"421-hang-up-{step}"] = ({step: lambda host, connection: (connection.sendall(b"421 4.3.2 restarting\r\n"), hang_up(host, connection))}, DELAYED, "restarting", took)
    HOSTS[f"reset-{step}"] = ({step: reset}, DELAYED, "connection lost|reset", took)
    HOSTS[f"fin-{step}"] = ({step: hang_up}, DELAYED, "connection lost|reset", took)
    HOSTS[f"half-{step}"] = ({step: lambda host, connection: (connection.sendall(b"250-x\r\n25"), hang_up(host, connection))}, DELAYED, "connection lost", took)

# The same with a message that fills all buffers.
LARGE = {
    "large-552": ({"DATA": in_mid_data(b"552 5.3.4 too large for us\r\n", drain)}, FAILED, "too large for us", 0),
    "large-552-close": ({"DATA": in_mid_data(b"552 5.3.4 too large for us\r\n", hang_up)}, FAILED, "too large for us", 0),
    "large-552-lines": ({"DATA": in_mid_data(b"552-5.3.4 too large\r\n552 5.3.4 for us\r\n", hang_up)}, FAILED, "too large", 0),
    "large-452": ({"DATA": in_mid_data(b"452 4.3.1 disk is full\r\n", drain)}, DELAYED, "disk is full", 0),
    "large-250": ({"DATA": in_mid_data(b"250 taken already\r\n", drain)}, DELAYED, "taken already", 0),
    "large-421": ({"DATA": in_mid_data(b"421 4.3.2 restarting\r\n", hang_up)}, DELAYED, "restarting", 0),
    "large-reset": ({"DATA": in_mid_data(b"", reset)}, DELAYED, "connection lost|reset", 0),
    "large-stall": ({"DATA": in_mid_data(b"", stall)}, DELAYED, "time-out while waiting for the host to take the message", 0),
}


class Hosts(contextlib.ExitStack):
    """A service with one domain NAME.test for each host of TABLE, and good.test."""

    def __init__(self, table, server="", timeout=REMOTE_TIMEOUT):
        super().__init__()
        self.hosts = {name: Host(answers) for name, (answers, *_) in table.items()}
        for host in self.hosts.values():
            self.callback(host.close)
        self.good = self.enter_context(Sink())
        routes = [f"remote_domain {name}.test {{ route [127.0.0.1]:{host.port} }}" for name, host in {**self.hosts, "good": self.good}.items()]
        self.server = self.enter_context(Mailroot("\n".join(routes) + f"""
            delivery {{ retry 1h; expire 1d }}
            outbound {{ timeout {timeout}s }}
            messages {{ max_message_size 50M; max_session_size none }}
            {server}"""))

    def send(self, name, content=b"Subject: x\r\n\r\nhello\r\n"):
        self.server.send([f"user@{name}.test"], content, f"{name}@example.com")

    def notices(self):
        """sender of the message that failed -> notice"""
        found = {}
        for path in self.server.files("drop"):
            message = Message(path)
            found[message.rcpts[0].partition("@")[0]] = message
        return found

    def waiting(self):
        """name of the host -> the line of `queue list`"""
        lines = self.server.ctl("queue", "list").stdout.splitlines()
        return {found[1]: line for line in lines if (found := re.search(r"([\w-]+)@example\.com", line))}

    def settled(self, outcomes):
        notices = self.notices()
        for name, (_, outcome, *_) in outcomes.items():
            said = re.search(rf"\n.*to=<user@{name}\.test>.*status=(delivered|failed|delayed)", self.server.log())
            if not said and not (outcome == FAILED and name in notices):
                return False
        return not self.server.files("new", "")


class HostileHosts(unittest.TestCase):
    def judge(self, hosts, table):
        waiting, notices = hosts.waiting(), hosts.notices()
        for name, (_, outcome, text, took) in table.items():
            with self.subTest(name):
                self.assertEqual(len(hosts.hosts[name].messages), took)
                self.assertEqual((name in waiting, name in notices), (outcome == DELAYED, outcome == FAILED))
                if outcome == DELAYED:
                    shown = hosts.server.ctl("queue", "show", waiting[name].split()[0]).stdout
                    self.assertRegex(shown, text)
                    self.assertNotRegex(shown, "[^ -~\n\t]")
                if outcome == FAILED:
                    self.assertRegex(notices[name].content.decode(), text)
                    self.assertNotRegex(notices[name].content, rb"[^ -~\r\n\t]")

    def test_all_at_once(self):
        with Hosts(HOSTS) as hosts, unharmed(self, hosts.server):
            for name in HOSTS:
                hosts.send(name)
            for count in range(1, 11):
                began = time.monotonic()
                hosts.send("good")
                hosts.good.wait(count)
                self.assertLess(time.monotonic() - began, 2)
            harness.wait_for(lambda: hosts.settled(HOSTS), "an outcome for every host")
            self.judge(hosts, HOSTS)
            self.assertEqual(hosts.hosts["354-with-none"].messages, [b""])
            self.assertNotRegex(hosts.server.log(), "[^ -~\n\t]")
            with self.subTest("the same octets again after a stall at the dot"):
                first = hosts.hosts["stall-dot"]
                hosts.server.ctl("queue", "retry", hosts.waiting()["stall-dot"].split()[0], "--yes")
                harness.wait_for(lambda: "stall-dot" not in hosts.waiting(), "the second attempt")
                self.assertEqual(len(first.messages), 2)
                self.assertEqual(first.messages[0], first.messages[1])

    def test_large_messages(self):
        with Hosts(LARGE) as hosts, unharmed(self, hosts.server):
            for name in LARGE:
                hosts.send(name, b"Subject: large\r\n\r\n" + (b"x" * 76 + b"\r\n") * 200_000)
            hosts.send("good")
            hosts.good.wait(1)
            harness.wait_for(lambda: hosts.settled(LARGE), "an outcome for every host")
            self.judge(hosts, LARGE)

    def test_an_extra_reply_is_not_used_for_the_next_message(self):
        """Text after the reply to a message must not become the reply to the next one."""
        table = {"twice": ({"dot": b"250 taken\r\n250 taken\r\n"}, DELIVERED, "", 2), "refusal": ({"dot": [b"250 taken\r\n550 gone\r\n", b"250 taken\r\n"]}, DELIVERED, "", 2)}
        with Hosts(table, "processes { spare 1 }") as hosts, unharmed(self, hosts.server):
            for name, host in hosts.hosts.items():
                for count in (1, 2):
                    hosts.send(name)
                    harness.wait_for(lambda: len(host.messages) == count, "the message at the host")
            harness.wait_for(lambda: not hosts.server.files("new", "") and not hosts.server.files("cur", ""), "an empty spool")
            self.judge(hosts, table)

    def test_empty_lines_keep_no_connection(self):
        """An idle connection is closed in time, whatever the host sends."""
        table = {"slow": ({"dot": taken_then_empty_lines(0.5)}, DELIVERED, "", 1), "fast": ({"dot": taken_then_empty_lines(0.005)}, DELIVERED, "", 1)}
        with Hosts(table) as hosts, unharmed(self, hosts.server):
            for name in table:
                hosts.send(name)
            harness.wait_for(lambda: all(host.messages for host in hosts.hosts.values()), "the messages at the hosts")
            harness.wait_for(lambda: not any(host.open for host in hosts.hosts.values()), "the end of the connections", 15)
            self.judge(hosts, table)

    def test_a_tarpit(self):
        """A host that meets every deadline but is slow does not keep its worker (row 65)."""
        def slowly(host, connection):
            if not host.stopping.wait(0.7):
                connection.sendall(b"250 ok\r\n")

        table = {"tarpit": ({"MAIL": slowly, "RCPT": slowly}, DELAYED, "time-out while waiting for the reply to RCPT", 0)}
        with Hosts(table, timeout=1) as hosts, unharmed(self, hosts.server):
            began = time.monotonic()
            hosts.server.send([f"{i}@tarpit.test" for i in range(50)], sender="tarpit@example.com")
            hosts.send("good")
            hosts.good.wait(1)
            harness.wait_for(lambda: "status=delayed" in hosts.server.log(), "the worker to give up", 25)
            self.assertLess(time.monotonic() - began, 16)
            self.judge(hosts, table)

    def test_mixed_verdicts_with_and_without_pipelining(self):
        """Each recipient gets its own verdict (row 67)."""
        verdicts = [b"250 ok\r\n", b"550 5.1.1 no\r\n", b"450 4.2.1 later\r\n", b"250 ok\r\n", b"421 4.3.2 bye\r\n"]
        for extensions in (EHLO, PIPELINED):
            table = {"mixed": ({"EHLO": extensions, "RCPT": verdicts[:4]}, DELAYED, "", 1)}
            with self.subTest(extensions), Hosts(table) as hosts, unharmed(self, hosts.server):
                hosts.server.send([f"{i}@mixed.test" for i in range(4)], sender="mixed@example.com")
                notice = Message(hosts.server.dropped()[0])
                found = re.findall(rb"\b(\d)@mixed\.test", notice.content)
                self.assertEqual(set(found), {b"1"})
                harness.wait_for(lambda: hosts.waiting(), "a waiting message")
                shown = hosts.server.ctl_json("queue", "show", hosts.waiting()["mixed"].split()[0])
                self.assertIn("4.2.1", str(shown))
                self.assertEqual(len(hosts.hosts["mixed"].messages), 1)

    def test_421_in_the_middle_of_recipients(self):
        """Nothing was transferred: all wait, except recipients that were refused before."""
        table = {"bye": ({"RCPT": [b"250 ok\r\n", b"550 5.1.1 no\r\n", b"421 4.3.2 bye\r\n"]}, DELAYED, "", 0)}
        with Hosts(table) as hosts, unharmed(self, hosts.server):
            hosts.server.send([f"{i}@bye.test" for i in range(4)], sender="bye@example.com")
            notice = Message(hosts.server.dropped()[0])
            self.assertEqual(set(re.findall(rb"\b(\d)@bye\.test", notice.content)), {b"1"})
            harness.wait_for(lambda: hosts.waiting(), "a waiting message")
            self.assertEqual(hosts.hosts["bye"].messages, [])


if __name__ == "__main__":
    harness.main()
