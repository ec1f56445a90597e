"""Compares vinspect with general readers of text on the same pictures: PP-OCRv4, PP-OCRv6 (small) and tesseract.

`python peers.py --vinspect ../target/release/vinspect --labels shards/split/validation.tsv --images ../../shared/real/images
     --makers ../../shared/data/wmi.tsv --kinds kinds.tsv --cache peers.jsonl`

Every reader gets the whole picture and says one VIN or none. vinspect says of its own accord which text is the VIN and
whether it may be trusted. The others read all text they find; then a rule that knows what a VIN is takes, of all 17
neighbouring characters within a line (capitals, without spaces and *, I as 1, O and Q as 0), those of which the check digit
holds and the maker is known, else those of which the maker is known, else the first.

All work in one thread, by turns of a few pictures each, so that what else the machine does hits them alike: on a busy one
believe the ratio of the times, not the times. The time on the clock leaves out the start of vinspect and PP-OCR, but not
tesseract's, which is started for each picture, as its command line wants it. The time of the processor, which a busy machine
changes less, has vinspect's start in it, too: one a turn.

The cache has a line an answer. It holds VINs; a run that was broken off goes on from it; delete it to measure anew.
"""

import argparse
import json
import math
import os
import random
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import vins

TURN = 8  # pictures that a reader gets at a time
ENLARGED = 3  # tesseract wants large letters: of 24 tuning photographs it read 2 as they are and 4 enlarged (page mode 11, the best)
READERS = ("vinspect", "PP-OCRv4", "PP-OCRv6", "tesseract")


@dataclass
class Answer:
    """What a reader says about one picture."""

    reader: str
    file: str
    outcome: str  # accepted, review or no_read
    vin: str | None
    ms: float  # on the clock
    cpu_ms: float = 0.0  # of the processor, the mean of the turn


def vinspect(program: Path) -> Callable[[list[Path]], list[Answer]]:
    """Reads by `vinspect read`."""

    def read(paths: list[Path]) -> list[Answer]:
        out = subprocess.run([program, "read", "--json", "--jobs", "1", *paths], stdout=subprocess.PIPE, text=True).stdout
        lines = [json.loads(line) for line in out.splitlines()]
        broken = next((line for line in lines if "error" in line), None)
        if broken or len(lines) != len(paths):
            sys.exit(f"vinspect could not read {broken or 'all of ' + str(paths)}")
        return [Answer("vinspect", Path(r["path"]).name, r["outcome"], r["vin"] and str(r["vin"]), r["elapsed_ms"]) for r in lines]

    return read


def pp_ocr_v4(pick: Callable) -> Callable[[list[Path]], list[Answer]]:
    """Reads by PP-OCRv4 as it comes: text found, turned upright, read."""
    from rapidocr_onnxruntime import RapidOCR

    engine = RapidOCR(intra_op_num_threads=1, inter_op_num_threads=1)
    return by_lines("PP-OCRv4", lambda path: [text for _, text, _ in engine(path)[0] or []], pick)


def pp_ocr_v6(pick: Callable) -> Callable[[list[Path]], list[Answer]]:
    """The same by PP-OCRv6, whose reader of lines the arbiter is made of."""
    from rapidocr import RapidOCR

    threads = {f"EngineConfig.onnxruntime.{which}_op_num_threads": 1 for which in ("intra", "inter")}
    engine = RapidOCR(params={**threads, "Global.log_level": "error"})
    return by_lines("PP-OCRv6", lambda path: list(engine(path).txts or ()), pick)


def by_lines(name: str, lines_in: Callable[[str], list[str]], pick: Callable) -> Callable[[list[Path]], list[Answer]]:
    """Reads by what tells the lines of text in a picture."""
    import cv2

    cv2.setNumThreads(1)

    def read(path: Path) -> Answer:
        begun = time.perf_counter()
        vin = pick(lines_in(str(path)))
        return Answer(name, path.name, "accepted" if vin else "no_read", vin, 1e3 * (time.perf_counter() - begun))

    return lambda paths: [read(path) for path in paths]


def tesseract(pick: Callable) -> Callable[[list[Path]], list[Answer]]:
    """Reads by tesseract's command line, for text strewn over an enlarged picture."""
    import cv2

    def read(path: Path, enlarged: str) -> Answer:
        begun = time.perf_counter()
        cv2.imwrite(enlarged, cv2.resize(cv2.imread(str(path)), None, fx=ENLARGED, fy=ENLARGED, interpolation=cv2.INTER_CUBIC))
        command = ["tesseract", enlarged, "-", "--psm", "11", "--dpi", "300"]
        out = subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ, "OMP_THREAD_LIMIT": "1"}).stdout
        vin = pick(out.splitlines())
        return Answer("tesseract", path.name, "accepted" if vin else "no_read", vin, 1e3 * (time.perf_counter() - begun))

    def turn(paths: list[Path]) -> list[Answer]:
        with tempfile.TemporaryDirectory() as folder:
            return [read(path, f"{folder}/enlarged.png") for path in paths]

    return turn


