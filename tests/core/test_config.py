import json
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

import pytest

from symdrive.core import config
from symdrive.core.errors import UserError
from symdrive.world.rig import LEAD_RIG, NANO_RIG, Rig


class Colour(Enum):
    RED = 1
    BLUE = 2


@dataclass(frozen=True)
class Inner:
    size: float = 1.0
    names: tuple[str, ...] = ("a", "b")


@dataclass(frozen=True)
class Outer:
    inner: Inner = field(default_factory=Inner)
    colour: Colour = Colour.RED
    limit: int | None = None
    path: Path = Path("x")

    def __post_init__(self) -> None:
        if self.limit is not None and self.limit < 0:
            raise ValueError("limit is negative; use zero or more")


def test_a_config_survives_json():
    value = Outer(Inner(2.5, ("c",)), Colour.BLUE, 3, Path("a/b"))
    data = json.loads(json.dumps(config.to_plain(value)))
    assert config.from_plain(Outer, data, "test") == value


def test_rigs_survive_json_and_differ_in_digest():
    data = json.loads(json.dumps(config.to_plain(LEAD_RIG)))
    assert config.from_plain(Rig, data, "rig") == LEAD_RIG
    assert LEAD_RIG.digest != NANO_RIG.digest


def test_the_digest_follows_every_field():
    assert config.digest(Outer()) == config.digest(Outer())
    assert config.digest(Outer()) != config.digest(Outer(limit=0))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"inner": {"sise": 1.0}}, r"here\.inner: Inner has no field 'sise'"),
        ({"colour": "GREEN"}, r"here\.colour: 'GREEN' is not one of"),
        ({"limit": "3"}, r"here\.limit: expected int"),
        ({"limit": True}, r"here\.limit: expected int"),
        ({"limit": -1}, r"here: limit is negative"),
        ([], r"here: expected a table"),
    ],
)
def test_bad_data_is_refused_with_its_place(data, message):
    with pytest.raises(UserError, match=message):
        config.from_plain(Outer, data, "here")


def test_a_value_without_plain_form_is_refused():
    with pytest.raises(TypeError, match="object has no plain form"):
        config.to_plain(object())
