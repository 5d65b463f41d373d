"""What `otelml serve` writes while it runs."""

import logging

from otelml.cli.serve import Lines


def test_what_comes_from_outside_forges_no_line() -> None:
    error = ValueError("of a\nkind")
    named = ("a\nERROR \x1b[31mb\u202e é",)
    about = type(error), error, None
    record = logging.LogRecord("otelml", logging.WARNING, "", 0, "psi of %s opened", named, about)
    told = Lines("%(levelname)s %(message)s").format(record)
    first, *traceback = told.split("\n")
    assert r"WARNING psi of a\nERROR \x1b[31mb\u202e é opened" == first
    assert ["ValueError: of a", "kind"] == traceback
