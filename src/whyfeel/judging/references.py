"""What people answered to a sample, as one text that can stand beside a model's."""

from __future__ import annotations

from whyfeel.records import Sample, rng


def human_answer(sample: Sample, *, alternatives: bool, seed: int) -> str:
    r"""A reference that is compared with answers, "" where there is none.

    Args:
        sample: its triggers are what people wrote.
        alternatives: as a task has it: one of the triggers is drawn, so that one person's answer stands beside one of
            a model's. Otherwise they are parts of one answer, a line each.
        seed: of the draw, which depends on the sample's id besides, so that studies and judges of one seed show the
            same text.

    >>> from whyfeel.records import Trigger
    >>> sample = Sample("s", "Why?", "happy", (Trigger("a cake"), Trigger("her friends")), (), "s")
    >>> human_answer(sample, alternatives=False, seed=0)
    'a cake\nher friends'
    >>> human_answer(sample, alternatives=True, seed=0) in {"a cake", "her friends"}
    True
    """
    texts = [trigger.text for trigger in sample.triggers]
    if not alternatives or len(texts) < 2:
        return "\n".join(texts)
    return texts[int(rng(seed, "human answer", sample.id).integers(len(texts)))]
