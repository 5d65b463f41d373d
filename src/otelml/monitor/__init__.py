"""The analysing half: pure, with time as an argument."""
