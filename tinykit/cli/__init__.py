"""The command line: the one place that prints.

Modules hold one group of commands each and import what they run inside the command, so that
`tinykit --help` is instant. `console` decides where a word goes; `run` maps failures to exit codes.
"""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line and exit with its code: 0 done, 1 failed, 2 usage, 130 interrupted."""
    from tinykit.cli.run import run

    sys.exit(run(sys.argv[1:]))
