"""Tasks with many right answers, each with a rule that tells whether an answer is one of them."""

from pluralign.data.verifiable.tasks import TASKS, VerifiableTask, chosen_tasks

__all__ = ["TASKS", "VerifiableTask", "chosen_tasks"]
