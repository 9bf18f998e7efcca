"""The encrypted device: its folder on this machine, and how clients see it."""

from __future__ import annotations

import stat
from typing import Final

from esnbot.cli.checkup.finding import Findings
from esnbot.cli.checkup.probe import Answer, Probe
from esnbot.matrix.crosssigning import SAYS, Published, SigningKeys, Trust, stored
from esnbot.matrix.keystore import KeysError, Keystore
from esnbot.settings import Homeserver, Settings

CHECK: Final = "encryption"
FOLDER: Final = "keys"
_SHIELD: Final = "Element shows a shield beside what the bot says in encrypted rooms; everything else works."


def folder(settings: Settings, findings: Findings) -> SigningKeys | None:
    """Look at the folder of keys, and return the cross-signing keys in it, if any."""
    if settings.encryption is None:
        return None
    keystore = Keystore(settings.encryption, settings.encryption_key)
    why = "Without these keys the bot reads nothing that is encrypted."
    try:
        if not settings.encryption.exists():
            findings.ok(FOLDER, f"The folder of keys '{settings.encryption}' is made at the first start.")
            return None
        open_to_others = settings.encryption.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)
        keys = stored(keystore)
    except KeysError as error:
        findings.failed(FOLDER, str(error), why, error.hint)
        return None
    except OSError as error:
        what = f"The folder of keys '{settings.encryption}' cannot be read ({error.strerror})."
        findings.failed(FOLDER, what, why, "Look as the bot's own user, or let it read there.")
        return None
    if open_to_others:
        what = f"Others on this machine can look into '{settings.encryption}'."
        findings.warning(
            FOLDER, what, "Whoever has the keys reads what is encrypted.", f"chmod 700 '{settings.encryption}'"
        )
    else:
        findings.ok(FOLDER, f"The keys in '{settings.encryption}' are for their owner alone. Back the folder up.")
    return keys


async def signed(server: Homeserver, keys: SigningKeys | None, probe: Probe, findings: Findings) -> None:
    """Whether clients can trust the device."""
    answer = await probe.ask(
        "/_matrix/client/v3/keys/query",
        method="POST",
        query={"user_id": server.bot},
        content={"device_keys": {server.bot: []}},
    )
    if not isinstance(answer, Answer):
        findings.skipped(CHECK, answer.what)
        return
    # An account that is not made yet has no keys either.
    published = Published.of((answer.json or {}) if answer.status == 200 else {}, server.bot, server.device_id)
    trust = published.trust(keys, server.bot)
    if trust is Trust.signed:
        findings.ok(CHECK, "The bot's device is cross-signed: clients show no warning.")
    elif trust is Trust.lost:
        what, todo = SAYS[trust]
        findings.warning(CHECK, what, _SHIELD, todo)
    elif not published.device:
        findings.note(CHECK, "The encrypted device has no keys yet.", "", "The first start of 'esnbot run' makes them.")
    elif keys is not None and trust is Trust.none:
        what, todo = SAYS[Trust.refused]
        findings.warning(CHECK, what, _SHIELD, todo)
    else:
        what = "The bot's device is not cross-signed."
        findings.warning(
            CHECK, what, _SHIELD, "Start 'esnbot run', which signs it; its log says what stands against it."
        )
