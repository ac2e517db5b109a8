"""Manners: the daemon polls a publisher on loopback at 240 times speed, and is judged by it.

publisher.py    the server: hosts with handlers, and a record of all they were asked
content.py      what they serve: feeds whose items come with virtual time
scenario.py     a scenario: its hosts, its feeds in the configuration, its rules
validators.py … the scenarios, by subject
daemon.py       `aggregator run` under libfaketime
run.py          the measurement, and how it is printed
"""
