"""Networks (PyTorch): built from parts by a typed configuration; they know nothing of files."""

from __future__ import annotations

from distilfuse.nets.build import build, config_from_dict
from distilfuse.nets.config import FusionConfig, NetworkConfig, StudentConfig, TeacherConfig
from distilfuse.nets.fusion_net import FusionNet
from distilfuse.nets.nano import NanoConfig

__all__ = [
    "FusionConfig",
    "FusionNet",
    "NanoConfig",
    "NetworkConfig",
    "StudentConfig",
    "TeacherConfig",
    "build",
    "config_from_dict",
]
