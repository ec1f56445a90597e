"""A training that is stopped goes on as it was, and is not taken for another one.

`python -m unittest tests/test_train.py`, in training/.
"""

import sys
import unittest
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest import mock

import numpy as np
import torch

import reading
import train_locator
import train_recognizer
from nets import PLACES, SCENE, WIDE_STRIP


class Stopped(Exception):
    pass


class Training(unittest.TestCase):
    def setUp(self):
        folder = TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def patch(self, module, name, value):
        patch = mock.patch.object(module, name, value)
        patch.start()
        self.addCleanup(patch.stop)

    def said(self, module, losses: tuple, out: str, steps=4, rate=1e-3, stop_at=None) -> str:
        """What a training says, whose losses are a module's."""
        words = ["", "--shards", self.folder, "--out", self.folder / out, "--steps", steps, "--rate", rate, "--batch", 4, "--threads", 1]
        plain, calls = getattr(*losses), []

        def counted(*batch):
            calls.append(1)
            if len(calls) == stop_at:
                raise Stopped
            return plain(*batch)

        told = StringIO()
        with mock.patch.object(sys, "argv", list(map(str, words))), mock.patch.object(*losses, counted), redirect_stdout(told), redirect_stderr(told):
            try:
                module.main()
            except (Stopped, SystemExit):
                pass
        return told.getvalue()

    def weights(self, out: str) -> torch.Tensor:
        return torch.cat([w.flatten().float() for w in torch.load(self.folder / out / "last.pt").values()])


class OfARecognizer(Training):
    def setUp(self):
        super().setUp()
        rng, n = np.random.default_rng(1), 1040  # a thousand are held out
        strips, labels = rng.integers(0, 256, (n, *WIDE_STRIP), np.uint8), rng.integers(0, 33, (n, PLACES), np.uint8)
        np.savez(self.folder / "strips_1.npz", strips=strips, labels=labels, centres=np.zeros((n, PLACES), np.float16), marks=np.ones(n, np.uint8))
        self.patch(train_recognizer, "EVERY", 2)
        self.patch(reading, "measure", lambda *_: "")

    def train(self, *args, **more) -> str:
        return self.said(train_recognizer, (reading, "losses"), *args, **more)

    def test_goes_on_as_it_was(self):
        self.train("whole")
        self.train("parts", stop_at=4)
        self.assertIn("goes on from step 2", self.train("parts"))
        self.assertTrue((self.weights("whole") == self.weights("parts")).all())
        self.assertIn("is done", self.train("whole"))
        self.assertIn("at step 4 already", self.train("whole", steps=3))
        said = self.train("whole", steps=6, rate=2e-3)
        self.assertIn("--rate was 0.001 and is 0.002", said)
        self.assertNotIn("goes on", said)

    def test_goes_on_from_a_state_that_does_not_say_how_it_began(self):
        self.train("old", steps=2)
        path = self.folder / "old" / "state.pt"
        state = torch.load(path)
        torch.save({name: state[name] for name in ("net", "kept", "optimizer", "step")}, path)
        self.assertIn("goes on from step 2", self.train("old", rate=2e-3))


class OfALocator(Training):
    def test_goes_on_as_it_was(self):
        rng = np.random.default_rng(1)
        quads = np.float32([[100, 100], [200, 100], [200, 110], [100, 110]]) + rng.integers(0, 100, (6, 2, 1, 2))
        quads[::2, 1] = np.nan  # one VIN, or two
        np.savez(self.folder / "scenes_1.npz", pictures=rng.integers(0, 256, (6, *SCENE), np.uint8), quads=np.float32(quads))
        self.patch(train_locator, "EVERY", 2)
        train = lambda *args, **more: self.said(train_locator, (train_locator, "loss_of"), *args, **more)
        train("whole")
        train("parts", stop_at=4)
        self.assertIn("goes on from step 2", train("parts"))
        self.assertTrue((self.weights("whole") == self.weights("parts")).all())
        self.assertIn("--rate was 0.001 and is 0.002", train("whole", rate=2e-3))


if __name__ == "__main__":
    unittest.main()
