"""Fill the guard's policy into docs/policy.md; a test compares the two.

Run it after value_profiles/policy.yaml was changed: python scripts/policy_page.py
"""

from pathlib import Path

from pluralign.files import write_whole
from pluralign.guard.policy import load_policy
from pluralign.guard.policy_rendering import for_people

PAGE = Path(__file__).resolve().parent.parent / "docs" / "policy.md"
BEGIN, END = "<!-- policy -->", "<!-- /policy -->"


def filled(page: str) -> str:
    """The page with the policy between its two marks, whatever stood there before."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"{PAGE}: the marks {BEGIN} and {END} are missing; the policy goes between them.")
    return f"{before}{BEGIN}\n\n{for_people(load_policy())}\n{END}{after}"


if __name__ == "__main__":
    write_whole(PAGE, filled(PAGE.read_text(encoding="utf-8")).encode())
