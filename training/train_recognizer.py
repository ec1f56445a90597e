"""Trains the recognizer on rendered strips and, when given, on strips cut from photographs.

`python train_recognizer.py --shards shards --out runs/recognizer [--real shards/real.npz]`

The run can be stopped at any time: OUT/state.pt is written every few hundred steps, and the same command goes on from there.
OUT/last.pt holds the weights alone. More `--steps` later are a longer run: the rate falls in its last part only.
"""

import argparse
import time
from copy import copy
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

import augment
from nets import SHAPES, Recognizer
from quantized import quantized, settle
from vins import UNKNOWN

COOLING = 0.35  # the last part of a run, in which the rate falls
COLUMNS = ("strips", "labels", "centres", "marks")


class Shards:
    """All strips of a folder or a file, in memory."""

    def __init__(self, paths: list[Path]):
        parts = [np.load(p) for p in paths]
        self.strips = np.concatenate([p["strips"] for p in parts])
        self.labels = np.concatenate([p["labels"] for p in parts])
        self.centres = np.concatenate([p["centres"] for p in parts]).astype(np.float32)
        self.marks = np.concatenate([p["marks"] for p in parts])

    def __len__(self):
        return len(self.strips)

    def split(self, count):
        """Takes the first strips out."""
        first = copy(self)
        for name in COLUMNS:
            column = getattr(self, name)
            setattr(first, name, column[:count])
            setattr(self, name, column[count:])
        return first

    def drop_unreadable(self, net, size=500):
        """Leaves out marks of which a trained net reads less than a third: they teach nothing."""
        keep = np.ones(len(self), bool)
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
            for i in range(0, len(self), size):
                index = np.arange(i, min(i + size, len(self)))
                strips, labels, _, marks = self.batch(index)
                told = net(augment.cut(strips).to(memory_format=torch.channels_last))[0].argmax(-1)
                keep[index] = ((marks < 0.5) | ((told == labels).float().mean(1) > 1 / 3)).numpy()
        for name in COLUMNS:
            setattr(self, name, getattr(self, name)[keep])
        return self

    def batch(self, index):
        return (
            torch.from_numpy(self.strips[index])[:, None].float() / 255,
            torch.from_numpy(self.labels[index]).long(),
            torch.from_numpy(self.centres[index]),
            torch.from_numpy(self.marks[index]).float(),
        )


class Reading(NamedTuple):
    """What a net is to be good at."""

    miscounted: float = 0.08  # share of marks with a character more or less
    loose: float = 0.4  # share of loose cuts
    mark: float = 0.3  # weight of the mark's loss


EXAMINING = Reading(miscounted=0.3, loose=0.1, mark=1.5)  # it sees close cuts only


def shown_once(batch, wanted: Reading, least=0.45):
    """A batch as the net gets it this time: its cuts in some weather, labels, centres, marks, corners and which are loose."""
    strips, labels, centres, marks = augment.miscounted(*batch, wanted.miscounted)
    cuts, centres, corners, loose = augment.jittered_cut(strips, centres, wanted.loose)
    return augment.weather(cuts, least), labels, centres, marks, corners, loose


def losses(net, strips, labels, centres, marks, corners, loose, mark_weight, smooth=0.01):
    """Characters, mark, corners, and (where the centres are known) where attention should look. In a loose cut nobody
    can tell which place a character has, so those teach only corners and mark."""
    with torch.autocast("cpu", torch.bfloat16):
        features = net.trunk(strips.to(memory_format=torch.channels_last))
    characters, mark, told, attention = net.heads(features.float())
    known = (labels != UNKNOWN) & ~loose[:, None]
    character_loss = F.cross_entropy(characters[known], labels[known], label_smoothing=smooth)
    mark_loss = F.binary_cross_entropy_with_logits(mark[:, 0], marks)
    where = (marks > 0.5) & ~loose & (centres[:, 0] > -900)
    if where.any():
        columns = (torch.arange(attention.shape[-1]) + 0.5) * 4
        target = torch.softmax(-(((columns - centres[where][:, :, None]) / 5) ** 2) / 2, -1)
        attention_loss = -(target * attention[where]).sum(-1).mean()
    else:
        attention_loss = torch.zeros(())
    corner_loss = 20 * F.smooth_l1_loss(told[marks > 0.5], corners[marks > 0.5], beta=0.02)
    right = (characters.argmax(-1) == labels)[known].float().mean()
    return character_loss + mark_weight * mark_loss + 0.1 * attention_loss + corner_loss, right, corner_loss


