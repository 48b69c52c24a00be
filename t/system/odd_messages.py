"""Odd messages for tests that compare what two programs make of the same mail: the same two hundred on every run.

    for message in odd_messages.corpus():
        client.sendmail(message.sender, message.rcpts, message.text)

The text of each ends with CR LF and holds no bare CR or LF, no NUL, and no line above 998 octets: what a server mends or refuses in any
case is not compared. Nothing in them is true: names and addresses are those of documentation.
"""
import base64
import dataclasses
import random

COUNT = 200
EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
GTUBE = b"XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
FROM, TO, DATE = b"From: App <app@example.com>", b"To: sales@example.org", b"Date: Mon, 30 Nov 2026 12:00:00 +0000"
USUAL = [FROM, TO, DATE, b"Message-ID: <%s@example.com>"]


@dataclasses.dataclass
class Odd:
    name: str
    text: bytes
    sender: str = "app@example.com"
    rcpts: tuple = ("sales@example.org",)


def message(name, header, body, **envelope):
    """HEADER and BODY are lists of lines; a header of None leaves out the empty line, too."""
    lines = body if header is None else [*header, b"", *body]
    return Odd(name, b"".join(line + b"\r\n" for line in lines).replace(b"%s", name.encode()), **envelope)


def usual(subject):
    return [*USUAL, b"Subject: " + subject]


def mime(kind, parts, boundary=b"=_frontier"):
    """A header and a body; PARTS are lists of lines with their own headers."""
    body = [b"This is a message with parts."]
    for part in parts:
        body += [b"--" + boundary, *part]
    return [b"MIME-Version: 1.0", b'Content-Type: multipart/' + kind + b'; boundary="' + boundary + b'"'], [*body, b"--" + boundary + b"--"]


def encoded(octets):
    return base64.encodebytes(octets).rstrip(b"\n").split(b"\n")


def attachment(octets, name):
    return [b"Content-Type: application/octet-stream", b'Content-Disposition: attachment; filename="' + name + b'"',
            b"Content-Transfer-Encoding: base64", b"", *encoded(octets)]


