"""Photographs turned, tilted, and as a small part of large frames: a station's camera hangs as it can, and sees more than the VIN.

`python placed.py --labels shards/split/validation.tsv --pictures ../../shared/real/images --scenery SITE/skimage/data SITE/sklearn/datasets/images --out placed`

Writes a folder a placing (`PLACINGS`) with each photograph placed so, and its labels.tsv (file, VIN), as `vinspect evaluate` takes it. What is
enlarged shows no more than before. In frames photographs lie before scenery, which scikit-image and scikit-learn bring along.
"""

import argparse
import random
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

TILT = 15, 30  # degrees, either way, of what is tilted
ASKEW = 8  # degrees, either way, of what is in frames
QUALITY = 92  # of the JPEG


def turned(quarters: int) -> Callable:
    """By quarters, to the left: not a pixel is another one."""
    return lambda rng, photograph, scenery: np.rot90(photograph, quarters)


def tilted(rng: random.Random, photograph: np.ndarray, _) -> np.ndarray:
    """Three times as large, and whole, amid its own reflection."""
    large = enlarged(photograph, 3)
    side = int(np.hypot(*large.shape[:2]))
    angle = rng.choice((-1, 1)) * rng.uniform(*TILT)
    matrix = about_its_middle(large, angle, (side / 2, side / 2))
    return cv2.warpAffine(large, matrix, (side, side), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)


def within(wide: int, high: int, times: int) -> Callable:
    """So many times as large, anywhere in a frame, a little askew."""

    def place(rng: random.Random, photograph: np.ndarray, scenery: list[np.ndarray]) -> np.ndarray:
        frame = filled(rng, rng.choice(scenery), wide, high)
        large = enlarged(photograph, times)
        h, w = large.shape[:2]
        at = rng.uniform(w / 2, wide - w / 2), rng.uniform(h / 2, high - h / 2)
        matrix = about_its_middle(large, rng.uniform(-ASKEW, ASKEW), at)
        moved = cv2.warpAffine(large, matrix, (wide, high), flags=cv2.INTER_CUBIC)
        shown = cv2.warpAffine(np.full((h, w), 255, np.uint8), matrix, (wide, high)) == 255
        frame[shown] = moved[shown]
        return frame

    return place


PLACINGS: dict[str, Callable] = {
    "turned_left": turned(1),
    "upside_down": turned(2),
    "turned_right": turned(3),
    "tilted": tilted,
    "in_1280x720": within(1280, 720, 1),
    "in_1920x1080": within(1920, 1080, 2),
    "in_4032x3024": within(4032, 3024, 4),
}


def enlarged(picture: np.ndarray, times: float) -> np.ndarray:
    return cv2.resize(picture, None, fx=times, fy=times, interpolation=cv2.INTER_CUBIC)


def about_its_middle(picture: np.ndarray, degrees: float, at: tuple[float, float]) -> np.ndarray:
    """What turns a picture about its middle and moves that to a point."""
    h, w = picture.shape[:2]
    matrix = cv2.getRotationMatrix2D((w / 2, h / 2), degrees, 1)
    matrix[:, 2] += at[0] - w / 2, at[1] - h / 2
    return matrix


def filled(rng: random.Random, picture: np.ndarray, wide: int, high: int) -> np.ndarray:
    """A frame full of a part of a picture."""
    h, w = picture.shape[:2]
    part = max(wide / w, high / h) * rng.uniform(1, 1.3)
    large = cv2.resize(picture, (max(wide, round(w * part)), max(high, round(h * part))), interpolation=cv2.INTER_CUBIC)
    y, x = rng.randint(0, large.shape[0] - high), rng.randint(0, large.shape[1] - wide)
    return large[y : y + high, x : x + wide].copy()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--labels", type=Path, required=True, help="file, tab, VIN")
    parser.add_argument("--pictures", type=Path, required=True)
    parser.add_argument("--scenery", type=Path, nargs="+", required=True, help="folders with pictures in which no VIN is")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True)
    a = parser.parse_args()
    cv2.setNumThreads(1)
    paths = sorted(path for folder in a.scenery for path in folder.iterdir() if path.suffix in (".png", ".jpg"))
    scenery = [picture for path in paths if (picture := cv2.imread(str(path), cv2.IMREAD_COLOR)) is not None]
    if not scenery:
        parser.error("there is no picture in " + ", ".join(map(str, a.scenery)))
    rows = [line.split("\t")[:2] for line in a.labels.read_text().splitlines()]
    for placing, place in PLACINGS.items():
        folder = a.out / placing
        folder.mkdir(parents=True, exist_ok=True)
        with open(folder / "labels.tsv", "w") as labels:
            for file, vin in rows:
                photograph = cv2.imread(str(a.pictures / file))
                picture = place(random.Random(f"{a.seed} {file} {placing}"), photograph, scenery)
                name = Path(file).stem + ".jpg"
                cv2.imwrite(str(folder / name), picture, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
                print(name, vin, sep="\t", file=labels)
        print(placing, len(rows), flush=True)


if __name__ == "__main__":
    main()
