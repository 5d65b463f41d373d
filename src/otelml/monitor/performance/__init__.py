"""How good the model is: one measure a file, each a `METRIC`; and estimates before labels come."""
