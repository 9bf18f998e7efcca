"""docker-compose.yml: it parses, holds together, mounts what exists, and keeps secrets out."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
KEYS_OF_A_SERVICE = {
    "build",
    "cap_drop",
    "command",
    "depends_on",
    "entrypoint",
    "environment",
    "healthcheck",
    "image",
    "ports",
    "read_only",
    "restart",
    "security_opt",
    "tmpfs",
    "volumes",
}
CONDITIONS = {"service_started", "service_healthy", "service_completed_successfully"}


@pytest.fixture
def compose() -> dict[str, Any]:
    loaded = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    assert isinstance(loaded, dict)
    return loaded


def test_it_has_the_shape_that_the_compose_specification_gives(compose: dict[str, Any]) -> None:
    assert set(compose) == {"services", "volumes"}
    for name, service in compose["services"].items():
        assert set(service) <= KEYS_OF_A_SERVICE, name
        assert "image" in service, name
        assert service["restart"] in ("no", "unless-stopped"), name
        assert all(isinstance(value, str) for value in service.get("environment", {}).values()), name


def test_services_wait_for_what_can_be_waited_for(compose: dict[str, Any]) -> None:
    services = compose["services"]
    for name, service in services.items():
        for other, how in service.get("depends_on", {}).items():
            assert other in services, f"{name} waits for {other}, which is no service"
            assert how["condition"] in CONDITIONS
            if how["condition"] == "service_healthy":
                assert "healthcheck" in services[other] or services[other].get("image") == "esnbot:local"


def test_every_path_that_is_mounted_exists(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        for mount in service.get("volumes", []):
            source, target, *_ = mount.split(":")
            assert target.startswith("/"), f"{name}: {mount}"
            if source.startswith("."):
                assert (ROOT / source).exists(), f"{name}: {source} is mounted and does not exist"
            else:
                assert source in compose["volumes"], f"{name}: {source} is no declared volume"


def test_every_declared_volume_is_used(compose: dict[str, Any]) -> None:
    used = {mount.split(":")[0] for service in compose["services"].values() for mount in service.get("volumes", [])}
    assert set(compose["volumes"]) <= used


def test_ports_are_published_on_this_machine_only_unless_said_otherwise(compose: dict[str, Any]) -> None:
    for service in compose["services"].values():
        for port in service.get("ports", []):
            assert re.fullmatch(r"\$\{\w+_LISTEN:-127\.0\.0\.1:\d+\}:\d+", port), port


def test_every_variable_is_in_the_example_and_no_password_has_a_value() -> None:
    example = dict(
        line.split("=", 1)
        for line in (ROOT / ".env.example").read_text().splitlines()
        if line and not line.startswith("#")
    )
    asked = set(re.findall(r"\$\{(\w+)", (ROOT / "docker-compose.yml").read_text()))
    assert asked == set(example)
    assert all(value == "" for name, value in example.items() if "PASSWORD" in name)


def test_passwords_come_from_the_environment_and_are_asked_for(compose: dict[str, Any]) -> None:
    for service in compose["services"].values():
        for name, value in service.get("environment", {}).items():
            if "PASSWORD" in name or "DATABASE" in name:
                assert re.search(r"\$\{\w+:\?", value), f"{name} may be empty or stands in the file"


def test_the_names_agree_wherever_they_are_written() -> None:
    community = yaml.safe_load((ROOT / "config/docker/community.yaml").read_text())
    element = json.loads((ROOT / "config/docker/element/config.json").read_text())
    shown = element["default_server_config"]["m.homeserver"]
    assert shown["server_name"] == community["homeserver"]["server_name"]
    assert f"SYNAPSE_PUBLIC_URL={shown['base_url']}\n" in (ROOT / ".env.example").read_text()


def test_docker_compose_accepts_it_where_there_is_one(tmp_path: Path) -> None:
    environment = tmp_path / "env"
    environment.write_text(re.sub(r"PASSWORD=$", "PASSWORD=abc", (ROOT / ".env.example").read_text(), flags=re.M))
    for command in _compose_commands():
        done = subprocess.run(
            [*command, "--env-file", str(environment), "config"], cwd=ROOT, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr
        assert set(yaml.safe_load(done.stdout)["services"]) == {"postgres", "prepare", "synapse", "esnbot", "element"}


def _compose_commands() -> list[list[str]]:
    """The ways to call docker-compose on this machine; none is needed for the other tests."""
    found = []
    if shutil.which("docker-compose"):
        found.append(["docker-compose"])
    if (
        shutil.which("docker")
        and subprocess.run(["docker", "compose", "version"], capture_output=True, timeout=60).returncode == 0
    ):
        found.append(["docker", "compose"])
    return found
