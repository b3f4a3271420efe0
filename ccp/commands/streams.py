"""The standard streams of a command, whatever it was started with."""

import io
import os
import sys


def prepare_streams() -> None:
    """
    Make the standard streams fit to be written to.

    A stream that is closed (`ccp list >&-`, some services) is read from and written to the null
    device. Characters that the encoding of standard output does not have are escaped.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:  # no file of the command may get this number: others would write to it
            descriptor = os.open(os.devnull, os.O_RDWR)
            os.set_inheritable(descriptor, True)
            setattr(sys, name, os.fdopen(descriptor, "w" if number else "r", closefd=False))
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
