"""What released models would lose in bfloat16, measured on any machine: every step is rounded to 8 bits.

    python benchmarks/bfloat16.py DATA [--model NAME ...] [--pairs 12]

DATA holds the sets that the models were trained on. Scores are those that `distilfuse quantize` judges by: Qabf, VIF
and SSIM on validation pairs, clean and degraded. Once with the blend behind the last convolution in float32, where
OpenVINO leaves it, and once with everything rounded.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from distilfuse.export.bfloat16 import rounded_to_bfloat16
from distilfuse.export.judging import load_scenes, losses
from distilfuse.export.quantized_release import quality
from distilfuse.zoo import find_model, list_models, read_weights


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--model", action="append")
    parser.add_argument("--pairs", type=int, default=12)
    asked = parser.parse_args()
    for name in asked.model or list_models():
        record, folder = find_model(name)
        weights = read_weights(record, folder / record.file)
        scenes = load_scenes(record, asked.data, "validation", pairs=asked.pairs)
        before = quality(record, weights, scenes)
        print(f"{name}, {len(scenes)} pictures")
        for everywhere in (False, True):
            after = quality(record, rounded_to_bfloat16(weights, everywhere=everywhere), scenes)
            lost = losses(before, after)
            changes = ", ".join(f"{metric} {condition} {-lost[condition, metric]:+.2f} %" for condition, metric in lost)
            print(f"  {'everything' if everywhere else 'network'}: {changes}", flush=True)


if __name__ == "__main__":
    main()
