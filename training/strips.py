"""Renders strips for the recognizer: a line of text as a camera sees it, cut out and rectified.

`python strips.py --shared ../../shared --count 20000 --seed 1 --out shards/strips_001.npz`

A strip is 64×384 grey: the recognizer's 32×256 (see nets.py) with 16 pixels more above and below and
64 left and right, so that training can jitter the cut. The shard holds `strips` [n,64,384] uint8,
`labels` [n,17] uint8 (index in the alphabet, 255 unknown), `centres` [n,17] float16 (x of each
character in the 384-wide strip) and `marks` [n] uint8 (1: a whole VIN the right way up).
"""

import argparse
import random
from functools import lru_cache
from multiprocessing import Pool
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

import vins
from nets import WIDE_BOX, WIDE_STRIP, box
from real import pictures

HEIGHT, WIDTH = WIDE_STRIP
BOX = np.float32(box(*WIDE_BOX))
CAP = 26  # cap height of the line as drawn, pixels
FONTS = [  # name patterns; repeated = more often
    "Roboto-Regular", "Roboto-Medium", "Roboto-Condensed", "RobotoCondensed-Regular", "LiberationSans-Regular", "LiberationSans-Bold",
    "LiberationSansNarrow-Regular", "LiberationMono-Regular", "LiberationMono-Bold", "DejaVuSansMono.", "DejaVuSansMono-Bold",
    "DejaVuSans.", "DejaVuSansCondensed.", "OCRB", "ocrb", "OCRA", "ocra", "routed-gothic", "open-din", "OpenDIN", "3270",
    "Inconsolata", "LeagueMono", "B612-Regular", "B612Mono", "FreeSans.", "FreeSansBold", "FreeMono", "NimbusSans-Regular",
    "NimbusSans-Bold", "NimbusSansNarrow", "NimbusMonoPS-Bold", "NationalPark", "Oxygen", "OpenSans-Regular", "OpenSans-Semibold",
    "Lato-Regular", "Lato-Bold", "AnonymousPro", "CourierPrime", "tuffy", "ClearSans", "DroidSansFallback", "Play-", "Dosis",
    "texgyreheros", "texgyrecursor",
]


def font(rng: random.Random) -> str:
    """A font file, every family as often."""
    return rng.choice(rng.choice(families()))


@lru_cache
def families() -> list[list[str]]:
    files = [p for folder in ("/usr/share/fonts", "/usr/share/texmf/fonts") if Path(folder).exists() for p in sorted(Path(folder).rglob("*"))]
    files = [p for p in files if p.suffix.lower() in (".ttf", ".otf")]
    bad = ("italic", "oblique", "thin", "math", "emoji", "hairline", "extralight", "ultralight", "outline", "-it.")
    picked = [[str(p) for p in files if f in p.name and not any(b in p.name.lower() for b in bad)] for f in FONTS]
    picked = [[p for p in family if _covers(p)] for family in picked]
    return [family for family in picked if family]


def _covers(path: str) -> bool:
    """Whether the font draws letters and digits, not the same box for all."""
    drawn = {glyph(path, font_size(path), c).tobytes() for c in "ABKXZ0478"}
    return len(drawn) == 9


