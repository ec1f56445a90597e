"""Letters that no font file has: single strokes as engravers and plotters draw them, and the 5×7 dots of matrix printers.

A stroke is a row of points on a grid 8 wide and 12 high, `xy` in hexadecimal; `~` marks a point that the line only bends
towards, as in TrueType. One table so makes thin and fat lines, angular ones, rows of pins and stencils.
"""

import random

import cv2
import numpy as np

GRID = (8, 12)
STROKES = {
    "0": "30 50 80~ 83 89 8c~ 5c 3c 0c~ 09 03 00~ 30", "1": "13 40 4c", "2": "03 00~ 40 80~ 83 86~ 0c 8c",
    "3": "02 00~ 40 80~ 83 86~ 36|36 46 86~ 89 8c~ 4c 0c~ 0a", "4": "6c 60 08 88",
    "5": "70 10 06 14~ 44 84~ 88 8c~ 4c 0c~ 0a", "6": "72 70~ 40 00~ 06 08 0c~ 4c 8c~ 88 85~ 45 05~ 08", "7": "00 80 2c",
    "8": "40 70~ 73 76~ 46 16~ 13 10~ 40|46 86~ 89 8c~ 4c 0c~ 09 06~ 46",
    "9": "1a 1c~ 4c 8c~ 86 84 80~ 40 00~ 04 07~ 47 87~ 84", "A": "0c 40 8c|18 78",
    "B": "00 0c 4c 8c~ 89 86~ 46 06|46 76~ 73 70~ 40 00", "C": "83 80~ 40 00~ 04 08 0c~ 4c 8c~ 89", "D": "00 0c 3c 8c~ 87 85 80~ 30 00",
    "E": "80 00 0c 8c|06 66", "F": "80 00 0c|06 66", "G": "83 80~ 40 00~ 04 08 0c~ 4c 8c~ 88 87 57", "H": "00 0c|80 8c|06 86",
    "I": "40 4c", "J": "70 79 7c~ 4c 1c~ 19", "K": "00 0c|07 80|34 8c", "L": "00 0c 8c", "M": "0c 00 47 80 8c", "N": "0c 00 8c 80",
    "O": "40 80~ 86 8c~ 4c 0c~ 06 00~ 40", "P": "0c 00 40 80~ 83 86~ 46 06", "Q": "40 80~ 86 8c~ 4c 0c~ 06 00~ 40|59 8c",
    "R": "0c 00 40 80~ 83 86~ 46 06|46 8c", "S": "82 80~ 40 00~ 03 06~ 46 86~ 89 8c~ 4c 0c~ 0a", "T": "00 80|40 4c",
    "U": "00 08 0c~ 4c 8c~ 88 80", "V": "00 4c 80", "W": "00 2c 43 6c 80", "X": "00 8c|80 0c", "Y": "00 46 80|46 4c", "Z": "00 80 0c 8c",
    "-": "16 76", ".": "3b 4b 4c 3c 3b", ":": "33 43 44 33|3a 4a 4b 3a", "*": "42 4a|14 78|18 74", "/": "0c 80", "+": "16 76|43 49",
    "<": "82 06 8a", ">": "02 86 0a", "#": "20 2c|60 6c|04 84|08 88", "(": "60 26 6c", ")": "20 66 2c", ",": "4b 2e", "=": "14 74|18 78",
}
# Other ways to draw a letter; a face takes them all or each by its bit.
ALTERNATES = [
    {"0": STROKES["0"] + "|0a 82"},  # the slashed zero
    {"1": "13 40 4c|1c 7c", "I": "10 70|40 4c|1c 7c"},
    {"3": "00 80 35 45 85~ 88 8c~ 4c 0c~ 0a", "6": "60 06 08 0c~ 4c 8c~ 88 85~ 45 05~ 08", "9": "2c 86 84 80~ 40 00~ 04 07~ 47 87~ 84"},
    {"0": STROKES["O"], "J": "30 80|60 69 6c~ 3c 0c~ 09", "4": "20 08 88|66 6c", "M": "0c 00 4c 80 8c", "7": "00 80 4c"},
    {"D": "00 0c 5c 8c~ 89 83 80~ 50 00", "G": "83 80~ 40 00~ 04 08 0c~ 4c 8c~ 8c 87 57", "Z": "00 80 0c 8c|26 66", "7": "00 80 2c|26 76"},
]
MATRIX = {  # five columns a letter, the lowest bit on top
    "0": "3e5149453e", "1": "00427f4000", "2": "4261514946", "3": "2141454b31", "4": "1814127f10", "5": "2745454539", "6": "3c4a494930",
    "7": "0171090503", "8": "3649494936", "9": "064949291e", "A": "7e1111117e", "B": "7f49494936", "C": "3e41414122", "D": "7f4141221c",
    "E": "7f49494941", "F": "7f09090901", "G": "3e4149497a", "H": "7f0808087f", "I": "00417f4100", "J": "2040413f01", "K": "7f08142241",
    "L": "7f40404040", "M": "7f020c027f", "N": "7f0408107f", "O": "3e4141413e", "P": "7f09090906", "Q": "3e4151215e", "R": "7f09192946",
    "S": "4649494931", "T": "01017f0101", "U": "3f4040403f", "V": "1f2040201f", "W": "3f4038403f", "X": "6314081463", "Y": "0708700807",
    "Z": "6151494543", "-": "0808080808", ".": "0060600000", "*": "14083e0814", "/": "2010080402", ":": "0036360000", "+": "08083e0808",
}
# What makers' signs are made of: frames, of which the first ones alone would be a zero, and what stands within, on the same grid.
FRAMES = [
    STROKES["O"], "00 80 8c 0c 00", "20 60 86 6c 2c 06 20", "40 86 4c 06 40", "40 8c 0c 40", "0c 40 8c 0c", "00 80 4c 00",
    "40 57 8c 47 0c 37 40", "00 80 87~ 4c 07~ 00", "40 54 84 67 7c 49 1c 27 04 34 40", "00 80 86 4c 06 00",
]
AS_ZERO = 3
WITHIN = ["40 4c", "06 86", "40 4c|06 86", "00 8c", "80 0c", "00 8c|80 0c", "36 46", "", ""]
WITHIN_ZERO = WITHIN[:3]
FINE = 4  # letters are drawn so much larger, then shrunk


