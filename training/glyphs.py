"""Typefaces: fonts by style, drawn strokes, pins, matrix dots and stencils, and lines of text set in them.

A glyph is its coverage on the rows of the capital letters, CAP high with MARGIN more above and below, cropped to its ink at
the sides.
"""

import random
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

import strokes
import vins

CAP = 26  # cap height of a line as drawn, pixels
MARGIN = 6  # rows above and below it
SIDE = 4  # columns left and right of a line
FONTS = {  # style: patterns of file names, one a family
    "sans": [
        "Roboto-Regular", "Roboto-Medium", "LiberationSans-Regular", "LiberationSans-Bold", "DejaVuSans.", "DejaVuSansCondensed.", "B612-Regular",
        "FreeSans.", "FreeSansBold", "NimbusSans-Regular", "NimbusSans-Bold", "NationalPark", "Oxygen", "OpenSans-Regular", "OpenSans-Semibold",
        "Lato-Regular", "Lato-Bold", "tuffy", "ClearSans", "Play-", "Dosis", "texgyreheros-",
    ],
    "narrow": ["Roboto-Condensed", "RobotoCondensed-Regular", "LiberationSansNarrow-Regular", "LiberationSansNarrow-Bold", "NimbusSansNarrow", "texgyreheroscn", "OpenSans-Cond"],
    "din": ["open-din", "OpenDIN", "OSP-DIN", "routed-gothic"],
    "ocr": ["OCRB", "ocrb", "OCRA", "ocra"],
    "mono": [
        "LiberationMono-Regular", "LiberationMono-Bold", "DejaVuSansMono.", "DejaVuSansMono-Bold", "3270", "Inconsolata", "LeagueMono", "B612Mono",
        "FreeMono", "NimbusMonoPS-Bold", "AnonymousPro", "CourierPrime", "texgyrecursor",
    ],
    "serif": ["LiberationSerif-Regular", "LiberationSerif-Bold", "NimbusRoman-Bold", "texgyretermes", "DejaVuSerif-Bold", "FreeSerifBold"],
}
DRAWN = ("stroke", "pins", "matrix")  # styles that no font file has
STENCILS = ("sans", "narrow", "mono", "stroke")  # styles whose letters stay apart when cut
ALIKE = 0.2  # of full ink: letters that nowhere differ by more, out of focus, nobody can tell apart
CLOSED = "04689ABDOPQR"  # letters that fall apart when cut out of sheet metal without bridges


@dataclass(frozen=True)
class Face:
    """How letters look. `file` is set for fonts, the rest for drawn styles (see strokes.py)."""

    style: str
    file: str = ""
    weight: int = 0
    alternates: int = 0
    pins: int = 0
    stencil: int = 0  # width of the bridges, pixels


def face(rng: random.Random, styles: dict[str, float], stencil: float = 0.0) -> Face:
    """A face of one of the styles, by weight; within a style every family as often."""
    style = rng.choices(list(styles), list(styles.values()))[0]
    bridges = rng.choice((2, 3)) if rng.random() < stencil and style in STENCILS else 0
    alternates = rng.randrange(1 << len(strokes.ALTERNATES))
    if style == "stroke":
        return Face(style, weight=rng.choice((3, 4, 5, 6, 7, 8, 10)), alternates=alternates, stencil=bridges)
    if style == "pins":
        return Face(style, weight=rng.choice((4, 5, 6, 7)), alternates=alternates, pins=rng.choice((7, 8, 9, 11, 13)))
    if style == "matrix":
        return Face(style, weight=rng.choice((2, 3, 4, 5, 6, 7)), alternates=rng.randrange(2))
    return Face(style, rng.choice(rng.choice(by_style()[style])), stencil=bridges)


@lru_cache
def files() -> list[Path]:
    found = [p for folder in ("/usr/share/fonts", "/usr/share/texmf/fonts") if Path(folder).exists() for p in sorted(Path(folder).rglob("*"))]
    return [p for p in found if p.suffix.lower() in (".ttf", ".otf", ".ttc")]


