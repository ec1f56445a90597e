"""What a VIN stands on and how it was put there: each material's probabilities, and ink or relief on its surface.

A surface is grey, 0..1 (a little more where light glares), of the same size as the `field` of ink that it bears.
"""

import math
import random
from dataclasses import dataclass, field as default

import cv2
import numpy as np


@dataclass(frozen=True)
class Material:
    """Probabilities and ranges; what is drawn around the VIN (labels.py) and the glass before it (weather.py) are here too."""

    share: float  # of all marks
    styles: dict[str, float]  # typefaces by style, see glyphs.py
    ground: tuple[tuple[float, float], ...]  # levels of the bare surface, one range is chosen
    contrast: tuple[float, float]  # between surface and ink
    aspect: tuple[float, float]  # the line's length in heights as it is seen: the median, and the spread of its logarithm
    layout: dict[str, float]  # what stands around: label, cell, pill, alone, document
    relief: float = 0.0  # how often letters are raised or sunk instead of printed
    stencil: float = 0.0
    rough: float = 0.0  # how often letters are set unevenly
    raster: float = 0.0  # how often a laser's or ribbon's rows show
    metal: float = 0.0  # how often the bare surface mirrors and the ink does not
    worn: float = 0.15  # how often ink is missing in places
    dirt: float = 0.15
    texture: dict[str, float] = default(default_factory=lambda: {"smooth": 5, "grain": 3, "peel": 1, "guilloche": 0.4})
    squeeze: tuple[float, float] = (0.6, 1.15)  # letters' width
    ends: float = 0.25  # how often end marks stand beside the VIN
    glass: float = 0.1  # how often there is glass between it and the camera
    bars: float = 0.08  # how often a barcode stands above or below


DARK, MIDDLE, LIGHT = (0.02, 0.2), (0.2, 0.6), (0.6, 0.97)
SANS = {"sans": 4, "narrow": 3, "din": 2, "mono": 2, "stroke": 3, "ocr": 1, "serif": 0.6, "matrix": 0.6}
MATERIALS = {
    # laser-etched black foil: the most common door label
    "dark label": Material(
        0.24, {**SANS, "stroke": 5, "serif": 1.2}, (DARK, DARK, MIDDLE), (0.3, 0.95), (8.0, 0.33), {"label": 7, "cell": 1.2, "alone": 0.6}, raster=0.25, ends=0.22, glass=0.03,
    ),
    # print on white or silver foil
    "light label": Material(
        0.15, {**SANS, "matrix": 1.5, "stroke": 4}, (LIGHT, LIGHT, MIDDLE), (0.4, 0.95), (8.0, 0.33), {"label": 7, "cell": 1.2, "alone": 0.6}, raster=0.25, ends=0.15, glass=0.02,
    ),
    # a plate on the dashboard or a clearing in the windshield's black print
    "windshield": Material(
        0.18, {"din": 4, "narrow": 2, "sans": 3, "stroke": 4, "mono": 2, "ocr": 1, "matrix": 0.5, "pins": 0.5}, (DARK, DARK, MIDDLE, LIGHT), (0.2, 0.9), (13, 0.42),
        {"pill": 5, "alone": 3, "label": 1.5}, relief=0.12, ends=0.3, glass=0.9, bars=0.3, texture={"smooth": 5, "grain": 3, "weave": 1, "brushed": 1},
    ),
    # a riveted sheet of aluminium, printed, punched or cut
    "plate": Material(
        0.09, {**SANS, "pins": 2, "matrix": 1}, (MIDDLE, LIGHT, LIGHT, DARK), (0.25, 0.85), (9.5, 0.33), {"label": 5, "cell": 1.5, "alone": 1}, relief=0.45, stencil=0.05, metal=0.45,
        rough=0.4, texture={"smooth": 3, "grain": 2, "brushed": 4}, dirt=0.3,
    ),
    # punched into the body, painted over or not
    "stamped": Material(
        0.18, {"stroke": 5, "sans": 2, "din": 2, "mono": 1, "narrow": 1, "ocr": 1, "serif": 0.3}, (DARK, MIDDLE, MIDDLE, LIGHT), (0.0, 0.5), (11, 0.3), {"alone": 1},
        relief=1.0, stencil=0.03, rough=0.7, metal=0.15, texture={"smooth": 3, "grain": 3, "peel": 3, "brushed": 1, "rust": 2}, dirt=0.35, worn=0.25, squeeze=(0.7, 1.3), ends=0.5,
    ),
    # pins or a needle driven over bare or painted metal
    "pin-stamped": Material(
        0.10, {"pins": 6, "matrix": 2, "stroke": 2}, (DARK, MIDDLE, MIDDLE, LIGHT), (0.1, 0.6), (11, 0.3), {"alone": 4, "label": 1}, relief=0.6, rough=0.2, metal=0.25,
        texture={"smooth": 3, "grain": 3, "peel": 2, "brushed": 2, "rust": 1}, dirt=0.35, worn=0.2, ends=0.4,
    ),
    "document": Material(
        0.04, {"mono": 4, "sans": 4, "narrow": 1, "serif": 3, "matrix": 1.5, "ocr": 1}, (LIGHT,), (0.4, 0.95), (12, 0.3), {"document": 1}, texture={"smooth": 4, "guilloche": 3, "grain": 1},
        raster=0.2, dirt=0.05, ends=0.15, glass=0.02,
    ),
    # everything mixed: what nobody thought of
    "any": Material(
        0.06, {**SANS, "pins": 1}, (DARK, MIDDLE, LIGHT), (0.15, 0.95), (10, 0.4), {"label": 1, "alone": 1, "pill": 1, "cell": 1}, relief=0.15, stencil=0.05, rough=0.2, glass=0.3,
        texture={"smooth": 2, "grain": 3, "peel": 1, "brushed": 1, "weave": 1, "rust": 1},
    ),
}