def paths(character: str, alternates: int) -> list[np.ndarray] | None:
    """A letter's lines as points [n,2] in 0..1, y down; none if it is not known."""
    table = STROKES.get(character)
    for bit, others in enumerate(ALTERNATES):
        if alternates >> bit & 1 and character in others:
            table = others[character]
    return None if table is None else [_bent(part.split()) / np.float32(GRID) for part in table.split("|")]


def _bent(codes: list[str]) -> np.ndarray:
    """Points along a line; between two that it bends towards it passes the middle."""
    at = [np.float32([int(c[0], 16), int(c[1], 16)]) for c in codes]
    off = [c.endswith("~") for c in codes]
    points = [at[0]]
    for i in range(1, len(at)):
        if not off[i]:
            if not off[i - 1]:
                points.append(at[i])
            continue
        start = points[-1]
        end = (at[i] + at[i + 1]) / 2 if off[i + 1] else at[i + 1]
        for t in np.linspace(0.125, 1, 8, dtype=np.float32):
            points.append((1 - t) ** 2 * start + 2 * t * (1 - t) * at[i] + t * t * end)
    return np.stack(points)


def drawn(character: str, cap: int, margin: int, weight: int, alternates: int, pins: int) -> np.ndarray | None:
    """Coverage [cap + 2·margin, w] of a letter drawn with a line `weight` half pixels wide; with pins, as so many dots a
    cap height instead."""
    lines = paths(character, alternates)
    wide = 0.56 * (1.2 if character in "MW" else 1)
    return None if lines is None else _lines_drawn(lines, wide, cap, margin, weight, pins)


def sign(rng: random.Random, cap: int, margin: int, weight: int, pins: int) -> np.ndarray:
    """Coverage of a maker's sign, as it stands at both ends of stamped VINs: a frame, and within it a line, a letter or nothing."""
    size = rng.uniform(0.65, 1.05)
    at = rng.randrange(len(FRAMES))
    bare = rng.choice(WITHIN_ZERO if at < AS_ZERO else WITHIN)
    within = bare if rng.random() < 0.6 else STROKES[rng.choice("ABCDEFGHJKLMNPRSTUVWXYZ")]
    points = lambda part: _bent(part.split()) / np.float32(GRID)
    share = 1 if within == bare and rng.random() < 0.5 else rng.uniform(0.4, 0.6)
    lines = [points(FRAMES[at])] + [(points(part) - 0.5) * share + 0.5 for part in within.split("|") if part]
    return _lines_drawn([(line - 0.5) * np.float32([1, size]) + 0.5 for line in lines], size * rng.uniform(0.6, 1.3), cap, margin, weight, pins)


def _lines_drawn(lines: list[np.ndarray], wide: float, cap: int, margin: int, weight: int, pins: int) -> np.ndarray:
    """Coverage of lines in 0..1, so many cap heights wide."""
    thick = max(1, weight * FINE // 2)
    high, wide = cap * FINE - thick, max(thick, int(cap * FINE * wide) - thick)
    image = np.zeros(((cap + 2 * margin) * FINE, wide + thick + 4 * FINE), np.uint8)
    shift = np.float32([thick / 2 + 2 * FINE, thick / 2 + margin * FINE])
    for line in lines:
        points = line * np.float32([wide, high]) + shift
        if pins:
            for x, y in _spaced(points, cap * FINE / pins):
                cv2.circle(image, (round(float(x)), round(float(y))), thick // 2, 255, -1, cv2.LINE_AA)
        else:
            cv2.polylines(image, [np.int32(points.round())], False, 255, thick, cv2.LINE_AA)
    return cv2.resize(image, (image.shape[1] // FINE, cap + 2 * margin), interpolation=cv2.INTER_AREA)


def _spaced(points: np.ndarray, step: float) -> np.ndarray:
    """Points a step apart along a line, both ends among them."""
    length = np.r_[0, np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))]
    at = np.linspace(0, length[-1], max(2, round(length[-1] / step) + 1))
    return np.stack([np.interp(at, length, points[:, i]) for i in range(2)], 1)


def matrix(character: str, cap: int, margin: int, weight: int, slashed: bool) -> np.ndarray | None:
    """Coverage of a letter of 5×7 dots; weight 2..7 goes from apart to running together."""
    code = MATRIX.get("O" if character == "0" and not slashed else character)
    if code is None:
        return None
    step = cap * FINE / 7
    image = np.zeros(((cap + 2 * margin) * FINE, int(5.6 * step)), np.uint8)
    radius = step * (0.28 + 0.06 * weight)
    for x in range(5):
        column = int(code[2 * x : 2 * x + 2], 16)
        for y in range(7):
            if column >> y & 1:
                centre = (int((x + 0.8) * step * 0.95), int(margin * FINE + (y + 0.5) * step))
                cv2.circle(image, centre, int(radius), 255, -1, cv2.LINE_AA)
    return cv2.resize(image, (image.shape[1] // FINE, cap + 2 * margin), interpolation=cv2.INTER_AREA)
