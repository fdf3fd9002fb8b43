"""What a network is made of: frozen, checked dataclasses that are saved as JSON beside the weights.

A configuration knows its ``kind`` (the name under which :mod:`distilfuse.nets.build`
finds the network) and every size; networks take nothing else.
"""

from __future__ import annotations

import dataclasses
import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, get_args

from distilfuse.errors import ConfigError

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = [
    "CROSS_FUSIONS",
    "CrossFusionName",
    "FusionConfig",
    "NetworkConfig",
    "NormPlacement",
    "StudentConfig",
    "TeacherConfig",
]

NormPlacement = Literal["pre", "post"]
CrossFusionName = Literal["ours", "concatenation", "unlearned", "dynamic", "multiscale"]

CROSS_FUSIONS: tuple[CrossFusionName, ...] = get_args(CrossFusionName)
"""Ways to bring two modalities together: the paper's own and the four of its Table 5."""


@dataclass(frozen=True, kw_only=True)
class NetworkConfig:
    """Base of all network configurations: to and from plain data, with unknown keys refused."""

    kind: ClassVar[str] = ""
    """Name of the network in :mod:`distilfuse.nets.build`; stored with the values."""

    def to_dict(self) -> dict[str, Any]:
        """The values and their ``kind`` as plain data (tuples become lists, as in JSON)."""
        values = {
            key: list(value) if isinstance(value, tuple) else value for key, value in dataclasses.asdict(self).items()
        }
        return {"kind": self.kind, **values}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """The configuration that :meth:`to_dict` wrote; missing keys take their defaults.

        Raises:
            ConfigError: for an unknown key, another ``kind``, or a value out of range.
        """
        values = dict(data)
        kind = values.pop("kind", cls.kind)
        if kind != cls.kind:
            raise ConfigError(
                f"The configuration is of kind {kind!r}, but {cls.__name__} reads kind {cls.kind!r}; "
                "build it with distilfuse.nets.config_from_dict."
            )
        fields = {field.name: field for field in dataclasses.fields(cls)}
        for key, value in values.items():
            if key not in fields:
                near = difflib.get_close_matches(key, fields, n=3, cutoff=0.5)
                mend = f"did you mean {' or '.join(near)}?" if near else f"known keys: {', '.join(fields)}."
                raise ConfigError(f"{cls.__name__} has no key {key!r}; {mend}")
            if isinstance(value, list):
                values[key] = tuple(value)
        return cls(**values)


@dataclass(frozen=True, kw_only=True)
class FusionConfig(NetworkConfig):
    """All sizes of a :class:`~distilfuse.nets.fusion_net.FusionNet` (paper, section 3.2)."""

    channels: int = 16
    """Width d of the first level; level l (from 0) is 2**l times as wide."""
    reduction: int = 1
    """Pixels a side that one feature of the first level stands for: 1, as in the paper, or more. To the result of a
    reduced network the sources themselves bring the detail, at full size, by a weight and a residual a pixel."""
    blocks: tuple[int, ...] = (2, 2, 2, 2)
    """Spatial-channel blocks a level, in each encoder and in the decoder; as many entries as levels."""
    refinement: int = 2
    """Blocks after the decoder, at full size (eq. 11)."""
    channel_heads: tuple[int, ...] = (1, 2, 4, 8)
    """Heads of the channel attention (TSAB) a level."""
    spatial_heads: tuple[int, ...] = (2, 2, 3, 4)
    """Heads of the windowed spatial attention (SSAB) a level."""
    head_dim: int = 16
    """Channels a spatial head."""
    window: int = 8
    """Side of a query window in pixels."""
    overlap_window: int = 12
    """Side of the key window centred on a query window in pixels; at most two query windows wide."""
    expansion: float = 2.0
    """Hidden width of the feed-forward parts, in widths of their input."""
    norm: NormPlacement = "pre"
    """'pre': x + f(LN(x)); 'post': x + LN(f(x)), as the paper prints (eqs. 4, 5)."""
    cross_fusion: CrossFusionName = "ours"
    """How the two modalities are brought together (Table 5)."""
    text_channels: int | None = None
    """Length of the text embedding, or None for a network without text."""
    text_hidden: int = 360
    """Hidden width of the text modulation's two-layer networks."""

    def __post_init__(self) -> None:
        """Raises :class:`ConfigError` for the first value out of range."""
        name = type(self).__name__
        levels = len(self.blocks)
        _require(levels >= 2, name, "blocks", self.blocks, "two levels or more")
        for key in ("channels", "reduction", "head_dim", "window", "text_hidden"):
            _require(_is_count(getattr(self, key), 1), name, key, getattr(self, key), "a whole number from 1")
        _require(_is_count(self.refinement, 0), name, "refinement", self.refinement, "a whole number from 0")
        for key in ("blocks", "channel_heads", "spatial_heads"):
            value = getattr(self, key)
            sound = isinstance(value, tuple) and len(value) == levels and all(_is_count(n, 1) for n in value)
            _require(sound, name, key, value, f"{levels} whole numbers from 1")
        _require(self.channels % 2 == 0, name, "channels", self.channels, "an even number")
        for level, heads in enumerate(self.channel_heads):
            divides = (self.channels * 2**level) % heads == 0
            _require(divides, name, "channel_heads", heads, f"a divisor of the width of level {level + 1}")
        margin = self.overlap_window - self.window
        sound = _is_count(self.overlap_window, 1) and 0 <= margin <= self.window and margin % 2 == 0
        _require(sound, name, "overlap_window", self.overlap_window, "window plus an even number up to window")
        sound = _is_number(self.expansion) and 0 < self.expansion <= 16
        _require(sound, name, "expansion", self.expansion, "a number above 0 and up to 16")
        _require(self.norm in get_args(NormPlacement), name, "norm", self.norm, "'pre' or 'post'")
        sound = self.cross_fusion in CROSS_FUSIONS
        _require(sound, name, "cross_fusion", self.cross_fusion, f"one of {', '.join(CROSS_FUSIONS)}")
        sound = self.text_channels is None or _is_count(self.text_channels, 1)
        _require(sound, name, "text_channels", self.text_channels, "None or a whole number from 1")

    @property
    def levels(self) -> int:
        """Number of levels; the lowest sees the picture 2**(levels - 1) times smaller."""
        return len(self.blocks)

    @property
    def widths(self) -> tuple[int, ...]:
        """Channels a level: d, 2d, 4d, ..."""
        return tuple(self.channels * 2**level for level in range(self.levels))

    @property
    def multiple(self) -> int:
        """Height and width must be multiples of this inside the network; it pads by itself."""
        return self.reduction << (self.levels - 1)


@dataclass(frozen=True, kw_only=True)
class TeacherConfig(FusionConfig):
    """The text-guided teacher: 40.3 M parameters, text embeddings of CLIP's length."""

    kind: ClassVar[str] = "teacher"

    channels: int = 48
    refinement: int = 4
    expansion: float = 2.66
    text_channels: int | None = 512


@dataclass(frozen=True, kw_only=True)
class StudentConfig(FusionConfig):
    """The distilled student: the teacher's shape, d = 16 (also 32 and 48), no text."""

    kind: ClassVar[str] = "student"

    def __post_init__(self) -> None:
        super().__post_init__()
        _require(
            self.text_channels is None, "StudentConfig", "text_channels", self.text_channels,
            "None (a student has no text; take TeacherConfig)",
        )  # fmt: skip


def _is_count(value: object, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _require(sound: bool, owner: str, key: str, value: object, wanted: str) -> None:
    if not sound:
        raise ConfigError(f"{owner}.{key} is {value!r}; it must be {wanted}.")
