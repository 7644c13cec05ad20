"""Runs and answers in a file, past or invented, for `sensord plan simulate FILE --history X`.

TOML, one table for each thing that happened:

    known_from = 2026-01-01                      # from then on all runs are in this file; without it: not checked
    [[run]]
    at = 2026-03-02T18:00:00                     # local time of the plan's time zone, unless it has an offset
    minutes = 31                                 # from its start to its end
    distance = "3.2km"
    done_pct = 100                               # of the workout
    reps = 6                                     # runs of the workout that were done
    [[checkin]]
    at = 2026-03-02T18:40:00
    moment = "after"                             # before, during, after, after_60min, next_morning; daily: about no run
    answers = {"pain.during" = 0, gait_altered = false}
    [[test]]
    at = 2026-03-01T09:00:00
    item = "hop"                                 # of the readiness checklist; value, side, pain, gait, or passed
    value = 82.0
    side = "left"
    [[decision]]
    at = 2026-03-09T09:00:00
    verdict = "advance"                          # advance, set_stage (with stage), hold, release, ready

An answer is about the last run before it, or the one of that `name`.

CSV, one line for each run with its answers, a line without minutes for a day:

    at,minutes,distance_km,run_min,done_pct,reps,pain.during,pain.next_morning,night_pain
    2026-03-02 18:00,31,3.2,6,100,6,0,0,
    2026-03-04 07:00,,,,,,,,yes

Columns after `reps` are questions by their field; what is empty was not answered. Mornings are answered at 07:30.
"""

from __future__ import annotations

import csv
import io
import tomllib
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, tzinfo
from itertools import count
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, model_validator

from sensord.errors import InputError, Problem
from sensord.model import NS
from sensord.plan.days import clock_ns, later, local_date
from sensord.plan.facts import Approval, CheckIn, Fact, HistoryKnown, Key, Moment, RunFact, Tested, Verdict
from sensord.plan.fields import Answer, field_of
from sensord.plan.problems import problems_of
from sensord.plan.quantity import Duration, Length
from sensord.plan.questions import moment_of
from sensord.plan.section import Section, refusal

GATEWAY = "history"
WHO = "history file"

MORNING = time(7, 30)
AFTER_S = 5 * 60
"""A run's answers in a CSV come so long after its end (design choice: they have no time of their own)."""

Name = Annotated[str, Field(min_length=1, max_length=64)]


FIRST_YEAR, LAST_YEAR = 1990, 2100
"""Design choice: what lies outside is a slip of the pen, and no clock counts far beyond it."""


def _year(at: datetime) -> datetime:
    if not FIRST_YEAR <= at.year <= LAST_YEAR:
        raise refusal(f"a time between {FIRST_YEAR} and {LAST_YEAR}")
    return at


def _day(day: date | None) -> date | None:
    if day is not None and not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise refusal(f"a day between {FIRST_YEAR} and {LAST_YEAR}")
    return day


class _Dated(Section):
    at: Annotated[datetime, AfterValidator(_year)]


class _Run(_Dated):
    name: Name | None = None
    minutes: Annotated[float, Field(gt=0, le=1440)]
    distance: Length | None = None
    run_distance: Length | None = None
    run_time: Duration | None = None
    done_pct: Annotated[float | None, Field(ge=0, le=100)] = None
    reps: Annotated[int | None, Field(ge=0, le=1000)] = None
    surface: Annotated[str | None, Field(min_length=1, max_length=40)] = None
    clock: Annotated[bool, Field(description="false: the time is a guess.")] = True


def _answers(value: object) -> object:
    if not isinstance(value, dict) or not value:
        raise refusal('answers by field, such as {"pain.during" = 0}')
    return {name: _answer(str(name), answer) for name, answer in value.items()}


def _answer(name: str, answer: object) -> Answer:
    field = field_of(name)
    if field is None:
        raise refusal("a field of docs/plan-file.md", found=f"unknown field {name}")
    if not field.allows(answer):
        raise refusal(f"{name}: {field.answers}", found=repr(answer))
    return float(answer) if field.kind is float else answer  # type: ignore[arg-type,return-value]


class _CheckIn(_Dated):
    moment: Literal["before", "during", "after", "after_60min", "next_morning", "daily"]
    run: Name | None = None
    answers: Annotated[dict[str, float | bool | str], BeforeValidator(_answers)]


class _Test(_Dated):
    item: Name
    value: float | str | None = None
    side: Literal["left", "right"] | None = None
    pain: Annotated[float | None, Field(ge=0, le=10)] = None
    gait: Annotated[str | None, Field(max_length=40)] = None
    passed: bool | None = None


class _Decision(_Dated):
    verdict: Literal["advance", "set_stage", "hold", "release", "ready"]
    stage: Name | None = None
    reason: str = WHO

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.verdict == "set_stage") != (self.stage is not None):
            raise refusal('a stage with verdict = "set_stage", and only there', key="stage")
        return self


