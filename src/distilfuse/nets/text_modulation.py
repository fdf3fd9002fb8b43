"""Text modulation (eq. 9): the text says how much of every channel there should be."""

from __future__ import annotations

from torch import Tensor, nn

__all__ = ["TextModulation"]


class TextModulation(nn.Module):
    """F -> (1 + gamma(T)) * F + beta(T), with gamma and beta from a two-layer network on the text embedding.

    The last layer starts at zero, so an untrained text changes nothing. A row of zeros, which no encoder gives, stands
    for a pair without text: it is left as it is.
    """

    def __init__(self, *, channels: int, text_channels: int, hidden: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(text_channels, hidden)
        self.gelu = nn.GELU()
        self.gamma_beta = nn.Linear(hidden, 2 * channels)
        nn.init.zeros_(self.gamma_beta.weight)
        nn.init.zeros_(self.gamma_beta.bias)

    def forward(self, features: Tensor, text: Tensor) -> Tensor:
        """[B, C, H, W] and [B, text_channels] -> [B, C, H, W]."""
        spoken = (text != 0).any(dim=1, keepdim=True)  # [B, 1]
        gamma_beta = self.gamma_beta(self.gelu(self.hidden(text))) * spoken
        gamma, beta = gamma_beta[:, :, None, None].chunk(2, dim=1)
        modulated: Tensor = (1 + gamma) * features + beta
        return modulated
