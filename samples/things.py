"""Things that draw themselves into a camera's buffer: ground, boxes, solids, branches, leaves."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from samples.camera import Buffer, unit
from samples.noise import Array

__all__ = ["Box", "Branches", "Ground", "Hits", "Leaves", "Material", "Solid", "Surface", "Thing"]


@dataclass
class Hits:
    """Sample points of one thing, for its material."""

    p: Array
    """World position [N, 3], metres."""
    q: Array
    """The same in the thing's own frame."""
    n: Array
    """World normal [N, 3]."""
    m: Array
    """The same in the thing's own frame."""
    view: Array
    """Unit direction from the eye, in the thing's own frame."""
    foot: Array
    """Width of one sample point on the surface [N], metres."""
    part: Array


@dataclass
class Surface:
    """What a material says of its sample points; see ``default`` for shapes."""

    albedo: Array
    temperature: Array
    """Degrees Celsius [N]."""
    emission: Array
    gloss: Array
    """Specular reflectance at normal incidence [N]."""
    shine: Array
    """Blinn-Phong exponent [N]."""
    emissivity: Array
    through: Array
    """Share of light that passes from behind (leaves) [N]."""
    solar: Array
    """Share of the sun's heat that the surface keeps [N]; leaves cool themselves, dark asphalt keeps all."""
    normal: Array | None = None
    """Local normal after bumps [N, 3], or None."""

    @staticmethod
    def default(hits: Hits, albedo: tuple[float, float, float], temperature: float) -> Surface:
        count = hits.p.shape[0]
        flat = np.ones(count, np.float32)
        return Surface(
            albedo=np.tile(np.array(albedo, np.float32), (count, 1)),
            temperature=flat * np.float32(temperature),
            emission=np.zeros((count, 3), np.float32),
            gloss=flat * np.float32(0.02),
            shine=flat * np.float32(12.0),
            emissivity=flat * np.float32(0.95),
            through=flat * np.float32(0.0),
            solar=flat * np.float32(0.6),
        )


Material = Callable[[Hits], Surface]


@dataclass
class Thing:
    """Base: a frame (place, heading, size), a material and a label for tests."""

    material: Material
    label: str = ""
    at: tuple[float, float, float] = (0.0, 0.0, 0.0)
    yaw: float = 0.0
    scale: float = 1.0
    casts: bool = True
    """Whether it takes part in shadow maps."""
    rotation: Array = field(init=False, repr=False)

    def __post_init__(self) -> None:
        c, s = np.cos(self.yaw), np.sin(self.yaw)
        self.rotation = np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]], np.float32)

    def to_local(self, p: Array) -> Array:
        out: Array = ((p - np.array(self.at, np.float32)) @ self.rotation) / np.float32(self.scale)
        return out

    def turn(self, v: Array) -> Array:
        """A direction in the thing's own frame."""
        out: Array = v @ self.rotation
        return out

    def back(self, v: Array) -> Array:
        """A direction of the thing's own frame in the world."""
        out: Array = v @ self.rotation.T
        return out

    def draw(self, buffer: Buffer, index: int) -> None:
        raise TypeError(f"{type(self).__name__} draws nothing")

    def corners(self, low: Array, high: Array) -> Array:
        box = np.array(list(itertools.product(*zip(low, high, strict=True))), np.float32)
        return self.back(box * np.float32(self.scale)) + np.array(self.at, np.float32)


def _slabs(o: Array, d: Array, low: Array, high: Array) -> tuple[Array, Array]:
    """Entry and exit of rays through an axis-aligned box."""
    safe = np.where(np.abs(d) < 1e-9, 1e-9, d)
    a, b = (low - o) / safe, (high - o) / safe
    return np.minimum(a, b).max(axis=1), np.maximum(a, b).min(axis=1)


@dataclass
class Ground(Thing):
    """The plane z = 0."""

    def draw(self, buffer: Buffer, index: int) -> None:
        cam = buffer.camera
        o, d = cam.rays(0, cam.width, 0, cam.height)
        with np.errstate(divide="ignore", invalid="ignore"):
            t = np.where(d[:, 2] < -1e-6, -o[:, 2] / d[:, 2], np.inf)
        at = np.flatnonzero((t > 0.05) & (t < buffer.depth) & (t < 400.0))
        buffer.put(at, t[at], np.array([0.0, 0.0, 1.0], np.float32), index)


