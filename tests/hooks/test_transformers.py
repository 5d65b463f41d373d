"""transformers' pipelines under the hooks; the model is tiny and made here."""

from pathlib import Path
from typing import Any

import pytest
from transformers import BertConfig, BertForSequenceClassification, BertTokenizer, pipelines

from tests.hooks.conftest import Telemetry

VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "good", "bad", "movie"]


@pytest.fixture
def model() -> Any:
    config = BertConfig(
        vocab_size=8,
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=16,
        id2label={0: "NEG", 1: "POS"},
    )
    return BertForSequenceClassification(config).eval()


@pytest.fixture
def tokenizer() -> Any:
    return BertTokenizer(vocab={token: i for i, token in enumerate(VOCABULARY)})


def test_one_text(telemetry: Telemetry, model: Any, tokenizer: Any) -> None:
    pipe = pipelines.pipeline("text-classification", model=model, tokenizer=tokenizer, device=-1)
    (best,) = pipe("good movie")
    (span,) = telemetry.spans()
    assert "predict BertForSequenceClassification" == span.name
    told = dict(span.attributes or {})
    assert best["label"] == told["ml.prediction.class"]
    assert best["score"] == pytest.approx(told["ml.prediction.confidence"])
    assert "transformers" == told["ml.framework.name"]
    (length,) = telemetry.points("ml.feature.value")
    assert (10, "text.length") == (length.max, length.attributes["ml.feature.name"])


def test_several_texts_with_all_labels(telemetry: Telemetry, model: Any, tokenizer: Any) -> None:
    pipe = pipelines.pipeline("text-classification", model=model, tokenizer=tokenizer, device=-1)
    pipe(["good", "bad"], top_k=None, batch_size=2)
    assert 2 == telemetry.value("ml.prediction.classes")
    assert 2 == telemetry.value("ml.inference.predictions")


def test_a_generator_is_left_alone_and_counted(
    telemetry: Telemetry, model: Any, tokenizer: Any
) -> None:
    pipe = pipelines.pipeline("text-classification", model=model, tokenizer=tokenizer, device=-1)
    assert 2 == len(list(pipe(text for text in ["good", "bad"])))
    assert 1 == telemetry.value("ml.monitor.item.dropped", error_type="not_readable")


def test_a_pipeline_of_a_directory_is_named_after_it(
    telemetry: Telemetry, model: Any, tokenizer: Any, tmp_path: Path
) -> None:
    model.save_pretrained(tmp_path / "mood")
    tokenizer.save_pretrained(tmp_path / "mood")
    pipe = pipelines.pipeline("text-classification", model=str(tmp_path / "mood"), device=-1)
    pipe("good")
    assert ["load mood", "predict mood"] == [s.name for s in telemetry.spans()]
