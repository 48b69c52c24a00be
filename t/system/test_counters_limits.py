#!/usr/bin/env python3
"""Counters of limits for each client. Loopback addresses are exempt, so the tests run in a network namespace with other addresses."""
import smtplib
import unittest

import harness
from counted import Difference, find
from harness import wait_for
from test_crowd import CROWD, SERVER, Crowded, setUpModule  # noqa: F401


def connect(server):
    return smtplib.SMTP(SERVER, server.port, local_hostname="client.test", timeout=30, source_address=(CROWD, 0))


def post(client):
    """The codes of a message: of MAIL, RCPT and the text."""
    codes = [client.mail("a@example.com")[0], client.rcpt("b@example.com")[0]]
    if codes == [250, 250]:
        codes.append(client.data(b"Subject: x\r\n\r\nx\r\n")[0])
    client.rset()
    return codes


class Limits(unittest.TestCase):
    def test_messages_and_recipients(self):
        for limit in ("messages", "recipients"):
            with Crowded(f"client {{ {limit} 1/1h }}") as server, connect(server) as client, self.subTest(limit):
                change = Difference(server)
                client.ehlo()
                self.assertEqual(post(client), [250, 250, 250])
                self.assertIn(451, post(client))
                wait_for(lambda: change.all().get("mailroot_message_seconds"), "the end of the first message")
                seen = {name: n for name, n in change.now().items() if "limits" in name or 'reason="rate"' in name}
                self.assertEqual(seen, {find("client_limits", limit): 1, find("refused", "rate"): 1})

    def test_connections(self):
        with Crowded("client { connections 1 }") as server:
            change = Difference(server)
            with connect(server) as client:
                client.ehlo()
                with self.assertRaises(smtplib.SMTPConnectError):
                    connect(server)
            change.expect(self, connections={"in": 2}, client_limits={"connections": 1}, refused={"connections": 1})
        with Crowded("client { connection_rate 1/1h }") as server:
            change = Difference(server)
            with connect(server) as client:
                client.ehlo()
            with self.assertRaises(smtplib.SMTPConnectError):
                connect(server)
            change.expect(self, connections={"in": 2}, client_limits={"connection_rate": 1}, refused={"rate": 1})


if __name__ == "__main__":
    harness.main()
