#!/usr/bin/env python3
"""States after a power failure of a file between pickup/ or maildrop/ and new/, made by hand.

usage: pickup_staged.py --build DIR   (root, strace)

ext4 may commit the name and the size of a message that is still without its name (new/.NAME) before its text, which then is zeros. The reader that starts
next must send the claimed file, which is complete, once, whatever other files there are; and the id in a claimed file's name is never the id of a message, because
a user may have chosen that name. Then one rename fails (EIO) and must be tried again. Exits 1 if a message was lost, duplicated or altered, or got an id that a user chose.
"""
import argparse
import os
import pathlib
import pwd
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "system"))
import harness

IDS = [f"01NGS422M94FCQYM13YZ3K{letter}{digit}" for letter in "ABC" for digit in "012"]
SERVICE = pwd.getpwnam("mailroot")


def text_of(tag):
    return f"x-sender: a@example.com\r\nx-receiver: b@example.com\r\nFrom: a@example.com\r\nSubject: {tag}\r\n\r\nprecious {tag}\r\n".encode()


def put(path, octets, owner=SERVICE):
    path.write_bytes(octets)
    os.chown(path, owner.pw_uid, owner.pw_gid)


def scenes(server):
    """Name of each scene -> (files to write, subjects that must arrive)."""
    folder, pickup, maildrop = server.server_folder(), server.server_folder() / "pickup", server.server_folder() / "maildrop"
    whole = text_of("staged whole")
    named = f"01NGS42PSC386YX1VG2CSH6X,S={len(text_of('maildrop zeros'))}.eml"
    nobody = pwd.getpwnam("nobody")
    return {
        "zeros beside a claimed file of pickup/": (
            [(pickup / f".mailroot-{IDS[0]}-order.eml", text_of("pickup zeros"), SERVICE), (folder / f"new/.{IDS[0]},S=300.eml", bytes(300), SERVICE)],
            ["pickup zeros"]),
        "zeros beside a claimed file of maildrop/": (
            [(maildrop / f".mailroot-{IDS[1]}-{named}", text_of("maildrop zeros"), SERVICE), (folder / f"new/.{IDS[1]},S=300.eml", bytes(300), SERVICE)],
            ["maildrop zeros"]),
        "a whole one beside a claimed file": (
            [(pickup / f".mailroot-{IDS[2]}-b.eml", whole, SERVICE), (folder / f"new/.{IDS[2]},S={len(whole)}.eml", whole, SERVICE)], ["staged whole"]),
        "a whole one alone": ([(folder / f"new/.{IDS[3]},S={len(text_of('alone'))}.eml", text_of("alone"), SERVICE)], ["alone"]),
        "a torn one alone": ([(folder / f"new/.{IDS[4]},S=400.eml", bytes(300), SERVICE)], []),
        "two files of one id, named by a user": (
            [(pickup / f".mailroot-{IDS[5]}-x", text_of("forged x"), nobody), (pickup / f".mailroot-{IDS[5]}-y", text_of("forged y"), nobody)],
            ["forged x", "forged y"]),
    }


def name_fails(server):
    """A message whose rename fails once gets its name within seconds, from the same process. Returns the problem, or None."""
    before = server.pids()["pickup"]
    # The first rename claims the file, the second publishes the message.
    trace = subprocess.Popen(["strace", "-qq", "-f", "-o", "/dev/null", "-e", "trace=renameat2", "-e", "inject=renameat2:error=EIO:when=2", "-p", str(before)])
    try:
        harness.wait_for(lambda: "TracerPid:\t0\n" not in pathlib.Path(f"/proc/{before}/status").read_text(), "strace attached")
        count = len(server.files("drop"))
        put(server.folder / "late.eml", text_of("named late"))
        os.rename(server.folder / "late.eml", server.server_folder() / "pickup/late.eml")
        harness.wait_for(lambda: len(server.files("drop")) > count, "the message", 10)
    except AssertionError as error:
        return f"naming fails once: {error}"
    finally:
        trace.terminate()
        trace.wait()
    return None if server.pids()["pickup"] == before else "naming fails once: another process had to begin"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", required=True, type=pathlib.Path)
    args = parser.parse_args()
    harness.BUILD = args.build.resolve()
    trouble, want = [], []
    with harness.Mailroot() as server:
        server.stop()
        for files, subjects in scenes(server).values():
            want += subjects
            for path, octets, owner in files:
                put(path, octets, owner)
        server.start()
        folder = server.server_folder()
        try:
            harness.wait_for(lambda: len(server.files("drop")) >= len(want), f"{len(want)} messages", 20)
            harness.wait_for(lambda: not any(list((folder / place).iterdir()) for place in ("pickup", "maildrop", "new")), "empty folders", 20)
        except AssertionError as error:
            trouble.append(f"stranded: {error} {[path.name for place in ('pickup', 'maildrop', 'new') for path in (folder / place).iterdir()]}")
        found = [path.read_bytes() for path in server.files("drop")]
        for subject in want:
            count = sum(octets.endswith(f"\r\n\r\nprecious {subject}\r\n".encode()) for octets in found)
            if count != 1:
                trouble.append(f"{subject}: arrived {count} times")
        trouble += [f"the id of a message was chosen by a file's name: {ident}" for ident in IDS if ident not in (IDS[3],) and any(ident.encode() in octets for octets in found)]
        if late := name_fails(server):
            trouble.append(late)
        trouble += [f"badmail: {path.read_text().strip()}" for path in server.files("badmail", ".txt")]
    for line in trouble:
        print(line)
    print(f"messages={len(want)} trouble={len(trouble)}")
    return bool(trouble)


if __name__ == "__main__":
    sys.exit(main())
