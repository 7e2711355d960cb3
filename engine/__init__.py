"""tidegate: an enforcement proxy for AI HTTP APIs."""

__version__ = "0.1.0"
