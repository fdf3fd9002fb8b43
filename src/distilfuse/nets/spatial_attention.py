"""SSAB: windowed attention between pixels, with key windows that overlap.

From the paper (eq. 4) and the published description of X-Restormer's overlapping
cross-attention (Chen et al., ECCV 2024): queries of an 8x8 window attend to the
keys of the 12x12 window around it, with a bias for the relative position.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from distilfuse.nets.layers import pointwise
from distilfuse.nets.tracing import exporting, may_loop

__all__ = ["SpatialAttention"]

_WINDOWS_AT_ONCE = 256
"""Windows that inference takes at a time; their keys and values are 14 MB at two heads."""


class SpatialAttention(nn.Module):
    """Windowed self-attention with overlapping key windows; any height and width.

    Beyond the border the nearest pixel is repeated, for keys and values too: padding a picture by
    repetition, however far, therefore changes nothing. The bias of a pair of pixels is the sum of a
    bias for its rows' distance and one for its columns' distance.
    """

    offsets: Tensor

    def __init__(
        self, *, channels: int, heads: int, head_dim: int, window: int, overlap_window: int, pieces: int = 1
    ) -> None:
        """``pieces``: an exported graph computes this many equal strips of windows one after the other."""
        super().__init__()
        self.pieces = pieces
        self.heads = heads
        self.head_dim = head_dim
        self.window = window
        self.overlap = overlap_window - window
        self.queries = pointwise(channels, heads * head_dim)
        self.keys_values = pointwise(channels, 2 * heads * head_dim)
        self.project = pointwise(heads * head_dim, channels)
        distances = window + overlap_window - 1
        self.row_bias = nn.Parameter(torch.zeros(heads, distances))
        self.column_bias = nn.Parameter(torch.zeros(heads, distances))
        offsets = torch.arange(overlap_window)[None, :] - torch.arange(window)[:, None] + window - 1
        self.register_buffer("offsets", offsets, persistent=False)  # [window, overlap_window]

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, H, W] -> [B, C, H, W]."""
        if exporting():
            return self._gathered(x)
        height, width = x.shape[-2:]
        side, before = self.window, self.overlap // 2
        rows = (height + side - 1) // side
        columns = (width + side - 1) // side
        # A whole window beyond the last: the first rows of the next window end the key window of this one.
        right = (columns + 1) * side - before - width
        bottom = (rows + 1) * side - before - height
        padded = _repeat_border(x, before, bottom, before, right)
        bias = self.position_bias()
        if not may_loop():
            return self._attend(padded, bias)[:, :, :height, :width]
        step = max(1, _WINDOWS_AT_ONCE // (x.shape[0] * columns))
        strips = [
            self._attend(padded[:, :, side * row : side * (min(row + step, rows) + 1)], bias)
            for row in range(0, rows, step)
        ]
        return torch.cat(strips, dim=2)[:, :, :height, :width]

    def position_bias(self) -> Tensor:
        """The bias of every query of a window for every key: [heads, window**2, overlap_window**2]."""
        rows = self.row_bias[:, self.offsets][:, :, None, :, None]  # [heads, side, 1, overlap, 1]
        columns = self.column_bias[:, self.offsets][:, None, :, None, :]  # [heads, 1, side, 1, overlap]
        return (rows + columns).flatten(3, 4).flatten(1, 2)

    def _attend(self, padded: Tensor, bias: Tensor) -> Tensor:
        """[B, C, (rows + 1) * window, (columns + 1) * window] -> [B, C, rows * window, columns * window]."""
        side, before = self.window, self.overlap // 2
        end = before - side
        query = self._query_windows(self.queries(padded[:, :, before:end, before:end]))
        key, value = self._key_windows(self.keys_values(padded))
        attended = _attention(query, key, value, bias, self.head_dim**-0.5)
        rows, columns = padded.shape[2] // side - 1, padded.shape[3] // side - 1
        grid = attended.view(-1, rows, columns, self.heads, side, side, self.head_dim)
        merged = grid.permute(0, 1, 4, 2, 5, 3, 6)  # [B, rows, side, columns, side, heads, head_dim]
        merged = merged.reshape(-1, rows * side, columns * side, self.heads * self.head_dim)
        projected: Tensor = self.project(merged.permute(0, 3, 1, 2))
        return projected

    def _gathered(self, x: Tensor) -> Tensor:
        """As :meth:`forward`, for whole numbers of windows; this is what is exported.

        Windows are gathered, every head of a pixel as a row of its own: one copy with no padding, no joining and no
        permutation of heads.
        """
        batch, _, height, width = x.shape
        side = self.window
        kernel = self.keys_values.weight
        middle = self.heads * self.head_dim
        weights = (self.queries.weight * self.head_dim**-0.5, kernel[:middle], kernel[middle:])
        # [B * H * W * heads, head_dim] each
        query, key, value = (F.conv2d(x, w).permute(0, 2, 3, 1).reshape(-1, self.head_dim) for w in weights)
        own, around = (self._places(batch, height, width, reach) for reach in (side, side + self.overlap))
        bias = self.position_bias()
        pieces = []
        for piece in range(self.pieces):
            logits = torch.matmul(F.embedding(own[piece], query), F.embedding(around[piece], key).mT) + bias
            pieces.append(torch.matmul(logits.softmax(-1), F.embedding(around[piece], value)))
        attended = torch.cat(pieces) if len(pieces) > 1 else pieces[0]
        grid = attended.reshape(batch, height // side, width // side, self.heads, side, side, self.head_dim)
        merged = grid.permute(0, 1, 4, 2, 5, 3, 6).reshape(batch, height, width, middle)
        projected: Tensor = self.project(merged.permute(0, 3, 1, 2))
        return projected

    def _places(self, batch: int, height: int, width: int, reach: int) -> Tensor:
        """Where windows of ``reach`` pixels a side are in the rows [B * H * W * heads] of a batch.

        Beyond the border stands the nearest pixel. Gives [pieces, windows / pieces, heads, reach**2].
        """
        side, device = self.window, self.offsets.device
        within = torch.arange(reach, device=device) - (reach - side) // 2
        row, column = (torch.arange(size // side, device=device)[:, None] * side for size in (height, width))
        down = (row + within).clamp(0, height - 1) + torch.arange(batch, device=device)[:, None, None] * height
        down = down.flatten(0, 1) * (width * self.heads)  # [B * rows, reach]
        along = (column + within).clamp(0, width - 1)[:, None] * self.heads  # [columns, 1, reach]
        along = along + torch.arange(self.heads, device=device)[:, None]  # [columns, heads, reach]
        places = down[:, None, None, :, None] + along[None, :, :, None, :]
        return places.reshape(self.pieces, -1, self.heads, reach**2)

    def _query_windows(self, query: Tensor) -> Tensor:
        """[B, heads * head_dim, H, W] -> [B * rows * columns, heads, side**2, head_dim]."""
        side = self.window
        grid: Tensor = query.permute(0, 2, 3, 1).unflatten(3, (self.heads, self.head_dim))
        grid = grid.unflatten(2, (-1, side)).unflatten(1, (-1, side))  # rows and columns into windows, pixels
        return grid.permute(0, 1, 3, 5, 2, 4, 6).reshape(-1, self.heads, side * side, self.head_dim)

    def _key_windows(self, maps: Tensor) -> tuple[Tensor, Tensor]:
        """[B, 2 * heads * head_dim, H, W] -> two [B * rows * columns, heads, overlap_window**2, head_dim].

        H is (rows + 1) * side, W is (columns + 1) * side. A key window is a window and the first rows and
        columns of the next ones: joined along rows first, then along columns, so that whole runs of pixels
        are copied.
        """
        side, overlap = self.window, self.overlap
        grid = maps.permute(0, 2, 3, 1).unflatten(1, (-1, side))  # [B, rows + 1, side, W, C]
        grid = torch.cat([grid[:, :-1], grid[:, 1:, :overlap]], dim=2)
        grid = grid.unflatten(3, (-1, side))  # [B, rows, side + overlap, columns + 1, side, C]
        grid = torch.cat([grid[:, :, :, :-1], grid[:, :, :, 1:, :overlap]], dim=4)
        grid = grid.unflatten(5, (2, self.heads, self.head_dim))
        windows = grid.permute(5, 0, 1, 3, 6, 2, 4, 7)  # [2, B, rows, columns, heads, keys, keys, dim]
        key, value = windows.reshape(2, -1, self.heads, (side + overlap) ** 2, self.head_dim).unbind(0)
        return key, value


def _repeat_border(x: Tensor, top: int, bottom: int, left: int, right: int) -> Tensor:
    """[B, C, H, W] -> [B, C, top + H + bottom, left + W + right], the nearest pixel repeated beyond the border."""
    if torch.compiler.is_exporting() or not torch.compiler.is_compiling():
        return F.pad(x, (left, right, top, bottom), mode="replicate")
    # torch.compile takes the gradient of that for one in another memory format, and fails.
    x = torch.cat([x[..., :1].expand(-1, -1, -1, left), x, x[..., -1:].expand(-1, -1, -1, right)], dim=3)
    return torch.cat([x[..., :1, :].expand(-1, -1, top, -1), x, x[..., -1:, :].expand(-1, -1, bottom, -1)], dim=2)


def _attention(query: Tensor, key: Tensor, value: Tensor, bias: Tensor, scale: float) -> Tensor:
    """softmax(scale * query key^T + bias) value, over [N, heads, pixels, head_dim] each."""
    if query.device.type == "cpu" and torch.is_grad_enabled():
        # PyTorch's fused CPU kernel takes no bias that needs a gradient; its fallback is slower than this.
        weights = torch.softmax(torch.matmul(query * scale, key.transpose(-1, -2)) + bias, dim=-1)
        return torch.matmul(weights, value)
    mask = bias.to(query.dtype)[None]
    return F.scaled_dot_product_attention(query, key, value, attn_mask=mask, scale=scale)
