"""Mergeable summaries of columns in pure numpy: no locks, no clock, no telemetry."""
