"""Settings: flags > environment `SENSORD__SECTION__KEY` > `--config` file > XDG > /etc > defaults.

Faces import this and nobody else: the core gets plain values. Every problem is reported at once, each with the file (or
variable) it stands in, the key, what was found and what is allowed. Secrets never stand in a file of settings: a key
ends in `_file`, or the secret is a systemd credential.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from sensord.errors import InputError, Problem
from sensord.model import PodSetup, Side, StepLengths

ENV_PREFIX = "SENSORD__"


def _name(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,32}", value):
        raise ValueError("1 to 32 letters, digits, - or _")
    return value


Name = Annotated[str, AfterValidator(_name)]
"""What may stand in a topic, a tag and a file name."""


def _address(value: str) -> str:
    if not value.strip():
        raise ValueError("a Bluetooth address such as C0:00:00:00:00:01")
    return value.strip().upper()


def _url(value: str) -> str:
    if not value.startswith(("http://", "https://")):
        raise ValueError("an address that starts with http:// or https://")
    return value.rstrip("/")


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=False)


class PodSettings(_Section):
    """One pod: its Bluetooth address, the foot it is worn on (none for sensors), the driver that speaks to it."""

    address: Annotated[str, AfterValidator(_address)]
    side: Side | None = None
    driver: str = "open-pod"
    notify: Literal["start", "acquire"] = "start"
    """How BlueZ hands its data on: by D-Bus signals, or by a socket, which is cheaper but which some pods and
    bluetoothd 5.66 take badly."""


class StreamSettings(_Section):
    """What is asked of the pods."""

    rate_hz: Annotated[int, Field(ge=50, le=1000)] = 200
    acc_range_g: Annotated[int, Field(ge=8, le=400)] = 32
    gyr_range_dps: Annotated[int, Field(ge=500, le=4000)] = 2000


class DistanceSettings(_Section):
    """Step lengths where none can be measured: hers, over a known distance."""

    walk_step_m: Annotated[float, Field(ge=0.2, le=1.5)] = StepLengths().walk_m
    run_step_m: Annotated[float, Field(ge=0.3, le=2.5)] = StepLengths().run_m


class ConditionsSettings(_Section):
    """What values depend on: baselines mix only runs of the same shoe, surface and mount. Short words of one's own."""

    shoe: Name | None = None
    surface: Name | None = None
    mount: Name | None = None
    grade_pct: Annotated[float | None, Field(ge=-45, le=45)] = None


class InfluxSettings(_Section):
    """Where strides, windows, alerts and limits go besides the built-in store."""

    url: Annotated[str, AfterValidator(_url)]
    org: str = "sensord"
    bucket: str = "sensord"
    token_file: Path | None = None


class MqttSettings(_Section):
    """The broker that carries alerts."""

    host: str
    port: Annotated[int, Field(ge=1, le=65535)] = 1883
    username: str | None = None
    password_file: Path | None = None
    tls: bool = False
    ca_file: Path | None = None


def _mail_address(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9.-]+", value):
        raise ValueError("a mail address such as name@clinic.example, without a name before it")
    return value


MailAddress = Annotated[str, AfterValidator(_mail_address)]


class MailSettings(_Section):
    """A person who is told by mail."""

    kind: Literal["mail"]
    to: Annotated[list[MailAddress], Field(min_length=1, max_length=20)]
    sender: Annotated[MailAddress, Field(alias="from")]
    host: str
    port: Annotated[int | None, Field(ge=1, le=65535)] = None
    tls: Literal["starttls", "tls", "none"] = "starttls"
    user: str | None = None
    password_file: Path | None = None
    ca_file: Path | None = None
    content: Literal["full", "level"] = "full"
    """level: the mail says that there is something, of which level, about whom, and no more."""


class WebhookSettings(_Section):
    """A person, or a system of the clinic, that is told by HTTP POST."""

    kind: Literal["webhook"]
    url: Annotated[str, AfterValidator(_url)]
    secret_file: Path | None = None
    token_file: Path | None = None
    ca_file: Path | None = None
    clear_text: bool = False
    timeout_s: Annotated[float, Field(gt=0, le=60)] = 10.0


class CommandSettings(_Section):
    """A person who is told by a command on this machine."""

    kind: Literal["command"]
    argv: Annotated[list[str], Field(min_length=1, max_length=50)]
    timeout_s: Annotated[float, Field(gt=0, le=600)] = 30.0


PersonSettings = Annotated[MailSettings | WebhookSettings | CommandSettings, Field(discriminator="kind")]
PERSON_KINDS: Mapping[str, type[_Section]] = {
    "mail": MailSettings,
    "webhook": WebhookSettings,
    "command": CommandSettings,
}


