"""Mail of every kind for powercut.py: clients that note when something was promised to them, a next hop that notes when a message came, and what is in the folders.

A moment is a position: the number of requests that the recorded disk had completed.
"""
import base64
import collections
import dataclasses
import hashlib
import os
import pathlib
import random
import re
import smtplib
import subprocess
import threading
import time

from harness import Mailroot, Sink

# Kind -> (weight, recipients). The name of a recipient says what happens to it: see Next and place_of.
KINDS = {
    "drop": (30, ["a@example.com"]),
    "two": (12, ["a@example.com", "b@other.example.com"]),
    "relay": (18, ["ok{}@remote.test"]),
    "mixed": (12, ["a@example.com", "ok{}@remote.test"]),
    "later": (8, ["later{}@remote.test"]),
    "partly": (6, ["b@other.example.com", "ok{}@remote.test", "later{}@remote2.test"]),
    "refused": (6, ["refused{}@remote.test"]),
    "null": (4, ["refused{}@remote.test"]),  # of the sender <>, so it becomes bad mail
    "keep": (6, ["keep{}@remote.test"]),
    "large": (3, ["a@example.com"]),
}
PLAIN = ("drop", "two", "relay")  # what local programs send


def place_of(kind, recipient):
    """Where a message must be in the end."""
    if recipient.startswith("refused"):
        return "badmail" if kind == "null" else "notice"
    return {"example.com": "drop", "other.example.com": "other"}.get(recipient.split("@")[1], "next")


@dataclasses.dataclass
class Sent:
    """A message that a client has begun to send. `promised`: the position when it was told that the server has it."""
    tag: str
    kind: str
    door: str
    recipients: list
    promised: int = None
    ident: str = None
    actions: list = dataclasses.field(default_factory=list)  # [(verb, position before, position after success or None)]

    def sender(self):
        return "" if self.kind == "null" else f"from{self.tag}@example.com"

    def begun(self, verb, position):
        return any(action == verb and before <= position for action, before, _ in self.actions)


def text_of(tag, rng, large):
    body = base64.encodebytes(rng.randbytes(300_000 if large else rng.choice((200, 900, 3000, 9000, 40_000)))).replace(b"\n", b"\r\n")
    return f"Subject: {tag}\r\nX-Tag: {tag}\r\nX-Sha: {hashlib.sha1(body).hexdigest()}\r\n\r\n".encode() + body


def judge(octets):
    """(tag, is it whole?)"""
    head, _, body = octets.partition(b"\r\n\r\n")
    tag, digest = (re.search(rb"^X-%s: (\w+)\r?$" % word, head, re.M) for word in (b"Tag", b"Sha"))
    return tag and tag.group(1).decode(), bool(digest) and digest.group(1).decode() == hashlib.sha1(body).hexdigest()


class Next(Sink):
    """The smart host. `came`: (tag, recipient) -> [(position, time)]. `torn`: tags of messages that were not whole."""

    def __init__(self, position):
        self.position, self.keeping, self.delayed = position, True, set()
        self.forget()
        super().__init__(answers={"RCPT": self.answer})
        self.messages = self

    def forget(self):
        self.came, self.torn = collections.defaultdict(list), []

    def answer(self, argument):
        if "refused" in argument:
            return "550 5.1.1 nobody"
        if self.keeping and ("keep" in argument or ("later" in argument and argument not in self.delayed)):
            self.delayed.add(argument)
            return "451 4.2.0 later"
        return None

    def append(self, message):
        """Called by Sink when it has a message, before its 250."""
        _, recipients, octets = message
        tag, whole = judge(octets)
        if not whole:
            self.torn.append(tag)
        for recipient in recipients:
            self.came[tag, recipient.strip("<>")].append((self.position(), time.monotonic()))


class Service(Mailroot):
    """A service whose spool and folders are below AT."""

    def __init__(self, at, port):
        self.at = at
        super().__init__(f"smart_host [127.0.0.1]:{port}\ndelivery {{ retry 1s }}\nlocal_domain other.example.com {{ drop_dir {at}/other }}")
        self.conf.write_text(self.conf.read_text().replace(f"{self.folder}/spool", f"{at}/spool"))

    def server_folder(self):
        return self.at / "spool" / self.name

    def folder_of(self, place):
        return self.at / "other" if place == "other" else self.server_folder() / place

    def left(self):
        """Files of messages that are not finished. An empty file in pickup/ is none: its reader waits a minute for the program that creates it."""
        found = [path for place in ("new", "cur", "pickup", "maildrop") for path in self.folder_of(place).glob("*")]
        return [f"{path.parent.name}/{path.name}" for path in found if path.parent.name != "pickup" or path.stat().st_size]

    def held(self):
        return {message["id"] for message in self.ctl_json("queue", "list")["messages"] if message["state"] == "held"}


