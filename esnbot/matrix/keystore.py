"""The protected folder of the device's keys: for its owner alone, opened with one key, held by one process."""

from __future__ import annotations

import fcntl
import os
import secrets
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY: Final = "key"
_NONCE: Final = 12


class KeysError(Exception):
    """The folder cannot be used as it is; an administrator has to act."""

    def __init__(self, what: str, hint: str) -> None:
        super().__init__(what)
        self.hint = hint


class Keystore:
    """The folder. ``given`` is the key that opens it; without one, a key is made and kept in the folder."""

    def __init__(self, folder: Path, given: str | None = None) -> None:
        """Nothing is opened yet."""
        self.folder = folder
        self._given = given
        self._lock: int | None = None

    def take(self) -> bool:
        """Have the folder to ourselves; False while another process has it."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.folder.chmod(0o700)
            lock = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise KeysError(
                f"The folder '{self.folder}' for the keys of encrypted rooms cannot be written ({error.strerror}).",
                "Let the bot's user write there, or name another folder with 'encryption: store'.",
            ) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            return False
        self._lock = lock
        return True

    def release(self) -> None:
        """Let another process have it."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    @property
    def key(self) -> str:
        """The key of everything in the folder; made once where none is given."""
        if self._given:
            return self._given
        file = self.folder / KEY
        if not file.exists():
            self.write(KEY, secrets.token_urlsafe(32).encode())
        return file.read_text(encoding="ascii").strip()

    def write(self, name: str, content: bytes) -> None:
        """Write a file for its owner only, whole or not at all, and on the disk when this returns."""
        fresh = self.folder / f"{name}.new"
        fresh.unlink(missing_ok=True)
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as writer:
            writer.write(content)
            writer.flush()
            os.fsync(writer.fileno())
        fresh.rename(self.folder / name)
        above = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(above)
        finally:
            os.close(above)

    def seal(self, name: str, content: bytes) -> None:
        """Write a file that only the key opens."""
        self.write(name, self.lock(name, content))

    def lock(self, name: str, content: bytes) -> bytes:
        """What only the key opens, and under that name only."""
        nonce = secrets.token_bytes(_NONCE)
        return nonce + AESGCM(self._derived(name)).encrypt(nonce, content, name.encode())

    def unlock(self, name: str, locked: bytes) -> bytes:
        """What was locked. Raises ``KeysError`` when the key is another one."""
        try:
            return AESGCM(self._derived(name)).decrypt(locked[:_NONCE], locked[_NONCE:], name.encode())
        except (InvalidTag, ValueError) as error:
            raise self.wrong_key() from error

    def unseal(self, name: str) -> bytes | None:
        """What was sealed; None when there is no such file. Raises ``KeysError`` when the key is another one."""
        try:
            sealed = (self.folder / name).read_bytes()
        except FileNotFoundError:
            return None
        return self.unlock(name, sealed)

    def wrong_key(self) -> KeysError:
        """What to say when the key does not open what is there."""
        return KeysError(
            f"The keys in '{self.folder}' cannot be opened: they were made with another key.",
            "Give the key that they were made with (ESNBOT_ENCRYPTION_KEY, 'encryption: key_file', "
            f"or the file '{self.folder / KEY}'), or restore the folder from a backup.",
        )

    def _derived(self, name: str) -> bytes:
        return HKDF(SHA256(), 32, None, b"esnbot " + name.encode()).derive(self.key.encode())
