"""The EIBench tasks: on the released annotations, and on small folders in the same format."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

from whyfeel.errors import DataError
from whyfeel.records import Media, Sample
from whyfeel.tasks import open_task
from whyfeel.tasks.eibench import EIBenchBasic, EIBenchComplex
from whyfeel.tasks.questions import emotion_of

RELEASED = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "eibench"
released = pytest.mark.usefixtures("eibench")  # skips, or fails where nothing may be skipped

ANGRY, HAPPY = "CAER-S/train/Angry/", "CAER-S/train/Happy/"
EXCITED, SAD = "EmoSet-118k/image/excitement/excitement_", "EmoSet-118k/image/sadness/sadness_"
A, B = ANGRY + "1.png", SAD + "1.jpg"


def by_flag(samples: Iterable[Sample], start: str) -> set[str]:
    return {sample.id for sample in samples if any(flag.startswith(start) for flag in sample.flags)}


# ---- the released files -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def basic() -> list[Sample]:
    return list(EIBenchBasic(RELEASED))


@pytest.fixture(scope="module")
def complex_() -> list[Sample]:
    return list(EIBenchComplex(RELEASED))


@released
def test_basic_has_the_counts_of_the_release(basic: list[Sample]) -> None:
    triggers = Counter[str]()
    for sample in basic:
        triggers[sample.emotion] += len(sample.triggers)
    assert Counter(sample.emotion for sample in basic) == {"angry": 342, "happy": 91, "excited": 720, "sad": 462}
    assert triggers == {"angry": 1434, "happy": 414, "excited": 3534, "sad": 2040}
    assert triggers.total() == 7422
    counts = [(2, 11), (3, 197), (4, 470), (5, 794), (6, 77), (7, 45), (8, 11), (9, 6), (10, 4)]
    assert sorted(Counter(len(sample.triggers) for sample in basic).items()) == counts


@released
def test_basic_keeps_the_release_to_the_letter_and_in_file_order(basic: list[Sample]) -> None:
    lines = (RELEASED / "EI_Basic" / "user.jsonl").read_text(encoding="utf-8").splitlines()
    truth = json.loads((RELEASED / "EI_Basic" / "basic_ground_truth.json").read_text(encoding="utf-8"))
    asked = [next(iter(json.loads(line).items())) for line in lines]
    assert [(sample.id, sample.question) for sample in basic] == asked
    assert {sample.id: sample.annotation for sample in basic} == truth
    assert all(sample.cluster == sample.id and sample.media == (Media(sample.id),) for sample in basic)


@released
@pytest.mark.parametrize(
    ("flag", "ids"),
    [
        ("empty trigger", {EXCITED + "01172.jpg", EXCITED + "05013.jpg"}),
        (
            "doubled number",
            {ANGRY + "2750.png", EXCITED + "03861.jpg", EXCITED + "03973.jpg", SAD + "02940.jpg"},
        ),
        ("double space after number", {EXCITED + "01095.jpg", SAD + "00512.jpg"}),
        ("question is a refusal", {ANGRY + "1074.png"}),
        ('question has no "?"', {EXCITED + "00404.jpg"}),
        ("question ends in a stray quote", {EXCITED + "00229.jpg", EXCITED + "02238.jpg", SAD + "10293.jpg"}),
        ("also in eibench-complex", {SAD + "01979.jpg", SAD + "03640.jpg"}),
        ("leading space", set()),
        ("duplicate", set()),
        ("no number", set()),
    ],
)
def test_basic_flags_exactly_the_records_known_to_be_odd(basic: list[Sample], flag: str, ids: set[str]) -> None:
    assert by_flag(basic, flag) == ids


@released
def test_basic_says_which_item_is_empty(basic: list[Sample]) -> None:
    flags = {sample.id: sample.flags for sample in basic if sample.flags}
    assert len(flags) == 15
    assert flags[EXCITED + "01172.jpg"] == ("empty trigger 4",)
    assert flags[EXCITED + "05013.jpg"] == ("empty trigger 6",)


@released
def test_complex_has_the_counts_of_the_release(complex_: list[Sample]) -> None:
    assert len(complex_) == len({sample.id for sample in complex_}) == 50
    assert sum(len(sample.triggers) for sample in complex_) == 222
    assert Counter(len(sample.triggers) for sample in complex_) == {3: 7, 4: 17, 5: 23, 6: 3}
    assert Counter(Counter(sample.cluster for sample in complex_).values()) == {2: 20, 3: 2, 4: 1}
    assert {sample.media for sample in complex_} == {(Media(sample.cluster),) for sample in complex_}


@released
def test_complex_tells_the_emotion_by_the_question(complex_: list[Sample]) -> None:
    # one letter a question, read by hand in file order
    read = "ahaea eahhf hshwa hshss hsesh shaah ahfeh saece feshs efefu".replace(" ", "")
    names = {"a": "angry", "c": "confused", "e": "excited", "f": "afraid", "h": "happy", "s": "sad"}
    names |= {"u": "surprised", "w": "worried"}
    assert [sample.emotion for sample in complex_] == [names[letter] for letter in read]
    task = EIBenchComplex(RELEASED)
    assert task.groups == ("happy", "angry", "sad", "excited", "afraid", "worried", "surprised", "confused")
    emotions = {sample.id: sample.emotion for sample in complex_}
    image = "EmoSet-118k/image/contentment/contentment_00110.jpg"
    assert [emotions[f"{image}#{k}"] for k in (1, 2, 3, 4)] == ["happy", "afraid", "happy", "sad"]
    assert emotions["EmoSet-118k/image/fear/fear_02814.jpg#2"] == "surprised"


@released
def test_complex_flags_exactly_the_records_known_to_be_odd(complex_: list[Sample]) -> None:
    both = {f"{SAD}{number}.jpg#{k}" for number in ("01979", "03640") for k in (1, 2)}
    leading = "EmoSet-118k/image/anger/anger_01009.jpg#2"
    assert {sample.id: sample.flags for sample in complex_ if sample.flags} == {
        leading: ("leading space before number 4",),
        **dict.fromkeys(both, ("also in eibench-basic",)),
    }


@released
def test_a_task_can_be_read_any_number_of_times(basic: list[Sample], complex_: list[Sample]) -> None:
    for task, first in ((EIBenchBasic(RELEASED), basic), (EIBenchComplex(RELEASED), complex_)):
        one, other = iter(task), iter(task)
        assert next(one) == next(other) == first[0]
        assert list(task) == first
        assert [first[0], *one] == first


# ---- small folders ------------------------------------------------------------------------------------------------


def write_basic(root: Path, questions: str | bytes, truth: str | bytes) -> Path:
    (root / "EI_Basic").mkdir(parents=True, exist_ok=True)
    for name, text in (("user.jsonl", questions), ("basic_ground_truth.json", truth)):
        (root / "EI_Basic" / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return root


def write_complex(root: Path, records: str | bytes, name: str = "ec_complex.jsonl") -> Path:
    (root / "EI_Complex").mkdir(parents=True, exist_ok=True)
    (root / "EI_Complex" / name).write_bytes(records if isinstance(records, bytes) else records.encode())
    return root


def lines(*records: object) -> str:
    return "".join(json.dumps(record) + "\n" for record in records)


SOUND = lines({A: "Why is he angry?"}, {B: "Why is she sad?"})
TRUTH = json.dumps({B: "1. Rain.", A: "1. A fine.\n2. Noise."}, indent=1)


def test_blank_lines_a_mark_and_a_missing_line_end_change_nothing(tmp_path: Path) -> None:
    plain = list(EIBenchBasic(write_basic(tmp_path / "plain", SOUND, TRUTH)))
    text = b"\xef\xbb\xbf\n" + SOUND.replace("\n", "\r\n \n").rstrip().encode()
    odd = EIBenchBasic(write_basic(tmp_path / "odd", text, b"\xef\xbb\xbf" + TRUTH.encode()))
    assert list(odd) == plain
    assert [sample.id for sample in plain] == [A, B]


def test_the_overlap_is_told_only_where_the_other_file_is_there(tmp_path: Path) -> None:
    write_basic(tmp_path, SOUND, TRUTH)
    assert [sample.flags for sample in EIBenchBasic(tmp_path)] == [(), ()]
    write_complex(tmp_path, lines({B: {"Why is she happy?": "1. Sun."}}), "ei_complex.jsonl")
    assert [sample.flags for sample in EIBenchBasic(tmp_path)] == [(), ("also in eibench-complex",)]
    assert [sample.flags for sample in EIBenchComplex(tmp_path)] == [("also in eibench-basic",)]
    (tmp_path / "EI_Basic" / "user.jsonl").unlink()
    assert [sample.flags for sample in EIBenchComplex(tmp_path)] == [()]


def test_an_equal_record_is_kept_once_and_flagged(tmp_path: Path) -> None:
    task = EIBenchBasic(write_basic(tmp_path, SOUND + lines({A: "Why is he angry?"}) * 2, TRUTH))
    assert [(sample.id, sample.flags) for sample in task] == [(A, ("duplicate record",)), (B, ())]
    record = {B: {"Why is she happy?": "1. Sun."}}
    other = {B: {"Why is she sad?": "1. Rain."}}
    twice = EIBenchComplex(write_complex(tmp_path, lines(record, record, other)))
    found = [(sample.id, [flag for flag in sample.flags if "also" not in flag]) for sample in twice]
    assert found == [(f"{B}#1", ["duplicate record"]), (f"{B}#2", [])]


def test_a_question_without_a_known_emotion_is_kept_in_a_group_of_its_own(tmp_path: Path) -> None:
    records = lines({B: {"Why does she look serene?": "1. Sun."}}, {A: {"Why is he scared?": "1. Dark."}})
    task = EIBenchComplex(write_complex(tmp_path, records))
    assert task.groups == ("afraid", "other")
    assert [(s.emotion, s.flags) for s in task] == [
        ("other", ("no known emotion in the question",)),
        ("afraid", ()),
    ]


OTHER = "Why is he sad?"
BAD_QUESTIONS = [
    (SOUND + lines({A: "Why not?"}), ["line 3", repr(A), "line 1", "other content"]),
    (SOUND + '["no object"]\n', ["line 3", "expected one {image: question}", "['no object']"]),
    (SOUND + "{}\n", ["line 3", "expected one {image: question}"]),
    (SOUND + lines({A: OTHER, B: OTHER}), ["line 3", "expected one {image: question}"]),
    (SOUND + lines({A: 3}), ["line 3", f"the question about {A!r}", "got 3"]),
    (SOUND + lines({A: "  "}), ["line 3", "a blank text"]),
    (SOUND + lines({"": "Why?"}), ["line 3", "a key in {image: question}", "a blank text"]),
    (SOUND + lines({A: "\ud800"}), ["line 3", "invalid Unicode"]),
    (SOUND + f'{{"{A}": "{OTHER}", "{A}": "x"}}\n', ["line 3", repr(A), "stands twice"]),
    (SOUND + "{not json\n", ["line 3", "expected one JSON object", "at column 2"]),
    (SOUND + "[" * 100_000 + "\n", ["line 3", "nested too deeply"]),
    (SOUND + "1" * 5_000 + "\n", ["line 3", "expected one JSON object"]),
    (SOUND.encode() + b'{"\xff": "x"}\n', ["line 3", "0xff", "column 3", "not UTF-8"]),
    (SOUND[:-9], ["line 2", f"from byte {SOUND.index(chr(10)) + 1}", "cut off"]),
    (b"\xef\xbb\xbf" + SOUND.encode() + b"{", ["line 3", f"from byte {len(SOUND) + 3}", "cut off"]),
    ((SOUND + '{"é').encode()[:-1], ["line 3", f"from byte {len(SOUND)}", "not UTF-8", "cut off"]),
    (SOUND + lines({"CAER-S/test/Angry/1.png": "Why?"}), ["line 3", "'CAER-S/test/Angry'", "CAER-S/train/Happy"]),
    (SOUND + lines({"angry_but_bare.png": "Why?"}), ["line 3", "folder ''", "'angry_but_bare.png'"]),
    (SOUND + lines({HAPPY + "1.png": "Why?"}), ["line 3", repr(HAPPY + "1.png"), "no ground truth"]),
    (lines({A: "Why is he angry?"}), ["basic_ground_truth.json', line 2", repr(B), "no question", "user.jsonl"]),
    ("\n", ["user.jsonl': the file holds no record"]),
]


@pytest.mark.parametrize(("questions", "told"), BAD_QUESTIONS)
def test_a_bad_question_file_is_refused_when_opened(tmp_path: Path, questions: str | bytes, told: list[str]) -> None:
    write_basic(tmp_path, questions, TRUTH)
    with pytest.raises(DataError) as caught:
        open_task("eibench-basic", tmp_path, None)
    told = told if "'" in told[0] else [str(tmp_path / "EI_Basic" / "user.jsonl"), *told]
    assert [part for part in told if part not in str(caught.value)] == []
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize(
    ("truth", "told"),
    [
        ("[]", ["expected one object {image: annotation}", "got []"]),
        ('{\n"a": 1,\n"b"}', ["line 3", "expected one JSON document"]),
        (TRUTH[:30], ["line 2", "cut off"]),
        (TRUTH.rstrip("}"), ["cut off"]),
        (TRUTH.encode()[:-2] + b"\xff", ["line 3", "0xff", "not UTF-8"]),
        (f'{{"{B}": "1. a",\n"{A}": "1. b",\n"{B}": "1. c"}}', ["line 1", repr(B), "stands twice", "line 3"]),
        (json.dumps({B: "1. Rain", A: ["a"]}, indent=1), ["line 3", repr(A), "got ['a']"]),
        (json.dumps({B: "1. Rain", A: None}, indent=1), ["line 3", repr(A), "got None"]),
        (json.dumps({B: "1. Rain", A: " "}, indent=1), ["line 3", repr(A), "a blank text"]),
        (json.dumps({B: "1. \n2. ", A: "1. a"}, indent=1), ["line 2", repr(B), "expected a trigger"]),
        (json.dumps({B: "1. a", A: "1. a", HAPPY: "1. a"}, indent=1), ["line 4", repr(HAPPY), "no question"]),
        (json.dumps({B: "1. a"}), ["line 1", repr(A), "no ground truth", "user.jsonl"]),
    ],
)
def test_a_bad_ground_truth_is_refused_when_opened(tmp_path: Path, truth: str | bytes, told: list[str]) -> None:
    write_basic(tmp_path, SOUND, truth)
    with pytest.raises(DataError) as caught:
        open_task("eibench-basic", tmp_path, None)
    told = ["basic_ground_truth.json", *told]
    assert [part for part in told if part not in str(caught.value)] == []
    assert "\n" not in str(caught.value)


HAPPY_B = {B: {"Why is she happy?": "1. Sun."}}


@pytest.mark.parametrize(
    ("records", "told"),
    [
        (lines(HAPPY_B, {B: {"Why is she happy?": "1. Wind."}}), ["line 2", "line 1", "other content"]),
        (lines(HAPPY_B, {B: "1. Sun."}), ["line 2", "{question: annotation}", repr(B), "'1. Sun.'"]),
        (lines({B: {"Why happy?": "1. a", "Why sad?": "1. b"}}), ["line 1", "expected one {question: annotation}"]),
        (lines({B: {}}), ["line 1", "expected one {question: annotation}"]),
        (lines({B: {"Why is she happy?": 1}}), ["line 1", "the ground truth", "got 1"]),
        (lines({B: {"Why is she happy?": "1."}}), ["line 1", repr(B), "expected a trigger"]),
        (lines({B: {" ": "1. a"}}), ["line 1", "a blank text"]),
        (f'{{"{B}": {{"q": "1. a", "q": "1. a"}}}}', ["line 1", "'q' stands twice"]),
        (lines(HAPPY_B)[:-4], ["line 1", "from byte 0", "cut off"]),
        ("", ["holds no record"]),
    ],
)
def test_a_bad_complex_file_is_refused_when_opened(tmp_path: Path, records: str, told: list[str]) -> None:
    write_complex(tmp_path, records)
    with pytest.raises(DataError) as caught:
        open_task("eibench-complex", tmp_path, None)
    assert [part for part in ["ec_complex.jsonl", *told] if part not in str(caught.value)] == []


@pytest.mark.parametrize("open_", [EIBenchBasic, EIBenchComplex])
def test_a_missing_file_says_how_to_get_it(tmp_path: Path, open_: type[EIBenchBasic | EIBenchComplex]) -> None:
    with pytest.raises(DataError, match=r"released EIBench repository; --data is the folder that holds EI_Basic/"):
        open_(tmp_path)
    with pytest.raises(DataError, match="there is no file"):
        open_(tmp_path / "nowhere")


def test_the_folder_below_is_recognised(tmp_path: Path) -> None:
    write_basic(tmp_path, SOUND, TRUTH)
    with pytest.raises(DataError, match="give the one above it"):
        EIBenchBasic(tmp_path / "EI_Basic")


def test_a_file_that_cannot_be_read_is_the_users_to_mend(tmp_path: Path) -> None:
    write_basic(tmp_path, SOUND, TRUTH)
    task = EIBenchBasic(tmp_path)
    (tmp_path / "EI_Basic" / "user.jsonl").unlink()
    with pytest.raises(DataError, match=r"user\.jsonl' cannot be read: No such file"):
        list(task)


# ---- questions ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "emotion"),
    [
        ("Why is she UNHAPPY?", "sad"),
        ("What led to the excitement and happiness of the kid?", "excited"),
        ("What led to the happiness and excitement of the kid?", "happy"),
        ("Why is the worrying-looking man so fearful?", "afraid"),
        ("Why does the saddle matter?", None),
        ("", None),
    ],
)
def test_the_first_whole_emotion_word_counts(question: str, emotion: str | None) -> None:
    assert emotion_of(question) == emotion