def material(rng: random.Random) -> Material:
    return rng.choices(list(MATERIALS.values()), [m.share for m in MATERIALS.values()])[0]


def noise(np_rng, shape, scale):
    """Smooth noise of deviation 1, `scale` pixels a wave."""
    h, w = max(2, int(shape[0] / scale)), max(2, int(shape[1] / scale))
    return cv2.resize(np_rng.standard_normal((h, w), np.float32), (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR)


def texture(rng: random.Random, np_rng, shape, kind: str) -> np.ndarray:
    """How a bare surface differs from place to place, 0 on average."""
    h, w = shape
    if kind == "grain":
        return noise(np_rng, shape, rng.uniform(1.5, 20)) * rng.uniform(0.003, 0.045)
    if kind == "peel":  # paint like the skin of an orange
        return noise(np_rng, shape, rng.uniform(4, 12)) * rng.uniform(0.005, 0.035)
    if kind == "brushed":
        rows = cv2.resize(np_rng.standard_normal((h, 6), np.float32), (w, h))
        return rows * rng.uniform(0.01, 0.07)
    if kind == "weave":  # a dashboard's grain, a windshield's dots
        step, lean = rng.uniform(5, 12), rng.uniform(-0.5, 0.5)
        y, x = np.arange(h, dtype=np.float32)[:, None], np.arange(w, dtype=np.float32)[None]
        return np.sin((x + lean * y) * (2 * np.pi / step)) * np.sin((y - lean * x) * (2 * np.pi / step)) * np.float32(rng.uniform(0.02, 0.09))
    if kind == "guilloche":
        y, x = np.arange(h, dtype=np.float32)[:, None], np.arange(w, dtype=np.float32)[None]
        waves = np.sin(x / rng.uniform(3, 9) + 4 * np.sin(y / rng.uniform(15, 50))) * np.sin(y / rng.uniform(3, 9))
        return waves * np.float32(rng.uniform(0.01, 0.07))
    if kind == "rust":
        spots = noise(np_rng, shape, rng.uniform(8, 40)) + noise(np_rng, shape, 4) * 0.5
        return -np.clip(spots - rng.uniform(0.2, 1.2), 0, 1) * rng.uniform(0.05, 0.25) + noise(np_rng, shape, 2.5) * 0.02
    return noise(np_rng, shape, 120) * rng.uniform(0, 0.02)


def surface(rng: random.Random, np_rng, field: np.ndarray, m: Material) -> np.ndarray:
    """A field of ink, 0..1, on the material."""
    base = rng.uniform(*rng.choice(m.ground))
    ground = base + noise(np_rng, field.shape, 150) * rng.uniform(0, 0.05 + 0.08 * base)
    kind = rng.choices(list(m.texture), list(m.texture.values()))[0]
    rough = texture(rng, np_rng, field.shape, kind) * min(0.8, 0.3 + base)
    if rng.random() < m.metal:
        ground = np.maximum(ground + mirrored(rng, field.shape), 0.08)
    sign = 1 if base < 0.35 else -1 if base > 0.6 else rng.choice((-1, 1))
    contrast = rng.uniform(*m.contrast)
    if rng.random() < m.worn:
        field = worn(rng, np_rng, field)
    if rng.random() < m.relief:
        picture = relief(rng, np_rng, field, ground + rough, rough, sign * contrast)
    else:
        if rng.random() < m.raster:
            field = rastered(rng, np_rng, field)
        face = min(max(base + sign * max(contrast, 0.1), 0.0), 1.1) + noise(np_rng, field.shape, rng.uniform(3, 60)) * rng.uniform(0, 0.06)
        picture = (ground + rough) * (1 - field) + (face + rough * 0.4) * field
    return dirty(rng, np_rng, picture) if rng.random() < m.dirt else picture


def mirrored(rng: random.Random, shape) -> np.ndarray:
    """What bare metal mirrors: bright on one side and dark on the other, so that letters stand out here as dark, there as light."""
    h, w = shape
    y, x = np.linspace(-0.5, 0.5, h, dtype=np.float32)[:, None], np.linspace(-0.5, 0.5, w, dtype=np.float32)[None]
    along = (x - rng.uniform(-0.4, 0.4)) * rng.choice((3, 8, 20)) + y * rng.uniform(-2, 2)
    return np.tanh(along) * np.float32(rng.uniform(-0.4, 0.4)) + np.exp(-(along**2)) * np.float32(rng.uniform(0, 0.4))


def worn(rng: random.Random, np_rng, field: np.ndarray) -> np.ndarray:
    """Ink that is missing or thin in places."""
    if rng.random() < 0.5:  # flakes
        holes = noise(np_rng, field.shape, rng.uniform(2, 8))
        return field * np.clip((rng.uniform(1.2, 2.2) - holes) * 3, 0, 1)
    thin = noise(np_rng, field.shape, rng.uniform(40, 160))  # rubbed off, or too little heat
    return field * np.clip(1 - np.maximum(thin, 0) * rng.uniform(0.2, 0.7), 0.25, 1)


def rastered(rng: random.Random, np_rng, field: np.ndarray) -> np.ndarray:
    """Ink in the rows of a laser or the lines that a ribbon leaves out."""
    y = np.arange(field.shape[0], dtype=np.float32)[:, None]
    if rng.random() < 0.6:
        rows = 1 - rng.uniform(0.1, 0.5) * (0.5 + 0.5 * np.sin(y * (2 * np.pi / rng.uniform(2, 5))))
        return field * rows
    if rng.random() < 0.5:
        x = np.arange(field.shape[1], dtype=np.float32)[None]
        return field * (1 - rng.uniform(0.1, 0.5) * (0.5 + 0.5 * np.sin(x * (2 * np.pi / rng.uniform(2, 5)))))
    out = field.copy()
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(field.shape[0])
        out[at : at + rng.randint(1, 2)] *= rng.uniform(0, 0.6)
    return out


def relief(rng: random.Random, np_rng, field: np.ndarray, ground: np.ndarray, rough: np.ndarray, paint: float) -> np.ndarray:
    """Letters sunk into the surface or raised from it, in light from one side.

    The height map is what the tool left: a furrow with soft flanks, the metal that it pushed up beside, letters less deep where
    it met the sheet at a slant. Its normals, and the surface's own roughness, meet a low sun.
    """
    soft = rng.uniform(0.8, 2.4)
    deep = cv2.GaussianBlur(field, (0, 0), soft)
    height = deep
    if rng.random() < 0.4:  # the rim beside the furrow
        height = deep * 1.3 - cv2.GaussianBlur(field, (0, 0), soft * 2.2) * rng.uniform(0.3, 0.8)
    if rng.random() < 0.3:  # struck at a slant: deeper on one side
        slope = np.linspace(rng.uniform(0.3, 1), rng.uniform(0.3, 1), field.shape[1], dtype=np.float32)[None]
        height = height * slope
    if rng.random() < 0.7:
        height = -height
    height = height * rng.uniform(2.0, 6.0) + rough * rng.uniform(1.5, 5)
    dx, dy = cv2.Sobel(height, cv2.CV_32F, 1, 0, scale=0.125), cv2.Sobel(height, cv2.CV_32F, 0, 1, scale=0.125)
    up = 1 / np.sqrt(1 + dx * dx + dy * dy)
    angle, low = rng.uniform(0, 2 * math.pi), math.radians(rng.uniform(18, 65))
    lx, ly, lz = math.cos(angle) * math.cos(low), math.sin(angle) * math.cos(low), math.sin(low)
    lambert = np.maximum((lz - dx * lx - dy * ly) * up, 0) / lz
    ambient = rng.uniform(0.1, 0.5)
    picture = ground * (ambient + (1 - ambient) * np.minimum(lambert, 2.2))
    if rng.random() < 0.6:  # gloss: the light's mirror image on flanks that face half way to the camera
        hz = math.sqrt((1 + lz) / 2)
        mirror = np.clip((hz - (dx * lx + dy * ly) / (2 * hz)) * up, 0, 1)
        shine = mirror ** rng.choice((12, 30, 60))
        picture = picture + (shine - hz**20) * rng.uniform(0.05, 0.4)
    if rng.random() < 0.5:  # dirt, paint or bare metal at the bottom
        picture = picture * (1 - deep * rng.uniform(0, 0.55) * (1 if rng.random() < 0.8 else -0.6))
    return picture + paint * field * rng.choice((0, 0, 0.5, 1))


def dirty(rng: random.Random, np_rng, picture: np.ndarray) -> np.ndarray:
    """Dust, smears, scratches, overspray."""
    h, w = picture.shape
    kind = rng.random()
    if kind < 0.35:
        spots = np.clip(noise(np_rng, (h, w), rng.uniform(2, 7)) - rng.uniform(1.4, 2.2), 0, 1)
        return picture + spots * rng.uniform(-0.4, 0.4)
    if kind < 0.65:
        smear = np.clip(noise(np_rng, (h, w), rng.uniform(20, 120)), 0, 1.5) * rng.uniform(0.1, 0.4)
        return picture * (1 - smear) + smear * rng.uniform(0.1, 0.7)
    scratches = np.zeros((h, w), np.float32)
    for _ in range(rng.randint(1, 8)):
        x, y = rng.randint(0, w), rng.randint(0, h)
        end = (x + rng.randint(-150, 150), y + rng.randint(-40, 40))
        cv2.line(scratches, (x, y), end, rng.uniform(0.3, 1), rng.choice((1, 1, 2)), cv2.LINE_AA)
    return picture + scratches * rng.uniform(-0.3, 0.4)
