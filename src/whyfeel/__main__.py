"""`python -m whyfeel` is the `whyfeel` command."""

from whyfeel.cli import main

main()