HELLO = [b"Hello,", b"", b"this is a test.", b"", b"-- ", b"App"]
HEADERS = {  # one odd header each, with a usual body
    "folded": [*USUAL, b"Subject: one", b" two", b"\tthree"],
    "folded_behind_colon": [*USUAL, b"Subject:", b" only in the second line"],
    "folded_behind_colon_tab": [*USUAL, b"Subject:", b"\tonly in the second line", b" and the third"],
    "folded_empty": [*USUAL, b"Subject: one", b" ", b" two"],
    "folded_all_empty": [*USUAL, b"Subject:", b" "],
    "folded_often": [*USUAL, b"References:", *(b" <%d@example.com>" % i for i in range(60)), b"Subject: long thread"],
    "no_blank": [b"From:app@example.com", b"To:sales@example.org", DATE, b"Subject:no blank"],
    "many_blanks": [FROM, TO, DATE, b"Subject:    many   blanks   ", b"X-Tabs:\t\ttabs\t"],
    "blank_before_colon": [FROM, TO, DATE, b"Subject : odd"],
    "empty_value": [*USUAL, b"Subject:", b"X-Empty: ", b"X-Tab:\t"],
    "case": [b"FROM: app@example.com", b"tO: sales@example.org", b"dAtE: Mon, 30 Nov 2026 12:00:00 +0000", b"sUBJECT: case"],
    "repeated": [*USUAL, b"Subject: one", b"X-Same: 1", b"Subject: two", b"X-Same: 2", b"x-same: 3"],
    "repeated_from": [FROM, b"From: other@example.com", TO, DATE, b"Subject: two authors"],
    "repeated_received": [b"Received: from a.example (a.example [192.0.2.1]) by b.example; Mon, 30 Nov 2026 11:00:00 +0000",
                          b"Received: from c.example by a.example", b" with ESMTP id 1; Mon, 30 Nov 2026 10:00:00 +0000", *usual(b"relayed")],
    "many": [*usual(b"many fields"), *(b"X-Field-%d: value %d" % (i, i) for i in range(150))],
    "no_date": [FROM, TO, b"Subject: no date"],
    "no_from": [TO, DATE, b"Subject: no author"],
    "no_from_no_date": [b"Subject: neither"],
    "no_subject": [*USUAL],
    "no_to": [FROM, DATE, b"Subject: to nobody"],
    "only_one_field": [b"X-Only: field"],
    "eight_bit": [*USUAL, "Subject: Grüße aus Köln".encode(), b"X-Latin: caf\xe9"],
    "eight_bit_from": ["From: Jörg <app@example.com>".encode(), TO, DATE, b"Subject: 8-bit author"],
    "encoded_words": usual(b"=?utf-8?Q?Gr=C3=BC=C3=9Fe?= =?iso-8859-1?B?YXVzIEv2bG4=?="),
    "broken_encoded_words": usual(b"=?utf-8?Q?Gr=C3=B?= =?nothing?= =?utf-8?X?x?="),
    "line_990": [*usual(b"long"), b"X-Long: " + b"x" * 982],
    "line_998": [*usual(b"longest"), b"X-Long: " + b"y" * 990],
    "field_10k": [*usual(b"long field"), b"X-Long: start", *(b" " + b"z" * 500 for _ in range(20))],
    "field_40k": [*usual(b"longer field"), b"X-Long: start", *(b" " + b"z" * 900 for _ in range(45))],
    "odd_names": [*usual(b"odd names"), b"X_Under: 1", b"X.Dot: 2", b"X!#$%&'*+^`|~: 3", b"1: 4", b"x: 5"],
    "colons": [*usual(b"a: b: c"), b"X-Colon::", b"X-Colons: :::"],
    "quotes": [b'From: "App, \\"the\\" (one)" <app@example.com>', TO, DATE, b"Subject: quoted"],
    "comments": [b"From: app@example.com (App (the) one)", TO, b"Date: Mon, 30 Nov 2026 (noon) 12:00:00 +0000 (UTC)", b"Subject: comments"],
    "groups": [FROM, b"To: everybody: sales@example.org, b@example.org;", b"Cc: nobody:;", DATE, b"Subject: groups"],
    "many_to": [FROM, b"To: a@example.org,", *(b" r%d@example.org," % i for i in range(50)), b" z@example.org", DATE, b"Subject: many"],
    "percent": usual(b"100% %d %i {macro} ${x}"),
    "control": [*usual(b"control"), b"X-Control: \x01\x02\x07\x08\x1b[31m\x7f"],
    "resent": [b"Resent-From: b@example.com", b"Resent-Date: Mon, 30 Nov 2026 13:00:00 +0000", b"Resent-To: c@example.org", *usual(b"resent")],
    "results": [b"Authentication-Results: mail.example.com; spf=pass smtp.mailfrom=example.com", b"Authentication-Results: peer.test; dkim=pass",
                b"X-Spam-Flag: NO", b"X-Spam-Status: No, score=0.0", b"X-Virus-Scanned: by nobody", *usual(b"forged results")],
    "signed": [b"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.com; s=none;", b" h=from:to; bh=AAAA; b=AAAA", *usual(b"bad signature")],
    "list": [*usual(b"[list] news"), b"List-Id: News <news.example.com>", b"List-Unsubscribe: <mailto:leave@example.com>", b"Precedence: bulk"],
    "return_path": [b"Return-Path: <app@example.com>", *usual(b"return path")],
    "bcc": [*usual(b"bcc"), b"Bcc: hidden@example.org"],
    "content_length": [*usual(b"content length"), b"Content-Length: 5", b"Status: RO"],
    "date_broken": [FROM, TO, b"Date: yesterday", b"Subject: broken date"],
    "id_broken": [FROM, TO, DATE, b"Message-ID: nothing", b"Subject: broken id"],
    "mime_version_twice": [*usual(b"mime twice"), b"MIME-Version: 1.0", b"MIME-Version: 1.0", b"Content-Type: text/plain"],
    "reply_to": [*usual(b"reply"), b"Reply-To: other@example.net", b"Sender: sender@example.com", b"Return-Receipt-To: app@example.com"],
}
BODIES = {  # one odd body each, with a usual header
    "empty": [],
    "one_empty_line": [b""],
    "empty_lines": [b""] * 10,
    "empty_lines_behind": [b"text", *[b""] * 20],
    "empty_lines_before": [*[b""] * 5, b"text"],
    "dots": [b".", b"..", b"...", b".text", b"text.", b"", b"."],
    "only_dot": [b"."],
    "tabs": [b"\ttab", b"a\tb\t", b"\t", b" \t "],
    "trailing_blanks": [b"text   ", b"text\t\t", b"   ", b"text"],
    "line_990": [b"x" * 990, b"y" * 990],
    "line_998": [b"z" * 998],
    "dots_998": [b"." + b"z" * 997, b"." * 990],
    "eight_bit": ["Grüße aus Köln, 日本語".encode(), b"\x80\xff\xfe\xa0"],
    "octets": [bytes(range(1, 10)), bytes(range(14, 127)), bytes(range(128, 256)), b"\x0b\x0c"],
    "like_header": [b"Subject: in the body", b"From: nobody@example.com", b"", b"X-More: lines"],
    "like_mbox": [b"From app@example.com Mon Nov 30 12:00:00 2026", b">From somebody"],
    "like_smtp": [b"QUIT", b"RSET", b"DATA", b"MAIL FROM:<>"],
    "like_mime": [b"--=_frontier", b"Content-Type: text/plain", b"", b"text", b"--=_frontier--"],
    "long_word": [b"w" * 76 for _ in range(30)],
    "one_octet": [b"x"],
    "short_lines": [b"%d" % (i % 10) for i in range(3000)],
    "gtube": [b"Spam:", b"", GTUBE, b"", b"end"],
    "eicar": [EICAR],
    "links": [b"See http://example.com/?a=b%20c and https://user:word@example.net:8080/path#part", b"<a href='http://192.0.2.1/'>http://example.com</a>"],
    "uuencoded": [b"begin 644 test.txt", b"+:&5L;&\\@=V]R;&0*", b"`", b"end"],
    "quoted_printable": [b"=47r=C3=BC=C3=9Fe=20", b"soft=", b"break", b"=XX"],
    "64k": [b"k" * 62] * 1024,
    "65535": [b"b" * 61 + b"%04d" % i for i in range(979)],
    "chunk_edge": [*[b"e" * 998] * 65, b"f" * 500],
}
NONE = {  # messages without what a message has
    "no_header": [b"", b"text without a header"],
    "no_header_no_blank": [b"text without a header", b"and more"],
    "nothing": [],
    "only_blank": [b""],
    "blank_first": [b" begins with a blank", b"Subject: x", b"", b"text"],
    "header_only": [FROM, b"Subject: no empty line"],
    "header_then_text": [FROM, b"Subject: no empty line", b"text at once", b"", b"more"],
    "mbox_line": [b"From app@example.com Mon Nov 30 12:00:00 2026", FROM, b"Subject: mbox", b"", b"text"],
    "quoted_mbox_line": [b">From app@example.com Mon Nov 30 12:00:00 2026", FROM, b"Subject: mbox", b"", b"text"],
    "colon_first": [b": no name", FROM, b"", b"text"],
    "blank_in_name": [FROM, b"Two Words: x", b"Subject: y", b"", b"text"],
    "eight_bit_name": [FROM, "Größe: 5".encode(), b"Subject: y", b"", b"text"],
    "dots_first": [b".", b"..Subject: x", b"", b"text"],
    "blank_line_of_blanks": [FROM, b"Subject: x", b"  ", b"text"],
}


