"""Every emitted name, unit and description, once: README and the tests are driven from here.

The rules behind them are OpenTelemetry's naming conventions.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from importlib.metadata import version
from types import MappingProxyType
from typing import Final

PREFIX: Final = "ml."

VERSION: Final = version("otelml")
"""Version of the instrumentation scope, which is the distribution's."""


class Kind(StrEnum):
    """Which OpenTelemetry instrument a metric is."""

    COUNTER = "Counter"
    UP_DOWN_COUNTER = "UpDownCounter"
    GAUGE = "Gauge"
    HISTOGRAM = "Histogram"
    EXPONENTIAL_HISTOGRAM = "ExponentialHistogram"


class Half(StrEnum):
    """Who emits a name: the hooks inside the app, or the processor."""

    APP = "app"
    PROCESSOR = "processor"


@dataclass(frozen=True, slots=True)
class Metric:
    """One row of README's table of metrics."""

    name: str
    kind: Kind
    unit: str
    description: str
    half: Half


_metrics: dict[str, Metric] = {}
_attributes: dict[str, str] = {}
_events: dict[str, str] = {}
METRICS: Final[Mapping[str, Metric]] = MappingProxyType(_metrics)
ATTRIBUTES: Final[Mapping[str, str]] = MappingProxyType(_attributes)
EVENTS: Final[Mapping[str, str]] = MappingProxyType(_events)


def _metric(half: Half, kind: Kind, name: str, unit: str, description: str) -> str:
    _metrics[PREFIX + name] = Metric(PREFIX + name, kind, unit, description, half)
    return PREFIX + name


def _attribute(name: str, description: str, *, prefix: str = PREFIX) -> str:
    _attributes[prefix + name] = description
    return prefix + name


def _event(name: str, description: str) -> str:
    _events[PREFIX + name] = description
    return PREFIX + name


_app, _processor = partial(_metric, Half.APP), partial(_metric, Half.PROCESSOR)
_HISTOGRAM, _EXPLICIT = Kind.EXPONENTIAL_HISTOGRAM, Kind.HISTOGRAM
_COUNTER, _UP_DOWN, _GAUGE = Kind.COUNTER, Kind.UP_DOWN_COUNTER, Kind.GAUGE

