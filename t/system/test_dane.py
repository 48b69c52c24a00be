"""DANE (RFC 7672): mail for hosts whose TLSA records match, do not match, are unusable, missing or bogus.

Every host has its own loopback address; all have one port, so that the names of their TLSA records are known in advance."""
import collections
import contextlib
import hashlib
import re
import unittest

import certs
import harness
from dnstree import SERVFAIL, Tree, Zone
from harness import Mailroot, wait_for
from peers import needs_root
from postfix import Postfix
from test_tls_out import Peer, context_of, verdicts

RETRY = "delivery { retry 1h; expire 2h }"
WRONG = "00" * 32
EE, TA = 3, 2


def der(certificate, key=False):
    """The certificate, or its public key, in DER."""
    if key:
        pem = certs.openssl("x509", "-in", certificate, "-noout", "-pubkey")
        return certs.openssl("pkey", "-pubin", "-outform", "DER", stdin=pem)
    return certs.openssl("x509", "-in", certificate, "-outform", "DER")


def tlsa(usage, selector, matching, certificate):
    data = der(certificate, selector == 1)
    digest = {0: data.hex(), 1: hashlib.sha256(data).hexdigest(), 2: hashlib.sha512(data).hexdigest()}[matching]
    return f"{usage} {selector} {matching} {digest}"


# tls: "dane", "unverified", "verified" or "none" for delivered mail; or words of the reason why it waits.
Row = collections.namedtuple("Row", "certificate records tls fault", defaults=("",))
MISMATCH, NO_STARTTLS, NO_ANSWER = "does not match the host", "does not offer STARTTLS; its TLSA records", "no trustworthy answer"


