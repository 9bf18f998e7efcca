"""`esnbot init` writes a configuration that works, secrets that only their owner reads, and overwrites nothing."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pty
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from esnbot.homeserver import EmbeddedHomeserver, HomeserverConfig, free_port
from esnbot.settings import load
from tests.cli.calling import Caller
from tests.cli.doctoring import look, trouble


@pytest.fixture
def esnbot(capsys: pytest.CaptureFixture[str]) -> Caller:
    """Calls the command line."""
    return Caller(capsys)


def flags(config: Path, **more: str) -> list[str]:
    """Flags for a homeserver of one's own."""
    given = {"config": str(config), "url": "https://matrix.lake.example", "server-name": "lake.example", **more}
    return [word for name, value in given.items() for word in (f"--{name}", value)]


def everything_in(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_what_it_writes_has_no_mistakes(esnbot: Caller, tmp_path: Path) -> None:
    config = tmp_path / "community.yaml"

    outcome = esnbot("init", *flags(config, name='The "Lake": à nous'))

    assert outcome.code == 0, outcome.err
    settings = load(config, environment={})
    assert settings.community.name == 'The "Lake": à nous'
    assert settings.community.roles.animators == {"@camille:lake.example"}
    assert settings.community.animators_room == "animators"
    assert len(settings.community.prompts) >= 24


@pytest.mark.parametrize("language", ["fr", "en", "de"])
def test_it_speaks_the_first_language_as_far_as_it_can(esnbot: Caller, tmp_path: Path, language: str) -> None:
    config = tmp_path / "community.yaml"

    assert esnbot("init", *flags(config, language=language)).code == 0

    community = load(config, environment={}).community
    assert community.languages == (language,)
    assert community.groups["help"].name == ("Entraide" if language == "fr" else "Help")
    assert bool(community.prompts) is (language != "de")


def test_tokens_are_fresh_private_and_the_same_on_both_sides(esnbot: Caller, tmp_path: Path) -> None:
    tokens = set()
    for name in ("one", "two"):
        assert esnbot("init", *flags(tmp_path / name / "community.yaml")).code == 0
        secrets = tmp_path / name / "secrets"
        registration = yaml.safe_load((secrets / "registration.yaml").read_text())
        assert registration["as_token"] == (secrets / "as_token").read_text().strip()
        assert registration["hs_token"] == (secrets / "hs_token").read_text().strip()
        assert registration["rate_limited"] is False
        assert stat.S_IMODE(secrets.stat().st_mode) == 0o700
        for path in secrets.iterdir():
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert (secrets / ".gitignore").read_text() == "*\n"
        tokens |= {registration["as_token"], registration["hs_token"]}

    assert len(tokens) == 4


def test_the_configuration_holds_no_secret_and_none_is_printed(esnbot: Caller, tmp_path: Path) -> None:
    config = tmp_path / "community.yaml"

    outcome = esnbot("init", *flags(config))

    for name in ("as_token", "hs_token"):
        token = (tmp_path / "secrets" / name).read_text().strip()
        assert token not in config.read_text()
        assert token not in outcome.out + outcome.err


def test_the_snippet_is_what_the_homeserver_reads(esnbot: Caller, tmp_path: Path) -> None:
    config = tmp_path / "community.yaml"

    outcome = esnbot("init", *flags(config))
    again = esnbot("init", "--print", "--config", config)

    snippet = yaml.safe_load(again.out)
    assert snippet["app_service_config_files"] == [str(tmp_path / "secrets" / "registration.yaml")]
    assert again.out in outcome.out


def test_nothing_is_overwritten_without_force(esnbot: Caller, tmp_path: Path) -> None:
    config = tmp_path / "community.yaml"
    esnbot("init", *flags(config))
    before = everything_in(tmp_path)

    refused = esnbot("init", *flags(config, name="Another"))
    after = everything_in(tmp_path)
    forced = esnbot("init", *flags(config, name="Another"), "--force")

    assert (refused.code, before) == (1, after)
    assert "nothing was written" in refused.err
    assert "--force" in refused.err
    assert forced.code == 0
    assert load(config, environment={}).community.name == "Another"


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"url": "matrix.lake.example"}, "did you mean 'https://matrix.lake.example'?"),
        ({"server-name": "https://lake.example"}, "did you mean 'lake.example'?"),
        ({"time-zone": "Paris"}, "did you mean 'Europe/Paris'?"),
        ({"country": "France"}, "did you mean 'FR'?"),
        ({"language": "french"}, "did you mean 'fr'?"),
        ({"animator": "camille"}, "did you mean '@camille'?"),
        ({"listen": "29331"}, "--listen: '29331' is not a host and a port"),
        ({"name": ""}, ""),
    ],
)
def test_a_wrong_answer_is_told_at_once_and_nothing_is_written(
    esnbot: Caller, tmp_path: Path, given: dict[str, str], sentence: str
) -> None:
    outcome = esnbot("init", *flags(tmp_path / "community.yaml", **given))

    assert sentence in outcome.err
    assert outcome.code == (1 if sentence else 0)
    assert bool(everything_in(tmp_path)) is not bool(sentence)


