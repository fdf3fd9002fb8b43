"""The embedded pairs as the package hands them out."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from distilfuse import samples
from distilfuse.errors import InputError

SIZES = dict.fromkeys(("night-street", "smoke-yard", "day-road"), (480, 640))
SIZES |= dict.fromkeys(("ct-mri", "pet-mri", "spect-mri"), (256, 256))


def test_names_are_the_known_pairs_in_their_order() -> None:
    assert samples.names() == tuple(SIZES)


@pytest.mark.parametrize("name", SIZES)
def test_a_pair_has_one_size_and_the_promised_types(name: str) -> None:
    visible, infrared = samples.load(name)
    assert visible.shape == (*SIZES[name], 3)
    assert infrared.shape == SIZES[name]
    assert visible.dtype == infrared.dtype == np.uint8


@pytest.mark.parametrize("name", SIZES)
def test_the_two_pictures_show_something_and_not_the_same(name: str) -> None:
    visible, infrared = samples.load(name)
    luminance = visible @ np.array([0.299, 0.587, 0.114])
    assert luminance.std() > 15
    assert infrared.std() > 15
    assert np.corrcoef(luminance.ravel(), infrared.ravel())[0, 1] < 0.9


def test_scenes_and_tracer_pictures_have_colour_and_ct_has_none() -> None:
    for name in SIZES:
        visible = samples.load(name)[0].astype(int)
        spread = (visible.max(axis=2) - visible.min(axis=2)).max()
        assert spread == 0 if name == "ct-mri" else spread > 60


def test_the_files_stay_small() -> None:
    total = sum(path.stat().st_size for name in samples.names() for path in samples.paths(name))
    assert total < 2_500_000


def test_a_loaded_pair_may_be_changed_without_changing_the_next() -> None:
    first = samples.load("ct-mri")[0]
    first[:] = 0
    assert samples.load("ct-mri")[0].max() > 0


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"'noon-street'.*night-street, smoke-yard"):
        samples.load("noon-street")


def test_a_missing_file_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(samples, "names", lambda: ("ghost",))
    with pytest.raises(InputError, match=r"ghost_visible\.png is missing.*reinstall"):
        samples.paths("ghost")


def test_importing_loads_neither_numpy_nor_pillow() -> None:
    code = "import sys, distilfuse.samples as s; s.names(); print(sorted({'numpy', 'PIL'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
