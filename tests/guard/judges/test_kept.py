import contextlib
from collections.abc import Sequence

from pluralign.guard.judges.kept import KeptVerdicts
from pluralign.guard.verdict import Document, Role, Ruling, Verdict


class Counting:
    """Serves what has no "!" in it, is unsure at "?", and counts what it is asked."""

    name = "counting"
    languages = None
    categories = None

    def __init__(self, version: str = "1") -> None:
        self.version = version
        self.asked: list[str] = []

    def judge(self, documents: Sequence[Document], *, role: Role) -> list[Verdict]:
        return [self._one(document.passages[0].text) for document in documents]

    def _one(self, text: str) -> Verdict:
        self.asked.append(text)
        ruling = Ruling.UNSURE if "?" in text else Ruling.REFUSE if "!" in text else Ruling.SERVE
        return Verdict(
            ruling=ruling, layer="judge", backend=self.name, backend_version=self.version, reason="r"
        )


def rulings(verdicts: list[Verdict]) -> list[str]:
    return [verdict.ruling.value for verdict in verdicts]


def test_nothing_is_asked_twice_but_what_was_unsure(tmp_path, document):
    path = tmp_path / "deep" / "kept.jsonl"
    documents = [document("a"), document("b!"), document("c?")]
    judge = Counting()
    kept = KeptVerdicts(path, policy_hash="p")

    assert rulings(kept.judge(judge, documents, role="profile")) == ["serve", "refuse", "unsure"]
    assert rulings(KeptVerdicts(path, policy_hash="p").judge(judge, documents, role="profile")) == [
        "serve",
        "refuse",
        "unsure",
    ]
    assert judge.asked == ["a", "b!", "c?", "c?"]


def test_the_key_is_content_role_policy_and_version(tmp_path, document):
    path = tmp_path / "kept.jsonl"
    own = [document("a")]

    def asks(*, version: str = "1", policy_hash: str = "p", role: Role = "profile", documents=own) -> bool:
        judge = Counting(version)
        KeptVerdicts(path, policy_hash=policy_hash).judge(judge, documents, role=role)
        return bool(judge.asked)

    assert asks()
    assert not asks()
    assert asks(version="2")
    assert asks(policy_hash="q")
    assert asks(role="output")
    assert asks(documents=[document("a", language="de")])
    assert asks(documents=[document("a", denied=("b",))])
    assert not asks()


def test_a_run_that_was_stopped_goes_on(tmp_path, document):
    path = tmp_path / "kept.jsonl"
    documents = [document(f"text {number}") for number in range(40)]

    class Stopping(Counting):
        def _one(self, text: str) -> Verdict:
            if len(self.asked) == 20:
                raise KeyboardInterrupt
            return super()._one(text)

    with contextlib.suppress(KeyboardInterrupt):
        KeptVerdicts(path, policy_hash="p").judge(Stopping(), documents, role="profile")
    judge = Counting()
    verdicts = KeptVerdicts(path, policy_hash="p").judge(judge, documents, role="profile")

    assert len(verdicts) == 40
    assert judge.asked == [f"text {number}" for number in range(16, 40)]


def test_a_line_that_was_cut_off_is_passed_over_and_swallows_nothing(tmp_path, document):
    path = tmp_path / "kept.jsonl"
    KeptVerdicts(path, policy_hash="p").judge(Counting(), [document("a")], role="profile")
    path.write_bytes(path.read_bytes()[:-30] + b"\xff")
    judge = Counting()
    KeptVerdicts(path, policy_hash="p").judge(judge, [document("a"), document("b")], role="profile")
    KeptVerdicts(path, policy_hash="p").judge(judge, [document("a"), document("b")], role="profile")

    assert judge.asked == ["a", "b"]
