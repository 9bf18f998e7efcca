"""A small certificate authority, so that homeservers on one machine can federate over TLS."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from esnbot.homeserver.files import private_dir, write_private

# Fixed, so that no clock is needed: these certificates guard nothing but the loopback interface.
_NOT_BEFORE = datetime(2020, 1, 1, tzinfo=UTC)
_LIFETIME = timedelta(days=365 * 60)


@dataclass(frozen=True, slots=True)
class Certificate:
    """A server's certificate and its key, as PEM files."""

    certificate: Path
    key: Path


class CertificateAuthority:
    """Signs certificates for hosts and IP addresses; lives in one folder and is the same again on the next start."""

    def __init__(self, folder: Path) -> None:
        """Open the authority in this folder, or make it."""
        self._folder = private_dir(folder)
        self.certificate_file = folder / "authority.pem"
        key_file = folder / "authority.key"
        if not (self.certificate_file.exists() and key_file.exists()):
            key = ec.generate_private_key(ec.SECP256R1())
            name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "esnbot authority for one machine")])
            certificate = (
                _builder(name, name, key.public_key())
                .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
                .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
                .sign(key, hashes.SHA256())
            )
            write_private(key_file, _key_pem(key))
            write_private(self.certificate_file, certificate.public_bytes(serialization.Encoding.PEM))
        loaded = serialization.load_pem_private_key(key_file.read_bytes(), password=None)
        if not isinstance(loaded, ec.EllipticCurvePrivateKey):
            raise ValueError(f"{key_file} holds no elliptic-curve key; remove the folder {folder} to make a new one.")
        self._key = loaded
        self._certificate = x509.load_pem_x509_certificate(self.certificate_file.read_bytes())

    def issue(self, host: str) -> Certificate:
        """A certificate for a host name or an IP address; the one that exists already, if any."""
        name = host.replace(":", "_")
        files = Certificate(self._folder / f"{name}.pem", self._folder / f"{name}.key")
        if files.certificate.exists() and files.key.exists():
            return files
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = (
            _builder(
                x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)]),
                self._certificate.subject,
                key.public_key(),
            )
            .add_extension(x509.SubjectAlternativeName([_general_name(host)]), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        write_private(files.key, _key_pem(key))
        write_private(files.certificate, certificate.public_bytes(serialization.Encoding.PEM))
        return files


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(_NOT_BEFORE)
        .not_valid_after(_NOT_BEFORE + _LIFETIME)
    )


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
