"""Settings: which layer wins, and that bad ones are all named at once."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from pydantic import BaseModel

from sensord import config
from sensord.config import Settings, load_settings, read_secret
from sensord.errors import InputError
from sensord.model import Side, StepLengths

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))
    monkeypatch.setattr(config, "usual_places", lambda: [tmp_path / "xdg" / "sensord.toml"])


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "sensord.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_defaults_need_no_file() -> None:
    settings = load_settings()
    assert settings.site == "home"
    assert settings.step_lengths() == StepLengths()
    assert settings.mqtt is None


def test_flags_win_over_environment_over_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, 'site = "file"\ngateway = "file"\nrunner = "file"\n[web]\nport = 1\nhost = "::1"\n')
    monkeypatch.setenv("SENSORD__GATEWAY", "env")
    monkeypatch.setenv("SENSORD__RUNNER", "env")
    monkeypatch.setenv("SENSORD__WEB__PORT", "2")
    settings = load_settings(path, {"runner": "flag"})
    assert (settings.site, settings.gateway, settings.runner) == ("file", "env", "flag")
    assert (settings.web.port, settings.web.host) == (2, "::1")


def test_every_problem_is_named_at_once_with_file_key_and_what_is_allowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(
        tmp_path,
        'site = "a b"\nplam = "x"\n[[pod]]\naddress = "aa"\nside = "lft"\n[web]\nprt = 3\n[stream]\nrate_hz = "fast"\n',
    )
    monkeypatch.setenv("SENSORD__MQTT__PORT", "99999")
    monkeypatch.setenv("SENSORD__FOO", "1")
    with pytest.raises(InputError) as caught:
        load_settings(path)
    lines = {p.place: (p.file, p.found, p.expected) for p in caught.value.problems}
    assert lines["site"] == (str(path), "'a b'", "1 to 32 letters, digits, - or _")
    assert lines["plam"] == (str(path), "an unknown key", "'plan', perhaps")
    assert lines["web.prt"] == (str(path), "an unknown key", "'port', perhaps")
    assert lines["pod.#1.side"] == (str(path), "'lft'", "'left' or 'right'")
    assert lines["mqtt.port"][0] == "environment"
    assert lines["mqtt.host"][2] == "this key is needed"
    assert lines["SENSORD__FOO"][1] == "an unknown key"
    assert "integer" in lines["stream.rate_hz"][2]
    assert len(lines) == 8


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('[[pod]]\naddress="a"\nside="left"\n[[pod]]\naddress="b"\nside="left"\n', "pod.side"),
        ('[[pod]]\naddress="a"\nside="left"\n[[pod]]\naddress="A"\nside="right"\n', "pod.address"),
        ('[[pod]]\naddress="a"\nside="left"\ndriver="nope"\n', "pod.#1.driver"),
        ('[mqtt]\nhost="h"\npassword_file="x"\n', "mqtt.username"),
    ],
)
def test_what_fits_no_key_alone_is_checked_across_keys(tmp_path: Path, text: str, place: str) -> None:
    with pytest.raises(InputError) as caught:
        load_settings(write(tmp_path, text), drivers=["open-pod"])
    assert [p.place for p in caught.value.problems] == [place]


@pytest.mark.parametrize("content", [b"\xff\xfe", b"site = ", b""])
def test_a_broken_file_is_one_clear_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "s.toml"
    path.write_bytes(content)
    if not content:
        assert load_settings(path).site == "home"
        return
    with pytest.raises(InputError) as caught:
        load_settings(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_a_missing_file_that_was_named_is_an_error_not_a_default(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        load_settings(tmp_path / "none.toml")


def test_a_plan_is_found_beside_the_file_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "plan.toml").write_text("")
    assert load_settings(write(tmp_path, 'plan = "plan.toml"')).plan == tmp_path / "plan.toml"


def test_secrets_come_from_files_and_credentials_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "token").write_text("s3cret\n")
    assert read_secret(tmp_path / "token", "x") == "s3cret"
    assert read_secret(None, "token") is None
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert read_secret(None, "token") == "s3cret"
    with pytest.raises(InputError, match="No such file"):
        read_secret(tmp_path / "absent", "x")


def test_the_commented_settings_file_is_valid_and_shows_the_defaults() -> None:
    shown = load_settings(ROOT / "config" / "sensord.toml")
    assert shown == Settings()


def test_the_commented_settings_file_names_every_key() -> None:
    text = (ROOT / "config" / "sensord.toml").read_text(encoding="utf-8")
    uncommented = re.sub(r"^# (?=(\[|[a-z_]+ = ))", "", text, flags=re.MULTILINE).replace("#\n[[pod]]", "[[pod]]")
    shown = tomllib.loads(uncommented)
    sections: dict[str, type[BaseModel]] = {
        "pod": config.PodSettings,
        "stream": config.StreamSettings,
        "distance": config.DistanceSettings,
        "influx": config.InfluxSettings,
        "mqtt": config.MqttSettings,
        "web": config.WebSettings,
    }
    assert set(shown) == set(Settings.model_fields)
    for person in shown["people"].values():
        kind = config.PERSON_KINDS[person["kind"]]
        assert set(person) == {field.alias or name for name, field in kind.model_fields.items()}, person["kind"]
    assert {person["kind"] for person in shown["people"].values()} == set(config.PERSON_KINDS)
    for name, section in sections.items():
        value = shown[name][0] if name == "pod" else shown[name]
        assert set(value) == set(section.model_fields), name
    assert {p["side"] for p in shown["pod"]} == {Side.LEFT, Side.RIGHT}


def test_people_are_told_apart_by_kind_and_a_problem_names_their_keys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mail = '[people.therapist]\nkind = "mail"\nto = ["a@clinic.example"]\nfrom = "s@clinic.example"\nhost = "h"\n'
    monkeypatch.setenv("SENSORD__PEOPLE__COACH__KIND", "command")
    monkeypatch.setenv("SENSORD__PEOPLE__COACH__ARGV", '["/bin/true"]')
    settings = load_settings(write(tmp_path, mail))
    assert {name: person.kind for name, person in settings.people.items()} == {"therapist": "mail", "coach": "command"}
    bad = (
        '[people.Boss]\nkind = "webhook"\nurl = "https://x"\n[people.b]\nkind = "sms"\n[people.c]\nhost = "h"\n'
        '[people.d]\nkind = "mail"\nto = ["A <a@b.c>"]\nform = "x@y.z"\nhost = "h"\n' + mail + 'password_file = "/x"\n'
    )
    with pytest.raises(InputError) as caught:
        load_settings(write(tmp_path, bad))
    lines = {p.place: (p.found, p.expected) for p in caught.value.problems}
    assert lines["people.Boss"][1].startswith("1 to 32 small letters")
    assert lines["people.b.kind"] == ("'sms'", "mail, webhook or command")
    assert lines["people.c.kind"] == ("nothing", "mail, webhook or command")
    assert lines["people.d.to.#1"][1].startswith("a mail address such as")
    assert lines["people.d.from"] == ("nothing", "this key is needed")
    assert lines["people.d.form"] == ("an unknown key", "'from', perhaps")
    with pytest.raises(InputError, match=r"people.therapist.user: found nothing, expected a name to go with"):
        load_settings(write(tmp_path, mail + 'password_file = "/x"\n'))
