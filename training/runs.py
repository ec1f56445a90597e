"""A training that can be stopped at any time: the same command goes on where it was, as if it had not been stopped.

OUT/state.pt is written every few hundred steps; OUT/last.pt holds the weights alone. More `--steps` later are a longer run. One with other
weights to start from, other pictures or another rate is another run and wants an OUT of its own.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn


class Run:
    """What learns, and how far it is."""

    def __init__(self, parser: argparse.ArgumentParser, a: argparse.Namespace, defining: Sequence[str]):
        """As the arguments say, of which some define a run: it goes on with these as it began. Ends the program where there is nothing to do."""
        plain = lambda value: str(value) if isinstance(value, Path) else value
        self.defining = {name: plain(getattr(a, name)) for name in defining}
        self.out, self.step = a.out, 0
        self.state = a.out / "state.pt"
        self.saved = torch.load(self.state) if self.state.exists() else None
        if self.saved and (why := self._refusal(a.steps)):
            parser.error(why)
        if self.saved and self.saved["step"] == a.steps:
            parser.exit(message=f"is done: step {a.steps} of {a.steps}\n")
        self.rng = np.random.default_rng(a.seed)
        torch.manual_seed(a.seed)
        torch.set_num_threads(a.threads)

    def _refusal(self, steps: int) -> str | None:
        """Why a saved run cannot go on so, if it cannot. What was saved before runs were defined may go on anyhow."""
        now, before = self.defining, self.saved.get("run", {})
        differ = [f"--{name.replace('_', '-')} was {before[name]} and is {now[name]}" for name in now if name in before and before[name] != now[name]]
        if differ:
            return f"{self.out} holds another run: {'; '.join(differ)}. Go on with what it began with, or choose another --out"
        if steps < self.saved["step"]:
            return f"the run in {self.out} is at step {self.saved['step']} already: --steps {steps} is behind it"
        return None

    def begin(self, net: torch.nn.Module, optimizer: torch.optim.Optimizer, decay: float) -> None:
        """Begins with these, or goes on. What is kept is the mean of the last 1 / (1 - decay) steps or so."""
        self.out.mkdir(parents=True, exist_ok=True)
        self.net, self.optimizer = net, optimizer
        self.mean = AveragedModel(net, multi_avg_fn=get_ema_multi_avg_fn(decay), use_buffers=True)
        if not (saved := self.saved):
            return
        for part, state in self._parts().items():
            state.load_state_dict(saved[part])
        self.step = saved["step"]
        if "torch" in saved:
            torch.set_rng_state(saved["torch"])
            self.rng.bit_generator.state = saved["numpy"]
        else:
            self.rng = np.random.default_rng(self.step)
        self.saved = None
        print("goes on from step", self.step, flush=True)

    @property
    def kept(self) -> torch.nn.Module:
        """The mean of the last steps."""
        return self.mean.module

    def learn(self, loss: torch.Tensor, rate: float, most: float) -> None:
        """A step down the gradient of a loss, which counts for `most` where it is longer."""
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), most)
        self.optimizer.step()
        self.mean.update_parameters(self.net)
        self.step += 1

    def save(self) -> None:
        torch.save(self.kept.state_dict(), self.out / "last.pt")
        parts = {name: part.state_dict() for name, part in self._parts().items()}
        chance = {"torch": torch.get_rng_state(), "numpy": self.rng.bit_generator.state}
        new = self.state.with_suffix(".new")
        torch.save({**parts, **chance, "step": self.step, "run": self.defining}, new)
        new.rename(self.state)

    def _parts(self) -> dict:
        return {"net": self.net, "kept": self.mean, "optimizer": self.optimizer}
