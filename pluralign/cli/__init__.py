"""The command line: nouns, then verbs. Results go to stdout, progress to stderr."""

from pluralign.cli.app import main

__all__ = ["main"]
