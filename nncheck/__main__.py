"""``python -m nncheck`` is the command ``nncheck``."""

from nncheck.cli import main

if __name__ == "__main__":
    main()
