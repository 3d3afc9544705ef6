"""Password hashing: Argon2id, the same cost whether or not the name exists."""

from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError
from werkzeug.security import check_password_hash

# OWASP's recommendation: 19 MiB, two passes, one lane
# (https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html). About 21 ms here.
_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)


def hash_password(password: str) -> str:
    """The Argon2id hash of `password`."""
    return _hasher.hash(password)


def verify(password_hash: str, password: str) -> bool:
    """Whether `password` is the one that was hashed; hashes made by Werkzeug are understood too."""
    if password_hash.startswith(("scrypt:", "pbkdf2:")):
        return check_password_hash(password_hash, password)
    try:
        return _hasher.verify(password_hash, password)
    except (VerifyMismatchError, VerificationError, InvalidHashError):
        return False


def needs_rehash(password_hash: str) -> bool:
    """Whether the hash is of an older kind or cost than `hash_password` makes."""
    return not password_hash.startswith("$argon2") or _hasher.check_needs_rehash(password_hash)


@cache
def _dummy() -> str:
    return hash_password("nobody has this password")


def verify_nobody(password: str) -> bool:
    """Take as long as a real verification, for a name that does not exist. Always False."""
    verify(_dummy(), password)
    return False
