"""Photographs once more, as a camera would have taken them a moment later: moved by less than a pixel, turned and enlarged a
little, in other light, as another JPEG.

`python shaken.py --labels shards/split/tune.tsv --pictures ../../shared/real/images --out shards/shaken`

Of a character that is hardly legible the networks say something else in many a copy, and sometimes surely: so copies tell how often
a sure reading is wrong, which the photographs alone are too few for; and with the photograph they are a burst. `--noise 6 12` takes them in the dark. Writes OUT/*.jpg, each photograph as it is and its copies, and
OUT/labels.tsv (file, VIN), as `vinspect evaluate` takes it; and OUT/bursts.tsv, by which it takes a photograph and its copies as a burst.
"""

import argparse
import random
from pathlib import Path

import cv2
import numpy as np

QUALITY = 80, 95  # of the JPEG


def shaken(rng: random.Random, picture: np.ndarray) -> np.ndarray:
    """A copy of a picture, of the same size."""
    high, wide = picture.shape[:2]
    matrix = cv2.getRotationMatrix2D((wide / 2, high / 2), rng.gauss(0, 1.5), np.exp(rng.gauss(0, 0.04)))
    matrix[:, 2] += rng.uniform(-1, 1), rng.uniform(-1, 1)
    moved = cv2.warpAffine(picture, matrix, (wide, high), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    light = (moved / 255.0) ** np.exp(rng.gauss(0, 0.15)) * rng.uniform(0.8, 1) + rng.uniform(0, 0.05)
    return (255 * light).clip(0, 255).astype(np.uint8)


def dark(rng: random.Random, picture: np.ndarray, least: float, most: float) -> np.ndarray:
    """A picture with noise of a standard deviation between those, of 255."""
    grains = np.random.default_rng(rng.getrandbits(32)).standard_normal((*picture.shape[:2], 1))
    return (picture + grains * rng.uniform(least, most)).clip(0, 255).astype(np.uint8)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--labels", type=Path, required=True, help="file, tab, VIN")
    parser.add_argument("--pictures", type=Path, required=True)
    parser.add_argument("--copies", type=int, default=5)
    parser.add_argument("--noise", type=float, nargs=2, metavar=("LEAST", "MOST"), help="its standard deviation, of 255")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True)
    a = parser.parse_args()
    cv2.setNumThreads(1)
    a.out.mkdir(parents=True, exist_ok=True)
    with open(a.out / "labels.tsv", "w") as labels, open(a.out / "bursts.tsv", "w") as bursts:
        for line in a.labels.read_text().splitlines():
            file, vin = line.split("\t")[:2]
            picture = cv2.imread(str(a.pictures / file))
            (a.out / file).write_bytes((a.pictures / file).read_bytes())
            names = [file]
            for copy in range(a.copies):
                rng = random.Random(f"{a.seed} {file} {copy}")
                name = f"{Path(file).stem}_{copy}.jpg"
                taken = shaken(rng, picture)
                if a.noise:
                    taken = dark(rng, taken, *a.noise)
                cv2.imwrite(str(a.out / name), taken, [cv2.IMWRITE_JPEG_QUALITY, rng.randint(*QUALITY)])
                names.append(name)
            for name in names:
                print(name, vin, sep="\t", file=labels)
                print(name, vin, Path(file).stem, sep="\t", file=bursts)


if __name__ == "__main__":
    main()
