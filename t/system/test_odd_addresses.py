"""Real addresses that violate RFC 5321: from every entry point to the next hop, and as the recipient of a notice."""
import subprocess
import unittest

import harness
from harness import Mailroot, Sink, wait_for

VERP = "bounces+" + "x" * 192 + "=list.example"
SENDERS = {"c..d@docomo.example": '<"c..d"@docomo.example>', "e.@docomo.example": '<"e."@docomo.example>', f"{VERP}@list.example": f"<{VERP}@list.example>"}
RCPTS = {"a..b@docomo.example": '<"a..b"@docomo.example>', "a.@docomo.example": '<"a."@docomo.example>',
         "u@far.example.": "<u@far.example>", f"{VERP}@far.example": f"<{VERP}@far.example>"}


class Doors(unittest.TestCase):
    def check(self, sink, sender, count=1):
        """All recipients of one message of SENDER, in as many transactions as necessary."""
        def heard():
            found = [rcpt for who, rcpts, _ in sink.messages if who.split()[0] == SENDERS[sender] for rcpt in rcpts]
            return sorted(rcpt.split()[0] for rcpt in found) == sorted(list(RCPTS.values()) * count)

        wait_for(heard, f"the recipients of {sender}: {sink.messages}")

    def service(self, sink):
        return Mailroot(f"smart_host [127.0.0.1]:{sink.port}")

    def test_smtp(self):
        with Sink() as sink, self.service(sink) as server:
            for sender in SENDERS:
                server.send(list(RCPTS), sender=sender)
                self.check(sink, sender)

    def test_pickup_with_envelope_lines(self):
        with Sink() as sink, self.service(sink) as server:
            for i, sender in enumerate(SENDERS):
                lines = "".join(f"x-receiver: {rcpt}\r\n" for rcpt in RCPTS)
                (server.server_folder() / "pickup" / f"{i}.eml").write_text(f"x-sender: {sender}\r\n{lines}Subject: x\r\n\r\nx\r\n", newline="")
                self.check(sink, sender)

    def test_pickup_with_a_header_alone(self):
        with Sink() as sink, self.service(sink) as server:
            for i, sender in enumerate(SENDERS):
                to = ",\r\n ".join(f"Somebody <{rcpt}>" for rcpt in RCPTS)
                (server.server_folder() / "pickup" / f"{i}.eml").write_text(f"From: {sender}\r\nTo: {to}\r\nSubject: x\r\n\r\nx\r\n", newline="")
                self.check(sink, sender)

    def test_sendmail(self):
        with Sink() as sink, self.service(sink) as server:
            for sender in SENDERS:
                command = [str(harness.BUILD / "sendmail"), "-C", str(server.conf), "-i", "-f", sender, *RCPTS]
                subprocess.run(command, input=b"Subject: x\n\nx\n", check=True, timeout=60)
                self.check(sink, sender)
                command = [str(harness.BUILD / "sendmail"), "-C", str(server.conf), "-i", "-f", sender, "-t"]
                subprocess.run(command, input=f"To: {', '.join(RCPTS)}\nSubject: x\n\nx\n".encode(), check=True, timeout=60)
                self.check(sink, sender, 2)

    def test_notices(self):
        """A refused message is returned to the sender, and the notice names the recipient."""
        refuse = {"RCPT": lambda argument: None if "docomo" in argument and '"c..d"' in argument else "550 5.1.1 not here"}
        with Sink(answers=refuse) as sink, self.service(sink) as server:
            server.send(["a..b@docomo.example"], sender="c..d@docomo.example")
            sender, rcpts, text = sink.wait(1)[0]
            self.assertEqual(sender.split()[0], "<>")
            self.assertEqual([rcpt.split()[0] for rcpt in rcpts], ['<"c..d"@docomo.example>'])
            self.assertIn(b'\r\nTo: <"c..d"@docomo.example>\r\n', text)
            self.assertIn(b'\r\nFinal-Recipient: rfc822;"a..b"@docomo.example\r\n', text)
            self.assertEqual(server.files("badmail", ""), [])


if __name__ == "__main__":
    harness.main()