@lru_cache(maxsize=6000)
def glyph(path: str, size: int, character: str) -> np.ndarray:
    """Coverage of one character, cropped to its ink at the sides, on the rows of the capital letters."""
    font = ImageFont.truetype(path, size)
    image = Image.new("L", (size * 2, size * 2))
    ImageDraw.Draw(image).text((size // 2, size * 1.5), character, 255, font, anchor="ls")
    pixels = np.asarray(image)
    top = int(size * 1.5) - CAP - 6
    columns = np.flatnonzero(pixels.max(0) > 60)
    if len(columns) == 0:
        return np.zeros((CAP + 12, size // 3), np.uint8)
    return pixels[top : top + CAP + 12, columns[0] : columns[-1] + 1]


@lru_cache
def font_size(path: str) -> int:
    """The size at which capitals are CAP high."""
    box = ImageFont.truetype(path, 100).getbbox("H", anchor="ls")
    return max(20, round(100 * CAP / max(1, -box[1])))


@lru_cache
def widest(path: str) -> int:
    return max(glyph(path, font_size(path), c).shape[1] for c in "0BMW8HX")


def line(rng: random.Random, text: str, path: str, pitch: float, mono: bool, group: int) -> tuple[np.ndarray, list[float]]:
    """Coverage of a text [CAP+12, w] with 0..1, and each character's centre."""
    size = font_size(path)
    glyphs = [glyph(path, size, c) for c in text]
    cell = widest(path)
    gap = max(3.0, cell * pitch)
    x, places = 4.0, []
    for i, g in enumerate(glyphs):
        step = cell + gap * 0.6 if mono else g.shape[1] + gap
        left = x + (cell - g.shape[1]) / 2 if mono else x
        places.append(left)
        x += step
        if group and i + 1 in (group, 9):
            x += cell * 0.4
    canvas = np.zeros((CAP + 12, int(x + cell)), np.float32)
    centres = []
    for left, g in zip(places, glyphs):
        left = int(left)
        region = canvas[:, left : left + g.shape[1]]
        np.maximum(region, g[:, : region.shape[1]] / 255.0, out=region)
        centres.append(left + g.shape[1] / 2)
    end = int(places[-1] + glyphs[-1].shape[1] + 4)
    return canvas[:, :end], centres


def dotted(rng: random.Random, ink: np.ndarray) -> np.ndarray:
    """The line drawn by a row of pins."""
    rows = rng.choice([7, 8, 9, 11, 13])
    step = CAP / rows
    h, w = int(round(ink.shape[0] / step)), int(round(ink.shape[1] / step))
    cells = cv2.resize(ink, (w, h), interpolation=cv2.INTER_AREA)
    cells = (cells > rng.uniform(0.35, 0.5)).astype(np.float32)
    big = cv2.resize(cells, (ink.shape[1], ink.shape[0]), interpolation=cv2.INTER_NEAREST)
    ys = ((np.arange(ink.shape[0]) * h / ink.shape[0]) % 1 - 0.5)[:, None]
    xs = ((np.arange(ink.shape[1]) * w / ink.shape[1]) % 1 - 0.5)[None]
    radius = rng.uniform(0.3, 0.55)
    return big * np.clip((radius - np.sqrt(ys**2 + xs**2)) * 5 + 0.5, 0, 1).astype(np.float32)


def noise(np_rng, shape, scale):
    h, w = max(2, int(shape[0] / scale)), max(2, int(shape[1] / scale))
    return cv2.resize(np_rng.standard_normal((h, w), np.float32), (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR)


def surface(rng: random.Random, np_rng, ink: np.ndarray) -> np.ndarray:
    """Ink on a material, 0..1."""
    h, w = ink.shape
    base = rng.uniform(0.08, 0.92)
    ground = np.full((h, w), base, np.float32)
    ground += noise(np_rng, (h, w), 150) * rng.uniform(0, 0.12)
    if rng.random() < 0.5:
        ground += noise(np_rng, (h, w), rng.uniform(2, 25)) * rng.uniform(0, 0.08)
    if rng.random() < 0.2:  # brushed or scratched
        ground += cv2.resize(np_rng.standard_normal((h, 6), np.float32), (w, h)) * rng.uniform(0, 0.08)
    style = rng.random()
    contrast = rng.uniform(0.25, 0.9) if rng.random() < 0.88 else rng.uniform(0.1, 0.25)
    sign = 1 if base < 0.35 else -1 if base > 0.65 else rng.choice((-1, 1))
    if style < 0.1:
        ink = dotted(rng, ink)
    if style < 0.88:
        level = np.clip(base + sign * contrast, 0, 1.1)
        face = level + noise(np_rng, (h, w), rng.uniform(3, 60)) * rng.uniform(0, 0.1)
        return ground * (1 - ink) + face * ink
    # stamped, embossed or engraved: light falls on the flanks
    depth = cv2.GaussianBlur(ink, (0, 0), rng.uniform(1, 2.5))
    angle = rng.uniform(0, 2 * np.pi)
    dx, dy = cv2.Sobel(depth, cv2.CV_32F, 1, 0, ksize=3), cv2.Sobel(depth, cv2.CV_32F, 0, 1, ksize=3)
    shade = (dx * np.cos(angle) + dy * np.sin(angle)) * rng.uniform(0.4, 1.3)
    return ground + shade + sign * ink * rng.choice((0, 0.2, 0.4)) * contrast


def canvas_of(rng: random.Random, np_rng, text: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Surface with the text and its surroundings; the text's corners and the characters' centres in it."""
    path = font(rng)
    mono = rng.random() < 0.4
    pitch = rng.choice((0.12, 0.2, 0.25, 0.35, 0.5)) * rng.uniform(0.8, 1.4)
    ink, centres = line(rng, text, path, pitch, mono, rng.choice((0, 0, 0, 0, 0, 3)))
    if rng.random() < 0.4:
        kernel = np.ones((rng.choice((2, 2, 3)),) * 2, np.uint8)
        ink = cv2.dilate(ink, kernel) if rng.random() < 0.5 else cv2.erode(ink, kernel)
    squeeze = rng.uniform(0.55, 1.15)
    ink = cv2.resize(ink, (max(60, int(ink.shape[1] * squeeze)), ink.shape[0]), interpolation=cv2.INTER_AREA)
    centres = np.float32(centres) * squeeze
    mx, my = int(CAP * 3.2), int(CAP * 1.7)
    h, w = ink.shape
    field = np.zeros((h + 2 * my, w + 2 * mx), np.float32)
    field[my : my + h, mx : mx + w] = ink
    if rng.random() < 0.35:  # end marks
        mark = rng.choice("***#<>-/·•+")
        g = glyph(path, font_size(path), mark).astype(np.float32) / 255
        for x in (mx - g.shape[1] - rng.randint(2, 30), mx + w + rng.randint(2, 30)):
            if x >= 0 and x + g.shape[1] <= field.shape[1]:
                field[my : my + h, x : x + g.shape[1]] = g[:h]
    for side in (-1, 1):  # what stands above and below
        kind = rng.random()
        gap = int(CAP * rng.uniform(0.25, 1.1))
        if kind < 0.5:
            other, _ = line(rng, vins.other_text(rng), path if rng.random() < 0.6 else font(rng), pitch, False, 0)
            scale = rng.uniform(0.5, 1.3)
            other = cv2.resize(other, (int(other.shape[1] * squeeze * scale), int(other.shape[0] * scale)), interpolation=cv2.INTER_AREA)
            x = rng.randint(0, max(1, field.shape[1] // 2))
            y = my - gap - other.shape[0] + 6 if side < 0 else my + h + gap - 6
            paste(field, other, x, y)
        elif kind < 0.6:
            bars = barcode(np_rng, field.shape[1] // 5, 5, CAP)
            paste(field, bars, 0, my - gap - CAP if side < 0 else my + h + gap)
        elif kind < 0.7:
            y = my - gap if side < 0 else my + h + gap
            cv2.line(field, (0, y), (field.shape[1], y + rng.randint(-8, 8)), 1.0, rng.choice((2, 4, 10)))
    picture = surface(rng, np_rng, field)
    if rng.random() < 0.3:  # the edge of the plate or sticker
        level = rng.uniform(0, 1)
        y = rng.randint(2, int(my * 0.6))
        if rng.random() < 0.5:
            picture[:y] = level
        if rng.random() < 0.5:
            picture[-y:] = level
        x = rng.randint(0, int(mx * 0.8))
        if rng.random() < 0.5:
            picture[:, :x] = level
        if rng.random() < 0.5:
            picture[:, picture.shape[1] - x :] = level
    corners = text_corners(ink, mx, my)
    middles = np.stack([centres + mx, np.full(len(centres), my + h / 2)], 1).astype(np.float32)
    return picture, corners, middles


def text_corners(ink: np.ndarray, x: int, y: int) -> np.ndarray:
    """Where the text's own corners lie when a drawn line is pasted at x, y: its ink has a margin."""
    h, w = ink.shape
    return np.float32(box(x + 4, y + 6, x + w - 4, y + h - 6))


def barcode(np_rng, bars: int, unit: int, height: int) -> np.ndarray:
    """Coverage of bars and gaps as they come, `unit` pixels each."""
    row = np.repeat(np_rng.integers(0, 2, (1, bars)), unit, 1).astype(np.float32)
    return np.repeat(row, height, 0)


def paste(field: np.ndarray, patch: np.ndarray, x: int, y: int) -> None:
    y0, y1 = max(0, y), min(field.shape[0], y + patch.shape[0])
    x1 = min(field.shape[1], x + patch.shape[1])
    if y1 > y0 and x1 > x:
        region = field[y0:y1, x:x1]
        np.maximum(region, patch[y0 - y : y1 - y, : x1 - x], out=region)


def photograph(rng: random.Random, np_rng, picture: np.ndarray, box: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What a camera makes of it: few pixels, perspective, blur, glare, noise, JPEG. Returns the grey
    photograph and the homography canvas → photograph."""
    length = 17 * float(np.exp(rng.gauss(np.log(7.2), 0.3)))
    length = min(max(length, 17 * 4.8), 17 * 16)
    aspect = (box[1, 0] - box[0, 0]) / (box[2, 1] - box[1, 1])
    height = length / aspect * rng.uniform(0.8, 1.35)
    angle = np.radians(rng.gauss(0, 8) if rng.random() < 0.8 else rng.uniform(-40, 40))
    taper = 1 + np.clip(rng.gauss(0, 0.12), -0.35, 0.35)
    shear = rng.gauss(0, 0.15)
    half = np.float32([[-length / 2, -height / 2], [length / 2, -height / 2 * taper], [length / 2, height / 2 * taper], [-length / 2, height / 2]])
    half[:, 0] += shear * half[:, 1]
    turn = np.float32([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    target = half @ turn.T
    h0 = cv2.getPerspectiveTransform(box, target.astype(np.float32))
    pad = 0.35 * length + 1.3 * height
    low, high = target.min(0) - pad * 0.7, target.max(0) + pad * 0.7
    size = (int(high[0] - low[0]), int(high[1] - low[1]))
    shift = np.float64([[1, 0, -low[0]], [0, 1, -low[1]], [0, 0, 1]])
    shrink = (box[1, 0] - box[0, 0]) / length
    if shrink > 1.3:
        picture = cv2.GaussianBlur(picture, (0, 0), 0.42 * shrink)
    homography = shift @ h0
    photo = cv2.warpPerspective(picture, homography, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    if rng.random() < 0.3:  # reflections
        for _ in range(rng.randint(1, 3)):
            veil = np.zeros(photo.shape, np.float32)
            if rng.random() < 0.5:
                p = [rng.randint(0, size[0]) for _ in range(2)]
                cv2.line(veil, (p[0], 0), (p[1], size[1]), 1.0, rng.randint(1, max(2, int(length / 5))))
            else:
                cv2.circle(veil, (rng.randint(0, size[0]), rng.randint(0, size[1])), rng.randint(2, max(3, int(length / 5))), 1.0, -1)
            photo = photo + cv2.GaussianBlur(veil, (0, 0), rng.uniform(0.5, length / 12)) * rng.uniform(0.05, 0.6) ** 1.5
    if rng.random() < 0.3:
        y, x = np.mgrid[: size[1], : size[0]].astype(np.float32)
        photo = photo * (1 + rng.uniform(-0.6, 0.6) * (x / size[0] - 0.5) + rng.uniform(-0.5, 0.5) * (y / size[1] - 0.5))
    blur = rng.random()
    if blur < 0.5:
        photo = cv2.GaussianBlur(photo, (0, 0), rng.uniform(0.3, 0.85) * max(1, length / 150))
    elif blur < 0.65:
        n = rng.choice((2, 2, 3)) if length < 140 else rng.choice((3, 5, 7))
        kernel = np.zeros((n, n), np.float32)
        cv2.line(kernel, (0, rng.randint(0, n - 1)), (n - 1, rng.randint(0, n - 1)), 1.0, 1)
        photo = cv2.filter2D(photo, -1, kernel / max(1, kernel.sum()))
    if rng.random() < 0.4:  # in-camera sharpening
        photo = photo + (photo - cv2.GaussianBlur(photo, (0, 0), rng.uniform(0.7, 1.5))) * rng.uniform(0.2, 1.5)
    photo = photo + np_rng.standard_normal(photo.shape, np.float32) * rng.choice((0, 0.01, 0.02, 0.04)) * rng.random()
    photo = np.clip(photo * 255, 0, 255).astype(np.uint8)
    if rng.random() < 0.8:
        _, data = cv2.imencode(".jpg", photo, [cv2.IMWRITE_JPEG_QUALITY, rng.randint(35, 95)])
        photo = cv2.imdecode(data, cv2.IMREAD_GRAYSCALE)
    return photo, homography


def sample(rng: random.Random, np_rng, common: list[str], rare: list[str]):
    negative = rng.random() < 0.13
    kind = rng.random() if negative else 1.0
    text = vins.vin(rng, common, rare)
    if kind < 0.35:
        text = vins.other_text(rng) + ("" if rng.random() < 0.5 else " " + vins.other_text(rng))
    elif kind < 0.5:
        text = "".join(rng.choices(vins.ALPHABET, k=rng.choice((8, 10, 12, 13, 14, 15))))
    picture, box, middles = canvas_of(rng, np_rng, text)
    photo, homography = photograph(rng, np_rng, picture, box)
    corners = cv2.perspectiveTransform(box[None], homography)[0]
    label, mark = np.full(17, 255, np.uint8), 1
    if negative:
        mark = 0
        if kind >= 0.5 and kind < 0.75:  # upside down
            corners = corners[[2, 3, 0, 1]]
        elif kind >= 0.75:  # cut in the wrong place
            along, down = corners[1] - corners[0], corners[3] - corners[0]
            part = rng.random()
            if part < 0.5:
                corners = corners + rng.choice((-1, 1)) * rng.uniform(0.25, 0.8) * along
            elif part < 0.75:
                corners = corners + rng.choice((-1, 1)) * rng.uniform(0.8, 1.8) * down
            else:
                corners = corners.copy()
                corners[[1, 2]] -= rng.uniform(0.3, 0.6) * along
    else:
        label = np.uint8([vins.ALPHABET.index(c) for c in text])
    to_strip = cv2.getPerspectiveTransform(corners.astype(np.float32), BOX)
    strip = cv2.warpPerspective(photo, to_strip, (WIDTH, HEIGHT), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    centres = np.zeros(17, np.float16)
    if not negative:
        centres[:] = cv2.perspectiveTransform(middles[None], to_strip @ homography)[0, :, 0]
    return strip, label, centres, mark


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
    common = [p.vin[:3] for p in pictures(a.shared / "real") if p.part == "train" and len(p.vin) == 17 and "?" not in p.vin[:3]]
    rare = vins.makers(a.shared)
    tasks = [(common, rare, min(a.size, a.count - i * a.size), a.seed * 1000 + i, a.out / f"strips_{a.seed}_{i:03}.npz") for i in range(-(-a.count // a.size))]
    with Pool(a.jobs) as pool:
        for _ in pool.imap_unordered(shard, tasks):
            pass
