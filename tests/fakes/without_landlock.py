"""Becomes the program of its arguments, for which and all of whose children the kernel has no Landlock. The calls are
refused as a kernel without them does. Python's standard library alone."""

import ctypes
import errno
import os
import struct
import sys

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, FILTER = 38, 22, 2
LOAD, EQUAL, RETURN = 0x20, 0x15, 0x06
ALLOW, REFUSE = 0x7FFF0000, 0x00050000
#: `landlock_create_ruleset`, on every architecture.
CREATE = 444


def main():
    steps = [(LOAD, 0, 0, 0), (EQUAL, 0, 1, CREATE), (RETURN, 0, 0, REFUSE | errno.ENOSYS), (RETURN, 0, 0, ALLOW)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
    program = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(steps), ctypes.addressof(code)))
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
    assert libc.prctl(PR_SET_SECCOMP, FILTER, program) == 0, os.strerror(ctypes.get_errno())
    os.execv(sys.argv[1], sys.argv[1:])


main()
