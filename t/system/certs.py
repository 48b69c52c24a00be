"""Certificates for tests, made with openssl: an authority, its certificates (RSA, ECDSA, expired, for other names), its revocations."""
import datetime
import pathlib
import subprocess

CONFIG = """
[ca]
default_ca = test
[test]
database = {folder}/index
serial = {folder}/serial
crlnumber = {folder}/crlnumber
new_certs_dir = {folder}
certificate = {folder}/ca.pem
private_key = {folder}/ca.key
default_md = sha256
default_crl_days = 30
policy = any
unique_subject = no
[any]
commonName = supplied
[authority]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[issued]
basicConstraints = CA:FALSE
subjectAltName = {names}
"""

ALGORITHMS = {"rsa": ("rsa:2048",), "ecdsa": ("ec", "-pkeyopt", "ec_paramgen_curve:P-256"), "weak": ("rsa:1024",)}


def openssl(*args, stdin=None):
    done = subprocess.run(["openssl", *map(str, args)], input=stdin, capture_output=True, timeout=60)
    if done.returncode:
        raise AssertionError(f"openssl {' '.join(map(str, args))}: {done.stderr.decode(errors='replace')}")
    return done.stdout


class Certificate:
    """Files in PEM: certificate (with its chain), key."""

    def __init__(self, certificate, key):
        self.certificate, self.key = pathlib.Path(certificate), pathlib.Path(key)

    def __str__(self):
        """The value of tls_certificate."""
        return f"{self.certificate} {self.key}"

    def text(self):
        return openssl("x509", "-in", self.certificate, "-noout", "-text").decode()

    def fingerprint(self):
        """SHA-256, lower case, without colons."""
        line = openssl("x509", "-in", self.certificate, "-noout", "-fingerprint", "-sha256").decode()
        return line.split("=")[1].strip().replace(":", "").lower()


class Authority:
    """A root authority in FOLDER: clients trust `file`; `crl` is `file` with the revocation list."""

    def __init__(self, folder, name="Mailroot Test CA"):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.file, self.crl, self.count = self.folder / "ca.pem", self.folder / "ca-crl.pem", 0
        (self.folder / "index").touch()
        (self.folder / "serial").write_text("1000\n")
        (self.folder / "crlnumber").write_text("01\n")
        openssl("req", "-x509", "-newkey", *ALGORITHMS["ecdsa"], "-nodes", "-keyout", self.folder / "ca.key", "-out", self.file, "-subj",
                f"/CN={name}", "-days", "30", "-config", self._config(), "-extensions", "authority")

    def _config(self, names="DNS:unused"):
        config = self.folder / "config"
        config.write_text("[req]\ndistinguished_name = dn\n[dn]\n" + CONFIG.format(folder=self.folder, names=names))
        return config

    def issue(self, *names, kind="ecdsa", days=30, since=-1):
        """A certificate for NAMES (DNS; an address as "IP:127.0.0.1"), valid from SINCE days from now for DAYS; expired with since=-30, days=20."""
        self.count += 1
        stem = self.folder / f"{self.count:02}-{kind}"
        request, certificate, key = (stem.with_suffix(s) for s in (".csr", ".pem", ".key"))
        config = self._config(",".join(n if n.startswith("IP:") else f"DNS:{n}" for n in names))
        begin = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=since)
        end = begin + datetime.timedelta(days=days)
        openssl("req", "-newkey", *ALGORITHMS[kind], "-nodes", "-keyout", key, "-out", request, "-subj", f"/CN={names[0][:64]}", "-config",
                config)
        openssl("ca", "-batch", "-notext", "-config", config, "-extensions", "issued", "-in", request, "-out", certificate, "-startdate",
                f"{begin:%Y%m%d%H%M%SZ}", "-enddate", f"{end:%Y%m%d%H%M%SZ}")
        key.chmod(0o600)
        return Certificate(certificate, key)

    def revoke(self, issued):
        """Notes ISSUED as revoked and writes `crl`."""
        config = self._config()
        openssl("ca", "-config", config, "-revoke", issued.certificate)
        listed = openssl("ca", "-config", config, "-gencrl")
        self.crl.write_bytes(self.file.read_bytes() + listed)


def self_signed(folder, name, kind="ecdsa"):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    certificate, key = folder / f"self-{kind}.pem", folder / f"self-{kind}.key"
    openssl("req", "-x509", "-newkey", *ALGORITHMS[kind], "-nodes", "-keyout", key, "-out", certificate, "-subj", f"/CN={name}", "-addext",
            f"subjectAltName=DNS:{name}", "-days", "30")
    key.chmod(0o600)
    return Certificate(certificate, key)
