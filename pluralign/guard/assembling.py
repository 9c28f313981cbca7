"""From the names of judges to a guard that asks them: each is made, and enabled by its stored qualification."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pluralign.errors import ConfigurationError
from pluralign.guard.audit import AuditLog
from pluralign.guard.guard import Guard, OnDoubt
from pluralign.guard.judges import Endpoint, Judge, load_classifier, load_recipe, make_judge
from pluralign.guard.policy import Policy, load_policy
from pluralign.guard.qualification import EnabledJudge, enable, load_qualification, sample_rows
from pluralign.models import load_model

# Of the sample where no languages are chosen.
_LANGUAGES = ("en",)


@dataclass(frozen=True)
class JudgeChoice:
    """A judge by name: a recipe, and what is asked by it.

    Attributes:
        recipe: Name of a shipped recipe, or path of a recipe's file.
        model: What `load_model` takes, a classifier for recipes that need one, or the model's name at the server.
        url: Address of the server, up to and without /chat/completions; None for a model in this process.
        key_variable: Environment variable with the server's key.
        timeout_seconds: For one answer of the server.
        languages: BCP 47 primary tags in which it is asked, in place of the recipe's, and of the sample that it is
            qualified on; None: the recipe's, and the English sample.
    """

    recipe: str
    model: str
    url: str | None = None
    key_variable: str | None = None
    timeout_seconds: float = 60.0
    languages: tuple[str, ...] | None = None

    @property
    def sample_languages(self) -> tuple[str, ...]:
        """Languages of the sample that it is qualified on."""
        return self.languages or _LANGUAGES

    def make(self, policy: Policy) -> Judge:
        """The judge, not yet enabled.

        Raises:
            ConfigurationError: Unknown recipe, or one that cannot be used so.
            ModelError: The model cannot be loaded.
        """
        recipe = load_recipe(self.recipe)
        if self.url is not None:
            server = Endpoint(
                self.url, self.model, key_variable=self.key_variable, timeout_seconds=self.timeout_seconds
            )
            return make_judge(recipe, policy=policy, endpoint=server, languages=self.languages)
        if recipe.readers == ("head",):
            classifier = load_classifier(self.model)
            return make_judge(recipe, policy=policy, classifier=classifier, languages=self.languages)
        return make_judge(recipe, policy=policy, model=load_model(self.model), languages=self.languages)

    def qualify_command(self, folder: Path | None) -> str:
        """The command that measures it and keeps what it reached in a folder."""
        words = ["pluralign", "guard", "qualify", self.recipe, "--model", self.model]
        if self.url is not None:
            words += ["--endpoint", self.url]
        if self.key_variable is not None:
            words += ["--key-variable", self.key_variable]
        if self.languages is not None:
            words += ["--languages", ",".join(self.languages)]
        return f"{shlex.join(words)} --out {'DIR' if folder is None else shlex.quote(str(folder))}"


def judge_choice(
    text: str, *, key_variable: str | None = None, languages: tuple[str, ...] | None = None
) -> JudgeChoice:
    """A judge as it is named in one word: "RECIPE=MODEL", or "RECIPE=MODEL@URL" for one behind a server.

    Args:
        text: For example "wildguard=allenai/wildguard" or "policy-chat=gemma@http://localhost:8000/v1".
        key_variable: As in `JudgeChoice`; of use with a server alone.
        languages: As in `JudgeChoice`.

    Raises:
        ConfigurationError: It is not of that form.
    """
    recipe, _, asked = text.partition("=")
    starts = [start for scheme in ("@http://", "@https://") if (start := asked.find(scheme)) >= 0]
    cut = min(starts, default=len(asked))
    model, url = asked[:cut], asked[cut + 1 :] or None
    if not recipe or not model or model.startswith(("http://", "https://")):
        raise ConfigurationError(
            f"The judge {text!r} must be named as RECIPE=MODEL, or RECIPE=MODEL@URL with the model's name at a "
            "server, as in policy-chat=gemma@http://localhost:8000/v1."
        )
    return JudgeChoice(
        recipe=recipe,
        model=model,
        url=url,
        key_variable=None if url is None else key_variable,
        languages=languages,
    )


def assemble(
    policy: Policy | None = None,
    *,
    judges: Sequence[JudgeChoice] = (),
    qualifications: Path | None = None,
    allow_unqualified: bool = False,
    combine: str = "cascade",
    on_unsure: OnDoubt = "refuse",
    on_error: OnDoubt = "refuse",
    audit: AuditLog | None = None,
) -> Guard:
    """The default guard with judges behind its screen.

    Args:
        policy: None: the shipped one.
        judges: In the order in which they are asked.
        qualifications: Folder in which `pluralign guard qualify` keeps what judges reached.
        allow_unqualified: Enable judges that did not pass or were not measured; their verdicts say so.
        combine: As in `Guard`.
        on_unsure: As in `Guard`.
        on_error: As in `Guard`.
        audit: As in `Guard`.

    Raises:
        ConfigurationError: A judge is not qualified and that is not allowed, with the command that qualifies it; or
            it cannot be made, or the settings do not fit each other.
        DataError: A stored qualification is broken.
        ModelError: A judge's model cannot be loaded.
    """
    policy = load_policy() if policy is None else policy
    enabled = [
        _enabled(choice, policy, qualifications=qualifications, allow_unqualified=allow_unqualified)
        for choice in judges
    ]
    guard = Guard.default(policy, on_unsure=on_unsure, audit=audit)
    return replace(guard, judges=tuple(enabled), combine=combine, on_error=on_error)


def _enabled(
    choice: JudgeChoice, policy: Policy, *, qualifications: Path | None, allow_unqualified: bool
) -> EnabledJudge:
    judge = choice.make(policy)
    found = None if qualifications is None else load_qualification(qualifications, judge, policy=policy)
    try:
        return enable(
            judge,
            policy,
            qualification=found,
            sample=sample_rows(choice.sample_languages),
            allow_unqualified=allow_unqualified,
        )
    except ConfigurationError as error:
        same = "" if policy.digest == load_policy().digest else ", with the --policy and --overlay given here"
        raise ConfigurationError(
            f"{error} To qualify it: {choice.qualify_command(qualifications)}{same}; then give that folder "
            "(--qualifications). To use it as it is: --allow-unqualified."
        ) from error
