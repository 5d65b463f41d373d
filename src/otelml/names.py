"""Every emitted name, unit and description, once: README and the tests are driven from here.

The rules behind them are OpenTelemetry's naming conventions; `PREFIX` is said once.
"""

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

PREFIX: Final = "ml."


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


_APP, _PROCESSOR = Half.APP, Half.PROCESSOR
_HISTOGRAM, _COUNTER, _UP_DOWN, _GAUGE = (
    Kind.EXPONENTIAL_HISTOGRAM,
    Kind.COUNTER,
    Kind.UP_DOWN_COUNTER,
    Kind.GAUGE,
)

INFERENCE_DURATION = "ml.inference.duration"
CLIENT_INFERENCE_DURATION = "ml.client.inference.duration"
INFERENCE_ACTIVE = "ml.inference.active"
INFERENCE_PREDICTIONS = "ml.inference.predictions"
INFERENCE_BATCH_SIZE = "ml.inference.batch.size"
MODEL_LOAD_DURATION = "ml.model.load.duration"
FEATURE_VALUE = "ml.feature.value"
FEATURE_COUNT = "ml.feature.count"
FEATURE_SUM = "ml.feature.sum"
FEATURE_SUM_OF_SQUARES = "ml.feature.sum_of_squares"
FEATURE_CATEGORIES = "ml.feature.categories"
FEATURE_OBSERVATIONS = "ml.feature.observations"
PREDICTION_VALUE = "ml.prediction.value"
PREDICTION_COUNT = "ml.prediction.count"
PREDICTION_SUM = "ml.prediction.sum"
PREDICTION_SUM_OF_SQUARES = "ml.prediction.sum_of_squares"
PREDICTION_CLASSES = "ml.prediction.classes"
PREDICTION_SCORE = "ml.prediction.score"
PREDICTION_CONFIDENCE = "ml.prediction.confidence"
SHADOW_AGREEMENT = "ml.shadow.agreement"
PERFORMANCE = "ml.performance."
PERFORMANCE_SAMPLE_COUNT = "ml.performance.sample.count"
PERFORMANCE_STATE = "ml.performance.degraded"
CONFUSION_COUNT = "ml.performance.confusion.count"
CURVE_FREQUENCY = "ml.performance.calibration.frequency"
CURVE_PROBABILITY = "ml.performance.calibration.probability"
ESTIMATE_ERROR = "ml.performance.estimate_error"
FAIRNESS_GAP = "ml.fairness.gap"
FAIRNESS_RATIO = "ml.fairness.group.ratio"
SHADOW_COMPARISON = "ml.shadow.comparison"
GROUND_TRUTH_LABELS = "ml.ground_truth.labels"
GROUND_TRUTH_DELAY = "ml.ground_truth.delay"
GROUND_TRUTH_PENDING = "ml.ground_truth.pending.count"
GROUND_TRUTH_RATIO = "ml.ground_truth.ratio"
VIOLATIONS = "ml.data_quality.violations"
VIOLATION_RATIO = "ml.data_quality.violation.ratio"
DATA_QUALITY_STATE = "ml.data_quality.detected"
DRIFT_SCORE = "ml.drift.score"
DRIFT_P_VALUE = "ml.drift.p_value"
DRIFT_THRESHOLD = "ml.drift.threshold"
DRIFT_DETECTED = "ml.drift.detected"
DRIFT_FEATURE_RATIO = "ml.drift.feature.ratio"
BASELINE_SAMPLE_COUNT = "ml.baseline.sample.count"
BASELINE_AGE = "ml.baseline.age"
WINDOW_SAMPLE_COUNT = "ml.monitor.window.sample.count"
WINDOW_LENGTH = "ml.monitor.window.length"
EVALUATION_DURATION = "ml.monitor.evaluation.duration"
SERIES_COUNT = "ml.monitor.series.count"
ITEM_DROPPED = "ml.monitor.item.dropped"

