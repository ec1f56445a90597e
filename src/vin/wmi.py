"""Refreshes wmi.tsv, the table of makers' codes, from its two sources.

1. NHTSA's vPIC is published as a database every month. The crate `corgi-rs` carries what is needed of it (0.4.0 that of
   2026-08): `cargo fetch --manifest-path benches/peers/Cargo.toml` puts it below ~/.cargo/registry/src; or run its
   `tools/extract_assets.sql` on a newer database;
2. `pip install vininfo==1.11.0` (2026-05);
3. `python src/vin/wmi.py corgi-rs-0.4.0/assets/wmi.tsv.zst`, then change the dates below and read the difference.

Rows that neither source has (l, o) stay as they are.
"""

import subprocess
import sys
from pathlib import Path

from vininfo.dicts import WMI

TABLE = Path(__file__).with_name("wmi.tsv")
HEADER = """\
# World manufacturer identifiers: code, source, vehicle type, maker; sorted by code. Made by wmi.py.
# Two characters: the usual maker of every code that begins so. Six: a maker of fewer than 1,000 vehicles a year,
# the 9 in third place and places 12 to 14 of the VIN; three with such a 9 belong to many and are left out.
# Sources: n = NHTSA vPIC, 2026-08 (public data of the US government); i = vininfo, 2026-05 (BSD-3-Clause,
# Igor Starikov); in neither: l = read off the maker's label of a car, o = widely published. Where both know a code, vPIC's
# marque is taken inside North America and vininfo's outside; where vPIC names only a corporation, the marque it is called
# after.
# Types, by vPIC: p = passenger car, m = multipurpose passenger vehicle, t = truck, b = bus, c = chassis (incomplete
# vehicle), - = not told.
"""
TYPES = {"2": "p", "3": "t", "5": "b", "7": "m", "10": "c"}
NORTH_AMERICA = "123457"
NO_VIN = set("IOQ")


def marque_of(corporation: str, marques: list[str]) -> str | None:
    """The longest marque whose name a corporation's begins with."""
    named = (m for m in marques if f"{corporation} ".upper().startswith(f"{m} ".upper()))
    return max(named, key=len, default=None)


def rows(vpic: str) -> dict[str, tuple[str, str, str]]:
    """Code → source, type, maker."""
    known = {code: name if isinstance(name, str) else name.manufacturer for code, name in WMI.items()}
    # Not every name is a marque's: "Nova Bus" is, "US" is not.
    marques = sorted({name for name in known.values() if len(name) > 2})
    table = {code: ("i", "-", name) for code, name in known.items()}
    for line in vpic.splitlines():
        code, kind, _, _, make, corporation, _ = line.split("\t")
        marque = make or marque_of(corporation, marques)
        at_home = code[0] in NORTH_AMERICA
        if code not in known or at_home or (not make and marque and marque != known[code]):
            table[code] = ("n", TYPES[kind], marque or corporation)
        else:
            table[code] = ("i", TYPES[kind], known[code])
    for line in TABLE.read_text().splitlines():
        code, source, *_, name = line.split("\t") if line[0] != "#" else ("", "", "")
        if source in ("l", "o"):
            table.setdefault(code, (source, "-", name))
    left_out = lambda code, name: NO_VIN & set(code) or (len(code) == 3 and code[2] == "9") or name.startswith("ZZ")
    return {code: row for code, row in table.items() if not left_out(code, row[2])}


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    vpic = subprocess.run(["zstd", "-dqc", sys.argv[1]], check=True, capture_output=True, text=True).stdout
    TABLE.write_text(HEADER + "".join("\t".join((code, *row)) + "\n" for code, row in sorted(rows(vpic).items())))
