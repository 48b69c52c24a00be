"""Programs that put messages into a pickup folder, each in its own way. The written file can be compared with the dropped one.

A writer's call gives (file, body): the body is what the recipient must get, with CRLF line ends and without stuffing.
"""
import email.message
import email.policy
import os
import pathlib
import subprocess
import time
import uuid

BODY_LINES = ("First line", ".NET starts with a dot", "...and an ellipsis", ".", "..", "a line: with a colon", "", "last")


def lines(number):
    return [f"Message {number}", *BODY_LINES, "x" * (number % 70)]


def crlf(text_lines):
    return b"".join(line.encode() + b"\r\n" for line in text_lines)


def stuffed(octets):
    return octets.replace(b"\r\n.", b"\r\n..")


def write_whole(path, octets):
    """Like a FileStream: created, written in one or two pieces, closed."""
    with open(path, "xb", buffering=0) as file:
        file.write(octets[:100])
        file.write(octets[100:])


def dotnet(folder, number, rcpt):
    """System.Net.Mail.SmtpClient of .NET Framework, SpecifiedPickupDirectory: X-Sender and X-Receiver, CRLF, dots doubled."""
    body = crlf(lines(number))
    head = (f"X-Sender: \"Ann Example\" <ann@example.com>\r\nX-Receiver: {rcpt}\r\nMIME-Version: 1.0\r\n"
            f"From: \"Ann Example\" <ann@example.com>\r\nTo: {rcpt}\r\nDate: 21 Nov 2026 10:00:00 +0100\r\n"
            f"Subject: dotnet {number}\r\nContent-Type: text/plain; charset=us-ascii\r\nContent-Transfer-Encoding: 7bit\r\n\r\n").encode()
    path = pathlib.Path(folder) / f"{uuid.uuid4()}.eml"
    write_whole(path, head + stuffed(b"\r\n" + body)[2:] + b"\r\n\r\n")
    return path, body + b"\r\n\r\n"


def mailkit(folder, number, rcpt):
    """MailKit's MimeMessage.WriteTo: no envelope lines, CRLF, dots as they are, a boundary of its own."""
    body = (f"--=-b{number}==\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n").encode() + crlf(lines(number)) + \
        f"--=-b{number}==--\r\n".encode()
    head = (f"From: =?utf-8?q?Bj=C3=B6rn?= <bjorn@example.com>\r\nDate: Sat, 21 Nov 2026 10:00:00 +0100\r\nSubject: mailkit {number}\r\n"
            f"Message-Id: <{number}.MK@client.example.com>\r\nTo: {rcpt}\r\nMIME-Version: 1.0\r\n"
            f"Content-Type: multipart/mixed; boundary=\"=-b{number}==\"\r\n\r\n").encode()
    path = pathlib.Path(folder) / f"{uuid.uuid4()}.eml"
    write_whole(path, head + body)
    return path, body


def python(folder, number, rcpt):
    """email.message with the policy of most scripts: LF line ends, renamed into the folder."""
    message = email.message.EmailMessage(policy=email.policy.default)
    message["From"] = "Carl <carl>"
    message["To"] = f"Team: {rcpt};"
    message["Subject"] = f"python {number}"
    message.set_content("\n".join(lines(number)) + "\n")
    octets = message.as_bytes()
    path = pathlib.Path(folder) / f"python-{number}.eml"
    hidden = pathlib.Path(folder) / f".python-{number}"
    hidden.write_bytes(octets)
    os.rename(hidden, path)
    return path, octets.split(b"\n\n", 1)[1].replace(b"\n", b"\r\n")


def shell(folder, number, rcpt):
    """printf in a script: many lines, and the file is opened for each of them."""
    path = pathlib.Path(folder) / f"shell {number}.txt"
    text = "".join(f"printf '%s\\n' '{line}' >> \"$1\"\n" for line in lines(number))
    subprocess.run(["sh", "-c", f"printf 'x-sender: root\\nx-receiver: {rcpt}\\nSubject: shell {number}\\n\\n' > \"$1\"\n{text}", "sh", path],
                   check=True)
    return path, crlf(lines(number))


def slow(folder, number, rcpt, pause=0.05, pieces=8):
    """A copy over a slow connection: open all the time, in pieces."""
    body = crlf(lines(number)) + b"y" * 5000 + b"\r\n"
    octets = f"x-sender: slow@example.com\r\nx-receiver: {rcpt}\r\nFrom: slow@example.com\r\nSubject: slow {number}\r\n\r\n".encode() + body
    path = pathlib.Path(folder) / f"slow-{number}.eml"
    with open(path, "xb", buffering=0) as file:
        step = len(octets) // pieces + 1
        for at in range(0, len(octets), step):
            file.write(octets[at:at + step])
            time.sleep(pause)
    return path, body


WRITERS = {"dotnet": dotnet, "mailkit": mailkit, "python": python, "shell": shell, "slow": slow}


def subject_and_body(raw):
    """Of a dropped file."""
    head, body = raw.split(b"\r\n\r\n", 1)
    subject = [line for line in head.split(b"\r\n") if line.lower().startswith(b"subject: ")]
    return subject[0][9:].decode(), body
