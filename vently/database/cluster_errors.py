"""What can go wrong around the embedded Postgres, said in one sentence that tells how to mend it."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

_MENDING = {
    errno.EACCES: "Vently may not use {path}: give it to the user who runs Vently, or choose another data folder",
    errno.EPERM: "Vently may not change {path}: give it to the user who runs Vently, or choose another data folder",
    errno.ENOSPC: "no space is left on the disk that holds {path}: make room there and start again",
    errno.EDQUOT: "the disk quota for {path} is used up: make room there and start again",
    errno.EROFS: "the disk that holds {path} is read-only: choose another data folder, or mount it for writing",
    errno.ENOTDIR: "{path} is not a folder: choose another data folder",
    errno.EEXIST: "{path} is in the way of a folder of that name: move it, or choose another data folder",
    errno.ENOLCK: "the disk that holds {path} cannot lock files: choose a data folder on a local disk",
    errno.ELOOP: "{path} is a symbolic link where Vently needs a plain file: remove the link",
}


class EmbeddedError(Exception):
    """The embedded Postgres cannot run; the message says how to mend that."""


@contextmanager
def in_plain_words(path: object) -> Iterator[None]:
    """Turn what the operating system refuses into an `EmbeddedError`; `path` stands in where it names no file."""
    try:
        yield
    except OSError as refused:
        sentence = _MENDING.get(refused.errno or 0, "the system refuses {path} ({reason}): mend that and start again")
        raise EmbeddedError(sentence.format(path=refused.filename or path, reason=refused.strerror)) from refused
