#!/usr/bin/env python3
"""Random metabases of IIS SMTP servers, imported and run: does each request get the verdict of the metabase?

usage: import_verdicts.py --build DIR [--requests 10000] [--each 250] [--seed N]

Each configuration is asked EACH requests by `mailrootctl explain relay`; an independent reading of the metabase
(t/system/metabase.py) says what is right. The seed of a campaign that failed repeats it.
"""
import argparse
import pathlib
import random
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))

import harness
from import_oracle import Imported
from metabase import VERSIONS


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", required=True)
    parser.add_argument("--requests", type=int, default=10000)
    parser.add_argument("--each", type=int, default=250)
    parser.add_argument("--seed", type=int, default=random.randrange(2 ** 32))
    options = parser.parse_args()
    harness.BUILD = pathlib.Path(options.build).resolve()
    print(f"seed {options.seed}", flush=True)
    choose, asked, accepted, began = random.Random(options.seed), 0, 0, time.monotonic()
    while asked < options.requests:
        with Imported(choose, choose.choice(VERSIONS)) as server:
            accepted += server.compare(min(options.each, options.requests - asked))
        asked += min(options.each, options.requests - asked)
        print(f"{asked} requests decided alike, {accepted} of them accepted, {time.monotonic() - began:.0f} s", flush=True)


if __name__ == "__main__":
    main()
