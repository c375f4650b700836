"""Certificates of an authority that exists for one test run, made with the openssl command."""

import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path

NEW_CERTIFICATE = (
    *("req", "-x509", "-days", "2"),
    *("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificates:
    """An authority that a test may trust, and what peers may show."""

    authority: Path
    honest: Path
    """For 127.0.0.1, signed by the authority; certificate and key in one file."""
    misnamed: Path
    """Signed by the authority, for another host."""


def make_certificates(folder: Path) -> Certificates:
    authority, key = folder / "authority.pem", folder / "authority.key"
    _openssl(*NEW_CERTIFICATE, "-keyout", key, "-out", authority, "-subj", "/CN=Test CA")
    return Certificates(
        authority=authority,
        honest=_signed(folder, "honest", "IP:127.0.0.1"),
        misnamed=_signed(folder, "misnamed", "DNS:elsewhere.test"),
    )


def showing(certificate: Path) -> ssl.SSLContext:
    """What a peer needs to listen with a certificate."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    return context


def _signed(folder: Path, name: str, alternative: str) -> Path:
    key, certificate = folder / f"{name}.key", folder / f"{name}.pem"
    _openssl(
        *(*NEW_CERTIFICATE, "-keyout", key, "-out", certificate, "-subj", f"/CN={name}"),
        *("-CA", folder / "authority.pem", "-CAkey", folder / "authority.key"),
        *("-addext", f"subjectAltName={alternative}", "-addext", "basicConstraints=critical,CA:FALSE"),
    )
    certificate.write_bytes(certificate.read_bytes() + key.read_bytes())
    return certificate


def _openssl(*arguments: str | Path) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)
