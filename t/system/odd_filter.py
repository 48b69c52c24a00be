#!/usr/bin/env python3
"""A filter with python3-milter that does everything a filter may do: which of it, the client says in its HELO name, `nNUMBER.client.test`.

usage: odd_filter.py SOCKET [exact]

SOCKET is as libmilter wants it, for example inet:11340@127.0.0.1. Message NUMBER gets the action NUMBER of odd_actions.py, which begins again
at its end. `exact` asks for the blank behind the colon of header fields, and gives no answers to them.
"""
import re
import sys

import Milter
from odd_actions import ACTIONS


class Odd(Milter.Base):
    def __init__(self):
        self.number, self.rcpts, self.rcpt = 0, [], ""

    def _at(self, stage):
        name, where, act = ACTIONS[self.number % len(ACTIONS)]
        done = act(self) if where == stage else None
        return done if isinstance(done, int) and not isinstance(done, bool) else Milter.CONTINUE

    def connect(self, *_):
        return Milter.CONTINUE

    def hello(self, name):
        found = re.match(r"n(\d+)\.", name)
        self.number = int(found[1]) if found else 0
        return self._at("hello")

    def envfrom(self, *_):
        self.rcpts = []
        return self._at("mail")

    def envrcpt(self, rcpt, *_):
        self.rcpt = rcpt
        done = self._at("rcpt")
        if done == Milter.CONTINUE:
            self.rcpts.append(rcpt)
        return done

    def data(self):
        return self._at("data")

    def header(self, *_):
        return self._at("header")

    def eoh(self):
        return self._at("eoh")

    def body(self, _):
        return self._at("body")

    def eom(self):
        return self._at("eom")

    def unknown(self, _):
        return Milter.CONTINUE


@Milter.header_leading_space
class Exact(Odd):
    @Milter.noreply
    def header(self, *_):
        return Milter.CONTINUE


if __name__ == "__main__":
    Milter.factory = Exact if "exact" in sys.argv[2:] else Odd
    Milter.set_flags(Milter.ADDHDRS | Milter.CHGHDRS | Milter.CHGBODY | Milter.ADDRCPT | Milter.ADDRCPT_PAR | Milter.DELRCPT |
                     Milter.CHGFROM | Milter.QUARANTINE)
    Milter.runmilter("odd", sys.argv[1], 60)
