"""Infinite values: how much greater their share is than in the baseline."""

from otelml.monitor.quality._share import share_check

CHECK = share_check("non_finite", "non_finite", warn=0.05, alarm=0.10, numbers_only=True)
