"""The only place that knows a telemetry format."""