_MEASURES: Final = (
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
)

_ROWS = (
    Metric(
        INFERENCE_DURATION, _HISTOGRAM, "s", "Duration of one model call; a batch is one call", _APP
    ),
    Metric(
        CLIENT_INFERENCE_DURATION,
        _HISTOGRAM,
        "s",
        "Duration of one request to a model server, as its client sees it",
        _APP,
    ),
    Metric(INFERENCE_ACTIVE, _UP_DOWN, "{inference}", "Model calls in progress", _APP),
    Metric(
        INFERENCE_PREDICTIONS,
        _COUNTER,
        "{prediction}",
        "Rows predicted; a batch of n counts n",
        _APP,
    ),
    Metric(INFERENCE_BATCH_SIZE, _HISTOGRAM, "{row}", "Rows a call", _APP),
    Metric(MODEL_LOAD_DURATION, _HISTOGRAM, "s", "Duration of loading a model", _APP),
    Metric(FEATURE_VALUE, _HISTOGRAM, "{value}", "Distribution of a numeric feature", _APP),
    Metric(FEATURE_COUNT, _UP_DOWN, "{value}", "Finite values behind the feature's sums", _APP),
    Metric(FEATURE_SUM, _UP_DOWN, "{value}", "Sum of a numeric feature, about its pivot", _APP),
    Metric(
        FEATURE_SUM_OF_SQUARES,
        _UP_DOWN,
        "{value}",
        "Sum of squares of a numeric feature, about its pivot",
        _APP,
    ),
    Metric(
        FEATURE_CATEGORIES,
        _COUNTER,
        "{value}",
        "Values of a categorical feature, by category",
        _APP,
    ),
    Metric(
        FEATURE_OBSERVATIONS,
        _COUNTER,
        "{value}",
        "Values of a feature seen, missing ones included",
        _APP,
    ),
    Metric(PREDICTION_VALUE, _HISTOGRAM, "{value}", "Distribution of a numeric prediction", _APP),
    Metric(
        PREDICTION_COUNT, _UP_DOWN, "{value}", "Finite values behind the prediction's sums", _APP
    ),
    Metric(
        PREDICTION_SUM, _UP_DOWN, "{value}", "Sum of a numeric prediction, about its pivot", _APP
    ),
    Metric(
        PREDICTION_SUM_OF_SQUARES,
        _UP_DOWN,
        "{value}",
        "Sum of squares of a numeric prediction, about its pivot",
        _APP,
    ),
    Metric(PREDICTION_CLASSES, _COUNTER, "{prediction}", "Predictions by class", _APP),
    Metric(
        PREDICTION_SCORE,
        Kind.HISTOGRAM,
        "1",
        "Predicted probability, of the positive class or of each class",
        _APP,
    ),
    Metric(PREDICTION_CONFIDENCE, Kind.HISTOGRAM, "1", "Highest class probability", _APP),
    Metric(
        SHADOW_AGREEMENT,
        _COUNTER,
        "{prediction}",
        "Classes that a challenger and the champion predicted in one trace, by agreement",
        _APP,
    ),
    Metric(
        VIOLATIONS, _COUNTER, "{violation}", "Values that violate an expectation, by type", _APP
    ),
    Metric(
        ITEM_DROPPED, _COUNTER, "{item}", "Rows or series left out of the state, by reason", _APP
    ),
    Metric(VIOLATION_RATIO, _GAUGE, "1", "Share of a window's values in violation", _PROCESSOR),
    Metric(
        DATA_QUALITY_STATE,
        _UP_DOWN,
        "{detection}",
        "State of a data-quality alert: 1 open, 0 not",
        _PROCESSOR,
    ),
    Metric(
        DRIFT_SCORE,
        _GAUGE,
        "{score}",
        "Statistic or distance of a window from its baseline",
        _PROCESSOR,
    ),
    Metric(
        DRIFT_P_VALUE, _GAUGE, "1", "P-value of a test of a window against its baseline", _PROCESSOR
    ),
    Metric(DRIFT_THRESHOLD, _GAUGE, "{score}", "Effect above which a check alarms", _PROCESSOR),
    Metric(
        DRIFT_DETECTED, _UP_DOWN, "{detection}", "State of a drift alert: 1 open, 0 not", _PROCESSOR
    ),
    Metric(DRIFT_FEATURE_RATIO, _GAUGE, "1", "Share of features that drifted", _PROCESSOR),
    *(
        Metric(PERFORMANCE + measure, _GAUGE, unit, description, _PROCESSOR)
        for measure, unit, description in _MEASURES
    ),
    Metric(
        PERFORMANCE_SAMPLE_COUNT,
        _UP_DOWN,
        "{sample}",
        "Labelled rows behind a window's measures",
        _PROCESSOR,
    ),
    Metric(
        PERFORMANCE_STATE,
        _UP_DOWN,
        "{detection}",
        "State of a performance alert: 1 open, 0 not",
        _PROCESSOR,
    ),
    Metric(
        CONFUSION_COUNT,
        _UP_DOWN,
        "{sample}",
        "Labelled rows of a window by true and predicted class, of up to ten classes",
        _PROCESSOR,
    ),
    Metric(
        CURVE_FREQUENCY,
        _GAUGE,
        "1",
        "Calibration curve: how often the class was true, in each tenth of the scores",
        _PROCESSOR,
    ),
    Metric(
        CURVE_PROBABILITY,
        _GAUGE,
        "1",
        "Calibration curve: mean probability of the class in each tenth of the scores",
        _PROCESSOR,
    ),
    Metric(
        ESTIMATE_ERROR,
        _GAUGE,
        "{score}",
        "Estimated less realised value of a measure, on the rows that have labels by now",
        _PROCESSOR,
    ),
    Metric(
        FAIRNESS_GAP, _GAUGE, "1", "Largest less smallest value of a rate over groups", _PROCESSOR
    ),
    Metric(
        FAIRNESS_RATIO,
        _GAUGE,
        "1",
        "Smallest over largest value of a rate over groups",
        _PROCESSOR,
    ),
    Metric(
        SHADOW_COMPARISON,
        _GAUGE,
        "{score}",
        "A challenger beside its champion on the same labelled requests, by measure",
        _PROCESSOR,
    ),
    Metric(
        GROUND_TRUTH_LABELS, _COUNTER, "{label}", "Labels received, by what they met", _PROCESSOR
    ),
    Metric(GROUND_TRUTH_DELAY, _HISTOGRAM, "s", "Time from prediction to label", _PROCESSOR),
    Metric(
        GROUND_TRUTH_PENDING,
        _UP_DOWN,
        "{prediction}",
        "Predictions that wait for a label",
        _PROCESSOR,
    ),
    Metric(
        GROUND_TRUTH_RATIO,
        _GAUGE,
        "1",
        "Share of a window's predictions that have a label by now",
        _PROCESSOR,
    ),
    Metric(BASELINE_SAMPLE_COUNT, _UP_DOWN, "{sample}", "Rows in the baseline", _PROCESSOR),
    Metric(BASELINE_AGE, _GAUGE, "s", "Time since the baseline was built", _PROCESSOR),
    Metric(
        WINDOW_SAMPLE_COUNT, _UP_DOWN, "{sample}", "Rows in the last evaluated window", _PROCESSOR
    ),
    Metric(WINDOW_LENGTH, _GAUGE, "s", "Time span of the last evaluated window", _PROCESSOR),
    Metric(
        EVALUATION_DURATION, _HISTOGRAM, "s", "Duration of one evaluation of all checks", _PROCESSOR
    ),
    Metric(SERIES_COUNT, _UP_DOWN, "{series}", "State entries held", _PROCESSOR),
)
METRICS: Final = MappingProxyType({row.name: row for row in _ROWS})

