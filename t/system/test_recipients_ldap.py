"""mailroot-recipients against a real slapd, which gets the attributes of Active Directory, and against servers that misbehave."""
import base64
import os
import socket
import subprocess
import threading
import unittest

import certs
import harness
import kdc
import peers

SOURCE = harness.TOOLS.parents[2]
PEOPLE = 3000  # more than three pages

SLAPD_CONF = """
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
attributetype ( 1.2.840.113556.1.2.210 NAME 'proxyAddresses' EQUALITY caseIgnoreMatch SUBSTR caseIgnoreSubstringsMatch
    SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )
objectclass ( 1.2.840.113556.1.5.9999 NAME 'mailRecipient' SUP top AUXILIARY MAY ( proxyAddresses $ mail ) )
modulepath /usr/lib/ldap
moduleload back_mdb
TLSCertificateFile /etc/tls.pem
TLSCertificateKeyFile /etc/tls.key
TLSCACertificateFile /etc/ca.pem
sasl-host dc1.example.com
authz-regexp uid=mailroot,cn=(dc1.example.com,cn=)?(example.com,cn=)?gssapi,cn=auth cn=reader,dc=example,dc=com
referral ldap://elsewhere.test
database mdb
suffix dc=example,dc=com
directory /var/lib/ldap
maxsize 100000000
limits dn.exact=cn=reader,dc=example,dc=com size=unlimited size.pr=unlimited size.prtotal=unlimited
limits dn.exact=cn=small,dc=example,dc=com size=unlimited size.pr=unlimited size.prtotal=1500
access to attrs=userPassword by anonymous auth
access to * by dn.exact=cn=reader,dc=example,dc=com read by dn.exact=cn=small,dc=example,dc=com read by * none
"""

BASE = """
dn: dc=example,dc=com
objectClass: dcObject
objectClass: organization
o: Example
dc: example

dn: cn=reader,dc=example,dc=com
objectClass: person
cn: reader
sn: reader
userPassword: right

dn: cn=small,dc=example,dc=com
objectClass: person
cn: small
sn: small
userPassword: right

dn: ou=staff,dc=example,dc=com
objectClass: organizationalUnit
ou: staff

dn: ou=odd,dc=example,dc=com
objectClass: organizationalUnit
ou: odd

dn: ou=child,dc=example,dc=com
objectClass: referral
objectClass: extensibleObject
ou: child
ref: ldap://child.example.com/ou=child,dc=example,dc=com
"""

ODD = [  # proxyAddresses, and what becomes of it
    ("SMTP:Sales.Group@Example.com", "sales.group@example.com"), ("smtp:info@branch.example", "info@branch.example"),
    ("X400:c=us;a= ;p=Example", None), ("SIP:odd@example.com", None), ("smtp:trailing@example.com ", "trailing@example.com"),
    ("smtp:m\u00fcller@example.com", None), ("smtp:two words@example.com", None), ("smtp:a\nb@example.com", None),
    ("smtp:#hash@example.com", None), ("smtp:*@example.com", None), ("smtp:all:evil@example.com", None), ("smtp:nobody", None),
    ("smtp:" + "l" * 60 + "@" + ".".join(["d" * 50] * 4) + ".example.com", "l" * 60 + "@" + ".".join(["d" * 50] * 4) + ".example.com"),
    ("smtp:scan@old.local", "scan@old.local"), ("smtp:o'neil+tag@example.com", "o'neil+tag@example.com")]


def staff(n):
    return {f"person{n}@example.com", f"p{n}@branch.example"}


def ldif():
    """Every value in Base64: ldapsearch decides itself which it writes so."""
    entries = [BASE]
    for n in range(PEOPLE):
        entries.append(f"dn: cn=p{n},ou=staff,dc=example,dc=com\nobjectClass: person\nobjectClass: mailRecipient\ncn: p{n}\nsn: p\n"
                       f"mail: Person{n}@example.com\nproxyAddresses: SMTP:Person{n}@Example.com\nproxyAddresses: smtp:p{n}@branch.example\n")
    lines = "".join(f"proxyAddresses:: {base64.b64encode(value.encode()).decode()}\n" for value, _ in ODD)
    entries.append(f"dn: cn=odd,ou=odd,dc=example,dc=com\nobjectClass: person\nobjectClass: mailRecipient\ncn: odd\nsn: o\n{lines}")
    return "\n".join(entries)