def picker(makers: Path) -> Callable[[list[str]], str | None]:
    """The rule that takes one VIN, or none, from lines of text; `makers` lists the known codes in its first column."""
    codes = {line.split("\t")[0] for line in makers.read_text().splitlines()[1:]}

    def rank(text: str) -> int:
        known = not codes.isdisjoint((text[:2], text[:3], text[:3] + text[11:14]))
        return 0 if not known else 2 if text[8] == vins.check_digit(text) else 1

    def pick(lines: list[str]) -> str | None:
        texts = (re.sub(r"[\s*]", "", line.upper()).translate(str.maketrans(vins.TAKEN_FOR)) for line in lines)
        windows = [text[i : i + vins.LENGTH] for text in texts for i in range(len(text) - vins.LENGTH + 1)]
        return max((w for w in windows if set(w) <= set(vins.ALPHABET)), key=rank, default=None)

    return pick


def table(path: Path) -> dict[str, str]:
    """Two columns: file and what is known about it."""
    return dict(line.split("\t")[:2] for line in path.read_text().splitlines() if line and not line.startswith("#"))


def cpu_ms() -> float:
    """What this process and those that it started have used of the processor until now."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return 1e3 * sum(u.ru_utime + u.ru_stime for u in used)


def answers(cache: Path, readers: dict[str, Callable], paths: list[Path]) -> list[Answer]:
    """All answers, those that are missing in the cache asked for."""
    known = [Answer(**json.loads(line)) for line in cache.read_text().splitlines()] if cache.exists() else []
    done = {(a.reader, a.file) for a in known}
    for seen in range(0, len(paths), TURN):
        turn = paths[seen : seen + TURN]
        for name, read in readers.items():
            if missing := [path for path in turn if (name, path.name) not in done]:
                begun = cpu_ms()
                new = read(missing)
                used = (cpu_ms() - begun) / len(new)
                known += (new := [replace(answer, cpu_ms=used) for answer in new])
                with cache.open("a") as file:
                    file.writelines(json.dumps(asdict(a)) + "\n" for a in new)
        print(f"{seen + len(turn)} of {len(paths)} pictures", file=sys.stderr, flush=True)
    wanted = {path.name for path in paths}
    return [a for a in known if a.file in wanted]


def share(count: int, of: int) -> str:
    """A count, its percentage, and Wilson's interval that holds the true one in 95 of 100 cases."""
    z, p = 1.96, count / of
    middle = (p + z * z / (2 * of)) / (1 + z * z / of)
    half = z / (1 + z * z / of) * math.sqrt(p * (1 - p) / of + z * z / (4 * of * of))
    return f"{count:4} {100 * p:5.1f} % ({100 * max(0, middle - half):4.1f}–{100 * min(1, middle + half):5.1f})"


def report(kind: str, found: list[Answer], labels: dict[str, str]) -> None:
    """The table of one kind of picture."""
    print(f"\n{kind}: {len({a.file for a in found})} pictures")
    print(f"{'':22}{'right':24}{'wrong':24}{'review':24}{'none':24}median ms, processor's")
    clock, cpu = {}, {}
    for name in READERS:
        mine = [a for a in found if a.reader == name]
        clock[name], cpu[name] = statistics.median(a.ms for a in mine), statistics.median(a.cpu_ms for a in mine)
        # Last for vinspect: as if its doubts were not told, which is how the others answer.
        for title, said in ((name, ("accepted",)), (f"{name}, best guess", ("accepted", "review"))):
            if "guess" in title and name != "vinspect":
                continue
            told = [a for a in mine if a.outcome in said and a.vin]
            right = sum(a.vin == labels[a.file] for a in told)
            review = sum(a.outcome == "review" and a.vin is not None for a in mine) if "review" not in said else 0
            counts = (right, len(told) - right, review, len(mine) - len(told) - review)
            print(f"{title:22}" + "".join(f"{share(n, len(mine)):24}" for n in counts) + f"{clock[name]:9.0f}{cpu[name]:13.0f}")
    ratios = (f"{name} {clock[name] / clock['vinspect']:.1f} (processor {cpu[name] / cpu['vinspect']:.1f})" for name in READERS[1:])
    print("times as long as vinspect: " + ", ".join(ratios))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vinspect", type=Path, required=True, help="the program, a release build")
    parser.add_argument("--labels", type=Path, required=True, help="a picture a line: its file, a tab, its VIN")
    parser.add_argument("--images", type=Path, required=True, help="the folder with the pictures")
    parser.add_argument("--makers", type=Path, required=True, help="known makers' codes: the first column, after a heading")
    parser.add_argument("--kinds", type=Path, help="a picture a line: its file, a tab, what kind of picture it is")
    parser.add_argument("--cache", type=Path, required=True, help="where answers are kept")
    a = parser.parse_args()
    labels, pick = table(a.labels), picker(a.makers)
    readers = dict(zip(READERS, (vinspect(a.vinspect), pp_ocr_v4(pick), pp_ocr_v6(pick), tesseract(pick))))
    files = random.Random(1).sample(sorted(labels), len(labels))  # so that what is there of a run broken off has some of all
    found = answers(a.cache, readers, [a.images / file for file in files])
    kinds = table(a.kinds) if a.kinds else {}
    for kind in sorted(set(kinds.get(file, "of no kind") for file in labels)) if kinds else ():
        report(kind, [x for x in found if kinds.get(x.file, "of no kind") == kind], labels)
    report("all", found, labels)


if __name__ == "__main__":
    main()
