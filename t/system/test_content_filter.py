"""amavis as a content filter between two virtual servers, as doc/amavis.md shows it."""
import unittest

import harness
import odd_messages
from filter_peers import Amavis
from harness import Mailroot, Sink, wait_for
from peers import needs_root

BEHIND = """virtual_server behind {{
    listen 127.0.0.1:{port}
    fqdn mail.example.com
    default_domain behind.example.com
    relay {{ list 127.0.0.1 }}
    add_missing_headers no
    free_space_floor 1M
    smart_host [127.0.0.1]:{sink}
}}
"""
FRONT = "smart_host [127.0.0.1]:{amavis}\noutbound {{ max_connections 2; tls off }}"


@needs_root
class ContentFilter(unittest.TestCase):
    def test_mail_passes_amavis_between_two_virtual_servers(self):
        back, to_amavis = harness.free_port(), harness.free_port()
        messages = {message.name: message for message in odd_messages.corpus()}
        good, banned = messages["parts_alternative"], messages["parts_exe"]
        with Sink() as sink, Amavis(to_amavis, back) as amavis:
            amavis.serve()
            with Mailroot(FRONT.format(amavis=to_amavis), BEHIND.format(port=back, sink=sink.port)) as server:
                server.send(["sales@example.org"], good.text)
                server.send(["sales@example.org"], banned.text)
                notice = server.dropped()[0].read_bytes()
                wait_for(lambda: not server.files("new", "") and not server.files("cur", ""), "an empty spool")
                log = server.log()
        self.assertEqual([rcpts for _, rcpts, _ in sink.messages], [["<sales@example.org>"]])
        passed = sink.messages[0][2]
        self.assertIn(b" (amavis, port ", passed)
        self.assertTrue(passed.endswith(good.text.split(b"\r\n\r\n", 1)[1]), "the body is as it was sent")
        self.assertEqual(passed.count(b"Received: "), 3, "front, amavis, behind")
        self.assertIn(b"554 5.7.0", notice)
        self.assertRegex(log, r'relay=\[127\.0\.0\.1\]:\d+ .*status=failed code=554 enhanced=5\.7\.0 text=".*(BANNED|banned)')


if __name__ == "__main__":
    harness.main()
