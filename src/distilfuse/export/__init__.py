"""From trained weights to released models."""