INFERENCE_DURATION = _app(
    _HISTOGRAM, "inference.duration", "s", "Duration of one model call; a batch is one call"
)
CLIENT_INFERENCE_DURATION = _app(
    _HISTOGRAM,
    "client.inference.duration",
    "s",
    "Duration of one request to a model server, as its client sees it",
)
INFERENCE_ACTIVE = _app(_UP_DOWN, "inference.active", "{inference}", "Model calls in progress")
INFERENCE_PREDICTIONS = _app(
    _COUNTER, "inference.predictions", "{prediction}", "Rows predicted; a batch of n counts n"
)
INFERENCE_BATCH_SIZE = _app(_HISTOGRAM, "inference.batch.size", "{row}", "Rows a call")
MODEL_LOAD_DURATION = _app(_HISTOGRAM, "model.load.duration", "s", "Duration of loading a model")
FEATURE_VALUE = _app(_HISTOGRAM, "feature.value", "{value}", "Distribution of a numeric feature")
FEATURE_COUNT = _app(
    _UP_DOWN, "feature.count", "{value}", "Finite values behind the feature's sums"
)
FEATURE_SUM = _app(_UP_DOWN, "feature.sum", "{value}", "Sum of a numeric feature, about its pivot")
FEATURE_SUM_OF_SQUARES = _app(
    _UP_DOWN,
    "feature.sum_of_squares",
    "{value}",
    "Sum of squares of a numeric feature, about its pivot",
)
FEATURE_CATEGORIES = _app(
    _COUNTER, "feature.categories", "{value}", "Values of a categorical feature, by category"
)
FEATURE_OBSERVATIONS = _app(
    _COUNTER, "feature.observations", "{value}", "Values of a feature seen, missing ones included"
)
PREDICTION_VALUE = _app(
    _HISTOGRAM, "prediction.value", "{value}", "Distribution of a numeric prediction"
)
PREDICTION_COUNT = _app(
    _UP_DOWN, "prediction.count", "{value}", "Finite values behind the prediction's sums"
)
PREDICTION_SUM = _app(
    _UP_DOWN, "prediction.sum", "{value}", "Sum of a numeric prediction, about its pivot"
)
PREDICTION_SUM_OF_SQUARES = _app(
    _UP_DOWN,
    "prediction.sum_of_squares",
    "{value}",
    "Sum of squares of a numeric prediction, about its pivot",
)
PREDICTION_CLASSES = _app(_COUNTER, "prediction.classes", "{prediction}", "Predictions by class")
PREDICTION_SCORE = _app(
    _EXPLICIT,
    "prediction.score",
    "1",
    "Predicted probability, of the positive class or of each class",
)
PREDICTION_CONFIDENCE = _app(_EXPLICIT, "prediction.confidence", "1", "Highest class probability")
SHADOW_AGREEMENT = _app(
    _COUNTER,
    "shadow.agreement",
    "{prediction}",
    "Classes that a challenger and the champion predicted in one trace, by agreement",
)
VIOLATIONS = _app(
    _COUNTER,
    "data_quality.violations",
    "{violation}",
    "Values that violate an expectation, by type",
)
ITEM_DROPPED = _app(
    _COUNTER, "monitor.item.dropped", "{item}", "Rows or series left out of the state, by reason"
)
VIOLATION_RATIO = _processor(
    _GAUGE, "data_quality.violation.ratio", "1", "Share of a window's values in violation"
)
DATA_QUALITY_STATE = _processor(
    _UP_DOWN, "data_quality.detected", "{detection}", "State of a data-quality alert: 1 open, 0 not"
)
DRIFT_SCORE = _processor(
    _GAUGE, "drift.score", "{score}", "Statistic or distance of a window from its baseline"
)
DRIFT_P_VALUE = _processor(
    _GAUGE, "drift.p_value", "1", "P-value of a test of a window against its baseline"
)
DRIFT_THRESHOLD = _processor(
    _GAUGE, "drift.threshold", "{score}", "Effect above which a check alarms"
)
DRIFT_DETECTED = _processor(
    _UP_DOWN, "drift.detected", "{detection}", "State of a drift alert: 1 open, 0 not"
)
DRIFT_FEATURE_RATIO = _processor(
    _GAUGE, "drift.feature.ratio", "1", "Share of features that drifted"
)

PERFORMANCE = PREFIX + "performance."
for _measure, _unit, _description in (
    ("accuracy", "1", "Share of rows predicted right"),
    ("precision", "1", "Share of the rows predicted positive that are"),
    ("recall", "1", "Share of the positive rows that are predicted so"),
    ("f1", "1", "Harmonic mean of precision and recall"),
    ("false_positive_rate", "1", "Share of the negative rows that are predicted positive"),
    ("false_negative_rate", "1", "Share of the positive rows that are predicted negative"),
    ("positive_rate", "1", "Share of rows predicted positive"),
    ("roc_auc", "1", "Area under the ROC curve"),
    ("pr_auc", "1", "Area under the precision-recall curve, as average precision"),
    ("gini", "{score}", "Gini coefficient of the scores: 2 ROC AUC - 1"),
    ("score_ks", "1", "Largest distance of the score distributions of both classes"),
    ("log_loss", "{score}", "Mean negative log-likelihood of the true classes"),
    ("brier_score", "1", "Mean squared error of the probabilities"),
    ("calibration_error", "1", "Mean distance of probability and frequency, in ten equal parts"),
    ("mae", "{score}", "Mean absolute error"),
    ("mse", "{score}", "Mean squared error"),
    ("rmse", "{score}", "Root of the mean squared error"),
    ("mape", "{score}", "Mean absolute error relative to the truth"),
    ("r2", "{score}", "Share of the truth's variance that is explained"),
    ("mean_error", "{score}", "Mean of prediction minus truth: the bias"),
    ("residual_variance", "{score}", "Variance of prediction minus truth"),
    ("interval_coverage", "1", "Share of truths within the model's interval"),
):
    _processor(_GAUGE, f"performance.{_measure}", _unit, _description)