@lru_cache
def by_style() -> dict[str, list[list[str]]]:
    """Font files that can draw a VIN: style → families → files."""
    bad = ("italic", "oblique", "thin", "math", "emoji", "hairline", "extralight", "ultralight", "outline", "-it.", "ocrbe", "ocrbf", "ocrbx")  # the last: letters in boxes and outlines
    found = {}
    for style, patterns in FONTS.items():
        picked = [[str(p) for p in files() if f in p.name and not any(b in p.name.lower() for b in bad)] for f in patterns]
        picked = [[p for p in family if _covers(p)] for family in picked]
        found[style] = [family for family in picked if family]
    return found


def families() -> list[list[str]]:
    """All fonts' files, by family."""
    return [family for style in by_style().values() for family in style]


def _covers(path: str) -> bool:
    """Whether the font draws letters and digits, not the same box for all."""
    return len({glyph(path, font_size(path), c).tobytes() for c in "ABKXZ0478"}) == 9


@lru_cache
def font_size(path: str) -> int:
    """The size at which capitals are CAP high."""
    box = ImageFont.truetype(path, 100).getbbox("H", anchor="ls")
    return max(20, round(100 * CAP / max(1, -box[1])))


@lru_cache
def _font(path: str, size: int):
    return ImageFont.truetype(path, size)


