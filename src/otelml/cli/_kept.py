"""How far a push of labels is, so that one that was cut short goes on where it was."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from otelml.cli._show import BadInput
from otelml.offline.labels import Label


class Kept:
    """How far a push is, in a file beside its data: rows, and the digest of what they were.

    `start` rows were passed over, and are not in the digest.
    """

    def __init__(self, data: Path, endpoint: str, resume_from: int | None) -> None:
        self._path = Path(f"{data}.otelml-progress")
        self._digest = hashlib.sha256(endpoint.encode())
        self.start = self.rows = resume_from or 0
        self._before: tuple[int, str] | None = None
        self._written = not self.rows
        if resume_from is None and self._path.exists():
            try:
                told = json.loads(self._path.read_bytes())
                self.start = self.rows = int(told["start"])
                self._before = int(told["rows"]), str(told["sha256"])
                self._written = True
            except (OSError, ValueError, TypeError, KeyError) as error:
                raise BadInput(f"{self._path} is damaged: remove it to push all rows") from error

    def rest(self, rows: Iterable[Label]) -> Iterator[Label]:
        """The rows that are still to be pushed."""
        if self._before is None:
            yield from rows
            return
        before, digest = self._before
        rest = iter(rows)
        while self.rows < before and (row := next(rest, None)) is not None:
            self._count(row)
        if (self.rows, self._digest.hexdigest()) != (before, digest):
            raise BadInput(
                f"{self._path} is of other rows, columns or another --endpoint: "
                "remove it to push all rows"
            )
        yield from rest

    def add(self, part: Iterable[Label]) -> None:
        """Remember rows that were pushed."""
        for row in part:
            self._count(row)
        told = {"start": self.start, "rows": self.rows, "sha256": self._digest.hexdigest()}
        half = self._path.with_name(f"{self._path.name}.new")
        try:
            half.write_text(json.dumps(told))
            half.replace(self._path)
        except OSError:
            self._written = False
        else:
            self._written = True

    @property
    def again(self) -> str:
        """How the rest is pushed after a failure."""
        return "the same command" if self._written else f"--resume-from {self.rows}"

    def done(self) -> None:
        """All rows are pushed."""
        self._path.unlink(missing_ok=True)

    def _count(self, row: Label) -> None:
        self._digest.update(row.body + b"\n")
        self.rows += 1
