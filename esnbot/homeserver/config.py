"""How the embedded homeserver is set up: our few choices, and Synapse's configuration made from them."""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from esnbot.homeserver.files import kept_secret, private_dir, write_private

_UNLIMITED = {"per_second": 100_000, "burst_count": 100_000}


@dataclass(frozen=True, slots=True)
class FederationListener:
    """Where other homeservers reach this one, over TLS."""

    address: str
    port: int
    certificate: Path
    key: Path
    authority: Path
    """The certificate of the authority that signs those of the partner servers."""


@dataclass(frozen=True, slots=True)
class HomeserverConfig:
    """What one embedded homeserver is. ``data_dir`` holds everything that it writes."""

    data_dir: Path
    server_name: str
    client_port: int
    bind_address: str = "127.0.0.1"
    registrations: tuple[Path, ...] = ()
    """Registration files of application services."""
    federation: FederationListener | None = None
    rate_limits: bool = True
    publish_rooms: bool = True
    """Whether local users and services may list rooms in the directory (Synapse refuses it unless told)."""
    default_room_version: str | None = None
    bcrypt_rounds: int = 12
    extra: dict[str, Any] = field(default_factory=dict)
    """Synapse settings that replace ours, for a test that needs a special server."""

    @property
    def client_url(self) -> str:
        """The base URL for clients."""
        host = f"[{self.bind_address}]" if ":" in self.bind_address else self.bind_address
        return f"http://{host}:{self.client_port}"

    @property
    def config_file(self) -> Path:
        """Synapse's own configuration, written anew at each start."""
        return self.data_dir / "homeserver.yaml"

    @property
    def log_file(self) -> Path:
        """Warnings and errors of Synapse."""
        return self.data_dir / "homeserver.log"

    @property
    def output_file(self) -> Path:
        """What the process printed: why it could not start stands here."""
        return self.data_dir / "homeserver.out"

    @property
    def shared_secret_file(self) -> Path:
        """The secret with which accounts are made."""
        return self.data_dir / "secrets" / "registration_shared_secret"


def write_synapse_files(config: HomeserverConfig) -> None:
    """Write everything that Synapse reads at its start; keys and secrets are made once and kept."""
    private_dir(config.data_dir)
    folder = private_dir(config.data_dir / "secrets")
    for name in ("registration_shared_secret", "macaroon_secret_key", "form_secret"):
        kept_secret(folder / name)
    signing_key = folder / "signing.key"
    if not signing_key.exists():
        seed = base64.b64encode(secrets.token_bytes(32)).decode().rstrip("=")
        write_private(signing_key, f"ed25519 a_{secrets.token_hex(2)} {seed}\n")
    write_private(config.data_dir / "log.yaml", yaml.safe_dump(_logging(config)))
    write_private(config.config_file, yaml.safe_dump(synapse_settings(config), sort_keys=False))


def _logging(config: HomeserverConfig) -> dict[str, Any]:
    return {
        "version": 1,
        "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
        "handlers": {
            "file": {
                "class": "logging.handlers.RotatingFileHandler",
                "formatter": "line",
                "filename": str(config.log_file),
                "maxBytes": 5_000_000,
                "backupCount": 1,
                "encoding": "utf8",
            }
        },
        "root": {"level": "WARNING", "handlers": ["file"]},
        "disable_existing_loggers": False,
    }


