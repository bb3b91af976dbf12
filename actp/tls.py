"""The certificates by which hosted services are recognized."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    import ssl

__all__ = ["certificates"]


@cache
def certificates(*, trust_env: bool = True) -> ssl.SSLContext:
    """Return httpx's TLS context, which a process loads once: that takes longer than most calls."""
    return httpx.create_ssl_context(trust_env=trust_env)
