"""`python -m tinykit`."""

from tinykit.cli import main

main()
