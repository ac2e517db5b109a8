"""Attacks: the daemon polls a server that misbehaves in every way, and good feeds beside it.

server.py       one listener for a /16 of loopback that may be asked, and all else as canary
wire.py         what an attack writes with, and what is remembered of it
transfers.py    attacks by bytes on the wire: lengths, cuts, drips, codings, statuses
documents.py    attacks by what is in the bytes: XML, JSON, sizes, encodings
addresses.py    attacks by where a feed, a redirect or a page leads
markup.py       feeds and pages with dangerous markup and characters
danger.py       what a published feed must not hold
memory.py       the memory of a tree of processes
run.py          the measurement, and how it is printed
"""
