"""The sample pairs by name: which scene, which size, which cameras."""

from __future__ import annotations

from collections.abc import Callable

from samples.day_road import day_road
from samples.night_street import night_street
from samples.noise import Array
from samples.phantoms import PHANTOMS, phantom
from samples.scene import Frames, Scene, render
from samples.sensor import thermal_camera, visible_camera
from samples.smoke_yard import smoke_yard

__all__ = ["NAMES", "SCENES", "photograph", "render_pair"]

SCENES: dict[str, Callable[[int], Scene]] = {
    "night-street": night_street,
    "smoke-yard": smoke_yard,
    "day-road": day_road,
}
NAMES = (*SCENES, *PHANTOMS)


def photograph(scene: Scene, frames: Frames, seed: int) -> tuple[Array, Array]:
    """The frames as the two cameras deliver them: uint8 [H, W, 3] and uint8 [H, W]."""
    visible = visible_camera(
        frames.visible, exposure=scene.exposure, bloom=scene.bloom, grain=scene.grain, seed=seed * 17 + 1
    )
    infrared = thermal_camera(frames.radiance, span=scene.thermal_range, equalise=scene.equalise, seed=seed * 17 + 9)
    return visible, infrared


def render_pair(name: str, *, size: tuple[int, int] | None = None, seed: int = 0) -> tuple[Array, Array]:
    """Visible uint8 [H, W, 3] and infrared uint8 [H, W] of a sample by name."""
    if name in PHANTOMS:
        return phantom(name, min(size) if size else 256, seed)
    width, height = size or (640, 480)
    scene = SCENES[name](seed)
    return photograph(scene, render(scene, width, height), seed)
