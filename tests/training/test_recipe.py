"""Recipes: every published one is read, and every mistake in one is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from distilfuse.errors import ConfigError
from distilfuse.nets.build import build
from distilfuse.training.recipe import Recipe, load_recipe, recipe_from_dict

RECIPES = sorted((Path(__file__).parents[2] / "recipes").glob("*.yaml"))

MINIMAL: dict[str, object] = {
    "name": "x",
    "card": {"summary": "s", "data_terms": "t"},
    "network": {"kind": "nano"},
    "data": {"sets": [{"name": "roadscene"}]},
    "objective": {"intensity": 1},
    "steps": 10,
}


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_published_recipes_are_valid_and_named_as_their_file(path: Path) -> None:
    recipe = load_recipe(path)
    assert recipe.name == path.stem
    assert sum(p.numel() for p in build(recipe.network).parameters()) > 0


def test_there_are_recipes() -> None:
    assert RECIPES


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"stepps": 3}, "no key 'stepps': did you mean 'steps'"),
        ({"steps": "many"}, "recipe.steps must be of type int"),
        ({"steps": True}, "recipe.steps must be of type int"),
        ({"steps": 0}, "steps must be at least 1"),
        ({"ema": 1.0}, "ema must be"),
        ({"objective": {}}, "at least one term"),
        ({"objective": {"intensty": 1.0}}, "did you mean 'intensity'"),
        ({"objective": {"intensity": -1.0}}, "must not be negative"),
        ({"network": {"kind": "nanno"}}, "nanno"),
        ({"network": {"kind": "nano", "widht": 3}}, "widht"),
        ({"data": {"sets": []}}, "data.sets is empty"),
        ({"data": {"sets": [{"name": "a", "weight": 0}]}}, "weight must be positive"),
        ({"data": {"sets": [{"name": "a"}], "crop": 16}}, "data.crop"),
        ({"data": {"sets": [{"name": "a"}], "augmentation": {"dark": 2.0}}}, "augmentation.dark"),
        ({"data": {"sets": [{"name": "a"}], "augmentation": {"severity": [3.0]}}}, "must hold 2 values"),
        ({"data": {"sets": [{"name": "a"}], "augmentation": {"kinds": {"fog": 1.0}}}}, "unknown degradation 'fog'"),
        ({"optimiser": {"lr": "1e-4"}}, "write it with a point"),
        ({"optimiser": {"lr": 1e-7}}, "final_lr <= lr"),
        ({"data": 5}, "must be a mapping"),
    ],
)
def test_mistakes_are_named(change: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        recipe_from_dict({**MINIMAL, **change})


@pytest.mark.parametrize("missing", ["name", "card", "network", "data", "objective", "steps"])
def test_what_a_recipe_must_have(missing: str) -> None:
    data = {key: value for key, value in MINIMAL.items() if key != missing}
    with pytest.raises(ConfigError, match=f"lacks the key '{missing}'"):
        recipe_from_dict(data)


@pytest.mark.parametrize("text", ["- 1\n- 2\n", "name: [unclosed", ""])
def test_files_that_are_no_recipe(text: str, tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"r\.yaml"):
        load_recipe(path)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_recipe(tmp_path / "none.yaml")


def test_the_card_is_no_part_of_what_decides_a_run() -> None:
    other = {**MINIMAL, "card": {"summary": "other", "data_terms": "t"}}
    assert recipe_from_dict(MINIMAL).to_json() == recipe_from_dict(other).to_json()
    changed = recipe_from_dict({**MINIMAL, "steps": 11})
    assert isinstance(changed, Recipe)
    assert changed.to_json() != recipe_from_dict(MINIMAL).to_json()
