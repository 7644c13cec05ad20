"""The result as documents: the tables of docs/accuracy.md and of the README, from the JSON alone, without any data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

from sensord.errors import InternalError
from sensord.model import Json
from sensord.validation.fitted import CONSTANTS_FITTED_ON
from sensord.validation.words import HEADS, NONE, cells

COMMAND = "python bench/accuracy.py --write"
BEGIN = f"<!-- accuracy:begin (written by `{COMMAND}`) -->"
END = "<!-- accuracy:end -->"

SECTION_WORDS = {
    "contacts": "Found, and invented, against the force plate (20 N) or the simulator. A run's last one counts.",
    "timing": "Running against the force plate (20 N), both runners with one set of constants.",
    "timing by sensor": "What the acceleration adds to the pitch rate: only where no shock was placed at the event.",
    "timing, simulated": "The same on the simulated runner: how the bias moves with speed and strike.",
    "contact time skill": "Whether contact time follows the truth, and an imposed difference between left and right.",
    "cadence": "Each stride against the force plate.",
    "walking": "The gaitmap shoes (optical reference) and five people indoors with a turn (events set by hand; the "
    "first and the last of each foot lie on the bounds of a trial and are reported apart).",
    "length and speed": "Against optical capture (walking) and the belt (running).",
    "strike": "The angle of the foot at contact, toe up, against markers.",
    "delay": "Signals pushed 10 ms at a time, as a radio would: when a contact is told, and when a stride is final.",
    "streamed run": "A real pod at 100 Hz over Bluetooth, 11 % of the samples lost, one axis clips; beside a Stryd.",
    "force": "Impulse and peak force from true timing (the models alone), and from pods, against force plates.",
    "asymmetry": "How often the 95 % interval of a left/right difference holds the truth.",
    "clock": "Pod time to run time of two pods, against simulated truth.",
    "robustness": "The same recordings turned in their pods, at other rates, and at rates that are too low.",
    "lab": "A lab's own truth (docs/validation.md).",
}

MAP = "clock map between two pods"
Headline = tuple[str, str, str]
HEADLINES: tuple[Headline, ...] = (
    # section, what, data: the rows that the README shows
    ("timing", "IC", "jdx, smooth 200 Hz"),
    ("timing", "IC", "rbds, smooth 200 Hz"),
    ("timing", "TC", "jdx, smooth 200 Hz"),
    ("timing", "TC", "rbds, smooth 200 Hz"),
    ("timing", "contact time", "jdx, smooth 200 Hz"),
    ("timing", "contact time", "rbds, smooth 200 Hz"),
    ("timing", "contact time", "jdx, smooth 200 Hz, resampled to 100 Hz"),
    ("timing", "contact time", "rbds, smooth 200 Hz, resampled to 100 Hz"),
    ("timing", "difference of the two runners' contact time", "jdx and rbds, smooth 200 Hz"),
    ("cadence", "cadence, per stride", "jdx, smooth 200 Hz"),
    ("cadence", "cadence, per stride", "rbds, smooth 200 Hz"),
    ("streamed run", "strides counted", "wearable-my-foot run, 100 Hz"),
    ("walking", "IC", "gaitmap walk, 204.8 Hz"),
    ("walking", "TC", "gaitmap walk, 204.8 Hz"),
    ("walking", "contacts found", "gaitmap walk, 204.8 Hz"),
    ("walking", "TC, straight on", "gaitmap walk, 204.8 Hz"),
    ("walking", "IC within 100 ms, in the walk", "ipol walk, 100 Hz"),
    ("walking", "TC within 100 ms, in the walk", "ipol walk, 100 Hz"),
    ("walking", "IC within 100 ms, all of these", "ipol walk, 100 Hz"),
    ("walking", "TC within 100 ms, all of these", "ipol walk, 100 Hz"),
    ("length and speed", "stride length, walking", "gaitmap walk, 204.8 Hz"),
    ("length and speed", "speed, running", "jdx, impact 200 Hz"),
    ("length and speed", "speed, running", "rbds, impact 200 Hz"),
    ("length and speed", "speed, running, personalised on the first half", "jdx, impact 200 Hz"),
    ("length and speed", "speed, running, personalised on the first half", "rbds, impact 200 Hz"),
    ("streamed run", "distance", "wearable-my-foot run, 100 Hz"),
    ("strike", "strike angle", "rbds, impact 200 Hz"),
    ("strike", "rearfoot told from non-rearfoot", "jdx and rbds, impact 200 Hz"),
    ("force", "impulse per step, level, from true timing", "alcantara, trial means"),
    ("force", "peak force, level, from true timing", "alcantara, trial means"),
    (
        "streamed run",
        "contact time beside Stryd, per second, each second's own strides",
        "wearable-my-foot run, 100 Hz",
    ),
    ("streamed run", "contact time beside Stryd, per second, mean of 5 s", "wearable-my-foot run, 100 Hz"),
    ("clock", f"{MAP} without a ritual, 30 s to 60 s", "two pods, ±300 ppm, delays to 200 ms (uniform), 2 % loss"),
    ("clock", f"{MAP} without a ritual, 30 s to 60 s", "two pods, ±300 ppm, delays to 200 ms (in order), 2 % loss"),
    ("clock", f"{MAP} after the ritual, 75 s to 120 s", "two pods, ±300 ppm, delays to 200 ms (uniform), 2 % loss"),
)
CONTACTS = {
    "derived": "two runners, six variants each, one with 2 % lost",
    "simulated": "three strikes, 6 to 25 km/h, without and with 2 % lost",
}
README_HEADS = ("what", "on", "n", "bias", "SD", "score", "best constant", "to reach", "")


def accuracy_tables(result: Mapping[str, Json]) -> str:
    """The part of docs/accuracy.md between its marks, marks included."""
    parts = [_stands(result)]
    for section, rows in groupby(result["rows"], key=lambda row: row["section"]):
        head = f"### {section[:1].upper()}{section[1:]}"
        parts.append(f"{head}\n\n{_words(section)}\n\n{_table(HEADS, (cells(r) for r in rows))}\n")
    return "\n".join([BEGIN, *parts, END])


def readme_table(result: Mapping[str, Json]) -> str:
    """The part of the README between its marks, marks included."""
    rows = {(row["section"], row["what"], row["data"]): row for row in result["rows"]}
    absent = [" / ".join(key) for key in HEADLINES if key not in rows]
    if absent:
        raise InternalError("the README shows rows that the result has not: " + "; ".join(absent))
    found = [row for row in result["rows"] if row["section"] == "contacts"]
    lines = [_contacts_line(found, kind, words) for kind, words in CONTACTS.items()]
    lines += [_readme_cells(rows[key]) for key in HEADLINES]
    return f"{BEGIN}\n{_table(README_HEADS, lines)}\n\n{_stands(result).strip()}\n{END}"


def with_part(text: str, part: str) -> str:
    """A document with the part in its place; InternalError without its marks."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise InternalError(f"no place for the table: {BEGIN} … {END}")
    return f"{before}{part}{after}"


