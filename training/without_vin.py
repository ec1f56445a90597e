"""Pictures that show no VIN, and what vinspect says about them: none may be accepted.

`python without_vin.py --shared ../../shared --scenery SITE/skimage/data SITE/sklearn/datasets/images --out without --vinspect ../target/release/vinspect`

Makes, if OUT is not there yet, a folder a class, the same pictures each time:
- the photographs of a part without the VIN's line: the largest part beside it, or the line filled from around it;
- rendered scenes (scenes.py) whose main line is no VIN: 17 characters with a Q, or with I and O alone, which many a face draws
  as another draws 1 and 0; a VIN with a character too few or too many, approvals, part numbers, other writing;
- scenery: parts of the pictures in the given folders, turned; scikit-image and scikit-learn bring some along;
- `formed_…`: 17 digits, or 17 characters that a VIN may have. By their form these are VINs; they stand apart.
OUT/labels.tsv says of all that they show none, as `vinspect evaluate` takes it. OUT holds photographs of vehicles and is not to be
published.
"""

import argparse
import csv
import json
import random
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np

import real
import scenes
import vins
from peers import share

FORMED = "formed_"
ROOM = 6  # pixels around a VIN's box that go with it, in photographs of 256
LETTER = (8, 20)  # pixels a character, so that lines are easily read


def part_number(rng: random.Random, _) -> str:
    """Groups of letters and digits with signs between them, 17 characters in all."""
    text = rng.choices(vins.ALPHABET if rng.random() < 0.5 else vins.ALPHABET[:10], k=vins.LENGTH)
    for at in rng.choice(((3, 7, 11), (5, 11), (2, 6, 10, 14), (4, 9, 14))):
        text[at] = rng.choice("-./")
    return "".join(text)


def with_a_q(rng: random.Random, vin: str) -> str:
    """A VIN with two to four letters that none has, a Q among them, which no face draws as a digit."""
    while "Q" not in (text := vins.misspelt(rng, vin, rng.randint(2, 4))):
        pass
    return text


# What each class of rendered scenes writes, given a made-up VIN.
TEXTS: dict[str, Callable[[random.Random, str], str]] = {
    "rendered_with_q": with_a_q,
    "rendered_16_characters": lambda rng, vin: vin[: (at := rng.randrange(17))] + vin[at + 1 :],
    "rendered_18_characters": lambda rng, vin: vin[: (at := rng.randrange(18))] + rng.choice(vins.ALPHABET) + vin[at:],
    "rendered_approval": lambda rng, _: vins.approval(rng),
    "rendered_part_number": part_number,
    "rendered_other_writing": lambda rng, _: vins.other_text(rng),
    FORMED + "digits": lambda rng, _: "".join(rng.choices(vins.ALPHABET[:10], k=vins.LENGTH)),
    FORMED + "any_characters": lambda rng, _: "".join(rng.choices(vins.ALPHABET, k=vins.LENGTH)),
    "rendered_with_i_o": lambda rng, vin: vins.misspelt(rng, vin, rng.randint(2, 4), "IO"),
}


def rendered(seed: int, makers: list[str], write: Callable) -> Iterator[tuple[np.ndarray, str]]:
    """Scenes in which a line, and sometimes a smaller one, can be seen; and what the line says."""
    rng, np_rng = random.Random(seed), np.random.default_rng(seed)
    while True:
        scene = np.ascontiguousarray(scenes.background(rng, np_rng, []))
        if rng.random() < 0.5:
            small = vins.other_text(rng)
            scenes.place(rng, scene, *scenes.writing(rng, np_rng, small), len(small) * rng.uniform(4, 12))
        text = write(rng, vins.vin(rng, makers, makers))
        shown = scenes.alone(rng, np_rng, scene, *scenes.writing(rng, np_rng, text), len(text) * rng.uniform(*LETTER))
        if shown is not None:
            yield shown, text


