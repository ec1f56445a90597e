"""What training relies on: same seed same pictures, labels that are where the ink is, letters that differ.

`python -m unittest tests/test_render.py`, in training/.
"""

import itertools
import random
import unittest
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest import mock

import cv2
import numpy as np

import frames
import glyphs
import scenes
import strips
import vins
from camera import View
from labels import mark
from materials import MATERIALS
from nets import WIDE_BOX

COMMON, RARE = ["XW8", "WVW", "LVV"], ["1FT", "JTM", "VF3", "SA9"]
cv2.setNumThreads(1)


def generators(seed: int):
    return random.Random(seed), np.random.default_rng(seed)


def drawn(seed: int, count: int, material: str | None = None):
    rng, np_rng = generators(seed)
    return [strips.sample(rng, np_rng, COMMON, RARE, MATERIALS[material] if material else None) for _ in range(count)]


class Strips(unittest.TestCase):
    def test_same_seed_same_bytes(self):
        once, again, other = (drawn(seed, 25) for seed in (5, 5, 6))
        for a, b in zip(once, again):
            for x, y in zip(a, b):
                np.testing.assert_array_equal(x, y)
        self.assertTrue(any((a[0] != b[0]).any() for a, b in zip(once, other)))

    def test_a_shard_is_what_training_reads(self):
        with TemporaryDirectory() as folder:
            out = Path(folder) / "strips.npz"
            strips.shard((COMMON, RARE, 8, 3, out))
            shard = np.load(out)
            got = {key: (shard[key].shape, shard[key].dtype) for key in shard}
        self.assertEqual(got["strips"], ((8, 64, 384), np.uint8))
        self.assertEqual(got["labels"], ((8, 17), np.uint8))
        self.assertEqual(got["centres"], ((8, 17), np.float16))
        self.assertEqual(got["marks"], ((8,), np.uint8))

    def test_lines_have_labels_and_centres_in_order(self):
        for _, label, centres, is_mark in drawn(7, 60):
            if (label < len(vins.WRITING)).all():
                self.assertEqual(bool(is_mark), bool((label < len(vins.ALPHABET)).all()))
                self.assertTrue((np.diff(centres.astype(float)) > 0).all())
                self.assertTrue(centres[0] > WIDE_BOX[0] - 3 and centres[-1] < WIDE_BOX[2] + 3)
            else:
                self.assertFalse(is_mark)
                self.assertTrue((label == 255).all() and (centres == 0).all())

    def test_centres_lie_on_ink(self):
        """Columns at the characters' centres differ more from the ground than columns between them."""
        for material in ("light label", "dark label", "document"):
            on = between = 0.0
            for strip, _, centres, is_mark in drawn(8, 40, material):
                if not is_mark:
                    continue
                text = strip[20:44].astype(float)
                strength = np.abs(text - np.median(text)).mean(0)
                x = centres.astype(float)
                column = np.arange(strip.shape[1])
                half = np.diff(x).mean() / 4
                on += np.mean([strength[np.abs(column - c) < half].mean() for c in x])
                between += np.mean([strength[np.abs(column - c) < half].mean() for c in (x[1:] + x[:-1]) / 2])
            self.assertGreater(on, between * 1.1, material)

    def test_every_material_stands_out(self):
        for name in MATERIALS:
            seen = [strips.legible(s[0]) for s in drawn(9, 12, name) if s[3]]
            self.assertGreater(np.mean(seen), 0.8, name)


