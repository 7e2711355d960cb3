"""How fast a revocation bites, on the same host and on another, and what bad credentials do to good ones."""
