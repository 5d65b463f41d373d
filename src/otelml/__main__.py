"""`python -m otelml` is the command `otelml`."""

from otelml.cli import main

if __name__ == "__main__":
    main()
