"""A made-up axial slice of a head: where each tissue lies, in millimetres, from curves drawn by chance."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from scipy import ndimage  # type: ignore[import-untyped]

from samples.noise import Array, Dice, fbm, smoothstep

__all__ = ["FIELD", "Slice", "blur", "draw_slice", "shrink"]

FIELD = 216.0
"""Width of the picture, millimetres."""


@dataclass(frozen=True)
class Slice:
    """Shares of tissues per sample point, each [N, N] in 0..1, that sum to 1 with air."""

    tissue: dict[str, Array]
    """air, scalp, fat, bone, marrow, csf, grey, deep, white, tumour, rim, oedema, calcium, vessel."""
    x: Array
    """Millimetres to the right of the middle [N, N]."""
    y: Array
    """Millimetres to the front."""
    inside: Array
    """Distance inside the inner table of the skull, millimetres."""

    def mean(self, values: dict[str, float]) -> Array:
        """A picture from one value per tissue."""
        out = np.zeros_like(self.x)
        for name, share in self.tissue.items():
            out += values.get(name, 0.0) * share
        return out


def _egg(x: Array, y: Array, a: float, b: float, narrow: float) -> Array:
    """Signed distance (mm, negative inside) to a head-shaped oval, narrower in front."""
    wide = a * (1.0 - narrow * y / b - 0.06 * (y / b) ** 2)
    k = (np.abs(x / wide) ** 2.15 + np.abs(y / b) ** 2.15) ** (1 / 2.15)
    gy, gx = np.gradient(k)
    pixel = abs(float(x[0, 1] - x[0, 0]))
    return np.asarray((k - 1.0) / np.maximum(np.hypot(gx, gy) / pixel, 0.25 / b))


def _stroke(x: Array, y: Array, a: tuple[float, float], b: tuple[float, float], ra: float, rb: float) -> Array:
    """Distance to a tapered stroke."""
    ex, ey = b[0] - a[0], b[1] - a[1]
    h = np.clip(((x - a[0]) * ex + (y - a[1]) * ey) / (ex * ex + ey * ey), 0.0, 1.0)
    return np.asarray(np.hypot(x - a[0] - h * ex, y - a[1] - h * ey) - (ra + (rb - ra) * h))


def _oval(x: Array, y: Array, at: tuple[float, float], radii: tuple[float, float], turn: float = 0.0) -> Array:
    c, s = np.cos(turn), np.sin(turn)
    u, v = (x - at[0]) * c + (y - at[1]) * s, (y - at[1]) * c - (x - at[0]) * s
    return np.asarray((np.hypot(u / radii[0], v / radii[1]) - 1.0) * min(radii))


def _sulci(x: Array, y: Array, inner: Array, dice: Dice) -> Array:
    """Distance to the folds: radial furrows with side branches, the midline, the Sylvian fissures."""
    folds = np.abs(x + 0.8 * np.sin(y / 13.0)) - 0.7 + 6.0 * smoothstep(46.0, 24.0, np.abs(y + 2.0))
    gy, gx = np.gradient(inner)
    pixel = FIELD / x.shape[0]
    count = 46
    for k in range(count):
        angle = 2 * np.pi * (k + dice.uniform(-0.28, 0.28)) / count
        if abs(np.sin(angle)) < 0.03 or abs(np.cos(angle)) < 0.10:
            continue
        # Where this direction meets the brain's surface.
        far = np.linspace(40.0, 100.0, 121)
        px = ((far * np.cos(angle) + FIELD / 2) / pixel).astype(int)
        py = ((FIELD / 2 - far * np.sin(angle)) / pixel).astype(int)
        edge = int(np.argmin(np.abs(inner[py, px])))
        # The folds are drawn in warped coordinates, so they begin a little outside.
        at = ((far[edge] + 3.0) * np.cos(angle), (far[edge] + 3.0) * np.sin(angle))
        # Pixel rows run downwards while y points up: turn the row gradient round.
        way = np.arctan2(gy[py[edge], px[edge]], -gx[py[edge], px[edge]]) + dice.uniform(-0.35, 0.35)
        depth = dice.uniform(13.0, 29.0) if k % 2 else dice.uniform(8.0, 17.0)
        width = dice.uniform(0.35, 0.95)
        curl = dice.uniform(-0.11, 0.11)
        parts = max(int(depth / 3.0), 2)
        for part in range(parts):
            nxt = (at[0] + depth / parts * np.cos(way), at[1] + depth / parts * np.sin(way))
            taper = width * (1.0 - 0.6 * part / parts)
            folds = np.minimum(folds, _stroke(x, y, at, nxt, taper, taper * 0.85))
            if part >= 1 and dice.uniform() < 0.34:
                side = way + dice.sign() * dice.uniform(0.8, 1.35)
                long = dice.uniform(3.5, 8.0)
                tip = (nxt[0] + long * np.cos(side), nxt[1] + long * np.sin(side))
                folds = np.minimum(folds, _stroke(x, y, nxt, tip, taper * 0.8, 0.25))
            at, way = nxt, way + curl + dice.uniform(-0.25, 0.25)
    for side in (-1.0, 1.0):
        for y0 in (56.0, 47.0, -44.0, -55.0, -66.0):
            y1 = y0 + dice.uniform(-4.0, 4.0)
            long = dice.uniform(7.0, 14.0)
            bend = (side * long, y1 + dice.uniform(-2.5, 2.5))
            folds = np.minimum(folds, _stroke(x, y, (0.0, y1), bend, 0.8, 0.3))
        # Sylvian fissure: in from the side, then forwards and backwards over the insula.
        lift = dice.uniform(-3.0, 3.0)
        line = [
            (64.0, 13.0 + lift),
            (54.0, 9.0 + lift),
            (45.0, 9.5 + lift),
            (40.0, 6.0),
            (38.5, -3.0),
            (40.5, -13.0),
        ]
        for k, (p, q) in enumerate(itertools.pairwise(line)):
            width = 1.25 - 0.16 * k
            one, two = (side * p[0], p[1] + dice.uniform(-1.0, 1.0)), (side * q[0], q[1])
            folds = np.minimum(folds, _stroke(x, y, one, two, width, width * 0.9))
        for p, q in (((40.0, 6.0), (36.5, 14.0)), ((36.5, 14.0), (37.0, 23.0))):
            folds = np.minimum(folds, _stroke(x, y, (side * p[0], p[1]), (side * q[0], q[1]), 0.9, 0.5))
    return folds


def draw_slice(size: int, seed: int, *, lesion: bool = True) -> Slice:
    """Tissues of a slice at the height of the basal ganglia on ``size`` x ``size`` sample points."""
    dice = Dice(seed * 3571 + 5)
    pixel = FIELD / size
    row, column = np.mgrid[0:size, 0:size]
    sx, sy = (column + 0.5) * pixel - FIELD / 2, FIELD / 2 - (row + 0.5) * pixel
    flat = np.stack([sx.ravel(), sy.ravel()], axis=1) / 30.0
    wide = fbm(flat, 3, seed=seed + 51).reshape(size, size)
    tall = fbm(flat, 3, seed=seed + 52).reshape(size, size)
    x0, y0 = sx + 2.2 * wide, sy + 2.2 * tall
    x, y = sx + 8.0 * wide, sy + 8.0 * tall
    a, b = 69.0 + dice.uniform(-2.0, 2.0), 88.0 + dice.uniform(-2.0, 2.0)
    skin = _egg(x0, y0, a + 7.6, b + 7.6, 0.075) + 1.2 * fbm(flat * 0.9, 2, seed=seed + 60).reshape(size, size)
    outer = _egg(x0, y0, a, b, 0.075) + 0.8 * fbm(flat * 2.0, 2, seed=seed + 53).reshape(size, size)
    thick = 6.6 + 1.6 * np.cos(np.arctan2(x0, y0) * 2.0) + 1.3 * np.exp(-((x0 / 14.0) ** 2))
    inner = outer + thick
    brain = inner + 1.6 + 0.9 * fbm(flat * 2.5, 2, seed=seed + 54).reshape(size, size)
    folds = _sulci(x, y, brain, dice)
    soft = 0.45

    def within(d: Array) -> Array:
        return np.asarray(smoothstep(soft, -soft, d))

    ventricles = np.full_like(x, 99.0)
    deep = np.full_like(x, 99.0)
    capsule = np.full_like(x, 99.0)
    plenty = dice.uniform(0.85, 1.25)
    for side in (-1.0, 1.0):
        lean = dice.uniform(0.92, 1.08)
        for p, q, ra, rb in (
            ((2.6, 14.0), (5.5, 25.0), 1.6, 3.4),
            ((5.5, 25.0), (13.0, 35.0), 3.4, 2.0),
            ((15.0, -24.0), (20.0, -33.0), 3.2, 4.4),
            ((20.0, -33.0), (18.5, -48.0), 4.2, 1.3),
        ):
            one, two = (side * p[0] * lean, p[1]), (side * q[0] * lean, q[1])
            ventricles = np.minimum(ventricles, _stroke(x0, y0, one, two, ra * plenty, rb * plenty))
        deep = np.minimum(deep, _oval(x0, y0, (side * 13.0, 21.5), (4.6, 9.5), side * 0.35))
        deep = np.minimum(deep, _oval(x0, y0, (side * 9.5, -7.0), (7.6, 12.0), -side * 0.25))
        lens = np.maximum(
            _oval(x0, y0, (side * 21.5, 6.5), (8.2, 17.0), side * 0.22),
            -_oval(x0, y0, (side * 11.0, 5.5), (8.0, 15.0)),
        )
        deep = np.minimum(deep, lens)
        capsule = np.minimum(capsule, _oval(x0, y0, (side * 15.8, 6.0), (1.2, 17.0), side * 0.1))
    ventricles = np.minimum(ventricles, _oval(x0, y0, (0.0, -3.0), (1.5, 9.0)))
    ventricles = np.minimum(ventricles, _oval(x0, y0, (0.0, -27.0), (4.5, 3.2)))
    # Cortex: what is within three millimetres of the surface or a fold.
    surface = np.minimum(np.abs(brain), np.maximum(folds, 0.0))
    ribbon = 3.1 + 0.5 * fbm(flat * 4.0, 2, seed=seed + 55).reshape(size, size)
    head, in_skull, in_brain = within(skin), within(inner), within(brain)
    csf = np.maximum(np.maximum(in_skull - in_brain, 0.0), in_brain * np.maximum(within(folds), within(ventricles)))
    rest = in_brain * (1.0 - np.maximum(within(folds), within(ventricles)))
    central = within(np.minimum(np.minimum(deep, capsule), ventricles - 5.0))
    cortex = within(surface - ribbon) * (1.0 - central)
    nuclei = within(deep) * (1.0 - within(capsule)) * (1.0 - cortex)
    tissue = {"csf": csf, "grey": rest * cortex, "deep": rest * nuclei}
    tissue["white"] = rest * np.clip(1.0 - cortex - nuclei, 0.0, 1.0)
    shell = within(outer) - in_skull
    diploe = shell * within(np.abs(outer + thick / 2) - thick * 0.17)
    tissue |= {"bone": shell - diploe, "marrow": diploe}
    cover = head - within(outer)
    plump = 1.3 + 0.9 * fbm(flat * 1.7, 2, seed=seed + 59).reshape(size, size)
    fat = cover * within(np.abs(skin + 3.0) - plump)
    tissue |= {"fat": fat, "scalp": cover - fat}
    blank = np.zeros_like(x)
    tissue |= {"tumour": blank, "rim": blank, "oedema": blank, "calcium": blank, "vessel": blank}
    spots = within(_oval(x0, y0, (0.3, -21.5), (2.0, 1.6)))
    for side in (-1.0, 1.0):
        spots = np.maximum(spots, within(_oval(x0, y0, (side * 18.8, -31.0), (2.3, 1.5), 0.6 * side)))
    if lesion:
        flank = dice.sign()
        at = (flank * dice.uniform(31.0, 37.0), dice.uniform(34.0, 40.0) if dice.uniform() < 0.6 else -40.0)
        knobbly = 3.2 * fbm(flat * 3.2, 3, seed=seed + 57).reshape(size, size)
        core = _oval(sx, sy, at, (11.5, 10.0), 0.4) + knobbly
        swelling = _oval(sx, sy, (at[0] - 2.0 * flank, at[1] - 2.0), (21.0, 19.0), 0.4) + 4.0 * knobbly
        mass = within(core) * in_brain
        ring = within(np.abs(core + 1.3) - 1.3) * mass
        swollen = within(swelling) * tissue["white"]
        grain = fbm(flat * 11.0, 2, seed=seed + 58).reshape(size, size)
        lump = within(_oval(sx, sy, (at[0] + 1.5, at[1] - 1.0), (4.4, 3.2), 0.8) + 3.5 * grain) * mass
        _give(tissue, "oedema", swollen)
        _give(tissue, "tumour", mass)
        _give(tissue, "rim", ring)
        spots = np.maximum(spots, lump)
    _give(tissue, "calcium", spots * in_brain)
    dots = within(_oval(sx, sy, (0.0, -(b - 8.6)), (2.6, 1.9))) + within(_oval(sx, sy, (0.6, 39.5), (1.2, 1.0)))
    _give(tissue, "vessel", np.clip(dots, 0.0, 1.0) * in_skull)
    tissue["air"] = np.clip(1.0 - sum(tissue.values()), 0.0, 1.0)
    return Slice({k: np.asarray(v, np.float32) for k, v in tissue.items()}, sx, sy, -inner)


def _give(tissue: dict[str, Array], name: str, share: Array) -> None:
    """Hand ``share`` of each point to one tissue, taken from the others in proportion."""
    for other in tissue:
        tissue[other] = tissue[other] * (1.0 - share)
    tissue[name] = tissue[name] + share


def shrink(picture: Array, by: int) -> Array:
    """Mean over blocks of ``by`` x ``by`` sample points."""
    h, w = picture.shape[0] // by, picture.shape[1] // by
    return np.asarray(picture.reshape(h, by, w, by).mean(axis=(1, 3)))


def blur(picture: Array, millimetres: float) -> Array:
    """Gaussian blur by a width in millimetres."""
    return np.asarray(ndimage.gaussian_filter(picture, millimetres * picture.shape[0] / FIELD))
