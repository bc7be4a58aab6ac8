"""`vently work`: begins beside a node or by itself, and ends in good order."""

import signal
from pathlib import Path

import pytest
from terminal import Terminal, eventually


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_it_works_until_it_is_told_to_end(resting: Terminal, number: signal.Signals) -> None:
    before = signal.signal(number, signal.default_int_handler)  # what we ignore, it would: as `nohup` has it
    try:
        process = resting.starts("work")
    finally:
        signal.signal(number, before)
    eventually(lambda: process.poll() is not None or "Vently works" in (resting.folder / "out").read_text())
    assert process.poll() is None, (resting.folder / "log").read_text()
    process.send_signal(number)
    assert process.wait(30) == 0
    assert (resting.folder / "log").read_text() == ""
    assert resting.processes == []


def test_a_folder_without_a_vently_is_refused(tmp_path: Path) -> None:
    done = Terminal(tmp_path).types("work")
    assert done.returncode == 1
    assert done.stderr.startswith("vently: There is no Vently in ")


def test_a_switch_that_is_neither_on_nor_off_is_refused(resting: Terminal) -> None:
    done = resting.types("work", VENTLY_WORKER="perhaps")
    assert done.returncode == 1
    assert "VENTLY_WORKER is not usable" in done.stderr
