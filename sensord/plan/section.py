"""What every section of a plan file has in common: strictness, and how a rule of ours says no."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict
from pydantic_core import PydanticCustomError


def refusal(expected: str, **context: str | None) -> PydanticCustomError:
    """A rule of ours says no. `key`: which key of the section; `found`: what to say when it is not written there;
    `other`: the key it is compared with."""
    return PydanticCustomError("plan", "{expected}", {"found": None, "expected": expected, **context})


def needs_a_limit(warn: float | None, stop: float | None, warn_key: str, stop_key: str) -> None:
    """One of the two at least."""
    if warn is None and stop is None:
        raise refusal(f"{warn_key}, {stop_key} or both", key=warn_key, found="nothing")


def ordered(warn: float | None, stop: float | None, warn_key: str, stop_key: str) -> None:
    """The quieter one first."""
    if warn is not None and stop is not None and warn > stop:
        raise refusal(f"at most {stop_key}", key=warn_key, other=stop_key)


def clears(clear: float, warn: float | None, stop: float | None, keys: tuple[str, str, str]) -> None:
    """What ends an alert is on the good side of what begins it."""
    clear_key, warn_key, stop_key = keys
    first, first_key = (warn, warn_key) if warn is not None else (stop, stop_key)
    if first is not None and clear >= first:
        raise refusal(f"less than {first_key}", key=f"needs.{clear_key}", found=f"{clear:g}", other=first_key)


def any_of(*keys: str) -> ConfigDict:
    """Says in the JSON Schema what `needs_a_limit` checks."""
    return ConfigDict(json_schema_extra={"anyOf": [{"required": [key]} for key in keys]})


class Section(BaseModel):
    """A table of the file: unknown keys and values of another kind are refused."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)
