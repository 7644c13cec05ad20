"""What every section of a plan file has in common: strictness, and how a rule of ours says no."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict
from pydantic_core import PydanticCustomError


def refusal(expected: str, **context: str | None) -> PydanticCustomError:
    """A rule of ours says no. `key`: which key of the section; `found`: what to say when it is not written there;
    `other`: the key it is compared with."""
    return PydanticCustomError("plan", "{expected}", {"found": None, "expected": expected, **context})


def clears(block: BaseModel, clear_key: str, level_keys: Sequence[str]) -> None:
    """What ends an alert (a key of `needs`) is on the good side of the first level that the block has."""
    clear = getattr(block.needs, clear_key)  # type: ignore[attr-defined]
    first = next(key for key in level_keys if getattr(block, key) is not None)
    if clear >= getattr(block, first):
        raise refusal(f"less than {first}", key=f"needs.{clear_key}", found=f"{clear:g}", other=first)


def any_of(*keys: str) -> ConfigDict:
    """Says in the JSON Schema that one of the keys at least is needed."""
    return ConfigDict(json_schema_extra={"anyOf": [{"required": [key]} for key in keys]})


class Section(BaseModel):
    """A table of the file: unknown keys and values of another kind are refused."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)
