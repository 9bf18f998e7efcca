"""The configuration that the repository carries, pointed at the homeserver of a benchmark."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import yaml

from benchmarks.kit.programs import ROOT
from benchmarks.kit.setup import Setup
from esnbot.homeserver import free_port


def write_config(told: Setup, folder: Path) -> Path:
    """A copy of ``config/`` whose homeserver, database and ports are the benchmark's."""
    copy = folder / "config"
    if not copy.exists():
        shutil.copytree(ROOT / "config", copy)
    path = copy / "community.yaml"
    config: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    config["homeserver"] = {
        "url": told.homeserver,
        "server_name": told.server_name,
        "appservice_id": told.service or "esnbot",
        "bot": told.localpart,
        "appservice_listen": f"127.0.0.1:{told.port}",
    }
    config["database"] = f"sqlite+aiosqlite:///{folder / 'esnbot.db'}"
    config["encryption"] = {"store": str(folder / "encryption")}
    config["web"] = {"listen": f"127.0.0.1:{free_port()}"}
    path.write_text(yaml.safe_dump(config, allow_unicode=True, sort_keys=False), encoding="utf-8")
    return path


def tokens(told: Setup) -> dict[str, str]:
    """The environment with the secrets."""
    return {"ESNBOT_AS_TOKEN": told.as_token, "ESNBOT_HS_TOKEN": told.hs_token}
