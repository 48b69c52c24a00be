#!/usr/bin/env python3
"""tls.py full|resumed PORT COUNT            sessions of EHLO, STARTTLS, EHLO, QUIT, 4 at a time; prints the rate per second
tls.py idle PORT COUNT CGROUP_PROCS       memory (PSS) of an idle session in TLS, and of one in clear"""
import multiprocessing
import socket
import ssl
import sys
import time

CLIENTS = 4


def reply(s):
    text = b""
    while not text.endswith(b"\n") or text.rstrip(b"\r\n").split(b"\n")[-1][3:4] == b"-":
        more = s.recv(4096)
        if not more:
            raise OSError(f"closed after {text!r}")
        text += more
    return text


def command(s, text):
    s.sendall(text + b"\r\n")
    answer = reply(s)
    assert answer[:1] == b"2", (text, answer)


def context():
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
    return made


def connect(port, tls=None, session=None):
    s = socket.create_connection(("127.0.0.1", port), timeout=60)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    reply(s)
    command(s, b"EHLO bench.test")
    if tls:
        command(s, b"STARTTLS")
        s = tls.wrap_socket(s, session=session)
        command(s, b"EHLO bench.test")
    return s


def sessions(port, count, resume):
    tls, session = context(), None
    for _ in range(count):
        s = connect(port, tls, session)
        command(s, b"QUIT")
        if resume:
            session = s.session
        s.close()


def rate(port, count, resume):
    began = time.monotonic()
    clients = [multiprocessing.Process(target=sessions, args=(port, count // CLIENTS, resume)) for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    assert not any(client.exitcode for client in clients)
    return f"sessions={count} per_s={count / (time.monotonic() - began):.0f}"


def pss(procs):
    total = 0
    for pid in open(procs).read().split():
        try:
            with open(f"/proc/{pid}/smaps_rollup") as rollup:
                total += next(int(line.split()[1]) for line in rollup if line.startswith("Pss:"))
        except (OSError, StopIteration):
            pass
    return total


def idle(port, count, procs):
    """Both are relative to the time before the first, because processes may stay for the next session. TLS is last, because they may keep some of its memory."""
    start, found = pss(procs), []
    for secured in (None, context()):
        held = [connect(port, secured) for _ in range(count)]
        time.sleep(1)
        found.append((pss(procs) - start) / count)
        for s in held:
            s.close()
        time.sleep(1)
    return f"sessions={count} clear_kib={found[0]:.0f} tls_kib={found[1]:.0f}"


def main():
    way, port, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    print(idle(port, count, sys.argv[4]) if way == "idle" else rate(port, count, way == "resumed"))


main()
