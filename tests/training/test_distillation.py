"""Both stages: a told teacher, and students that learn from it without being told."""

from __future__ import annotations

import csv
import dataclasses
import json
from functools import partial
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from distilfuse.errors import ConfigError, ModelError
from distilfuse.export.release import stage_of
from distilfuse.losses import Objective
from distilfuse.nets.build import build, config_from_dict
from distilfuse.training.checkpoint import read_tensors, write_tensors
from distilfuse.training.crops import Batch
from distilfuse.training.loop import train
from distilfuse.training.recipe import Recipe, recipe_from_dict
from distilfuse.training.settings import DistillationConfig, TextConfig
from distilfuse.training.stages import choose, train_stages
from distilfuse.training.task import BaseTask, DistillationTask
from distilfuse.training.trained import load_teacher, load_trained
from distilfuse.training.words import PairWords

NANO = {"kind": "nano", "width": 8, "deep_width": 8, "gauge_width": 4}
TOLD = {**NANO, "text_channels": 32, "text_hidden": 8}
HEADS = {"blocks": [1, 1], "channel_heads": [1, 1], "spatial_heads": [1, 1], "refinement": 0, "head_dim": 4}
STUDENT = {"kind": "student", "channels": 4, **HEADS}
TEACHER = {"kind": "teacher", "channels": 4, "text_channels": 32, "text_hidden": 8, **HEADS}


def batch(seed: int = 0) -> Batch:
    generator = torch.Generator().manual_seed(seed)
    pictures = [torch.rand(2, channels, 48, 48, generator=generator) for channels in (3, 1)]
    text = torch.randn(2, 32, generator=generator)
    return Batch(
        visible=pictures[0],
        infrared=pictures[1],
        clean_visible=pictures[0],
        clean_infrared=pictures[1],
        text=text,
        factors=torch.ones(2, 1),
    )


def network(config: dict[str, object]) -> torch.nn.Module:
    torch.manual_seed(1)
    net = build(config_from_dict(config))
    for parameter in net.parameters():  # away from the zeros that some layers start with
        torch.nn.init.normal_(parameter, std=0.1)
    return net


@pytest.mark.parametrize(("teacher", "student"), [(TOLD, NANO), (TEACHER, STUDENT), (TEACHER, NANO), (TOLD, STUDENT)])
def test_the_loss_is_the_weighted_sum_and_the_teacher_stays_as_it_is(
    teacher: dict[str, object], student: dict[str, object]
) -> None:
    taught, learner = network(teacher), network(student)
    before = {name: value.clone() for name, value in taught.state_dict().items()}
    config = DistillationConfig(base=0.5, features=2.0, result=3.0)
    task = DistillationTask(learner, taught, Objective({"intensity": 4.0}), config)  # type: ignore[arg-type]
    total, terms = task(batch())
    expected = 0.5 * 4.0 * terms["intensity"] + 2.0 * terms["features"] + 3.0 * terms["result"]
    assert total.item() == pytest.approx(expected.item(), rel=1e-5)
    total.backward()
    assert all(parameter.grad is not None for parameter in task.projections.parameters())
    assert any(parameter.grad is not None and parameter.grad.any() for parameter in learner.parameters())
    assert all(parameter.grad is None for parameter in taught.parameters())
    assert not [name for name, _ in task.named_parameters() if not name.startswith(("network.", "projections."))]
    assert all(torch.equal(before[name], value) for name, value in taught.state_dict().items())


def test_the_teacher_is_told_and_the_student_is_not() -> None:
    taught, learner = network(TOLD), network(NANO)
    task = DistillationTask(learner, taught, Objective({"intensity": 1.0}), DistillationConfig())  # type: ignore[arg-type]
    _, spoken = task(batch())
    silent = batch()
    silent["text"] = torch.zeros(2, 32)
    _, unspoken = task(silent)
    assert spoken["result"] != unspoken["result"]
    assert spoken["base"] == unspoken["base"]


def test_a_copy_of_the_teacher_has_nothing_to_learn_from_its_result() -> None:
    taught = network(NANO)
    task = DistillationTask(network(NANO), taught, Objective({"intensity": 1.0}), DistillationConfig())  # type: ignore[arg-type]
    plain = batch()
    del plain["text"], plain["factors"]
    assert task(plain)[1]["result"].item() == pytest.approx(0, abs=1e-7)