class Letters(unittest.TestCase):
    STYLES = (*glyphs.FONTS, *glyphs.DRAWN)

    def test_every_style_tells_all_characters_apart(self):
        for style, stencil in itertools.product(self.STYLES, (0.0, 1.0)):
            rng = random.Random(1)
            for _ in range(4):
                face = glyphs.face(rng, {style: 1}, stencil)
                shapes = {c: normal(glyphs.letter(face, c)) for c in vins.ALPHABET}
                for a, b in itertools.combinations(vins.ALPHABET, 2):
                    self.assertGreater(np.abs(shapes[a] - shapes[b]).mean(), 0.02, f"{a} and {b} in {face}")

    def test_what_a_face_draws_alike_is_read_alike(self):
        told = {glyphs.readable(glyphs.Face("stroke", weight=5, alternates=alternates), "IOQ") for alternates in (0b00000, 0b01000)}
        self.assertEqual(told, {"IOQ", "I0Q"})  # a zero that is an O
        self.assertEqual(glyphs.readable(glyphs.Face("din", glyphs.named("routed-gothic.")), "B1IO0Q"), "B1100Q")
        self.assertEqual(glyphs.readable(glyphs.Face("mono", glyphs.named("LiberationMono-Regular")), "IOQ"), "IOQ")

    def test_a_strip_says_what_can_be_read(self):
        rng, np_rng = generators(21)
        rings = replace(MATERIALS["windshield"], styles={"din": 1})  # of which O and 0 are one
        with mock.patch.object(strips, "MISSPELT", 1.0), mock.patch.object(strips, "REFUSED", 0.0):
            drawn = [strips.sample(rng, np_rng, COMMON, RARE, rings) for _ in range(30)]
        wholes = set()
        for _, label, _, whole in drawn:
            text = "".join(vins.WRITING[c] for c in label)
            self.assertNotIn("O", text)
            self.assertEqual(whole, int(set(text) <= set(vins.ALPHABET)), text)
            wholes.add(whole)
        self.assertEqual(wholes, {0, 1})

    def test_centres_are_the_letters_middles(self):
        text = "HUMVX0H8TMB2ZAWYN"
        for style in self.STYLES:
            face = glyphs.face(random.Random(2), {style: 1})
            ink, centres = glyphs.line(random.Random(2), text, face, 0.6, False, 0)
            inked = np.flatnonzero(np.diff(np.r_[0, ink.max(0) > 0.2, 0]))
            middles = ((inked[::2] + inked[1::2]) / 2) if len(inked) == 34 else None
            if middles is None:
                continue  # dots stand apart within a letter
            np.testing.assert_allclose(centres, middles, atol=1.6, err_msg=str(face))

    def test_makers_signs_differ_and_fit_beside_text(self):
        rng, seen = random.Random(1), set()
        for _ in range(200):
            face = glyphs.face(rng, {"stroke": 1, "pins": 1, "sans": 1})
            sign = glyphs.sign(rng, face)
            self.assertEqual(sign.shape[0], glyphs.CAP + 2 * glyphs.MARGIN)
            self.assertLess(sign.shape[1], 2 * glyphs.CAP)
            self.assertGreater(sign.max(), 100)
            self.assertLess(sign[0].max(), 10)
            seen.add(sign.tobytes())
        self.assertGreater(len(seen), 190)

    def test_foreign_letters_are_drawn(self):
        for style in self.STYLES:
            face = glyphs.face(random.Random(3), {style: 1})
            unknown = glyphs.letter(face, "\ue000").tobytes()  # the box that stands for what a font has not
            drawn = {glyphs.letter(face, c).tobytes() for c in "".join(vins.FOREIGN) if c != " "}
            self.assertEqual(len(drawn), len(set("".join(vins.FOREIGN)) - {" "}), style)
            self.assertNotIn(unknown, drawn)

    def test_same_text_two_lines(self):
        rng, np_rng = generators(4)
        made = mark(rng, np_rng, "WVWZZZAUZ", MATERIALS["stamped"], 0, "KW384512")
        self.assertEqual(len(made.centres), 9)
        self.assertEqual(made.corners.shape, (4, 2))


def normal(glyph: np.ndarray) -> np.ndarray:
    """A letter at one size, wide ones as wide as narrow ones: what is left when the width tells nothing."""
    return cv2.resize(glyph, (16, 26), interpolation=cv2.INTER_AREA).astype(np.float32) / 255


