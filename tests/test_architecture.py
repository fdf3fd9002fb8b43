"""The shape of the house: what importing costs, who may import whom, and which names are public."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import distilfuse

PACKAGE = Path(distilfuse.__file__).parent

RUNTIME_ROOMS = {
    "__main__", "cli", "datasets", "errors", "evaluation", "fuser", "imaging", "metrics", "runtime", "samples",
    "workflows", "zoo",
}  # fmt: skip
TRAINING_ROOMS = {"export", "losses", "nets", "text", "training"}
TRAINING_PACKAGES = {
    "lightning", "onnx", "onnxscript", "openai", "pytorch_lightning", "safetensors", "sentence_transformers",
    "tensorboard", "torch", "transformers", "yaml",
}  # fmt: skip
# The only runtime modules that may start the training wing, and only inside a function: what each may import of it.
DOORS = {
    f"distilfuse.cli.{name}": ""
    for name in ("annotate", "bench", "evaluate", "export", "quantize", "reproduce", "train")
}
DOORS["distilfuse.runtime.choice"] = "distilfuse.export.torch_backend."

PUBLIC = {
    "distilfuse": ["DistilfuseError", "Fuser", "__version__", "fuse", "list_models", "stream"],
    "distilfuse.errors": [
        "ConfigError",
        "DistilfuseError",
        "InputError",
        "MissingDependencyError",
        "ModelError",
        "OutputError",
    ],
    "distilfuse.losses": ["Objective", "TERMS"],
    "distilfuse.metrics": [
        "METRICS",
        "Metric",
        "PROTOCOLS",
        "Protocol",
        "average_gradient",
        "entropy",
        "find_metric",
        "find_protocol",
        "mutual_information",
        "paper_grey",
        "qabf",
        "score",
        "spatial_frequency",
        "ssim",
        "standard_deviation",
        "vif",
    ],
    "distilfuse.nets": [
        "FusionConfig",
        "FusionNet",
        "NanoConfig",
        "NetworkConfig",
        "StudentConfig",
        "TeacherConfig",
        "build",
        "config_from_dict",
    ],
    "distilfuse.runtime": [
        "AUTO",
        "BACKENDS",
        "Backend",
        "INSTALL",
        "backend_devices",
        "check_threads",
        "cpu_name",
        "find_devices",
        "open_backend",
        "usable_cpus",
    ],
    "distilfuse.fuser": ["DEFAULT_BACKEND", "DEFAULT_MODEL", "Fuser", "fuse"],
    "distilfuse.samples": ["load", "names", "paths"],
    "distilfuse.zoo": [
        "MODELS",
        "ModelRecord",
        "find_model",
        "find_record",
        "list_models",
        "load_record",
        "read_part",
        "read_weights",
    ],
}


def rooms() -> set[str]:
    """The names right under the package that hold Python code."""
    tops = {path.relative_to(PACKAGE).parts[0] for path in PACKAGE.rglob("*.py")}
    return {top.removesuffix(".py") for top in tops} - {"__init__"}


def modules(wing: set[str]) -> dict[str, Path]:
    """Dotted name -> file, for every module in the rooms of a wing."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        if parts[0] in wing:
            found[".".join(("distilfuse", *parts)).removesuffix(".__init__")] = path
    return found


def in_fresh_interpreter(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def imports(tree: ast.AST) -> Iterator[tuple[str, bool]]:
    """Every module named by an import statement, and whether that statement stands inside a function."""

    def walk(node: ast.AST, inside: bool) -> Iterator[tuple[str, bool]]:
        inside = inside or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.If) and isinstance(child.test, ast.Name) and child.test.id == "TYPE_CHECKING":
                continue  # names for type checkers, never imported
            if isinstance(child, ast.Import):
                yield from ((alias.name, inside) for alias in child.names)
            elif isinstance(child, ast.ImportFrom):
                assert child.level == 0, "relative imports hide who imports whom"
                yield from ((f"{child.module}.{alias.name}", inside) for alias in child.names)
            yield from walk(child, inside)

    return walk(tree, False)


