"""Limits: what a decision costs, and what many hosts on one store cost and lose."""
