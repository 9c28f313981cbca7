"""`python -m pluralign` is the `pluralign` command."""

import sys

from pluralign.cli import main

if __name__ == "__main__":
    sys.exit(main())
