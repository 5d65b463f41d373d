"""Values of another type than the column's: how much greater their share is than before."""

from otelml.monitor.quality._share import share_check

CHECK = share_check("type_mismatch", "mismatched", warn=0.001, alarm=0.01)
