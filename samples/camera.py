"""Cameras and the buffer they fill: what each sample point of the picture sees first."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from samples.noise import Array

__all__ = ["Buffer", "Camera", "look", "unit"]


def unit(v: Array) -> Array:
    """Vectors along the last axis scaled to length 1."""
    return np.asarray(v / np.maximum(np.linalg.norm(v, axis=-1, keepdims=True), 1e-9))


@dataclass(frozen=True)
class Camera:
    """A pinhole (or, for the sun, parallel) camera; world metres, z up."""

    eye: Array
    right: Array
    up: Array
    forward: Array
    focal: float
    """Pixels per unit of tangent (pinhole) or per metre (parallel)."""
    width: int
    height: int
    parallel: bool = False
    centre: tuple[float, float] = field(default=(0.5, 0.5))
    """Principal point as a fraction of the picture."""

    def rays(self, x0: int, x1: int, y0: int, y1: int) -> tuple[Array, Array]:
        """Origins and directions [N, 3] of a pixel window; directions have length 1 along ``forward``."""
        xs = (np.arange(x0, x1, dtype=np.float32) + 0.5 - self.centre[0] * self.width) / self.focal
        ys = -(np.arange(y0, y1, dtype=np.float32) + 0.5 - self.centre[1] * self.height) / self.focal
        gx, gy = (g.reshape(-1, 1) for g in np.meshgrid(xs, ys))
        side = (gx * self.right + gy * self.up).astype(np.float32)
        ahead = np.broadcast_to(self.forward, side.shape).astype(np.float32)
        base = np.broadcast_to(self.eye, side.shape).astype(np.float32)
        return (base + side, ahead) if self.parallel else (base, ahead + side)

    def project(self, p: Array) -> tuple[Array, Array, Array]:
        """Pixel x, pixel y and depth of world points [N, 3]."""
        v = p - self.eye
        depth = v @ self.forward
        scale = np.full_like(depth, self.focal) if self.parallel else self.focal / np.maximum(depth, 1e-4)
        x = (v @ self.right) * scale + self.centre[0] * self.width
        y = -(v @ self.up) * scale + self.centre[1] * self.height
        return x, y, depth

    def window(self, corners: Array) -> tuple[int, int, int, int] | None:
        """Pixel window that holds the hull of ``corners`` [8, 3], None when out of sight."""
        x, y, depth = self.project(corners)
        if not self.parallel and depth.max() < 0.05:
            return None
        if not self.parallel and depth.min() < 0.05:
            return 0, self.width, 0, self.height
        x0, x1 = max(int(x.min()) - 1, 0), min(int(x.max()) + 2, self.width)
        y0, y1 = max(int(y.min()) - 1, 0), min(int(y.max()) + 2, self.height)
        return (x0, x1, y0, y1) if x1 > x0 and y1 > y0 else None


def look(
    eye: tuple[float, float, float],
    target: tuple[float, float, float],
    *,
    width: int,
    height: int,
    focal: float,
    parallel: bool = False,
) -> Camera:
    """A camera at ``eye`` that looks at ``target``."""
    at = np.array(eye, np.float32)
    forward = unit(np.array(target, np.float32) - at)
    helper = np.array([0.0, 1.0, 0.0] if abs(forward[2]) > 0.95 else [0.0, 0.0, 1.0], np.float32)
    right = unit(np.cross(forward, helper))
    up = np.cross(right, forward)
    return Camera(at, right, up, forward, focal, width, height, parallel)


class Buffer:
    """First hits of one camera: depth, normal, thing and part for each sample point."""

    def __init__(self, camera: Camera, *, depth_only: bool = False) -> None:
        count = camera.width * camera.height
        self.camera = camera
        self.depth_only = depth_only
        self.depth = np.full(count, np.inf, np.float32)
        if not depth_only:
            self.normal = np.zeros((count, 3), np.float32)
            self.thing = np.full(count, -1, np.int16)
            self.part = np.zeros(count, np.int8)

    def pixels(self, window: tuple[int, int, int, int]) -> Array:
        """Flat indices of a pixel window, row by row."""
        x0, x1, y0, y1 = window
        return (np.arange(y0, y1)[:, None] * self.camera.width + np.arange(x0, x1)[None, :]).reshape(-1)

    def put(self, at: Array, depth: Array, normal: Array | None, thing: int, part: Array | int = 0) -> None:
        """Write hits already known to be nearer than what the buffer holds."""
        self.depth[at] = depth
        if not self.depth_only:
            self.normal[at] = normal
            self.thing[at] = thing
            self.part[at] = part
