"""Each kernel of engine/_fast, timed beside its plain-Python oracle and the obvious rival. A file a kernel."""
