"""What lies between a mark and the lens: glass and what it mirrors, shadows, dust, rain, light from one side.

Works on the photograph, grey 0..1, before the camera (camera.py) blurs it; `unit` is about a character's width in it.
"""

import random

import cv2
import numpy as np

from materials import noise


def weather(rng: random.Random, np_rng, photo: np.ndarray, unit: float, glass: float) -> np.ndarray:
    """`glass` is how often there is any."""
    behind = rng.random() < glass
    if rng.random() < 0.35:
        photo = slanting(rng, photo)
    if rng.random() < (0.3 if behind else 0.18):
        photo = shadow(rng, photo)
    if behind:
        for effect, chance in ((mirrored, 0.5), (tinted, 0.1), (dusty, 0.25), (rainy, 0.1), (hazy, 0.25), (doubled, 0.1)):
            if rng.random() < chance:
                photo = effect(rng, np_rng, photo, unit)
    if rng.random() < (0.2 if behind else 0.13):
        photo = glare(rng, photo, unit)
    return photo


def slanting(rng: random.Random, photo: np.ndarray) -> np.ndarray:
    """Brighter towards one side."""
    h, w = photo.shape
    y, x = np.linspace(-0.5, 0.5, h, dtype=np.float32)[:, None], np.linspace(-0.5, 0.5, w, dtype=np.float32)[None]
    return photo * np.maximum(1 + rng.uniform(-0.8, 0.8) * x + rng.uniform(-0.5, 0.5) * y, 0.05)


def region(rng: random.Random, shape) -> np.ndarray:
    """A part of the picture with a straight or bent edge, sharp or soft, as shadows and mirrored skies have."""
    h, w = shape
    mask = np.zeros(shape, np.float32)
    x = rng.uniform(0.1, 0.9) * w
    lean = rng.gauss(0, 0.8) * h
    bend = rng.gauss(0, 0.3) * h
    edge = [(x - lean, -1), (x + bend, h / 2), (x + lean, h + 1)]
    if rng.random() < 0.35:  # a band
        wide = rng.uniform(0.03, 0.5) * w
        edge += [(x + lean + wide, h + 1), (x + bend + wide, h / 2), (x - lean + wide, -1)]
    elif rng.random() < 0.7:
        edge += [(w + 1, h + 1), (w + 1, -1)] if rng.random() < 0.5 else [(-1, h + 1), (-1, -1)]
    else:  # along the line
        y = rng.uniform(0.2, 0.8) * h
        tilt = rng.gauss(0, 0.2) * h
        edge = [(-1, y - tilt), (w + 1, y + tilt), (w + 1, -1), (-1, -1)]
    cv2.fillPoly(mask, [np.int32(edge)], 1.0, cv2.LINE_AA)
    return cv2.GaussianBlur(mask, (0, 0), rng.uniform(0.8, 3) if rng.random() < 0.6 else rng.uniform(3, 0.08 * w + 4))


def shadow(rng: random.Random, photo: np.ndarray) -> np.ndarray:
    return photo * (1 - region(rng, photo.shape) * rng.uniform(0.2, 0.7))


def mirrored(rng: random.Random, np_rng, photo: np.ndarray, unit: float) -> np.ndarray:
    """Sky, buildings and the photographer, laid over what is behind the glass."""
    for _ in range(rng.choice((1, 1, 2, 3))):
        image = region(rng, photo.shape)
        if rng.random() < 0.4:  # clouds and leaves
            image = image * np.clip(0.6 + 0.4 * noise(np_rng, photo.shape, unit * rng.uniform(0.7, 5)), 0, 1.5)
        photo = photo + image * rng.uniform(0.05, 0.5) * rng.uniform(0.3, 1)
    return photo


