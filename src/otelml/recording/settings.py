"""What the environment says, read once; the table is README's table."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple, Self

from otelml.wire.rows import encodable


class Setting(NamedTuple):
    """One environment variable."""

    name: str
    default: str
    description: str


SETTINGS: Final = (
    Setting("OTELML_MODEL_NAME", "", "Name of every model that the app does not name itself"),
    Setting("OTELML_MODEL_VERSION", "", "Version of every model that the app does not name itself"),
    Setting("OTELML_SPANS", "true", "Spans of inferences; `false` leaves the metrics"),
    Setting("OTELML_CAPTURE_PREDICTIONS", "true", "Class, value and score on single-row spans"),
    Setting("OTELML_RECORDS", "true", "Predicted rows, for labels to find; `false` sends none"),
    Setting("OTELML_ID_COLUMN", "", "Column of the input that names its rows; it is no feature"),
    Setting("OTELML_SEGMENT_COLUMNS", "", "Columns whose values go with predicted rows, by commas"),
    Setting("OTELML_SLICE_COLUMNS", "", "Columns that cut distributions into slices, by commas"),
    Setting("OTELML_CAPTURE_INPUTS", "0", "Share of rows whose features are sent, from 0 to 1"),
    Setting("OTELML_EXCLUDE_FEATURES", "", "Features never recorded, separated by commas"),
    Setting("OTELML_TORCH_MODULES", "", "Classes of PyTorch modules to record, by name, by commas"),
    Setting("OTELML_MAX_FEATURES", "100", "Features recorded a model; the rest are left out"),
    Setting("OTELML_MAX_CATEGORIES", "64", "Categories sent a feature; the rest are `_OTHER`"),
    Setting("OTELML_MAX_BUFFERED_ROWS", "65536", "Rows held between two folds; more are sampled"),
)


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of this process."""

    model_name: str | None = None
    model_version: str | None = None
    spans: bool = True
    capture_predictions: bool = True
    records: bool = True
    id_column: str | None = None
    segment_columns: frozenset[str] = frozenset()
    slice_columns: frozenset[str] = frozenset()
    capture_inputs: float = 0.0
    exclude_features: frozenset[str] = frozenset()
    torch_modules: frozenset[str] = frozenset()
    max_features: int = 100
    max_categories: int = 64
    max_buffered_rows: int = 65_536

    @classmethod
    def read(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Settings of an environment; what cannot be read counts as not set.

        >>> Settings.read({"OTELML_SPANS": "False", "OTELML_MAX_FEATURES": "many"}).max_features
        100
        """
        texts = encodable([environment.get(s.name, "").strip() for s in SETTINGS])
        given = {s.name: text or s.default for s, text in zip(SETTINGS, texts, strict=True)}
        return cls(
            given["OTELML_MODEL_NAME"] or None,
            given["OTELML_MODEL_VERSION"] or None,
            given["OTELML_SPANS"].lower() != "false",
            given["OTELML_CAPTURE_PREDICTIONS"].lower() != "false",
            given["OTELML_RECORDS"].lower() != "false",
            given["OTELML_ID_COLUMN"] or None,
            _names(given["OTELML_SEGMENT_COLUMNS"]),
            _names(given["OTELML_SLICE_COLUMNS"]),
            _share(given["OTELML_CAPTURE_INPUTS"]),
            _names(given["OTELML_EXCLUDE_FEATURES"]) | _names(given["OTELML_ID_COLUMN"]),
            _names(given["OTELML_TORCH_MODULES"]),
            *(
                _whole(given[name], int(default))
                for name, default, _ in SETTINGS
                if name.startswith("OTELML_MAX_")
            ),
        )


def _names(text: str) -> frozenset[str]:
    return frozenset(name.strip() for name in text.split(",") if name.strip())


def _whole(text: str, default: int) -> int:
    try:
        return int(text) if text.isdecimal() else default
    except ValueError:  # more digits than Python reads
        return default


def _share(text: str) -> float:
    try:
        return min(max(float(text), 0.0), 1.0)
    except ValueError:
        return 0.0
