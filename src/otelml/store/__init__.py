"""Durable state of the processor."""