def is_of_training_wing(name: str) -> bool:
    package, _, rest = name.partition(".")
    return package in TRAINING_PACKAGES or (package == "distilfuse" and rest.split(".")[0] in TRAINING_ROOMS)


def test_every_room_belongs_to_a_wing() -> None:
    # A new room is given its wing here and its layer in pyproject.toml.
    assert rooms() - RUNTIME_ROOMS - TRAINING_ROOMS == set()


def test_every_room_is_described(project: Path) -> None:
    text = (project / "docs" / "architecture.md").read_text(encoding="utf-8")
    assert [room for room in sorted(rooms() - {"__main__"}) if f"`{room}" not in text] == []


def test_importing_the_package_loads_nothing_else() -> None:
    loaded = in_fresh_interpreter(
        "import sys; before = set(sys.modules); import distilfuse\n"
        "new = set(sys.modules) - before\n"
        "print(sorted(m for m in new if m.split('.')[0] not in sys.stdlib_module_names))"
    )
    assert loaded == "['distilfuse']"


def test_looking_around_loads_nothing_heavy() -> None:
    loaded = in_fresh_interpreter(
        "import sys, distilfuse; dir(distilfuse); distilfuse.DistilfuseError; distilfuse.__version__\n"
        "print(sorted({'numpy', 'onnxruntime', 'PIL', 'torch'} & set(sys.modules)))"
    )
    assert loaded == "[]"


def test_runtime_wing_lives_without_the_training_extra() -> None:
    names = [name for name in modules(RUNTIME_ROOMS) if name != "distilfuse.__main__"]
    assert "distilfuse.errors" in names
    absent = sorted(TRAINING_PACKAGES | {"av", "cv2", "fsspec", "nibabel", "openvino", "pydicom", "ray", "scipy"})
    loaded = in_fresh_interpreter(
        "import importlib, sys\n"
        f"for package in {absent}: sys.modules[package] = None  # importing it fails, as if not installed\n"
        f"for name in {names}: importlib.import_module(name)\n"
        "print(*(name for name in sys.modules if name.startswith('distilfuse.')))"
    )
    assert [name for name in loaded.split() if is_of_training_wing(name)] == []


@pytest.mark.parametrize("module", modules(RUNTIME_ROOMS))
def test_runtime_wing_never_imports_the_training_wing(module: str) -> None:
    tree = ast.parse(modules(RUNTIME_ROOMS)[module].read_text("utf-8"))
    found = [(name, inside) for name, inside in imports(tree) if is_of_training_wing(name)]
    door = DOORS.get(module)
    assert [name for name, inside in found if door is None or not inside or not name.startswith(door)] == []


def test_import_contracts_are_kept(project: Path) -> None:
    linter = pytest.importorskip("importlinter.cli", reason="import-linter (extra dev) is not installed")
    status = linter.lint_imports(config_filename=str(project / "pyproject.toml"), no_cache=True, no_logo=True)
    assert status == 0, "lint-imports names the broken contract above"


def test_every_room_with_public_names_is_frozen() -> None:
    fronts = [*PACKAGE.glob("*.py"), *PACKAGE.glob("*/__init__.py")]
    public = {path for path in fronts if "\n__all__ = " in path.read_text("utf-8")}
    assert public == {Path(importlib.import_module(module).__file__) for module in PUBLIC}


@pytest.mark.parametrize("module", PUBLIC)
def test_public_names_are_frozen(module: str) -> None:
    loaded = importlib.import_module(module)
    assert sorted(loaded.__all__) == PUBLIC[module], "a change of a public name belongs into CHANGELOG.md too"
    assert [name for name in PUBLIC[module] if not hasattr(loaded, name)] == []


def test_lazy_names() -> None:
    from distilfuse.errors import DistilfuseError

    assert distilfuse.DistilfuseError is DistilfuseError
    assert set(distilfuse.__all__) <= set(dir(distilfuse))
    with pytest.raises(AttributeError, match="no attribute 'fuze'"):
        distilfuse.fuze  # noqa: B018  # the access is the test
