"""What odd_filter.py does to messages: a table of edits and answers. M is the filter's object of the message, with the methods of Milter.Base."""

CONTINUE, REJECT, DISCARD, ACCEPT, TEMPFAIL = range(5)  # as libmilter numbers them
LONG = "x" * 900
FOLDED = "one\n\ttwo\n three"


def added(*headers):
    return lambda m: [m.addheader(name, value) for name, value in headers]


def inserted(*headers):
    return lambda m: [m.addheader(name, value, index) for index, name, value in headers]


def changed(*headers):
    return lambda m: [m.chgheader(name, index, value) for name, index, value in headers]


def body(octets):
    return lambda m: m.replacebody(octets)


def both(*parts):
    return lambda m: [part(m) for part in parts]


def says(*words):
    """A reply of the filter's own, and the answer that sends it."""
    def act(m):
        m.setreply(*words)
        return REJECT if words[0].startswith("5") else TEMPFAIL
    return act


def answers(answer):
    return lambda m: answer


def only_rcpt(part, answer):
    """The recipients with PART in their addresses get ANSWER."""
    return lambda m: answer(m) if part in m.rcpt else CONTINUE


def repeated(count):
    return lambda m: [m.addheader("X-Many", f"number {i}") for i in range(count)]


# name, stage, what it does; at the end of the message unless another stage is named. What returns None goes on.
ACTIONS = [
    ("nothing", "eom", answers(CONTINUE)),
    ("add one", "eom", added(("X-Odd", "added"))),
    ("add several", "eom", added(("X-Odd", "first"), ("X-Odd", "second"), ("X-Other", "third"))),
    ("add folded", "eom", added(("X-Odd", FOLDED), ("X-Odd", "\n behind the colon"))),
    ("add long", "eom", added(("X-Odd", LONG), ("X-Odd", "\n ".join([LONG] * 4)))),
    ("add 8-bit", "eom", added(("X-Odd", "Grüße"))),
    ("add blanks", "eom", added(("X-Odd", "  two in front"), ("X-Odd", "behind  "), ("X-Odd", " "), ("X-Odd", "\tx"))),
    ("add many", "eom", repeated(300)),
    ("insert at 0", "eom", inserted((0, "X-Odd", "at 0"))),
    ("insert at 1", "eom", inserted((1, "X-Odd", "at 1"))),
    ("insert at 2", "eom", inserted((2, "X-Odd", "at 2"))),
    ("insert at all", "eom", inserted(*((i, "X-Odd", f"at {i}") for i in (0, 1, 2, 3, 0, 5, 1)))),
    ("insert behind the end", "eom", inserted((99, "X-Odd", "at 99"), (2147483647, "X-Odd", "at the last"))),
    ("insert folded", "eom", inserted((1, "X-Odd", FOLDED))),
    ("insert, then add", "eom", both(inserted((1, "X-Odd", "inserted")), added(("X-Odd", "added")))),
    ("change Subject", "eom", changed(("Subject", 1, "changed"))),
    ("change Subject folded", "eom", changed(("subject", 1, FOLDED))),
    ("change the second", "eom", changed(("Subject", 2, "changed"), ("X-Same", 2, "changed"))),
    ("change the third", "eom", changed(("X-Same", 3, "changed"), ("Received", 2, "from nobody"))),
    ("change the first Received", "eom", changed(("Received", 1, "from nobody"))),
    ("change what is not there", "eom", changed(("X-Not-There", 1, "now it is"), ("X-Not-There", 2, "and again"))),
    ("change by index 0", "eom", changed(("Subject", 0, "by 0"))),
    ("delete Subject", "eom", changed(("Subject", 1, ""))),
    ("delete the second", "eom", changed(("Subject", 2, ""), ("X-Same", 2, ""))),
    ("delete what is not there", "eom", changed(("X-Not-There", 1, ""), ("Subject", 9, ""))),
    ("delete all the usual", "eom", changed(*((name, 1, "") for name in ("From", "To", "Date", "Message-ID", "Subject")))),
    ("delete, then add", "eom", both(changed(("Subject", 1, "")), added(("Subject", "new")))),
    ("delete the first twice", "eom", changed(("Subject", 1, ""), ("Subject", 1, ""))),
    ("add, then change it", "eom", both(added(("X-Odd", "added")), changed(("X-Odd", 1, "changed")))),
    ("add, then delete it", "eom", both(added(("X-Odd", "added")), changed(("X-Odd", 1, "")))),
    ("insert, then change the next", "eom", both(inserted((0, "Subject", "inserted")), changed(("Subject", 1, "first"), ("Subject", 2, "second")))),
    ("insert at 0, then change Received", "eom", both(inserted((0, "X-Odd", "inserted")), changed(("Received", 1, "changed")))),
    ("insert at 0, then change the second Received", "eom", both(inserted((0, "X-Odd", "inserted")), changed(("Received", 2, "changed")))),
    ("insert at 0, then change it", "eom", both(inserted((0, "X-Odd", "inserted")), changed(("X-Odd", 1, "changed")))),
    ("insert at 0, then delete it", "eom", both(inserted((0, "X-Odd", "inserted")), changed(("X-Odd", 1, "")))),
    ("insert a Received at 0, then change the first", "eom", both(inserted((0, "Received", "inserted")), changed(("Received", 1, "changed")))),
    ("insert a Received at 1, then change the first", "eom", both(inserted((1, "Received", "inserted")), changed(("Received", 1, "changed")))),
    ("insert at 1, then change it", "eom", both(inserted((1, "X-Odd", "inserted")), changed(("X-Odd", 1, "changed")))),
    ("insert at 0 and 1, then change both", "eom", both(inserted((0, "X-Odd", "0"), (1, "X-Odd", "1")), changed(("X-Odd", 1, "first"), ("X-Odd", 2, "second")))),
    ("delete Received, then insert at 0", "eom", both(changed(("Received", 1, "")), inserted((0, "X-Odd", "inserted")))),
    ("replace the body", "eom", body(b"another body\r\n")),
    ("replace the body by nothing", "eom", body(b"")),
    ("replace the body in pieces", "eom", lambda m: [m.replacebody(b"piece %d\r\n" % i) for i in range(50)]),
    ("replace the body by much", "eom", lambda m: [m.replacebody((b"m" * 70 + b"\r\n") * 700) for _ in range(30)]),
    ("replace the body without an end", "eom", body(b"no line end")),
    ("replace the body by dots", "eom", body(b".\r\n..\r\n.x\r\n\r\n")),
    ("replace the body by 8-bit", "eom", body("Grüße\r\n\xa0".encode())),
    ("replace the body by bare LF", "eom", body(b"one\ntwo\nthree\n")),
    ("replace body and header", "eom", both(changed(("Subject", 1, "changed")), body(b"changed\r\n"), added(("X-Odd", "added")))),
    ("add a recipient", "eom", lambda m: m.addrcpt("<added@example.org>")),
    ("add a recipient without brackets", "eom", lambda m: m.addrcpt("added@example.org")),
    ("add a recipient with parameters", "eom", lambda m: m.addrcpt("<added@example.org>", "NOTIFY=NEVER")),
    ("add a recipient twice", "eom", lambda m: [m.addrcpt("<added@example.org>"), m.addrcpt("<added@example.org>")]),
    ("add a present recipient", "eom", lambda m: m.addrcpt("<sales@example.org>")),
    ("replace all recipients", "eom", lambda m: [m.addrcpt("<added@example.org>"), *map(m.delrcpt, m.rcpts)]),
    ("delete a recipient", "eom", lambda m: m.delrcpt(m.rcpts[0])),
    ("delete all recipients", "eom", lambda m: [m.delrcpt(rcpt) for rcpt in m.rcpts]),
    ("delete a recipient, then add it", "eom", lambda m: [m.delrcpt(m.rcpts[0]), m.addrcpt(m.rcpts[0])]),
    ("add a recipient, then delete it", "eom", lambda m: [m.addrcpt("<added@example.org>"), m.delrcpt("<added@example.org>")]),
    ("delete what is no recipient", "eom", lambda m: m.delrcpt("<nobody@example.org>")),
    ("delete a recipient in another case", "eom", lambda m: m.delrcpt(m.rcpts[0].upper())),
    ("change the sender", "eom", lambda m: m.chgfrom("<changed@example.com>")),
    ("change the sender to none", "eom", lambda m: m.chgfrom("<>")),
    ("change the sender with parameters", "eom", lambda m: m.chgfrom("<changed@example.com>", "RET=HDRS ENVID=odd")),
    ("quarantine", "eom", lambda m: m.quarantine("odd enough")),
    ("quarantine with edits", "eom", both(added(("X-Odd", "held")), lambda m: m.quarantine("held with edits"))),
    ("everything", "eom", both(inserted((0, "X-Odd", "0")), changed(("Subject", 1, "all")), body(b"all\r\n"), added(("X-Odd", "end")),
                               lambda m: m.addrcpt("<added@example.org>"), lambda m: m.chgfrom("<changed@example.com>"))),
    ("accept with edits", "eom", lambda m: (m.addheader("X-Odd", "added"), ACCEPT)[1]),
    ("edits, then reject", "eom", lambda m: (m.addheader("X-Odd", "never"), REJECT)[1]),
    ("edits, then discard", "eom", lambda m: (m.addheader("X-Odd", "never"), DISCARD)[1]),
    ("progress", "eom", lambda m: [m.progress() for _ in range(5)]),
    *((f"{name} at {stage}", stage, answers(answer))
      for stage in ("mail", "data", "header", "eoh", "body", "eom")
      for name, answer in (("accept", ACCEPT), ("reject", REJECT), ("tempfail", TEMPFAIL), ("discard", DISCARD))),
    *((f"{name} at {stage}", stage, answers(answer))
      for stage in ("hello", "rcpt")
      for name, answer in (("accept", ACCEPT), ("reject", REJECT), ("tempfail", TEMPFAIL))),
    ("discard at rcpt", "rcpt", answers(DISCARD)),
    *((f"550 at {stage}", stage, says("550", "5.7.1", "odd enough")) for stage in ("hello", "mail", "rcpt", "data", "eom")),
    *((f"451 at {stage}", stage, says("451", "4.7.1", "odd for now")) for stage in ("hello", "mail", "rcpt", "data", "eom")),
    *((f"421 at {stage}", stage, says("421", "4.3.2", "go away")) for stage in ("mail", "rcpt", "eom")),
    ("lines at eom", "eom", says("550", "5.7.1", "first", "second", "third")),
    ("lines at rcpt", "rcpt", says("450", "4.2.1", "first", "second")),
    ("percent", "eom", says("550", "5.7.1", "100%% odd")),
    ("without enhanced code", "eom", says("554", None, "plain words")),
    ("another enhanced code", "eom", says("552", "5.3.4", "too odd")),
    ("reject one recipient", "rcpt", only_rcpt("b", answers(REJECT))),
    ("550 for one recipient", "rcpt", only_rcpt("a", says("550", "5.1.1", "not here"))),
]
