# SPDX-License-Identifier: GPL-2.0-or-later
"""A guest's folder as fixtures/guests/lab takes it, and mmwalk's answers about the dumps in it."""

import argparse
import json
import re
import struct
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

DIFFERENCES_SHOWN = 6

# The table in TTBR0_EL1 or TTBR1_EL1, between CnP and the ASID; a table of two entries is 16 bytes.
TTBR_BADDR = 0xFFFFFFFFFFFE


@dataclass
class Dump:
    """One dump of a guest: what to call it, and the words that give it to mmwalk."""

    name: str
    words: list

    @property
    def paths(self):
        return [word.split("@")[0] for word in self.words if not word.startswith("--")]


def dumps_of(folder):
    """The dumps in a guest's folder, a split one as several files. Where a raw file's memory lies, mmwalk has to find out."""
    meta = json.loads((folder / "meta.json").read_text())
    found = []
    for name in meta["dumps"]:
        stem, _, part = name.rpartition(".")
        path = str(folder / name)
        if part.isdigit() and part != "1":
            found[-1].words += ["--part", path]
        else:
            found.append(Dump(stem or name, [path]))
    return found


@dataclass
class Check:
    """One guest's dump, and the verdicts on it."""

    program: str
    folder: Path
    dump: Dump
    tally: dict
    meta: dict = field(init=False)

    def __post_init__(self):
        self.truth = self.folder / "truth"
        self.meta = json.loads((self.folder / "meta.json").read_text())
        self.arch = self.meta["arch"]

    def call(self, command, *words, stdin=None):
        """mmwalk's exit status, output and complaints; it may report damage (1), but not fail."""
        done = subprocess.run([self.program, command, *self.dump.words, *words], input=stdin,
                              capture_output=True, text=True, check=False)
        if done.returncode not in (0, 1):
            told = " ".join([command, *self.dump.words, *words])
            raise RuntimeError(f"mmwalk {told}: exit status {done.returncode}: {done.stderr.strip()}")
        return done

    def run(self, command, *words, stdin=None):
        return self.call(command, *words, stdin=stdin).stdout

    def read(self, name):
        return (self.truth / name).read_text()

    def has(self, name):
        return (self.truth / name).exists()

    def verdict(self, what, expected, found):
        """Compare two lists of lines."""
        same = expected == found
        self.tally[same] += 1
        word = "ok" if same else "FAILED"
        print(f"{word} {self.folder.name} {self.dump.name} {what} ({len(expected)} lines)", flush=True)
        if same:
            return
        shown = 0
        missing, extra = set(expected) - set(found), set(found) - set(expected)
        for sign, lines, odd in (("-", expected, missing), ("+", found, extra)):
            for line in lines:
                if line in odd and shown < DIFFERENCES_SHOWN:
                    print(f"    {sign} {line[:400]}")
                    shown += 1
        if not missing and not extra:
            print("    the same lines in another order or number")


def file_offset(path, pa):
    """Where an ELF64 core keeps its memory at pa."""
    with path.open("rb") as f:
        head = f.read(64)
        offset, count = struct.unpack_from("<Q", head, 32)[0], struct.unpack_from("<H", head, 56)[0]
        f.seek(offset)
        for segment in struct.iter_unpack("<IIQQQQQQ", f.read(56 * count)):
            kind, _flags, at, _va, start, size, _memsz, _align = segment
            if kind == 1 and start <= pa < start + size:
                return at + pa - start
    raise ValueError(f"{path.name} does not hold {pa:x}")


def sysregs(c, cpu):
    """A CPU's system registers by QEMU's debugger stub, as numbers."""
    if not (c.folder / "sysregs.json").exists():
        return {}
    values = json.loads((c.folder / "sysregs.json").read_text())[cpu]
    return {name: int(value, 16) for name, value in values.items() if name != "cpu"}


def user_root(c, cpu):
    """The physical address of the tables a CPU uses for the lower half of the addresses."""
    regs = sysregs(c, cpu)
    if "satp" in regs:
        return (regs["satp"] & (1 << 44) - 1) << 12
    if "TTBR0_EL1" in regs:
        return regs["TTBR0_EL1"] & TTBR_BADDR
    if "TTBR0" in regs:
        return regs["TTBR0"] & (0xFFFFFFFFE0 if regs["TTBCR"] >> 31 else 0xFFFFC000)
    cr3 = re.findall(r"CR3=([0-9a-f]+)", (c.folder / "registers.txt").read_text())[cpu]
    return int(cr3, 16) & (0xFFFFFFE0 if c.arch == "i386" else ~0xFFF)


def main(doc, check_folder, *options):
    """Runs CHECK_FOLDER(options, folder, tally) on each folder of the command line, and counts; the exit status."""
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    parser.add_argument("--mmwalk", default="mmwalk")
    for name, text in options:
        parser.add_argument(name, action="store_true", help=text)
    parser.add_argument("folders", nargs="+", type=Path)
    args = parser.parse_args()
    tally = {True: 0, False: 0}
    for folder in args.folders:
        try:
            check_folder(args, folder, tally)
        except (RuntimeError, OSError, ValueError, KeyError, IndexError) as error:
            tally[False] += 1
            print(f"FAILED {folder.name}: {type(error).__name__}: {error}")
    print(f"{tally[True]} passed, {tally[False]} failed")
    sys.exit(1 if tally[False] or not tally[True] else 0)
