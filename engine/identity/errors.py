"""Why a credential does not become a principal."""

from __future__ import annotations


class IdentityUnavailable(Exception):
    """Whether a credential is valid cannot be told now."""


class InvalidToken(Exception):
    """A credential that is not valid. The message is for its holder: fixed words, no part of the token or of a key."""
