"""What a camera makes of a flat surface: where it stands (perspective), its lens, its sensor, its JPEG."""

import random
from dataclasses import dataclass

import cv2
import numpy as np

FEWEST, MOST = 4.2, 18  # pixels a character
FAR, NEAR = (6.5, 0.36), (13, 0.3)  # their median and spread, from across the yard and from beside the car
NEARBY = 0.35  # share of the latter


@dataclass
class View:
    """How points of the surface come into the photograph: a homography, then the lens's distortion."""

    homography: np.ndarray
    size: tuple[int, int]  # width, height
    bulge: float = 0.0  # how much nearer to the middle (barrel) a corner of the photograph gets, as a share

    def project(self, points: np.ndarray) -> np.ndarray:
        """Where points [n,2] of the surface are in the photograph."""
        flat = cv2.perspectiveTransform(np.float32(points)[None], self.homography)[0]
        middle, reach = self._lens()
        seen = flat = (flat - middle) / reach
        for _ in range(4):  # the inverse of what `take` does
            seen = flat / (1 + self.bulge * (seen**2).sum(1, keepdims=True))
        return (seen * reach + middle).astype(np.float32)

    def take(self, picture: np.ndarray) -> np.ndarray:
        """The surface seen."""
        if abs(self.bulge) < 1e-4:
            return cv2.warpPerspective(picture, self.homography, self.size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
        w, h = self.size
        middle, reach = self._lens()
        x = (np.arange(w, dtype=np.float32)[None] - middle[0]) / reach
        y = (np.arange(h, dtype=np.float32)[:, None] - middle[1]) / reach
        stretch = (1 + self.bulge * (x * x + y * y)) * reach
        back = np.linalg.inv(self.homography).astype(np.float32)
        x, y = x * stretch + middle[0], y * stretch + middle[1]
        depth = back[2, 0] * x + back[2, 1] * y + back[2, 2]
        u, v = (back[0, 0] * x + back[0, 1] * y + back[0, 2]) / depth, (back[1, 0] * x + back[1, 1] * y + back[1, 2]) / depth
        return cv2.remap(picture, u, v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)

    def _lens(self):
        w, h = self.size
        return np.float32([w / 2, h / 2]), np.float32(np.hypot(w, h) / 2)


def view(rng: random.Random, corners: np.ndarray, aspect: tuple[float, float]) -> View:
    """A place for the camera: the line's length in pixels, its height (see Material.aspect), tilt, and the slant of the surface."""
    median, spread = NEAR if rng.random() < NEARBY else FAR
    length = 17 * min(max(float(np.exp(rng.gauss(np.log(median), spread))), FEWEST), MOST)
    height = max(5.5, length / float(np.exp(rng.gauss(np.log(aspect[0]), aspect[1]))))
    angle = np.radians(rng.gauss(0, 8) if rng.random() < 0.8 else rng.uniform(-40, 40))
    taper = 1 + np.clip(rng.gauss(0, 0.12), -0.35, 0.35)
    shear = rng.gauss(0, 0.2)
    half = np.float32([[-length / 2, -height / 2], [length / 2, -height / 2 * taper], [length / 2, height / 2 * taper], [-length / 2, height / 2]])
    half[:, 0] += shear * half[:, 1]
    turn = np.float32([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    rolling = np.float32([[1, rng.gauss(0, 0.08) if rng.random() < 0.3 else 0], [0, 1]])  # rows read one after another in motion
    turn = rolling @ turn
    target = half @ turn.T
    # As much around the line as a wide strip shows, in the line's own directions.
    around = half * np.float32([[1.68, 2.9]]) @ turn.T
    low, high = around.min(0) - 3, around.max(0) + 3
    size = (int(high[0] - low[0]), int(high[1] - low[1]))
    homography = cv2.getPerspectiveTransform(np.float32(corners), (target - low).astype(np.float32))
    bulge = rng.gauss(0, 0.035) if rng.random() < 0.5 else 0.0
    return View(homography, size, float(np.clip(bulge, -0.08, 0.1)))


def soften(picture: np.ndarray, shrink: float) -> np.ndarray:
    """Before a surface is seen `shrink` times smaller: no detail finer than the photograph's pixels."""
    return cv2.GaussianBlur(picture, (0, 0), 0.38 * shrink) if shrink > 1.3 else picture


def focus(rng: random.Random, photo: np.ndarray, unit: float) -> np.ndarray:
    """Out of focus, in motion, or sharp; `unit` is a character's width."""
    kind = rng.random()
    if kind < 0.38:
        return cv2.GaussianBlur(photo, (0, 0), rng.uniform(0.3, 0.75) * max(0.75, unit / 9))
    if kind < 0.45:  # a disc
        r = rng.uniform(0.5, 1.0) * max(0.75, unit / 8)
        n = int(r) * 2 + 3
        y, x = np.mgrid[:n, :n].astype(np.float32) - n // 2
        disc = np.clip(r + 0.5 - np.sqrt(x * x + y * y), 0, 1)
        return cv2.filter2D(photo, -1, disc / disc.sum())
    if kind < 0.58:  # along the camera's motion, which may go back and forth
        reach = rng.uniform(0.6, 2.0) * max(0.75, unit / 8)
        n = int(reach) * 2 + 3
        angle = rng.uniform(0, np.pi)
        kernel = np.zeros((n * 4, n * 4), np.float32)
        d = np.float32([np.cos(angle), np.sin(angle)]) * reach * 2
        a, b = np.int32(n * 2 - d), np.int32(n * 2 + d)
        cv2.line(kernel, (int(a[0]), int(a[1])), (int(b[0]), int(b[1])), 1.0, 3, cv2.LINE_AA)
        kernel = cv2.resize(kernel, (n, n), interpolation=cv2.INTER_AREA)
        return cv2.filter2D(photo, -1, kernel / kernel.sum())
    return cv2.GaussianBlur(photo, (0, 0), rng.uniform(0.25, 0.6)) if kind < 0.92 else photo


def sensor(rng: random.Random, np_rng, photo: np.ndarray) -> np.ndarray:
    """Exposure, noise, rolling bands, sharpening: 0..1 in, bytes out."""
    if rng.random() < 0.8:  # measured so that what is bright just is not white
        bright = float(np.percentile(photo[::3, ::3], 98))
        photo = photo * min(max(rng.uniform(0.6, 1.05) / max(bright, 0.02), 0.4), 3.5)
    kind = rng.random()
    if kind < 0.1:  # night: little light, raised again
        light = rng.uniform(0.04, 0.2)
        grains = np_rng.standard_normal(photo.shape, np.float32)
        if rng.random() < 0.5:  # denoised to blotches
            grains = cv2.GaussianBlur(grains, (0, 0), rng.uniform(0.6, 1.2)) * 1.6
        photo = photo + grains * np.sqrt(np.maximum(photo, 0.02)) * (0.01 / light**0.5) * rng.uniform(0.5, 1.5)
        photo = photo * rng.uniform(0.45, 1)
    elif kind < 0.17:  # too bright
        photo = photo * rng.uniform(1.1, 1.6)
    elif kind < 0.3:
        photo = np.maximum(photo, 0) ** rng.uniform(0.6, 1.6)
    elif kind < 0.4:
        photo = photo * rng.uniform(0.55, 1)
    if rng.random() < 0.05:  # lamps that flicker while the rows are read
        y = np.arange(photo.shape[0], dtype=np.float32)[:, None]
        photo = photo * (1 + rng.uniform(0.03, 0.2) * np.sin(y * (2 * np.pi / rng.uniform(12, 90)) + rng.uniform(0, 6)))
    if rng.random() < 0.45:  # in-camera sharpening
        photo = photo + (photo - cv2.GaussianBlur(photo, (0, 0), rng.uniform(0.7, 1.6))) * rng.uniform(0.2, 1.5)
    grain = rng.choice((0, 0.004, 0.01, 0.025)) * rng.random()
    if grain:
        photo = photo + np_rng.standard_normal(photo.shape, np.float32) * grain
    return np.clip(photo * 255, 0, 255).astype(np.uint8)


def stored(rng: random.Random, photo: np.ndarray) -> np.ndarray:
    """Through JPEG, once or twice, the first time perhaps at another size."""
    if rng.random() < 0.2:
        h, w = photo.shape
        scale = rng.uniform(0.75, 1.8)
        larger = cv2.resize(photo, (max(16, int(w * scale)), max(16, int(h * scale))), interpolation=cv2.INTER_LINEAR)
        photo = cv2.resize(jpeg(larger, rng.randint(25, 85)), (w, h), interpolation=rng.choice((cv2.INTER_AREA, cv2.INTER_LINEAR, cv2.INTER_CUBIC)))
    return jpeg(photo, int(rng.triangular(28, 96, 85))) if rng.random() < 0.8 else photo


def jpeg(photo: np.ndarray, quality: int) -> np.ndarray:
    _, data = cv2.imencode(".jpg", photo, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return cv2.imdecode(data, cv2.IMREAD_GRAYSCALE)
