"""Ports for servers under test."""

import contextlib
import random
import socket

# Below those that systems lend to connections (from 32768 or 49152 on): one of them may be taken
# again before its server starts.
_PORTS = iter(random.sample(range(20_000, 32_000), 12_000))


def free_port() -> int:
    """A port on loopback that nobody listens on, and that was not given out before."""
    for port in _PORTS:
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port
    raise OSError("no port from 20000 to 31999 is left on loopback")
