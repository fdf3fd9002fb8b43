"""Pairs, splits, crops and degradations for training."""
