"""Benchmarks: ours and a peer, on the same feeds, in one run. See README.md.

publisher.py    a thousand synthetic feeds on loopback, in a process of their own
contestants.py  the process that a contestant runs in
ours.py         ours: polling alone, and everything
peer.py         lemon24's reader
measure.py      the CPU time and the memory of a process and its children
sampling.py     in which part of the program CPU time goes
cycle.py        the benchmark: python -m bench.cycle
"""
