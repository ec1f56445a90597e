"""What strips are made into on the way into the net is what their labels say.

`python -m unittest tests/test_augment.py`, in training/.
"""

import unittest
from unittest import mock

import cv2
import numpy as np
import torch

import augment
import cut_rough
from cut_real import SMALLEST, cuts, smaller
from nets import LOOSE_BOX, PLACES, ROUGH_BOX, ROUGH_STRIP, STRIP, TEXT_BOX, WIDE_BOX, WIDE_STRIP, box
from vins import UNKNOWN


def barred(count: int):
    """Strips with a bar for each character, each brighter than the one before, and what goes with them."""
    x0, _, x1, _ = WIDE_BOX
    pitch = (x1 - x0) / PLACES
    place = (torch.arange(WIDE_STRIP[1]) + 0.5 - x0) / pitch
    within = (place >= 0) & (place < PLACES) & ((place % 1 - 0.5).abs() < 0.3)
    row = torch.where(within, torch.linspace(0.2, 1, PLACES)[place.clamp(0, PLACES - 1).long()], 0.0)
    centres = (x0 + (torch.arange(PLACES) + 0.5) * pitch).expand(count, -1)
    labels = torch.arange(PLACES).expand(count, -1)
    return row.expand(count, 1, WIDE_STRIP[0], -1), labels, centres, torch.ones(count)