def synapse_settings(config: HomeserverConfig) -> dict[str, Any]:
    """Synapse's settings for a small, quiet server on SQLite."""
    folder = config.data_dir / "secrets"
    settings: dict[str, Any] = {
        "server_name": config.server_name,
        "public_baseurl": f"{config.client_url}/",
        "listeners": _listeners(config),
        "database": {"name": "sqlite3", "args": {"database": str(config.data_dir / "homeserver.db")}},
        "log_config": str(config.data_dir / "log.yaml"),
        "pid_file": str(config.data_dir / "homeserver.pid"),
        "media_store_path": str(config.data_dir / "media"),
        "signing_key_path": str(folder / "signing.key"),
        "registration_shared_secret_path": str(folder / "registration_shared_secret"),
        "macaroon_secret_key_path": str(folder / "macaroon_secret_key"),
        "form_secret_path": str(folder / "form_secret"),
        "app_service_config_files": [str(path) for path in config.registrations],
        "report_stats": False,
        "enable_metrics": False,
        "url_preview_enabled": False,
        "presence": {"enabled": False},
        "enable_registration": False,
        "enable_room_list_search": True,
        "retention": {"enabled": True},
        "bcrypt_rounds": config.bcrypt_rounds,
        "trusted_key_servers": [],
        "suppress_key_server_warning": True,
        "user_directory": {"enabled": True, "search_all_users": True},
        "encryption_enabled_by_default_for_room_type": "off",
        "caches": {"global_factor": 0.5},
        # Everybody comes from one address here: Synapse's five log-ins an address and then one every five minutes
        # would lock people out who only try several accounts. Wrong passwords stay slow.
        "rc_login": {
            "address": {"per_second": 1.0, "burst_count": 30},
            "account": {"per_second": 0.2, "burst_count": 10},
            "failed_attempts": {"per_second": 0.2, "burst_count": 5},
        },
    }
    if config.publish_rooms:
        settings["room_list_publication_rules"] = [{"user_id": "*", "alias": "*", "room_id": "*", "action": "allow"}]
    if config.default_room_version is not None:
        settings["default_room_version"] = config.default_room_version
    if not config.rate_limits:
        settings.update(_no_rate_limits())
    settings.update(_federation(config.federation))
    settings.update(config.extra)
    return settings


def _listeners(config: HomeserverConfig) -> list[dict[str, Any]]:
    listeners: list[dict[str, Any]] = [
        {
            "port": config.client_port,
            "type": "http",
            "bind_addresses": [config.bind_address],
            "x_forwarded": False,
            "resources": [{"names": ["client", "openid"], "compress": False}],
        }
    ]
    if config.federation is not None:
        listeners.append(
            {
                "port": config.federation.port,
                "type": "http",
                "tls": True,
                "bind_addresses": [config.federation.address],
                "resources": [{"names": ["federation"], "compress": False}],
            }
        )
    return listeners


def _federation(listener: FederationListener | None) -> dict[str, Any]:
    if listener is None:
        return {"federation_domain_whitelist": []}
    return {
        "tls_certificate_path": str(listener.certificate),
        "tls_private_key_path": str(listener.key),
        "federation_custom_ca_list": [str(listener.authority)],
        "allow_ip_literals": True,
        # The partner lives on this machine: private addresses are what federation is for here.
        "ip_range_blacklist": [],
        "federation_ip_range_blacklist": [],
        # A partner that was restarted is tried again at once, not after ten minutes (milliseconds).
        "federation": {
            "destination_min_retry_interval": 500,
            "destination_max_retry_interval": 2000,
            "destination_retry_multiplier": 1,
            "max_short_retry_delay": 500,
            "max_long_retry_delay": 2000,
        },
    }


def _no_rate_limits() -> dict[str, Any]:
    plain = (
        "rc_message",
        "rc_registration",
        "rc_registration_token_validity",
        "rc_admin_redaction",
        "rc_joins_per_room",
        "rc_3pid_validation",
        "rc_third_party_invite",
        "rc_profile",
        "rc_media_create",
        "rc_key_requests",
        "rc_room_creation",
        "rc_reports",
        "rc_delayed_event_mgmt",
        "rc_user_directory",
    )
    return {
        **{name: dict(_UNLIMITED) for name in plain},
        "rc_login": {key: dict(_UNLIMITED) for key in ("address", "account", "failed_attempts")},
        "rc_joins": {key: dict(_UNLIMITED) for key in ("local", "remote")},
        "rc_invites": {key: dict(_UNLIMITED) for key in ("per_room", "per_user", "per_issuer")},
        "rc_federation": {
            "window_size": 1000,
            "sleep_limit": 100_000,
            "sleep_delay": 1,
            "reject_limit": 100_000,
            "concurrent": 100,
        },
    }
