"""Runs a program with only the address families that a systemd unit permits: families.py UNIT COMMAND ARGUMENT..."""
import ctypes
import errno
import os
import platform
import re
import socket
import struct
import sys

SOCKET_CALL = {"x86_64": 41, "aarch64": 198}[platform.machine()]
LOAD, EQUAL, RETURN = 0x20, 0x15, 0x06  # BPF_LD | BPF_W | BPF_ABS, BPF_JMP | BPF_JEQ | BPF_K, BPF_RET | BPF_K
NUMBER_AT, FAMILY_AT = 0, 16  # in struct seccomp_data
ALLOW, ERRNO = 0x7FFF0000, 0x00050000
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2


def families(unit):
    with open(unit, encoding="utf-8") as text:
        return re.search(r"^RestrictAddressFamilies=(.*)$", text.read(), re.M).group(1).split()


def install(program):
    """Restricts this process, and what it executes, by PROGRAM: steps of BPF, (code, jump if true, jump if false, value)."""
    octets = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in program))
    header = ctypes.create_string_buffer(struct.pack("@HP", len(program), ctypes.addressof(octets)))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, header, 0, 0):
        raise OSError(ctypes.get_errno(), "seccomp")


def permit_only(names):
    """As systemd does: socket() with another family is EAFNOSUPPORT."""
    jumps = [(EQUAL, len(names) - i, 0, getattr(socket, name)) for i, name in enumerate(names)]
    install([(LOAD, 0, 0, NUMBER_AT), (EQUAL, 0, len(names) + 2, SOCKET_CALL), (LOAD, 0, 0, FAMILY_AT), *jumps,
             (RETURN, 0, 0, ERRNO | errno.EAFNOSUPPORT), (RETURN, 0, 0, ALLOW)])


if __name__ == "__main__":
    permit_only(families(sys.argv[1]))
    os.execvp(sys.argv[2], sys.argv[2:])
