"""Renders strips for the recognizer: a line of text as a camera sees it, cut out and rectified.

`python strips.py --shared ../../shared --count 20000 --seed 1 --out shards`

A strip is 64×384 grey: the recognizer's 32×256 (see nets.py) with 16 pixels more above and below and
64 left and right, so that training can jitter the cut. The shard holds `strips` [n,64,384] uint8,
`labels` [n,17] uint8 (index in `vins.WRITING`, or `vins.UNKNOWN`), `centres` [n,17] float16 (x of each
character in the 384-wide strip) and `marks` [n] uint8 (1: a whole VIN the right way up).
"""

import argparse
import random
from multiprocessing import Pool
from pathlib import Path

import cv2
import numpy as np

import vins
from camera import focus, sensor, soften, stored, view
from labels import edged, mark
from materials import Material, material
from nets import WIDE_BOX, WIDE_STRIP, box
from real import Picture, pictures
from weather import weather

HEIGHT, WIDTH = WIDE_STRIP
BOX = np.float32(box(*WIDE_BOX))
TRIES, FAINTEST = 4, 5.0  # how often an empty strip is made again, and the least deviation of one that is not empty
REFUSED = 0.13  # share of strips that are no VIN, or none as they are cut
MISSPELT = 0.05  # share of strips with 17 characters of which some are none that a VIN has


def sample(rng: random.Random, np_rng, common: list[str], rare: list[str], m: Material | None = None):
    """Strip, label, centres and mark of one line, on a material as they come or on the given one."""
    m = m or material(rng)
    if rng.random() < REFUSED:
        text, cut = refused(rng, vins.vin(rng, common, rare))
        return taken(rng, np_rng, text, m, cut)[0], np.full(17, vins.UNKNOWN, np.uint8), np.zeros(17, np.float16), 0
    text = vins.vin(rng, common, rare)
    if rng.random() < MISSPELT:
        text = vins.misspelt(rng, text, rng.choice((1, 2, 3, 5, 8)))
    for _ in range(TRIES):
        strip, read, centres = taken(rng, np_rng, text, m)
        if legible(strip):
            break
    return strip, np.uint8([vins.WRITING.index(c) for c in read]), centres.astype(np.float16), int(set(read) <= set(vins.ALPHABET))


def taken(rng: random.Random, np_rng, text: str, m: Material, cut=lambda corners: corners) -> tuple[np.ndarray, str, np.ndarray]:
    """A text marked, photographed and cut out again where `cut` says; as it can be read, and the centres of its characters in the strip."""
    made = mark(rng, np_rng, text, m)
    picture = made.picture if made.inside is None else edged(rng, np_rng, made.picture, made.inside)
    shot = view(rng, made.corners, m.aspect)
    seen = shot.project(made.corners)
    pixels = float(np.linalg.norm(seen[1] - seen[0])) / vins.LENGTH
    photo = shot.take(soften(picture, (made.corners[1, 0] - made.corners[0, 0]) / vins.LENGTH / pixels))
    photo = stored(rng, sensor(rng, np_rng, focus(rng, weather(rng, np_rng, photo, pixels, m.glass), pixels)))
    to_strip = cv2.getPerspectiveTransform(np.float32(leaning(rng, cut(seen))), BOX)
    strip = cv2.warpPerspective(photo, to_strip, (WIDTH, HEIGHT), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return strip, made.text, cv2.perspectiveTransform(shot.project(made.centres)[None], to_strip)[0, :, 0]


def leaning(rng: random.Random, corners: np.ndarray) -> np.ndarray:
    """Corners of which nobody knows how far they lean: letters come out slanted, their middles where they were."""
    lean = rng.gauss(0, 0.16) if rng.random() < 0.5 else 0.0
    down = (corners[3] - corners[0] + corners[2] - corners[1]) / 2
    along = corners[1] - corners[0]
    shift = along / max(float(np.linalg.norm(along)), 1e-3) * (lean * float(np.linalg.norm(down)) / 2)
    return corners + np.float32([shift, shift, -shift, -shift])


def legible(strip: np.ndarray) -> bool:
    """Whether anything stands out from its near surroundings where the text is: glare and night leave some strips empty."""
    x0, y0, x1, y1 = (int(v) for v in WIDE_BOX)
    text = strip[y0:y1, x0:x1].astype(np.float32)
    return float((text - cv2.blur(text, (25, 15))).std()) > FAINTEST


def refused(rng: random.Random, vin: str):
    """A text and a way to cut it out that together show no whole VIN the right way up."""
    kind = rng.random()
    if kind < 0.3:
        return vins.other_text(rng) + ("" if rng.random() < 0.6 else " " + vins.other_text(rng)), lambda corners: corners
    if kind < 0.36:
        return vins.no_vin(rng), lambda corners: corners
    if kind < 0.5:  # part of a VIN: the line goes on elsewhere
        return vin[: rng.randint(8, 15)] if rng.random() < 0.5 else vin[rng.randint(2, 9) :], lambda corners: corners
    return vin, lambda corners: wrong_cut(rng, corners)


def wrong_cut(rng: random.Random, corners: np.ndarray) -> np.ndarray:
    """Corners that a locator may give and that hold no whole VIN the right way up."""
    kind = rng.random()
    if kind < 0.5:  # upside down
        return corners[[2, 3, 0, 1]]
    along, down = corners[1] - corners[0], corners[3] - corners[0]
    if kind < 0.75:
        return corners + rng.choice((-1, 1)) * rng.uniform(0.25, 0.8) * along
    if kind < 0.875:
        return corners + rng.choice((-1, 1)) * rng.uniform(0.8, 1.8) * down
    corners = corners.copy()
    corners[[1, 2]] -= rng.uniform(0.3, 0.6) * along
    return corners


def makers(shared: Path, real: list[Picture]) -> tuple[list[str], list[str]]:
    """Makers' codes: as often as the photographs to train on have them, and all."""
    return [p.vin[:3] for p in real if p.part == "train" and len(p.vin) == 17 and "?" not in p.vin[:3]], vins.makers(shared)


def shard(task) -> None:
    common, rare, count, seed, out = task
    rng, np_rng = random.Random(seed), np.random.default_rng(seed)
    cv2.setNumThreads(1)
    columns = list(zip(*(sample(rng, np_rng, common, rare) for _ in range(count))))
    out.parent.mkdir(parents=True, exist_ok=True)
    np.savez(out, strips=np.stack(columns[0]), labels=np.stack(columns[1]), centres=np.stack(columns[2]), marks=np.uint8(columns[3]))
    print(out, count, flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, required=True, help="folder with data/ and real/")
    parser.add_argument("--count", type=int, default=120_000)
    parser.add_argument("--size", type=int, default=10_000, help="strips a shard")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("shards"))
    a = parser.parse_args()
    common, rare = makers(a.shared, pictures(a.shared / "real"))
    tasks = [(common, rare, min(a.size, a.count - i * a.size), a.seed * 1000 + i, a.out / f"strips_{a.seed}_{i:03}.npz") for i in range(-(-a.count // a.size))]
    with Pool(a.jobs) as pool:
        for _ in pool.imap_unordered(shard, tasks):
            pass