def test_without_a_terminal_what_is_missing_is_named(esnbot: Caller, tmp_path: Path) -> None:
    outcome = esnbot("init", "--config", tmp_path / "community.yaml")

    assert outcome.code == 1
    assert "--url or --embedded is missing" in outcome.err


def test_on_a_terminal_it_asks_a_few_questions(tmp_path: Path) -> None:
    config = tmp_path / "community.yaml"
    answers = ["y", "en fr", "The Lake", "Europe/Berlin", "@rosa", "https://lake.example", "lake.example"]

    said = at_a_terminal(["init", "--config", str(config)], answers)

    settings = load(config, environment={})
    assert settings.community.name == "The Lake"
    assert settings.community.languages == ("en", "fr")
    assert settings.community.roles.animators == {"@rosa:lake.example"}
    assert "Do you have a homeserver already?" in said
    assert f"wrote {config}" in said.replace("\r\n", "\n")


def at_a_terminal(arguments: list[str], answers: list[str]) -> str:
    """What `esnbot` shows on a pseudo-terminal when a person types these answers."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", "import sys; from esnbot.cli import main; sys.exit(main())", *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        close_fds=True,
    )
    os.close(theirs)
    os.write(ours, "".join(f"{answer}\n" for answer in answers).encode())
    said = b""
    with contextlib.suppress(OSError):  # Linux's way to say that the other side has closed
        while part := os.read(ours, 65_536):
            said += part
    os.close(ours)
    assert process.wait() == 0, said.decode()
    return said.decode()


def test_an_embedded_homeserver_needs_no_tokens(esnbot: Caller, tmp_path: Path) -> None:
    config = tmp_path / "community.yaml"

    outcome = esnbot("init", "--embedded", "--config", config)

    assert outcome.code == 0
    assert load(config, environment={}).homeserver.embedded
    assert not (tmp_path / "secrets").exists()
    assert f"esnbot run --config {config}" in outcome.out


def test_a_homeserver_that_is_told_what_init_prints_has_no_trouble(esnbot: Caller, tmp_path: Path) -> None:
    port, service_port = free_port(), free_port()
    config = tmp_path / "community.yaml"
    esnbot(
        "init",
        *flags(
            config,
            url=f"http://127.0.0.1:{port}",
            **{"server-name": "lake.example", "listen": f"127.0.0.1:{service_port}"},
            database=f"sqlite+aiosqlite:///{tmp_path}/esnbot.db",
        ),
    )
    snippet = yaml.safe_load(esnbot("init", "--print", "--config", config).out)
    server = EmbeddedHomeserver(
        HomeserverConfig(
            data_dir=tmp_path / "synapse",
            server_name="lake.example",
            client_port=port,
            registrations=tuple(Path(path) for path in snippet.pop("app_service_config_files")),
            publish_rooms=False,
            extra=snippet,
        )
    )

    async def examined() -> list[str]:
        await server.start()
        try:
            return [finding.what for finding in trouble(await look(config))]
        finally:
            await server.stop()

    assert asyncio.run(examined()) == []