def _contacts_line(rows: Sequence[Mapping[str, Json]], kind: str, words: str) -> list[str]:
    """All rows of contacts of one kind in one line."""
    own = [row for row in rows if row["kind"] == kind]
    met = sum(row["verdict"] == "met" for row in own)
    n = sum(row["n"] for row in own)
    verdict = "met" if met == len(own) else "not met"
    counts = f"{met} of {len(own)} recordings without a miss or an invention"
    return [
        "contacts",
        f"{words} ({kind})",
        str(n),
        NONE,
        NONE,
        counts,
        NONE,
        own[0]["target"],
        verdict,
    ]


def _readme_cells(row: Mapping[str, Json]) -> list[str]:
    what, on, kind, _, n, bias, sd, _, score, constant, target, _ = cells(row)
    reason = f": {row['reason']}" if row["reason"] else ""
    return [what, f"{on} ({kind})", n, bias, sd, score, constant, target, f"{row['verdict']}{reason}"]


def _stands(result: Mapping[str, Json]) -> str:
    """How many targets are met."""
    verdicts = [row["verdict"] for row in result["rows"]]
    counts = [f"{verdicts.count(v)} {v}" for v in ("met", "not met", "not measured") if v in verdicts]
    cannot = verdicts.count("the data cannot support this number")
    if cannot:
        counts.append(f"{cannot} that the data cannot support")
    targets = len(verdicts) - verdicts.count("reported")
    told = f"Algorithm {result['algorithm']}: of {targets} rows with a target {', '.join(counts)}."
    lacks = "".join(f"\n- {m['section']}: not run, without {m['lacks']}" for m in result["missing"])
    return f"{told}\n{lacks}"


def _words(section: str) -> str:
    """What a section is about, and on whom the constants behind it were fitted."""
    fitted = CONSTANTS_FITTED_ON.get(section)
    return SECTION_WORDS[section] + (f"\n\nConstants: {fitted}." if fitted else "")


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    return "\n".join([*lines, *("| " + " | ".join(c.replace("|", "\\|") for c in row) + " |" for row in rows)])
