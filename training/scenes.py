"""Renders scenes for the locator: plates, stickers and papers with a VIN among other things.

`python scenes.py --shared ../../shared --count 6000 --out shards`

A shard holds `pictures` [n,288,512] uint8 and `quads` [n,2,4,2] float32: the corners of each VIN in
the reading order of its text (top left, top right, bottom right, bottom left), NaN where there is none.
"""

import argparse
import random
from multiprocessing import Pool
from pathlib import Path

import cv2
import numpy as np

import vins
from camera import View, focus, sensor, soften, stored
from labels import Mark, mark
from materials import Material, material, noise
from nets import SCENE
from real import pictures
from strips import FAINTEST, makers
from weather import weather

SHARPNESS = (1, 1, 1.6, 2.5)  # how many times as large as the locator sees it a camera takes a scene
FRIT = 0.2  # share of surfaces with a windshield's edge
FAINT = 0.035  # deviation of a text on its ground, of which nobody sees less


def background(rng: random.Random, np_rng, photographs: list[tuple[Path, tuple]], size=SCENE) -> np.ndarray:
    """A surface with edges and blobs, or a photograph with its VIN wiped out; 0..1, `size` (height, width) pixels."""
    high, wide = size
    if photographs and rng.random() < 0.45:
        path, (x0, y0, x1, y1) = rng.choice(photographs)
        grey = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        mask = np.zeros_like(grey)
        pad = 6
        mask[max(0, int(y0) - pad) : int(y1) + pad, max(0, int(x0) - pad) : int(x1) + pad] = 1
        grey = cv2.inpaint(cv2.resize(grey, (128, 128), interpolation=cv2.INTER_AREA), cv2.resize(mask, (128, 128), interpolation=cv2.INTER_NEAREST), 3, cv2.INPAINT_TELEA) if rng.random() < 0.3 else wiped(np_rng, grey, mask)
        if rng.random() < 0.5:
            grey = grey[:, ::-1]
        return cv2.resize(grey, (wide, high), interpolation=cv2.INTER_LINEAR).astype(np.float32) / 255
    ground = np.full(size, rng.uniform(0.05, 0.9), np.float32)
    for scale in (200, 60, 15, 4):
        ground += noise(np_rng, ground.shape, scale) * rng.uniform(0, 0.09)
    for _ in range(rng.randint(0, 9)):
        layer = np.zeros_like(ground)
        points = np.int32([[rng.randint(-80, wide + 80), rng.randint(-80, high + 80)] for _ in range(rng.randint(3, 5))])
        kind = rng.random()
        if kind < 0.45:
            cv2.fillConvexPoly(layer, cv2.convexHull(points), 1.0)
        elif kind < 0.8:
            cv2.polylines(layer, [points], False, 1.0, rng.randint(1, 12), cv2.LINE_AA)
        else:
            cv2.circle(layer, tuple(int(v) for v in points[0]), rng.randint(3, 90), 1.0, rng.choice((-1, 2, 5)), cv2.LINE_AA)
        if rng.random() < 0.6:
            layer = cv2.GaussianBlur(layer, (0, 0), rng.uniform(0.5, 8))
        ground = ground * (1 - layer * rng.uniform(0.2, 1)) + layer * rng.uniform(0, 1) * 0.6
    if rng.random() < FRIT:
        edge = frit(rng, size) * rng.uniform(0.6, 1)
        ground = ground * (1 - edge) + edge * rng.uniform(0, 0.15)
    return ground


def frit(rng: random.Random, size: tuple[int, int]) -> np.ndarray:
    """Coverage of the dark edge that is printed on a windshield: rows of dots that grow until they meet. Such rows
    look like lines of text."""
    high, wide = size
    pitch, rows = rng.uniform(4, 16), rng.randint(1, 7)
    layer = np.zeros((high, wide), np.float32)
    tilt, bow = rng.gauss(0, 0.08), rng.gauss(0, 0.1) / wide
    top = rng.uniform(0, high)
    edge = lambda x, row: top + row * pitch * 0.87 + (x - wide / 2) * tilt + (x - wide / 2) ** 2 * bow
    fixed = lambda value: round(float(value) * 16)  # cv2's sixteenths of a pixel
    for row in range(rows):
        radius = pitch * (0.12 + 0.42 * (row + 1) / rows) * 0.9
        for x in np.arange(row % 2 * pitch / 2, wide + pitch, pitch):
            cv2.circle(layer, (fixed(x), fixed(edge(x, row))), fixed(radius), 1.0, -1, cv2.LINE_AA, 4)
    if rng.random() < 0.7:
        layer[np.arange(high)[:, None] > edge(np.arange(wide), rows)] = 1
    layer = cv2.GaussianBlur(layer, (0, 0), rng.uniform(0.4, 2.5))
    return layer if rng.random() < 0.7 else layer[::-1]