def test_networks_without_a_common_scale() -> None:
    class Other(torch.nn.Module):
        feature_strides, feature_channels = (3,), (4,)

    with pytest.raises(ConfigError, match="share no scale"):
        DistillationTask(Other(), network(NANO), Objective({"intensity": 1.0}), DistillationConfig())  # type: ignore[arg-type]


def test_factors_weigh_every_pair_by_itself() -> None:
    net = network(NANO)
    objective = Objective({"intensity": 2.0, "structure": 1.0, "edge_preservation": 3.0})
    pictures = batch()
    fused = net(pictures["visible"], pictures["infrared"])
    targets = (pictures["clean_visible"], pictures["clean_infrared"])
    ones, terms = objective(fused, *targets, torch.ones(2, 3))
    alone = [objective(fused[k : k + 1], targets[0][k : k + 1], targets[1][k : k + 1]) for k in range(2)]
    assert ones.item() == pytest.approx((alone[0][0] + alone[1][0]).item() / 2, rel=1e-5)
    assert terms["structure"].item() == pytest.approx(
        (alone[0][1]["structure"] + alone[1][1]["structure"]).item() / 2, rel=1e-5
    )
    first_only = torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    assert objective(fused, *targets, first_only)[0].item() == pytest.approx(alone[0][1]["intensity"].item(), rel=1e-5)


def staged(data: dict[str, object]) -> dict[str, Recipe]:
    common = {
        "card": {"summary": "A toy.", "data_terms": "None."},
        "data": {"sets": [{"name": "toy"}], "crop": 48, "batch": 2},
        "objective": {"intensity": 12.0, "signed_gradient": 20.0},
        "optimiser": {"lr": 2.0e-3, "warmup": 2},
        "steps": 6,
        "checkpoint_every": 2,
        "validate_every": 6,
        **data,
    }
    text = {"encoder": "events", "captions": "none"}
    return {
        "teacher": recipe_from_dict({**common, "name": "t", "network": TOLD, "text": text}),
        "student": recipe_from_dict({**common, "name": "s", "network": NANO, "distillation": {}}),
    }


