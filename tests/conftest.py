"""Properties are judged by what holds, not by how fast a busy machine finds out."""

import os

from hypothesis import HealthCheck, settings

settings.register_profile(
    "otelml",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize="CI" in os.environ,
)
settings.load_profile("otelml")
