"""README's tables, from what the code says; `python -m tests.tables` writes them anew."""

import re
from importlib import import_module
from pathlib import Path
from typing import Any

from otelml import names
from otelml.recording.settings import SETTINGS
from tests.hooks.conftest import PROJECT

README = Path(__file__).parent.parent / "README.md"
TITLES = {  # in the order of README; versions are those that `make frameworks` installed last
    "otelml-sklearn": ("scikit-learn", "1.9"),
    "otelml-xgboost": ("XGBoost", "3.2"),
    "otelml-lightgbm": ("LightGBM", "4.7"),
    "otelml-catboost": ("CatBoost", "1.2"),
    "otelml-onnxruntime": ("ONNX Runtime", "1.31"),
    "otelml-transformers": ("transformers", "5"),
    "otelml-keras": ("Keras", "3.15"),
    "otelml-tensorflow": ("TensorFlow SavedModel", "2.21"),
    "otelml-torch": ("PyTorch (opt-in)", "2.15"),
    "otelml-statsmodels": ("statsmodels", "0.15"),
    "otelml-pycaret": ("PyCaret", "3.3"),
    "otelml-mlflow": ("MLflow", "3.17"),
    "otelml-bentoml": ("BentoML", "1.4"),
    "otelml-kserve": ("KServe", "0.21"),
    "otelml-mlserver": ("MLServer", "1.7"),
    "otelml-litserve": ("LitServe", "0.2"),
    "otelml-ray-serve": ("Ray Serve", "2.60"),
    "otelml-torchserve": ("TorchServe", "0.12"),
    "otelml-sagemaker": ("sagemaker-inference", "1.10"),
    "otelml-tritonclient": ("tritonclient", "2.73"),
    "otelml-starlette": ("FastAPI, Starlette", "0.165, 1.10"),
    "otelml-flask": ("Flask", "3.1"),
    "otelml-uvicorn": ("uvicorn", "0.54"),
}


def hooks() -> dict[str, Any]:
    """Every hook by the name of its entry point."""
    entries = PROJECT["entry-points"]["opentelemetry_instrumentor"]
    found = {}
    for name, entry in entries.items():
        module, _, cls = entry.partition(":")
        found[name] = getattr(import_module(module), cls)
    return found


def frameworks() -> list[list[str]]:
    """The matrix: what each hook covers."""
    head = ["Framework", "Tested", "Recorded", "Async", "Features", "Classes", "Confidence"]
    rows = [[*head, "Names", "Load", "Trace context"]]
    for name, (title, version) in TITLES.items():
        covers = hooks()[name].covers
        marks = [
            "✓" if known else ""
            for known in (
                covers.asynchronous,
                covers.features,
                covers.classes,
                covers.confidence,
                covers.names,
            )
        ]
        rows.append([title, version, covers.calls, *marks, covers.load, covers.context])
    return rows


def settings() -> list[list[str]]:
    """The app's environment variables."""
    rows = [["Variable", "Default", "What"]]
    return rows + [[f"`{n}`", d and f"`{d}`", text] for n, d, text in SETTINGS]


def metrics() -> list[list[str]]:
    """Every metric."""
    rows = [["Metric", "Instrument", "Unit", "From", "What"]]
    return rows + [
        [f"`{m.name}`", str(m.kind), f"`{m.unit}`", str(m.half), m.description]
        for m in names.METRICS.values()
    ]


def attributes() -> list[list[str]]:
    """Every attribute."""
    return [["Attribute", "What"], *([f"`{n}`", text] for n, text in names.ATTRIBUTES.items())]


def events() -> list[list[str]]:
    """Every event."""
    return [["Event", "When"], *([f"`{n}`", text] for n, text in names.EVENTS.items())]


TABLES = {
    "frameworks": frameworks,
    "settings": settings,
    "metrics": metrics,
    "attributes": attributes,
    "events": events,
}


def rendered(rows: list[list[str]]) -> str:
    """Rows as a Markdown table."""
    head, *body = rows
    lines = [head, ["---"] * len(head), *body]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def filled(text: str) -> str:
    """README with its tables made anew, each between its marks."""
    for name, rows in TABLES.items():
        marks = re.compile(rf"<!-- {name} -->\n.*?\n<!-- end -->", re.DOTALL)
        if not marks.search(text):
            raise ValueError(f"README has no place for the table {name!r}: add its marks")
        table = f"<!-- {name} -->\n{rendered(rows())}\n<!-- end -->"
        text = marks.sub(lambda _, table=table: table, text, count=1)  # type: ignore[misc]
    return text


if __name__ == "__main__":
    README.write_text(filled(README.read_text("utf-8")), "utf-8")