@peers.needs_root
class Recipients(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.peer = cls.enterClassContext(peers.Peer("slapd"))
        peer, port, tls_port = cls.peer, harness.free_port(), harness.free_port()
        authority = certs.Authority(peer.root / "ca")
        certificate = authority.issue("dc1.example.com", "IP:127.0.0.1")
        peer.write("etc/other.pem", certs.self_signed(peer.root / "ca", "dc1.example.com").certificate.read_bytes())
        openldap = (20041, 20041)
        peer.write("etc/ca.pem", authority.file.read_bytes())
        peer.write("etc/tls.pem", certificate.certificate.read_bytes())
        peer.write("etc/tls.key", certificate.key.read_bytes(), 0o600, openldap)
        peer.write("etc/ldap/slapd.conf", SLAPD_CONF)
        peer.folder("var/lib/ldap", owner=openldap)
        peer.folder("var/lib/recipients")
        peer.write("data.ldif", ldif())
        cls.kdc = kdc.Kdc(peer.root / "kdc")
        cls.kdc.principal("ldap/dc1.example.com")
        cls.kdc.principal("mailroot", "secret")
        os.chown(cls.kdc.keytab(peer.root / "etc/ldap.keytab", "ldap/dc1.example.com"), *openldap)
        cls.kdc.keytab(peer.root / "etc/client.keytab", "mailroot")
        peer.write("etc/hosts", "127.0.0.1 dc1.example.com localhost\n")
        peer.write("etc/krb5.conf", cls.kdc.krb5_conf.read_text())
        peer.write("mailroot-recipients", (SOURCE / "etc/mailroot-recipients").read_text(), 0o755)
        peer.run("slapadd", "-q", "-f", "/etc/ldap/slapd.conf", "-l", "/data.ldif")
        peer.run("chown", "-R", "openldap:openldap", "/var/lib/ldap")
        peer.start("slapd", "-d", "stats", "-u", "openldap", "-g", "openldap", "-f", "/etc/ldap/slapd.conf", "-h",
                   f"ldap://127.0.0.1:{port} ldaps://127.0.0.1:{tls_port}", port=tls_port, KRB5_KTNAME="/etc/ldap.keytab")
        cls.plain, cls.tls = f"ldap://dc1.example.com:{port}", f"ldaps://dc1.example.com:{tls_port}"

    def setUp(self):
        self.file = self.peer.root / "var/lib/recipients/recipients"
        self.addCleanup(lambda: [left.unlink() for left in self.file.parent.iterdir()])
        self.peer.write("etc/password", "right\n", 0o600)

    def conf(self, **changes):
        settings = {"uri": self.tls, "base": "dc=example,dc=com", "login": "cn=reader,dc=example,dc=com", "password_file": "/etc/password",
                    "ca_file": "/etc/ca.pem", "file": "/var/lib/recipients/recipients", **changes}
        lines = [f"{key} {one}" for key, value in settings.items() for one in ([value] if isinstance(value, str) else value or [])]
        self.peer.write("etc/recipients.conf", "\n".join(["# settings", "", *lines, ""]))

    def run_script(self, *options, **environment):
        done = subprocess.run(["/usr/sbin/chroot", str(self.peer.root), "/mailroot-recipients", *options, "/etc/recipients.conf"], text=True,
                              capture_output=True, stdin=subprocess.DEVNULL, timeout=120,
                              env={"PATH": "/usr/bin:/usr/sbin", "KRB5_CONFIG": "/etc/krb5.conf", **environment})
        self.assertEqual([left.name for left in (self.peer.root / "tmp").iterdir()], [], "nothing is left in /tmp")
        return done

    def good(self, *options, **environment):
        done = self.run_script(*options, **environment)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done

    def refused(self, text, *options, **environment):
        """It fails with TEXT, and the file is what it was."""
        before = self.file.read_bytes() if self.file.exists() else None
        done = self.run_script(*options, **environment)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn(text, done.stderr)
        self.assertIn("the recipients file stays as it is", done.stderr)
        self.assertEqual(self.file.read_bytes() if self.file.exists() else None, before)
        self.assertEqual([left.name for left in self.file.parent.iterdir()], ["recipients"] if before else [])
        return done

    def found(self):
        return {line for line in self.file.read_text().splitlines() if not line.startswith("#")}

    def test_every_address_of_every_page(self):
        self.conf()
        done = self.good()
        expected = {to for _, to in ODD if to}.union(*map(staff, range(PEOPLE)))
        self.assertEqual(self.found(), expected)
        self.assertIn(f"{len(expected)} recipients are in", done.stdout)
        self.assertIn("m??ller@example.com", done.stderr)
        self.assertEqual(self.file.stat().st_mode & 0o777, 0o644)
        before = self.file.stat()
        self.assertIn("as before", self.good().stdout)
        self.assertEqual(self.file.stat().st_ino, before.st_ino)

    def test_domains_bases_and_own_lines(self):
        self.peer.write("etc/more", "# by hand\nsupport: person1@example.com\n")
        self.conf(base=["ou=odd,dc=example,dc=com", "cn=p1,ou=staff,dc=example,dc=com"], domains="Branch.example old.local", append="/etc/more")
        self.good()
        self.assertEqual(self.found(), {"info@branch.example", "scan@old.local", "p1@branch.example", "support: person1@example.com"})

    def test_it_may_shrink_by_a_fifth(self):
        self.file.write_text("".join(f"u{n}\n" for n in range(10)))
        self.conf(base=[f"cn=p{n},ou=staff,dc=example,dc=com" for n in range(7)], domains="example.com")
        done = self.refused("7 recipients, but /var/lib/recipients/recipients has 10: that is more than 20 % less")
        self.assertIn("--force", done.stderr)
        self.good("--force")
        self.file.write_text("".join(f"u{n}\n" for n in range(8)))
        self.good()
        self.assertEqual(len(self.found()), 7)

    def test_a_part_is_refused(self):
        self.file.write_text("old@example.com\n")
        self.conf(login="cn=small,dc=example,dc=com")
        self.refused("the directory sent only a part of dc=example,dc=com")

    def test_login(self):
        self.conf(uri=self.plain)
        self.good()  # STARTTLS
        self.peer.write("etc/password", "wrong")
        self.refused("does not accept login and password")
        self.peer.write("etc/password", "\r\n")
        self.refused("/etc/password is empty")
        self.peer.write("etc/password", "right")
        self.conf(uri=f"{self.tls} {self.plain}")
        self.refused("uri has ldap:// and ldaps://")
        self.peer.write("credentials/recipients.password", "\n")
        self.conf(password_file=None)
        self.refused("/etc/mailroot/recipients.password is missing or empty", CREDENTIALS_DIRECTORY="/credentials")
        self.peer.write("credentials/recipients.password", "right\n")
        self.good(CREDENTIALS_DIRECTORY="/credentials")
        self.conf(password_file="/nonexistent")
        self.refused("can't read /nonexistent")
        self.conf(ca_file="/etc/other.pem")
        self.refused("can't connect to")
        self.conf(login=None)
        self.refused("the directory has no")  # slapd hides what an anonymous client may not read

    def test_kerberos(self):
        with self.kdc:
            self.conf(uri=self.plain, login="gssapi", key_tab="/etc/client.keytab")
            self.good()
            self.assertGreater(len(self.found()), 2 * PEOPLE)
            self.conf(uri=self.plain, login="gssapi", key_tab="/etc/ca.pem")
            self.refused("login with the key tab failed")
        self.conf(uri=self.plain, login="gssapi", key_tab="/nonexistent")
        self.refused("can't read /nonexistent")

    def test_what_is_wrong_is_said(self):
        for changes, text in (({"uri": None}, "no uri"), ({"uri": "dc1.example.com"}, "uri dc1.example.com does not begin with ldaps://"),
                              ({"uri": f"{self.tls} LDAP://dc1.example.com"}, "uri LDAP://dc1.example.com does not begin with ldaps://"),
                              ({"base": None}, "no base"), ({"shrink": "some"}, "shrink must be a percentage"),
                              ({"colour": "red"}, "there is no setting 'colour'"), ({"login": ""}, "'login' has no value"),
                              ({"base": "dc=other,dc=com"}, "names another server"), ({"base": "ou=none,dc=example,dc=com"}, "has no ou=none"),
                              ({"filter": "(mail=none*)"}, "has no address for the filter"), ({"append": "/none"}, "can't read /none"),
                              ({"uri": "ldaps://127.0.0.1:1"}, "can't connect to"), ({"filter": "(mail=*"}, "ldapsearch failed"),
                              ({"file": "/nowhere/recipients"}, "can't write into /nowhere")):
            with self.subTest(text):
                self.conf(**changes)
                self.refused(text)
        self.conf()
        self.refused("there is no ldapsearch", PATH="/nowhere:" + self.without("ldapsearch"))

    def without(self, name):
        """A folder with all programs but NAME."""
        folder = self.peer.folder("without")
        for program in (self.peer.root / "usr/bin").iterdir():
            if program.name != name and not (folder / program.name).exists():
                (folder / program.name).symlink_to(f"/usr/bin/{program.name}")
        return "/without"

    def test_a_server_that_dies_between_pages(self):
        self.conf(uri=f"ldap://127.0.0.1:{dying_server(self)}", login=None)
        self.refused("can't connect to")

    def test_a_part_of_the_addresses_is_not_sorted(self):
        self.peer.write("broken/sort", '#!/bin/sh\n/usr/bin/sort "$@" | sed 1d\nexit 2\n', 0o755)
        self.conf()
        self.good()
        self.refused("can't write /var/lib/recipients/recipients.", PATH="/broken:/usr/bin")

    def test_no_secret_is_on_a_command_line(self):
        wrapper = '#!/bin/sh\nfor word; do printf "%s\\n" "$word"; done >>/arguments\nexec /usr/bin/ldapsearch "$@"\n'
        self.peer.write("wrapped/ldapsearch", wrapper, 0o755)
        self.conf()
        self.good(PATH="/wrapped:/usr/bin")
        arguments = (self.peer.root / "arguments").read_text().split("\n")
        self.assertIn("-y", arguments)
        self.assertNotIn("right", arguments)


def ber(tag, *parts):
    body = b"".join(parts)
    return bytes([tag, 0x82]) + len(body).to_bytes(2, "big") + body


def message(number, *parts):
    return ber(0x30, bytes([2, 1, number]), *parts)


def dying_server(test):
    """The port of a server that accepts any login, sends one page of more than one, and closes the connection."""
    listener = socket.create_server(("127.0.0.1", 0))
    done = b"\x0a\x01\x00\x04\x00\x04\x00"
    attribute = ber(0x30, ber(4, b"mail"), ber(0x31, ber(4, b"first@example.com")))
    control = ber(0xA0, ber(0x30, ber(4, b"1.2.840.113556.1.4.319"), ber(4, ber(0x30, b"\x02\x01\x00", ber(4, b"more")))))

    def serve():
        with listener.accept()[0] as connection:
            connection.recv(4096)
            connection.sendall(message(1, ber(0x61, done)))
            connection.recv(4096)
            connection.sendall(message(2, ber(0x64, ber(4, b"cn=first"), ber(0x30, attribute))) + message(2, ber(0x65, done), control))
            connection.recv(4096)

    thread = threading.Thread(target=serve)
    thread.start()
    test.addCleanup(thread.join)
    test.addCleanup(listener.close)
    return listener.getsockname()[1]


if __name__ == "__main__":
    harness.main()