class Camera(unittest.TestCase):
    def test_points_are_seen_where_they_are_projected(self):
        for bulge in (0.0, 0.1, -0.08):
            homography = cv2.getPerspectiveTransform(np.float32([[0, 0], [400, 0], [400, 100], [0, 100]]), np.float32([[12, 20], [180, 8], [190, 70], [5, 60]]))
            shot = View(homography, (200, 80), bulge)
            for point in ((60, 30), (200, 50), (350, 80), (30, 85)):
                surface = np.zeros((100, 400), np.float32)
                cv2.circle(surface, point, 6, 1.0, -1, cv2.LINE_AA)
                seen = shot.take(surface)
                y, x = np.mgrid[: seen.shape[0], : seen.shape[1]]
                seen *= np.hypot(x - shot.project(np.float32([point]))[0, 0], y - shot.project(np.float32([point]))[0, 1]) < 9  # not its mirror image
                middle = np.float32([(x * seen).sum(), (y * seen).sum()]) / seen.sum()
                np.testing.assert_allclose(shot.project(np.float32([point]))[0], middle, atol=0.5)


class Texts(unittest.TestCase):
    def test_vins_are_vins(self):
        rng = random.Random(1)
        found = [vins.vin(rng, COMMON, RARE) for _ in range(2000)]
        self.assertTrue(all(len(v) == 17 and set(v) <= set(vins.ALPHABET) for v in found))
        american = [v for v in found if v[:3] in ("1FT", "LVV")]
        self.assertGreater(np.mean([vins.check_digit(v) == v[8] for v in american]), 0.9)
        self.assertEqual({c for v in found for c in v}, set(vins.ALPHABET))

    def test_what_is_none_is_none(self):
        rng = random.Random(2)
        for _ in range(2000):
            for text in (vins.no_vin(rng), vins.misspelt(rng, vins.vin(rng, COMMON, RARE), rng.randint(1, 17)), vins.other_text(rng), vins.approval(rng), vins.weight(rng)):
                self.assertFalse(len(text) == 17 and set(text) <= set(vins.ALPHABET), text)


class Scenes(unittest.TestCase):
    def test_same_seed_same_bytes_and_quads_in_reading_order(self):
        def some():
            rng, np_rng = generators(3)
            return [scenes.sample(rng, np_rng, COMMON, RARE, []) for _ in range(8)]

        found = 0
        for (picture, quads), (again, quads_again) in zip(some(), some()):
            np.testing.assert_array_equal(picture, again)
            np.testing.assert_array_equal(quads, quads_again)
            self.assertEqual((picture.shape, quads.shape), (scenes.SCENE, (2, 4, 2)))
            for quad in quads[~np.isnan(quads).any((1, 2))]:
                found += 1
                self.assertGreater(cv2.contourArea(quad, oriented=True), 0)  # clockwise as seen
                self.assertGreater(np.linalg.norm(quad[1] - quad[0]), 50)
        self.assertGreater(found, 3)

    def test_a_windshields_edge_has_dots_and_covers_a_part(self):
        edges = [scenes.frit(random.Random(seed), (288, 512)) for seed in range(20)]
        self.assertTrue(all(edge.shape == (288, 512) and edge.min() >= 0 and edge.max() < 1.001 for edge in edges))
        self.assertGreater(sum(0.02 < edge.mean() < 0.98 for edge in edges), 10)

    def test_a_frame_has_the_size_of_a_camera(self):
        def some():
            rng, np_rng = generators(4)
            return [frames.frame(rng, np_rng, "1HGCM82633A004352", kind, []) for kind in frames.KINDS * 2]

        made = [frame for frame in some() if frame is not None]
        self.assertGreater(len(made), 4)
        for frame, again in zip(made, (frame for frame in some() if frame is not None)):
            self.assertEqual(frame.shape, (720, 1280))
            np.testing.assert_array_equal(frame, again)


if __name__ == "__main__":
    unittest.main()
