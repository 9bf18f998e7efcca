"""The bot's cross-signing keys, so that clients trust its device (Client-Server API, 'Cross-signing').

nio has no cross-signing. The three keys are made once and kept, sealed, in the protected folder; they are uploaded when
the homeserver has none, and never replace others by themselves.
"""

from __future__ import annotations

import secrets
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import orjson
import structlog
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from esnbot.matrix.client import MatrixClient
from esnbot.matrix.directory import as_dict
from esnbot.matrix.errors import HomeserverError, TokenRefused
from esnbot.matrix.keystore import Keystore
from esnbot.matrix.machine import Machine

FILE: Final = "crosssigning"
RESET: Final = "reset"
"""A file of this name in the folder lets the bot make new keys, once."""
MASTER: Final = "master"
SELF_SIGNING: Final = "self_signing"
USER_SIGNING: Final = "user_signing"
_SEED: Final = 32

log = structlog.get_logger("esnbot.matrix.crosssigning")


class Trust(StrEnum):
    """How clients see the bot's device."""

    unknown = "unknown"
    signed = "signed"
    refused = "refused"
    """The homeserver does not take the keys without a person's consent."""
    lost = "lost"
    """The homeserver has keys of the bot's that are not in the folder."""
    none = "none"
    """Neither has any."""
    unsigned = "unsigned"
    """The keys are in both, and the device is not signed with them (yet)."""


SAYS: Final[Mapping[Trust, tuple[str, str]]] = {
    Trust.refused: (
        "The homeserver does not let the bot publish its cross-signing keys.",
        "Everything works; Element shows a shield beside what the bot says. Since Matrix 1.17 (Synapse 1.141) "
        "application services need no further consent for it.",
    ),
    Trust.lost: (
        "The homeserver has cross-signing keys of the bot's that are not in its folder of keys: the folder was lost, "
        "or somebody replaced the keys.",
        "Restore the folder from a backup. If there is none, make a file named 'reset' in it and start the bot: it "
        "then makes new keys, and people who had verified the bot are asked to do it again.",
    ),
}
"""What is wrong, and what to do about it."""


def canonical(value: Mapping[str, Any]) -> bytes:
    """What of an object is signed (appendix 'Canonical JSON'): sorted, without signatures and ``unsigned``."""
    rest = {key: entry for key, entry in value.items() if key not in ("signatures", "unsigned")}
    return orjson.dumps(rest, option=orjson.OPT_SORT_KEYS)


def base64(raw: bytes) -> str:
    """Unpadded, as keys and signatures are written."""
    return b64encode(raw).decode().rstrip("=")


def verified(value: Mapping[str, Any], user: str, key: str) -> bool:
    """Whether an object bears a valid signature of the Ed25519 key (unpadded base64) whose id is the key itself."""
    return is_signed(value, user, key, key)


def is_signed(value: Mapping[str, Any], user: str, name: str, key: str) -> bool:
    """Whether an object bears a valid signature under that name, by that key."""
    signature = as_dict(as_dict(value.get("signatures")).get(user)).get(f"ed25519:{name}")
    if not isinstance(signature, str):
        return False
    try:
        Ed25519PublicKey.from_public_bytes(_decoded(key)).verify(_decoded(signature), canonical(value))
    except (InvalidSignature, ValueError):
        return False
    return True


def _decoded(text: str) -> bytes:
    return b64decode(text + "=" * (-len(text) % 4))


@dataclass(frozen=True, slots=True)
class SigningKey:
    """One of the three."""

    usage: str
    private: Ed25519PrivateKey

    @property
    def public(self) -> str:
        """The public key, which is also its name."""
        return base64(self.private.public_key().public_bytes_raw())

    def sign(self, value: Mapping[str, Any]) -> str:
        """The signature of an object."""
        return base64(self.private.sign(canonical(value)))

    def document(self, user: str) -> dict[str, Any]:
        """The key as it is published, unsigned."""
        return {"user_id": user, "usage": [self.usage], "keys": {f"ed25519:{self.public}": self.public}}


@dataclass(frozen=True, slots=True)
class SigningKeys:
    """All three."""

    master: SigningKey
    self_signing: SigningKey
    user_signing: SigningKey

    @classmethod
    def new(cls) -> SigningKeys:
        """Fresh ones."""
        return cls.of({name: base64(secrets.token_bytes(_SEED)) for name in (MASTER, SELF_SIGNING, USER_SIGNING)})

    @classmethod
    def of(cls, seeds: Mapping[str, str]) -> SigningKeys:
        """From their seeds."""
        return cls(
            *(
                SigningKey(name, Ed25519PrivateKey.from_private_bytes(_decoded(seeds[name])))
                for name in (MASTER, SELF_SIGNING, USER_SIGNING)
            )
        )

    def seeds(self) -> dict[str, str]:
        """What ``of`` needs."""
        keys = (self.master, self.self_signing, self.user_signing)
        return {key.usage: base64(key.private.private_bytes_raw()) for key in keys}

    def documents(self, user: str, machine: Machine) -> dict[str, Any]:
        """What is uploaded: the master key, signed by the device, and the others signed by it."""
        documents: dict[str, Any] = {f"{MASTER}_key": self.signed_master(user, machine)}
        for key in (self.self_signing, self.user_signing):
            document = key.document(user)
            signature = self.master.sign(document)
            documents[f"{key.usage}_key"] = document | {
                "signatures": {user: {f"ed25519:{self.master.public}": signature}}
            }
        return documents

    def signed_master(self, user: str, machine: Machine) -> dict[str, Any]:
        """The master key as the device vouches for it."""
        document = self.master.document(user)
        signature = machine.account.sign(canonical(document).decode())
        return document | {"signatures": {user: {f"ed25519:{machine.device_id}": signature}}}


