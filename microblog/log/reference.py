"""The short code a person reads out and an operator types in."""

import secrets

# Crockford's base32: no I, L, O or U, so that nothing is misread (https://www.crockford.com/base32.html).
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
PLACEHOLDER = "00000-00000"
"""Where the reference goes in what is drawn beforehand. No name of a member holds a dash."""

_MISREAD = str.maketrans("ILO", "110")


def new_reference() -> str:
    """A fresh reference such as ``K7Q2F-9M4ZX``: 10 characters, 50 random bits."""
    text = "".join(ALPHABET[byte & 31] for byte in secrets.token_bytes(10))
    return f"{text[:5]}-{text[5:]}"


def normalise(text: str) -> str | None:
    """The reference in `text` as it was given out, whatever its case, dashes or misread letters; else None."""
    plain = "".join(character for character in text.upper() if character not in "- \t").translate(_MISREAD)
    if len(plain) != 10 or any(character not in ALPHABET for character in plain):
        return None
    return f"{plain[:5]}-{plain[5:]}"