class _History(Section):
    known_from: Annotated[date | None, AfterValidator(_day)] = None
    run: list[_Run] = Field(default_factory=list)
    checkin: list[_CheckIn] = Field(default_factory=list)
    test: list[_Test] = Field(default_factory=list)
    decision: list[_Decision] = Field(default_factory=list)


def read_history(text: str, file: str, tz: tzinfo = UTC) -> tuple[Fact, ...]:
    """The facts of a history file; `file` is what problems call it, and its ending says whether it is CSV. `tz`: of the
    times that have no offset. Raises InputError with every problem."""
    text = text.removeprefix("\ufeff")
    if file.lower().endswith(".csv"):
        return _Csv(file, tz).facts(text)
    try:
        values: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(Problem(file, "", f"broken TOML: {error}", "a TOML file")) from None
    except RecursionError:
        raise InputError(Problem(file, "", "lists or tables nested without end", "a history file")) from None
    try:
        history = _History.model_validate(values)
    except ValidationError as error:
        raise InputError(problems_of(error, text, file, _History)) from None
    return _facts(history, file, tz)


def _ns(at: datetime, tz: tzinfo) -> int:
    return int((at if at.tzinfo is not None else at.replace(tzinfo=tz)).timestamp()) * NS


def _facts(history: _History, file: str, tz: tzinfo) -> tuple[Fact, ...]:
    number = count(1)
    found: list[Fact] = []
    if history.known_from is not None:
        from_ns = clock_ns(history.known_from, time(), tz)
        found.append(HistoryKnown(Key(GATEWAY, next(number)), from_ns, WHO))
    runs = [_run(run, index, tz) for index, run in enumerate(history.run, start=1)]
    for index, told in enumerate(history.checkin, start=1):
        at_ns = _ns(told.at, tz)
        about = (
            None
            if told.moment == "daily"
            else _about(told.run, at_ns, runs, Problem(file, f"checkin.#{index}.run", "", ""))
        )
        moment = Moment(told.moment)
        found.append(CheckIn(Key(GATEWAY, next(number)), at_ns, moment, about, dict(told.answers)))
    for test in history.test:
        value = float(test.value) if isinstance(test.value, int) else test.value
        key = Key(GATEWAY, next(number))
        found.append(Tested(key, _ns(test.at, tz), test.item, WHO, value, test.side, test.pain, test.passed, test.gait))
    for said in history.decision:
        key = Key(GATEWAY, next(number))
        found.append(Approval(key, _ns(said.at, tz), Verdict(said.verdict), WHO, said.reason, said.stage))
    return (*runs, *found)


def _run(run: _Run, index: int, tz: tzinfo) -> RunFact:
    begun_ns = _ns(run.at, tz)
    name = run.name or f"run {index}"
    return RunFact(
        key=Key(GATEWAY, 0, name),
        at_wall_ns=begun_ns,
        end_wall_ns=begun_ns + round(run.minutes * 60) * NS,
        run=name,
        source="manual",
        clock_trusted=run.clock,
        distance_m=run.distance,
        run_distance_m=run.run_distance,
        run_time_s=run.run_time,
        surface=run.surface,
        done_pct=run.done_pct,
        reps_done=run.reps,
    )


def _about(name: str | None, at_ns: int, runs: Iterable[RunFact], problem: Problem) -> str:
    """The run an answer is about: the one of that name, or the last that had begun. `problem`: where it stands."""
    known = list(runs)
    if name is not None:
        if name not in {run.run for run in known}:
            listed = ", ".join(run.run for run in known[:8]) or "none"
            raise InputError(Problem(problem.file, problem.place, f'"{name}"', f"the name of a run ({listed})"))
        return name
    begun = [run for run in known if run.at_wall_ns <= at_ns]
    if not begun:
        raise InputError(Problem(problem.file, problem.place, "no run before it", 'a run, or moment = "daily"'))
    return max(begun, key=lambda run: run.at_wall_ns).run


# ------------------------------------------------------------------------------------------ CSV

_NUMBERS: Mapping[str, tuple[float, float]] = {
    "minutes": (0.0, 1440.0),
    "distance_km": (0.0, 1000.0),
    "run_min": (0.0, 1440.0),
    "done_pct": (0.0, 100.0),
    "reps": (0.0, 1000.0),
}
_WORDS: Mapping[str, bool] = {"yes": True, "true": True, "no": False, "false": False}


