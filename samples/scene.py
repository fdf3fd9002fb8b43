"""A scene, and its rendering to linear visible light and thermal radiance on one and the same geometry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from samples.camera import Buffer, Camera, look, unit
from samples.light import Lamp, Sun, occlusion, shadow_share
from samples.noise import Array
from samples.thermal import band_radiance
from samples.things import Hits, Surface, Thing

__all__ = ["Frames", "Scene", "render"]


@dataclass
class Scene:
    """Everything that the two cameras can see, and how."""

    name: str
    things: list[Thing]
    eye: tuple[float, float, float]
    target: tuple[float, float, float]
    field_of_view: float
    """Horizontal, degrees."""
    sky: Callable[[Array], Array]
    """Unit directions [N, 3] -> linear colour [N, 3]."""
    around: Callable[[Array], Array]
    """The same for mirrored directions: sky above, a darker town below."""
    ambient: Array
    """Linear colour of diffuse light from above [3]."""
    bounce: Array
    """The same from below [3]."""
    air: float
    """Air temperature, degrees Celsius."""
    heaven: Callable[[Array], Array]
    """Apparent sky temperature in unit directions [N, 3] -> degrees Celsius [N]."""
    lamps: list[Lamp] = field(default_factory=list)
    sun: Sun | None = None
    haze: Array = field(default_factory=lambda: np.zeros(3, np.float32))
    """Colour that distance fades to."""
    haze_density: float = 0.0
    """Extinction of visible light per metre."""
    medium: Callable[[Array, Array, Array], tuple[Array, Array, Array, Array]] | None = None
    """Smoke: (eye, directions, depths) -> visible transmission, in-scatter [N, 3], thermal transmission,
    thermal emission (radiance)."""
    sun_heat: float = 0.0
    """Degrees that full sun adds to a black, dry surface that faces it."""
    exposure: float = 1.0
    thermal_range: tuple[float, float] = (0.3, 99.8)
    """Percentiles that the thermal camera's gain control maps to black and white."""
    equalise: float = 0.4
    grain: float = 1.0
    bloom: float = 0.04


@dataclass
class Frames:
    """Linear pictures at output size."""

    visible: Array
    """[H, W, 3] linear light."""
    radiance: Array
    """[H, W] band radiance, 1 at 20 degrees."""
    temperature: Array
    """[H, W] temperature of the surfaces (the sky: apparent), degrees Celsius, without air and smoke; for tests."""
    labels: Array
    """[H, W] index into ``names``, of the middle sample of each pixel."""
    names: list[str]

    def mask(self, label: str) -> Array:
        """Pixels of a label [H, W] bool."""
        return np.asarray(np.isin(self.labels, [k for k, name in enumerate(self.names) if name == label]))

    def boxes(self, label: str) -> Array:
        """What is seen of each thing of a label [N, 4]: left, top, right, bottom edge in pixels, as detectors give it.

        In the order of ``names``; things that are hidden or out of the picture have no box.
        """
        found = []
        for index in (k for k, name in enumerate(self.names) if name == label):
            rows, columns = np.nonzero(self.labels == index)
            if rows.size:
                found.append((columns.min(), rows.min(), columns.max() + 1, rows.max() + 1))
        return np.array(found, np.int64).reshape(-1, 4)


