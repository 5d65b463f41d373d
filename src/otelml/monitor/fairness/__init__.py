"""Fairness: what a model does to the groups of a segment column; one measure a file."""