class _Csv:
    """Reads lines one by one and gathers what is wrong."""

    def __init__(self, file: str, tz: tzinfo) -> None:
        self._file, self._tz = file, tz
        self._problems: list[Problem] = []
        self._number = count(1)

    def facts(self, text: str) -> tuple[Fact, ...]:
        """All of them; InputError with every problem."""
        rows = csv.DictReader(io.StringIO(text))
        try:
            return self._read(rows)
        except csv.Error as error:
            place = f"line {rows.reader.line_num}"
            raise InputError(Problem(self._file, place, f"no CSV: {error}", "a line for each run")) from None

    def _read(self, rows: csv.DictReader[str]) -> tuple[Fact, ...]:
        columns = [name.strip() for name in rows.fieldnames or ()]
        rows.fieldnames = columns
        if "at" not in columns:
            raise InputError(Problem(self._file, "line 1", ",".join(columns) or "nothing", "a column called at"))
        for name in sorted({name for name in columns if columns.count(name) > 1}):
            self._wrong(1, name, "this column twice", "each column once")
        for name in columns:
            if name != "at" and name not in _NUMBERS and field_of(name) is None:
                known = ", ".join(("at", *_NUMBERS))
                self._wrong(1, name, "an unknown column", f"one of: {known}, or a field of docs/plan-file.md")
        found: list[Fact] = []
        for row in rows:
            found += self._row(row, rows.line_num)
        if self._problems:
            raise InputError(self._problems)
        return tuple(found)

    def _wrong(self, line: int, column: str, found: str, expected: str) -> None:
        self._problems.append(Problem(self._file, f"line {line}, {column}", found, expected))

    def _row(self, row: Mapping[str, Any], line: int) -> list[Fact]:
        if None in row or None in row.values():
            self._wrong(line, "columns", "another number of values than columns", "one value for each column")
            return []
        texts = {name: text.strip() for name, text in row.items() if text.strip()}
        if not texts:
            return []
        at_ns = self._at_ns(texts.get("at", ""), line)
        if at_ns is None:
            return []
        numbers = {name: self._value(name, texts[name], line) for name in _NUMBERS if name in texts}
        answers = {
            name: self._told(name, text, line)
            for name, text in texts.items()
            if field_of(name) and name not in _NUMBERS
        }
        told = {name: answer for name, answer in answers.items() if answer is not None}
        if "minutes" in numbers:
            return self._run(at_ns, numbers, told, line)
        if not told:
            self._wrong(line, "minutes", "nothing", "the minutes of a run, or an answer")
            return []
        return [CheckIn(Key(GATEWAY, next(self._number)), at_ns, Moment.DAILY, None, told)]

    def _at_ns(self, text: str, line: int) -> int | None:
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            self._wrong(line, "at", text or "nothing", "a time such as 2026-03-02 18:00")
            return None
        if FIRST_YEAR <= at.year <= LAST_YEAR:
            return _ns(at, self._tz)
        self._wrong(line, "at", text, f"a time between {FIRST_YEAR} and {LAST_YEAR}")
        return None

    def _value(self, name: str, text: str, line: int) -> float | None:
        low, high = _NUMBERS[name]
        try:
            value = float(text)
        except ValueError:
            value = -1.0
        if low <= value <= high:
            return value
        self._wrong(line, name, text, f"{low:g} to {high:g}")
        return None

    def _told(self, name: str, text: str, line: int) -> Answer | None:
        field = field_of(name)
        assert field is not None  # only fields come here
        answer: Answer = text
        if field.kind is bool:
            answer = _WORDS.get(text.lower(), text)
        elif field.kind is float:
            try:
                answer = float(text)
            except ValueError:
                answer = text
        if field.allows(answer):
            return answer
        self._wrong(line, name, text, field.answers.replace("true or false", "yes or no"))
        return None

    def _run(
        self, at_ns: int, numbers: Mapping[str, float | None], told: Mapping[str, Answer], line: int
    ) -> list[Fact]:
        end_ns = at_ns + round((numbers["minutes"] or 0.0) * 60) * NS
        name = f"line {line}"
        km, run_min, reps = (numbers.get(key) for key in ("distance_km", "run_min", "reps"))
        run = RunFact(
            key=Key(GATEWAY, 0, name),
            at_wall_ns=at_ns,
            end_wall_ns=end_ns,
            run=name,
            source="manual",
            distance_m=None if km is None else km * 1000.0,
            run_time_s=None if run_min is None else run_min * 60.0,
            done_pct=numbers.get("done_pct"),
            reps_done=None if reps is None else round(reps),
        )
        return [run, *self._check_ins(run, told)]

    def _check_ins(self, run: RunFact, told: Mapping[str, Answer]) -> list[Fact]:
        """Each answer at the moment at which it is usually asked."""
        by_moment: dict[Moment, dict[str, Answer]] = {}
        for name, answer in told.items():
            by_moment.setdefault(moment_of(name), {})[name] = answer
        next_day = later(local_date(run.end_wall_ns, self._tz), 1)
        times = {
            Moment.BEFORE: run.at_wall_ns,
            Moment.AFTER: run.end_wall_ns + AFTER_S * NS,
            Moment.AFTER_60MIN: run.end_wall_ns + 3600 * NS,
            Moment.NEXT_MORNING: clock_ns(next_day, MORNING, self._tz),
            Moment.DAILY: clock_ns(next_day, MORNING, self._tz),
        }
        return [
            CheckIn(
                Key(GATEWAY, next(self._number)),
                times[moment],
                moment,
                None if moment is Moment.DAILY else run.run,
                answers,
            )
            for moment, answers in by_moment.items()
        ]
