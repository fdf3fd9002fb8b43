"""The eight kinds of the robustness table, bit by bit: models were trained and tables measured with them."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from distilfuse.evaluation.degradations import TABLE_KINDS, degrade, generator

# First 16 digits of SHA-256 over both degraded pictures, as of the models and tables of version 0.1:
# colour at severity 1, colour at severity 3, grey at severity 4.3.
CHECKSUMS = {
    "low_light": ("5952d7bf5bc530ce", "1b1c71210e1de16b", "78d37b2ac2ed016f"),
    "over_exposure": ("5910ffb6873bc0a5", "090016c6c788d9c5", "1bc222e0e148a060"),
    "visible_noise": ("de791e8c23c6ab53", "ffdcd3e33b8b5f7e", "1fef9a935150272f"),
    "visible_blur": ("4772a105ec5ad9f8", "0e6059dd8380c952", "d807ea52e094f13e"),
    "ir_low_contrast": ("40b8761750811df1", "a88d6f656fd9cf68", "747469f3072e8ead"),
    "ir_noise": ("e04efc0e545df01f", "0dd1a56536c51f00", "9b40fef5337793b1"),
    "ir_stripes": ("686c775641c9f34a", "29aa7b343bac898c", "3a06a2c89214fffa"),
    "low_light+ir_noise": ("81c7e1f59f582342", "b0a65fbbb8f312cb", "7501705171f131df"),
}


def pair(coloured: bool) -> tuple[np.ndarray, np.ndarray]:
    y, x = np.mgrid[0:37, 0:53]
    channels = [(3 * x + 5 * y) % 256, (x * y) % 256, (7 * x - 2 * y + 200) % 256]
    visible = np.stack(channels, axis=-1).astype(np.uint8) / np.float32(255)
    infrared = (((x - 20) ** 2 + (y - 11) ** 2) % 256).astype(np.uint8) / np.float32(255)
    return (visible if coloured else visible[..., 1].copy()), infrared


def checksum(kind: str, *, coloured: bool, severity: float) -> str:
    results = degrade(*pair(coloured), kind=kind, severity=severity, rng=generator(7, "set/a", kind))
    levels = [np.round(image * 255).astype(np.uint8).tobytes() for image in results]
    return hashlib.sha256(b"".join(levels)).hexdigest()[:16]


def test_every_kind_of_the_table_is_held() -> None:
    assert tuple(CHECKSUMS) == TABLE_KINDS


@pytest.mark.parametrize("kind", TABLE_KINDS)
def test_results_are_bit_by_bit_those_of_the_published_tables(kind: str) -> None:
    found = tuple(
        checksum(kind, coloured=coloured, severity=severity)
        for coloured, severity in ((True, 1.0), (True, 3.0), (False, 4.3))
    )
    assert found == CHECKSUMS[kind]
