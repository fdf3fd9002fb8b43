"""From a configuration to its network, by kind."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import Any

from distilfuse.errors import ConfigError
from distilfuse.nets.config import NetworkConfig, StudentConfig, TeacherConfig
from distilfuse.nets.fusion_net import FusionNet
from distilfuse.nets.nano import NanoConfig, NanoNet

__all__ = ["KINDS", "Network", "build", "config_from_dict"]

Network = FusionNet | NanoNet
"""Every network that can be built: ``network(visible, infrared, text)``, with ``visible_input``, ``multiple``,
``feature_strides`` and ``feature_channels`` (of what ``return_features`` gives)."""

KINDS: dict[str, tuple[type[NetworkConfig], Callable[..., Network]]] = {
    TeacherConfig.kind: (TeacherConfig, FusionNet),
    StudentConfig.kind: (StudentConfig, FusionNet),
    NanoConfig.kind: (NanoConfig, NanoNet),
}
"""Kind -> configuration class and the network class that is called with ``config=``."""


def build(config: NetworkConfig) -> Network:
    """The network of a configuration, with fresh weights.

    Raises:
        ConfigError: for a kind that is not in :data:`KINDS`.
    """
    return _kind(config.kind)[1](config=config)


def config_from_dict(data: dict[str, Any]) -> NetworkConfig:
    """The configuration that ``to_dict`` wrote, of the class its ``kind`` names.

    Raises:
        ConfigError: for a missing or unknown kind, an unknown key, or a value out of range.
    """
    if "kind" not in data:
        raise ConfigError(f"The network configuration has no 'kind'; set it to {' or '.join(sorted(KINDS))}.")
    return _kind(data["kind"])[0].from_dict(data)


def _kind(name: str) -> tuple[type[NetworkConfig], Callable[..., Network]]:
    if name not in KINDS:
        near = difflib.get_close_matches(str(name), KINDS, n=1)
        mend = f"did you mean {near[0]!r}?" if near else f"known kinds: {', '.join(sorted(KINDS))}."
        raise ConfigError(f"There is no network of kind {name!r}; {mend}")
    return KINDS[name]
