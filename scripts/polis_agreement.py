"""Print how far clusters of people's votes agree with the opinion groups that ship with Polis conversations.

Run it on a folder of conversations (github.com/compdemocracy/openData): python scripts/polis_agreement.py FOLDER
"""

import sys
from pathlib import Path

from pluralign.data.ballots import is_conversation, open_conversation
from pluralign.windows.polis import opinion_ballots
from pluralign.windows.votes import group_agreement

HEAD = (
    "conversation",
    "people",
    "grouped",
    "k ships",
    "ARI",
    "ARI all st.",
    "clustered",
    "ARI k ships",
    "k",
    "ARI k",
    "silhouette",
    "of groups",
)
LEGEND = """
ARI: adjusted Rand index with the groups that ship: 1 is the same grouping, 0 what unrelated ones have.
  ARI, ARI all st.   the people whom Polis put into groups (grouped), as many clusters as groups ship; without and with
                     the statements about who the voter is
  ARI k ships, ARI k people with at least 7 votes (clustered), as many clusters as groups ship, and k by silhouette
silhouette of those k clusters, and of the groups that ship, in the two principal components of the votes of today.
Groups ship as they stood when the conversation was exported: they were formed step by step while people voted, and a
step starts from the centres of the step before. Where their own silhouette is near 0, or far fewer people are
clustered than grouped, the votes as they stand do not set these groups apart."""


def main(folder: Path) -> None:
    """Print one row a conversation in the folder."""
    found = [open_conversation(path) for path in sorted(folder.glob("*")) if is_conversation(path)]
    if not found:
        raise SystemExit(f"{folder}: no Polis conversation; each is a folder with participants-votes.csv.")
    rows = [HEAD]
    for conversation in found:
        seen = group_agreement(opinion_ballots(conversation))
        everything = group_agreement(opinion_ballots(conversation, about_voters=()))
        rows.append((
            conversation.name,
            *(str(number) for number in (seen.n_people, seen.n_grouped, seen.k_published)),
            f"{seen.grouped_ari:.2f}",
            f"{everything.grouped_ari:.2f}",
            str(seen.n_clustered),
            f"{seen.published_k_ari:.2f}",
            str(seen.k),
            *(f"{number:.2f}" for number in (seen.ari, seen.silhouette, seen.published_silhouette)),
        ))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))
        print(row[0].ljust(widths[0]), *cells, sep="  ")
    print(LEGEND)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    main(Path(sys.argv[1]))
