"""What can be told from a model's words alone."""

from whyfeel.replies.objects import LONGEST, closed, list_of, misfit, objects_with
from whyfeel.replies.refusals import is_refusal, question_flags

__all__ = ["LONGEST", "closed", "is_refusal", "list_of", "misfit", "objects_with", "question_flags"]