OPERATION = "ml.operation.name"
SYSTEM = "ml.system.name"
FRAMEWORK = "ml.framework.name"
FRAMEWORK_VERSION = "ml.framework.version"
MODEL_NAME = "ml.model.name"
MODEL_VERSION = "ml.model.version"
TASK_TYPE = "ml.task.type"
BATCH_SIZE = "ml.inference.batch.size"
FEATURE_NUMBER = "ml.inference.feature.count"
ROLE = "ml.role"
OUTPUT_NAME = "ml.output.name"
FEATURE_NAME = "ml.feature.name"
FEATURE_CATEGORY = "ml.feature.category"
FEATURE_PIVOT = "ml.feature.pivot"
DISTRIBUTION_PART = "ml.distribution.part"
PREDICTION_CLASS = "ml.prediction.class"
DRIFT_TYPE = "ml.drift.type"
DRIFT_METHOD = "ml.drift.method"
VIOLATION_TYPE = "ml.data_quality.violation.type"
VIOLATION_THRESHOLD = "ml.data_quality.threshold"
BASELINE_ID = "ml.baseline.id"
WINDOW_START = "ml.window.start"
WINDOW_END = "ml.window.end"
MODEL_ALIAS = "ml.model.alias"
SHADOW_AGREED = "ml.shadow.agreed"
SHADOW_CHAMPION = "ml.shadow.champion"
MODEL_CLASS = "ml.model.class"
MODEL_HASH = "ml.model.hash"
HYPERPARAMETER = "ml.model.hyperparameter"
FEATURE_NAMES = "ml.feature.names"
INFERENCE_ID = "ml.inference.id"
ROW_INDEX = "ml.inference.row.index"
RECORD_IDS = "ml.inference.ids"
RECORD_TIMES = "ml.inference.times"
RECORD_TRACE_IDS = "ml.inference.trace_ids"
RECORD_SPAN_IDS = "ml.inference.span_ids"
RECORD_SEGMENT = "ml.inference.segments"
RECORD_CLASSES = "ml.prediction.classes"
RECORD_VALUES = "ml.prediction.values"
RECORD_SCORES = "ml.prediction.scores"
RECORD_SCORED = "ml.prediction.scored_classes"
RECORD_LOWS = "ml.prediction.lower_bounds"
RECORD_HIGHS = "ml.prediction.upper_bounds"
PREDICTION_VALUE_OF_ROW = "ml.prediction.value"
PREDICTION_SCORE_OF_ROW = "ml.prediction.score"
CURVE_BIN = "ml.performance.calibration.bin"
INPUT = "ml.inference.input"
TRUTH_CLASS = "ml.ground_truth.class"
TRUTH_VALUE = "ml.ground_truth.value"
TRUTH_WEIGHT = "ml.ground_truth.weight"
TRUTH_STATE = "ml.ground_truth.state"
PERFORMANCE_AVERAGE = "ml.performance.average"
PERFORMANCE_SOURCE = "ml.performance.source"
PERFORMANCE_METRIC = "ml.performance.metric.name"
PERFORMANCE_VALUE = "ml.performance.value"
FAIRNESS_METRIC = "ml.fairness.metric.name"
FAIRNESS_ATTRIBUTE = "ml.fairness.attribute"
FAIRNESS_LOW = "ml.fairness.group.low"
FAIRNESS_HIGH = "ml.fairness.group.high"
SEGMENT_NAME = "ml.segment.name"
SEGMENT_VALUE = "ml.segment.value"
SHADOW_METRIC = "ml.shadow.metric.name"
RETRAINING_RULE = "ml.retraining.rule"
RETRAINING_EVIDENCE = "ml.retraining.evidence"
PERFORMANCE_BASELINE = "ml.performance.baseline.value"
PERFORMANCE_THRESHOLD = "ml.performance.threshold"
ROUTE = "http.route"
SERVER_ADDRESS = "server.address"
SERVER_PORT = "server.port"
ERROR_TYPE = "error.type"

