"""What examiner and arbiter learn: to spell a line column by column, however long it is.

A sequence of symbols is spelt by every walk along the columns that stays at a symbol or goes on to the next, with or without
`NOTHING` between, which there must be between two alike (connectionist temporal classification: Graves et al., ICML 2006). Its probability is
the sum over all of them. A line is `BEYOND`, its characters, `BEYOND`; what is none is `BEYOND` alone.
"""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Callable

import numpy as np
import torch

import augment
import lcnet
from nets import ARBITER_BOX, COLUMNS, PLACES, STRIP, outputs
from vins import UNKNOWN, WRITING

BEYOND, NOTHING = len(WRITING), len(WRITING) + 1  # what a column shows beside characters
ANY = len(WRITING) + 2  # characters nobody knows: one or, where a seam went through, parts of two
NEAR = {True: 0.8, False: 2.0}  # how far from where they stand they may be spelt, in characters, where that is known and where not
FAR, NEVER = -20.0, -1e4  # logarithms


@dataclass(frozen=True)
class Spelling:
    """What one of them learns."""

    cut: Callable  # strips, centres → cuts, centres
    miscounted: dict[bool, float]  # share of lines with a character more or less, where it is known where they stand and where not

    def shown_once(self, batch, least=0.45):
        """A batch as the net gets it this time: its cuts in some weather, labels, centres, counts (0 for what is no line), and
        whether the centres are known."""
        _, labels, centres, marks = batch
        line = (marks > 0.5) | (labels != UNKNOWN).all(1)
        located = centres[:, 0] > 0
        share = torch.where(located, self.miscounted[True], self.miscounted[False])
        strips, labels, centres, counts = augment.miscounted(*batch[:3], line.float(), share)
        cuts, centres = self.cut(strips, centres)
        return augment.weather(cuts, least), labels, centres, counts * line, located

    def losses(self, net, strips, labels, centres, counts, located):
        """How improbable the lines are, a character; and no figures beside it."""
        log_p = outputs(net, strips).log_softmax(-1)
        loss = -spelt(log_p, *symbols(labels, counts), allowed(centres, counts, located, net.COLUMNS)).clamp(min=-200) / PLACES
        return loss.mean(), {}

    @torch.no_grad()
    def measure(self, net, shards, most=1000) -> str:
        """Share of lines spelt right, and of lines with a character more or less spelt with 17 nevertheless."""
        net.eval()
        strips, labels, centres, marks = shards.batch(np.arange(min(most, len(shards))))
        line = (marks > 0.5) & (labels != UNKNOWN).all(1)
        spell = lambda strips, centres: likeliest(torch.cat([net(part) for part in self.cut(strips, centres)[0].split(250)]))
        right = ["".join(WRITING[c] for c in row) == found for row, found in zip(labels[line].tolist(), spell(strips[line], centres[line]))]
        strips, _, centres, _ = augment.miscounted(strips[line], labels[line], centres[line], marks[line], 1.0)
        longest = [len(found) == PLACES for found in spell(strips, centres)]
        return f"{np.mean(right):.3f}, miscounted {np.mean(longest):.3f}"


EXAMINER = Spelling(augment.examined_cut, {True: 0.3, False: 0.1})
ARBITER = Spelling(partial(augment.examined_cut, target=ARBITER_BOX, reach=8), {True: 0.06, False: 0.06})


def start(net, path: Path) -> None:
    """Takes over trained weights: its own, a recognizer's, whose characters an examiner knows, or PP-OCRv6's, for an arbiter."""
    if path.suffix == ".onnx":
        weight, bias, classes = lcnet.load(net.trunk[-1], path)
        rows = [*(classes.index(c) for c in WRITING), 0, 0]
        # Its nothing new is what lies beyond the line, too.
        half = torch.zeros(len(rows)).index_fill(0, torch.tensor([BEYOND, NOTHING]), -np.log(2))
        net.spell.load_state_dict({"weight": weight[rows], "bias": bias[rows] + half})
        net.trunk[-1].stem.requires_grad_(False)
        return
    weights = torch.load(path)
    if "classify.weight" in weights:
        trunk = {name: value for name, value in weights.items() if name.startswith("trunk")}
        weight, bias = torch.zeros_like(net.spell.weight), torch.zeros_like(net.spell.bias)
        weight[: len(WRITING)], bias[: len(WRITING)] = weights["classify.weight"], weights["classify.bias"]
        bias[NOTHING], bias[BEYOND] = 4.0, 2.0
        weights = {**trunk, "spell.weight": weight, "spell.bias": bias}
    net.load_state_dict(weights)


