"""Cuts out what the locator takes for a VIN and is none: lines that the recognizer must learn to refuse.

`python cut_others.py --shards shards --real ../../shared/real --locator runs/locator/last.pt`

Looks at the rendered scenes and at the photographs that may be trained on, and writes SHARDS/strips_others.npz in the form
of a strips shard.
"""

import argparse
from pathlib import Path

import numpy as np
import torch

from cut_real import cuts
from nets import Locator
from shards import scenes
from strips import BOX, HEIGHT, WIDTH
from train_locator import Photographs, decode, near
from vins import UNKNOWN

# Score logit from which on a line is cut out, a probability of 0.2: a little less than the 0.25 from which on the reader looks at a faint
# line (src/reader/locate.rs), as what is nearly looked at is to be refused, too.
LEAST = -1.4
LINES = 4  # a picture
SHORTEST = 40  # pixels of the scene: nobody reads less


def lines(out: np.ndarray) -> list[np.ndarray]:
    """The best lines of one output [10,36,64], surest first; `out` is used up."""
    found = []
    while len(found) < LINES and out[0].max() > LEAST:
        quad, _, cells = decode(out)
        found.append(quad)
        out[0][cells] = -99
    return found


def others(net: Locator, picture: np.ndarray, vins: np.ndarray) -> list[np.ndarray]:
    """Strips of the lines found in a scene that are none of its VINs."""
    with torch.no_grad():
        out = net(torch.from_numpy(picture)[None, None].float() / 255)[0].numpy()
    is_vin = lambda quad: any(near(v, quad.mean(0), 0.9, 1.2) or near(quad, v.mean(0), 0.9, 1.2) for v in vins)
    wrong = [quad for quad in lines(out) if not is_vin(quad) and np.linalg.norm(quad[1] - quad[0]) > SHORTEST]
    return [cuts(picture, quad[None], BOX, (WIDTH, HEIGHT))[0] for quad in wrong]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shards", type=Path, required=True)
    parser.add_argument("--real", type=Path, required=True)
    parser.add_argument("--locator", type=Path, required=True)
    a = parser.parse_args()
    net = Locator().eval()
    net.load_state_dict(torch.load(a.locator))
    rng = np.random.default_rng(1)
    found = []
    for picture, quads in scenes(a.shards):
        found += others(net, picture, quads)
    print("scenes", len(found))
    photographs = Photographs(a.shards / "real" / "quads.tsv", a.real)
    for i in range(len(photographs.items)):
        for jitter in (False, True):
            picture, quad = photographs.draw(rng, jitter, i)
            found += others(net, picture, quad[None])
    print("photographs", len(found))
    n = len(found)
    np.savez(
        a.shards / "strips_others.npz", strips=np.stack(found), labels=np.full((n, 17), UNKNOWN, np.uint8),
        centres=np.zeros((n, 17), np.float16), marks=np.zeros(n, np.uint8),
    )


if __name__ == "__main__":
    main()
