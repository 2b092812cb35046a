"""The words of a text, and the claims an answer makes.

An answer is cut into statements (its sentences and list items) and a statement into clauses; each clause is a
claim. What has no content word claims nothing: refusals, preambles, headings, a row of emoji.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache

LONGEST_WORD = 40  # what is longer is no English word; it is cut, so that hostile text costs linear time
LONGEST_REMEMBERED = 200  # characters; bounds what the cache of stems holds
LONGEST_LABEL = 6  # words before a colon that name a rubric, as in "Body language: ..."


def _word_set(words: str) -> frozenset[str]:
    return frozenset(words.split())


# Words that carry grammar and no cause. Negations are not among them: "no friends" is not "friends".
FUNCTION_WORDS = _word_set(
    """
    a an the this that these those such same own
    i me my mine myself we us our ours ourselves you your yours yourself he him his himself she her hers herself
    it its itself they them their theirs themselves one ones oneself who whom whose which what whatever
    am is are was were be been being do does did doing done have has had having
    can could may might must shall should will would ought
    and or but if then else so because since although though unless until while whereas whether than as
    of at by for with about against between among into through during before after above below to from up in on
    onto out off over under upon within toward towards across along around behind beside besides near via per
    here there where when why how again further once too very just only even still also both each either every
    few more most much many some any other others another all
    yes okay oh well etc eg ie
    """
)

NEGATIONS = _word_set("no not never none nobody nothing nowhere neither nor without cannot")

# Words for anybody and any feeling: part of what a cause is called, but no cause by themselves.
BLAND = _word_set(
    """
    man men woman women person people individual individuals
    someone somebody anyone anybody everyone everybody something anything everything
    emotion emotions emotional emotionally feel feels feeling feelings felt sense way
    expression expressions express expresses expressing appear appears appearing appearance look looks looking
    """
)

# What answers are padded with: talk about the picture, about guessing and about the task itself.
PADDING = _word_set(
    """
    image images picture pictures photo photos scene
    seem seems seemingly factor factors reason reasons cause causes caused causing
    trigger triggers triggered contribute contributes contributed contributing due lead leads leading led
    result results resulting role influence indicate indicates indicating indicated suggest suggests suggesting
    suggested imply implies implying convey conveys conveying depict depicts depicted describe described
    explain explains explanation answer question possible possibly possibility probable probably likely perhaps
    maybe potential potentially certain certainly sure specific specifically particular various several
    overall general generally information detail details element elements aspect aspects evident visible clear
    clearly know tell say state determine determined identify identified conclude conclusion summary sum
    provide provided based note notice mention mentioned include includes including relate related follow
    following list key main first second third finally additionally moreover furthermore however therefore
    score correct total truth ignore assistant sorry unable
    """
)

_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
# Padding that only the whole phrase is: "play a role" says nothing, "play" does.
_PHRASE = re.compile(
    r"\bin addition\b"
    r"|\bplay(?:s|ed|ing)? (?:an?|some)(?: \w{1,20})? roles?\b"
    r"|\b(?:difficult|hard|impossible|not possible) to (?:say|tell|know|determine|identify|infer|pinpoint)\b"
    r"|\b(?:more|additional|further|any) (?:context|information|details?)\b"
    r"|\bas an ai(?: language)?(?: model)?\b"
    r"|\b(?:a|the) (?:number|variety|range|combination) of\b"
    r"|\bfor (?:example|instance)\b"
    r"|\bground truth\b"
)
_STATEMENT_END = re.compile(r"""[\n\r\v\f\x1c-\x1e\x85\u2028\u2029;|。！？；]|(?<=[.!?])["'*_)\]]{0,4}\s""")
_CLAUSE_END = re.compile(
    r"[,()\[\]{}、，（）—–]|\s-{1,3}\s|\b(?:and|because|while|whereas|as well as|along with)\b",
    re.IGNORECASE,
)
_EDGE = " \t\xa0\u3000.,:;!?*_`'\"#>-–—•·"


