#!/usr/bin/env bash
# The whole road on one command: a new project in demo/, then `tinykit run`.
# usage: scripts/demo.sh BOARD [DATA]   DATA: a folder of recorded speech; without it words are synthesized
set -euo pipefail
cd "$(dirname "$0")/.."
board=${1:-mps2-an386}
data=${2:-}

folder=demo/keywords${data:+-recorded}
if [ ! -f "$folder/tinykit.toml" ]; then
    .venv/bin/tinykit new "$folder" --task keyword-spotting --board "$board" ${data:+--data "$data"}
fi
exec .venv/bin/tinykit run --project "$folder" --board "$board"
