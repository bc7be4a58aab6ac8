"""How a command ends: what went wrong as one sentence on standard error, and signals that leave nothing behind."""

import os
import signal
import sys
from types import FrameType

from cyclopts import App, CycloptsError

from vently.refusals import Refusal
from vently.settings import SettingsError

WRONG, WRONG_CALL = 1, 2
BY_SIGNAL = 128
"""Added to a signal's number, as shells do."""


class Told(SystemExit):
    """A signal told us to end: everything on the way out is put away first, the embedded Postgres too."""


def run(app: App) -> None:
    """Run one command and exit: 0, 1 after one sentence, 2 when it was called wrongly, 128 + the signal's number."""
    signal.signal(signal.SIGTERM, _end)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup
        signal.signal(signal.SIGHUP, lambda *_: signal.raise_signal(signal.SIGTERM))
    sys.exit(_run(app))


def _run(app: App) -> int:
    try:
        code = app(sys.argv[1:], exit_on_error=False, print_error=False, result_action="return_value")
        print(end="", flush=True)  # noqa: T201 - what cannot be written is found out here, not after the end
    except CycloptsError as error:
        called = " ".join([*app.name, *(error.command_chain or ())])
        return _say(f"{error} See `{called} --help`.", WRONG_CALL)
    except BrokenPipeError:
        # Who read us has enough, as `head` does. Python would try once more to write the rest.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BY_SIGNAL + signal.SIGPIPE
    except KeyboardInterrupt:
        return BY_SIGNAL + signal.SIGINT
    except Exception as error:
        sentence = _sentence(error)
        if sentence is None:
            raise
        return _say(sentence, WRONG)
    return int(code or 0)


def _end(number: int, _: FrameType | None) -> None:
    raise Told(BY_SIGNAL + number)


def _say(sentence: str, code: int) -> int:
    print(f"vently: {sentence}", file=sys.stderr)  # noqa: T201
    return code


def _sentence(error: Exception) -> str | None:
    """None for a fault of ours, of which the whole traceback is worth having."""
    # Loaded when something is wrong: --help need not wait for them.
    from vently.database.embedded import EmbeddedError
    from vently.database.schema import CannotMigrate
    from vently.supabase.auth.keys.keys import KeysUnusableError

    match error:
        case Refusal():
            return error.detail
        case SettingsError() | EmbeddedError() | CannotMigrate() | KeysUnusableError():
            return str(error)
        case OSError(filename=str(name)):
            return f"{name} cannot be used: {error.strerror}."
        case OSError():
            return f"The system refuses this: {error.strerror or error}."
        case _:
            return None
