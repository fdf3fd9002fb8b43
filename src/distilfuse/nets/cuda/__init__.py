"""Inference on NVIDIA cards: half precision, Triton kernels for the paper's network, CUDA graphs."""
