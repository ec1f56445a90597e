"""A mark: the VIN's line with what stands around it, on its material.

Labels with approvals, weights and barcodes, cells of a table, clearings in a windshield's black print, bare metal, documents.
"""

import random
from dataclasses import dataclass

import cv2
import numpy as np

import glyphs
import vins
from glyphs import CAP, MARGIN, SIDE
from materials import Material, surface, texture
from nets import box

ENDS = "****##--<>/·•+☆★\"'"
SIGNS = 0.4  # share of makers' signs among what stands at both ends


@dataclass
class Mark:
    """A surface that bears a text, seen straight on."""

    picture: np.ndarray  # grey, 0..1
    text: str  # as it can be read
    corners: np.ndarray  # the text's own, [4,2]
    centres: np.ndarray  # its characters', [n,2]
    inside: np.ndarray | None  # where the plate or label is, 0..1; none if it has no edge


def mark(rng: random.Random, np_rng, text: str, m: Material, rows: int = 2, below: str = "") -> Mark:
    """A text on a material, with at most `rows` rows above and below it; `below` is a second line of the same text."""
    face = glyphs.face(rng, m.styles, m.stencil)
    setting = Setting(rng, face, m)
    ink, centres = setting.line(text)
    h, w = ink.shape
    layout = rng.choices(list(m.layout), list(m.layout.values()))[0]
    mx, my = int(w * rng.uniform(0.27, 0.33)) + CAP, int(CAP * (1.8 + 1.5 * max(0, rows - 2)))
    field = np.zeros((h + 2 * my, w + 2 * mx), np.float32)
    field[my : my + h, mx : mx + w] = ink
    text_box = (mx + SIDE, my + MARGIN, mx + w - SIDE, my + h - MARGIN)
    if rng.random() < m.ends:
        ends(rng, field, face, text_box)
    lines = text_box
    if below:
        second, _ = setting.line(below)
        y = text_box[3] + int(CAP * rng.uniform(0.3, 0.8))
        paste(field, second, mx + rng.choice((0, 0, (w - second.shape[1]) // 2)), y - MARGIN)
        lines = (*text_box[:3], y + CAP)
    inside = LAYOUTS[layout](rng, np_rng, field, lines, setting, rows, m)
    if rng.random() < m.bars:
        bars = barcode(np_rng, rng.randint(40, 130), rng.randint(2, 5), CAP * 2)
        gap = rng.randint(0, 5) if rng.random() < 0.5 else rng.randint(5, CAP)
        paste(field, bars, mx + rng.randint(-60, 60), lines[1] - gap - 2 * CAP if rng.random() < 0.5 else lines[3] + gap)
    middles = np.stack([np.float32(centres) + mx, np.full(len(centres), my + h / 2)], 1).astype(np.float32)
    return Mark(surface(rng, np_rng, field, m), glyphs.readable(face, text), np.float32(box(*text_box)), middles, inside)


class Setting:
    """How all lines of one mark are set: face, width, distance, slant, strength."""

    def __init__(self, rng: random.Random, face: glyphs.Face, m: Material):
        self.rng, self.face = rng, face
        self.mono = rng.random() < (0.8 if face.style in ("mono", "matrix", "pins", "ocr") else 0.3)
        self.pitch = rng.choice((0.1, 0.16, 0.2, 0.25, 0.35, 0.5)) * rng.uniform(0.8, 1.3)
        self.group = 3 if rng.random() < 0.05 else 0
        self.rough = rng.random() if rng.random() < m.rough else 0.0
        self.squeeze = rng.uniform(*m.squeeze)
        self.change = rng.choice((cv2.dilate, cv2.erode)) if rng.random() < 0.3 and face.style not in ("pins", "matrix") else None
        self.kernel = np.ones((rng.choice((2, 2, 3)), 2), np.uint8)
        self.dotted = rng.random() < 0.05 and face.style not in glyphs.DRAWN

    def line(self, text: str, face: glyphs.Face | None = None, scale: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
        """A line's coverage and its characters' centres."""
        ink, centres = glyphs.line(self.rng, text, face or self.face, self.pitch, self.mono, self.group, self.rough)
        if self.dotted:
            ink = glyphs.dotted(self.rng, ink)
        if self.change:
            ink = self.change(ink, self.kernel)
        wide = max(12, int(ink.shape[1] * self.squeeze * scale))
        centres = np.float32(centres) * (wide / ink.shape[1])
        return cv2.resize(ink, (wide, int(ink.shape[0] * scale)), interpolation=cv2.INTER_AREA), centres


def ends(rng: random.Random, field: np.ndarray, face: glyphs.Face, text_box) -> None:
    """Marks at both ends, close or far."""
    x0, y0, x1, y1 = text_box
    g = glyphs.sign(rng, face) if rng.random() < SIGNS else glyphs.letter(face, rng.choice(ENDS))
    g = g.astype(np.float32) / 255
    g = cv2.resize(g, (max(3, int(g.shape[1] * rng.uniform(0.7, 1.1))), g.shape[0]), interpolation=cv2.INTER_AREA)
    gap = rng.randint(3, 12) if rng.random() < 0.7 else rng.randint(12, 40)
    for x in (x0 - gap - g.shape[1], x1 + gap):
        if rng.random() < 0.95:
            paste(field, g, x, y0 - MARGIN)


def stacked(rng, np_rng, field, text_box, setting, rows, m) -> list[int]:
    """Rows of text and barcodes above and below the VIN's; returns their extent x0 y0 x1 y1."""
    x0, y0, x1, y1 = text_box
    leading = CAP * rng.uniform(0.15, 0.6)
    align = rng.choice(("left", "left", "centre", "any"))
    extent = [x0, y0, x1, y1]
    for side in (-1, 1):
        edge = y0 if side < 0 else y1
        for i in range(rng.randint(min(1, rows), rows) if rng.random() < 0.95 else 0):
            gap = leading * rng.uniform(0.9, 1.1)
            if rng.random() < 0.08 + m.bars:
                row = barcode(np_rng, rng.randint(60, 200), rng.randint(2, 4), int(CAP * rng.uniform(0.7, 2.2)))
                top, low = 0, row.shape[0]
            else:
                likely = vins.approval if side < 0 and i == 0 else vins.weight if side > 0 else vins.other_text
                words = likely(rng) if rng.random() < 0.7 else vins.other_text(rng)
                size = 1.0 if rng.random() < 0.6 else rng.uniform(0.55, 1.25)
                face = setting.face if rng.random() < 0.75 else glyphs.face(rng, m.styles)
                row, _ = setting.line(words, face, size)
                top, low = int(MARGIN * size), int((MARGIN + CAP) * size)
            spare = (x1 - x0) - row.shape[1]
            x = {"left": x0 - SIDE, "centre": x0 + spare // 2}.get(align, x0 + rng.randint(min(-60, spare), max(60, spare)))
            if side > 0 and rng.random() < 0.3:
                x += rng.randint(0, 120)
            y = int(edge - gap - low if side < 0 else edge + gap - top)
            paste(field, row, x, y)
            edge = y + (top if side < 0 else low)
            extent = [min(extent[0], x), min(extent[1], y + top), max(extent[2], x + row.shape[1]), max(extent[3], y + low)]
    return extent


def label(rng, np_rng, field, text_box, setting, rows, m) -> np.ndarray | None:
    x0, y0, x1, y1 = text_box
    extent = stacked(rng, np_rng, field, text_box, setting, rows, m)
    kind = rng.random()
    if kind < 0.3:  # a block beside: EAC and its like, over two rows
        words = rng.choice(("EAC", "ЕАС", "EAC", "PCT", "CE", "AUDI", "e1", "N"))
        scale = rng.uniform(1.4, 2.4)
        bold = glyphs.face(rng, {"narrow": 1, "sans": 1})
        block, _ = glyphs.line(rng, words, bold, 0.12, False, 0)
        block = cv2.resize(block, None, fx=scale * 0.7, fy=scale, interpolation=cv2.INTER_LINEAR)
        x = extent[0] - block.shape[1] - rng.randint(5, 30) if rng.random() < 0.8 else extent[2] + rng.randint(5, 30)
        paste(field, block, x, y0 - rng.randint(-10, int(CAP * scale)))
    elif kind < 0.4:  # a maker's sign
        centre = (x0 - rng.randint(CAP, 3 * CAP), (y0 + y1) // 2 + rng.randint(-20, 20))
        cv2.ellipse(field, centre, (int(CAP * rng.uniform(0.7, 1.4)), int(CAP * rng.uniform(0.5, 1.0))), 0, 0, 360, 1.0, rng.choice((-1, 2, 4)), cv2.LINE_AA)
    elif kind < 0.65:  # what the number is
        caption, _ = setting.line(rng.choice(("VIN", "VIN:", "V.I.N.", "NO.", "车辆识别代号", "차대번호", "Ident", "Fzg-Nr", "№", "E", "TYPE: FWD")), scale=rng.uniform(0.6, 1.0))
        left = rng.random() < 0.75
        gap = rng.randint(int(CAP * 0.5), CAP * 2)
        paste(field, caption, x0 - gap - caption.shape[1] if left else x1 + gap, y1 + MARGIN - caption.shape[0])
    if rng.random() < 0.2:  # a column's edge
        x = extent[0] - rng.randint(8, 40) if rng.random() < 0.7 else extent[2] + rng.randint(8, 60)
        cv2.line(field, (x, extent[1] - CAP), (x, extent[3] + CAP), 1.0, rng.choice((1, 2, 3)))
        if rng.random() < 0.6:
            upright, _ = setting.line(vins.code(rng), scale=rng.uniform(0.6, 1.0))
            paste(field, np.ascontiguousarray(np.rot90(upright)), x + 12 if x > x1 else x - 50, extent[1] - CAP)
    if rng.random() < 0.06:  # printed the other way round, the VIN or a line above
        y, high = (y0, y1 - y0) if rng.random() < 0.6 else (extent[1], rng.randint(CAP // 2, CAP * 2))
        pad = rng.randint(3, 9)
        part = field[max(0, y - pad) : y + high + pad, max(0, x0 - rng.randint(4, 60)) : x1 + rng.randint(4, 60)]
        np.subtract(1, part, out=part)
    outside = rng.randint(8, 3 * CAP)
    edges = [extent[0] - outside, extent[1] - rng.randint(6, 2 * CAP), extent[2] + outside, extent[3] + rng.randint(6, 2 * CAP)]
    if rng.random() < 0.35:
        rounded(field, [e + s * rng.randint(3, 9) for e, s in zip(edges, (1, 1, -1, -1))], rng.randint(0, 20), rng.choice((1, 2, 2, 4)))
    return plate(rng, field.shape, edges, rng.randint(0, 24)) if rng.random() < 0.85 else None


def cell(rng, np_rng, field, text_box, setting, rows, m) -> np.ndarray | None:
    """A row of a table, or a box around the line."""
    x0, y0, x1, y1 = text_box
    extent = stacked(rng, np_rng, field, text_box, setting, rows, m)
    near = rng.randint(4, int(CAP * 0.45))
    thick = rng.choice((1, 1, 1, 2, 3))
    left, right = x0 - rng.randint(4, 60), x1 + rng.randint(4, 60)
    if rng.random() < 0.5:
        rounded(field, (left, y0 - near, right, y1 + near), 0, thick)
    else:
        for y in (y0 - near, y1 + near, y0 - near - int(1.6 * CAP), y1 + near + int(1.6 * CAP)):
            cv2.line(field, (left, y), (right, y), 1.0, thick)
        for x in (left, right):
            cv2.line(field, (x, extent[1] - CAP), (x, extent[3] + CAP), 1.0, thick)
    edges = [min(left, extent[0]) - rng.randint(4, 60), extent[1] - rng.randint(4, CAP), max(right, extent[2]) + rng.randint(4, 60), extent[3] + rng.randint(4, CAP)]
    return plate(rng, field.shape, edges, rng.randint(0, 20)) if rng.random() < 0.7 else None


def pill(rng, np_rng, field, text_box, setting, rows, m) -> np.ndarray | None:
    """A clearing with round ends in the windshield's black print, or a plate of that shape."""
    x0, y0, x1, y1 = text_box
    pad, high = rng.randint(6, 3 * CAP), rng.randint(int(CAP * 0.15), int(CAP * 0.8))
    edges = [x0 - pad, y0 - high, x1 + pad, y1 + high]
    radius = int((edges[3] - edges[1]) * rng.choice((0.5, 0.5, 0.3, 0.15)))
    if rng.random() < 0.5:
        for i in range(rng.choice((1, 1, 2))):
            rounded(field, [e + s * (3 + 6 * i) for e, s in zip(edges, (1, 1, -1, -1))], max(0, radius - 3 - 6 * i), rng.choice((1, 1, 2)))
    return plate(rng, field.shape, edges, radius) if rng.random() < 0.8 else None


def alone(rng, np_rng, field, text_box, setting, rows, m) -> np.ndarray | None:
    x0, y0, x1, y1 = text_box
    if rng.random() < 0.15:  # an edge or seam of the sheet
        y = y0 - rng.randint(8, CAP) if rng.random() < 0.5 else y1 + rng.randint(8, CAP)
        cv2.line(field, (0, y), (field.shape[1], y + rng.randint(-8, 8)), 1.0, rng.choice((2, 4, 10)))
    if rng.random() < 0.1:
        rounded(field, (x0 - rng.randint(8, 40), y0 - rng.randint(6, 20), x1 + rng.randint(8, 40), y1 + rng.randint(6, 20)), 4, rng.choice((1, 2, 3)))
    if rng.random() < 0.25:
        stacked(rng, np_rng, field, text_box, setting, min(rows, 1), m)
    far = [x0 - rng.randint(20, 120), y0 - rng.randint(10, 2 * CAP), x1 + rng.randint(20, 120), y1 + rng.randint(10, 2 * CAP)]
    return plate(rng, field.shape, far, rng.randint(0, 12)) if rng.random() < 0.3 else None


def document(rng, np_rng, field, text_box, setting, rows, m) -> np.ndarray | None:
    """Lines of a form with keys before and dotted rules under them."""
    x0, y0, x1, y1 = text_box
    stacked(rng, np_rng, field, text_box, setting, rows, m)
    if rng.random() < 0.6:
        key, _ = setting.line(rng.choice(("E", "(E)", "VIN", "4", "Идентификационный номер", "车辆识别代号", "FIN", "5.")), glyphs.face(rng, {"sans": 1, "serif": 1}), rng.uniform(0.5, 0.9))
        paste(field, key, x0 - key.shape[1] - rng.randint(10, 60), y1 + MARGIN - key.shape[0] - rng.randint(0, 8))
    if rng.random() < 0.6:
        for y in (y0 - rng.randint(6, 20), y1 + rng.randint(4, 14)):
            row = field[min(y, field.shape[0] - 2)]
            row[:: rng.choice((1, 1, 3))] = rng.uniform(0.3, 1)
    return None


LAYOUTS = {"label": label, "cell": cell, "pill": pill, "alone": alone, "document": document}


def plate(rng: random.Random, shape, edges, radius: int) -> np.ndarray:
    """Where a plate is, 0..1; some of its edges lie outside the picture."""
    far = (-99, -99, shape[1] + 99, shape[0] + 99)
    edges = [e if rng.random() < 0.75 else f for e, f in zip(edges, far)]
    inside = np.zeros(shape, np.float32)
    rounded(inside, edges, radius, -1)
    return inside


def rounded(field: np.ndarray, edges, radius: int, thick: int) -> None:
    """A rectangle with round corners, filled if `thick` is -1."""
    x0, y0, x1, y1 = (int(e) for e in edges)
    r = max(0, min(radius, (x1 - x0) // 2, (y1 - y0) // 2))
    corners = [(x0 + r, y0 + r, 180), (x1 - r, y0 + r, 270), (x1 - r, y1 - r, 0), (x0 + r, y1 - r, 90)]
    angles = np.radians(np.arange(0, 91, 15 if r else 90))
    points = [(x + r * np.cos(np.radians(turn) + a), y + r * np.sin(np.radians(turn) + a)) for x, y, turn in corners for a in angles]
    points = np.int32(np.round(points))
    if thick < 0:
        cv2.fillPoly(field, [points], 1.0, cv2.LINE_AA)
    else:
        cv2.polylines(field, [points], True, 1.0, thick, cv2.LINE_AA)


def edged(rng: random.Random, np_rng, picture: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """What is beyond the plate, with its shadow or a bright rim between."""
    level = rng.uniform(0, 1)
    kind = rng.choice(("smooth", "grain", "peel", "weave"))
    beyond = level + texture(rng, np_rng, picture.shape, kind) * (0.4 + level)
    if rng.random() < 0.3:  # see-through: the surface goes on, lighter or darker
        beyond = picture * 0.5 + level * 0.5
    if rng.random() < 0.3:
        soft = cv2.GaussianBlur(inside, (0, 0), rng.uniform(1.5, 5))
        beyond = beyond + (soft - inside) * rng.uniform(-0.8, 0.8)
    return picture * inside + beyond * (1 - inside)


def barcode(np_rng, bars: int, unit: int, height: int) -> np.ndarray:
    """Coverage of bars and gaps as they come, `unit` pixels each."""
    row = np.repeat(np_rng.integers(0, 2, (1, bars)), unit, 1).astype(np.float32)
    return np.repeat(row, height, 0)


def paste(field: np.ndarray, patch: np.ndarray, x: int, y: int) -> None:
    """Ink added to a field; what lies outside of it is lost."""
    x, y = int(x), int(y)
    y0, y1 = max(0, y), min(field.shape[0], y + patch.shape[0])
    x0, x1 = max(0, x), min(field.shape[1], x + patch.shape[1])
    if y1 > y0 and x1 > x0:
        region = field[y0:y1, x0:x1]
        np.maximum(region, patch[y0 - y : y1 - y, x0 - x : x1 - x], out=region)
