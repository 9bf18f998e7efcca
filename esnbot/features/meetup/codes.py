"""The code that is shown on site, by which one says to have arrived: short, and without letters that look alike."""

from __future__ import annotations

import hmac
import secrets
from typing import Final

ALPHABET: Final = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
LENGTH: Final = 6


def new_code() -> str:
    """A new one."""
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


def fits(code: str, said: str) -> bool:
    """Whether somebody said the code, however they typed it."""
    typed = "".join(char for char in said.upper() if char.isalnum())
    return hmac.compare_digest(code.encode(), typed.encode())
