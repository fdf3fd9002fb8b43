"""A session of ONNX Runtime on the CPU that keeps the optimised graph in the user's cache, where that is worth it."""

from __future__ import annotations

import hashlib
import secrets
from pathlib import Path

import onnxruntime as ort

from distilfuse.runtime.backend import cpu_features, cpu_name
from distilfuse.runtime.cache import made_folder

PROVIDER = "CPUExecutionProvider"

LARGE = 1_000_000
"""Bytes of a file that is optimised once only. Measured in CPU time: the paper's student (20 MB) loads in 140 ms, not
600; a nano network in 3 ms, not 7, which no one would notice."""


def open_session(weights: bytes, options: ort.SessionOptions) -> ort.InferenceSession:
    """Load a model, from its kept graph if there is one; whatever is wrong with the cache, the model is loaded.

    Args:
        weights: the bytes of an ONNX file.
        options: are changed where the graph is kept.
    """
    folder = made_folder("onnxruntime") if len(weights) >= LARGE else None
    if folder is None:
        return ort.InferenceSession(weights, options, [PROVIDER])
    usual = options.graph_optimization_level
    # The layout of the weights in an optimised graph is that of this very processor.
    about = [hashlib.sha256(weights).hexdigest(), ort.__version__, cpu_name(), cpu_features()]
    key = _digest("\n".join(about).encode())
    for path in folder.glob(f"{key}-*.onnx"):
        try:
            graph = path.read_bytes()
            if path.stem == f"{key}-{_digest(graph)}":
                options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
                return ort.InferenceSession(graph, options, [PROVIDER])
            path.unlink()
        except Exception:  # of the file system or of ONNX Runtime, whose exceptions have no public common base
            options.graph_optimization_level = usual
    part = folder / f".{key}.{secrets.token_hex(4)}.part"
    try:
        return _load_and_keep(weights, options, part, key)
    except Exception:  # no space, for instance; if it is the model, the next line says so
        options.optimized_model_filepath = ""
        return ort.InferenceSession(weights, options, [PROVIDER])
    finally:
        part.unlink(missing_ok=True)


def _load_and_keep(weights: bytes, options: ort.SessionOptions, part: Path, key: str) -> ort.InferenceSession:
    options.optimized_model_filepath = str(part)
    session = ort.InferenceSession(weights, options, [PROVIDER])
    part.replace(part.with_name(f"{key}-{_digest(part.read_bytes())}.onnx"))
    return session


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
