"""A test that lacks a program says what to install; in CI, where everything is there, that is a failure."""

import programs
import pytest


@pytest.fixture(autouse=True)
def _nothing_may_be_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "_may_install", lambda: False)


def test_a_missing_program_skips_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="needs harpsichord: install it with `apt-get install keyboards`"):
        programs.needs_program("harpsichord", "keyboards")


def test_a_missing_program_fails_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="needs /nowhere/file"):
        programs.needs_debian_file("/nowhere/file", "nowhere")


def test_a_program_that_is_there_is_found() -> None:
    assert programs.needs_program("sh", "dash").endswith("/sh")
