from __future__ import annotations

import ctypes

import pytest

from distilfuse.runtime import nvidia


class Driver:
    """The four calls of NVIDIA's driver, for two cards of which the second cannot be asked."""

    def __init__(self, *, status: int = 0) -> None:
        self.status = status

    def cuInit(self, flags: int) -> int:
        return self.status

    def cuDeviceGetCount(self, count: object) -> int:
        count._obj.value = 2
        return 0

    def cuDeviceGet(self, card: object, index: int) -> int:
        card._obj.value = index
        return index

    def cuDeviceGetName(self, name: ctypes.Array, length: int, card: ctypes.c_int) -> int:
        name.value = f"Card {card.value}".encode()
        return 0


def test_no_driver_no_cards(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise OSError(f"{name}: cannot open shared object file")

    monkeypatch.setattr(nvidia.ctypes, "CDLL", missing)
    assert nvidia.nvidia_cards() == []


def test_a_driver_without_cards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nvidia.ctypes, "CDLL", lambda name: Driver(status=100))  # CUDA_ERROR_NO_DEVICE
    assert nvidia.nvidia_cards() == []


def test_cards_have_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nvidia.ctypes, "CDLL", lambda name: Driver())
    assert nvidia.nvidia_cards() == ["Card 0"]
