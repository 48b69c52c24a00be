"""Runs a program on a kernel without one system call (ENOSYS): refuse.py NUMBER COMMAND ARGUMENT..."""
import errno
import os
import sys

from families import ALLOW, EQUAL, ERRNO, LOAD, NUMBER_AT, RETURN, install

if __name__ == "__main__":
    install([(LOAD, 0, 0, NUMBER_AT), (EQUAL, 0, 1, int(sys.argv[1])), (RETURN, 0, 0, ERRNO | errno.ENOSYS), (RETURN, 0, 0, ALLOW)])
    os.execvp(sys.argv[2], sys.argv[2:])