PERFORMANCE_SAMPLE_COUNT = _processor(
    _UP_DOWN, "performance.sample.count", "{sample}", "Labelled rows behind a window's measures"
)
PERFORMANCE_STATE = _processor(
    _UP_DOWN, "performance.degraded", "{detection}", "State of a performance alert: 1 open, 0 not"
)
CONFUSION_COUNT = _processor(
    _UP_DOWN,
    "performance.confusion.count",
    "{sample}",
    "Labelled rows of a window by true and predicted class, of up to ten classes",
)
CURVE_FREQUENCY = _processor(
    _GAUGE,
    "performance.calibration.frequency",
    "1",
    "Calibration curve: how often the class was true, in each tenth of the scores",
)
CURVE_PROBABILITY = _processor(
    _GAUGE,
    "performance.calibration.probability",
    "1",
    "Calibration curve: mean probability of the class in each tenth of the scores",
)
ESTIMATE_ERROR = _processor(
    _GAUGE,
    "performance.estimate_error",
    "{score}",
    "Estimated less realised value of a measure, on the rows that have labels by now",
)
FAIRNESS_GAP = _processor(
    _GAUGE, "fairness.gap", "1", "Largest less smallest value of a rate over groups"
)
FAIRNESS_RATIO = _processor(
    _GAUGE, "fairness.group.ratio", "1", "Smallest over largest value of a rate over groups"
)
SHADOW_COMPARISON = _processor(
    _GAUGE,
    "shadow.comparison",
    "{score}",
    "A challenger beside its champion on the same labelled requests, by measure",
)
GROUND_TRUTH_LABELS = _processor(
    _COUNTER, "ground_truth.labels", "{label}", "Labels received, by what they met"
)
GROUND_TRUTH_DELAY = _processor(
    _HISTOGRAM, "ground_truth.delay", "s", "Time from prediction to label"
)
GROUND_TRUTH_PENDING = _processor(
    _UP_DOWN, "ground_truth.pending.count", "{prediction}", "Predictions that wait for a label"
)
GROUND_TRUTH_RATIO = _processor(
    _GAUGE, "ground_truth.ratio", "1", "Share of a window's predictions that have a label by now"
)
BASELINE_SAMPLE_COUNT = _processor(
    _UP_DOWN, "baseline.sample.count", "{sample}", "Rows in the baseline"
)
BASELINE_AGE = _processor(_GAUGE, "baseline.age", "s", "Time since the baseline was built")
WINDOW_SAMPLE_COUNT = _processor(
    _UP_DOWN, "monitor.window.sample.count", "{sample}", "Rows in the last evaluated window"
)
WINDOW_LENGTH = _processor(
    _GAUGE, "monitor.window.length", "s", "Time span of the last evaluated window"
)
EVALUATION_DURATION = _processor(
    _HISTOGRAM, "monitor.evaluation.duration", "s", "Duration of one evaluation of all checks"
)
SERIES_COUNT = _processor(_UP_DOWN, "monitor.series.count", "{series}", "State entries held")

