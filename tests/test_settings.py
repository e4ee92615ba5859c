"""Settings: where a value comes from."""

from __future__ import annotations

from pathlib import Path

import pytest

from service.settings import Settings


def test_a_secret_can_be_a_file_named_as_its_variable(tmp_path: Path) -> None:
    """As Docker and Kubernetes mount them, nested names included; the line end is not part of it."""
    (tmp_path / "debrief_database__url").write_text("postgresql://from-a-file/debrief\n")
    (tmp_path / "debrief_secret").write_text("s" * 40 + "\n")

    settings = Settings(_secrets_dir=tmp_path)

    assert settings.database.url == "postgresql://from-a-file/debrief"
    assert settings.secret is not None
    assert settings.secret.get_secret_value() == "s" * 40


def test_the_environment_goes_before_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that one process can be told otherwise."""
    (tmp_path / "debrief_model").write_text("openai/from-a-file")
    monkeypatch.setenv("DEBRIEF_MODEL", "scripted/echo")

    assert Settings(_secrets_dir=tmp_path).model == "scripted/echo"


def test_without_a_folder_of_secrets_nothing_is_missed(tmp_path: Path) -> None:
    """A laptop has none."""
    assert Settings(_secrets_dir=tmp_path / "none").port == Settings.model_fields["port"].default
