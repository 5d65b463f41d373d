"""transformers, with a tiny model made here:
opentelemetry-instrument python examples/frameworks/transformers_script.py
"""

from transformers import BertConfig, BertForSequenceClassification, BertTokenizer, pipeline

words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "good", "bad", "movie"]
config = BertConfig(
    vocab_size=8, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16
)
model = BertForSequenceClassification(config).eval()
tokenizer = BertTokenizer(vocab={word: number for number, word in enumerate(words)})
print(pipeline("text-classification", model=model, tokenizer=tokenizer)(["good movie", "bad"]))
