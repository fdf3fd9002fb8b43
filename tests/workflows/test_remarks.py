from __future__ import annotations

import threading
import warnings

import pytest

from distilfuse.workflows.remarks import hearing, remarks


def test_each_thread_hears_its_own() -> None:
    heard: dict[str, list[str]] = {}
    together = threading.Barrier(4)

    def speak(name: str) -> None:
        with remarks() as said:
            together.wait()
            warnings.warn(f"about {name}", UserWarning, stacklevel=1)
            warnings.warn(f"about {name}", UserWarning, stacklevel=1)
            together.wait()
        heard[name] = said

    with hearing():
        threads = [threading.Thread(target=speak, args=(name,)) for name in "abcd"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert heard == {name: [f"about {name}"] for name in "abcd"}


def test_what_nobody_listens_to_is_shown_as_ever() -> None:
    with pytest.warns(UserWarning, match="outside"), hearing():
        warnings.warn("outside", UserWarning, stacklevel=1)


def test_afterwards_everything_is_as_before() -> None:
    show, filters = warnings.showwarning, list(warnings.filters)
    with pytest.raises(KeyError), hearing(), remarks():
        raise KeyError
    assert warnings.showwarning is show
    assert list(warnings.filters) == filters