def render(scene: Scene, width: int, height: int, samples: int = 2) -> Frames:
    """Both bands of a scene at ``width`` x ``height``, ``samples`` squared sample points a pixel."""
    w, h = width * samples, height * samples
    focal = w / 2 / np.tan(np.radians(scene.field_of_view / 2))
    camera = look(scene.eye, scene.target, width=w, height=h, focal=float(focal))
    buffer = Buffer(camera)
    for index, thing in enumerate(scene.things):
        thing.draw(buffer, index)
    visible, radiance, temperature = _shade(scene, buffer)
    size = (height, samples, width, samples)
    labels = buffer.thing.reshape(h, w)[samples // 2 :: samples, samples // 2 :: samples].copy()
    names = [thing.label for thing in scene.things]
    labels[labels < 0] = len(names)
    return Frames(
        visible=np.asarray(visible.reshape(*size, 3).mean(axis=(1, 3))),
        radiance=np.asarray(radiance.reshape(size).mean(axis=(1, 3))),
        temperature=np.asarray(temperature.reshape(size).mean(axis=(1, 3))),
        labels=labels,
        names=[*names, "sky"],
    )


def _hits(thing: Thing, camera: Camera, at: Array, buffer: Buffer, d: Array) -> Hits:
    """Points of one thing in world and own coordinates."""
    depth = buffer.depth[at]
    p = camera.eye + depth[:, None] * d[at]
    n = buffer.normal[at]
    view = unit(d[at])
    slope = np.maximum(np.abs((n * view).sum(axis=1)), 0.12)
    foot = depth / camera.focal / np.sqrt(slope)
    return Hits(p, thing.to_local(p), n, thing.turn(n), thing.turn(view), foot, buffer.part[at])


def _shade(scene: Scene, buffer: Buffer) -> tuple[Array, Array, Array]:
    """Linear light [N, 3], band radiance [N] and temperature [N] of every sample point."""
    camera = buffer.camera
    _, d = camera.rays(0, camera.width, 0, camera.height)
    away = unit(d)
    light = scene.sky(away).astype(np.float32)
    cold = scene.heaven(away)
    radiance, temperature = band_radiance(cold), cold.astype(np.float32)
    open_sky = occlusion(buffer, d)
    shadows = Shadows(scene, detail=float(np.clip(camera.width / 1280, 0.3, 1.0)))
    order = np.argsort(buffer.thing, kind="stable")
    bounds = np.searchsorted(buffer.thing[order], np.arange(len(scene.things) + 1))
    for index, thing in enumerate(scene.things):
        at = order[bounds[index] : bounds[index + 1]]
        if at.size == 0:
            continue
        hits = _hits(thing, camera, at, buffer, d)
        surface = thing.material(hits)
        normal = hits.n if surface.normal is None else thing.back(unit(surface.normal))
        view = away[at]
        now, lately = shadows.sun(hits.p, hits.n)
        light[at] = _visible(scene, shadows, hits, surface, normal, view, open_sky[at], now)
        heat = surface.temperature
        if scene.sun is not None:
            # Leaves and cloth take the sun on whichever side it falls.
            facing = (normal * scene.sun.towards).sum(axis=1)
            facing = np.where(surface.through > 0, 0.5 + 0.3 * facing, np.clip(facing, 0.0, 1.0))
            heat = heat + scene.sun_heat * surface.solar * facing * (0.3 * now + 0.7 * lately)
        mirrored = view - 2.0 * (view * normal).sum(axis=1)[:, None] * normal
        reflected = band_radiance(np.where(mirrored[:, 2] > 0, scene.heaven(mirrored), scene.air))
        e = surface.emissivity
        radiance[at] = e * band_radiance(heat) + (1.0 - e) * reflected
        temperature[at] = heat
    solid = np.isfinite(buffer.depth)
    far = np.where(solid, buffer.depth, 400.0)
    kept = np.exp(-scene.haze_density * far)[:, None]
    light = (light * kept + scene.haze * (1.0 - kept)).astype(np.float32)
    # Clear air takes little of the band, and gives back as much as its own temperature.
    thin = np.exp(-0.0011 * far)
    radiance = (radiance * thin + band_radiance(np.array([scene.air])) * (1.0 - thin)).astype(np.float32)
    if scene.medium is not None:
        pass_v, glow_v, pass_t, glow_t = scene.medium(camera.eye, d, far)
        light = light * pass_v[:, None] + glow_v
        radiance = radiance * pass_t + glow_t
    return light, radiance, temperature


class Shadows:
    """Depth maps of the sun (now and earlier) and of the lamps that cast shadows."""

    def __init__(self, scene: Scene, detail: float) -> None:
        self.scene = scene
        self.now = self.before = None
        if scene.sun is not None:
            self.now = _map(scene, scene.sun.camera(scene.sun.towards, detail))
            self.before = _map(scene, scene.sun.camera(scene.sun.earlier, detail))
        self.lamps = [_map(scene, lamp.camera(detail)) if lamp.casts else None for lamp in scene.lamps]

    def sun(self, p: Array, n: Array) -> tuple[Array, Array]:
        """Share of direct sun now and averaged over the last hour [N]."""
        if self.now is None or self.before is None:
            none = np.zeros(p.shape[0], np.float32)
            return none, none
        now = shadow_share(self.now, p, n, spread=1.5)
        soft = shadow_share(self.now, p, n, spread=5.0)
        return now, 0.6 * soft + 0.4 * shadow_share(self.before, p, n, spread=7.0)


def _map(scene: Scene, camera: Camera) -> Buffer:
    buffer = Buffer(camera, depth_only=True)
    for index, thing in enumerate(scene.things):
        if thing.casts:
            thing.draw(buffer, index)
    return buffer


def _visible(
    scene: Scene,
    shadows: Shadows,
    hits: Hits,
    surface: Surface,
    n: Array,
    view: Array,
    open_sky: Array,
    sunlit: Array,
) -> Array:
    """Linear light that leaves the points towards the eye [N, 3]; ``sunlit`` is the sun's share [N]."""
    up = (n[:, 2] * 0.5 + 0.5)[:, None]
    diffuse = (scene.ambient * up + scene.bounce * (1.0 - up)) * open_sky[:, None]
    shiny = np.zeros_like(diffuse)
    peak = (surface.shine + 8.0) / 25.0

    def add(towards: Array, arriving: Array) -> None:
        nonlocal diffuse, shiny
        facing = (n * towards).sum(axis=1)
        wrapped = np.maximum(facing, 0.0) + surface.through * np.maximum(-facing, 0.0)
        diffuse = diffuse + arriving * wrapped[:, None]
        half = unit(towards - view)
        lobe = np.maximum((n * half).sum(axis=1), 0.0) ** surface.shine * peak * (facing > 0)
        shiny = shiny + arriving * (lobe * np.maximum(facing, 0.0))[:, None]

    if scene.sun is not None:
        add(np.broadcast_to(scene.sun.towards, n.shape), sunlit[:, None] * scene.sun.colour)
    for lamp, depth_map in zip(scene.lamps, shadows.lamps, strict=True):
        towards, arriving = lamp.arriving(hits.p)
        lit = arriving.max(axis=1) > 1e-4
        if not lit.any():
            continue
        if depth_map is not None:
            share = np.ones(n.shape[0], np.float32)
            share[lit] = shadow_share(depth_map, hits.p[lit], hits.n[lit], spread=1.5)
            arriving = arriving * share[:, None]
        add(towards, arriving)
    cosine = np.clip(-(n * view).sum(axis=1), 0.0, 1.0)
    fresnel = surface.gloss + (1.0 - surface.gloss) * (1.0 - cosine) ** 5 * np.minimum(surface.gloss * 12.0, 1.0)
    mirrored = view - 2.0 * (view * n).sum(axis=1)[:, None] * n
    sharp = np.clip((surface.shine - 12.0) / 50.0, 0.0, 1.0)
    mirror = scene.around(mirrored) * (sharp * fresnel * (0.3 + 0.7 * open_sky))[:, None]
    out = surface.albedo * diffuse + shiny * fresnel[:, None] + mirror + surface.emission
    return np.asarray(out, np.float32)
