"""`python -m greyhound`: the command, where its script is not in the path."""

from greyhound.cli import main

main()
