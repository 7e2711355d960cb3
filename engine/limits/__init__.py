"""Rate limits: what they are, where their counters live, and which of them bind a request.

rates.py    "6000/minute" as numbers
model.py    one limit
scopes.py   whom it counts: the identity of a counter
windows.py  hours, days and months of a time zone
spend.py    what tokens cost
store.py    the file with the counters, shared by all processes of a host
headers.py  what a client is told about its limits
bound.py    limits on requests that bind one caller, taken together
metered.py  limits that are reserved before a request and settled after it
sizes.py    how much a request is held for
journals.py open reservations, and what becomes of those of a process that was killed
owned_file.py   a file that is found when its process is gone
shared/     the same limits kept together by several hosts, in one Redis or Valkey
limiter.py  the limits that bind one caller, taken together
"""
