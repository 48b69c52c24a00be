#!/usr/bin/env python3
"""Messages per second through the pickup folder, and through SMTP by the same clients, with one connection each.

usage: pickup.py --build DIR [--files 5000] [--size 4096] [--clients 5]

Both end with every message in the drop folder. Files are renamed into the pickup folder, so that none waits for PICKUP_QUIET_MS.
"""
import argparse
import os
import pathlib
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "system"))
import harness


def in_threads(clients, work):
    threads = [threading.Thread(target=work, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def measure(args, send):
    with harness.Mailroot("messages { max_session_size none }") as server:
        began = time.monotonic()
        in_threads(args.clients, lambda number: send(server, number))
        written = time.monotonic() - began
        total = args.files // args.clients * args.clients
        harness.wait_for(lambda: len(os.listdir(server.server_folder() / "drop")) >= total, f"{total} messages", 600)
        return total / (time.monotonic() - began), written


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", required=True, type=pathlib.Path)
    parser.add_argument("--files", type=int, default=5000)
    parser.add_argument("--size", type=int, default=4096)
    parser.add_argument("--clients", type=int, default=5)
    args = parser.parse_args()
    harness.BUILD = args.build.resolve()
    text = b"From: app@example.com\r\nTo: sales@example.com\r\nSubject: bench\r\n\r\n" + (b"x" * 70 + b"\r\n") * (args.size // 72)
    each = args.files // args.clients

    def by_file(server, client):
        folder = server.server_folder() / "pickup"
        for number in range(each):
            (folder / f".{client}-{number}").write_bytes(text)
            os.rename(folder / f".{client}-{number}", folder / f"{client}-{number}.eml")

    def by_smtp(server, client):
        with server.client() as connection:
            for _ in range(each):
                connection.sendmail("app@example.com", ["sales@example.com"], text)

    for name, send in (("pickup", by_file), ("smtp", by_smtp)):
        rate, written = measure(args, send)
        print(f"{name}: {rate:.0f} messages/s ({args.files} of {len(text)} octets, {args.clients} clients, handed over in {written:.1f} s)")


if __name__ == "__main__":
    main()
