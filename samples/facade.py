"""House walls: masonry, recessed windows with rooms behind them, shop fronts, and the heat that leaks out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from samples.lettering import lettering
from samples.noise import Array, fbm, hash01, noise, smoothstep
from samples.things import Hits, Surface

__all__ = ["Facade", "bricks"]


def bricks(
    u: Array, v: Array, foot: Array, seed: int, size: tuple[float, float] = (0.25, 0.085)
) -> tuple[Array, Array]:
    """Shade of each brick (-0.5..0.5) and share of mortar (0..1) at wall coordinates in metres."""
    row = np.floor(v / size[1])
    shifted = u / size[0] + 0.5 * (row % 2)
    column = np.floor(shifted)
    fu = np.abs(shifted - column - 0.5) * size[0]
    fv = np.abs(v / size[1] - row - 0.5) * size[1]
    edge = np.minimum(size[0] / 2 - fu, size[1] / 2 - fv)
    clear = np.clip(1.6 - foot / size[1] * 2.0, 0.0, 1.0)
    mortar = smoothstep(0.011, 0.004, edge) * clear + 0.16 * (1.0 - clear)
    return (hash01(column, row, seed=seed) - 0.5) * clear, mortar


@dataclass(frozen=True)
class Facade:
    """One house; the wall coordinate runs along the face, heights from the ground."""

    wall: tuple[float, float, float]
    pattern: str
    """brick, plaster or panel."""
    air: float
    warm: float
    """Degrees by which the wall stands above the air."""
    lit: float
    """Share of windows with light on; 0 by day."""
    seed: int
    night: bool = False
    cell: tuple[float, float] = (2.5, 3.1)
    """Distance between windows and height of a floor, metres."""
    window: tuple[float, float] = (1.15, 1.55)
    ground_floor: float = 3.6
    shop: str = ""
    """Lettering above the shop front; none without a shop."""
    blind_sides: bool = True
    """Gable walls (local y faces) have no windows."""
    shop_glow: float = 0.0
    pipes: bool = False
    """Heating pipes and studs that only the thermal picture shows, on the blind walls."""

    def __call__(self, hits: Hits) -> Surface:
        q, m = hits.q, hits.m
        out = Surface.default(hits, self.wall, self.air + self.warm)
        across = np.abs(m[:, 0]) > 0.5
        u = np.where(across, q[:, 1], q[:, 0])
        v = q[:, 2]
        along = np.where(across, hits.view[:, 1], hits.view[:, 0])
        into = np.maximum(-(hits.view * m).sum(axis=1), 0.05)
        roof = np.abs(m[:, 2]) > 0.5
        self._masonry(out, hits, u, v)
        blind = ~across if self.blind_sides else np.zeros(u.shape, bool)
        upper = ~roof & ~blind & (v > self.ground_floor)
        if upper.any():
            self._windows(out, hits, upper, u, v, along, into)
        lower = ~roof & ~blind & (v <= self.ground_floor)
        if lower.any():
            self._ground_floor(out, hits, lower, u, v, along, into)
        if self.pipes:
            self._pipes(out, ~roof & blind, u, v)
        out.albedo[roof] = 0.05
        out.temperature[roof] = self.air - 2.0
        return out

    def _masonry(self, out: Surface, hits: Hits, u: Array, v: Array) -> None:
        at = np.stack([u, v], axis=1)
        stain = fbm(at * np.array([0.7, 0.35]), 4, seed=self.seed)
        grain = fbm(at * 16.0, 3, seed=self.seed + 3, foot=hits.foot * 16.0)
        if self.pattern == "brick":
            shade, mortar = bricks(u, v, hits.foot, self.seed)
            out.albedo *= (1.0 + 0.75 * shade + 0.5 * grain + 0.6 * stain)[:, None]
            out.albedo[:, 1:] *= (1.0 + 0.25 * shade)[:, None]
            grey = np.array([0.26, 0.25, 0.23], np.float32) * (0.6 if self.night else 1.0)
            out.albedo += (grey - out.albedo) * (mortar * 0.8)[:, None]
            out.temperature += 0.7 * shade - 0.55 * mortar
        elif self.pattern == "panel":
            joint = np.maximum(np.abs((u / 1.25) % 1.0 - 0.5), np.abs((v / 1.03) % 1.0 - 0.5))
            line = smoothstep(0.485, 0.497, joint)
            out.albedo *= (1.0 + 0.3 * grain + 0.4 * stain - 0.55 * line)[:, None]
            panel = hash01(np.floor(u / 1.25), np.floor(v / 1.03), seed=self.seed)
            out.albedo *= (0.9 + 0.2 * panel)[:, None]
            out.temperature += 1.0 * line + 0.8 * (panel - 0.5)
        else:
            out.albedo *= (1.0 + 0.35 * grain + 0.6 * stain)[:, None]
            drip = fbm(np.stack([u * 5.0, v * 0.3], axis=1), 3, seed=self.seed + 8)
            out.albedo *= (1.0 - 0.35 * np.clip(drip, 0.0, 1.0))[:, None]
        out.temperature += 1.3 * stain + 0.35 * grain
        # Damp foot of the wall, floor slabs that bridge the insulation.
        out.temperature -= 1.2 * np.exp(-v / 0.5)
        out.albedo *= (1.0 - 0.35 * np.exp(-v / 0.4))[:, None]
        slab = np.abs((v - self.ground_floor) / self.cell[1] - np.round((v - self.ground_floor) / self.cell[1]))
        out.temperature += 0.22 * self.warm * np.exp(-((slab * self.cell[1] / 0.13) ** 2)) * (v > 1.0)

    def _windows(self, out: Surface, hits: Hits, where: Array, u: Array, v: Array, along: Array, into: Array) -> None:
        cw, ch = self.cell
        ww, wh = self.window
        cu, cv = np.floor(u / cw), np.floor((v - self.ground_floor) / ch)
        fu, fv = u - (cu + 0.5) * cw, v - self.ground_floor - cv * ch - 0.85 - wh / 2
        du, dv = np.abs(fu) - ww / 2, np.abs(fv) - wh / 2
        outside = np.hypot(np.maximum(du, 0.0), np.maximum(dv, 0.0))
        hole = where & (du < 0) & (dv < 0)
        leak = np.exp(-outside / 0.14) * (0.6 + 0.8 * hash01(cu, cv, seed=self.seed + 41))
        heater = np.exp(-((fu / 0.45) ** 2) - ((fv + wh / 2 + 0.42) / 0.22) ** 2) * hash01(cu, cv, seed=self.seed + 43)
        out.temperature += where * self.warm * (0.38 * leak + 0.55 * heater)
        sill = where & (np.abs(fv + wh / 2 + 0.05) < 0.05) & (np.abs(fu) < ww / 2 + 0.1)
        lintel = where & (np.abs(fv - wh / 2 - 0.09) < 0.09) & (np.abs(fu) < ww / 2 + 0.12)
        out.albedo[sill] = out.albedo[sill] * 0.3 + 0.22
        out.albedo[lintel] = out.albedo[lintel] * 0.4 + 0.16
        out.temperature[sill] -= 0.5
        self._pane(out, hits, hole, (fu, fv), (ww, wh), (cu, cv), along, into, deep=0.16)

    def _ground_floor(
        self, out: Surface, hits: Hits, where: Array, u: Array, v: Array, along: Array, into: Array
    ) -> None:
        if not self.shop:
            plinth = where & (v < 0.7)
            out.albedo[plinth] = out.albedo[plinth] * 0.4 + 0.05
            cw = self.cell[0]
            cu = np.floor(u / cw)
            fu, door = u - (cu + 0.5) * cw, hash01(cu, seed=self.seed + 31) < 0.25
            fv = np.where(door, v - 1.1, v - 1.85)
            size_u, size_v = np.where(door, 1.0, self.window[0]), np.where(door, 2.2, 1.5)
            hole = where & (np.abs(fu) < size_u / 2) & (np.abs(fv) < size_v / 2)
            self._pane(out, hits, hole & ~door, (fu, fv), (self.window[0], 1.5), (cu, cu * 0 - 1), along, into, 0.16)
            leaf = hole & door
            out.albedo[leaf] = np.array([0.09, 0.045, 0.03], np.float32)
            out.albedo[leaf & (np.abs(np.abs(fu) - 0.25) < 0.02)] *= 0.5
            out.temperature[leaf] += 0.45 * self.warm
            return
        cw, pane = 3.4, (2.9, 2.05)
        cu = np.floor(u / cw)
        fu, fv = u - (cu + 0.5) * cw, v - 1.5
        hole = where & (np.abs(fu) < pane[0] / 2) & (np.abs(fv) < pane[1] / 2)
        self._pane(out, hits, hole, (fu, fv), pane, (cu, cu * 0 - 7), along, into, 0.22, glow=self.shop_glow)
        band = where & (v > 2.72) & (v < 3.38)
        out.albedo[band] = np.array([0.05, 0.085, 0.075], np.float32)
        out.temperature[band] -= 0.4
        span = 0.36 * len(self.shop)
        start = 1.2 + np.floor((u - 1.2) / (span + 3.0)) * (span + 3.0)
        ink = band & lettering(self.shop, (u - start) / span, (v - 2.82) / 0.46)
        out.albedo[ink] = 0.75
        if self.night:
            out.emission[ink] = np.array([0.55, 0.42, 0.20], np.float32) * self.shop_glow

    def _pane(
        self,
        out: Surface,
        hits: Hits,
        hole: Array,
        f: tuple[Array, Array],
        size: tuple[float, float],
        cell: tuple[Array, Array],
        along: Array,
        into: Array,
        deep: float,
        glow: float = 0.0,
    ) -> None:
        """Glass set ``deep`` metres behind the wall, its frame, reveal, and the room."""
        at = np.flatnonzero(hole)
        if at.size == 0:
            return
        fu, fv, cu, cv = f[0][at], f[1][at], cell[0][at], cell[1][at]
        au, av = along[at] / into[at], hits.view[at, 2] / into[at]
        gu, gv = fu + au * deep, fv + av * deep
        half_u, half_v = size[0] / 2, size[1] / 2
        reveal = (np.abs(gu) > half_u) | (np.abs(gv) > half_v)
        rim = np.minimum(half_u - np.abs(gu), half_v - np.abs(gv))
        bar = (rim < 0.06) | (np.abs(gu) < 0.03) | (np.abs(gv - half_v * 0.45) < 0.025)
        frame = ~reveal & bar
        glass = ~reveal & ~bar
        out.albedo[at] = out.albedo[at] * 0.7 + 0.08
        out.albedo[at[frame]] = 0.42
        out.temperature[at[reveal]] += 0.45 * self.warm
        out.temperature[at[frame]] = self.air + 0.55 * self.warm
        chance = hash01(cu, cv, seed=self.seed + 17)
        on = (chance < self.lit) | (glow > 0)
        pane = at[glass]
        # The room: a back wall three metres in, darker to the sides, curtains drawn part way.
        room = 3.0
        ru, rv = (gu + au * room)[glass], (gv + av * room)[glass]
        kind, tone = hash01(cu, cv, seed=self.seed + 19)[glass], hash01(cu, cv, seed=self.seed + 23)[glass]
        drawn = 0.25 + 0.75 * kind
        folds = 0.75 + 0.25 * np.sin(gu[glass] * 52.0 + 3.0 * tone)
        edge = np.abs(gu[glass]) / half_u
        curtain = (edge > 1.0 - drawn * 0.8) & (glow == 0)
        cluttered = noise(np.stack([ru * 1.5 + cu[glass] * 9.0, rv * 1.1], axis=1), self.seed + 29)
        wall_light = np.exp(-((ru / 2.2) ** 2) - ((rv - 0.9) / 1.5) ** 2)
        inner = (0.35 + 0.65 * wall_light) * np.where((rv < 0.1) & (cluttered > 0.48), 0.25, 1.0)
        inner = np.where(curtain, 0.62 * folds, inner)
        amber, cream = np.array([1.0, 0.68, 0.34], np.float32), np.array([1.0, 0.86, 0.62], np.float32)
        hue = amber + (cream - amber) * tone[:, None]
        strength = (glow if glow > 0 else 0.75) * (0.35 + 0.9 * hash01(cu, cv, seed=self.seed + 37)[glass])
        out.emission[pane] = hue * (inner * strength * on[glass])[:, None]
        dark = np.where(curtain, 0.20 * folds, 0.02)
        out.albedo[pane] = (0.75 * dark)[:, None]
        out.gloss[pane], out.shine[pane] = 0.10, 200.0
        out.emissivity[pane] = 0.86
        out.temperature[pane] = self.air + self.warm * (0.5 + 0.35 * on[glass] - 0.2 * curtain + 0.2 * (kind - 0.5))

    def _pipes(self, out: Surface, where: Array, u: Array, v: Array) -> None:
        """Warm runs inside the wall: risers, a loop, and the lattice of a timber frame."""
        stud = np.minimum(np.abs(u % 1.4 - 0.7), np.abs(v % 1.6 - 0.8))
        cross = np.abs((u + v) % 3.2 - 1.6)
        bridge = 1.8 * np.exp(-((stud / 0.07) ** 2)) + 0.9 * np.exp(-((cross / 0.06) ** 2))
        riser = np.exp(-((((u % 4.2) - 1.1) / 0.09) ** 2)) * (v < 6.5)
        out.temperature += where * (bridge + 3.2 * riser)
