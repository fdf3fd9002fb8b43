"""Does a detector see more in the fused picture? Anyone's detector, on visible, infrared and fused pictures alike."""