def symbols(labels, counts):
    """Lines as states [n,2L+1], NOTHING before, between and behind their L symbols; which of them may follow the last but one;
    and how many symbols there are. `labels` [n,18] beyond `counts` do not matter."""
    rank = torch.arange(labels.shape[1] + 2)[None]
    size = counts[:, None]
    inner = torch.where(labels == UNKNOWN, ANY, labels)[:, (rank[0] - 1).clamp(0, labels.shape[1] - 1)]
    line = torch.where((rank > 0) & (rank <= size), inner, torch.where(rank <= size + 1, BEYOND, NOTHING))
    states = torch.full((len(labels), 2 * rank.numel() + 1), NOTHING)
    states[:, 1::2] = line
    skips = torch.zeros(states.shape, dtype=torch.bool)
    skips[:, 3::2] = (line[:, 1:] != line[:, :-1]) | (line[:, 1:] == ANY)
    return states, skips, torch.where(counts > 0, counts + 2, 1)


def allowed(centres, counts, located, columns=COLUMNS):
    """Logarithms [n,T,2L+1] that keep characters near where they stand, and what lies beyond the line beyond it."""
    first, last = centres[:, :1], centres.gather(1, (counts - 1).clamp(min=1)[:, None])
    pitch = (last - first) / (counts - 1).clamp(min=1)[:, None]
    column = (torch.arange(columns) + 0.5)[None] * STRIP[1] / columns
    far = torch.zeros(len(centres), columns, 2 * (centres.shape[1] + 2) + 1, dtype=torch.bool)
    reach = torch.where(located, NEAR[True], NEAR[False])[:, None] * pitch
    far[:, :, 3:-2:2] = (column[:, :, None] - centres[:, None]).abs() > reach[:, :, None]
    far[:, :, 1] = column > first + 0.1 * pitch
    end = (2 * counts + 3)[:, None, None].expand(-1, columns, 1)
    far.scatter_(2, end, (column < last - 0.1 * pitch)[:, :, None])
    return torch.where(far & (counts > 0)[:, None, None], FAR, 0.0)


def spelt(log_p, states, skips, symbols, allowed):
    """Natural logarithms [n] of the probability that columns [n,T,C] spell lines."""
    n, length, _ = log_p.shape
    any_character = log_p[..., : len(WRITING)].logsumexp(-1, keepdim=True)
    shown = torch.cat([log_p, any_character], -1).gather(2, states[:, None].expand(-1, length, -1)) + allowed
    never = lambda count: torch.full((n, count), NEVER)
    walks = torch.cat([shown[:, 0, :2], never(states.shape[1] - 2)], 1)
    blocked = torch.where(skips, 0.0, NEVER)
    for t in range(1, length):
        one_on = torch.cat([never(1), walks[:, :-1]], 1)
        two_on = torch.cat([never(2), walks[:, :-2]], 1) + blocked
        walks = torch.logsumexp(torch.stack([walks, one_on, two_on]), 0) + shown[:, t]
    return torch.logsumexp(walks.gather(1, torch.stack([2 * symbols - 1, 2 * symbols], 1)), 1)


def likeliest(log_p) -> list[str]:
    """What columns [n,T,C] spell by the likeliest walk, without what lies beyond."""
    lines = []
    for row in log_p.argmax(-1).tolist():
        new = [c for before, c in zip([NOTHING, *row], row) if c != before]
        lines.append("".join(WRITING[c] for c in new if c < len(WRITING)))
    return lines