OPERATION = _attribute(
    "operation.name", "What the model did: `predict`, `predict_proba`, `decision_function`, `load`"
)
SYSTEM = _attribute("system.name", "Serving system, or the model library where there is none")
FRAMEWORK = _attribute("framework.name", "Model library")
FRAMEWORK_VERSION = _attribute("framework.version", "Version of the model library")
MODEL_NAME = _attribute("model.name", "Name of the model; beyond 1,000 models in an app, `_OTHER`")
MODEL_VERSION = _attribute("model.version", "Version of the model, where it has one")
TASK_TYPE = _attribute(
    "task.type", "`binary_classification`, `multiclass_classification`, `regression`, …"
)
BATCH_SIZE = _attribute("inference.batch.size", "Rows in the call (span)")
FEATURE_NUMBER = _attribute("inference.feature.count", "Features in the call (span)")
ROLE = _attribute(
    "role", "What a column is: `feature`, `prediction`, `score`, `confidence`, `target`, `error`"
)
OUTPUT_NAME = _attribute("output.name", "Output, of models with several")
FEATURE_NAME = _attribute("feature.name", "Feature")
FEATURE_CATEGORY = _attribute("feature.category", "Category; those beyond the cap are `_OTHER`")
FEATURE_PIVOT = _attribute(
    "feature.pivot", "Value about which sums, and very narrow histograms, are taken"
)
DISTRIBUTION_PART = _attribute(
    "distribution.part", "`tail`: the values that would blind the main histogram"
)
PREDICTION_CLASS = _attribute(
    "prediction.class", "Predicted class; those beyond the cap are `_OTHER`"
)
PREDICTION_VALUE_OF_ROW = _attribute(
    "prediction.value", "Predicted value of a single-row call (span)"
)
PREDICTION_SCORE_OF_ROW = _attribute(
    "prediction.score", "Predicted probability of a single-row call (span)"
)
_attribute("prediction.confidence", "Highest class probability of a single-row call (span)")
DRIFT_TYPE = _attribute("drift.type", "`feature`, `prediction`, `target`, `concept`")
DRIFT_METHOD = _attribute("drift.method", "Name of the check")
_attribute("drift.score", "Statistic (event)")
_attribute("drift.p_value", "P-value (event)")
_attribute("drift.threshold", "Limit in force (event)")
VIOLATION_TYPE = _attribute("data_quality.violation.type", "Name of the data-quality check")
_attribute("data_quality.violation.ratio", "Share of values in violation (event)")
VIOLATION_THRESHOLD = _attribute("data_quality.threshold", "Limit in force (event)")
BASELINE_ID = _attribute("baseline.id", "First 16 hex digits of the baseline's SHA-256")
WINDOW_START = _attribute("window.start", "Start of the window, ISO 8601")
WINDOW_END = _attribute("window.end", "End of the window, ISO 8601")
_attribute("monitor.window.sample.count", "Rows in the window (event)")
MODEL_ALIAS = _attribute("model.alias", "`challenger` within `otelml.shadow()` (span)")
SHADOW_AGREED = _attribute("shadow.agreed", "`true` or `false`")
SHADOW_CHAMPION = _attribute("shadow.champion", "Model that a challenger is compared with")
MODEL_CLASS = _attribute("model.class", "Class of the model (event)")
MODEL_HASH = _attribute("model.hash", "SHA-256 of the file that the model came from (event)")
HYPERPARAMETER = _attribute(
    "model.hyperparameter", "`.<name>`: a hyperparameter of the model, as text (event)"
)
FEATURE_NAMES = _attribute("feature.names", "Features that the model takes (event)")
INFERENCE_ID = _attribute(
    "inference.id", "The app's or the framework's id of the request (span, event)"
)
ROW_INDEX = _attribute("inference.row.index", "Row in the batch that a label is of (event)")
RECORD_IDS = _attribute(
    "inference.ids", "Ids of the rows: `ID` of the first, `ID:1` of the second of a batch (event)"
)
RECORD_TIMES = _attribute(
    "inference.times", "When the rows were predicted, in nanoseconds since the epoch (event)"
)
RECORD_TRACE_IDS = _attribute("inference.trace_ids", "Traces of the rows (event)")
RECORD_SPAN_IDS = _attribute(
    "inference.span_ids", "Spans of the rows, where their ids do not tell (event)"
)
RECORD_SEGMENT = _attribute(
    "inference.segments", "`.<column>`: values of a column of `OTELML_SEGMENT_COLUMNS` (event)"
)
RECORD_CLASSES = _attribute("prediction.classes", "Predicted classes (event)")
RECORD_VALUES = _attribute("prediction.values", "Predicted values (event)")
RECORD_SCORES = _attribute(
    "prediction.scores", "Probabilities of the scored classes, row by row (event)"
)
RECORD_SCORED = _attribute(
    "prediction.scored_classes", "Classes that the probabilities are of (event)"
)
RECORD_LOWS = _attribute(
    "prediction.lower_bounds", "Lower ends of the intervals that the model gave (event)"
)
RECORD_HIGHS = _attribute("prediction.upper_bounds", "Their upper ends (event)")
CURVE_BIN = _attribute("performance.calibration.bin", "Tenth of the scores, from 1")
INPUT = _attribute("inference.input", "`.<feature>`: value of a feature of a sampled row (event)")
TRUTH_CLASS = _attribute("ground_truth.class", "True class")
TRUTH_VALUE = _attribute("ground_truth.value", "True value (event)")
TRUTH_WEIGHT = _attribute("ground_truth.weight", "Weight of a label; 1 if it is not said (event)")
TRUTH_STATE = _attribute(
    "ground_truth.state", "`matched`, `unmatched`, `duplicate`, `corrected`, `expired`, `refused`"
)
PERFORMANCE_AVERAGE = _attribute("performance.average", "`binary`, `macro`, `micro`, `weighted`")
PERFORMANCE_SOURCE = _attribute(
    "performance.source", "`ground_truth`, or `estimated` without labels"
)
PERFORMANCE_METRIC = _attribute("performance.metric.name", "Name of the measure")
FAIRNESS_METRIC = _attribute("fairness.metric.name", "Name of the measure of fairness")
FAIRNESS_ATTRIBUTE = _attribute("fairness.attribute", "Column whose groups are compared")
FAIRNESS_LOW = _attribute(
    "fairness.group.low", "Group with the smallest rate; only if `tell_groups` is set"
)
FAIRNESS_HIGH = _attribute(
    "fairness.group.high", "Group with the largest rate; only if `tell_groups` is set"
)
SEGMENT_NAME = _attribute("segment.name", "Columns that a slice is cut by")
SEGMENT_VALUE = _attribute("segment.value", "Their values in the slice")
SHADOW_METRIC = _attribute(
    "shadow.metric.name", "What a challenger and its champion are compared by"
)
RETRAINING_RULE = _attribute("retraining.rule", "Rule that came to hold, in words (event)")
RETRAINING_EVIDENCE = _attribute("retraining.evidence", "Findings that led to it, as JSON (event)")
PERFORMANCE_VALUE = _attribute("performance.value", "Value of the measure (event)")
PERFORMANCE_BASELINE = _attribute("performance.baseline.value", "Its value in the baseline (event)")
PERFORMANCE_THRESHOLD = _attribute("performance.threshold", "Limit in force (event)")
ROUTE = _attribute(
    "http.route", "Route of the request within which the model was called (span)", prefix=""
)
SERVER_ADDRESS = _attribute("server.address", "Server that a client asks (span)", prefix="")
SERVER_PORT = _attribute("server.port", "Its port (span)", prefix="")
ERROR_TYPE = _attribute("error.type", "Class of the exception, or reason", prefix="")

