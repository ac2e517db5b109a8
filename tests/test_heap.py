"""The C library's heap: what was freed is the system's again, whatever is in use beside it."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

PROGRAM = """
import ctypes, os, sys
from aggregator import heap

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1_000_000

library = ctypes.CDLL(None)
library.malloc.restype = ctypes.c_void_p
library.malloc.argtypes = library.free.argtypes = (ctypes.c_size_t,)

def block(size):
    place = library.malloc(size)
    ctypes.memset(ctypes.c_void_p(place), 1, size)
    return place

if sys.argv[1] == "little":
    heap.keep_little()
before = resident()
library.free(block(30_000_000))  # from here on glibc takes blocks of this size from the heap
large, small = [], []
for _ in range(20):
    large.append(block(5_000_000))
    small.append(block(3_000))
for place in large:
    library.free(place)
print(resident() - before)
"""


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="the C library is another")
def test_large_blocks_are_given_back_though_small_ones_stand_between_them() -> None:
    def kept(how: str) -> int:
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-c", PROGRAM, how]
        return int(subprocess.run(command, env=environment, capture_output=True, check=True).stdout)

    assert kept("little") < 5
    assert kept("much") > 50  # else nothing of this is needed any more
