"""One file a framework, on the shared base of `_patch`."""