def parts():
    """Messages with parts."""
    plain, html = [b"Content-Type: text/plain", b"", b"text"], [b"Content-Type: text/html", b"", b"<p>text</p>"]
    inner_header, inner_body = mime(b"alternative", [plain, html], b"inner")
    inside = [b"Content-Type: message/rfc822", b"", *usual(b"inside"), b"", *HELLO]
    found = {
        "alternative": mime(b"alternative", [plain, html]), "nested": mime(b"mixed", [[*inner_header[1:], b"", *inner_body], inside]),
        "eicar_attached": mime(b"mixed", [plain, attachment(EICAR, b"eicar.com")]), "gtube_attached": mime(b"mixed", [[b"", GTUBE], plain]),
        "no_parts": mime(b"mixed", []), "digest": mime(b"digest", [[b"", *usual(b"one"), b"", b"1"], [b"", *usual(b"two"), b"", b"2"]]),
        "not_closed": (mime(b"mixed", [plain])[0], mime(b"mixed", [plain])[1][:-1]), "boundary_empty": mime(b"mixed", [plain], b""),
        "report": mime(b"report; report-type=delivery-status", [plain, [b"Content-Type: message/delivery-status", b"", b"Reporting-MTA: dns; a.example"]]),
        "long_name": mime(b"mixed", [attachment(b"octets", b"n" * 300)]), "exe": mime(b"mixed", [attachment(b"MZ\x90\0" * 50, b"a.pdf.exe")]),
        "zip": mime(b"mixed", [attachment(b"PK\5\6" + bytes(18), b"empty.zip")]),
    }
    for name, (header, body) in found.items():
        yield message(f"parts_{name}", [*usual(b"parts"), *header], body)


