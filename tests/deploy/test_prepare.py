"""The service `prepare` and the files that production mounts: Synapse, the bot and PostgreSQL accept them."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from esnbot.matrix.registration import Registration
from esnbot.testing.postgres import Postgres

ROOT = Path(__file__).parents[2]
PUBLIC_URL = "https://matrix.example.org"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A copy of config/, with the container's folders inside the test's own."""
    shutil.copytree(ROOT / "config", tmp_path / "config")
    (tmp_path / "keys").mkdir()
    for path in (tmp_path / "config" / "docker").rglob("*.yaml"):
        content = path.read_text().replace("/keys/", f"{tmp_path}/keys/").replace("/data/", f"{tmp_path}/data/")
        path.write_text(content.replace("/config/log.yaml", f"{tmp_path}/config/docker/synapse/log.yaml"))
    return tmp_path / "config"


def prepare(config: Path, public_url: str = PUBLIC_URL) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "config/docker/prepare.py")],
        env={
            **os.environ,
            "ESNBOT_CONFIG_DIR": str(config / "docker"),
            "ESNBOT_KEYS_DIR": str(config.parent / "keys"),
            "SYNAPSE_PUBLIC_URL": public_url,
        },
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_it_makes_keys_and_tokens_once_for_their_owner_only(config: Path) -> None:
    assert prepare(config).returncode == 0
    keys = {path.name: path.read_text() for path in (config.parent / "keys").iterdir()}
    assert set(keys) == {
        "as_token",
        "form_secret",
        "hs_token",
        "macaroon_secret_key",
        "registration.yaml",
        "registration_shared_secret",
        "server.yaml",
        "signing.key",
    }
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in (config.parent / "keys").iterdir())
    assert prepare(config).returncode == 0
    assert {path.name: path.read_text() for path in (config.parent / "keys").iterdir()} == keys


def test_the_registration_is_that_of_the_declared_bot(config: Path) -> None:
    prepare(config)
    registration = Registration.read(config.parent / "keys" / "registration.yaml", server_name="example.org")
    assert registration.bot_user_id == "@esnbot:example.org"
    assert registration.url == "http://esnbot:29331"
    assert registration.as_token == (config.parent / "keys" / "as_token").read_text()


@pytest.mark.parametrize(
    ("public_url", "words"),
    [("", "SYNAPSE_PUBLIC_URL"), ("https://elsewhere.example", "make them agree")],
)
def test_what_does_not_fit_together_is_said(config: Path, public_url: str, words: str) -> None:
    done = prepare(config, public_url)
    assert done.returncode == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_synapse_accepts_its_two_configuration_files(config: Path) -> None:
    prepare(config)
    (config.parent / "data").mkdir()
    done = subprocess.run(
        [
            *(sys.executable, "-m", "synapse.config", "read", "server.server_name"),
            *("--config-path", str(config / "docker/synapse/homeserver.yaml")),
            *("--config-path", str(config.parent / "keys/server.yaml")),
        ],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "server.server_name: example.org" in done.stdout, done.stdout + done.stderr


def test_the_bot_accepts_its_configuration(config: Path) -> None:
    prepare(config)
    done = subprocess.run(
        [str(Path(sys.executable).with_name("esnbot")), "check", "--config", str(config / "docker/community.yaml")],
        env={**os.environ, "ESNBOT_DATABASE": "postgresql+asyncpg://esnbot:abc@postgres/esnbot"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr


async def test_postgresql_gets_a_database_for_each_with_the_collation_that_synapse_wants(postgres: Postgres) -> None:
    done = subprocess.run(  # noqa: ASYNC221
        ["sh", str(ROOT / "config/docker/postgres/databases.sh")],
        env={
            "PATH": f"{postgres.programs}:{os.environ['PATH']}",
            "PGHOST": str(postgres.socket_dir),
            "POSTGRES_USER": "postgres",
            "SYNAPSE_DATABASE_PASSWORD": "it's",
            "ESNBOT_DATABASE_PASSWORD": "abc",
        },
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    engine = create_async_engine(postgres.url("postgres"))
    async with engine.connect() as connection:
        found = await connection.execute(
            text("SELECT datname, datcollate, datctype FROM pg_database WHERE datname IN ('synapse', 'esnbot')")
        )
        rows = {name: (collate, ctype) for name, collate, ctype in found}
    await engine.dispose()
    await postgres.drop_database("synapse")
    await postgres.drop_database("esnbot")
    assert set(rows) == {"synapse", "esnbot"}
    assert rows["synapse"] == ("C", "C")


def test_synapse_keeps_no_secret_in_its_configuration() -> None:
    settings = yaml.safe_load((ROOT / "config/docker/synapse/homeserver.yaml").read_text())
    assert not {"registration_shared_secret", "macaroon_secret_key", "form_secret", "database"} & set(settings)
