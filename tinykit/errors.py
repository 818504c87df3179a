"""The exceptions of tinykit.

Everything a user can cause is a `TinykitError`: what happened, where, the values and the limit in
`message`; what to try in `hint`. The CLI prints both and exits with `exit_code`.

::

    TinykitError              1  failed
    ├── BudgetError           1  a hard flash, RAM or MACs budget does not hold
    ├── ModelError            1  a .tflite that is corrupt, not int8, or uses what we cannot compile
    ├── DataError             1  audio or a data set that cannot be used
    ├── ToolError             1  a program we need is missing or failed
    │   └── BuildError        1  the C compiler, the linker or PlatformIO failed
    ├── DeviceError           1  the device or the port misbehaved
    │   └── MismatchError     1  the device computed other bytes than the model
    └── UsageError            2  the command line or a file the user wrote is wrong
        ├── ConfigError       2  tinykit.toml
        └── BoardError        2  boards/<id>.toml or an unknown board
"""

from __future__ import annotations


class TinykitError(Exception):
    """A failure that the user can understand and act on.

    Parameters
    ----------
    message : str
        What happened, where, with the values and the limit.
    hint : str
        What to try next; may be empty.
    """

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class BudgetError(TinykitError):
    """A hard budget (flash, RAM, MACs) does not hold."""


class ModelError(TinykitError):
    """A model file that is corrupt, not fully int8, or uses what the compiler does not support."""


class DataError(TinykitError):
    """Audio or a data set that cannot be used."""


class ToolError(TinykitError):
    """An external program is missing or failed."""


class BuildError(ToolError):
    """Compiling or linking the firmware failed."""


class DeviceError(TinykitError):
    """The device, or the port it hangs on, misbehaved."""


class MismatchError(DeviceError):
    """The device computed other bytes than the golden interpreter."""


class UsageError(TinykitError):
    """The command line, or a file that the user wrote, is wrong."""

    exit_code = 2


class ConfigError(UsageError):
    """`tinykit.toml` is wrong."""


class BoardError(UsageError):
    """A board file is wrong, or the board is unknown."""
