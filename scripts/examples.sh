#!/usr/bin/env bash
# Run every example project and keep the reports beside it.
set -euo pipefail
cd "$(dirname "$0")/.."
for project in examples/*/tinykit.toml; do
    folder=$(dirname "$project")
    for model in "$folder"/*.tflite; do # an example that needs no training
        [ ! -e "$model" ] || .venv/bin/tinykit compile "$model" --project "$folder"
    done
    .venv/bin/tinykit run --project "$folder"
    cp "$folder"/build/report.{html,json,md} "$folder"
done