def wiped(np_rng, grey: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The masked part replaced by another part of the same picture."""
    moved = np.roll(grey, (np_rng.integers(60, 190), np_rng.integers(60, 190)), (0, 1))
    soft = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 3)
    return (grey * (1 - soft) + moved * soft).astype(np.uint8)


def writing(rng: random.Random, np_rng, text: str, below: str = "") -> tuple[Mark, Material]:
    """A text alone or on a label."""
    m = material(rng)
    return mark(rng, np_rng, text, m, rng.choice((0, 1, 2, 4, 6)), below), m


def place(rng: random.Random, scene: np.ndarray, made: Mark, m: Material, length: float) -> np.ndarray | None:
    """Lays a mark into the scene so that its text is `length` pixels long, tilted somehow; returns the text's corners, or none
    (and leaves the scene alone) if they do not fit or nobody could see them."""
    tall, wide = scene.shape
    picture, box = made.picture, made.corners
    (x0, y0), (x1, y1) = np.int32(box[0]), np.int32(box[2])
    if picture[y0:y1, x0:x1].std() < FAINT:
        return None
    kind = rng.random()
    angle = rng.gauss(0, 5) if kind < 0.6 else rng.uniform(-35, 35) if kind < 0.8 else 180 + rng.gauss(0, 8) if kind < 0.9 else rng.choice((-90, 90)) + rng.gauss(0, 8)
    angle = np.radians(angle)
    high = length / float(np.exp(rng.gauss(np.log(m.aspect[0]), m.aspect[1])))
    taper = 1 + np.clip(rng.gauss(0, 0.12), -0.35, 0.35)
    shear = rng.gauss(0, 0.2)
    flat = np.float32([[-length / 2, -high / 2], [length / 2, -high / 2 * taper], [length / 2, high / 2 * taper], [-length / 2, high / 2]])
    flat[:, 0] += shear * flat[:, 1]
    turn = np.float32([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    quad = flat @ turn.T
    reach = np.abs(quad).max(0) + 3
    if reach[0] * 2 > wide or reach[1] * 2 > tall:
        return None
    quad = (quad + np.float32([rng.uniform(reach[0], wide - reach[0]), rng.uniform(reach[1], tall - reach[1])])).astype(np.float32)
    homography = cv2.getPerspectiveTransform(box, quad)
    picture = soften(picture, (box[1, 0] - box[0, 0]) / length)
    warped = cv2.warpPerspective(picture, homography, (wide, tall), flags=cv2.INTER_LINEAR)
    mask = cv2.warpPerspective(extent(rng, made), homography, (wide, tall), flags=cv2.INTER_LINEAR)
    if rng.random() < 0.2 or (made.inside is None and rng.random() < 0.4):  # no plate: the text stands on what is there
        level = np.median(picture)
        scene += mask * (warped - level) * rng.uniform(0.8, 1.2)
        return quad
    if rng.random() < 0.4:  # its shadow, or a bright rim
        edge = cv2.GaussianBlur(mask, (0, 0), rng.uniform(0.8, 4))
        scene *= 1 - edge * rng.uniform(-0.3, 0.6)
    scene *= 1 - mask
    scene += warped * mask
    return quad


def extent(rng: random.Random, made: Mark) -> np.ndarray:
    """What of a mark's surface is laid into the scene, 0..1: its plate, or as much as is cut off around the text."""
    h, w = made.picture.shape
    room = np.minimum(made.corners[0], np.float32([w, h]) - made.corners[2])
    mx, my = int(room[0] * rng.uniform(0, 0.9)), int(room[1] * rng.uniform(0, 0.7))
    mask = np.zeros((h, w), np.float32)
    if made.inside is not None:
        mask[2:-2, 2:-2] = made.inside[2:-2, 2:-2]
    else:
        mask[my : h - my, mx : w - mx] = 1
    return mask


def finish(rng: random.Random, np_rng, scene: np.ndarray, quads: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Glass, light, lens and JPEG; the quads where the lens shows them, without those that nobody can see any more."""
    scene = weather(rng, np_rng, scene, 12, 0.3)
    shot = View(np.eye(3), scene.shape[::-1], float(np.clip(rng.gauss(0, 0.05), -0.08, 0.12)) if rng.random() < 0.4 else 0.0)
    if shot.bulge:
        scene = shot.take(scene)
        quads = np.stack([quad if np.isnan(quad).any() else shot.project(quad) for quad in quads])
    scene = stored(rng, sensor(rng, np_rng, focus(rng, scene, 9)))
    plain = scene.astype(np.float32)
    plain -= cv2.blur(plain, (15, 15))
    for quad in quads:
        if not np.isnan(quad).any() and plain[covered(quad, plain.shape)].std() < FAINTEST:
            quad[:] = np.nan
    return scene, quads


def sample(rng: random.Random, np_rng, common, rare, photographs):
    finer = rng.choice(SHARPNESS)
    size = round(SCENE[0] * finer), round(SCENE[1] * finer)
    scene = np.ascontiguousarray(background(rng, np_rng, photographs, size))
    for _ in range(rng.choice((0, 1, 2, 3, 4))):  # other writing
        kind = rng.random()
        text, below = vins.other_text(rng), ""
        if kind < 0.15:
            text = "".join(rng.choices(vins.ALPHABET, k=rng.randint(5, 13)))
        elif kind < 0.22:
            text = vins.no_vin(rng)
        elif kind < 0.3:  # a VIN on two lines is none that the reader could read: it wants seventeen characters in one
            both = vins.vin(rng, common, rare)
            cut = rng.choice((3, 8, 9, 9, 9, 11))
            text, below = both[:cut], both[cut:]
        place(rng, scene, *writing(rng, np_rng, text, below), finer * len(text) * rng.uniform(3.5, 20))
    quads = np.full((2, 4, 2), np.nan, np.float32)
    for i in range(rng.choices((0, 1, 2), (0.2, 0.72, 0.08))[0]):
        before = scene.copy()
        quad = place(rng, scene, *writing(rng, np_rng, vins.vin(rng, common, rare)), finer * float(np.exp(rng.uniform(np.log(70), np.log(470)))))
        if quad is None:
            continue
        if i == 1 and not np.isnan(quads[0]).any() and (scene != before)[covered(quads[0], scene.shape)].any():
            scene = before  # what bears the second VIN lies on the first
        else:
            quads[i] = quad
    scene, quads = finish(rng, np_rng, scene, quads)
    return cv2.resize(scene, SCENE[::-1], interpolation=cv2.INTER_AREA), quads / finer


def alone(rng: random.Random, np_rng, scene: np.ndarray, made: Mark, m: Material, length: float) -> np.ndarray | None:
    """The finished scene with a mark in it, or none if that cannot be seen."""
    quad = place(rng, scene, made, m, length)
    if quad is None:
        return None
    scene, quads = finish(rng, np_rng, scene, quad[None])
    return None if np.isnan(quads).any() else scene


def covered(quad: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Which pixels of a scene a quad covers."""
    mask = np.zeros(size, np.uint8)
    cv2.fillConvexPoly(mask, np.int32(quad), 1)
    return mask > 0


def shard(task) -> None:
    common, rare, photographs, count, seed, out = task
    cv2.setNumThreads(1)
    rng, np_rng = random.Random(seed), np.random.default_rng(seed)
    scenes, quads = zip(*(sample(rng, np_rng, common, rare, photographs) for _ in range(count)))
    out.parent.mkdir(parents=True, exist_ok=True)
    np.savez(out, pictures=np.stack(scenes), quads=np.stack(quads))
    print(out, count, flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, required=True, help="folder with data/ and real/")
    parser.add_argument("--count", type=int, default=6000)
    parser.add_argument("--size", type=int, default=1000, help="scenes a shard")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("shards"))
    a = parser.parse_args()
    real = pictures(a.shared / "real")
    photographs = [(a.shared / "real" / "images" / p.file, p.box) for p in real if p.part == "train"]
    common, rare = makers(a.shared, real)
    tasks = [(common, rare, photographs, min(a.size, a.count - i * a.size), a.seed * 1000 + i, a.out / f"scenes_{a.seed}_{i:03}.npz") for i in range(-(-a.count // a.size))]
    with Pool(a.jobs) as pool:
        for _ in pool.imap_unordered(shard, tasks):
            pass
