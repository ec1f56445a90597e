"""Trains the locator on rendered scenes and on photographs whose corners are known.

`python train_locator.py --shards shards --quads shards/real/quads.tsv --real ../../shared/real --out runs/locator`

It can be stopped at any time; `runs.py` says how it goes on. The rate falls from the beginning of a run to its end.
"""

import argparse
import math
import time
from pathlib import Path

import cv2
import numpy as np
import torch
from torch.nn import functional as F

from nets import SCENE, STRIDE, Locator
from quantized import quantized, settle
from runs import Run
from shards import scenes

EVERY = 100  # steps, after which a run says how it is and is saved
DEFINING = ("init", "shards", "quads", "real", "batch", "rate", "seed", "int8")  # what makes a run the run it is
ROWS, COLUMNS = SCENE[0] // STRIDE, SCENE[1] // STRIDE


def targets(quads: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Quads [k,4,2] → score [36,64] (1 text, 0 none, -1 do not care) and offsets
    [8,36,64]. Positive are the cells within half a text height of the line's middle."""
    score, offsets = np.zeros((ROWS, COLUMNS), np.float32), np.zeros((8, ROWS, COLUMNS), np.float32)
    ys, xs = np.mgrid[:ROWS, :COLUMNS].astype(np.float32)
    cells = np.stack([(xs + 0.5) * STRIDE, (ys + 0.5) * STRIDE], -1)
    for quad in quads:
        start, end = (quad[0] + quad[3]) / 2, (quad[1] + quad[2]) / 2
        along = end - start
        length = np.linalg.norm(along)
        unit = along / length
        height = (np.linalg.norm(quad[3] - quad[0]) + np.linalg.norm(quad[2] - quad[1])) / 2
        t = (cells - start) @ unit / length
        across = np.abs((cells - start) @ np.float32([-unit[1], unit[0]]))
        near = (across < max(0.5 * height, 0.75 * STRIDE)) & (t > 0.04) & (t < 0.96)
        around = (across < max(0.5 * height, 0.75 * STRIDE) + STRIDE) & (t > -0.08) & (t < 1.08)
        score[around & (score == 0)] = -1
        score[near] = 1
        offset = (quad[None, None] - cells[:, :, None]).reshape(ROWS, COLUMNS, 8) / STRIDE
        offsets[:, near] = offset[near].T
    return score, offsets


class Photographs:
    """Real pictures, shown at any place, size and tilt of the scene."""

    def __init__(self, table: Path, folder: Path, part="train", floor=-1.5):
        self.items = []
        for line in table.read_text().splitlines():
            file, its_part, score, *rest = line.split("\t")
            if its_part == part and float(score) > floor:
                grey = cv2.imread(str(folder / "images" / file), cv2.IMREAD_GRAYSCALE)
                self.items.append((grey, np.float32(rest[:8]).reshape(4, 2)))

    def draw(self, rng, jitter=True, index=None):
        grey, quad = self.items[rng.integers(len(self.items)) if index is None else index]
        h, w = grey.shape
        fit = min(SCENE[0] / h, SCENE[1] / w)
        scale, angle, squeeze = fit, 0.0, 1.0
        if jitter:
            scale = fit * np.exp(rng.uniform(-0.35, 0.75) if rng.random() < 0.6 else rng.uniform(-0.1, 0.1))
            kind = rng.random()
            angle = rng.normal() * 6 if kind < 0.75 else 180 + rng.normal() * 8 if kind < 0.88 else rng.choice([-90, 90]) + rng.normal() * 8
            squeeze = np.exp(rng.normal() * 0.12) if rng.random() < 0.5 else 4 / 3
        turn = cv2.getRotationMatrix2D((0, 0), -angle, 1.0)[:, :2]
        linear = turn @ np.diag([scale * squeeze, scale])
        centre = linear @ (np.float32([w / 2, h / 2]))
        shift = np.float32([SCENE[1] / 2, SCENE[0] / 2]) - centre
        moved = quad @ linear.T
        if jitter:
            low, high = moved.min(0), moved.max(0)
            room_low, room_high = -low + 2, np.float32([SCENE[1], SCENE[0]]) - high - 2
            if (room_low > room_high).any():
                return self.draw(rng, jitter, index)
            wanted = shift + rng.normal(size=2) * [60, 40]
            shift = np.clip(wanted, room_low, room_high)
        matrix = np.concatenate([linear, shift[:, None]], 1).astype(np.float32)
        mode = cv2.BORDER_CONSTANT if not jitter or rng.random() < 0.5 else cv2.BORDER_REFLECT
        picture = cv2.warpAffine(grey, matrix, (SCENE[1], SCENE[0]), flags=cv2.INTER_LINEAR, borderMode=mode, borderValue=128)
        return picture, (moved + shift).astype(np.float32)


def weather(x: torch.Tensor) -> torch.Tensor:
    n = len(x)
    one = lambda low, high: torch.rand(n, 1, 1, 1) * (high - low) + low
    x = torch.where(torch.rand(n, 1, 1, 1) < 0.12, 1 - x, x)
    mean = x.mean((2, 3), keepdim=True)
    x = (x - mean) * one(0.5, 1.3) + mean + one(-0.2, 0.2)
    if torch.rand(()) < 0.4:
        x = F.avg_pool2d(F.pad(x, (1, 1, 1, 1), mode="replicate"), 3, 1) * 0.6 + x * 0.4
    return (x + torch.randn_like(x) * one(0, 0.04)).clamp(0, 1)


def loss_of(out, score, offsets):
    """Losses of the score, of the corners whichever way up they are told, and of that way."""
    out = out.float()
    care, positive = score >= 0, score == 1
    p = out[:, 0].sigmoid()
    hard = torch.where(positive, 1 - p, p) ** 2
    bce = F.binary_cross_entropy_with_logits(out[:, 0], score.clamp(min=0), reduction="none") * hard * torch.where(positive, 3.0, 1.0)
    score_loss = bce[care].sum() / positive.sum().clamp(min=20)
    told = out[:, 1:].permute(0, 2, 3, 1)[positive]
    if not len(told):
        return score_loss, out.sum() * 0, out.sum() * 0
    wanted = offsets.permute(0, 2, 3, 1)[positive]
    upright = corner_loss(told[:, :8], wanted)
    turned = corner_loss(told[:, :8], wanted.roll(4, 1))
    way = F.binary_cross_entropy_with_logits(told[:, 8], (turned < upright).float())
    return score_loss, torch.minimum(upright, turned).mean(), way


def corner_loss(told, wanted):
    """Offsets [n,8] of four corners each → [n]; a far corner is another cell's to tell."""
    weight = 1 / (1 + 0.15 * wanted.view(-1, 4, 2).norm(dim=-1, keepdim=True))
    return (F.smooth_l1_loss(told, wanted, reduction="none", beta=0.1).view(-1, 4, 2) * weight).mean((1, 2))


def moved(rng, picture, quads):
    """A scene at another size and tilt, its quads with it; as it is where that would cut one off."""
    scale, angle = np.exp(rng.uniform(-0.5, 0.4)), rng.normal() * 8
    centre = SCENE[1] / 2, SCENE[0] / 2
    matrix = cv2.getRotationMatrix2D(centre, angle, scale)
    matrix[:, 2] += rng.normal(size=2) * [40, 25]
    there = (quads @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)
    if (there < 2).any() or (there > np.float32([SCENE[1], SCENE[0]]) - 2).any():
        return picture, quads
    mode = cv2.BORDER_REFLECT if scale > 1 else cv2.BORDER_CONSTANT
    return cv2.warpAffine(picture, matrix, SCENE[::-1], flags=cv2.INTER_LINEAR, borderMode=mode, borderValue=128), there


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shards", type=Path, required=True)
    parser.add_argument("--quads", type=Path, help="quads.tsv of cut_real.py")
    parser.add_argument("--real", type=Path)
    parser.add_argument("--init", type=Path, help="weights to start from")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=7200, help="batches to learn from")
    parser.add_argument("--int8", action="store_true", help="fold, quantize and fine-tune the float weights of --init")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    a = parser.parse_args()
    run = Run(parser, a, DEFINING)
    cv2.setNumThreads(1)
    net = Locator()
    torch.nn.init.constant_(net.head.bias[: net.SPLIT**2], -4.0)
    if a.init:
        net.load_state_dict(torch.load(a.init))
    if a.int8:
        net = quantized(net)
    net = net.to(memory_format=torch.channels_last)
    rendered = list(scenes(a.shards))
    real = Photographs(a.quads, a.real) if a.quads else None
    tune = Photographs(a.quads, a.real, "tune") if a.quads else None
    print(len(rendered), "scenes", len(real.items) if real else 0, "photographs", flush=True)
    optimizer = torch.optim.AdamW(net.parameters(), lr=a.rate, weight_decay=0.01)
    if a.int8:
        rng = run.rng
        pictures = [rendered[k][0] for k in rng.integers(0, len(rendered), 40)] + ([real.draw(rng)[0] for _ in range(40)] if real else [])
        settle(net, [torch.from_numpy(np.stack(pictures[i::20]))[:, None].float() / 255 for i in range(20)])
    run.begin(net, optimizer, 0.996)
    rng = run.rng
    since, sums = time.time(), np.zeros(3)
    while run.step < a.steps:
        done = run.step / a.steps
        rate = a.rate * min(1, (run.step + 1) / 100) * (0.5 * (1 + math.cos(math.pi * done)) * 0.98 + 0.02)
        batch, labels = [], []
        for i in range(a.batch):
            if real and i % 2:
                picture, quad = real.draw(rng)
                batch.append(picture)
                labels.append(targets(quad[None]))
            else:
                picture, marks = rendered[rng.integers(len(rendered))]
                if rng.random() < 0.3:  # turned half way round
                    picture, marks = picture[::-1, ::-1], np.float32([SCENE[1], SCENE[0]]) - marks
                if rng.random() < 0.6:
                    picture, marks = moved(rng, np.ascontiguousarray(picture), marks)
                batch.append(picture)
                labels.append(targets(marks))
        x = torch.from_numpy(np.stack(batch))[:, None].float() / 255
        score, offsets = (torch.from_numpy(np.stack(v)) for v in zip(*labels))
        with torch.autocast("cpu", torch.bfloat16):
            out = net(weather(x).to(memory_format=torch.channels_last))
        losses = loss_of(out, score, offsets)
        run.learn(sum(losses), rate, 5.0)
        sums += [loss.item() for loss in losses]
        if run.step % EVERY == 0:
            figures = " ".join(f"{name} {mean:.3f}" for name, mean in zip(("score", "corners", "way"), sums / EVERY))
            line = f"{run.step} {100 * done:.0f}% {figures} {EVERY * a.batch / (time.time() - since):.0f}/s"
            if tune and run.step % 500 == 0:
                line += " " + measure(run.kept, tune)
            print(line, flush=True)
            run.save()
            since, sums = time.time(), np.zeros(3)
    run.save()
    if tune:
        print(measure(run.kept, tune))


