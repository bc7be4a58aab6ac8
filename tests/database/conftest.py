"""A scratch server for the tests of migrations."""

from collections.abc import Iterator

import pytest
from scratch import Scratch, scratch_server


@pytest.fixture(scope="session")
def scratch() -> Iterator[Scratch]:
    with scratch_server() as server:
        yield server
