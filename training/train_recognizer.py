"""Trains a network that reads strips on rendered ones and, when given, on strips cut from photographs.

`python train_recognizer.py --shards shards --out runs/recognizer [--real shards/real/train.npz] [--net examiner]`

It can be stopped at any time; `runs.py` says how it goes on. The rate falls in the last part of a run only.
"""

import argparse
import time
from collections import Counter
from pathlib import Path

import numpy as np
import torch

import augment
import reading
import spelling
from nets import NETS, Recognizer
from quantized import quantized, settle
from runs import Run
from shards import Shards
from vins import UNKNOWN

EVERY = 200  # steps, after which a run says how it is and is saved
# What makes a run the run it is.
DEFINING = ("net", "init", "shards", "real", "real_share", "rough", "rough_share", "batch", "rate", "seed", "heads", "int8", "judge")
COOLING = 0.35  # the last part of a run, in which the rate falls
AGAIN = 2  # how often what spells is shown again what only has an I, O or Q too many
TASKS = {"recognizer": (reading, reading.start), "examiner": (spelling.EXAMINER, spelling.start), "arbiter": (spelling.ARBITER, spelling.start)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shards", type=Path, required=True, help="folder of rendered strips_*.npz")
    parser.add_argument("--real", type=Path, help="strips cut from photographs (cut_real.py)")
    parser.add_argument("--real-share", type=float, default=0.5, help="of a batch")
    parser.add_argument("--rough", type=Path, help="strips with much around them (cut_rough.py), of which a recognizer learns where the text is")
    parser.add_argument("--rough-share", type=float, default=0.33, help="of a batch")
    parser.add_argument("--tune", type=Path, help="strips of the tune part, measured as it goes; an upper bound, as they are cut where a recognizer reads the known VIN best (cut_real.py)")
    parser.add_argument("--net", choices=TASKS, default="recognizer")
    parser.add_argument("--init", type=Path, help="weights to start from; an examiner may start from a recognizer's, an arbiter from PP-OCRv6_rec_small.onnx")
    parser.add_argument("--judge", type=Path, help="a trained recognizer's weights: marks that it cannot read at all are left out, as they teach nothing")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=40_000, help="batches to learn from")
    parser.add_argument("--heads", action="store_true", help="leave the trunk as it is: a third of the time")
    parser.add_argument("--int8", action="store_true", help="fold, quantize and fine-tune the float weights of --init")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    a = parser.parse_args()
    run = Run(parser, a, DEFINING)
    task, start = TASKS[a.net]
    if a.rough and a.net != "recognizer":
        parser.error(f"only the recognizer tells where text is: --rough is nothing for the {a.net}")
    net = NETS[a.net]()
    if a.init:
        start(net, a.init)
    if a.int8:
        if a.net == "arbiter":
            parser.error("the arbiter computes in floats: there is no --int8 of it")
        net = quantized(net)
    net = net.to(memory_format=torch.channels_last)
    rendered = Shards(sorted(a.shards.glob("strips_*.npz")))
    held = rendered.split(1000)
    if a.judge:
        judge = Recognizer().eval()
        judge.load_state_dict(torch.load(a.judge))
        print(len(rendered), "rendered strips,", len(rendered.drop_unreadable(judge)), "of them readable", flush=True)
    choice = np.arange(len(rendered))
    if a.net != "recognizer":
        misspelt = np.flatnonzero((rendered.marks == 0) & (rendered.labels != UNKNOWN).all(1))
        choice = np.concatenate([choice, *[misspelt] * AGAIN])
    real = Shards([a.real]) if a.real else None
    chances = real.evenly() if real else None
    rough = np.load(a.rough)["strips"] if a.rough else None
    rough_share = int(a.batch * a.rough_share) if a.rough else 0
    tune = Shards([a.tune]) if a.tune else None
    if a.heads:
        net.trunk.requires_grad_(False)
    learning = [p for p in net.parameters() if p.requires_grad]
    decay = [p for p in learning if p.dim() > 1]
    rest = [p for p in learning if p.dim() <= 1]
    optimizer = torch.optim.AdamW([{"params": decay, "weight_decay": 0.03}, {"params": rest, "weight_decay": 0}], lr=a.rate, betas=(0.9, 0.98))
    if a.int8:
        rng = run.rng
        settle(net, [augment.cut(rendered.batch(rng.integers(0, len(rendered), 256))[0]) for _ in range(20)] + ([augment.cut(real.batch(rng.integers(0, len(real), 256))[0]) for _ in range(20)] if real else []))
    run.begin(net, optimizer, 0.998)
    kept, rng = run.kept, run.rng
    since, sums = time.time(), Counter()
    net.train()
    net.trunk.train(not a.heads)
    while run.step < a.steps:
        done = run.step / a.steps
        rate = a.rate * min(1, (run.step + 1) / 200, 0.01 + (1 - done) / COOLING)
        share = int((a.batch - rough_share) * a.real_share) if real else 0
        parts = [task.shown_once(rendered.batch(rng.choice(choice, a.batch - rough_share - share)))]
        if share:
            strips, labels, centres, marks = real.batch(rng.choice(len(real), share, p=chances))
            lines = augment.spliced(*augment.exchanged(strips, labels, centres), centres)
            # They are small already: what cannot be read in them any more is learned by heart.
            parts.append(task.shown_once((*lines, marks), least=0.75))
        if rough_share:
            shown = torch.from_numpy(rough[rng.choice(len(rough), rough_share)])[:, None].float() / 255
            parts.append(task.rough_once(shown, kept))
        loss, figures = task.losses(net, *(torch.cat(x) for x in zip(*parts)))
        run.learn(loss, rate, 2.0)
        sums.update(loss=loss.item(), **figures)
        if run.step % EVERY == 0:
            line = " ".join([f"{run.step} {100 * done:.0f}%", *(f"{name} {total / EVERY:.3f}" for name, total in sums.items()), f"{EVERY * a.batch / (time.time() - since):.0f}/s"])
            if run.step % 1000 == 0:
                line += f" held out {task.measure(kept, held)}"
                if tune:
                    line += f" tune {task.measure(kept, tune)}"
            print(line, flush=True)
            run.save()
            since, sums = time.time(), Counter()
    run.save()
    print("held out", task.measure(kept, held), f"tune {task.measure(kept, tune)}" if tune else "")


if __name__ == "__main__":
    main()
