"""Files through the recorder to baselines and windows, without a service."""
