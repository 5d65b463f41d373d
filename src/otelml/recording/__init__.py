"""The half inside the model's process: columns in, sketches out, nothing that blocks or raises."""
