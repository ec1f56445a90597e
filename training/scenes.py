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
from nets import SCENE
from real import pictures
from strips import CAP, barcode, canvas_of, font, line, noise, paste, surface, text_corners

HEIGHT, WIDTH = SCENE


def background(rng: random.Random, np_rng, photographs: list[tuple[Path, tuple]]) -> np.ndarray:
    """A surface with edges and blobs, or a photograph with its VIN wiped out; 0..1."""
    if photographs and rng.random() < 0.45:
        path, (x0, y0, x1, y1) = rng.choice(photographs)
        grey = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        mask = np.zeros_like(grey)
        pad = 6
        mask[max(0, int(y0) - pad) : int(y1) + pad, max(0, int(x0) - pad) : int(x1) + pad] = 1
        grey = cv2.inpaint(cv2.resize(grey, (128, 128), interpolation=cv2.INTER_AREA), cv2.resize(mask, (128, 128), interpolation=cv2.INTER_NEAREST), 3, cv2.INPAINT_TELEA) if rng.random() < 0.3 else wiped(np_rng, grey, mask)
        if rng.random() < 0.5:
            grey = grey[:, ::-1]
        return cv2.resize(grey, (WIDTH, HEIGHT), interpolation=cv2.INTER_LINEAR).astype(np.float32) / 255
    ground = np.full((HEIGHT, WIDTH), rng.uniform(0.05, 0.9), np.float32)
    for scale in (200, 60, 15, 4):
        ground += noise(np_rng, ground.shape, scale) * rng.uniform(0, 0.09)
    for _ in range(rng.randint(0, 9)):
        layer = np.zeros_like(ground)
        points = np.int32([[rng.randint(-80, WIDTH + 80), rng.randint(-80, HEIGHT + 80)] for _ in range(rng.randint(3, 5))])
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
    return ground