class Certificates:
    def __init__(self, folder):
        self.authority, self.stranger = certs.Authority(folder / "ca"), certs.Authority(folder / "other")
        self.self_signed = certs.self_signed(folder, "somebody.else.test")
        self.folder = folder
        self.count = 0

    def issue(self, *names, chain=True, **how):
        """With the authority in its chain, as DANE-TA requires."""
        made = self.authority.issue(*names, **how)
        if chain:
            self.count += 1
            file = self.folder / f"chain{self.count}.pem"
            file.write_bytes(made.certificate.read_bytes() + self.authority.file.read_bytes())
            made = certs.Certificate(file, made.key)
        return made

    def rows(self):
        """Host -> Row. A host is NAME.s.test, and its recipients are in NAME-mail.s.test."""
        own, ca = self.self_signed, self.authority.file
        expired = self.authority.issue("old.test", since=-30, days=20)
        here = {name: self.issue(f"{name}.s.test") for name in ("ta", "ta-key", "ta-full", "ta-mismatch")}
        unusable = f"1 1 1 {WRONG}\n0 0 1 {WRONG}\n3 1 7 {WRONG}\n3 5 1 {WRONG}\n3 1 1 0011\n255 255 255 00"
        return {
            "ee-key": Row(own, tlsa(EE, 1, 1, own.certificate), "dane"),
            "ee-certificate": Row(own, tlsa(EE, 0, 1, own.certificate), "dane"),
            "ee-sha512": Row(own, tlsa(EE, 1, 2, own.certificate), "dane"),
            "ee-full": Row(own, tlsa(EE, 0, 0, own.certificate), "dane"),
            "ee-full-key": Row(own, tlsa(EE, 1, 0, own.certificate), "dane"),
            "ee-expired": Row(expired, tlsa(EE, 1, 1, expired.certificate), "dane"),
            "ee-one-of-two": Row(own, f"3 1 1 {WRONG}\n" + tlsa(EE, 1, 1, own.certificate), "dane"),
            "ee-beside-unusable": Row(own, unusable + "\n" + tlsa(EE, 1, 1, own.certificate), "dane"),
            "ee-weaker-only": Row(own, tlsa(EE, 1, 1, own.certificate) + f"\n3 1 2 {WRONG * 2}", MISMATCH),
            "ee-mismatch": Row(own, f"3 1 1 {WRONG}", MISMATCH),
            "ee-of-authority": Row(here["ta"], tlsa(EE, 0, 1, ca), MISMATCH),
            "ee-many": Row(own, "\n".join(f"3 1 1 {i:064x}" for i in range(200)), MISMATCH),
            "ta": Row(here["ta"], tlsa(TA, 0, 1, ca), "dane"),
            "ta-key": Row(here["ta-key"], tlsa(TA, 1, 2, ca), "dane"),
            "ta-full": Row(here["ta-full"], tlsa(TA, 0, 0, ca), "dane"),
            "ta-of-domain": Row(self.issue("ta-of-domain-mail.s.test"), tlsa(TA, 0, 1, ca), "dane"),
            "ta-wildcard": Row(self.issue("*.s.test"), tlsa(TA, 0, 1, ca), "dane"),
            "ta-mismatch": Row(here["ta-mismatch"], tlsa(TA, 0, 1, self.stranger.file), MISMATCH),
            "ta-other-name": Row(self.issue("other.s.test"), tlsa(TA, 0, 1, ca), "ame mismatch"),
            "ta-expired": Row(self.issue("ta-expired.s.test", since=-30, days=20), tlsa(TA, 0, 1, ca), "expired"),
            "ta-not-shown": Row(self.issue("ta-not-shown.s.test", chain=False), tlsa(TA, 0, 1, ca), MISMATCH),
            "unusable": Row(own, unusable, "unverified"),
            "unusable-clear": Row(own, unusable, NO_STARTTLS, "no-starttls"),
            "unusable-broken": Row(own, unusable, "", "close-in-handshake"),
            "match-clear": Row(own, tlsa(EE, 1, 1, own.certificate), NO_STARTTLS, "no-starttls"),
            "match-refused": Row(own, tlsa(EE, 1, 1, own.certificate), "refused STARTTLS", "refuse"),
            "match-broken": Row(own, tlsa(EE, 1, 1, own.certificate), "", "close-in-handshake"),
            "absent": Row(own, "", "unverified"),
            "absent-clear": Row(own, "", "none", "no-starttls"),
            "absent-broken": Row(own, "", "none", "close-in-handshake"),
            "bogus-tlsa": Row(own, tlsa(EE, 1, 1, own.certificate), NO_ANSWER),
            "servfail-tlsa": Row(own, tlsa(EE, 1, 1, own.certificate), NO_ANSWER),
            "silent-tlsa": Row(own, tlsa(EE, 1, 1, own.certificate), NO_ANSWER),
            "forged-tlsa": Row(own, f"3 1 1 {WRONG}", NO_ANSWER),
            "overruled": Row(own, f"3 1 1 {WRONG}", "verified"),
            "overruled-off": Row(own, f"3 1 1 {WRONG}", "none"),
            "encrypted": Row(own, f"3 1 1 {WRONG}", MISMATCH),
            "encrypted-returned": Row(own, tlsa(EE, 1, 1, own.certificate), NO_STARTTLS, "no-starttls"),
            "encrypted-match": Row(own, tlsa(EE, 1, 1, own.certificate), "dane"),
        }