@dataclass(frozen=True, slots=True)
class Clause:
    """A piece of a statement that may name one trigger.

    Attributes:
        text: as it stands in the answer, without list marks and the like at its ends.
        stems: of what it says, never none.
        padding: the other stems that a trigger may have too; they may help a match and cost nothing.
    """

    text: str
    stems: frozenset[str]
    padding: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence or list item.

    Attributes:
        clauses: its pieces, at least one; it may name as many triggers as it has clauses.
        heads: the statement as a whole and the label before its colon; the first clause may stand for them,
            so that a trigger of several clauses is found and a label costs nothing.
    """

    clauses: tuple[Clause, ...]
    heads: tuple[Clause, ...]


@cache
def _stemmer() -> Callable[[str], str]:
    import snowballstemmer  # noqa: PLC0415 - forty languages load with it

    stem_word: Callable[[str], str] = snowballstemmer.stemmer("english").stemWord
    return stem_word


@lru_cache(maxsize=1 << 15)
def stem(word: str) -> str:
    """The English (Snowball) stem of a lower-case word; a word of another script stays as it is."""
    return _stemmer()(word)


def _words(text: str) -> Iterator[str]:
    """Lower-case words; "isn't" gives "not", "woman's" gives "woman"."""
    for match in _WORD.finditer(_PHRASE.sub(" ", text.replace("\u2019", "'").lower())):
        word, _, ending = match[0][:LONGEST_WORD].partition("'")
        if ending == "t" and word.endswith("n"):
            yield "not"
        else:
            yield word if word.isascii() else unicodedata.normalize("NFKC", word)


def content_stems(text: str) -> frozenset[str]:
    """The stems of what a text says: no function words, padding, single letters or numbers below 100.

    Negations and bland words are kept where there is something that they could go with.

    >>> sorted(content_stems("The man isn't smiling at his friends in the picture."))
    ['friend', 'man', 'not', 'smile']
    >>> content_stems("It is not possible to say what the man feels.")
    frozenset()
    """
    return _stems(text)[0]


def _stems(text: str) -> tuple[frozenset[str], frozenset[str]]:
    """The stems of what a text says, and of its padding."""
    return _remembered(text) if len(text) <= LONGEST_REMEMBERED else _sorted_out(text)


def _sorted_out(text: str) -> tuple[frozenset[str], frozenset[str]]:
    words = {w for w in _words(text) if w not in FUNCTION_WORDS and (len(w) > 1 or not w.isascii())}
    words = {w for w in words if not (w.isdigit() and len(w) < 3)}
    says = words - PADDING
    padding = frozenset(map(stem, words & PADDING))
    return (frozenset(map(stem, says)) if says - BLAND - NEGATIONS else frozenset()), padding


_remembered = lru_cache(maxsize=1 << 13)(_sorted_out)  # the same triggers come up again and again


def bare(text: str) -> str:
    """A text without list marks, Markdown, quotes and full stops at its ends.

    >>> bare("- **A cake.**")
    'A cake'
    """
    return text.strip(_EDGE)


def negates(text: str) -> bool:
    """Whether a negation stands in a text.

    >>> negates("She isn't smiling."), negates("a knot")
    (True, False)
    """
    return any(word in NEGATIONS for word in _words(text))


def trigger_stems(text: str) -> frozenset[str]:
    """The stems of an annotated trigger, padding too, or those of all its words where it says nothing ("Looking up").

    >>> sorted(trigger_stems("A possible quarrel")), sorted(trigger_stems("Looking up"))
    (['possibl', 'quarrel'], ['look', 'up'])
    """
    says, padding = _stems(text)
    return says | padding if says else frozenset(map(stem, _words(text)))


def statements(text: str) -> list[Statement]:
    r"""What an answer states, in order; in linear time, whatever the text.

    >>> [[c.text for c in s.clauses] for s in statements("1. Smiling friends.\n2. Party: balloons and cake")]
    [['Smiling friends'], ['balloons', 'cake']]
    >>> statements("I am sorry, it is impossible to tell from the image.")
    []
    """
    parts = (part for part in _STATEMENT_END.split(text) if part and not part.isspace())
    return [found for part in parts if (found := _statement(part)) is not None]


def _statement(part: str) -> Statement | None:
    whole = _clause(part)
    if whole is None or part.rstrip(" \t*_").endswith((":", "：")):
        return None  # a line that ends in a colon announces, it does not claim
    head, colon, rest = part.partition(":")
    label = _clause(head) if colon and len(head.split()) <= LONGEST_LABEL else None
    clauses = _clauses(rest) if label else ()
    if not clauses:
        return Statement(_clauses(part) or (whole,), (whole,))
    return Statement(clauses, (whole, label) if label else (whole,))


def _clauses(text: str) -> tuple[Clause, ...]:
    return tuple(clause for piece in _CLAUSE_END.split(text) if (clause := _clause(piece)) is not None)


def _clause(text: str) -> Clause | None:
    says, padding = _stems(text)
    return Clause(bare(text), says, padding) if says else None
