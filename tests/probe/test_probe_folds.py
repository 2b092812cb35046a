"""Groups and folds: nothing that belongs together is on both sides, and labels keep their shares."""

from __future__ import annotations

from collections import Counter

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import GroupKFold

from whyfeel.probe.folds import fold_of, groups_of, shuffled, splits
from whyfeel.records import Media, Sample

LABELLED = st.integers(2, 6).flatmap(
    lambda folds: st.tuples(
        st.just(folds), st.lists(st.tuples(st.integers(0, 3), st.integers(0, 30)), min_size=1, max_size=80)
    )
)


def sample(text: str, cluster: str, *pictures: str) -> Sample:
    return Sample(cluster, text, "joy", (), tuple(map(Media, pictures)), cluster)


def test_equal_texts_and_one_cluster_are_one_group() -> None:
    samples = [sample("Nice!", "a"), sample("no", "b"), sample(" nice!", "c"), sample("So  be it", "c")]
    samples += [sample("so be\tIT", "d"), sample("No.", "e")]
    assert groups_of(samples).tolist() == [0, 1, 0, 0, 0, 2]


def test_one_sentence_beside_different_pictures_is_not_one_group() -> None:
    samples = [sample("Look.", "a", "a.png"), sample("Look.", "b", "b.png"), sample("look.", "c", "a.png")]
    assert groups_of(samples).tolist() == [0, 1, 0]


@given(drawn=LABELLED, seed=st.integers(0, 3))
@settings(max_examples=40)
def test_a_group_is_in_one_fold_and_labels_are_shared_out(drawn, seed):
    folds, rows = drawn
    y, groups = (np.array(column) for column in zip(*rows, strict=True))
    fold = fold_of(y, groups, folds, seed)
    for group in set(groups.tolist()):
        assert len(set(fold[groups == group].tolist())) == 1
    most = {group: Counter(sorted(y[groups == group].tolist())).most_common(1)[0][0] for group in set(groups.tolist())}
    where = {group: int(fold[groups == group][0]) for group in most}
    for label in set(most.values()):
        dealt = Counter(where[group] for group in most if most[group] == label)
        counts = [dealt[number] for number in range(folds)]
        assert max(counts) - min(counts) <= 1
    sizes = np.bincount(list(where.values()), minlength=folds)
    assert sizes.max() - sizes.min() <= 1


@given(drawn=LABELLED)
@settings(max_examples=40)
def test_splits_hold_every_text_out_once_as_sklearns_do(drawn):
    folds, rows = drawn
    y, groups = (np.array(column) for column in zip(*rows, strict=True))
    if len(set(groups.tolist())) < folds + 2:
        return
    ours = list(splits(y, groups, folds, 0))
    assert len(ours) == len(list(GroupKFold(folds).split(y, y, groups))) == folds
    assert sorted(np.concatenate([one.test for one in ours]).tolist()) == list(range(len(y)))
    for one in ours:
        assert not set(groups[one.train]) & set(groups[one.test])
        assert not set(groups[one.inner]) & set(groups[one.validation])
        assert sorted([*one.inner, *one.validation]) == one.train.tolist()
        assert sorted([*one.train, *one.test]) == list(range(len(y)))


def test_another_seed_gives_other_folds() -> None:
    y, groups = np.zeros(40, np.intp), np.arange(40)
    assert fold_of(y, groups, 4, 0).tolist() != fold_of(y, groups, 4, 1).tolist()


def test_random_labels_keep_their_shares_and_equal_texts_keep_equal_ones() -> None:
    y, groups = np.arange(60) // 2 % 3, np.arange(60) // 2
    random = shuffled(y, groups, 0)
    assert Counter(random.tolist()) == Counter(y.tolist())
    assert all(random[2 * group] == random[2 * group + 1] for group in range(30))
    assert random.tolist() != y.tolist()
