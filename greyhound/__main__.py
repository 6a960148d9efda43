"""``python -m greyhound``: the command, where it is not on the path."""

from greyhound.cli import main

main()
