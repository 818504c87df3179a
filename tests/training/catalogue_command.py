"""Run `tinykit models --json` with a full cache in the folder argv[1]; fail if Keras is loaded."""

from __future__ import annotations

import os
import sys

os.environ["TINYKIT_CACHE"] = sys.argv[1]

from tinykit import board, paths
from tinykit.cli.run import run
from tinykit.pipeline import catalogue

CORE = board.find("mps2-an386").processor
ROW = {
    "task": "classify",
    "architecture": "made_up",
    "size": "s",
    "what": "Nothing",
    "features": "mfcc",
    "input_shape": [49, 10],
    "parameters": 1,
    "macs": 2,
    "hop_macs": None,
    "flash_bytes": 3,
    "ram_bytes": 4,
    "note": "",
}

key = catalogue.key_of(board.find("mps2-an386"))
file = paths.cache_dir() / "models" / f"{CORE.name}-balanced.json"
catalogue.write(file, key, {"classify made_up s": ROW}, complete=True)
code = run(["models", "--json"])
sys.exit(code or ("keras" in sys.modules))