def envelopes():
    def one(name, **envelope):
        return message(f"envelope_{name}", usual(b"envelope"), HELLO, **envelope)

    yield one("null", sender="")
    yield one("many", rcpts=tuple(f"r{i}@example.org" for i in range(15)))
    yield one("twice", rcpts=("sales@example.org", "sales@example.org"))
    yield one("case", sender="App@Example.COM", rcpts=("Sales@EXAMPLE.org",))
    yield one("quoted", sender='"the app"@example.com', rcpts=('"a b"@example.org', '"plain"@example.org'))
    yield one("odd", sender="a+b=c/d!e#f@example.com", rcpts=("x'y&z@example.org", "a-b_c.d@sub.example.org"))
    yield one("literal", rcpts=("sales@[192.0.2.1]",))
    yield one("postmaster", rcpts=("postmaster@example.org", "abuse@example.org"))


def drawn(number):
    """One with a header and a body drawn from the odd parts of all of them."""
    draw = random.Random(number)
    fields = [b"".join(line + b"\r\n" for line in field).removesuffix(b"\r\n") for field in split_fields()]
    header = draw.sample(fields, draw.randint(1, 14))
    lines = [line for body in BODIES.values() if len(body) < 100 for line in body]
    body = [draw.choice(lines) for _ in range(draw.randint(0, 40))]
    return message(f"drawn_{number}", header, body)


def split_fields():
    """All fields of HEADERS, each a list of its lines."""
    for header in HEADERS.values():
        if len(header) > 30:
            continue
        field = []
        for line in header:
            if line[:1] not in b" \t" and field:
                yield field
                field = []
            field.append(line)
        yield field


def corpus():
    """The messages, in order. Two are large: 2 MB of base64, and 2 MB of 8-bit text."""
    found = [message(f"header_{name}", header, HELLO) for name, header in HEADERS.items()]
    found += [message(f"body_{name}", usual(b"body"), body) for name, body in BODIES.items()]
    found += [message(f"none_{name}", None, lines) for name, lines in NONE.items()]
    found += [*parts(), *envelopes()]
    header, body = mime(b"mixed", [attachment(random.Random(1).randbytes(1500000), b"large.bin")])
    found.append(message("large_attachment", [*usual(b"large"), *header], body))
    found.append(message("large_text", usual(b"large"), ["äöü large text, line %d".encode() % i for i in range(80000)]))
    return found + [drawn(number) for number in range(COUNT - len(found))]
