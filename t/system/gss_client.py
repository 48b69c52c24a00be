"""The client side of AUTH GSSAPI, with MIT's library by ctypes, so that a test can make errors."""
import base64
import contextlib
import ctypes
import os

KRB5 = b"\x2a\x86\x48\x86\xf7\x12\x01\x02\x02"
SPNEGO = b"\x2b\x06\x01\x05\x05\x02"
PRINCIPAL_NAME = b"\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x01"
MUTUAL, SEQUENCE, INTEGRITY = 2, 8, 32
CONTINUE = 1


class Oid(ctypes.Structure):
    _fields_ = [("length", ctypes.c_uint32), ("elements", ctypes.c_char_p)]


class Buffer(ctypes.Structure):
    _fields_ = [("length", ctypes.c_size_t), ("value", ctypes.c_void_p)]

    def take(self, library):
        """Its octets. The memory of the library is released."""
        octets = ctypes.string_at(self.value, self.length) if self.length else b""
        library.gss_release_buffer(ctypes.byref(ctypes.c_uint32()), ctypes.byref(self))
        return octets


def buffer(octets):
    return Buffer(len(octets), ctypes.cast(ctypes.c_char_p(octets), ctypes.c_void_p))


@contextlib.contextmanager
def environment(values):
    """For this process too, whose library reads it at each step."""
    before = dict(os.environ)
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


class Initiator:
    """One exchange with SERVICE ("smtp/mail.example.com"), with the tickets of KRB5CCNAME."""

    def __init__(self, service, mechanism=KRB5, flags=MUTUAL | SEQUENCE):
        self.library = ctypes.CDLL("libgssapi_krb5.so.2")
        self.mechanism, self.flags, self.complete = Oid(len(mechanism), mechanism), flags, False
        self.context, self.name = ctypes.c_void_p(), ctypes.c_void_p()
        kind = Oid(len(PRINCIPAL_NAME), PRINCIPAL_NAME)
        self.call("gss_import_name", ctypes.byref(buffer(service.encode())), ctypes.byref(kind), ctypes.byref(self.name))

    def call(self, function, *arguments):
        minor = ctypes.c_uint32()
        major = getattr(self.library, function)(ctypes.byref(minor), *arguments) & 0xFFFFFFFF
        if major & ~0xFFFF:
            raise AssertionError(f"{function}: major {major:#x}, minor {minor.value:#x}")
        return major

    def step(self, token=b""):
        out = Buffer()
        major = self.call("gss_init_sec_context", None, ctypes.byref(self.context), self.name, ctypes.byref(self.mechanism),
                          ctypes.c_uint32(self.flags), ctypes.c_uint32(0), None, ctypes.byref(buffer(token)), None, ctypes.byref(out), None, None)
        self.complete = not major & CONTINUE
        return out.take(self.library)

    def unwrap(self, token):
        out = Buffer()
        self.call("gss_unwrap", self.context, ctypes.byref(buffer(token)), ctypes.byref(out), None, None)
        return out.take(self.library)

    def wrap(self, octets):
        out = Buffer()
        self.call("gss_wrap", self.context, 0, ctypes.c_uint32(0), ctypes.byref(buffer(octets)), None, ctypes.byref(out))
        return out.take(self.library)


def encode(token):
    return base64.b64encode(token) or b"="


def authenticate(wire, initiator, authzid=b"", initial=True, answer=None, record=None):
    """AUTH GSSAPI over a harness.Wire. Returns (code, line) of the last reply. RECORD, a list, gets every line that we send."""
    def say(line):
        if record is not None:
            record.append(line)
        wire.say(line + b"\r\n")
        return wire.reply()

    token = initiator.step()
    if initial:
        reply = say(b"AUTH GSSAPI " + encode(token))
    else:
        reply = say(b"AUTH GSSAPI")
        assert reply == (334, "334 "), reply
        reply = say(base64.b64encode(token))
    while reply[0] == 334 and not initiator.complete:
        reply = say(base64.b64encode(initiator.step(base64.b64decode(reply[1][4:]))))
    if reply[0] != 334:
        return reply
    offer = initiator.unwrap(base64.b64decode(reply[1][4:]))
    assert offer == b"\1\0\0\0", offer
    return say(base64.b64encode(answer or initiator.wrap(b"\1\0\0\0" + authzid)))