def measure(net, shards, size=256):
    """Share of characters and of whole strips read right, and the mean loss; cut as labelled."""
    net.eval()
    characters = whole = places = lines = 0
    with torch.no_grad():
        for i in range(0, len(shards), size):
            strips, labels, *_ = shards.batch(np.arange(i, min(i + size, len(shards))))
            with torch.autocast("cpu", torch.bfloat16):
                out = net(augment.cut(strips).to(memory_format=torch.channels_last))[0]
            hit, known = out.argmax(-1) == labels, labels != UNKNOWN
            characters += (hit & known).sum().item()
            places += known.sum().item()
            full = known.all(1)
            whole += (hit.all(1) & full).sum().item()
            lines += full.sum().item()
    return characters / max(1, places), whole / max(1, lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shards", type=Path, required=True, help="folder of rendered strips_*.npz")
    parser.add_argument("--real", type=Path, help="strips cut from photographs (cut_real.py)")
    parser.add_argument("--real-share", type=float, default=0.5, help="of a batch")
    parser.add_argument("--tune", type=Path, help="strips of the tune part, measured as it goes")
    parser.add_argument("--init", type=Path, help="weights to start from")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--shape", choices=SHAPES, default=Recognizer.SHAPE, help="of the trunk")
    parser.add_argument("--steps", type=int, default=40_000, help="batches to learn from")
    parser.add_argument("--examiner", action="store_true", help="learn above all what is a whole VIN and what has a character more or less")
    parser.add_argument("--heads", action="store_true", help="leave the trunk as it is: a third of the time")
    parser.add_argument("--int8", action="store_true", help="fold, quantize and fine-tune the float weights of --init")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    a = parser.parse_args()
    torch.manual_seed(a.seed)
    torch.set_num_threads(a.threads)
    rng = np.random.default_rng(a.seed)
    wanted = EXAMINING if a.examiner else Reading()
    a.out.mkdir(parents=True, exist_ok=True)
    net = Recognizer(a.shape)
    if a.init:
        net.load_state_dict(torch.load(a.init), strict=a.int8)
    if a.int8:
        net = quantized(net)
    net = net.to(memory_format=torch.channels_last)
    rendered = Shards(sorted(a.shards.glob("strips_*.npz")))
    held = rendered.split(1000)
    if a.init:
        net.eval()
        print(len(rendered), "rendered strips,", len(rendered.drop_unreadable(net)), "of them readable", flush=True)
    real = Shards([a.real]) if a.real else None
    tune = Shards([a.tune]) if a.tune else None
    net.trunk.requires_grad_(not a.heads)
    learning = [p for p in net.parameters() if p.requires_grad]
    decay = [p for p in learning if p.dim() > 1]
    rest = [p for p in learning if p.dim() <= 1]
    optimizer = torch.optim.AdamW([{"params": decay, "weight_decay": 0.03}, {"params": rest, "weight_decay": 0}], lr=a.rate, betas=(0.9, 0.98))
    if a.int8:
        settle(net, [augment.cut(rendered.batch(rng.integers(0, len(rendered), 256))[0]) for _ in range(20)] + ([augment.cut(real.batch(rng.integers(0, len(real), 256))[0]) for _ in range(20)] if real else []))
    # What is kept is the mean of the last thousand steps or so.
    step = 0
    kept = AveragedModel(net, multi_avg_fn=get_ema_multi_avg_fn(0.998), use_buffers=True)
    state = a.out / "state.pt"
    if state.exists():
        saved = torch.load(state)
        for part, name in ((net, "net"), (kept, "kept"), (optimizer, "optimizer")):
            part.load_state_dict(saved[name])
        rng, step = np.random.default_rng(saved["step"]), saved["step"]
        print("goes on from step", step, flush=True)
    shown, right_sum, loss_sum, corner_sum = time.time(), 0.0, 0.0, 0.0
    net.train()
    net.trunk.train(not a.heads)
    while step < a.steps:
        done = step / a.steps
        for group in optimizer.param_groups:
            group["lr"] = a.rate * min(1, (step + 1) / 200, 0.01 + (1 - done) / COOLING)
        share = int(a.batch * a.real_share) if real else 0
        parts = [shown_once(rendered.batch(rng.integers(0, len(rendered), a.batch - share)), wanted)]
        if share:
            photographed = real.batch(rng.integers(0, len(real), share))
            # They are small already: what cannot be read in them any more is learned by heart.
            parts.append(shown_once((*augment.spliced(*photographed[:2]), *photographed[2:]), wanted, least=0.75))
        strips, labels, centres, marks, corners, loose = (torch.cat(x) for x in zip(*parts))
        loss, right, corner_loss = losses(net, strips, labels, centres, marks, corners, loose, wanted.mark)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 2.0)
        optimizer.step()
        kept.update_parameters(net)
        step += 1
        loss_sum += loss.item()
        right_sum += right.item()
        corner_sum += corner_loss.item()
        if step % 200 == 0:
            line = f"{step} {100 * done:.0f}% loss {loss_sum / 200:.3f} characters {right_sum / 200:.3f} corners {corner_sum / 200:.3f} {200 * a.batch / (time.time() - shown):.0f}/s"
            if step % 1000 == 0:
                line += " held out %.3f %.3f" % measure(kept.module, held)
                if tune:
                    line += " tune %.3f %.3f" % measure(kept.module, tune)
            print(line, flush=True)
            torch.save(kept.module.state_dict(), a.out / "last.pt")
            whole = {"net": net.state_dict(), "kept": kept.state_dict(), "optimizer": optimizer.state_dict(), "step": step}
            torch.save(whole, state.with_suffix(".new"))
            state.with_suffix(".new").rename(state)
            shown, loss_sum, right_sum, corner_sum = time.time(), 0.0, 0.0, 0.0
    torch.save(kept.module.state_dict(), a.out / "last.pt")
    print("held out %.3f %.3f" % measure(kept.module, held), "tune %.3f %.3f" % measure(kept.module, tune) if tune else "")


if __name__ == "__main__":
    main()
