"""A served, an unsure and a refused profile, and the log of what was decided.

python examples/guarded_profile.py
"""

import argparse
import tempfile
from pathlib import Path

from pluralign.guard import AuditLog, Guard, ProfileRefused, load_policy, verify
from pluralign.profiles import Provenance, Value, ValueProfile, load_profile


def written_here(id: str, title: str, *statements: str, language: str = "en") -> ValueProfile:
    """A profile as a user of an application might write it."""
    return ValueProfile(
        id=id,
        title=title,
        summary=statements[0],
        values=tuple(Value(statement=statement, weight=0.8) for statement in statements),
        provenance=Provenance(kind="curated", sources=("invented for this example",), licence="CC0-1.0"),
        language=language,
    )


PROFILES = (
    load_profile("schwartz-tradition"),
    # Lawful, and in a language that the embedded screen does not know: a qualified judge would settle it.
    written_here(
        "beekeepers", "Imker", "Ich halte Bienen und teile den Honig.", "Ich helfe Nachbarn.", language="de"
    ),
    written_here(
        "warband",
        "The band",
        "Terrorism is justified for our holy cause.",
        "I want my neighbours to fear us.",
    ),
)


def main() -> None:
    """Admit the three, and read the log."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=None, help="where the log goes")
    arguments, _ = parser.parse_known_args()
    with tempfile.TemporaryDirectory() as folder:
        log = AuditLog(arguments.out or Path(folder) / "audit.jsonl")
        guard = Guard.default(load_policy(), on_unsure="refuse", audit=log)
        for profile in PROFILES:
            try:
                approved = guard.admit(profile)
            except ProfileRefused as error:
                kind = "refused" if error.category else "unsure"
                print(f"{profile.id}: {kind}. {error}\n")
            else:
                last = approved.decision.verdicts[-1]
                print(f"{profile.id}: served. {last.backend}: {last.reason}")
                print(f"  {approved.system_prompt().splitlines()[0]}\n")

        found = verify(log.path)
        print(f"Log: {found.n_entries} entries, {len(found.faults)} faults, head {found.head[:12]}")


if __name__ == "__main__":
    main()