def near(quad: np.ndarray, points: np.ndarray, widths: float, heights: float) -> np.ndarray:
    """Which points [...,2] lie within some widths and heights of a quad's middle."""
    along, down = (quad[1] + quad[2] - quad[0] - quad[3]) / 2, (quad[3] + quad[2] - quad[0] - quad[1]) / 2
    width, height = max(1e-3, np.linalg.norm(along)), np.linalg.norm(down)
    off = points - quad.mean(0)
    unit = along / width
    return (np.abs(off @ unit) < widths * width) & (np.abs(off @ np.float32([-unit[1], unit[0]])) < heights * height)


def decode(out: np.ndarray) -> tuple[np.ndarray, float, np.ndarray]:
    """The best line of one output [10,36,64]: its corners (each told by the cells near it), its score and its cells."""
    logit = out[0]
    row, column = np.unravel_index(logit.argmax(), logit.shape)
    p = 1 / (1 + np.exp(-logit))
    ys, xs = np.mgrid[:ROWS, :COLUMNS]
    cells = np.stack([(xs + 0.5) * STRIDE, (ys + 0.5) * STRIDE], -1).astype(np.float32)
    corners = out[1:9].transpose(1, 2, 0).reshape(ROWS, COLUMNS, 4, 2) * STRIDE + cells[:, :, None]
    seed = corners[row, column]
    own = near(seed, corners.mean(2), 0.5, 0.6) & (p > 0.1)
    own[row, column] = True
    told, p, way = corners[own], p[own], out[9][own]
    along = lambda quads: quads[..., 1, :] + quads[..., 2, :] - quads[..., 0, :] - quads[..., 3, :]
    turned = along(told) @ along(seed) < 0
    told[turned], way[turned] = np.roll(told[turned], 2, 1), -way[turned]
    if (p * way).sum() > 0:
        told = np.roll(told, 2, 1)
    distance = np.linalg.norm(told - cells[own][:, None], axis=-1)
    w = p[:, None] / (STRIDE + distance) ** 2
    return (told * w[..., None]).sum(0) / w.sum(0)[:, None], float(logit.max()), own


def measure(net, photographs) -> str:
    """The worst corner's error in characters, on photographs as they are, and the share found the wrong way up."""
    net.eval()
    worst, turned = [], 0
    for i in range(len(photographs.items)):
        picture, quad = photographs.draw(None, jitter=False, index=i)
        with torch.no_grad():
            out = net(torch.from_numpy(picture)[None, None].float() / 255)[0].float().numpy()
        found, *_ = decode(out)
        length = np.linalg.norm(quad[1] - quad[0])
        error = lambda found: np.linalg.norm(found - quad, axis=-1).max() / length * 17
        worst.append(min(error(found), error(np.roll(found, 2, 0))))
        turned += worst[-1] < error(found)
    net.train()
    worst = np.array(worst)
    return f"tune: worst corner within 0.5/1/2 characters {np.mean(worst < 0.5):.3f} {np.mean(worst < 1):.3f} {np.mean(worst < 2):.3f}, turned {turned / len(worst):.3f}"


if __name__ == "__main__":
    main()
