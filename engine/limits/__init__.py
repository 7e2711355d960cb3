"""Rate limits: what they are, where their counters live, and which of them bind a request.

rates.py    "6000/minute" as numbers
model.py    one limit
store.py    the file with the counters, shared by all processes of a host
headers.py  what a client is told about its limits
shared/     the same limits kept together by several hosts, in one Redis or Valkey
limiter.py  the limits that bind one caller, taken together
"""
