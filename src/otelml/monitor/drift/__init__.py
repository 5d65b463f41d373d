"""Drift: one check a file, each a `CHECK`."""
