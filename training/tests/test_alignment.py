"""Text that is made to lean is found to lean, and what is made upright stands where it stood.

`python -m unittest tests/test_alignment.py`, in training/.
"""

import unittest

import cv2
import numpy as np
import torch

import alignment
import augment
from nets import PLACES, WIDE_BOX, WIDE_STRIP, box
from tests.test_augment import barred


def sheared(picture: np.ndarray, lean: float) -> np.ndarray:
    """A strip whose text leans: each row further right the higher it is, as the middle row has it."""
    middle = (WIDE_BOX[1] + WIDE_BOX[3] - 1) / 2
    return cv2.warpAffine(picture, np.float32([[1, -lean, lean * middle], [0, 1, 0]]), WIDE_STRIP[::-1], flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


class Alignment(unittest.TestCase):
    def setUp(self):
        strips, _, self.middles, _ = barred(1)
        self.strip = strips[0, 0].contiguous().numpy()

    def test_finds_how_far_text_leans(self):
        for lean in (-0.4, 0.0, 0.25):
            strip = torch.from_numpy(sheared(self.strip, -lean))[None, None]
            self.assertAlmostEqual(alignment.leans(strip).item(), lean, delta=0.06)

    def test_makes_it_upright(self):
        lean = 0.4
        leaning = sheared(self.strip, -lean)
        quad = alignment.upright(np.eye(3), lean)
        upright = cv2.warpPerspective(leaning, cv2.getPerspectiveTransform(quad, np.float32(box(*WIDE_BOX))), WIDE_STRIP[::-1])
        inside = np.s_[22:42, 80:304]
        self.assertLess(np.abs(upright[inside] - self.strip[inside]).mean(), 0.05)

    def test_borders_lie_between_characters(self):
        off = self.middles + torch.rand(1, PLACES) * 5 - 2.5
        found = augment.between(alignment.between_gaps(torch.from_numpy(self.strip)[None, None], off))
        x0, _, x1, _ = WIDE_BOX
        between = torch.linspace(x0, x1, PLACES + 1)
        self.assertLess((found[0, 1:-1] - between[1:-1]).abs().max().item(), 4)


if __name__ == "__main__":
    unittest.main()
