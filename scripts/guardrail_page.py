"""Fill a measurement of the guard into docs/guardrail.md; a test compares the two.

    pluralign guard evaluate --data DIR --out OUT
    python scripts/guardrail_page.py OUT/figures.json

Without an argument the page is written again from the figures kept in docs/guardrail.json.
"""

import sys
from pathlib import Path

from pluralign.files import write_whole
from pluralign.guard.measuring.figures import Measurement
from pluralign.guard.measuring.spec import load_guard_specs
from pluralign.guard.measuring.table import markdown

DOCS = Path(__file__).resolve().parent.parent / "docs"
PAGE, FIGURES = DOCS / "guardrail.md", DOCS / "guardrail.json"
BEGIN, END = "<!-- measured -->", "<!-- /measured -->"


def filled(page: str) -> str:
    """The page with the tables of the kept figures between its two marks, whatever stood there before."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"{PAGE}: the marks {BEGIN} and {END} are missing; the tables go between them.")
    measurement = Measurement.model_validate_json(FIGURES.read_bytes())
    return f"{before}{BEGIN}\n\n{markdown(measurement, load_guard_specs())}\n{END}{after}"


if __name__ == "__main__":
    if len(sys.argv) > 1:
        kept = Measurement.model_validate_json(Path(sys.argv[1]).read_bytes())
        write_whole(FIGURES, (kept.model_dump_json(exclude_none=True) + "\n").encode())
    write_whole(PAGE, filled(PAGE.read_text(encoding="utf-8")).encode())
