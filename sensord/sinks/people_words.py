"""A letter as people read it. Plain words, no promise: what was measured, which limit, who set it, what remains."""

from __future__ import annotations

from sensord.model import Level
from sensord.sinks.letter import Letter
from sensord.sinks.messages import LATE_S
from sensord.sinks.notices import Notice, Phase
from sensord.sinks.people_rules import RANK, local_time
from sensord.sinks.receipts import code_of

SHOWN = 30
"""Design choice: so many messages are written out in a summary, the loudest first; the rest is counted."""

NOTE = "sensord is a monitoring tool. Limits come from the therapist; sensord compares with them and tells."


def subject(letter: Letter) -> str:
    """Alias and level, nothing about health: subjects are shown on locked screens."""
    level = loudest(letter)
    runners = ", ".join(dict.fromkeys(notice.runner for notice in letter.notices))
    if letter.summary:
        count = len(letter.notices)
        return f"sensord: {runners}: summary, {count} message{'s'[: count != 1]}, up to {level.value}"
    phase = letter.notices[0].phase
    kind = {
        Phase.ONSET: level.value,
        Phase.REMINDER: f"{level.value}, reminder",
        Phase.RECOVERY: f"{level.value} ended",
    }
    return f"sensord: {runners}: {kind[phase]}"


def body(letter: Letter, *, full: bool) -> str:
    """The text. Not `full`: only that there is something, of which level, about whom."""
    parts = _short(letter) if not full else _summary(letter) if letter.summary else _single(letter)
    return "\n".join([*parts, "", NOTE, f"Message: {letter.key}", ""])


def loudest(letter: Letter) -> Level:
    """The highest level in it."""
    return max((notice.level for notice in letter.notices), key=RANK.__getitem__)


def _short(letter: Letter) -> list[str]:
    count = len(letter.notices)
    what = "a message" if count == 1 else f"{count} messages"
    runners = ", ".join(dict.fromkeys(notice.runner for notice in letter.notices))
    return [f"There is {what} about {runners}, up to {loudest(letter).value}. sensord's page shows it.", *_asks(letter)]


def _single(letter: Letter) -> list[str]:
    notice, age_s = letter.notices[0], letter.ages_s[0]
    lines = [
        notice.cue,
        notice.text,
        "",
        f"Runner: {notice.runner}. Level: {notice.level.value}. {_when(letter, notice)}",
    ]
    lines.append(_source(letter, notice))
    if notice.phase is Phase.REMINDER:
        lines.append("Said again: it still lasts.")
    elif age_s is not None and age_s > LATE_S:
        lines.append(f"Late: this happened {_ago(age_s)} before it was sent.")
    return lines + _asks(letter)


def _summary(letter: Letter) -> list[str]:
    paired = sorted(zip(letter.notices, letter.ages_s, strict=True), key=lambda pair: -RANK[pair[0].level])
    count = len(paired)
    lines = [
        f"{count} message{'s'[: count != 1]} that {'were' if count != 1 else 'was'} kept back or could not be sent:"
    ]
    for notice, age_s in paired[:SHOWN]:
        ago = "" if age_s is None else f", {_ago(age_s)} ago"
        lines += [
            "",
            f"- {notice.level.value}, {notice.runner}. {_when(letter, notice)[:-1]}{ago}",
            f"  {notice.cue}: {notice.text}",
        ]
    if count > SHOWN:
        lines += ["", f"... and {count - SHOWN} more, none louder. sensord's page shows all."]
    return [*lines, "", _source(letter, paired[0][0]), *_asks(letter)]


def _when(letter: Letter, notice: Notice) -> str:
    if notice.at_wall_ns is None:
        return "When: not known, the clock could not be trusted."
    return local_time(notice.at_wall_ns, letter.timezone).strftime("When: %Y-%m-%d %H:%M.")


def _source(letter: Letter, notice: Notice) -> str:
    return ("Decided by the rules of " if notice.event is None else "Limits as in ") + letter.limits_by + "."


def _asks(letter: Letter) -> list[str]:
    """Only urgent needs to be acknowledged."""
    urgent = [n for n in letter.notices if n.level is Level.URGENT and n.phase is not Phase.RECOVERY]
    return [
        f"Please say that you have seen this, on sensord's page or by: sensord ack {code_of(notice.alert)}"
        for notice in urgent[:SHOWN]
    ]


def _ago(age_s: float) -> str:
    """A time span in its largest unit that fits."""
    for size_s, name in ((86_400, "d"), (3600, "h"), (60, "min")):
        if age_s >= 2 * size_s or (age_s >= size_s and name == "min"):
            return f"{age_s / size_s:.0f} {name}"
    return f"{max(age_s, 0.0):.0f} s"
