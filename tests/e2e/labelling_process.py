"""A process that learns what was right, some time after another predicted.

    opentelemetry-instrument python labelling_process.py FILE

The file is a CSV of ids, rows and labels, as `otelml labels push` takes it.
"""

import csv
import sys
from pathlib import Path

import otelml

with Path(sys.argv[1]).open(newline="") as file:
    for told in csv.DictReader(file):
        otelml.label(told["id"], int(told["label"]), row=int(told["row"]))
