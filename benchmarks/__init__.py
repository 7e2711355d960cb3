"""Measurements of tidegate: `peers` against other proxies, `micro` kernel by kernel, `load` by number of connections.

Run `python -m benchmarks --help`. Everything listens on 127.0.0.1, is bounded in count and in time, and stops only the
processes that it started itself.
"""