@lru_cache(maxsize=20000)
def glyph(path: str, size: int, character: str) -> np.ndarray:
    """One character of a font."""
    image = Image.new("L", (size * 2, size * 2))
    ImageDraw.Draw(image).text((size // 2, size * 1.5), character, 255, _font(path, size), anchor="ls")
    pixels = np.asarray(image)
    top = int(size * 1.5) - CAP - MARGIN
    columns = np.flatnonzero(pixels.max(0) > 60)
    if len(columns) == 0:
        return np.zeros((CAP + 2 * MARGIN, size // 3), np.uint8)
    return pixels[top : top + CAP + 2 * MARGIN, columns[0] : columns[-1] + 1]


@lru_cache
def widest(path: str) -> int:
    return max(glyph(path, font_size(path), c).shape[1] for c in "0BMW8HX")


@lru_cache(maxsize=60000)
def letter(face: Face, character: str) -> np.ndarray:
    """One character of a face; what the face has not comes from a font that has it."""
    if face.style in DRAWN:
        if character == " ":
            return np.zeros((CAP + 2 * MARGIN, CAP // 2), np.uint8)
        if face.style == "matrix":
            image = strokes.matrix(character, CAP, MARGIN, face.weight, bool(face.alternates))
        else:
            image = strokes.drawn(character, CAP, MARGIN, face.weight, face.alternates, face.pins)
        if image is None:
            path = _substitute(character)
            return glyph(path, font_size(path), character)
        columns = np.flatnonzero(image.max(0) > 60)
        image = image[:, columns[0] : columns[-1] + 1]
    else:
        path = face.file if ord(character) < 128 else _substitute(character)
        image = glyph(path, font_size(path), character)
        if character != " " and not image.any():
            image = glyph(_substitute(character), font_size(_substitute(character)), character)
    if face.stencil and character in CLOSED:
        image = image.copy()
        middle = image.shape[1] // 2
        image[:, middle - face.stencil // 2 : middle + (face.stencil + 1) // 2] = 0
    return image


def sign(rng: random.Random, face: Face) -> np.ndarray:
    """A maker's sign beside text of a face, in its strokes if it has such."""
    if face.style in ("stroke", "pins"):
        return strokes.sign(rng, CAP, MARGIN, face.weight, face.pins)
    return strokes.sign(rng, CAP, MARGIN, rng.randint(3, 10), 0)


@lru_cache(maxsize=4000)
def alike(face: Face, one: str, other: str) -> bool:
    """Whether a face draws two letters as one: many engravers and plotters have no other stroke for 1 than for I."""
    width = cell(face) + 2 * SIDE
    first, second = (cv2.GaussianBlur(_centred(letter(face, c), width), (0, 0), 1.5) for c in (one, other))
    return float(np.abs(first - second).max()) < 255 * ALIKE


def _centred(image: np.ndarray, width: int) -> np.ndarray:
    missing = max(0, width - image.shape[1])
    return np.pad(image.astype(np.float32), ((0, 0), (missing // 2, missing - missing // 2)))[:, :width]


def readable(face: Face, text: str) -> str:
    """What a text says to whoever expects a VIN: a letter that no VIN has is the digit that the face draws alike."""
    return "".join(digit if (digit := vins.TAKEN_FOR.get(c)) and alike(face, c, digit) else c for c in text)


@lru_cache
def _substitute(character: str) -> str:
    """A font with Cyrillic letters and signs, or one with Chinese and Korean ones."""
    return named("wqy-microhei" if ord(character) > 0x2E80 else "DejaVuSans.")


def named(name: str) -> str:
    """The font file of that name."""
    return next(str(p) for p in files() if name in p.name)


@lru_cache(maxsize=4000)
def cell(face: Face) -> int:
    """The widest letter's width."""
    return max(letter(face, c).shape[1] for c in "0BMW8HX")


def line(rng: random.Random, text: str, face: Face, pitch: float, mono: bool, group: int, rough: float = 0.0) -> tuple[np.ndarray, list[float]]:
    """Coverage of a text [CAP + 2·MARGIN, w] with 0..1, SIDE columns left and right of it, and each character's centre.

    `pitch` is the gap between letters in widths of the widest; `mono` sets all at the same distance; `group` leaves room after
    so many letters and after the ninth; `rough` is how unevenly a hand or a worn tool set them.
    """
    glyphs = [letter(face, c) for c in text]
    width = cell(face)
    gap = max(2.0, width * pitch)
    x, places = float(SIDE), []
    for i, g in enumerate(glyphs):
        places.append(x + (width - g.shape[1]) / 2 if mono else x)
        x += width + gap * 0.6 if mono else g.shape[1] + gap
        if group and i + 1 in (group, 9):
            x += width * 0.4
    start = min(places) - SIDE
    canvas = np.zeros((CAP + 2 * MARGIN, int(x + width)), np.float32)
    centres = []
    for place, g in zip(places, glyphs):
        left = max(0, int(place - start))
        centres.append(left + g.shape[1] / 2)
        if rough:
            g = _unevenly(rng, g, rough)
        region = canvas[:, left : left + g.shape[1]]
        np.maximum(region, g[:, : region.shape[1]] / 255.0, out=region)
    end = int(places[-1] - start + glyphs[-1].shape[1] + SIDE)
    return canvas[:, :end], centres


def _unevenly(rng: random.Random, g: np.ndarray, rough: float) -> np.ndarray:
    """A letter shifted, turned and struck less deep."""
    turn = cv2.getRotationMatrix2D((g.shape[1] / 2, g.shape[0] / 2), rng.gauss(0, 3) * rough, 1)
    turn[1, 2] += rng.gauss(0, 1.3) * rough
    return cv2.warpAffine(g, turn, (g.shape[1], g.shape[0])) * (1 - rng.random() ** 2 * 0.6 * rough)


def dotted(rng: random.Random, ink: np.ndarray) -> np.ndarray:
    """A line drawn by a row of pins."""
    rows = rng.choice([9, 10, 11, 13, 16])
    step = CAP / rows
    h, w = int(round(ink.shape[0] / step)), int(round(ink.shape[1] / step))
    cells = cv2.resize(ink, (w, h), interpolation=cv2.INTER_AREA)
    cells = (cells > rng.uniform(0.35, 0.5)).astype(np.float32)
    big = cv2.resize(cells, (ink.shape[1], ink.shape[0]), interpolation=cv2.INTER_NEAREST)
    ys = ((np.arange(ink.shape[0]) * h / ink.shape[0]) % 1 - 0.5)[:, None]
    xs = ((np.arange(ink.shape[1]) * w / ink.shape[1]) % 1 - 0.5)[None]
    radius = rng.uniform(0.4, 0.65)
    return big * np.clip((radius - np.sqrt(ys**2 + xs**2)) * 5 + 0.5, 0, 1).astype(np.float32)
