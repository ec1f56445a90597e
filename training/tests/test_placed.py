"""Tests of the photographs that are placed elsewhere."""

import random
import unittest

import numpy as np

from placed import PLACINGS


class Placed(unittest.TestCase):
    def setUp(self):
        rng = np.random.default_rng(1)
        self.photograph = np.full((256, 256, 3), 255, np.uint8)
        self.scenery = [rng.integers(0, 100, shape, np.uint8) for shape in ((40, 300, 3), (900, 200, 3))]

    def placed(self, name):
        return PLACINGS[name](random.Random(1), self.photograph, self.scenery)

    def test_frames_are_as_large_as_they_are_called_and_hold_the_whole_photograph(self):
        for name, times in (("in_1280x720", 1), ("in_1920x1080", 2), ("in_4032x3024", 4)):
            frame = self.placed(name)
            wide, high = map(int, name.removeprefix("in_").split("x"))
            self.assertEqual(frame.shape, (high, wide, 3))
            self.assertAlmostEqual((frame[..., 0] > 200).sum() / (256 * times) ** 2, 1, delta=0.03)

    def test_turned_ones_have_the_same_pixels(self):
        self.photograph[:10, :20] = 0
        left, over, right = (self.placed(name) for name in ("turned_left", "upside_down", "turned_right"))
        self.assertTrue((left[-20:, :10] == 0).all())
        self.assertTrue((over[-10:, -20:] == 0).all())
        self.assertTrue((right[:20, -10:] == 0).all())

    def test_the_same_seed_places_alike(self):
        for name in PLACINGS:
            self.assertTrue((self.placed(name) == self.placed(name)).all())

    def test_what_is_tilted_is_whole(self):
        self.photograph[1:-1, 1:-1] = 0
        self.assertGreater((self.placed("tilted")[..., 0] < 128).sum(), 0.95 * (254 * 3) ** 2)


if __name__ == "__main__":
    unittest.main()