def bars(strip) -> int:
    lit = np.concatenate([[0], strip[0, WIDE_STRIP[0] // 2].numpy() > 0.1, [0]]).astype(int)
    return int((np.diff(lit) > 0).sum())


class Exchanged(unittest.TestCase):
    def setUp(self):
        torch.manual_seed(1)

    def test_characters_change_places_and_labels_with_them(self):
        plain, labels, centres, _ = barred(64)
        with mock.patch.object(augment, "LIGHT", WIDE_STRIP[1] // 2):  # the same everywhere
            strips, told = augment.exchanged(plain, labels, centres, share=1)
        self.assertTrue((told.sort(1).values == labels).all())
        self.assertGreater((told != labels).any(1).sum(), 50)
        levels = torch.linspace(0.2, 1, PLACES)
        seen = strips[:, 0, WIDE_STRIP[0] // 2].gather(1, centres.long())
        off = (seen - levels[told]).abs()
        self.assertLess(off.max(), 0.1)
        self.assertLess(off.mean(), 0.01)

    def test_only_where_it_is_known_where_they_stand(self):
        plain, labels, centres, _ = barred(8)
        strips, told = augment.exchanged(plain, labels, torch.full_like(centres, -1), share=1)
        self.assertTrue((strips == plain).all() and (told == labels).all())


class Miscounted(unittest.TestCase):
    def setUp(self):
        torch.manual_seed(1)

    def test_has_a_character_more_or_less_and_says_which(self):
        strips, labels, centres, counts = augment.miscounted(*barred(64), share=1)
        self.assertEqual([bars(s) for s in strips], counts.tolist())
        self.assertEqual(set(counts.tolist()), {PLACES - 1, PLACES + 1})
        levels = torch.linspace(0.2, 1, PLACES)
        for strip, label, centre, count in zip(strips, labels, centres, counts):
            seen = strip[0, WIDE_STRIP[0] // 2, centre[:count].long()]
            self.assertTrue(((seen - levels[label[:count]]).abs() < 0.06).all())

    def test_leaves_open_what_a_seam_may_have_cut(self):
        strips, labels, centres, marks = barred(64)
        _, labels, _, counts = augment.miscounted(strips, labels, torch.full_like(centres, -1), marks, share=1)
        self.assertEqual(set(counts.tolist()), {PLACES - 1, PLACES + 1})
        for label, count in zip(labels, counts):
            self.assertTrue(1 <= (label[:count] == UNKNOWN).sum() <= 3)

    def test_leaves_the_others_and_what_is_no_mark_alone(self):
        batch = barred(64)
        strips, labels, _, counts = augment.miscounted(*batch, share=0.5)
        alone = counts == PLACES
        self.assertTrue(10 < alone.sum() < 54)
        self.assertTrue((strips[alone] == batch[0][alone]).all() and (labels[alone, :PLACES] == batch[1][alone]).all())
        none = augment.miscounted(*batch[:3], torch.zeros(64), share=1)
        self.assertTrue((none[0] == batch[0]).all() and (none[3] == PLACES).all())


class Spliced(unittest.TestCase):
    def test_labels_are_those_of_other_strips_in_the_same_places(self):
        torch.manual_seed(2)
        labels = torch.arange(40)[:, None] * PLACES + torch.arange(PLACES)
        _, told, _ = augment.spliced(barred(40)[0], labels, barred(40)[2], share=1)
        known = told != UNKNOWN
        places = torch.arange(PLACES).expand(40, -1)
        self.assertTrue((told[known] % PLACES == places[known]).all())
        self.assertTrue(known.float().mean() > 0.5)


class Rough(unittest.TestCase):
    def test_is_cut_with_its_corners_where_they_should_be(self):
        quad = np.float32([[300, 220], [420, 180], [426, 194], [306, 235]])
        picture = np.zeros((400, 600), np.uint8)
        cv2.fillConvexPoly(picture, np.int32(quad), 255)
        strip = cut_rough.rough(picture, quad)
        self.assertEqual(strip.shape, ROUGH_STRIP)
        x0, y0, x1, y1 = (int(v) for v in ROUGH_BOX)
        self.assertGreater(strip[y0 + 3 : y1 - 3, x0 + 3 : x1 - 3].min(), 200)
        strip[y0 - 3 : y1 + 4, x0 - 4 : x1 + 5] = 0
        self.assertEqual(strip.max(), 0)

    def test_says_where_the_text_is(self):
        torch.manual_seed(1)
        x0, y0, x1, y1 = (int(v) for v in ROUGH_BOX)
        strip = torch.zeros(1, 1, *ROUGH_STRIP)
        strip[:, :, y0:y1, x0:x1] = 1
        corners = augment.rough_corners(50)
        shown = augment.rough_cut(strip.expand(50, -1, -1, -1), corners)
        corners = corners.numpy()
        for cut, quad in zip(shown[:, 0].numpy(), corners):
            text = np.zeros(STRIP, np.uint8)
            cv2.fillConvexPoly(text, np.int32(np.round(quad * 16)), 1, cv2.LINE_8, 4)
            self.assertLess(np.abs(cut - text).mean(), 0.05)
        self.assertGreater(np.abs(corners.mean(1) - np.float32(box(*TEXT_BOX)).mean(0)).mean(), 3)

    def test_the_next_cut_is_made_where_the_text_is_told_to_be(self):
        torch.manual_seed(1)
        corners = augment.rough_corners(50)
        right = augment.approached(corners, augment.off(corners))
        self.assertLess((right - torch.tensor(box(*LOOSE_BOX))).abs().max(), 0.01)
        told = augment.off(corners) + torch.tensor([16 / STRIP[1], 0.0]).repeat(4)
        self.assertLess((augment.approached(corners, told) - right)[..., 0].max(), -5)
        nonsense = augment.off(corners) + torch.tensor([5.0, 0.0]).repeat(4)
        self.assertTrue((augment.approached(corners, nonsense) == corners).all())


class Jittered(unittest.TestCase):
    def test_says_where_the_text_is(self):
        torch.manual_seed(1)
        n, (x0, y0, x1, y1) = 200, WIDE_BOX
        high, wide = WIDE_STRIP
        right, down = (torch.arange(float(side)) for side in (wide, high))
        uneven = augment.uneven
        for strip, wanted in ((right.expand(high, -1), (x0, x1, x1, x0)), (down[:, None].expand(-1, wide), (y0, y0, y1, y1))):
            with mock.patch.object(augment, "uneven", lambda n: uneven(n, share=1)):
                cuts, _, told, _ = augment.jittered_cut(strip.expand(n, 1, -1, -1), torch.full((n, PLACES), -1.0))
            corners = torch.tensor(box(*TEXT_BOX)) + told.reshape(n, 4, 2) * augment.SIZE
            whole = torch.tensor([float(STRIP[1]), float(STRIP[0])])
            within = ((corners > 1) & (corners < whole - 2)).all(-1)
            self.assertGreater(within.sum(), n)
            seen = torch.nn.functional.grid_sample(cuts, 2 * (corners[:, None] + 0.5) / whole - 1, align_corners=False)[:, 0, 0]
            off = (seen - torch.tensor(wanted)).abs()[within]
            self.assertLess(off.max(), 0.5)


class Weather(unittest.TestCase):
    def test_noise_has_the_grain_of_what_is_seen_small(self):
        torch.manual_seed(1)
        grain = augment.grain(80)
        self.assertEqual(grain.shape, (80, 1, *STRIP))
        alike = (grain[..., 1:] * grain[..., :-1]).mean((1, 2, 3)) / grain.square().mean((1, 2, 3))
        self.assertLess(alike.min(), 0.5)
        self.assertGreater(alike.max(), 0.8)


class Smaller(unittest.TestCase):
    def test_corners_stay_on_the_text(self):
        rng = np.random.default_rng(1)
        picture = np.zeros((200, 300), np.uint8)
        quad = np.float32([[40, 60], [240, 90], [238, 106], [38, 76]])
        cv2.fillConvexPoly(picture, np.int32(quad * 16), 255, cv2.LINE_AA, 4)
        within = lambda picture, quad: cuts(picture, quad[None])[0][6:26, 16:240].mean()
        for _ in range(20):
            small, at = smaller(rng, picture, quad)
            self.assertGreaterEqual(np.linalg.norm(at[1] - at[0]) / PLACES, 0.97 * SMALLEST)
            self.assertGreater(within(small, at), 230)
            self.assertLess(within(small, at + np.float32([0, 12])), 150)

    def test_what_is_small_stays_as_it_is(self):
        quad = np.float32([[10, 10], [90, 10], [90, 18], [10, 18]])
        self.assertIsNone(smaller(np.random.default_rng(1), np.zeros((100, 100), np.uint8), quad))


if __name__ == "__main__":
    unittest.main()
