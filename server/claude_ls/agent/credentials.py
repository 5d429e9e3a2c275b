"""Whether there is something to authenticate with, told in microseconds and without the client library.

It mirrors the order in which the library looks (``anthropic.lib.credentials._chain`` of 2.12.0): a key, a token, a
named profile, workload identity, the active profile on disk. Menus ask this each time they open; the library takes
seconds to import and only finds out when a request is sent.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

CREDENTIALS = (
    "ANTHROPIC_API_KEY",
    "ANTHROPIC_AUTH_TOKEN",
    "ANTHROPIC_PROFILE",
    "ANTHROPIC_IDENTITY_TOKEN",
    "ANTHROPIC_IDENTITY_TOKEN_FILE",
)
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_SECRETS = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_IDENTITY_TOKEN", "ANTHROPIC_CUSTOM_HEADERS")
_LONGEST_NAME = 256


def has_credentials(environ: Mapping[str, str], endpoint: str | None = None) -> bool:
    """Whether a request could be authenticated, or need not be."""
    return bool(credential_source(environ)) or needs_no_key(endpoint or environ.get("ANTHROPIC_BASE_URL"))


def credential_source(environ: Mapping[str, str]) -> str:
    """Where the credential comes from, in words without its value; empty where there is none."""
    for name in ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"):
        if environ.get(name):
            return name
    custom = environ.get("ANTHROPIC_CUSTOM_HEADERS", "")
    if any(line.partition(":")[0].strip().lower() in ("authorization", "x-api-key") for line in custom.splitlines()):
        return "ANTHROPIC_CUSTOM_HEADERS"
    if environ.get("ANTHROPIC_PROFILE"):
        return "ANTHROPIC_PROFILE"
    federated = environ.get("ANTHROPIC_FEDERATION_RULE_ID") and environ.get("ANTHROPIC_ORGANIZATION_ID")
    for name in ("ANTHROPIC_IDENTITY_TOKEN_FILE", "ANTHROPIC_IDENTITY_TOKEN"):
        if federated and environ.get(name):
            return name
    profile = _active_profile(environ)
    return f"the profile {profile.stem!r}" if profile else ""


def needs_no_key(base_url: str | None) -> bool:
    """Whether requests go to somebody's own server, where having no key may be all right: it says so if it is not."""
    host = _host(base_url)
    return bool(host) and host != "anthropic.com" and not host.endswith(".anthropic.com")


def is_loopback(base_url: str | None) -> bool:
    return _host(base_url) in LOOPBACK


def without_secrets(text: str, environ: Mapping[str, str]) -> str:
    """`text` without any credential, for services and libraries that quote what they were sent."""
    for name in _SECRETS:
        for secret in environ.get(name, "").split():
            if len(secret) >= 8:
                text = text.replace(secret, "…")
    return text


def _host(base_url: str | None) -> str:
    try:
        return (urlsplit(base_url).hostname or "") if base_url else ""
    except ValueError:
        return ""


def _active_profile(environ: Mapping[str, str]) -> Path | None:
    try:
        folder = _config_folder(environ)
        name = ""
        pointer = folder / "active_config"
        if pointer.is_file():
            with pointer.open(encoding="utf-8") as file:
                name = file.read(_LONGEST_NAME).strip()
        name = name or "default"
        if name.startswith(".") or "/" in name or "\\" in name:
            return None
        profile = folder / "configs" / f"{name}.json"
        return profile if profile.is_file() else None
    except (OSError, ValueError, RuntimeError):
        return None


def _config_folder(environ: Mapping[str, str]) -> Path:
    if chosen := environ.get("ANTHROPIC_CONFIG_DIR"):
        return Path(chosen)
    if os.name == "nt":
        return Path(environ.get("APPDATA") or Path.home() / "AppData" / "Roaming") / "Anthropic"
    return Path(environ.get("HOME") or Path.home()) / ".config" / "anthropic"
