"""Fill the table of shipped profiles in docs/profiles.md from the library; a test compares the two.

Run it after a profile was added, renamed or given another title or contrast: python scripts/profile_table.py
"""

from itertools import groupby
from pathlib import Path

from pluralign.files import write_whole
from pluralign.profiles import family_of, list_profiles, load_profile

PAGE = Path(__file__).resolve().parent.parent / "docs" / "profiles.md"
BEGIN, END = "<!-- profiles -->", "<!-- /profiles -->"


def table() -> str:
    """Markdown: how many profiles there are, and a table a family."""
    families = {family: list(ids) for family, ids in groupby(list_profiles(), key=family_of)}
    lines = [f"{len(list_profiles())} profiles in {len(families)} families.", ""]
    for family, ids in families.items():
        lines += [f"### {family}", "", "| profile | title | language | contrast |", "|---|---|---|---|"]
        for profile in map(load_profile, ids):
            title = profile.title.replace("|", "\\|")
            contrast = f"`{profile.contrast}`" if profile.contrast else "-"
            lines.append(f"| `{profile.id}` | {title} | {profile.language} | {contrast} |")
        lines.append("")
    return "\n".join(lines)


def filled(page: str) -> str:
    """The page with the table between its two marks, whatever stood there before."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"{PAGE}: the marks {BEGIN} and {END} are missing; the table goes between them.")
    return f"{before}{BEGIN}\n{table()}{END}{after}"


if __name__ == "__main__":
    write_whole(PAGE, filled(PAGE.read_text(encoding="utf-8")).encode())
