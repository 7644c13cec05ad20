"""From text to workout and back. The grammar is Lark's (LALR, so a text is read in one go); what it says in an error is
put into a therapist's words here."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from functools import cache

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedToken

from sensord.plan.quantity import DURATION_UNITS_S, LENGTH_UNITS_M
from sensord.plan.workout_mods import EXAMPLES, sort_of
from sensord.plan.workout_shape import (
    Amount,
    Item,
    Kind,
    Measure,
    Quantity,
    Repeat,
    Segment,
    Until,
    Workout,
    WorkoutError,
)
from sensord.plan.workout_steps import MAX_STEPS, reaches, size

MAX_CHARACTERS = 500
"""Of one text (design choice: the longest published session has 101)."""

MAX_DEPTH = 8
"""Of parentheses (design choice: published sessions need one)."""

MAX_TIME_S, MAX_DISTANCE_M = 24 * 3600.0, 200_000.0
"""Of one amount (design choice: more than this is a slip of the pen)."""

UNITS = {**DURATION_UNITS_S, **LENGTH_UNITS_M}
"""s or m by unit."""

_NUMBER = r"[0-9]{1,6}(?:\.[0-9]{1,6})?"
_UNIT = "|".join(sorted(UNITS, key=len, reverse=True))
_MEASURE = re.compile(rf"({_NUMBER})(?:\s?-\s?({_NUMBER}))?\s?({_UNIT})(?![A-Za-z0-9])")

_GRAMMAR = rf"""
start: _items
_items: _item ("," _item)*
_item: repeat | until | segment
repeat: COUNT? "(" _items ")"
until: UNTIL whole "(" _items ")"
segment: KIND amount ("@" MOD)*
amount: MEASURE ("|" MEASURE)*
whole: MEASURE ("|" MEASURE)*
COUNT: /(?:[?]|[0-9]{{1,4}}(?:-[0-9]{{1,4}})?)\s?x(?![A-Za-z0-9])/
UNTIL: /(?:until|for)(?![A-Za-z])/
KIND: /(?:walk|run|rest)(?![A-Za-z])/
MEASURE: /{_MEASURE.pattern}/
MOD: /[^\s,()@|]+/
%ignore /\s+/
"""

_AMOUNT = f'an amount such as "5min", "0.1mi" or "8-10min" (units: {", ".join(UNITS)})'
_ITEM = 'walk, run, rest, until, for or a count such as "6x("'
_EXPECTED = {
    "KIND": _ITEM,
    "UNTIL": _ITEM,
    "COUNT": _ITEM,
    "MEASURE": _AMOUNT,
    "MOD": f"how it is done, such as {EXAMPLES}",
    "LPAR": '"("',
    "COMMA": '","',
    "VBAR": '"|"',
    "AT": '"@"',
    "RPAR": '")"',
    "$END": "the end",
}
"""What a token is to people, in the order in which we say it."""


_LOOK_ALIKES = {"–": "-", "—": "-", "−": "-", "×": "x", ";": ","}
"""What word processors make of what we read."""


def parse_workout(text: str) -> Workout:
    """The workout that a text says. Raises WorkoutError with the place (from 1), what was found and what is allowed."""
    if len(text) > MAX_CHARACTERS:
        raise WorkoutError(MAX_CHARACTERS + 1, f"{len(text)} characters", f"at most {MAX_CHARACTERS}")
    _check_depth(text)
    try:
        tree = _parser().parse(text)
    except UnexpectedToken as error:  # a MOD or a sign is any character there is, so none is unexpected by itself
        raise _in_words(error, text) from None
    workout = Workout(_items(tree.children))
    count = max(size(workout.items, most=most).steps for most in (True, False))
    if count > MAX_STEPS:
        raise WorkoutError(1, f"a workout of {count} steps", f"at most {MAX_STEPS} steps once laid out")
    return workout


@cache
def _parser() -> Lark:
    return Lark(_GRAMMAR, parser="lalr", lexer="contextual")


def _check_depth(text: str) -> None:
    """Before the tree is built, which goes as deep as the text."""
    depth = 0
    for at, character in enumerate(text, start=1):
        depth += (character == "(") - (character == ")")
        if depth > MAX_DEPTH:
            raise WorkoutError(at, f"parentheses {depth} deep", f"at most {MAX_DEPTH}")


def _in_words(error: UnexpectedToken, text: str) -> WorkoutError:
    names = set(error.expected)
    place = len(text.rstrip()) if error.token.type == "$END" else _start(error.token)
    # to an LALR parser ")" and the end are allowed at the same places; which of them it is, the parentheses say
    if "RPAR" in names and text.count("(", 0, place) == text.count(")", 0, place):
        names = names - {"RPAR"} | {"$END"}
    if "KIND" in names:
        names -= {"LPAR"}
    match = re.compile(r"[^\s,()@|]+|.").match(text, place)
    word = match[0].strip() if match else ""
    expected = _listed(dict.fromkeys(words for name, words in _EXPECTED.items() if name in names))
    expected += _hint(word, item=_ITEM in expected)
    found = f'"{word}"' if word.isprintable() else ascii(word)
    return WorkoutError(place + 1, found if word else "the end", expected)


def _start(token: Token) -> int:
    return token.start_pos or 0  # Lark always says, its type does not


def _hint(word: str, *, item: bool) -> str:
    """What was meant, perhaps."""
    close = difflib.get_close_matches(word.lower(), ("walk", "run", "rest", "until", "for"), n=1) if item else []
    if close:
        return f" ({close[0]}, perhaps?)"
    return next((f' ("{right}" for "{wrong}")' for wrong, right in _LOOK_ALIKES.items() if wrong in word), "")


def _listed(words: Iterable[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} or {last}" if first else last


def _items(nodes: Sequence[Token | Tree[Token]]) -> tuple[Item, ...]:
    return tuple(_item(node) for node in nodes if isinstance(node, Tree))


def _item(node: Tree[Token]) -> Item:
    first = node.children[0]
    if node.data == "repeat":
        low, high = _count(first) if isinstance(first, Token) else (1, 1)
        return Repeat(low, high, _items(node.children))
    assert isinstance(first, Token)
    amount = node.children[1]
    assert isinstance(amount, Tree)
    if node.data == "until":
        return _until(first, _amount(amount), _items(node.children[2:]))
    kind = Kind(first)
    return Segment(kind, _amount(amount, rest=kind is Kind.REST), _mods(node.children[2:]))


def _until(word: Token, amount: Amount, items: tuple[Item, ...]) -> Until:
    item = Until(amount, items, str(word))
    if not reaches(item):
        raise _refused(word, f'"{word}" a distance over rest alone', "something to walk or run, for rest covers none")
    return item


def _count(token: Token) -> tuple[int, int] | tuple[None, None]:
    text = token.removesuffix("x").strip()
    if text == "?":
        return None, None
    low, _, high = text.partition("-")
    counts = int(low), int(high or low)
    if counts[0] == 0:
        raise _refused(token, f'"{token}"', "a count of 1 or more")
    if counts[0] > counts[1]:
        raise _refused(token, f'"{token}"', f'the lower end first, "{counts[1]}-{counts[0]}x"')
    return counts


def _amount(node: Tree[Token], *, rest: bool = False) -> Amount:
    measures: dict[Quantity, Measure] = {}
    for token in node.children:
        assert isinstance(token, Token)
        measure = _measure(token)
        if rest and measure.quantity is Quantity.DISTANCE:
            raise _refused(token, f'"{token}"', "a time, for rest covers no distance")
        if measure.quantity in measures:
            raise _refused(token, f'"{token}"', "one time and one distance at most")
        measures[measure.quantity] = measure
    return Amount(tuple(measures.values()))


def _measure(token: Token) -> Measure:
    match = _MEASURE.fullmatch(token)
    assert match is not None
    unit = match[3]
    low, high = (float(number) * UNITS[unit] for number in (match[1], match[2] or match[1]))
    quantity = Quantity.TIME if unit in DURATION_UNITS_S else Quantity.DISTANCE
    if low == 0:
        raise _refused(token, f'"{token}"', "more than zero")
    if low > high:
        raise _refused(token, f'"{token}"', f'the lower end first, "{match[2]}-{match[1]}{unit}"')
    if high > (MAX_TIME_S if quantity is Quantity.TIME else MAX_DISTANCE_M):
        raise _refused(token, f'"{token}"', "at most 24h" if quantity is Quantity.TIME else "at most 200km")
    return Measure(quantity, low, high, unit)


def _mods(nodes: Sequence[Token | Tree[Token]]) -> tuple[str, ...]:
    sorts: set[str | None] = set()
    tokens = [token for token in nodes if isinstance(token, Token)]
    for token in tokens:
        sort, wrong = sort_of(token)
        if wrong:
            raise _refused(token, f'"{token}"', wrong)
        if sort in sorts:
            raise _refused(token, f'"{token}"', f"{sort} only once")
        sorts.add(sort)
    return tuple(str(token) for token in tokens)


def _refused(token: Token, found: str, expected: str) -> WorkoutError:
    return WorkoutError(_start(token) + 1, found, expected)


def render(workout: Workout) -> str:
    """The text of a workout, in the one way we write it: parse_workout(render(w)) == w."""
    return _rendered(workout.items)


def _rendered(items: Iterable[Item]) -> str:
    return ", ".join(_rendered_item(item) for item in items)


def _rendered_item(item: Item) -> str:
    if isinstance(item, Segment):
        return " ".join((item.kind, rendered_amount(item.amount), *(f"@{mod}" for mod in item.mods)))
    if isinstance(item, Until):
        return f"{item.word} {rendered_amount(item.amount)} ({_rendered(item.items)})"
    counts = (item.low,) if item.low == item.high else (item.low, item.high)
    times = "-".join("?" if count is None else str(count) for count in counts)
    return f"{times}x({_rendered(item.items)})"


def rendered_amount(amount: Amount, *, to: str = "-", space: str = "", either: str = "|") -> str:
    """An amount as it is written, or with other words between its parts."""
    return either.join(f"{to.join(_ends(measure))}{space}{measure.unit}" for measure in amount.alternatives)


def _ends(measure: Measure) -> list[str]:
    ends = [measure.low] if measure.low == measure.high else [measure.low, measure.high]
    # a text has at most six decimals, so six give back what was written
    return [f"{end / UNITS[measure.unit]:.6f}".rstrip("0").rstrip(".") for end in ends]
