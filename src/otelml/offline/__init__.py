"""Files through the same sketches as live data, to baselines and windows, without a service."""
