#!/usr/bin/env python3
"""A filter with python3-milter that changes everything and ends at once, without a word, at one of its callbacks.

usage: dying_filter.py SOCKET CALLBACK EDITS

SOCKET is as libmilter wants it. CALLBACK is connect, hello, envfrom, envrcpt, data, header, eoh, body or eom; the last one makes that
number of EDITS first.
"""
import os
import sys

import Milter

EDITS = [lambda m: m.chgheader("Subject", 1, "edited"), lambda m: m.addheader("X-Edited", "first", 0), lambda m: m.progress(),
         lambda m: m.replacebody(b"edited\r\n"), lambda m: m.replacebody(b"body\r\n"), lambda m: m.addheader("X-Edited", "last"),
         lambda m: m.delrcpt("<b@example.org>"), lambda m: m.addrcpt("<edited@example.org>"), lambda m: m.chgfrom("<edited@example.com>")]


class Dying(Milter.Base):
    def eom(self):
        for edit in EDITS[:int(sys.argv[3])]:
            edit(self)
        if sys.argv[2] == "eom":
            os._exit(1)
        return Milter.CONTINUE


def dies(*_):
    os._exit(1)


if __name__ == "__main__":
    if sys.argv[2] not in ("eom", "never"):
        setattr(Dying, sys.argv[2], dies)
    Milter.factory = Dying
    Milter.set_flags(Milter.ADDHDRS | Milter.CHGHDRS | Milter.CHGBODY | Milter.ADDRCPT | Milter.DELRCPT | Milter.CHGFROM)
    Milter.runmilter("dying", sys.argv[1], 60)