@dataclass
class Box(Thing):
    """A box from ``low`` to ``high`` in its own frame."""

    low: tuple[float, float, float] = (0.0, 0.0, 0.0)
    high: tuple[float, float, float] = (1.0, 1.0, 1.0)

    def draw(self, buffer: Buffer, index: int) -> None:
        low, high = np.array(self.low, np.float32), np.array(self.high, np.float32)
        window = buffer.camera.window(self.corners(low, high))
        if window is None:
            return
        at = buffer.pixels(window)
        o, d = buffer.camera.rays(*window)
        o, d = self.to_local(o), self.turn(d) / np.float32(self.scale)
        near, far = _slabs(o, d, low, high)
        hit = (near < far) & (near > 0.05) & (near < buffer.depth[at])
        if not hit.any():
            return
        p = o[hit] + near[hit, None] * d[hit]
        centre, half = (low + high) / 2, (high - low) / 2
        rel = (p - centre) / half
        axis = np.abs(rel).argmax(axis=1)
        normal = np.zeros_like(p)
        rows = np.arange(p.shape[0])
        normal[rows, axis] = np.sign(rel[rows, axis])
        buffer.put(at[hit], near[hit], self.back(normal), index)


@dataclass
class Solid(Thing):
    """A body given by signed distances to its parts, found by sphere tracing."""

    parts: Callable[[Array], Array] = lambda p: p
    """[N, 3] -> [N, K] signed distance of each part, metres."""
    low: tuple[float, float, float] = (-1.0, -1.0, 0.0)
    high: tuple[float, float, float] = (1.0, 1.0, 2.0)

    def draw(self, buffer: Buffer, index: int) -> None:
        low, high = np.array(self.low, np.float32), np.array(self.high, np.float32)
        window = buffer.camera.window(self.corners(low, high))
        if window is None:
            return
        at = buffer.pixels(window)
        o, d = buffer.camera.rays(*window)
        o, d = self.to_local(o), self.turn(d) / np.float32(self.scale)
        near, far = _slabs(o, d, low, high)
        near = np.maximum(near, 0.05)
        far = np.minimum(far, buffer.depth[at])
        alive = np.flatnonzero(near < far)
        if alive.size == 0:
            return
        at, o, d, t, far = at[alive], o[alive], d[alive], near[alive], far[alive]
        speed = np.linalg.norm(d, axis=1)
        hit = np.zeros(t.size, bool)
        alive = np.arange(t.size)
        for _ in range(64):
            dist = self.parts(o[alive] + t[alive, None] * d[alive]).min(axis=1)
            touch = dist < 0.0015
            hit[alive[touch]] = True
            t[alive] += np.where(touch, 0.0, np.maximum(dist, 0.001) * 0.9 / speed[alive])
            alive = alive[~touch & (t[alive] < far[alive])]
            if alive.size == 0:
                break
        if not hit.any():
            return
        at, t = at[hit], t[hit]
        if buffer.depth_only:
            buffer.put(at, t, None, index)
            return
        p = o[hit] + t[:, None] * d[hit]
        normal = np.zeros_like(p)
        for corner in ((1, -1, -1), (-1, -1, 1), (-1, 1, -1), (1, 1, 1)):
            k = np.array(corner, np.float32)
            normal += k * self.parts(p + k * np.float32(0.002)).min(axis=1)[:, None]
        buffer.put(at, t, self.back(unit(normal)), index, self.parts(p).argmin(axis=1).astype(np.int8))