def test_all_stages_in_order_and_finished_ones_are_left(data: Path, tmp_path: Path) -> None:
    stages, out = staged({}), tmp_path / "runs"
    options = {"data": data, "out": out, "accelerator": "cpu"}
    results = train_stages(stages, choose(stages, "all"), **options)  # type: ignore[arg-type]
    assert results == {"teacher": out / "teacher/t.safetensors", "student": out / "student/s.safetensors"}
    stamp = results["teacher"].stat().st_mtime_ns
    assert train_stages(stages, choose(stages, "all"), **options) == results  # type: ignore[arg-type]
    assert results["teacher"].stat().st_mtime_ns == stamp
    with (out / "teacher/validation.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert {"toy/Qabf", "told/toy/Qabf", "told/degraded/Qabf"} <= row.keys()
    # What is published is the student alone: no projections, no teacher.
    published = load_file(results["student"])
    assert published.keys() == build(stages["student"].network).state_dict().keys()
    assert stage_of(stages, results["student"]).name == "s"
    assert load_trained(results["student"]).network.config == stages["student"].network
    changed = {**stages, "teacher": dataclasses.replace(stages["teacher"], seed=1)}
    with pytest.raises(ConfigError, match="another recipe"):
        train_stages(changed, ("teacher",), **options)  # type: ignore[arg-type]


def test_a_distillation_that_was_stopped_goes_on_exactly(data: Path, tmp_path: Path) -> None:
    stages = staged({})
    teacher = train(stages["teacher"], data=data, out=tmp_path / "t", accelerator="cpu")
    options = {"data": data, "teacher": teacher, "accelerator": "cpu"}
    whole = train(stages["student"], out=tmp_path / "whole", **options)  # type: ignore[arg-type]
    train(stages["student"], out=tmp_path / "parts", stop_after=3, **options)  # type: ignore[arg-type]
    stored = load_file(tmp_path / "parts/last.safetensors")
    assert {"task.projections.2.weight", "task.projections.4.weight"} <= stored.keys()
    parts = train(stages["student"], out=tmp_path / "parts", **options)  # type: ignore[arg-type]
    first, second = load_file(whole), load_file(parts)
    assert all(torch.equal(first[name], second[name]) for name in first)
    other = tmp_path / "other.safetensors"
    tensors, metadata = read_tensors(teacher)
    write_tensors(other, {name: tensor * 1.01 for name, tensor in tensors.items()}, metadata)
    with pytest.raises(ConfigError, match="another recipe"):  # another teacher is another run
        train(stages["student"], data=data, out=tmp_path / "parts", teacher=other, accelerator="cpu")


def test_a_missing_or_wrong_teacher_is_named(data: Path, tmp_path: Path) -> None:
    student = staged({})["student"]
    with pytest.raises(ConfigError, match="none was given: train the teacher's stage first"):
        train(student, data=data, out=tmp_path / "s", accelerator="cpu")
    with pytest.raises(ConfigError, match="is no file"):
        load_teacher(tmp_path / "none.safetensors", "s")
    write_tensors(tmp_path / "w.safetensors", {"a": torch.zeros(1)}, {})
    with pytest.raises(ModelError, match="holds no weights of a trained network"):
        load_teacher(tmp_path / "w.safetensors", "s")


def test_a_stage_that_is_not_there() -> None:
    with pytest.raises(ConfigError, match="no stage 'nano': choose from teacher, student, all"):
        choose(staged({}), "nano")


def test_a_budget_ends_the_run_with_weights_to_use(data: Path, tmp_path: Path) -> None:
    recipe = dataclasses.replace(staged({})["teacher"], steps=100_000, minutes=0.05, validate_every=100_000)
    result = train(recipe, data=data, out=tmp_path / "run", accelerator="cpu")
    with safe_open(result, "pt") as file:
        metadata = file.metadata()
    assert 1 <= int(metadata["step"]) < 100_000
    assert json.loads(metadata["recipe"])["minutes"] == 0.05
    with safe_open(tmp_path / "run/last.safetensors", "pt") as file:
        assert float(file.metadata()["elapsed"]) >= 3.0
    again = train(recipe, data=data, out=tmp_path / "run", accelerator="cpu")  # nothing left of the budget
    with safe_open(again, "pt") as file:
        assert file.metadata()["step"] == metadata["step"]


def test_a_teacher_without_words_in_the_batch_still_works() -> None:
    plain = batch()
    del plain["text"], plain["factors"]
    loss, _ = BaseTask(network(TOLD), Objective({"intensity": 1.0}))(plain)  # type: ignore[arg-type]
    assert loss.isfinite()


def test_a_stage_begins_with_the_weights_of_another(data: Path, tmp_path: Path) -> None:
    toys = staged({})
    still = {"lr": 1.0e-12, "final_lr": 1.0e-12, "warmup": 0, "weight_decay": 0.0}
    common = {"network": NANO, "distillation": None, "text": None}
    first = dataclasses.replace(toys["student"], name="first", distillation=None, steps=3)
    second = recipe_from_dict(
        {
            "name": "second",
            "card": {"summary": "", "data_terms": ""},
            "data": {"sets": [{"name": "toy"}], "crop": 48, "batch": 2},
            "objective": {"intensity": 1.0},
            "optimiser": still,
            "start": "first",
            "steps": 1,
            **common,
        }
    )
    stages = {"first": first, "second": second}
    results = train_stages(stages, ("first", "second"), out=tmp_path / "runs", data=data, accelerator="cpu")
    before, after = load_file(results["first"]), load_file(results["second"])
    assert all(torch.allclose(before[name], after[name], atol=1e-6) for name in before)
    with pytest.raises(ConfigError, match="begins with the weights of its stage 'first', which are not there"):
        train_stages(stages, ("second",), out=tmp_path / "elsewhere", data=data, accelerator="cpu")

    # Weights of any run of the same network, for one stage at a time (pictures of your own).
    alone = dataclasses.replace(second, name="alone", start=None)
    own = {"own": alone, "other": first}
    options = {"data": data, "accelerator": "cpu", "start": results["first"]}
    tuned = train_stages(own, ("own",), out=tmp_path / "own", **options)["own"]  # type: ignore[arg-type]
    assert all(torch.allclose(before[name], value, atol=1e-6) for name, value in load_file(tuned).items())
    with pytest.raises(ConfigError, match="can be the start of one stage only"):
        train_stages(own, ("own", "other"), out=tmp_path / "own", **options)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=r"was to begin with these weights, which are not there .*--start FILE"):
        train(alone, data=data, out=tmp_path / "none", start=tmp_path / "nothing", accelerator="cpu")
    options.pop("start")
    narrower, wider = (
        recipe_from_dict(
            {
                **json.loads(second.to_json(), object_hook=partial(_known, width)),
                "card": {"summary": "", "data_terms": ""},
            }
        )
        for width in (4, 16)
    )
    with pytest.raises(ConfigError, match="the weights of another network"):
        train(narrower, out=tmp_path / "narrow", start=results["first"], **options)  # type: ignore[arg-type]
    grown = load_file(train(wider, out=tmp_path / "wide", start=results["first"], **options))  # type: ignore[arg-type]
    inner = before["stem.weight"]
    assert torch.allclose(grown["stem.weight"][: len(inner)], inner, atol=1e-6)