def wiped(picture: np.ndarray, box) -> tuple[np.ndarray, np.ndarray]:
    """The largest part above, below, left or right of a box; and all, with the box filled from around it."""
    x0, y0, x1, y1 = (max(0, int(v) + side) for v, side in zip(box, (-ROOM, -ROOM, ROOM, ROOM)))
    mask = np.zeros(picture.shape[:2], np.uint8)
    mask[y0:y1, x0:x1] = 1
    beside = max((picture[:y0], picture[y1:], picture[:, :x0], picture[:, x1:]), key=lambda part: part.size)
    return beside, cv2.inpaint(picture, mask, 3, cv2.INPAINT_TELEA)


def part_of(rng: random.Random, picture: np.ndarray) -> np.ndarray:
    """A part of a picture, turned by quarters and often tilted."""
    picture = np.rot90(picture, rng.randrange(4))
    h, w = picture.shape[:2]
    tilt = cv2.getRotationMatrix2D((w / 2, h / 2), rng.choice((0, rng.uniform(-30, 30))), 1)
    turned = cv2.warpAffine(picture, tilt, (w, h), borderMode=cv2.BORDER_REFLECT)
    high, wide = (int(side * rng.uniform(0.4, 1)) for side in (h, w))
    y, x = rng.randint(0, h - high), rng.randint(0, w - wide)
    return turned[y : y + high, x : x + wide]


def make(shared: Path, part: str, scenery: list[Path], count: int, seed: int) -> Iterator[tuple[str, np.ndarray]]:
    """All pictures: a name, class and all, and the picture."""
    for row in csv.DictReader((shared / "real" / "boxes.tsv").read_text().splitlines(), delimiter="\t"):
        if row["vin"] and "?" not in row["vin"] and real.part_of(row["vin"]) == part:
            picture = cv2.imread(str(shared / "real" / "images" / row["file"]))
            both = wiped(picture, [float(row[side]) for side in ("x0", "y0", "x1", "y1")])
            yield from zip((f"photograph_{how}/{Path(row['file']).stem}" for how in ("beside", "filled")), both)
    for i, (name, write) in enumerate(TEXTS.items()):
        for j, (scene, text) in zip(range(count), rendered(seed * 1000 + i, vins.makers(shared), write)):
            yield f"{name}/{j:03} {text.replace('/', '_')}", scene
    rng, found = random.Random(seed), sorted(path for folder in scenery for path in folder.iterdir() if path.suffix in (".png", ".jpg"))
    for i, path in zip(range(count), found * count):
        yield f"scenery/{i:03} {path.stem}", part_of(rng, cv2.imread(str(path)))


def report(said: list[dict]) -> None:
    """The outcomes by class, and what was accepted."""
    for answer in said:
        if answer.get("outcome") == "accepted":
            print("accepted:", answer["path"], answer["vin"], f"{answer['confidence']:.3f}")
    of = lambda answer: Path(answer["path"]).parent.name
    classes = {name: [a for a in said if of(a) == name] for name in sorted(set(map(of, said)))}
    classes["all but formed_…"] = [a for a in said if not of(a).startswith(FORMED)]
    for name, some in classes.items():
        counts = Counter(answer.get("outcome", "error") for answer in some)
        parts = (f"{outcome} {share(counts[outcome], len(some))}" for outcome in ("accepted", "review", "no_read", "error"))
        print(f"{name:24}{len(some):5} pictures:", ", ".join(parts))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, required=True, help="folder with data/ and real/")
    parser.add_argument("--scenery", type=Path, nargs="*", default=[], help="folders with pictures in which no VIN is")
    parser.add_argument("--count", type=int, default=60, help="pictures of each class that is rendered, and of scenery")
    parser.add_argument("--part", choices=("tune", "validation"), default="validation", help="of the photographs")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True, help="made if it is not there, else read again")
    parser.add_argument("--vinspect", type=Path, required=True)
    a = parser.parse_args()
    if not a.out.exists():
        new = a.out.with_name(a.out.name + ".part")
        labels = []
        for name, picture in make(a.shared, a.part, a.scenery, a.count, a.seed):
            file = new / f"{name}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(file), picture)
            labels.append(f"{name}.png\t-\n")
        (new / "labels.tsv").write_text("".join(labels))
        new.rename(a.out)
    read = subprocess.run([a.vinspect, "read", "--json", "--recursive", a.out], stdout=subprocess.PIPE, text=True)
    report([json.loads(line) for line in read.stdout.splitlines()])


if __name__ == "__main__":
    main()