@dataclass
class Branches(Thing):
    """Tapered round segments in world metres (trunks, branches, poles, cables)."""

    start: Array = field(default_factory=lambda: np.zeros((0, 3), np.float32))
    end: Array = field(default_factory=lambda: np.zeros((0, 3), np.float32))
    thick: Array = field(default_factory=lambda: np.zeros((0, 2), np.float32))
    """Radius at start and end [N, 2], metres."""

    def draw(self, buffer: Buffer, index: int) -> None:
        for a, b, (r0, r1) in zip(self.start, self.end, self.thick, strict=True):
            reach = max(r0, r1)
            hull = self.corners(np.minimum(a, b) - reach, np.maximum(a, b) + reach)
            window = buffer.camera.window(hull)
            if window is None:
                continue
            at = buffer.pixels(window)
            o, d = buffer.camera.rays(*window)
            o, d = self.to_local(o), self.turn(d)
            # Nearest approach of the ray to the axis, then back along the ray by the chord.
            axis = b - a
            length2 = float(axis @ axis)
            w = o - a
            dd, da = (d * d).sum(axis=1), d @ axis
            denom = dd * length2 - da * da
            s = np.clip(((w @ axis) * dd - (w * d).sum(axis=1) * da) / np.maximum(denom, 1e-9), 0.0, 1.0)
            centre = a + s[:, None] * axis
            t = ((centre - o) * d).sum(axis=1) / dd
            gap = np.linalg.norm(o + t[:, None] * d - centre, axis=1)
            radius = r0 + (r1 - r0) * s
            sine = np.sqrt(np.maximum(denom / (dd * length2), 0.02))
            t = t - np.sqrt(np.maximum(radius**2 - gap**2, 0.0)) / (sine * np.sqrt(dd))
            hit = (gap < radius) & (t > 0.05) & (t < buffer.depth[at])
            if not hit.any():
                continue
            p = o[hit] + t[hit, None] * d[hit]
            foot = np.clip(((p - a) @ axis) / length2, 0.0, 1.0)
            buffer.put(at[hit], t[hit], self.back(unit(p - a - foot[:, None] * axis)), index)


@dataclass
class Leaves(Thing):
    """Many small leaf-shaped splats in world metres."""

    places: Array = field(default_factory=lambda: np.zeros((0, 3), np.float32))
    normals: Array = field(default_factory=lambda: np.zeros((0, 3), np.float32))
    size: float = 0.05

    def draw(self, buffer: Buffer, index: int) -> None:
        cam = buffer.camera
        x, y, depth = cam.project(self.places)
        radius = (
            (self.size * cam.focal / np.maximum(depth, 0.05))
            if not cam.parallel
            else np.full_like(depth, self.size * cam.focal)
        )
        radius = np.minimum(radius, 14.0)
        seen = (depth > 0.3) & (x > -15) & (x < cam.width + 15) & (y > -15) & (y < cam.height + 15)
        ids = np.flatnonzero(seen)
        reach = np.ceil(radius[ids]).astype(int)
        # Leaf axis on screen, from its normal: neighbours differ, so crowns do not look like confetti.
        angle = np.arctan2(self.normals[:, 2] * 3.1, self.normals[:, 0] * 2.3 + self.normals[:, 1])
        flats, owners = [], []
        for r in np.unique(reach):
            mine = ids[reach == r]
            oy, ox = (g.reshape(-1) for g in np.mgrid[-r : r + 1, -r : r + 1])
            px = np.floor(x[mine]).astype(int)[:, None] + ox
            py = np.floor(y[mine]).astype(int)[:, None] + oy
            dx, dy = px + 0.5 - x[mine, None], py + 0.5 - y[mine, None]
            c, s = np.cos(angle[mine])[:, None], np.sin(angle[mine])[:, None]
            along, across = dx * c + dy * s, (dy * c - dx * s) * 1.7
            rr = np.maximum(radius[mine], 0.6)[:, None]
            inside = (along**2 + across**2 < rr**2) & (px >= 0) & (px < cam.width) & (py >= 0) & (py < cam.height)
            leaf, spot = np.nonzero(inside)
            flats.append(py[leaf, spot] * cam.width + px[leaf, spot])
            owners.append(mine[leaf])
        if not flats:
            return
        at, owner = np.concatenate(flats), np.concatenate(owners)
        order = np.argsort(-depth[owner], kind="stable")
        at, owner = at[order], owner[order]
        near = depth[owner] < buffer.depth[at]
        at, owner = at[near], owner[near]
        # Far to near: of several leaves on one sample point the nearest is written last.
        last = np.full(buffer.depth.size, -1, np.int64)
        last[at] = owner
        at = np.flatnonzero(last >= 0)
        owner = last[at]
        buffer.put(at, depth[owner].astype(np.float32), self.normals[owner], index)