def _person(value: str) -> str:
    if not re.fullmatch(r"[a-z0-9_-]{1,32}", value):
        raise ValueError("1 to 32 small letters, digits, - or _, as in the plan's [alerts]")
    return value


PersonName = Annotated[str, AfterValidator(_person)]
"""As `plan.programme.AlertLevel.who` names people."""


class WebSettings(_Section):
    """The built-in page. Anything but this machine itself needs the word `host` and a token, which is printed."""

    enabled: bool = True
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8470
    allowed_hosts: list[str] = []


def default_data_dir() -> Path:
    """Where runs are kept when no setting says otherwise (XDG_STATE_HOME)."""
    home = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(home) / "sensord"


class Settings(BaseSettings):
    """All settings of one gateway."""

    model_config = SettingsConfigDict(extra="forbid", env_prefix=ENV_PREFIX, env_nested_delimiter="__")

    site: Name = "home"
    gateway: Name = "gateway"
    runner: Name = "runner-1"
    plan: Path | None = None
    data_dir: Path = Field(default_factory=default_data_dir)
    clock: Literal["auto", "trusted", "untrusted"] = "auto"
    pod: list[PodSettings] = []
    stream: StreamSettings = StreamSettings()
    distance: DistanceSettings = DistanceSettings()
    conditions: ConditionsSettings = ConditionsSettings()
    influx: InfluxSettings | None = None
    mqtt: MqttSettings | None = None
    people: dict[PersonName, PersonSettings] = {}
    web: WebSettings = WebSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - pydantic-settings' signature
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Layers are merged by `load_settings`, which remembers where each key came from."""
        return (init_settings,)

    def pods(self) -> tuple[PodSetup, ...]:
        """The pods as the core knows them."""
        return tuple(PodSetup(pod=p.address, side=p.side, driver=p.driver) for p in self.pod)

    def step_lengths(self) -> StepLengths:
        """The step lengths as the core knows them."""
        return StepLengths(walk_m=self.distance.walk_step_m, run_m=self.distance.run_step_m)


def load_settings(
    config: Path | None = None,
    flags: Mapping[str, Any] | None = None,
    *,
    drivers: Sequence[str] = (),
    sensors: Collection[str] = ("standard",),
) -> Settings:
    """Settings from all layers; `InputError` with every problem of every layer.

    `config` names one file to use instead of the usual places; `flags` is a nested mapping from the command line;
    `drivers` are the known driver names, `sensors` those of them whose pods are on no foot.
    """
    problems: list[Problem] = []
    files = [config] if config else [path for path in usual_places() if path.exists()]
    layers: list[tuple[str, Mapping[str, Any]]] = [(str(path), _read_toml(path)) for path in files]
    layers.append(("environment", _environment(problems)))
    if flags:
        layers.append(("command line", flags))
    merged: dict[str, Any] = {}
    origin: dict[tuple[str, ...], str] = {}
    for name, layer in layers:
        _merge(merged, layer, name, origin, ())
    try:
        settings = Settings(**merged)
    except ValidationError as error:
        problems += [_problem(e, origin) for e in error.errors(include_url=False)]
        raise InputError(problems) from None
    problems += _cross_checks(settings, origin, drivers, sensors)
    if problems:
        raise InputError(problems)
    base = Path(_origin_of(("plan",), origin)).parent
    if settings.plan and not settings.plan.is_absolute() and base.is_dir() and (base / settings.plan).exists():
        settings.plan = base / settings.plan  # a plan is named relative to the file that names it
    return settings


def usual_places() -> list[Path]:
    """Where settings are looked for when no file is named; the later one wins."""
    home = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return [Path("/etc/sensord/sensord.toml"), Path(home) / "sensord" / "sensord.toml"]


def read_secret(path: Path | None, credential: str) -> str | None:
    """A secret from its file, or from the systemd credential of that name; None when neither is there."""
    directory = os.environ.get("CREDENTIALS_DIRECTORY")
    if path is None and directory and (Path(directory) / credential).exists():
        path = Path(directory) / credential
    if path is None:
        return None
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise InputError(
            Problem(str(path), "", error.strerror or str(error), "a readable file with a secret")
        ) from None


def _read_toml(path: Path) -> Mapping[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(Problem(str(path), "", error.strerror or str(error), "a readable settings file")) from None
    except UnicodeDecodeError:
        raise InputError(Problem(str(path), "", "bytes that are not UTF-8 text", "a TOML file")) from None
    except tomllib.TOMLDecodeError as error:
        raise InputError(Problem(str(path), "", f"broken TOML: {error}", "a TOML file")) from None


def _environment(problems: list[Problem]) -> Mapping[str, Any]:
    for key in os.environ:
        section = key[len(ENV_PREFIX) :].split("__")[0].lower()
        if key.startswith(ENV_PREFIX) and section not in Settings.model_fields:
            problems.append(
                Problem("environment", key, "an unknown key", _did_you_mean(section, Settings.model_fields))
            )
    source = EnvSettingsSource(Settings, case_sensitive=False)
    try:
        return source()
    except ValueError as error:  # SettingsError: a list or section that is not JSON
        raise InputError(Problem("environment", ENV_PREFIX, str(error), "JSON for a list, plain text else")) from None


def _merge(
    into: dict[str, Any], layer: Mapping[str, Any], name: str, origin: dict[tuple[str, ...], str], at: tuple[str, ...]
) -> None:
    for key, value in layer.items():
        place = (*at, key)
        origin[place] = name
        if isinstance(value, Mapping) and isinstance(into.get(key), dict):
            _merge(into[key], value, name, origin, place)
        elif isinstance(value, Mapping):
            into[key] = {}
            _merge(into[key], value, name, origin, place)
        else:
            into[key] = value


def _origin_of(place: tuple[str, ...], origin: Mapping[tuple[str, ...], str]) -> str:
    for length in range(len(place), 0, -1):
        if place[:length] in origin:
            return origin[place[:length]]
    return "settings"


def _problem(error: Any, origin: Mapping[tuple[str, ...], str]) -> Problem:  # noqa: ANN401 - pydantic's own type
    where = tuple(str(part) for part in error["loc"])
    if where[0] == "people" and len(where) > 2 and where[2] in (*PERSON_KINDS, "[key]"):
        where = (*where[:2], *where[3:])  # pydantic names the kind, too
    place = ".".join(f"#{int(part) + 1}" if part.isdigit() else part for part in where)
    file = _origin_of(where, origin)
    if error["type"] == "extra_forbidden":
        return Problem(file, place, "an unknown key", _did_you_mean(where[-1], _known_keys(error["loc"][:-1])))
    if error["type"].startswith("union_tag_"):
        return Problem(file, f"{place}.kind", _quoted(error["ctx"].get("tag")), "mail, webhook or command")
    if error["type"] == "missing":
        return Problem(file, place, "nothing", "this key is needed")
    expected = error["msg"].removeprefix("Input should be ").removeprefix("Value error, ")
    return Problem(file, place, repr(error["input"]), expected)


def _quoted(value: str | None) -> str:
    return "nothing" if value is None else repr(value)


def _known_keys(at: Sequence[Any]) -> Sequence[str]:
    sections: dict[str, type[BaseModel]] = {
        "pod": PodSettings, "stream": StreamSettings, "distance": DistanceSettings, "influx": InfluxSettings,
        "mqtt": MqttSettings, "web": WebSettings,
    }  # fmt: skip
    if len(at) > 2 and at[0] == "people":
        return [field.alias or name for name, field in PERSON_KINDS[at[2]].model_fields.items()]
    return list((sections[at[0]] if at and at[0] in sections else Settings).model_fields)


def _did_you_mean(word: str, known: Sequence[str] | Mapping[str, Any]) -> str:
    close = difflib.get_close_matches(word, list(known), n=1)
    return f"{close[0]!r}, perhaps" if close else "one of: " + ", ".join(known)


def _cross_checks(
    settings: Settings, origin: Mapping[tuple[str, ...], str], drivers: Sequence[str], sensors: Collection[str]
) -> list[Problem]:
    problems: list[Problem] = []
    file = _origin_of(("pod",), origin)
    for attribute, what in (("side", "one pod for each foot"), ("address", "a different address for each pod")):
        seen = [value for p in settings.pod if (value := getattr(p, attribute)) is not None]
        problems += [
            Problem(file, f"pod.{attribute}", f"{value!s} {seen.count(value)} times", what)
            for value in dict.fromkeys(seen)
            if seen.count(value) > 1
        ]
    for index, pod in enumerate(settings.pod):
        if drivers and pod.driver not in drivers:
            problems.append(
                Problem(file, f"pod.#{index + 1}.driver", repr(pod.driver), "one of: " + ", ".join(drivers))
            )
        if (pod.side is None) is not (pod.driver in sensors):
            expected = "none: it measures no foot" if pod.side else "'left' or 'right'"
            problems.append(Problem(file, f"pod.#{index + 1}.side", repr(pod.side and pod.side.value), expected))
    if settings.mqtt and settings.mqtt.password_file and not settings.mqtt.username:
        problems.append(
            Problem(_origin_of(("mqtt",), origin), "mqtt.username", "nothing", "a name to go with password_file")
        )
    for name, person in settings.people.items():
        if isinstance(person, MailSettings) and person.password_file and not person.user:
            place, expected = f"people.{name}.user", "a name to go with password_file"
            problems.append(Problem(_origin_of(("people", name), origin), place, "nothing", expected))
    return problems