ATTRIBUTES: Final = MappingProxyType(
    {
        OPERATION: "What the model did: `predict`, `predict_proba`, `decision_function`, `load`",
        SYSTEM: "Serving system, or the model library where there is none",
        FRAMEWORK: "Model library",
        FRAMEWORK_VERSION: "Version of the model library",
        MODEL_NAME: "Name of the model",
        MODEL_VERSION: "Version of the model, where it has one",
        TASK_TYPE: "`binary_classification`, `multiclass_classification`, `regression`, …",
        BATCH_SIZE: "Rows in the call (span)",
        FEATURE_NUMBER: "Features in the call (span)",
        ROLE: "What a column is: `feature`, `prediction`, `score`, `confidence`, `target`, `error`",
        OUTPUT_NAME: "Output, of models with several",
        FEATURE_NAME: "Feature",
        FEATURE_CATEGORY: "Category; those beyond the cap are `_OTHER`",
        FEATURE_PIVOT: "Value about which sums, and very narrow histograms, are taken",
        DISTRIBUTION_PART: "`tail`: the values that would blind the main histogram",
        PREDICTION_CLASS: "Predicted class; those beyond the cap are `_OTHER`",
        "ml.prediction.value": "Predicted value of a single-row call (span)",
        "ml.prediction.score": "Predicted probability of a single-row call (span)",
        "ml.prediction.confidence": "Highest class probability of a single-row call (span)",
        DRIFT_TYPE: "`feature`, `prediction`",
        DRIFT_METHOD: "Name of the check",
        "ml.drift.score": "Statistic (event)",
        "ml.drift.p_value": "P-value (event)",
        "ml.drift.threshold": "Limit in force (event)",
        VIOLATION_TYPE: "Name of the data-quality check",
        "ml.data_quality.violation.ratio": "Share of values in violation (event)",
        VIOLATION_THRESHOLD: "Limit in force (event)",
        BASELINE_ID: "First 16 hex digits of the baseline's SHA-256",
        WINDOW_START: "Start of the window, ISO 8601",
        WINDOW_END: "End of the window, ISO 8601",
        "ml.monitor.window.sample.count": "Rows in the window (event)",
        MODEL_ALIAS: "`challenger` within `otelml.shadow()` (span)",
        SHADOW_AGREED: "`true` or `false`",
        SHADOW_CHAMPION: "Model that a challenger is compared with",
        MODEL_CLASS: "Class of the model (event)",
        MODEL_HASH: "SHA-256 of the file that the model came from (event)",
        HYPERPARAMETER: "`.<name>`: a hyperparameter of the model, as text (event)",
        FEATURE_NAMES: "Features that the model takes (event)",
        INFERENCE_ID: "The app's or the framework's id of the request (span, event)",
        ROW_INDEX: "Row in the batch that a label is of (event)",
        RECORD_IDS: "Ids of the rows: `ID` of the first, `ID:1` of the second of a batch (event)",
        RECORD_TIMES: "When the rows were predicted, in nanoseconds since the epoch (event)",
        RECORD_TRACE_IDS: "Traces of the rows (event)",
        RECORD_SPAN_IDS: "Spans of the rows, where their ids do not tell (event)",
        RECORD_SEGMENT: "`.<column>`: values of a column of `OTELML_SEGMENT_COLUMNS` (event)",
        RECORD_CLASSES: "Predicted classes (event)",
        RECORD_VALUES: "Predicted values (event)",
        RECORD_SCORES: "Probabilities of the scored classes, row by row (event)",
        RECORD_SCORED: "Classes that the probabilities are of (event)",
        RECORD_LOWS: "Lower ends of the intervals that the model gave (event)",
        RECORD_HIGHS: "Their upper ends (event)",
        CURVE_BIN: "Tenth of the scores, from 1",
        INPUT: "`.<feature>`: value of a feature of a sampled row (event)",
        TRUTH_CLASS: "True class",
        TRUTH_VALUE: "True value (event)",
        TRUTH_WEIGHT: "Weight of a label; 1 if it is not said (event)",
        TRUTH_STATE: "`matched`, `unmatched`, `duplicate`, `corrected`, `expired`, `refused`",
        PERFORMANCE_AVERAGE: "`binary`, `macro`, `micro`, `weighted`",
        PERFORMANCE_SOURCE: "`ground_truth`, or `estimated` without labels",
        PERFORMANCE_METRIC: "Name of the measure",
        FAIRNESS_METRIC: "Name of the measure of fairness",
        FAIRNESS_ATTRIBUTE: "Column whose groups are compared",
        FAIRNESS_LOW: "Group with the smallest rate; only if `tell_groups` is set",
        FAIRNESS_HIGH: "Group with the largest rate; only if `tell_groups` is set",
        SEGMENT_NAME: "Columns that a slice is cut by",
        SEGMENT_VALUE: "Their values in the slice",
        SHADOW_METRIC: "What a challenger and its champion are compared by",
        RETRAINING_RULE: "Rule that came to hold, in words (event)",
        RETRAINING_EVIDENCE: "Findings that led to it, as JSON (event)",
        PERFORMANCE_VALUE: "Value of the measure (event)",
        PERFORMANCE_BASELINE: "Its value in the baseline (event)",
        PERFORMANCE_THRESHOLD: "Limit in force (event)",
        ROUTE: "Route of the request within which the model was called (span)",
        SERVER_ADDRESS: "Server that a client asks (span)",
        SERVER_PORT: "Its port (span)",
        ERROR_TYPE: "Class of the exception, or reason",
    }
)

