# SPDX-License-Identifier: GPL-2.0-or-later
"""Who allocated slab objects, as a guest with slub_debug=U says it, and mmwalk.

The guest reads its files one after the other while it runs on: caches of which the image notes anything since the
first file was read are set aside, and the others' traces must be equal, each line but for the ages: an age is as much
less as the guest read it before the image was taken, and files that were read later are younger.
"""

import json
import re

# sysfs has files of a page, and stops short of its end (mm/slub.c of 5.10, list_locations).
SHORTENED = 3500

HEAD = re.compile(r" *(\d+) (.+?)(?: waste=(\d+)/(\d+))? age=(-?\d+)(?:/(-?\d+)/(-?\d+))? (pid=.*)$")


def parse(text):
    """Each file's traces, in the order of the files: what is noted of them, and the ages. Several caches may have one name."""
    files = {}
    for part in re.split(r"^== ", text, flags=re.M)[1:]:
        name, _, body = part.partition("\n")
        traces = []
        for line in body.splitlines():
            match = HEAD.match(line)
            if match:
                count, function, wasted, waste, least, average, most, who = match.groups()
                # Of what was never noted the time of one is summed up.
                average = least if function == "<not-available>" else average
                ages = [int(least), int(average or least), int(most or least)]
                traces.append(([f"{count} {function} waste={wasted}/{waste} {who}"], ages))
            elif line.startswith("        "):
                traces[-1][0].append(line.strip())
        files.setdefault(name, []).append({"\n".join(lines): ages for lines, ages in traces})
    return files


def last_noted(c, *words):
    """When something was noted last of any object of a cache, free or not."""
    last = {}
    for kind in ([], ["--free"]):
        for line in c.run("slab-traces", "--calls", "--all", "--json", *kind, *words).splitlines():
            row = json.loads(line)
            last[row["cache"]] = max(last.get(row["cache"], 0), row["last"] or 0)
    return last


def elapsed(traces, mine):
    """Jiffies from the guest's reading of a file to the image: the least and the most, and if all ages fit in."""
    since = [[b - a for a, b in zip(ages, mine[trace])] for trace, ages in traces.items() if trace in mine]
    if not since:
        return None
    low, high = min(min(s[0], s[2]) for s in since), max(max(s[0], s[2]) for s in since)
    return low, high, low >= 0 and all(low - 1 <= s[1] <= high + 1 for s in since)


def nearest(traces, candidates):
    """Of the caches of one name, the one that the guest's file is of."""
    return max(candidates, key=lambda mine: len(traces.keys() & mine.keys()), default={})


def slab_traces(c, *words):
    """Every trace of caches that stood still since the guest read them."""
    if not c.has("slab_traces"):
        return
    told = {name: files[0] for name, files in parse(c.read("slab_traces")).items()}
    calls = ["--calls"] if any(name.endswith("_calls") for name in told) else []
    found = parse(c.run("slab-traces", *calls, *words) + c.run("slab-traces", "--free", *calls, *words))
    found = {name: nearest(traces, found.get(name, [])) for name, traces in told.items()}
    rows = map(json.loads, c.run("slab-traces", "--calls", "--json", *words).splitlines())
    now = next(row["age_min"] + row["last"] for row in rows if row["last"])
    last = last_noted(c, *words)
    times = {name: elapsed(traces, found[name]) for name, traces in told.items()}
    limit = max(time[1] for time in times.values() if time)
    expected, got, unfit, still = [], [], [], 0
    for name, traces in told.items():
        if last.get(name.split("/")[0], 0) >= now - limit:
            continue
        still += 1
        mine = found[name].keys()
        if calls and sum(map(len, traces)) > SHORTENED:
            mine &= traces.keys()
        expected += [f"{name}: {trace}" for trace in sorted(traces)]
        got += [f"{name}: {trace}" for trace in sorted(mine)]
        if times[name]:
            low, high, fit = times[name]
            unfit += [] if fit and high <= limit else [f"{name}: {low} to {high} jiffies, {limit} before"]
            limit = low
    c.verdict(f"slab-traces = the kernel's, {still} files of {len(told)}", expected, got)
    c.verdict("slab-traces: ages are those of the files, as much later as the guest read them", [], unfit)
