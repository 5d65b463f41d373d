"""Standard output that leaves the exit status to the command, whoever reads it."""

import sys
from io import BufferedWriter, FileIO, TextIOWrapper
from typing import Any

import click


class _Unwritable(click.ClickException):
    """Standard output that takes nothing."""

    exit_code = 2

    def __init__(self, error: OSError) -> None:
        super().__init__(f"stdout: {error.strerror}; send it elsewhere")


class _Descriptor(FileIO):
    """What a reader that has left does not take is dropped; another failure is told once."""

    _lost = False

    def write(self, data: Any, /) -> int:
        if not self._lost:
            try:
                return super().write(data)
            except BrokenPipeError:
                self._lost = True
            except OSError as error:
                self._lost = True  # the interpreter writes the rest as it ends
                raise _Unwritable(error) from error
        return memoryview(data).nbytes


def steady_stdout() -> None:
    """Have stdout outlive its reader, and show `?` where its encoding lacks a character."""
    known = sys.stdout
    try:
        raw = _Descriptor(known.fileno(), "w", closefd=False)
    except (AttributeError, OSError):  # closed, or caught by whoever called
        return
    sys.stdout = TextIOWrapper(
        BufferedWriter(raw), known.encoding, "replace", line_buffering=raw.isatty()
    )
