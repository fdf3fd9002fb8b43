"""What is done to pictures besides fusing them: registration, range, polarity, strength, mask, colours, depth."""

from __future__ import annotations

import dataclasses
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from distilfuse.errors import ConfigError, InputError
from distilfuse.fuser import Fuser
from distilfuse.imaging.colour import colourfulness, luminance, with_luminance
from distilfuse.imaging.mixing import (
    BALANCED,
    check_strength,
    deepen,
    grey_unit,
    invert,
    mask_weights,
    mix,
    with_strength,
)
from distilfuse.imaging.palettes import colourise, palette
from distilfuse.imaging.scaling import PictureWarning, from_unit, full_scale
from distilfuse.imaging.thermal_range import ThermalRange, to_range
from distilfuse.workflows.alignment.rig import BORDERS, Border, Registered, Rig

_COLOURED = 0.02
"""Mean distance between the channels of an infrared picture from which on it has colours: JPEG leaves less on grey."""

PolarityChoice = Literal["auto", "white", "black"]
Colours = Literal["auto", "gray", "vis"]
Extra = Literal["rgbt", "thermal"]


@dataclass(frozen=True, kw_only=True)
class Treatment:
    """How pictures are fused; the defaults leave everything to the model."""

    thermal_range: ThermalRange = field(default_factory=ThermalRange)
    polarity: PolarityChoice = "white"
    """What is hot in the infrared pictures; ``auto`` has to be decided first."""
    color: Colours = "auto"
    """Of the result: as the visible picture; ``gray``; or ``vis``, exactly the visible picture's chroma, also with
    models that fuse in RGB."""
    ir_strength: float = BALANCED
    """0 (visible) to 1 (infrared intensities), see :func:`distilfuse.imaging.mixing.with_strength`."""
    bits: int | None = None
    """8 or 16 a channel; by default what the visible picture has."""
    rig: Rig | None = None
    """Moves infrared pictures onto the visible camera's pixels."""
    border: Border = "crop"
    save: tuple[Extra, ...] = ()
    """What to give beside the fused picture: ``rgbt``, the visible picture with the thermal one as fourth channel;
    ``thermal``, the infrared picture as the model saw it, in colours."""
    palette: str = "grey"
    """Of ``thermal``."""

    def __post_init__(self) -> None:
        check_strength(self.ir_strength)
        if self.palette != "grey" and "thermal" not in self.save:
            raise ConfigError(
                f"The palette {self.palette} colours the thermal picture: have it saved (--save thermal)."
            )
        palette(self.palette)  # refuses other names
        for name, value, choices in (
            ("polarity", self.polarity, get_args(PolarityChoice)),
            ("color", self.color, get_args(Colours)),
            ("border", self.border, BORDERS),
            ("bits", self.bits, (None, 8, 16)),
            *(("save", extra, get_args(Extra)) for extra in self.save),
        ):
            if value not in choices:
                offered = ", ".join(str(choice) for choice in choices if choice is not None)
                raise ConfigError(f"{name} is {value!r}: choose from {offered}.")

    def with_polarity(self, polarity: PolarityChoice) -> Treatment:
        """The same with another polarity."""
        return dataclasses.replace(self, polarity=polarity)

    def to_dict(self) -> dict[str, Any]:
        """As plain data, for a record of what was done."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        rig = None
        if self.rig is not None:
            rig = {
                "matrix": self.rig.matrix.tolist(),
                "visible_size": list(self.rig.visible_size),
                "infrared_size": list(self.rig.infrared_size),
            }
        return {**values, "thermal_range": str(self.thermal_range), "rig": rig, "save": list(self.save)}

    def prepare(self, infrared: NDArray[Any]) -> NDArray[Any]:
        """An infrared picture as the model shall see it: white is hot, values at full scale.

        Args:
            infrared: ``H x W`` or ``x 3`` of uint8, uint16 or floats in any range.

        Returns:
            Itself where nothing is to be done, else ``H x W`` float32 in 0..1 (or its type, inverted).

        Raises:
            ConfigError: ``polarity`` is ``auto``.

        Warns:
            PictureWarning: the picture has colours; and see :meth:`distilfuse.imaging.thermal_range.ThermalRange.warn`.
        """
        if infrared.ndim == 3 and colourfulness(infrared) > _COLOURED:
            warnings.warn(
                "The infrared picture has colours, of which the brightness counts as heat: export it in grey, or give "
                "the visible picture first if the two are swapped.",
                PictureWarning,
                stacklevel=2,
            )
        if self.polarity == "auto":
            raise ConfigError("The polarity is auto: settle it first, once for a whole recording.")
        if infrared.dtype == np.uint8 and self.thermal_range.unit in ("auto", "type"):
            return invert(infrared) if self.polarity == "black" else infrared  # nothing to be counted
        low, high = self.thermal_range.limits(infrared)
        if (low, high) != (0, full_scale(infrared.dtype)) or infrared.dtype.kind != "u":
            self.thermal_range.warn(infrared, low, high)
            infrared = to_range(infrared, low, high)
        return invert(infrared) if self.polarity == "black" else infrared


@dataclass(frozen=True)
class Treated:
    """What became of a pair."""

    colour: NDArray[Any]
    """``H x W`` or ``H x W x 3``."""
    alpha: NDArray[Any] | None
    extras: dict[str, tuple[NDArray[Any], NDArray[Any] | None]] = field(default_factory=dict)
    """What :attr:`Treatment.save` asks for, each colour and fourth channel."""
    seconds: float = 0.0
    """In the Fuser."""


def fuse_treated(
    fuser: Fuser,
    visible: NDArray[Any],
    infrared: Sequence[NDArray[Any]],
    treatment: Treatment,
    *,
    alpha: NDArray[Any] | None = None,
    mask: NDArray[Any] | None = None,
) -> Treated:
    """Fuse one visible picture with one or more others, one after the other.

    Args:
        fuser: of a model.
        visible: ``H x W`` or ``H x W x 3`` of uint8, uint16 or floats in 0..1.
        infrared: one or more, each ``H x W`` or ``x 3``, of the same size or (with a rig) that of the rig.
        treatment: with a polarity that is settled.
        alpha: of the visible picture, kept.
        mask: of the visible picture's size: fused where it is white, visible where it is black.

    Raises:
        InputError: pictures that cannot be fused, see :class:`distilfuse.fuser.Fuser`; a mask of another size.
        ConfigError: a polarity that is not settled.
    """
    if not infrared:
        raise InputError("There is no infrared picture: give one or more.")
    places = [_Place.of(visible, treatment.prepare(picture), treatment) for picture in infrared]
    base, heats = places[0].visible, [place.infrared for place in places]
    start = time.perf_counter()
    fused = base
    for heat in heats:
        fused = fuser(fused, heat)
    seconds = time.perf_counter() - start
    hottest = heats[0] if len(heats) == 1 else np.maximum.reduce([grey_unit(heat) for heat in heats])
    fused = with_strength(base, hottest, fused, treatment.ir_strength)
    if mask is not None:
        height, width = visible.shape[:2]
        fused = mix(base, fused, places[0].cut(mask_weights(mask, height, width)))
    for place in places:
        fused = place.finish(fused)
    if alpha is not None:
        alpha = places[0].cut(alpha)
    extras: dict[str, tuple[NDArray[Any], NDArray[Any] | None]] = {
        extra: _extra(extra, base, hottest, treatment) for extra in treatment.save
    }
    colour = _in_colours(base, fused, treatment.color)
    if treatment.bits:
        colour = deepen(colour, treatment.bits)
        alpha = None if alpha is None else deepen(alpha, treatment.bits)
    return Treated(colour, alpha, extras, seconds)


@dataclass(frozen=True)
class _Place:
    """A pair on one grid."""

    visible: NDArray[Any]
    infrared: NDArray[Any]
    registered: Registered | None

    @classmethod
    def of(cls, visible: NDArray[Any], infrared: NDArray[Any], treatment: Treatment) -> _Place:
        if treatment.rig is None:
            return cls(visible, infrared, None)
        registered = treatment.rig.register(visible, infrared, treatment.border)
        return cls(registered.visible, registered.infrared, registered)

    def finish(self, fused: NDArray[Any]) -> NDArray[Any]:
        return self.registered.finish(fused) if self.registered else fused

    def cut(self, plane: NDArray[Any]) -> NDArray[Any]:
        return self.registered.cut(plane) if self.registered else plane


def _in_colours(visible: NDArray[Any], fused: NDArray[Any], color: Colours) -> NDArray[Any]:
    if fused.ndim == 2 or color == "auto":
        return fused
    if color == "gray":
        return from_unit(luminance(fused), fused.dtype)
    return with_luminance(visible, luminance(visible), luminance(fused))


def _extra(
    extra: Extra, visible: NDArray[Any], heat: NDArray[Any], treatment: Treatment
) -> tuple[NDArray[Any], NDArray[Any] | None]:
    heat = grey_unit(heat)
    if extra == "thermal":
        return colourise(heat, treatment.palette), None
    colour = deepen(visible if visible.ndim == 3 else np.dstack([visible] * 3), treatment.bits or 8)
    return colour, from_unit(heat, colour.dtype)