MODEL_LOADED_EVENT = "ml.model.loaded"
RECORDS_EVENT = "ml.inference.records"
DETAILS_EVENT = "ml.inference.details"
TRUTH_EVENT = "ml.ground_truth.received"
PERFORMANCE_DEGRADED_EVENT = "ml.performance.degraded"
PERFORMANCE_RESTORED_EVENT = "ml.performance.restored"
FAIRNESS_DEGRADED_EVENT = "ml.fairness.degraded"
FAIRNESS_RESTORED_EVENT = "ml.fairness.restored"
RETRAINING_RECOMMENDED_EVENT = "ml.retraining.recommended"
RETRAINING_RESOLVED_EVENT = "ml.retraining.resolved"
DRIFT_DETECTED_EVENT = "ml.drift.detected"
DRIFT_RESOLVED_EVENT = "ml.drift.resolved"
QUALITY_DEGRADED_EVENT = "ml.data_quality.degraded"
QUALITY_RESTORED_EVENT = "ml.data_quality.restored"

EVENTS: Final = MappingProxyType(
    {
        MODEL_LOADED_EVENT: "A model was loaded",
        RECORDS_EVENT: "Rows were predicted: their ids, classes or values, and scores, by column",
        DETAILS_EVENT: "A row was predicted, with its features; only of `OTELML_CAPTURE_INPUTS`",
        TRUTH_EVENT: "The app learned what was right",
        PERFORMANCE_DEGRADED_EVENT: "A performance alert opened",
        PERFORMANCE_RESTORED_EVENT: "A performance alert resolved",
        FAIRNESS_DEGRADED_EVENT: "A fairness alert opened",
        FAIRNESS_RESTORED_EVENT: "A fairness alert resolved",
        RETRAINING_RECOMMENDED_EVENT: "A rule of `retraining` came to hold",
        RETRAINING_RESOLVED_EVENT: "It holds no longer",
        DRIFT_DETECTED_EVENT: "A drift alert opened",
        DRIFT_RESOLVED_EVENT: "A drift alert resolved",
        QUALITY_DEGRADED_EVENT: "A data-quality alert opened",
        QUALITY_RESTORED_EVENT: "A data-quality alert resolved",
    }
)
