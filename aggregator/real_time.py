"""The kernel's own clock, which nobody sets, and libfaketime does not make faster."""

from __future__ import annotations

import os


def ticks() -> float:
    """Seconds since some moment in the past, to hundredths."""
    return os.times().elapsed