class Load:
    """Clients that send until told to stop."""

    def __init__(self, service, position, options):
        self.service, self.position, self.options = service, position, options
        self.sent, self.lock, self.over, self.trouble = [], threading.Lock(), threading.Event(), []
        doors = [self.by_smtp] * options.clients
        if not options.lies:
            doors += [self.by_pickup, self.by_careless_pickup, self.by_sendmail, self.operate]
        self.threads = [threading.Thread(target=self.run, args=(door, random.Random(f"{options.seed}/{number}"))) for number, door in enumerate(doors)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for thread in self.threads:
            thread.join()

    def run(self, door, rng):
        try:
            door(rng)
        except Exception as error:  # the campaign must hear of it, whatever it is
            self.trouble.append(f"{door.__name__}: {error!r}")

    def new(self, door, kind, rng):
        with self.lock:
            tag = f"t{len(self.sent) + 1}"
            self.sent.append(sent := Sent(tag, kind, door, [recipient.format(tag) for recipient in KINDS[kind][1]]))
        return sent, text_of(tag, rng, kind == "large")

    def by_smtp(self, rng):
        while not self.over.is_set():
            with self.service.client() as client:
                client.ehlo()
                for _ in range(20):
                    if self.over.is_set():
                        break
                    self.send(client, rng)
                    self.over.wait(rng.random() * self.options.pause)

    def send(self, client, rng):
        weights = [0 if self.options.lies and kind == "keep" else weight for kind, (weight, _) in KINDS.items()]
        sent, text = self.new("smtp", rng.choices(list(KINDS), weights)[0], rng)
        for code, reply in (client.mail(sent.sender()), *map(client.rcpt, sent.recipients), client.data(text)):
            if code != 250:
                raise smtplib.SMTPResponseException(code, reply)
        sent.promised = self.position()
        sent.ident = re.search(rb"<([0-9A-Z]{24})@", reply).group(1).decode()

    def put(self, rng, door):
        """Writes a file aside: (message, its file, its name in the pickup folder)."""
        sent, text = self.new(door, rng.choice(PLAIN), rng)
        aside = self.service.at / f"{sent.tag}.aside"
        head = [f"x-sender: {sent.sender()}", *(f"x-receiver: {recipient}" for recipient in sent.recipients)]
        aside.write_bytes("".join(f"{line}\r\n" for line in head).encode() + text)
        return sent, aside, self.service.folder_of("pickup") / f"{sent.tag}-{door}.eml"

    def by_pickup(self, rng):
        """The promise is a durable file in the folder."""
        while not self.over.wait(0.1):
            sent, aside, path = self.put(rng, "pickup")
            for target in (aside, path.parent):
                if target == path.parent:
                    aside.rename(path)
                target = os.open(target, os.O_RDONLY)
                os.fsync(target)
                os.close(target)
            sent.promised = self.position()

    def by_careless_pickup(self, rng):
        """No fsync. The promise is that the file has vanished."""
        while not self.over.wait(0.05):
            sent, aside, path = self.put(rng, "careless")
            aside.rename(path)
            while any(name.endswith(path.name) for name in os.listdir(path.parent)):
                if self.over.wait(0.005):
                    return
            sent.promised = self.position()

    def by_sendmail(self, rng):
        program = pathlib.Path(self.service.programs) / "sendmail"
        while not self.over.wait(0.3):
            sent, text = self.new("sendmail", rng.choice(PLAIN), rng)
            done = subprocess.run([program, "-C", self.service.conf, "-f", sent.sender(), *sent.recipients], input=text.replace(b"\r\n", b"\n"),
                                  capture_output=True, check=False)
            if done.returncode:
                raise OSError(f"sendmail: exit {done.returncode} {done.stderr}")
            sent.promised = self.position()

    def operate(self, rng):
        """An operator holds, releases and deletes mail that waits. A message at work is left alone, so the command may fail."""
        while not self.over.wait(0.1):
            waiting = [sent for sent in self.sent if sent.kind == "keep" and sent.promised and not sent.begun("delete", self.position())]
            if waiting:
                sent = rng.choice(waiting)
                verbs = ("release", "delete") if sent.begun("hold", self.position()) else ("hold", "hold", "delete")
                verb, before = rng.choice(verbs), self.position()
                sent.actions.append((verb, before, None))
                if not self.service.ctl("queue", verb, sent.ident, "--yes", check=False).returncode:
                    sent.actions[-1] = (verb, before, self.position())


class Found:
    """What is in the folders: place -> {tag (of a notice: its recipient): number of copies}; `torn`: files that are not whole.
    `reasons`: why bad mail is bad; `careless`: number of files in badmail/ that a careless program had not synced."""

    def __init__(self, service):
        self.places, self.torn, self.careless = collections.defaultdict(collections.Counter), [], 0
        self.reasons = {path.name: path.read_text(errors="replace").strip() for path in service.files("badmail", ".txt")}
        for place in ("drop", "other", "badmail"):
            for path in service.files(service.folder_of(place)):
                self.look(place, path)

    def look(self, place, path):
        octets = path.read_bytes()
        if octets.startswith(b"x-sender: <>") and place == "drop":
            failed = re.search(rb"Final-Recipient: rfc822; ?(\S+)", octets)
            self.places["notice"][failed and failed.group(1).decode()] += 1
            return
        tag, whole = judge(octets)
        self.places[place][tag] += 1
        if not whole and "-careless.eml" in self.reasons.get(f"{path.stem}.txt", ""):
            self.careless += 1
        elif not whole:
            self.torn.append(f"{place}/{path.name}: {len(octets)} octets, {octets[:60] if octets.strip(bytes(1)) else 'all zeros'}")