def wiped(np_rng, grey: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The masked part replaced by another part of the same picture."""
    moved = np.roll(grey, (np_rng.integers(60, 190), np_rng.integers(60, 190)), (0, 1))
    soft = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 3)
    return (grey * (1 - soft) + moved * soft).astype(np.uint8)


def sticker(rng: random.Random, np_rng, text: str) -> tuple[np.ndarray, np.ndarray]:
    """A label with the text among other lines and barcodes, on its material; the text's corners in it."""
    path, own = font(rng), rng.randint(0, 4)
    rows = []
    for i in range(own + 1 + rng.randint(0, 4)):
        if i != own and rng.random() < 0.3:
            rows.append(barcode(np_rng, rng.randint(60, 200), rng.randint(2, 4), int(CAP * rng.uniform(0.7, 2.2))))
            continue
        words = text if i == own else vins.other_text(rng)
        ink, _ = line(rng, words, path if rng.random() < 0.7 else font(rng), rng.uniform(0.1, 0.5), rng.random() < 0.4, 0)
        size = 1.0 if i == own else rng.uniform(0.4, 1.3)
        rows.append(cv2.resize(ink, None, fx=size * rng.uniform(0.6, 1.1), fy=size, interpolation=cv2.INTER_AREA))
    margin, gap = int(CAP * rng.uniform(0.6, 2)), CAP * rng.uniform(0.1, 0.9)
    wide = max(row.shape[1] for row in rows)
    field = np.zeros((sum(int(row.shape[0] + gap) for row in rows) + 2 * margin, wide + 2 * margin), np.float32)
    centred, y = rng.random() < 0.3, margin
    for i, row in enumerate(rows):
        spare = wide - row.shape[1]
        x = margin + (spare // 2 if centred else rng.randint(0, spare) if rng.random() < 0.4 else 0)
        paste(field, row, x, y)
        if i == own:
            corners = text_corners(row, x, y)
        y += int(row.shape[0] + gap)
    if rng.random() < 0.3:
        cv2.rectangle(field, (margin // 3, margin // 3), (field.shape[1] - margin // 3, field.shape[0] - margin // 3), 1.0, 2)
    return surface(rng, np_rng, field), corners


def writing(rng: random.Random, np_rng, text: str) -> tuple[np.ndarray, np.ndarray]:
    """A text alone or on a label, and its corners."""
    return sticker(rng, np_rng, text) if rng.random() < 0.45 else canvas_of(rng, np_rng, text)[:2]


def place(rng: random.Random, scene: np.ndarray, picture: np.ndarray, box: np.ndarray, length: float) -> np.ndarray | None:
    """Pastes a canvas so that its text is `length` pixels long, tilted somehow; returns the text's
    corners, or none (and leaves the scene alone) if they do not fit."""
    w, h = box[1, 0] - box[0, 0], box[2, 1] - box[1, 1]
    kind = rng.random()
    angle = rng.gauss(0, 5) if kind < 0.6 else rng.uniform(-35, 35) if kind < 0.8 else 180 + rng.gauss(0, 8) if kind < 0.9 else rng.choice((-90, 90)) + rng.gauss(0, 8)
    angle = np.radians(angle)
    high = length * h / w * rng.uniform(0.75, 1.3)
    taper = 1 + np.clip(rng.gauss(0, 0.12), -0.35, 0.35)
    shear = rng.gauss(0, 0.2)
    flat = np.float32([[-length / 2, -high / 2], [length / 2, -high / 2 * taper], [length / 2, high / 2 * taper], [-length / 2, high / 2]])
    flat[:, 0] += shear * flat[:, 1]
    turn = np.float32([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    quad = flat @ turn.T
    reach = np.abs(quad).max(0) + 3
    if reach[0] * 2 > WIDTH or reach[1] * 2 > HEIGHT:
        return None
    quad = (quad + np.float32([rng.uniform(reach[0], WIDTH - reach[0]), rng.uniform(reach[1], HEIGHT - reach[1])])).astype(np.float32)
    homography = cv2.getPerspectiveTransform(box, quad)
    shrink = w / length
    if shrink > 1.3:
        picture = cv2.GaussianBlur(picture, (0, 0), 0.42 * shrink)
    room = np.minimum(box[0], picture.shape[::-1] - box[2])
    mx, my = int(room[0] * rng.uniform(0, 0.9)), int(room[1] * rng.uniform(0, 0.7))
    mask = np.zeros(picture.shape, np.float32)
    mask[my : picture.shape[0] - my, mx : picture.shape[1] - mx] = 1
    warped = cv2.warpPerspective(picture, homography, (WIDTH, HEIGHT), flags=cv2.INTER_LINEAR)
    mask = cv2.warpPerspective(mask, homography, (WIDTH, HEIGHT), flags=cv2.INTER_LINEAR)
    if rng.random() < 0.35:  # no plate: the text stands on what is there
        level = np.median(picture)
        scene += mask * (warped - level) * rng.uniform(0.8, 1.2)
    else:
        scene *= 1 - mask
        scene += warped * mask
    return quad


def finish(rng: random.Random, np_rng, scene: np.ndarray) -> np.ndarray:
    """Glass, light, lens and JPEG."""
    if rng.random() < 0.4:
        for _ in range(rng.randint(1, 4)):
            veil = np.zeros_like(scene)
            p = [rng.randint(0, WIDTH) for _ in range(2)]
            cv2.line(veil, (p[0], 0), (p[1], HEIGHT), 1.0, rng.randint(2, 60))
            scene = scene + cv2.GaussianBlur(veil, (0, 0), rng.uniform(1, 25)) * rng.uniform(0, 0.35)
    y, x = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32)
    scene = scene * (1 + rng.uniform(-0.5, 0.5) * (x / WIDTH - 0.5) + rng.uniform(-0.5, 0.5) * (y / HEIGHT - 0.5))
    if rng.random() < 0.6:
        scene = cv2.GaussianBlur(scene, (0, 0), rng.uniform(0.3, 1.1))
    scene = scene + np_rng.standard_normal(scene.shape, np.float32) * rng.uniform(0, 0.03)
    scene = np.clip(scene * 255, 0, 255).astype(np.uint8)
    _, data = cv2.imencode(".jpg", scene, [cv2.IMWRITE_JPEG_QUALITY, rng.randint(50, 95)])
    return cv2.imdecode(data, cv2.IMREAD_GRAYSCALE)


def sample(rng: random.Random, np_rng, common, rare, photographs):
    scene = np.ascontiguousarray(background(rng, np_rng, photographs))
    for _ in range(rng.choice((0, 1, 2, 3, 4))):  # other writing
        text = vins.other_text(rng) if rng.random() < 0.8 else "".join(rng.choices(vins.ALPHABET, k=rng.randint(5, 13)))
        picture, box = writing(rng, np_rng, text)
        place(rng, scene, picture, box, len(text) * rng.uniform(3.5, 20))
    quads = np.full((2, 4, 2), np.nan, np.float32)
    for i in range(rng.choices((0, 1, 2), (0.2, 0.72, 0.08))[0]):
        picture, box = writing(rng, np_rng, vins.vin(rng, common, rare))
        before = scene.copy()
        quad = place(rng, scene, picture, box, float(np.exp(rng.uniform(np.log(70), np.log(470)))))
        if quad is None:
            continue
        if i == 1 and not np.isnan(quads[0]).any() and (scene != before)[covered(quads[0])].any():
            scene = before  # what bears the second VIN lies on the first
        else:
            quads[i] = quad
    return finish(rng, np_rng, scene), quads


def covered(quad: np.ndarray) -> np.ndarray:
    """Which pixels of the scene a quad covers."""
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
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
    common = [p.vin[:3] for p in real if p.part == "train" and len(p.vin) == 17 and "?" not in p.vin[:3]]
    rare = vins.makers(a.shared)
    tasks = [(common, rare, photographs, min(a.size, a.count - i * a.size), a.seed * 1000 + i, a.out / f"scenes_{a.seed}_{i:03}.npz") for i in range(-(-a.count // a.size))]
    with Pool(a.jobs) as pool:
        for _ in pool.imap_unordered(shard, tasks):
            pass
