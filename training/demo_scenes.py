"""Renders the scenes of `vinspect demo`: 1280×720 colour JPEGs, and src/cli/demo/scenes.rs that lists them.

`python demo_scenes.py --out ../src/cli/demo`

All vehicles are made up. Fonts: see requirements.txt.
"""

import argparse
from pathlib import Path

import cv2
import numpy as np

import vins
from glyphs import CAP, families, font_size, glyph, widest
from materials import noise

W, H = 1280, 720


def font(name: str) -> str:
    return next(path for family in families() for path in family if name in path)


def text_mask(text: str, path: str, height: float, spacing: float = 0.2) -> np.ndarray:
    """Coverage of a line whose capitals are `height` pixels high."""
    gap = int(widest(path) * spacing)
    parts = []
    for c in text:
        g = glyph(path, font_size(path), c) if c != " " else np.zeros((CAP + 12, widest(path) // 2), np.uint8)
        parts += [g, np.zeros((CAP + 12, gap), np.uint8)]
    mask = np.concatenate(parts, 1).astype(np.float32) / 255
    scale = height / CAP
    mode = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.clip(cv2.resize(mask, None, fx=scale, fy=scale, interpolation=mode), 0, 1)


def put(sheet: np.ndarray, mask: np.ndarray, x: float, y: float, colour, strength=1.0) -> None:
    """Prints a mask onto a colour sheet, its upper left corner at x, y."""
    x, y = int(x), int(y)
    h, w = min(mask.shape[0], sheet.shape[0] - y), min(mask.shape[1], sheet.shape[1] - x)
    a = mask[:h, :w, None] * strength
    sheet[y : y + h, x : x + w] = sheet[y : y + h, x : x + w] * (1 - a) + np.float32(colour) * a


def lay(scene: np.ndarray, sheet: np.ndarray, corners, shadow=0.5, mask=None) -> None:
    """Lays a sheet into the scene with a soft shadow under it."""
    h, w = sheet.shape[:2]
    m = cv2.getPerspectiveTransform(np.float32([[0, 0], [w, 0], [w, h], [0, h]]), np.float32(corners))
    mask = np.ones((h, w), np.float32) if mask is None else mask
    over = cv2.warpPerspective(sheet, m, (W, H), flags=cv2.INTER_AREA)
    where = cv2.GaussianBlur(cv2.warpPerspective(mask, m, (W, H), flags=cv2.INTER_LINEAR), (0, 0), 0.7)
    dark = cv2.GaussianBlur(np.roll(where, (5, 4), (0, 1)), (0, 0), 7)[..., None] * shadow
    scene[:] = scene * (1 - dark * (1 - where[..., None]))
    scene[:] = scene * (1 - where[..., None]) + over * where[..., None]


def rounded(h: int, w: int, r: int) -> np.ndarray:
    mask = np.zeros((h, w), np.float32)
    cv2.rectangle(mask, (r, 0), (w - r, h), 1, -1)
    cv2.rectangle(mask, (0, r), (w, h - r), 1, -1)
    for x in (r, w - r - 1):
        for y in (r, h - r - 1):
            cv2.circle(mask, (x, y), r, 1, -1, cv2.LINE_AA)
    return mask


def grain(np_rng, scene: np.ndarray, scale: float, amount: float) -> None:
    scene += noise(np_rng, scene.shape[:2], scale)[..., None] * amount


def gradient(a, b, angle: float) -> np.ndarray:
    """From colour a to colour b across the picture."""
    y, x = np.mgrid[:H, :W].astype(np.float32)
    t = (x / W * np.cos(angle) + y / H * np.sin(angle))[..., None]
    t = (t - t.min()) / (t.max() - t.min())
    return np.float32(a) * (1 - t) + np.float32(b) * t


def streak(scene: np.ndarray, points, width: int, blur: float, colour, amount: float) -> None:
    veil = np.zeros((H, W), np.float32)
    cv2.polylines(veil, [np.int32(points)], False, 1.0, width, cv2.LINE_AA)
    scene += cv2.GaussianBlur(veil, (0, 0), blur)[..., None] * np.float32(colour) * amount


def dashboard(np_rng, plate: np.ndarray | None, corners=None, tint=(0.16, 0.16, 0.17)) -> np.ndarray:
    """The foot of a windshield seen from outside: dashboard, plate, black band with dots, reflections."""
    scene = gradient(np.float32(tint) * 1.9, np.float32(tint) * 0.6, 1.2)
    for scale, amount in ((260, 0.03), (30, 0.008), (3, 0.018)):
        grain(np_rng, scene, scale, amount)
    for i in range(9):  # vent slats
        y = 40 + i * 15
        cv2.line(scene, (60, y + 60), (430, y), (0.05, 0.05, 0.055), 6, cv2.LINE_AA)
        cv2.line(scene, (60, y + 65), (430, y + 5), (0.3, 0.3, 0.31), 1, cv2.LINE_AA)
    streak(scene, [(0, 330), (500, 250), (1280, 190)], 3, 1.2, (0.5, 0.5, 0.52), 0.35)
    if plate is not None:
        lay(scene, plate, corners, 0.6, rounded(*plate.shape[:2], 10))
    band = np.zeros((H, W), np.float32)
    cv2.fillPoly(band, [np.int32([[0, 640], [640, 612], [1280, 655], [1280, 720], [0, 720]])], 1.0, cv2.LINE_AA)
    for row in range(5):
        for x in range(0, W, 15):
            base = 640 - 28 * x / 640 if x < 640 else 612 + 43 * (x - 640) / 640
            cv2.circle(band, (x + 7 * (row % 2), int(base - 6 - row * 11)), max(1, 5 - row), 1.0, -1, cv2.LINE_AA)
    scene = scene * (1 - band[..., None]) + band[..., None] * np.float32((0.035, 0.035, 0.04))
    # what the glass mirrors
    streak(scene, [(760, -60), (1120, 330), (1330, 480)], 150, 45, (0.95, 0.85, 0.75), 0.20)
    streak(scene, [(-50, 520), (260, 420), (330, 330)], 60, 28, (0.9, 0.85, 0.8), 0.14)
    streak(scene, [(880, 30), (1180, 340)], 5, 2.5, (1, 0.98, 0.95), 0.25)
    return scene


def dash_plate(vin: str, path: str, ground, ink, spacing=0.24) -> np.ndarray:
    mask = text_mask(vin, path, 52, spacing)
    sheet = np.full((mask.shape[0] + 46, mask.shape[1] + 130, 3), ground, np.float32)
    sheet += np.linspace(0.05, -0.05, sheet.shape[0], dtype=np.float32)[:, None, None]
    put(sheet, mask, 65, 23, ink)
    for x in (26, sheet.shape[1] - 27):
        cv2.circle(sheet, (x, sheet.shape[0] // 2), 13, (0.55, 0.55, 0.56), -1, cv2.LINE_AA)
        cv2.circle(sheet, (x - 3, sheet.shape[0] // 2 - 3), 6, (0.8, 0.8, 0.8), -1, cv2.LINE_AA)
    return sheet


def quad(x: float, y: float, sheet: np.ndarray, width: float, tilt: float, squeeze=0.75, lean=0.0):
    """Corners of a sheet of that width, tilted by degrees, seen at a slant."""
    h = sheet.shape[0] / sheet.shape[1] * width * squeeze
    c, s = np.cos(np.radians(tilt)), np.sin(np.radians(tilt))
    flat = [(-width / 2, -h / 2), (width / 2, -h / 2 * (1 - lean)), (width / 2, h / 2 * (1 - lean)), (-width / 2, h / 2)]
    return [(x + c * a - s * b, y + s * a + c * b) for a, b in flat]


def jamb(np_rng, paint) -> np.ndarray:
    """A painted door jamb: folds, highlights, bolts, a rubber seal."""
    scene = gradient(np.float32(paint) * 1.15, np.float32(paint) * 0.6, 0.35)
    grain(np_rng, scene, 300, 0.03)
    grain(np_rng, scene, 2, 0.006)
    for x, dark in ((120, 0.3), (1130, 0.35)):
        streak(scene, [(x, -20), (x + 60, 740)], 26, 14, -np.float32(paint), dark * 2)
        streak(scene, [(x + 34, -20), (x + 92, 740)], 7, 4, (1, 1, 1), 0.35)
    cv2.fillPoly(scene, [np.int32([[1190, 0], [1280, 0], [1280, 720], [1235, 720]])], (0.05, 0.05, 0.055), cv2.LINE_AA)
    for x, y in ((235, 105), (1040, 640)):
        cv2.circle(scene, (x + 4, y + 6), 38, tuple(float(v) * 0.35 for v in paint), -1, cv2.LINE_AA)
        cv2.circle(scene, (x, y), 34, (0.42, 0.42, 0.43), -1, cv2.LINE_AA)
        hexagon = np.int32([[x + 23 * np.cos(a), y + 23 * np.sin(a)] for a in np.arange(6) * np.pi / 3 + 0.3])
        cv2.fillPoly(scene, [hexagon], (0.62, 0.62, 0.63), cv2.LINE_AA)
        cv2.polylines(scene, [hexagon], True, (0.3, 0.3, 0.3), 2, cv2.LINE_AA)
    return cv2.GaussianBlur(scene, (0, 0), 0.8)


def sticker(np_rng, vin: str, dark: bool, maker: str) -> np.ndarray:
    ground, ink = ((0.09, 0.09, 0.1), (0.85, 0.85, 0.86)) if dark else ((0.9, 0.9, 0.88), (0.07, 0.07, 0.08))
    sheet = np.full((430, 760, 3), ground, np.float32)
    plain, bold = font("LiberationSans-Regular"), font("LiberationSans-Bold")
    put(sheet, text_mask(maker, bold, 26), 36, 24, ink)
    put(sheet, text_mask("TYPE 3C  2.0  110 KW", plain, 17), 36, 84, ink, 0.9)
    put(sheet, text_mask("GVWR 2080 KG", plain, 17), 36, 120, ink, 0.9)
    put(sheet, text_mask("1 - 1120 KG", plain, 17), 420, 84, ink, 0.9)
    put(sheet, text_mask("2 - 1040 KG", plain, 17), 420, 120, ink, 0.9)
    put(sheet, text_mask(vin, font("LiberationMono-Bold"), 37, 0.14), 48, 186, ink)
    x = 60
    while x < 690:
        bar = int(np_rng.integers(2, 7))
        sheet[272:336, x : x + bar] = ink
        x += bar + int(np_rng.integers(3, 8))
    put(sheet, text_mask("PAINT LZ9Y   TRIM 82V   03", plain, 16), 36, 366, ink, 0.85)
    cv2.rectangle(sheet, (12, 12), (747, 417), ink, 2, cv2.LINE_AA)
    sheet += noise(np_rng, sheet.shape[:2], 90)[..., None] * 0.015
    return sheet


def stamped(np_rng, vin: str, paint, path: str, tilt: float, height: float, raw: bool) -> np.ndarray:
    """Characters punched into sheet metal, light from the upper left."""
    scene = gradient(np.float32(paint) * 1.2, np.float32(paint) * 0.75, 0.9)
    grain(np_rng, scene, 240, 0.05)
    if raw:
        scene += cv2.resize(np_rng.standard_normal((H, 10), np.float32), (W, H))[..., None] * 0.025
    grain(np_rng, scene, 2, 0.012)
    mask = text_mask(vin, path, height, 0.42)
    relief = np.zeros((H, W), np.float32)
    y, x = (H - mask.shape[0]) // 2, (W - mask.shape[1]) // 2
    relief[y : y + mask.shape[0], x : x + mask.shape[1]] = mask
    m = cv2.getRotationMatrix2D((W / 2, H / 2), -tilt, 1)
    relief = cv2.warpAffine(relief, m, (W, H))
    soft = cv2.GaussianBlur(relief, (0, 0), 2.0)
    dx, dy = cv2.Sobel(soft, cv2.CV_32F, 1, 0), cv2.Sobel(soft, cv2.CV_32F, 0, 1)
    scene += ((-dx - dy) * -0.16)[..., None] - cv2.GaussianBlur(relief, (0, 0), 1.2)[..., None] * 0.20 * np.float32(paint).mean() * 2
    edge = np.zeros((H, W), np.float32)
    cv2.rectangle(edge, (60, 120), (1220, 600), 1.0, 16)
    edge = cv2.GaussianBlur(cv2.warpAffine(edge, m, (W, H)), (0, 0), 6)
    scene += (cv2.Sobel(edge, cv2.CV_32F, 0, 1) + cv2.Sobel(edge, cv2.CV_32F, 1, 0))[..., None] * 0.35
    streak(scene, [(-100, 640), (500, 560), (1400, 690)], 60, 40, (1, 1, 1), 0.2)
    return scene


def document(np_rng, vin: str) -> np.ndarray:
    """A registration document on a desk."""
    scene = gradient((0.16, 0.24, 0.34), (0.09, 0.14, 0.2), 0.7)
    grain(np_rng, scene, 4, 0.01)
    scene += cv2.resize(np_rng.standard_normal((40, 6), np.float32), (W, H), interpolation=cv2.INTER_CUBIC)[..., None] * 0.012
    sheet = np.full((620, 1060, 3), (0.86, 0.93, 0.9), np.float32)
    y, x = np.mgrid[:620, :1060].astype(np.float32)
    sheet += (np.sin(x / 9 + 5 * np.sin(y / 60)) * np.sin(y / 11))[..., None] * 0.018
    ink, line = (0.13, 0.11, 0.1), (0.45, 0.55, 0.5)
    plain, mono = font("LiberationSans-Regular"), font("LiberationMono-Regular")
    put(sheet, text_mask("REGISTRATION CERTIFICATE  PART 1", font("LiberationSans-Bold"), 24), 40, 24, (0.35, 0.28, 0.2))
    rows = [("A", "KX 4471 L"), ("B", "14.03.2018"), ("D.1", "SEAT"), ("D.2", "5F ACCHHX"), ("E", vin), ("F.1", "1420"), ("P.1", "1242"), ("R", "WHITE")]
    for i, (key, value) in enumerate(rows):
        top = 96 + i * 62
        cv2.line(sheet, (36, top), (1024, top), line, 2, cv2.LINE_AA)
        put(sheet, text_mask(key, plain, 15), 46, top + 18, line)
        put(sheet, text_mask(value, mono, 24, 0.1), 170, top + 12, ink)
    cv2.line(sheet, (150, 96), (150, 592), line, 2)
    lay(scene, sheet, [(150, 78), (1128, 40), (1176, 640), (118, 664)], 0.7)
    streak(scene, [(900, -50), (1250, 700)], 160, 80, (1, 0.97, 0.9), 0.10)
    return scene


def photograph(np_rng, scene: np.ndarray, blur=0.7, turn=False) -> np.ndarray:
    """Lens and sensor."""
    y, x = np.mgrid[:H, :W].astype(np.float32)
    away = ((x / W - 0.5) ** 2 + (y / H - 0.5) ** 2)[..., None]
    scene = cv2.GaussianBlur(scene * (1.06 - 0.55 * away), (0, 0), blur)
    scene = scene + np_rng.standard_normal(scene.shape).astype(np.float32) * 0.012
    picture = np.clip(scene * 255, 0, 255).astype(np.uint8)
    return picture[::-1, ::-1].copy() if turn else picture


def checked(vin: str) -> str:
    """With the check digit in place 9."""
    return vin[:8] + vins.check_digit(vin) + vin[9:]


def scenes(np_rng):
    """(file, what it shows, VIN or none, expected, picture)"""
    silver, black, white = (0.66, 0.67, 0.68), (0.05, 0.05, 0.055), (0.88, 0.88, 0.87)
    vw, ford = "WVWZZZAUZKW384512", checked("1FTEW1EP0LFA24861")
    toyota, saic = checked("JTMRWRFV0LD051846"), checked("LSJW74U90MZ207315")
    skoda, peugeot = checked("TMBJJ7NX0MY042718"), "VF3LCYHZPFS198274"
    bmw, seat = checked("WBA5A7C50FG142687"), "VSSZZZ5FZHR146839"

    yield "jamb_1", "door sticker", saic, "accepted", photograph(np_rng, on_jamb(np_rng, saic, False, "SAIC MOTOR", (0.42, 0.16, 0.1), 3))
    plate = dash_plate(ford, font("LiberationMono-Regular"), silver, black)
    yield "dash_2", "dash plate", ford, "accepted", photograph(np_rng, dashboard(np_rng, plate, quad(640, 400, plate, 680, 5, 0.85, 0.08), (0.22, 0.2, 0.18)))
    yield "empty", "empty bay", None, "no_read", photograph(np_rng, dashboard(np_rng, None))
    yield "stamp_2", "stamped metal, slanted", bmw, "accepted", photograph(np_rng, stamped(np_rng, bmw, (0.33, 0.2, 0.13), font("DejaVuSansMono.ttf"), 17, 34, False))
    plate = dash_plate(toyota, font("B612Mono-Regular"), silver, black)
    scene = dashboard(np_rng, plate, quad(600, 420, plate, 520, 2, 0.8))
    kernel = np.zeros((31, 31), np.float32)
    cv2.line(kernel, (0, 12), (30, 18), 1.0, 3)
    streak(scene, [(380, 300), (640, 420), (980, 560)], 120, 40, (1, 0.97, 0.92), 0.8)
    yield "blurred", "unreadable", toyota, "not_accepted", photograph(np_rng, cv2.filter2D(scene, -1, kernel / kernel.sum()), blur=4)
    plate = dash_plate(toyota, font("B612Mono-Regular"), white, black, 0.2)
    yield "dash_3", "dash plate", toyota, "accepted", photograph(np_rng, dashboard(np_rng, plate, quad(700, 440, plate, 600, -9, 0.8, -0.08)))
    plate = dash_plate(vw, font("RobotoCondensed-Regular"), black, white)
    yield "dash_1", "dash plate", vw, "accepted", photograph(np_rng, dashboard(np_rng, plate, quad(560, 430, plate, 620, -4, 0.8, 0.06)))
    yield "stamp_1", "stamped metal", peugeot, "accepted", photograph(np_rng, stamped(np_rng, peugeot, (0.5, 0.5, 0.52), font("LiberationMono-Bold"), -2, 38, True))
    yield "paper", "document", seat, "accepted", photograph(np_rng, document(np_rng, seat))
    yield "jamb_2", "door sticker, upside down", skoda, "accepted", photograph(np_rng, on_jamb(np_rng, skoda, True, "SKODA AUTO A.S.", (0.62, 0.62, 0.6), -4), turn=True)


def on_jamb(np_rng, vin: str, dark: bool, maker: str, paint, tilt: float) -> np.ndarray:
    scene = jamb(np_rng, paint)
    sheet = sticker(np_rng, vin, dark, maker)
    lay(scene, sheet, quad(640, 365, sheet, 740, tilt, 1.0, 0.05), 0.35, rounded(430, 760, 18))
    streak(scene, [(420, -40), (620, 760)], 70, 40, (1, 1, 1), 0.10)
    return scene


def listed(rows) -> str:
    """The text of scenes.rs' table."""
    entries = []
    for file, name, vin, expected in rows:
        wanted = {"accepted": f'Expected::Accepted("{vin}")', "not_accepted": "Expected::NotAccepted", "no_read": "Expected::NoRead"}[expected]
        entries.append(f'    Shown {{\n        name: "{name}",\n        jpeg: include_bytes!("{file}.jpg"),\n        expected: {wanted},\n    }},\n')
    return "pub const SCENES: &[Shown] = &[\n" + "".join(entries) + "];\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    a = parser.parse_args()
    rows, total = [], 0
    for file, name, vin, expected, picture in scenes(np.random.default_rng(7)):
        path = a.out / f"{file}.jpg"
        cv2.imwrite(str(path), picture, [cv2.IMWRITE_JPEG_QUALITY, 82])
        total += path.stat().st_size
        rows.append((file, name, vin, expected))
    source = a.out / "scenes.rs"
    head = source.read_text().split("pub const SCENES")[0]
    source.write_text(head + listed(rows))
    print(len(rows), "scenes,", total, "bytes")


if __name__ == "__main__":
    main()