def test_a_reduced_student_begins_with_the_whole_one(data: Path, tmp_path: Path) -> None:
    common = {
        "card": {"summary": "", "data_terms": ""},
        "data": {"sets": [{"name": "toy"}], "crop": 48, "batch": 2},
        "objective": {"intensity": 1.0},
        "optimiser": {"lr": 1.0e-12, "final_lr": 1.0e-12, "warmup": 0, "weight_decay": 0.0},
        "steps": 1,
    }
    recipes = {
        name: recipe_from_dict({"name": name, "network": sizes, **common})
        for name, sizes in (("whole", STUDENT), ("half", {**STUDENT, "reduction": 2}), ("nano", NANO))
    }
    options = {"data": data, "accelerator": "cpu"}
    whole = train(recipes["whole"], out=tmp_path / "whole", **options)  # type: ignore[arg-type]
    half = train(recipes["half"], out=tmp_path / "half", start=whole, **options)  # type: ignore[arg-type]
    before, after = (load_file(path)["visible_encoder.embed.weight"] for path in (whole, half))
    assert torch.allclose(after.unfold(2, 2, 2).unfold(3, 2, 2).sum((4, 5)), before, atol=1e-6)
    for other, start in (("whole", half), ("nano", whole)):
        with pytest.raises(ConfigError, match="the weights of another network"):
            train(recipes[other], out=tmp_path / "other", start=start, **options)  # type: ignore[arg-type]


def _known(width: int, values: dict[str, object]) -> dict[str, object]:
    """A recipe's JSON as YAML would hold it, of another width."""
    values.pop("task", None)
    return {**values, "width": width} if values.get("kind") == "nano" else values


def test_a_retrained_teacher_has_its_students_trained_again(data: Path, tmp_path: Path) -> None:
    """A finished student of another teacher is not what was asked for; its run is not mixed with the new one either."""
    stages, out = staged({}), tmp_path / "runs"
    options = {"data": data, "out": out, "accelerator": "cpu"}
    results = train_stages(stages, choose(stages, "all"), **options)  # type: ignore[arg-type]
    tensors, metadata = read_tensors(results["teacher"])
    write_tensors(results["teacher"], {name: tensor * 1.01 for name, tensor in tensors.items()}, metadata)
    with pytest.raises(ConfigError, match="made by another recipe"):
        train_stages(stages, choose(stages, "all"), **options)  # type: ignore[arg-type]
    (out / "student/last.safetensors").unlink()
    before = results["student"].read_bytes()
    train_stages(stages, choose(stages, "all"), **options)  # type: ignore[arg-type]
    assert results["student"].read_bytes() != before


def test_in_a_students_stage_the_teacher_is_always_told(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dropped captions and words are for the teacher's own training."""
    stages = staged({})
    text = TextConfig(encoder="events", captions="none", caption_dropout=0.9, word_dropout=0.9)
    mute = dataclasses.replace(stages["teacher"], text=text)
    teacher = train(mute, data=data, out=tmp_path / "t", accelerator="cpu")
    seen: list[TextConfig] = []

    def remember(config: TextConfig, *rest: object, **more: object) -> PairWords:
        seen.append(config)
        return PairWords(config, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr("distilfuse.training.loop.PairWords", remember)
    train(stages["student"], data=data, out=tmp_path / "s", teacher=teacher, accelerator="cpu")
    assert [(config.caption_dropout, config.word_dropout) for config in seen] == [(0.0, 0.0)]
