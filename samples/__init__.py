"""Renderer of the sample pairs (developer's tool, not part of the wheel)."""
