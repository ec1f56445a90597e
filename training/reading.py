"""What the recognizers learn: which character stands in each of 17 places, whether a strip is a whole VIN, and where its text lies."""

from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

import augment
from nets import PLACES, Recognizer, outputs
from vins import UNKNOWN

MARK = 0.3  # weight of the mark's loss
SMOOTH = 0.01  # of the labels
STEPS = 2  # towards a line that the locator points to
TURNED = 0.15  # share of lines shown upside down


def start(net: Recognizer, path: Path) -> None:
    """Takes over trained weights."""
    net.load_state_dict(torch.load(path))


def shown_once(batch, least=0.45):
    """A batch as the net gets it this time: its cuts in some weather, labels, centres, marks, corners and which are loose."""
    _, labels, centres, marks = batch
    strips, _, _, counts = augment.miscounted(*batch)
    whole = counts == PLACES
    labels, marks = labels.masked_fill(~whole[:, None], UNKNOWN), marks * whole
    cuts, centres, corners, loose = augment.jittered_cut(strips, centres)
    return augment.weather(cuts, least), labels, centres, marks, corners, loose


@torch.no_grad()
def rough_once(strips, net):
    """The same of strips that teach no characters, only where a VIN's text is that the locator points to roughly, or that `net` itself
    has told of in up to STEPS such cuts; and that upside down it is none."""
    net.eval()
    n = len(strips)
    turned = torch.rand(n) < TURNED
    strips = torch.where(turned[:, None, None, None], strips.flip(2, 3), strips)
    corners = augment.rough_corners(n)
    steps = torch.randint(STEPS + 1, (n,))
    for step in range(STEPS):
        on = steps > step
        if not on.any():
            break
        _, _, told, _ = outputs(net, augment.weather(augment.rough_cut(strips[on], corners[on])))
        corners[on] = augment.approached(corners[on], told)
    cuts = augment.weather(augment.rough_cut(strips, corners))
    unknown = torch.full((n, PLACES), UNKNOWN), torch.full((n, PLACES), -1000.0)
    return cuts, *unknown, (~turned).float(), augment.off(corners), torch.ones(n, dtype=torch.bool)


def losses(net, strips, labels, centres, marks, corners, loose):
    """Characters, mark, corners, and (where the centres are known) where attention should look; and figures to print. In a loose
    cut nobody can tell which place a character has, so those teach only corners and mark."""
    characters, mark, told, attention = outputs(net, strips)
    known = (labels != UNKNOWN) & ~loose[:, None]
    character_loss = F.cross_entropy(characters[known], labels[known], label_smoothing=SMOOTH)
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
    figures = {"characters": right.item(), "corners": corner_loss.item()}
    return character_loss + MARK * mark_loss + 0.1 * attention_loss + corner_loss, figures


@torch.no_grad()
def measure(net, shards, size=256) -> str:
    """Share of characters and of whole strips read right; cut as labelled."""
    net.eval()
    characters = whole = places = lines = 0
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
    return f"{characters / max(1, places):.3f} {whole / max(1, lines):.3f}"
