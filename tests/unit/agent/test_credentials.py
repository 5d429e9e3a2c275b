"""Whether there is a key is known at once, and agrees with what the client library would find."""

from __future__ import annotations

from pathlib import Path

import pytest

from claude_ls.agent.credentials import credential_source, has_credentials, needs_no_key, without_secrets

FEDERATED = {"ANTHROPIC_FEDERATION_RULE_ID": "r", "ANTHROPIC_ORGANIZATION_ID": "o"}


@pytest.mark.parametrize(
    ("environ", "source"),
    [
        ({}, ""),
        ({"ANTHROPIC_API_KEY": ""}, ""),
        ({"ANTHROPIC_API_KEY": "k", "ANTHROPIC_AUTH_TOKEN": "t"}, "ANTHROPIC_API_KEY"),
        ({"ANTHROPIC_AUTH_TOKEN": "t"}, "ANTHROPIC_AUTH_TOKEN"),
        ({"ANTHROPIC_PROFILE": "work"}, "ANTHROPIC_PROFILE"),
        ({"ANTHROPIC_IDENTITY_TOKEN": "t"}, ""),
        ({**FEDERATED, "ANTHROPIC_IDENTITY_TOKEN": "t"}, "ANTHROPIC_IDENTITY_TOKEN"),
        ({**FEDERATED, "ANTHROPIC_IDENTITY_TOKEN_FILE": "/f"}, "ANTHROPIC_IDENTITY_TOKEN_FILE"),
        ({"ANTHROPIC_CUSTOM_HEADERS": "X-Team: a\nAuthorization: Bearer b"}, "ANTHROPIC_CUSTOM_HEADERS"),
        ({"ANTHROPIC_CUSTOM_HEADERS": "X-Team: a"}, ""),
    ],
)
def test_source(environ: dict[str, str], source: str, tmp_path: Path) -> None:
    assert credential_source({"HOME": str(tmp_path), **environ}) == source


def test_profiles_on_disk(tmp_path: Path) -> None:
    at_home = {"HOME": str(tmp_path)}
    configs = tmp_path / ".config" / "anthropic" / "configs"
    configs.mkdir(parents=True)
    (configs / "work.json").write_text("{}")
    assert not has_credentials(at_home)  # the active one is `default`, which is missing
    (configs.parent / "active_config").write_text("work\n")
    assert credential_source(at_home) == "the profile 'work'"
    assert has_credentials({"HOME": "/nowhere", "ANTHROPIC_CONFIG_DIR": str(configs.parent)})
    (configs.parent / "active_config").write_text("../configs/work")
    assert not has_credentials(at_home)
    (configs.parent / "active_config").write_bytes(b"\xff\x00")
    assert not has_credentials(at_home)


@pytest.mark.parametrize(
    ("url", "own"),
    [
        (None, False),
        ("", False),
        ("https://api.anthropic.com", False),
        ("https://anthropic.com/", False),
        ("https://api.anthropic.com.evil.example", True),
        ("http://localhost:8080", True),
        ("http://[::1]:1", True),
        ("http://[::1", False),
        ("localhost:8080", False),
    ],
)
def test_ones_own_server(url: str | None, own: bool, tmp_path: Path) -> None:
    assert needs_no_key(url) is own
    assert has_credentials({"HOME": str(tmp_path), "ANTHROPIC_BASE_URL": url or ""}) is own
    assert has_credentials({"HOME": str(tmp_path)}, url) is own


def test_secrets_are_taken_out() -> None:
    environ = {"ANTHROPIC_API_KEY": "sk-12345678\n", "ANTHROPIC_CUSTOM_HEADERS": "Authorization: Bearer tok-abcdefgh"}
    assert without_secrets("a sk-12345678 b tok-abcdefgh c", environ) == "a … b … c"
