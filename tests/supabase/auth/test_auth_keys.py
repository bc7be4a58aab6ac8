"""The signing keys on disk."""

import json
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from vently.supabase.auth.keys import Keys, KeysUnusableError


def test_keys_are_made_once_and_kept_private(tmp_path: Path):
    folder = tmp_path / "data" / "keys"
    first = Keys.load(folder)
    assert Keys.load(folder).public == first.public
    assert stat.S_IMODE((folder / "signing.json").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert [path.name for path in folder.iterdir()] == ["signing.json"]


def test_the_published_set_has_no_secret(tmp_path: Path):
    keys = Keys.load(tmp_path)
    secret = json.loads((tmp_path / "signing.json").read_text())["keys"][0]["d"]
    assert secret not in json.dumps(keys.public)
    assert all(not key.is_private for key in keys.by_id.values())


def test_many_processes_that_start_at_once_agree_on_the_key(tmp_path: Path):
    code = f"""
from pathlib import Path
from vently.supabase.auth.keys import Keys
print(Keys.load(Path({str(tmp_path / "keys")!r})).signing.kid)
"""
    started = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(6)]
    kids = {process.communicate()[0] for process in started}
    assert [process.returncode for process in started] == [0] * 6
    assert len(kids) == 1


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"keys": []}', '{"keys": [{"kty": "oct", "k": "AA"}]}', '{"keys": [{"kty": "EC"}]}', "\0"]
)
def test_a_damaged_file_is_a_clear_error_and_is_left_alone(tmp_path: Path, text: str):
    path = tmp_path / "signing.json"
    path.write_text(text)
    with pytest.raises(KeysUnusableError, match="put the file back from a backup"):
        Keys.load(tmp_path)
    assert path.read_text() == text


def test_a_folder_that_cannot_be_is_a_clear_error(tmp_path: Path):
    (tmp_path / "keys").write_text("a file, no folder")
    with pytest.raises(KeysUnusableError, match="let the user who runs Vently write there"):
        Keys.load(tmp_path / "keys")
