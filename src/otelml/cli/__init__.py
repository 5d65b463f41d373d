"""The command `otelml`: one file a command."""
