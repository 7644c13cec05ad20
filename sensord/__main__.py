"""`python -m sensord`."""

from sensord.cli import main

main()
