"""The database's shapes over time, oldest first. A new one goes in `versions/` and here."""

REVISIONS = ("0001", "0002")
HEAD = REVISIONS[-1]
