"""`python -m congresslite` is the `congresslite` command."""

from congresslite.cli import main

if __name__ == "__main__":
    main()