def tinted(rng: random.Random, np_rng, photo: np.ndarray, unit: float) -> np.ndarray:
    """The dark band at a windshield's edge, or its dots."""
    h, w = photo.shape
    y, x = np.arange(h, dtype=np.float32)[:, None], np.arange(w, dtype=np.float32)[None]
    at = (y - rng.uniform(0.1, 0.9) * h + x * rng.uniform(-0.3, 0.3)) / (h * rng.uniform(0.05, 0.6))
    band = np.clip(at * rng.choice((-1, 1)), 0, 1)
    if rng.random() < 0.4:
        step = rng.uniform(2, 7)
        band = band * (np.sin(x * (2 * np.pi / step)) * np.sin(y * (2 * np.pi / step)) > rng.uniform(-0.3, 0.5))
    return photo * (1 - band * rng.uniform(0.2, 0.7))


def dusty(rng: random.Random, np_rng, photo: np.ndarray, unit: float) -> np.ndarray:
    h, w = photo.shape
    specks = (np_rng.random((h, w), np.float32) < rng.uniform(0.001, 0.03)).astype(np.float32) * np_rng.random((h, w), np.float32)
    specks = cv2.GaussianBlur(specks, (0, 0), rng.uniform(0.4, 1.1)) * 2
    return photo + specks * rng.uniform(-0.3, 0.9)


def rainy(rng: random.Random, np_rng, photo: np.ndarray, unit: float) -> np.ndarray:
    """Drops: small lenses that show the scene upside down, with a dark and a bright rim."""
    h, w = photo.shape
    photo = photo.copy()
    for _ in range(rng.randint(2, 14)):
        r = max(2, int(unit * rng.uniform(0.2, 1.1)))
        x, y = rng.randint(-r, w), rng.randint(-r, h)
        x0, y0, x1, y1 = max(0, x - r), max(0, y - r), min(w, x + r), min(h, y + r)
        if x1 - x0 < 2 or y1 - y0 < 2:
            continue
        part = photo[y0:y1, x0:x1]
        ys, xs = (np.arange(y0, y1, dtype=np.float32)[:, None] - y) / r, (np.arange(x0, x1, dtype=np.float32)[None] - x) / r
        d = np.sqrt(xs * xs + ys * ys)
        drop = np.clip((1 - d) * r, 0, 1) * rng.uniform(0.3, 0.9)
        lens = cv2.blur(part[::-1], (3, 3)) + ys * rng.uniform(-0.3, 0.4) * d
        photo[y0:y1, x0:x1] = part * (1 - drop) + lens * drop
    return photo


def hazy(rng: random.Random, np_rng, photo: np.ndarray, unit: float) -> np.ndarray:
    """Dirty or misted glass in light: everything nearer to grey."""
    veil = np.clip(rng.uniform(0.1, 0.5) + 0.1 * noise(np_rng, photo.shape, unit * 6), 0, 0.7)
    return photo * (1 - veil) + veil * rng.uniform(0.15, 0.8)


def doubled(rng: random.Random, np_rng, photo: np.ndarray, unit: float) -> np.ndarray:
    """The pane's two faces show everything twice, a little apart."""
    apart = np.float32([[1, 0, rng.gauss(0, 0.15) * unit], [0, 1, rng.gauss(0, 0.25) * unit]])
    second = cv2.warpAffine(photo, apart, photo.shape[::-1], borderMode=cv2.BORDER_REPLICATE)
    share = rng.uniform(0.1, 0.4)
    return photo * (1 - share) + second * share


def glare(rng: random.Random, photo: np.ndarray, unit: float) -> np.ndarray:
    """Spots and streaks of light that the surface or the glass throws back."""
    h, w = photo.shape
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        veil = np.zeros((h, w), np.float32)
        if rng.random() < 0.5:
            ends = [rng.randint(0, w) for _ in range(2)]
            cv2.line(veil, (ends[0], 0), (ends[1], h), 1.0, rng.randint(1, max(2, int(unit * 3))))
        else:
            cv2.ellipse(veil, (rng.randint(0, w), rng.randint(0, h)), (rng.randint(1, int(unit * 3) + 2), rng.randint(1, int(unit * 2) + 2)), rng.randint(0, 180), 0, 360, 1.0, -1)
        photo = photo + cv2.GaussianBlur(veil, (0, 0), rng.uniform(0.5, 1.4 * unit)) * rng.uniform(0.1, 1.0) ** 1.5
    return photo
