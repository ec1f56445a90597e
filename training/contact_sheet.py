"""A picture of what is rendered, for a person to look at: typefaces, every material, what the weather does, scenes.

`python contact_sheet.py --out sheet.png [--shared ../../shared] [--real shards/real/train.npz]`

With --shared the makers' codes are the real ones and scenes have photographs behind them; with --real, strips cut from
photographs stand beside the rendered ones.
"""

import argparse
import random
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

import glyphs
import scenes
import strips
import vins
import weather
from labels import mark
from materials import MATERIALS
from real import pictures

COLUMNS, ROWS = 4, 5
WIDTH = COLUMNS * (strips.WIDTH + 4)


def caption(text: str) -> np.ndarray:
    image = Image.new("L", (WIDTH, 30), 255)
    ImageDraw.Draw(image).text((6, 5), text, 0, ImageFont.truetype(glyphs.named("DejaVuSans."), 17))
    return np.asarray(image)


def tiles(images: list[np.ndarray], columns: int) -> np.ndarray:
    """Images of one size in rows, as wide as the sheet."""
    framed = [np.pad(image, 2, constant_values=255) for image in images]
    framed += [np.full_like(framed[0], 255)] * (-len(framed) % columns)
    sheet = np.concatenate([np.concatenate(framed[i : i + columns], 1) for i in range(0, len(framed), columns)])
    return cv2.copyMakeBorder(sheet, 0, 0, 0, max(0, WIDTH - sheet.shape[1]), cv2.BORDER_CONSTANT, value=255)[:, :WIDTH]


def typefaces(rng: random.Random) -> list[np.ndarray]:
    """All characters in three faces of every style, the last one cut as a stencil where that is done."""
    rows = []
    for style in (*glyphs.FONTS, *glyphs.DRAWN):
        for stencil in (0, 0, 1):
            ink, _ = glyphs.line(rng, vins.ALPHABET + " *-/.", glyphs.face(rng, {style: 1}, stencil), 0.2, False, 0)
            ink = cv2.resize(ink, None, fx=0.75, fy=0.75, interpolation=cv2.INTER_AREA)
            row = np.full((ink.shape[0], WIDTH // 2 - 4), 255, np.uint8)
            wide = min(row.shape[1], ink.shape[1])
            row[:, :wide] -= (ink[:, :wide] * 255).astype(np.uint8)
            rows.append(row)
    return [caption("typefaces: " + ", ".join((*glyphs.FONTS, *glyphs.DRAWN))), tiles(rows, 2)]


def weathers(seed: int) -> list[np.ndarray]:
    """One plate as it is, then under each effect."""
    plain = mark(*generators(seed), "1HGCM82633A004352", MATERIALS["dark label"], 2).picture
    plain = cv2.resize(plain, (380, 96), interpolation=cv2.INTER_AREA)
    effects = [weather.mirrored, weather.tinted, weather.dusty, weather.rainy, weather.hazy, weather.doubled]
    shown = [plain]
    for effect in effects:
        rng, np_rng = generators(seed + len(shown))
        shown += [effect(rng, np_rng, plain, 12.0), effect(rng, np_rng, plain, 12.0)]
    rng, _ = generators(seed)
    shown += [weather.shadow(rng, plain), weather.slanting(rng, plain), weather.glare(rng, plain, 12.0)]
    shown = [(np.clip(image, 0, 1) * 255).astype(np.uint8) for image in shown]
    names = "as it is; twice each: " + ", ".join(e.__name__ for e in effects) + "; shadow, slanting, glare"
    return [caption("weather: " + names), tiles(shown, COLUMNS)]


def outlined(scene: np.ndarray, quads: np.ndarray) -> np.ndarray:
    """A scene with its quads; the first corner is marked."""
    scene = scene.copy()
    for quad in quads[~np.isnan(quads).any((1, 2))]:
        cv2.polylines(scene, [np.int32(quad)], True, 255, 1, cv2.LINE_AA)
        cv2.circle(scene, tuple(int(v) for v in quad[0]), 4, 255, -1)
    return scene


def generators(seed: int):
    return random.Random(seed), np.random.default_rng(seed)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--shared", type=Path)
    parser.add_argument("--real", type=Path, help="a shard of real strips")
    parser.add_argument("--seed", type=int, default=1)
    a = parser.parse_args()
    common, rare, photographs = ["XW8", "WVW", "LVV", "Z94", "W0L"], ["1FT", "JTM", "VF3", "TMB"], []
    if a.shared:
        found = pictures(a.shared / "real")
        common, rare = strips.makers(a.shared, found)
        photographs = [(a.shared / "real" / "images" / p.file, p.box) for p in found if p.part == "train"]
    rng, np_rng = generators(a.seed)
    sheet = typefaces(rng)
    if a.real:
        real = np.load(a.real)["strips"]
        picked = np_rng.permutation(len(real))[: COLUMNS * ROWS * 2]
        sheet += [caption("real photographs"), tiles(list(real[picked]), COLUMNS)]
    for name, m in MATERIALS.items():
        drawn = [strips.sample(rng, np_rng, common, rare, m)[0] for _ in range(COLUMNS * ROWS)]
        sheet += [caption(f"{name} ({m.share:.0%})"), tiles(drawn, COLUMNS)]
    sheet += weathers(a.seed)
    seen = [outlined(*scenes.sample(rng, np_rng, common, rare, photographs)) for _ in range(9)]
    sheet += [caption("scenes, with the corners of their VINs"), tiles(seen, 3)]
    cv2.imwrite(str(a.out), np.concatenate(sheet))


if __name__ == "__main__":
    main()
