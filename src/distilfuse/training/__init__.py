"""Recipes, tasks and the one training loop."""
