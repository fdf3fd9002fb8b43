"""Robustness: degradations of clean pairs (shared with training)."""
