"""The journal stream: every fact once, in order, from any point, to any number of subscribers.

One tail a journal and server reads what is new (`tail.py`), told of by this server's commits and
by one poll for those of others (`hub.py`). A subscription (`subscription.py`) goes from position to
position: what lies in the tail's buffer it takes from there, everything else from the database.
That one rule is replay, live, the seam between them, and what becomes of a reader that is too slow.
"""
