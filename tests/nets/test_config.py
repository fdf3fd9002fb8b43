from __future__ import annotations

import dataclasses
import json

import pytest

from distilfuse.errors import ConfigError
from distilfuse.nets import FusionNet, StudentConfig, TeacherConfig, build, config_from_dict
from distilfuse.nets.build import KINDS
from distilfuse.nets.config import NetworkConfig


@pytest.mark.parametrize("config", [TeacherConfig(), StudentConfig(channels=32, norm="post"), StudentConfig()])
def test_survives_json(config: NetworkConfig) -> None:
    assert config_from_dict(json.loads(json.dumps(config.to_dict()))) == config


def test_plain_data_names_the_kind_and_every_size() -> None:
    data = StudentConfig().to_dict()
    assert data["kind"] == "student"
    assert set(data) == {"kind", *(field.name for field in dataclasses.fields(StudentConfig))}
    assert data["blocks"] == [2, 2, 2, 2]


def test_missing_keys_take_their_defaults() -> None:
    assert config_from_dict({"kind": "student", "channels": 32}) == StudentConfig(channels=32)


def test_an_unknown_key_is_refused_and_near_keys_are_named() -> None:
    with pytest.raises(ConfigError, match="no key 'chanels'; did you mean channels"):
        StudentConfig.from_dict({"chanels": 16})
    with pytest.raises(ConfigError, match="no key 'zzz'; known keys: channels"):
        config_from_dict({"kind": "teacher", "zzz": 1})


def test_an_unknown_kind_is_refused_and_the_near_one_is_named() -> None:
    with pytest.raises(ConfigError, match="did you mean 'student'"):
        config_from_dict({"kind": "studnet"})
    with pytest.raises(ConfigError, match="has no 'kind'"):
        config_from_dict({"channels": 16})
    with pytest.raises(ConfigError, match="kind 'teacher', but StudentConfig reads kind 'student'"):
        StudentConfig.from_dict({"kind": "teacher"})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("channels", 0),
        ("channels", 15),
        ("channels", 16.0),
        ("channels", True),
        ("blocks", (2,)),
        ("blocks", (2, 2, 2, 0)),
        ("blocks", [2, 2, 2, 2]),
        ("channel_heads", (1, 2, 4)),
        ("channel_heads", (3, 2, 4, 8)),
        ("spatial_heads", (2, 2, 3, -4)),
        ("head_dim", 0),
        ("window", 0),
        ("overlap_window", 7),
        ("overlap_window", 11),
        ("overlap_window", 18),
        ("refinement", -1),
        ("expansion", 0.0),
        ("expansion", float("nan")),
        ("expansion", "2"),
        ("norm", "before"),
        ("cross_fusion", "mine"),
        ("text_channels", 512),
        ("text_hidden", 0),
    ],
)
def test_a_value_out_of_range_is_refused_by_name(key: str, value: object) -> None:
    with pytest.raises(ConfigError, match=rf"Config\.{key} is "):
        dataclasses.replace(StudentConfig(), **{key: value})


def test_configurations_are_frozen_and_keyword_only() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        StudentConfig().channels = 32  # type: ignore[misc]
    with pytest.raises(TypeError):
        StudentConfig(32)  # type: ignore[misc]


def test_every_kind_is_registered_under_its_own_name() -> None:
    assert {"teacher", "student"} <= set(KINDS)
    for kind, (config_class, _) in KINDS.items():
        assert config_class.kind == kind


def test_build_gives_the_network_of_the_configuration() -> None:
    config = StudentConfig(channels=4, channel_heads=(1, 1, 1, 1), blocks=(1, 1, 1, 1), refinement=1)
    net = build(config)
    assert isinstance(net, FusionNet)
    assert net.config == config


def test_build_refuses_a_configuration_without_a_network() -> None:
    class Other(NetworkConfig):
        kind = "teecher"

    with pytest.raises(ConfigError, match="did you mean 'teacher'"):
        build(Other())
