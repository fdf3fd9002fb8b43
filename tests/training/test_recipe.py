"""Recipes: every published one is read, and every mistake in one is named."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import pytest
import torch
import yaml

from distilfuse.errors import ConfigError
from distilfuse.nets.build import build
from distilfuse.text.encoders.encoder import CHANNELS
from distilfuse.training.recipe import Recipe, load_recipe, load_stages, recipe_from_dict

RECIPES = sorted(Path(str(resources.files("distilfuse").joinpath("recipes"))).glob("*.yaml"))

MINIMAL: dict[str, object] = {
    "name": "x",
    "card": {"summary": "s", "data_terms": "t"},
    "network": {"kind": "nano"},
    "data": {"sets": [{"name": "roadscene"}]},
    "objective": {"intensity": 1},
    "steps": 10,
}


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_published_recipes_are_valid_and_make_networks(path: Path) -> None:
    stages = load_stages(path)
    if len(stages) == 1:
        assert next(iter(stages.values())).name == path.stem
    assert len({recipe.name for recipe in stages.values()}) == len(stages)
    for recipe in stages.values():
        with torch.device("meta"):
            network = build(recipe.network)
        assert sum(p.numel() for p in network.parameters()) > 0
        if recipe.text:
            assert recipe.network.to_dict()["text_channels"] == CHANNELS[recipe.text.encoder]


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
        ({"card": {"summary": "s", "data_terms": "t", "task": "fusion"}}, "card.task is 'fusion'"),
        ({"minutes": 0.0}, "minutes must be positive"),
        ({"text": {}}, "its network reads none"),
        ({"network": {"kind": "nano", "text_channels": 384}, "text": {"encoder": "bert"}}, "text.encoder is 'bert'"),
        ({"network": {"kind": "nano", "text_channels": 384}, "text": {"word_dropout": 1.0}}, "text.word_dropout"),
        ({"network": {"kind": "nano", "text_channels": 384}, "text": {"variants": 0}}, "text.variants"),
        ({"steadiness": {"weight": 0.0}}, "steadiness.weight"),
        ({"steadiness": {"weight": 1.0}, "distillation": {}}, "has steadiness, which a teacher or its student cannot"),
        ({"distillation": {"result": -1.0}}, "distillation.result"),
        ({"distillation": {"base": 0.0, "features": 0.0, "result": 0.0}}, "nothing would be learned"),
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


def test_a_student_is_told_nothing() -> None:
    network = {"kind": "nano", "text_channels": 384}
    with pytest.raises(ConfigError, match="words are for the teacher's stage"):
        recipe_from_dict({**MINIMAL, "network": network, "text": {}, "distillation": {}})


def staged(tmp_path: Path, **stages: dict[str, object]) -> Path:
    path = tmp_path / "r.yaml"
    path.write_text(
        yaml.safe_dump({**MINIMAL, "optimiser": {"lr": 0.1, "warmup": 7}, "stages": stages}, sort_keys=False)
    )
    return path


def test_a_stage_replaces_keys_and_merges_those_that_are_lists_of_settings(tmp_path: Path) -> None:
    path = staged(
        tmp_path,
        teacher={"name": "a", "objective": {"structure": 2.0}, "optimiser": {"lr": 0.2}, "data": {"crop": 64}},
        student={"name": "b", "distillation": {"result": 3.0}, "card": {"task": "medical"}, "share": 3.0},
    )
    teacher, student = load_stages(path).values()
    assert (teacher.objective, teacher.optimiser.lr, teacher.optimiser.warmup) == ({"structure": 2.0}, 0.2, 7)
    assert (teacher.data.crop, teacher.data.sets[0].name) == (64, "roadscene")
    assert (student.data.crop, student.objective, student.card.task) == (128, {"intensity": 1.0}, "medical")
    assert teacher.distillation is None
    assert student.distillation is not None
    assert (student.distillation.result, student.distillation.features) == (3.0, 0.1)


def test_a_budget_is_divided_by_shares(tmp_path: Path) -> None:
    path = staged(tmp_path, teacher={"name": "a"}, student={"name": "b", "share": 3.0})
    assert [recipe.minutes for recipe in load_stages(path, {"minutes": 8.0}).values()] == [2.0, 6.0]
    assert [recipe.minutes for recipe in load_stages(path).values()] == [None, None]


def test_stages_that_make_no_sense(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="builds on a stage 'teacher' that is not there: name one of a, b"):
        load_stages(staged(tmp_path, a={}, b={"distillation": {}}))
    with pytest.raises(ConfigError, match="builds on a stage 'c' that is not there"):
        load_stages(staged(tmp_path, a={"start": "c"}))
    with pytest.raises(ConfigError, match="has the stages a, b: say which"):
        load_recipe(staged(tmp_path, a={}, b={}))
    with pytest.raises(ConfigError, match=r"stages in .* must be a mapping"):
        load_stages(staged(tmp_path, a=3))  # type: ignore[arg-type]
