"""Renders frames as a station's camera takes them: 1280×720, one VIN, 200 to 800 pixels long.

`python frames.py --shared ../../shared --count 300 --seed 1 --out frames`

The photographs that the confidence is fitted on are small; these stand for what is larger. The VINs are real patterns from all
over the world (`data/vin_vectors.tsv`), one in two for `--part tune`, the others for `--part validation`. Writes OUT/*.jpg and
OUT/labels.tsv (file, VIN), as `vinspect evaluate` takes it.
"""

import argparse
import csv
import hashlib
import random
from pathlib import Path

import cv2
import numpy as np

import scenes
import vins
from labels import mark
from materials import MATERIALS
from real import pictures

KINDS = ["dark label", "light label", "windshield", "plate", "stamped", "pin-stamped"]
SIZE = 720, 1280  # of a frame: height, width
LENGTHS = 200, 800  # of the VIN, pixels


def vectors(path: Path, part: str) -> list[str]:
    """VINs of one part, each maker in turn."""
    with open(path) as file:
        known = sorted({row["vin"] for row in csv.DictReader(file, delimiter="\t")})
    known = [v for v in known if len(v) == 17 and set(v) <= set(vins.ALPHABET) and not v.endswith("00000" + v[-1])]
    known = [v for v in known if (hashlib.sha256(v.encode()).digest()[0] % 2 == 0) == (part == "tune")]
    random.Random(1).shuffle(known)
    makers: dict[str, list[str]] = {}
    for vin in known:
        makers.setdefault(vin[:3], []).append(vin)
    turns = max(map(len, makers.values()))
    return [of[turn] for turn in range(turns) for of in makers.values() if turn < len(of)]


def frame(rng: random.Random, np_rng, vin: str, kind: str, photographs) -> np.ndarray | None:
    """A frame in which the VIN can be seen, or none."""
    scene = np.ascontiguousarray(scenes.background(rng, np_rng, photographs, SIZE))
    for _ in range(rng.choice((0, 1, 2))):
        scenes.place(rng, scene, *scenes.writing(rng, np_rng, vins.other_text(rng)), rng.uniform(100, 300))
    m = MATERIALS[kind]
    length = float(np.exp(rng.uniform(*np.log(LENGTHS))))
    return scenes.alone(rng, np_rng, scene, mark(rng, np_rng, vin, m, rng.choice((0, 1, 2, 4, 6)), ""), m, length)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, required=True, help="folder with data/ and real/")
    parser.add_argument("--part", choices=("tune", "validation"), default="tune")
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True)
    a = parser.parse_args()
    cv2.setNumThreads(1)
    known = vectors(a.shared / "data" / "vin_vectors.tsv", a.part)
    backgrounds = [(a.shared / "real" / "images" / p.file, p.box) for p in pictures(a.shared / "real") if p.part == a.part]
    a.out.mkdir(parents=True, exist_ok=True)
    with open(a.out / "labels.tsv", "w") as labels:
        for i in range(a.count):
            vin, kind = known[i % len(known)], KINDS[i % len(KINDS)]
            made = None
            for attempt in range(20):
                rng = random.Random(f"{a.seed} {a.part} {i} {attempt}")
                made = frame(rng, np.random.default_rng(rng.getrandbits(32)), vin, kind, backgrounds)
                if made is not None:
                    break
            else:
                continue
            name = f"{kind.replace(' ', '_')}_{i:04}.jpg"
            cv2.imwrite(str(a.out / name), made, [cv2.IMWRITE_JPEG_QUALITY, 92])
            print(name, vin, sep="\t", file=labels, flush=True)
            if i % 50 == 0:
                print(i, flush=True)


if __name__ == "__main__":
    main()
