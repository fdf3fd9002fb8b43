from __future__ import annotations

import hashlib
import re
from importlib import resources
from pathlib import Path

import pytest

from distilfuse.datasets.catalogue import DATASETS, find_dataset
from distilfuse.datasets.splits import listed_pairs, split_stems
from distilfuse.errors import ConfigError

LISTED = [record for record in DATASETS.values() if record.listed]


def test_the_sets_that_are_known() -> None:
    assert list(DATASETS) == [
        "msrs",
        "m3fd",
        "roadscene",
        "llvip",
        "tno",
        "harvard-ct-mri",
        "harvard-pet-mri",
        "harvard-spect-mri",
        "folder",
    ]


@pytest.mark.parametrize("record", DATASETS.values(), ids=DATASETS)
def test_a_record_is_complete(record: object) -> None:
    for field in ("title", "a", "b", "size", "get", "terms", "use"):
        assert getattr(record, field), field
    for field in ("terms", "use", "get"):
        assert getattr(record, field).endswith("."), field
    if record.name != "folder":  # type: ignore[attr-defined]
        assert re.match(r"https?://", record.page)  # type: ignore[attr-defined]
        assert record.reference  # type: ignore[attr-defined]
        assert record.pairs  # type: ignore[attr-defined]


def test_medical_sets_go_by_both_names() -> None:
    assert find_dataset("ct-mri") is find_dataset("harvard-ct-mri") is find_dataset("CT-MRI")
    assert split_stems("harvard-ct-mri", "test") == split_stems("ct-mri", "test")


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(ConfigError, match="There is no data set named 'vifb': choose from msrs, m3fd"):
        find_dataset("vifb")


def test_the_empty_name_is_no_set() -> None:
    with pytest.raises(ConfigError, match="no data set named ''"):
        find_dataset("")


@pytest.mark.parametrize("record", LISTED, ids=lambda record: record.name)
def test_every_listed_file_has_a_checksum(record: object) -> None:
    pairs = listed_pairs(record.listed)  # type: ignore[attr-defined]
    files = [file for pair in pairs for file in (pair.visible, pair.infrared)]
    digests = [digest for pair in pairs for digest in (pair.visible_sha256, pair.infrared_sha256)]
    assert len(set(files)) == 2 * len(pairs)
    assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in digests)
    text = resources.files("distilfuse.datasets").joinpath("sha256", f"{record.listed}.txt").read_text("utf-8")  # type: ignore[attr-defined]
    assert len(text.splitlines()) == len(files)
    for pair in pairs:
        assert Path(pair.visible).stem == Path(pair.infrared).stem == pair.name


@pytest.mark.parametrize("record", LISTED, ids=lambda record: record.name)
def test_lists_that_claim_to_be_complete_are(record: object) -> None:
    number = len(listed_pairs(record.listed))  # type: ignore[attr-defined]
    official = sum(record.pairs.values())  # type: ignore[attr-defined]
    assert (number == official) == record.complete  # type: ignore[attr-defined]


@pytest.mark.parametrize("record", LISTED, ids=lambda record: record.name)
def test_checksums_are_those_of_the_real_files(shared_data: Path, record: object) -> None:
    for pair in listed_pairs(record.listed)[::17]:  # type: ignore[attr-defined]
        for file, digest in ((pair.visible, pair.visible_sha256), (pair.infrared, pair.infrared_sha256)):
            path = shared_data / record.listed / file  # type: ignore[attr-defined]
            assert hashlib.sha256(path.read_bytes()).hexdigest() == digest