MODEL_LOADED_EVENT = _event("model.loaded", "A model was loaded")
RECORDS_EVENT = _event(
    "inference.records", "Rows were predicted: their ids, classes or values, and scores, by column"
)
DETAILS_EVENT = _event(
    "inference.details", "A row was predicted, with its features; only of `OTELML_CAPTURE_INPUTS`"
)
TRUTH_EVENT = _event("ground_truth.received", "The app learned what was right")
PERFORMANCE_DEGRADED_EVENT = _event("performance.degraded", "A performance alert opened")
PERFORMANCE_RESTORED_EVENT = _event("performance.restored", "A performance alert resolved")
FAIRNESS_DEGRADED_EVENT = _event("fairness.degraded", "A fairness alert opened")
FAIRNESS_RESTORED_EVENT = _event("fairness.restored", "A fairness alert resolved")
RETRAINING_RECOMMENDED_EVENT = _event(
    "retraining.recommended", "A rule of `retraining` came to hold"
)
RETRAINING_RESOLVED_EVENT = _event("retraining.resolved", "It holds no longer")
DRIFT_DETECTED_EVENT = _event("drift.detected", "A drift alert opened")
DRIFT_RESOLVED_EVENT = _event("drift.resolved", "A drift alert resolved")
QUALITY_DEGRADED_EVENT = _event("data_quality.degraded", "A data-quality alert opened")
QUALITY_RESTORED_EVENT = _event("data_quality.restored", "A data-quality alert resolved")
