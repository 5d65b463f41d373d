"""Data quality: one check a file."""