@needs_root
class Dane(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = harness.scratch()
        cls.certificates = Certificates(folder)
        cls.rows = cls.certificates.rows()
        cls.port = harness.free_port()
        cls.stack = contextlib.ExitStack()
        cls.addClassCleanup(cls.stack.close)
        cls.peers, own, port = {}, cls.certificates.self_signed, cls.port
        right, wrong = tlsa(EE, 1, 1, own.certificate), f"3 1 1 {WRONG}"
        zone, unsigned = "", ""
        for i, (name, row) in enumerate(cls.rows.items(), 10):
            address = f"127.0.1.{i}"
            cls.peers[name] = cls.stack.enter_context(Peer(context_of(row.certificate), row.fault, address=address, port=port))
            zone += f"{name} A {address}\n{name}-mail MX 10 {name}\n"
            zone += "".join(f"_{port}._tcp.{name} TLSA {record}\n" for record in row.records.splitlines())
        good, bad = (f"127.0.1.{list(cls.rows).index(name) + 10}" for name in ("ee-key", "ee-mismatch"))
        zone += f"""
            next-mail MX 10 ee-mismatch
            next-mail MX 20 ee-key
            implicit A {good}
            _{port}._tcp.implicit TLSA {right}
            to-target-mail MX 10 to-target
            to-target CNAME target
            target A {good}
            _{port}._tcp.target TLSA {right}
            _{port}._tcp.to-target TLSA {wrong}
            to-bare-mail MX 10 to-bare
            to-bare CNAME bare
            bare A {good}
            _{port}._tcp.to-bare TLSA {right}
            to-unsigned-mail MX 10 to-unsigned
            to-unsigned CNAME host.u.test.
            _{port}._tcp.to-unsigned TLSA {wrong}
            unsigned-host-mail MX 10 host.u.test.
            alias-mail CNAME real-mail
            real-mail MX 10 ee-key
            tlsa-alias-mail MX 10 tlsa-alias
            tlsa-alias A {good}
            _{port}._tcp.tlsa-alias CNAME _dane
            _dane TLSA {right}
            smart A {bad}
            _{port}._tcp.smart TLSA {wrong}
        """
        zone += cls.start_postfix()
        unsigned += f"host A {good}\n_{port}._tcp.host TLSA {wrong}\nsigned-host-mail MX 10 ee-mismatch.s.test.\n"
        cls.tree = cls.stack.enter_context(Tree({"s.test.": Zone(zone), "u.test.": Zone(unsigned, signed=False)}))
        cls.tree.faults.update({f"_{port}._tcp.bogus-tlsa.s.test": "stripped", f"_{port}._tcp.servfail-tlsa.s.test": SERVFAIL,
                                f"_{port}._tcp.silent-tlsa.s.test": "silent",
                                (f"_{port}._tcp.forged-tlsa.s.test", "TLSA"): [bytes.fromhex(right.replace(" ", "").replace("311", "030101", 1))]})

    @classmethod
    def start_postfix(cls):
        """The DNS records of a Postfix with many names, each with other records."""
        certificate = cls.certificates.issue("postfix-ta.s.test")
        cls.postfix = cls.stack.enter_context(Postfix(
            certificate, "smtpd_tls_security_level = may\nsmtpd_relay_restrictions = permit_mynetworks, reject\n", "127.0.1.250", cls.port))
        cls.postfix.serve()
        records = {"ee": tlsa(EE, 1, 1, certificate.certificate), "ta": tlsa(TA, 0, 1, cls.certificates.authority.file),
                   "ta-name": tlsa(TA, 0, 1, cls.certificates.authority.file), "wrong": f"3 1 1 {WRONG}", "unusable": f"1 1 1 {WRONG}"}
        return "".join(f"postfix-{name} A 127.0.1.250\npostfix-{name}-mail MX 10 postfix-{name}\n" for name in (*records, "absent")) + "".join(
            f"_{cls.port}._tcp.postfix-{name} TLSA {record}\n" for name, record in records.items())

    def service(self, extra=""):
        return Mailroot(f"outbound {{ port {self.port} }}\n{RETRY}\n{extra}", global_conf=self.tree.settings())

    def check(self, server, recipient, expected):
        """Mail for it was delivered as EXPECTED (Row.tls), or waits for that reason."""
        found = wait_for(lambda: verdicts(server, recipient), f"an outcome for {recipient}", 60)
        tls, status, enhanced, text = found[0]
        if expected in ("dane", "verified", "unverified", "none"):
            self.assertEqual(status, "delivered", (recipient, found))
            self.assertEqual(tls.rsplit(":", 1)[-1], expected, recipient)
        else:
            final = "returned" in recipient
            self.assertEqual(status, "failed" if final else "delayed", (recipient, found))
            self.assertIn(expected, text, recipient)
            self.assertRegex(enhanced, r"5\.7\.4" if final else r"4\.(7\.[45]|4\.2)", recipient)

    def test_matrix(self):
        fingerprint = self.certificates.self_signed.fingerprint()
        rules = (f"remote_domain overruled-mail.s.test {{ outbound {{ tls verify; tls_fingerprint {fingerprint} }} }}\n"
                 "remote_domain overruled-off-mail.s.test { outbound { tls off } }\n"
                 "remote_domain encrypted-mail.s.test { outbound { tls encrypt; tls_missing return } }\n"
                 "remote_domain encrypted-returned-mail.s.test { outbound { tls encrypt; tls_missing return } }\n"
                 "remote_domain encrypted-match-mail.s.test { outbound { tls encrypt } }\n")
        for peer in self.peers.values():
            peer.messages.clear()
        with self.service(rules) as server:
            for name in self.rows:
                server.send([f"user@{name}-mail.s.test"])
            for name, row in self.rows.items():
                with self.subTest(name):
                    self.check(server, f"user@{name}-mail.s.test", row.tls)
        for name, row in self.rows.items():
            with self.subTest(name, what="no mail in clear or to a stranger"):
                self.assertEqual(len(self.peers[name].messages), row.tls in ("dane", "verified", "unverified", "none"))

    def test_postfix(self):
        cases = {"ee": "dane", "ta": "dane", "ta-name": "ame mismatch", "wrong": MISMATCH, "unusable": "unverified", "absent": "unverified"}
        with self.service() as server:
            for name in cases:
                server.send([f"user@postfix-{name}-mail.s.test"])
            for name, expected in cases.items():
                with self.subTest(name):
                    self.check(server, f"user@postfix-{name}-mail.s.test", expected)
        taken = re.findall(r"to=<user@postfix-(\S+)-mail\.s\.test>.* status=sent", wait_for(
            lambda: self.postfix.log() if self.postfix.log().count("status=sent") >= 4 else None, "mail taken by Postfix"))
        self.assertEqual(sorted(taken), ["absent", "ee", "ta", "unusable"])

    def test_routes_to_the_host(self):
        cases = {
            "next-mail.s.test": "dane", "implicit.s.test": "dane", "to-target-mail.s.test": "dane", "to-bare-mail.s.test": "dane",
            "to-unsigned-mail.s.test": MISMATCH, "unsigned-host-mail.s.test": "unverified", "signed-host-mail.u.test": "unverified",
            "alias-mail.s.test": "dane", "tlsa-alias-mail.s.test": "dane", "smart.test": MISMATCH,
        }
        rules = f"remote_domain smart.test {{ route [smart.s.test]:{self.port} }}"
        with self.service(rules) as server:
            for domain in cases:
                server.send([f"user@{domain}"])
            for domain, expected in cases.items():
                with self.subTest(domain):
                    self.check(server, f"user@{domain}", expected)

    def test_a_server_that_strips_signatures_means_opportunistic(self):
        self.tree.faults["*"] = "stripped"
        self.addCleanup(self.tree.faults.pop, "*")
        with self.service() as server:
            server.send(["user@ee-mismatch-mail.s.test"])
            self.check(server, "user@ee-mismatch-mail.s.test", "unverified")
            self.assertRegex(server.log(), "dnssec=off")

    def test_explained(self):
        """The same text for opportunistic and required TLS; a block with its own verification has no text about DANE."""
        rules = ("remote_domain encrypted-match-mail.s.test { outbound { tls encrypt } }\n"
                 "remote_domain overruled-mail.s.test { outbound { tls verify } }\n")
        cases = {"ee-key": "a certificate that matches the TLSA records (DANE)", "encrypted-match": "a certificate that matches the TLSA records (DANE)",
                 "unusable": "the TLSA records can't be used (DANE)", "bogus-tlsa": "the look-up of TLSA records failed (DANE)",
                 "overruled": "with a certificate for overruled.s.test", "absent": "if the host offers it, with any certificate"}
        with self.service(rules) as server:
            for name, words in cases.items():
                with self.subTest(name):
                    told = server.ctl_json("explain", "route", f"user@{name}-mail.s.test")
                    self.assertIn(words, told["hosts"][0]["tls"])

    def test_the_name_in_sni(self):
        """SNI is the name of the TLSA records."""
        with self.service() as server:
            self.peers["ee-key"].messages.clear()
            server.send(["user@to-target-mail.s.test"])
            self.check(server, "user@to-target-mail.s.test", "dane")
            self.assertEqual(self.peers["ee-key"].messages[-1][1], "target.s.test")


if __name__ == "__main__":
    harness.main()
