"""Secrets of the installation: made once, kept from others, one key for each purpose."""

import stat
from concurrent.futures import ThreadPoolExecutor

from vently.web import signing


def test_the_master_key_is_made_once_and_for_its_owner_alone(tmp_path):
    first, again = signing.load("", tmp_path), signing.load("", tmp_path)
    assert first.key("cursor") == again.key("cursor")
    file = tmp_path / "keys" / "web.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in file.parent.iterdir()] == ["web.json"]


def test_workers_that_start_at_once_share_one_key(tmp_path):
    with ThreadPoolExecutor(16) as pool:
        keys = {signer.key("x") for signer in pool.map(lambda _: signing.load("", tmp_path), range(32))}
    assert len(keys) == 1


def test_nodes_with_the_same_secret_agree_and_others_do_not(tmp_path):
    one, two = signing.load("secret", tmp_path / "a"), signing.load("secret", tmp_path / "b")
    assert one.key("cursor") == two.key("cursor")
    assert one.key("cursor") != one.key("csrf")
    assert one.key("cursor") != signing.load("other", tmp_path).key("cursor")


def test_text_that_was_not_written_here_is_not_read():
    assert signing.decode(signing.encode(b"abc")) == b"abc"
    assert [signing.decode(text) for text in ("YW==", "Y", "YWJj\n", "ä", "YWK")] == [None] * 5
