"""Cuts out VINs with what lies around them: of these the recognizer learns where a text is to which the locator points only roughly.

`python cut_rough.py --shards shards --real ../../shared/real --out shards/rough.npz`

From the rendered scenes, and from the photographs that may be trained on, each twice. Writes `strips` [n,128,512] uint8, in which
the text's corners lie at ROUGH_BOX.
"""

import argparse
from pathlib import Path

import numpy as np

from cut_real import cuts
from nets import ROUGH_BOX, ROUGH_STRIP, box
from shards import scenes
from train_locator import Photographs

AGAIN = 2  # how often a photograph counts


def rough(picture: np.ndarray, quad: np.ndarray) -> np.ndarray:
    return cuts(picture, quad[None], np.float32(box(*ROUGH_BOX)), ROUGH_STRIP[::-1])[0]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shards", type=Path, required=True, help="folder of rendered scenes_*.npz")
    parser.add_argument("--real", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    a = parser.parse_args()
    found = []
    for picture, quads in scenes(a.shards):
        found += [rough(picture, quad) for quad in quads]
    print("scenes", len(found))
    photographs = Photographs(a.shards / "real" / "quads.tsv", a.real).items
    found += [rough(picture, quad) for picture, quad in photographs] * AGAIN
    print("photographs", len(photographs))
    np.savez(a.out, strips=np.stack(found))


if __name__ == "__main__":
    main()
