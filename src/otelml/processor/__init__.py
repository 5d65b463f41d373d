"""The service beside the Collector: OTLP in, OTLP out."""
