"""Which shared libraries each program loads, and why: the test fails for a library that is not listed, and for a listed one that is not loaded."""
import pathlib
import re
import subprocess
import unittest

import harness

# The libraries that our programs link, besides libc.
TLS = {"libssl": "TLS", "libcrypto": "certificates, keys and digests"}
KERBEROS = {"libgssapi_krb5": "AUTH GSSAPI", "libkrb5": "key tabs and tickets in memory"}
SASL = {"libgsasl": "the other mechanisms of AUTH"}
JAIL = {"libseccomp": "the list of system calls of the jail"}
PASSWORDS = {"libcrypt": "the hashes of accounts"}
DIRECT = {
    "mailrootd": {},
    "mailrootctl": {**TLS, **SASL, **PASSWORDS},
    "mailroot-replay": {},
    "mailroot-metrics": {},
    "mailroot-exporter": {"libevent_core": "the loop", "libevent_extra": "HTTP", **JAIL},
    "mailroot-alerts": {**JAIL},
    "mailroot-top": {"libncursesw": "a screen that changes in place", "libtinfo": "what the terminal can do"},
    "mailroot-doctor": {**TLS, "libunbound": "DNS as other hosts see it"},
    "mailroot-filter": {},
    "mailroot-dkim": {**TLS, "libunbound": "records in DNS"},
    "mailroot-import-iis": {"libexpat": "the metabase of IIS, which is XML"},
    "mailroot-smtpd": {**TLS, **KERBEROS, **SASL, **PASSWORDS, **JAIL},
    "mailroot-kerberos": {"libkrb5": "the question to the KDC", "libgssapi_krb5": "texts of errors", **JAIL},
    "mailroot-filters": {**JAIL},
    "mailroot-pickup": {},
    "mailroot-queue": {"libevent_core": "the loop over all links and times"},
    "mailroot-delivery": {**TLS, **KERBEROS, **SASL, **JAIL},
    "mailroot-local": {},
    "mailroot-resolver": {"libunbound": "DNS, DNSSEC and the cache",
                          "libcrypto": "the digest of a certificate that a TLSA record has in full"},
    "mailroot-log": {},
    "mailroot-web": {"libcurl": "HTTPS, and the proxies of companies", "libjansson": "JSON from outside",
                     "libcrypto": "signed assertions", **JAIL},
    "sendmail": {},
}

# The dependencies of those libraries in Debian 12; other systems build them differently.
SUITE = "bookworm"
BROUGHT = {
    "libgsasl": {"libgssglue": "its GSSAPI, which we do not use", "libidn": "SASLprep", "libntlm": "its NTLM, which we do not use"},
    "libkrb5": {"libk5crypto": "ciphers of tickets", "libkrb5support": "what its libraries share", "libcom_err": "texts of errors",
                "libkeyutils": "credential caches in the kernel, which we do not use", "libresolv": "KDCs that DNS names"},
    "libcurl": {"libssl": "TLS", "libz": "compression, which we do not use", "libbrotlidec": "the same", "libbrotlicommon": "the same",
                "libzstd": "the same", "libnghttp2": "HTTP/2, which we do not use", "libidn2": "names with other letters",
                "libunistring": "the same", "libpsl": "cookies, which we do not use", "libssh2": "SFTP, which we do not use",
                "librtmp": "RTMP, which we do not use", "libldap": "LDAP, which we do not use", "liblber": "the same",
                "libsasl2": "of libldap", "libgnutls": "of libldap and librtmp", "libnettle": "of libgnutls", "libhogweed": "the same",
                "libgmp": "the same", "libp11-kit": "the same", "libffi": "the same", "libtasn1": "the same",
                "libgssapi_krb5": "proxies that want Kerberos", "libkrb5": "the same", "libk5crypto": "the same",
                "libkrb5support": "the same", "libcom_err": "the same", "libkeyutils": "the same", "libresolv": "the same"},
    "libunbound": {"libevent": "its loop", "libnettle": "DNSSEC", "libhogweed": "its public keys", "libgmp": "its numbers"},
}
LIBC = re.compile(r"libc\.so|ld-linux|linux-vdso")


def stems(names):
    """libevent_core-2.1.so.7 -> libevent_core, without libc and the loader, which are everywhere."""
    files = [pathlib.PurePath(name).name for name in names]
    return {re.sub(r"(-[\d.]+)?\.so(\.\d+)*$", "", file) for file in files if not LIBC.match(file)}


def tool(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def linked(program):
    return stems(re.findall(r"\(NEEDED\).*\[(.+)\]", tool("readelf", "-d", str(harness.BUILD / program))))


def loaded(program):
    return stems(re.findall(r"^\t(\S+)", tool("ldd", str(harness.BUILD / program)), re.M))


def suite():
    found = re.search(r"^VERSION_CODENAME=(\w+)", pathlib.Path("/etc/os-release").read_text(), re.M)
    return found and found.group(1)


class Libraries(unittest.TestCase):
    def setUp(self):
        if harness.sanitized():
            raise unittest.SkipTest("the sanitizers have libraries of their own")

    def test_every_program_is_listed(self):
        programs = {path.name for path in harness.BUILD.iterdir() if re.fullmatch(r"mailroot(d|ctl|-[\w-]+)|sendmail", path.name)}
        self.assertEqual(programs, set(DIRECT))

    def test_a_program_links_what_it_needs(self):
        for program, reasons in DIRECT.items():
            with self.subTest(program=program):
                self.assertEqual(linked(program), set(reasons))

    def test_a_program_loads_no_more_than_that_brings(self):
        if suite() != SUITE:
            raise unittest.SkipTest(f"what libraries bring is listed for {SUITE}")
        for program, reasons in DIRECT.items():
            with self.subTest(program=program):
                brought = {name for library in reasons for name in BROUGHT.get(library, {})}
                self.assertEqual(loaded(program), set(reasons) | brought)


if __name__ == "__main__":
    harness.main()
