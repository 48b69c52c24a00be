"""Verifies DKIM signatures (RFC 6376, RFC 8463) by code of our own, with the openssl command. dkim_peers.py has verifiers of others."""
import base64
import hashlib
import pathlib
import re
import subprocess
import tempfile


def make_key(path, kind="rsa"):
    """A private key in PEM at PATH, readable by its owner; returns the text of its TXT record."""
    options = {"rsa": ["RSA", "-pkeyopt", "rsa_keygen_bits:2048"], "ed25519": ["ED25519"]}[kind]
    path.touch(0o600)
    subprocess.run(["openssl", "genpkey", "-out", str(path), "-algorithm", *options], check=True, capture_output=True)
    public = subprocess.run(["openssl", "pkey", "-in", str(path), "-pubout", "-outform", "DER"], check=True, capture_output=True).stdout
    path.chmod(0o600)
    if kind == "ed25519":
        public = public[-32:]
    return f"v=DKIM1; k={kind}; p={base64.b64encode(public).decode()}"


def split(message):
    """The fields of the header, each with its line ends, and the body."""
    head, _, body = message.partition(b"\r\n\r\n")
    return re.findall(rb"[^\r\n][^\n]*\n(?:[ \t][^\n]*\n)*", head + b"\r\n"), body


def relaxed_field(field):
    name, _, value = field.partition(b":")
    return name.strip().lower() + b":" + re.sub(rb"[ \t]+", b" ", value.replace(b"\r\n", b"")).strip() + b"\r\n"


def relaxed_body(body):
    lines = [re.sub(rb"[ \t]+", b" ", line).rstrip(b" ") for line in body.split(b"\r\n")]
    text = b"\r\n".join(lines).rstrip(b"\r\n")
    return text + b"\r\n" if text else b""


def simple_body(body):
    while body.endswith(b"\r\n\r\n"):
        body = body[:-2]
    return body if body.endswith(b"\r\n") else body + b"\r\n"


def tags_of(field):
    value = field.partition(b":")[2].decode()
    return {name.strip(): re.sub(r"\s", "", text) for name, _, text in (tag.partition("=") for tag in value.split(";")) if name.strip()}


def right(record, data, signature):
    """Whether SIGNATURE of DATA is by the key of RECORD."""
    key = base64.b64decode(tags_of(b"x:" + record.encode())["p"])
    ed25519 = "k=ed25519" in record
    if ed25519:
        key = bytes.fromhex("302a300506032b6570032100") + key
        data = hashlib.sha256(data).digest()
    with tempfile.TemporaryDirectory() as folder:
        paths = [pathlib.Path(folder) / name for name in ("key", "data", "signature")]
        for path, octets in zip(paths, (key, data, signature)):
            path.write_bytes(octets)
        kind = ["-rawin"] if ed25519 else ["-rawin", "-digest", "sha256"]
        return subprocess.run(["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", str(paths[0]), *kind, "-in", str(paths[1]),
                               "-sigfile", str(paths[2])], capture_output=True).returncode == 0


def verify(message, records):
    """Checks each DKIM-Signature of MESSAGE with RECORDS, name -> TXT. Returns their tags in order, after asserting that all are right."""
    fields, body = split(message)
    found = []
    for i, field in enumerate(fields):
        if not field.lower().startswith(b"dkim-signature:"):
            continue
        tags = tags_of(field)
        header_form, _, body_form = tags["c"].partition("/")
        digest = hashlib.sha256((relaxed_body if body_form == "relaxed" else simple_body)(body)).digest()
        assert base64.b64decode(tags["bh"]) == digest, f"the body has changed: {tags}"
        form = relaxed_field if header_form == "relaxed" else lambda text: text
        rest, signed = [f for k, f in enumerate(fields) if k != i], b""
        for name in tags["h"].split(":"):
            at = [k for k, f in enumerate(rest) if f.split(b":")[0].strip().lower() == name.lower().encode()]
            if at:
                signed += form(rest.pop(at[-1]))
        own = re.sub(rb"([;\s]b\s*=)[^;]*", rb"\1", field, flags=re.S) if header_form == "simple" else None
        own = form(re.sub(rb"(;\s*b=)[^;]*", rb"\1", field) if own is None else own).rstrip(b"\r\n")
        record = records[f"{tags['s']}._domainkey.{tags['d']}"]
        assert right(record, signed + own, base64.b64decode(tags["b"])), f"the signature is wrong: {tags}"
        found.append(tags)
    return found
