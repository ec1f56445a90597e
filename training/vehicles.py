"""Counts how makers use the first eleven places, for the priors of the posterior.

`python vehicles.py --real ../../shared/real --out ../models/vehicles.tsv`

Counted are the vehicles that the networks are trained on, each once; also those that nobody has read and vinspect accepts
(`--readings`, lines of `vinspect read --json`). What tells one car from the next, the number in places 12 to 17, is left out.
"""

import argparse
from collections import Counter
from pathlib import Path

from real import accepted_readings, may_be_one_of, pictures
from vins import check_digit

HEADER = """\
# How makers use the first eleven places: made by training/vehicles.py from the vehicles that the networks are trained on.
# first eleven characters	vehicles	of these, with the computed check digit in place 9
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--real", type=Path, required=True)
    parser.add_argument("--readings", type=Path, help="what vinspect read: JSON lines")
    parser.add_argument("--out", type=Path, required=True)
    a = parser.parse_args()
    everything = pictures(a.real)
    kept_aside = {p.vin for p in everything if p.part in ("tune", "validation")}
    vins = {p.vin for p in everything if p.part == "train" and len(p.vin) == 17 and "?" not in p.vin}
    accepted = accepted_readings(a.readings) if a.readings else {}
    unread = {accepted.get(p.file, "") for p in everything if p.part == "train" and len(p.vin) != 17} - {""}
    vins |= {vin for vin in unread if not may_be_one_of(vin, kept_aside)}
    seen = Counter(vin[:11] for vin in vins)
    computed = Counter(vin[:11] for vin in vins if vin[8] == check_digit(vin))
    a.out.write_text(HEADER + "".join(f"{k}\t{n}\t{computed[k]}\n" for k, n in sorted(seen.items())))
    print(len(vins), "vehicles,", len(seen), "beginnings")


if __name__ == "__main__":
    main()