def stored(keystore: Keystore) -> SigningKeys | None:
    """The keys in the folder, if any; raises ``KeysError`` when the folder's key is another one."""
    found = keystore.unseal(FILE)
    return SigningKeys.of(orjson.loads(found)) if found is not None else None


@dataclass(frozen=True, slots=True)
class Published:
    """What the homeserver has of the bot's."""

    master: Mapping[str, Any]
    self_signing: Mapping[str, Any]
    device: Mapping[str, Any]

    @classmethod
    def of(cls, answer: Mapping[str, Any], user: str, device: str) -> Published:
        """From the answer to ``/keys/query``."""
        return cls(
            as_dict(as_dict(answer.get("master_keys")).get(user)),
            as_dict(as_dict(answer.get("self_signing_keys")).get(user)),
            as_dict(as_dict(as_dict(answer.get("device_keys")).get(user)).get(device)),
        )

    def trust(self, keys: SigningKeys | None, user: str) -> Trust:
        """How it fits to the keys in the folder."""
        if not self.master:
            return Trust.none
        if keys is None or keys.master.public not in as_dict(self.master.get("keys")).values():
            return Trust.lost
        chained = keys.self_signing.public in as_dict(self.self_signing.get("keys")).values()
        if not chained or not verified(self.device, user, keys.self_signing.public):
            return Trust.unsigned
        return Trust.signed


class CrossSigning:
    """Sees to it that the device is signed, at each start."""

    def __init__(self, client: MatrixClient, keystore: Keystore) -> None:
        """Nothing is looked at yet."""
        self._client = client
        self._keystore = keystore
        self.trust = Trust.unknown

    async def ensure(self, machine: Machine, answer: Mapping[str, Any]) -> None:
        """Publish what the ``answer`` to ``/keys/query`` lacks; raises a ``HomeserverError`` that passes.

        Without those keys the bot works as well: what does not pass is said, and that is all.
        """
        try:
            self.trust = await self._ensured(machine, Published.of(answer, self._client.user, machine.device_id))
        except HomeserverError as error:
            # The question for a person's consent comes as a 401 without a code: our token is not meant.
            if error.passes and not (isinstance(error, TokenRefused) and error.errcode == "M_UNKNOWN"):
                raise
            self.trust = Trust.refused
            log.warning(SAYS[Trust.refused][0], error=str(error), todo=SAYS[Trust.refused][1])

    async def _ensured(self, machine: Machine, published: Published) -> Trust:
        user = self._client.user
        keys = stored(self._keystore)
        trust = published.trust(keys, user)
        reset = self._keystore.folder / RESET
        if trust is Trust.lost and not reset.exists():
            log.error(SAYS[trust][0], todo=SAYS[trust][1])
            return trust
        if trust is Trust.lost:
            log.warning("new cross-signing keys are made, as a file in the folder of keys asks for")
            keys, trust = None, Trust.none
        if trust is Trust.none:
            if keys is None:
                keys = SigningKeys.new()
                # First kept: keys that others were shown must be ours whenever the process ends.
                self._keystore.seal(FILE, orjson.dumps(keys.seeds()))
            await self._client.upload_signing_keys(keys.documents(user, machine))
            reset.unlink(missing_ok=True)
        assert keys is not None
        await self._sign(machine, keys, published)
        return Trust.signed

    async def _sign(self, machine: Machine, keys: SigningKeys, published: Published) -> None:
        """Publish the signatures that are missing: of the device by us, and of the master key by the device."""
        user, device = self._client.user, machine.device_id
        wanted: dict[str, Any] = {}
        if not verified(published.device, user, keys.self_signing.public):
            document = {key: entry for key, entry in published.device.items() if key not in ("signatures", "unsigned")}
            ours = as_dict(document.get("keys")) == {
                f"curve25519:{device}": machine.curve25519,
                f"ed25519:{device}": machine.ed25519,
            }
            if not ours:
                raise _Foreign(f"the homeserver has other keys of the device {device} than the folder")
            signature = keys.self_signing.sign(document)
            wanted[device] = document | {"signatures": {user: {f"ed25519:{keys.self_signing.public}": signature}}}
        if not is_signed(published.master, user, device, machine.ed25519):
            wanted[keys.master.public] = keys.signed_master(user, machine)
        if not wanted:
            return
        answer = await self._client.upload_signatures({user: wanted})
        if failures := as_dict(answer.get("failures")).get(user):
            raise _Foreign(f"signatures were not accepted: {sorted(as_dict(failures))}")
        log.info("the device is cross-signed", device=device)


class _Foreign(HomeserverError):
    """What the homeserver has does not fit; trying again does not help."""
