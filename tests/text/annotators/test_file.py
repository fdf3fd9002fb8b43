from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from distilfuse.errors import InputError
from distilfuse.text.annotators.file import FileAnnotator
from distilfuse.text.events import PairCaption
from distilfuse.text.store import to_line

GREY = np.zeros((4, 4), np.uint8)
COLOUR = np.zeros((4, 4, 3), np.uint8)


def lines(path: Path, *pairs: str) -> Path:
    captions = (PairCaption(pair=pair, scene=f"Scene of {pair}.", annotator="qwen:x", prompt="01") for pair in pairs)
    path.write_text("".join(to_line(caption) + "\n" for caption in captions), "utf-8")
    return path


def test_from_a_file_by_set_and_stem_or_by_stem(tmp_path: Path) -> None:
    annotator = FileAnnotator(lines(tmp_path / "c.jsonl", "yard/1", "1", "2"))
    assert annotator.annotate(COLOUR, GREY, "yard/1").scene == "Scene of yard/1."
    assert annotator.annotate(COLOUR, GREY, "street/1").scene == "Scene of 1."
    caption = annotator.annotate(COLOUR, GREY, "yard/2")
    assert (caption.pair, caption.scene) == ("yard/2", "Scene of 2.")
    assert (caption.annotator, caption.prompt) == ("file:c.jsonl", "")
    with pytest.raises(InputError, match=r"c\.jsonl has no caption of yard/3"):
        annotator.annotate(COLOUR, GREY, "yard/3")


def test_from_a_folder_of_answers(tmp_path: Path) -> None:
    (tmp_path / "yard").mkdir()
    (tmp_path / "yard/1.txt").write_bytes("\ufeffEvent Type: Haze\r\nDescription: Milky.\r\n".encode())
    (tmp_path / "2.txt").write_bytes(b"Event Type: Glare\nDescription: \xff.\n")
    annotator = FileAnnotator(tmp_path)
    (event,) = annotator.annotate(COLOUR, GREY, "yard/1").events
    assert (event.type, event.description) == ("haze", "Milky.")
    assert annotator.annotate(COLOUR, GREY, "yard/2").events[0].description == "\ufffd."
    assert annotator.annotate(COLOUR, GREY, "yard/2").pair == "yard/2"
    with pytest.raises(InputError, match="has no caption of yard/3"):
        annotator.annotate(COLOUR, GREY, "yard/3")


def test_what_is_not_there_or_broken(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist: name a JSONL file"):
        FileAnnotator(tmp_path / "none.jsonl")
    (tmp_path / "c.jsonl").write_text("{}\n", "utf-8")
    with pytest.raises(InputError, match=r"Line 1 of .* does not name its pair"):
        FileAnnotator(tmp_path / "c.jsonl")
