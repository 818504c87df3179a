"""`tinykit models`: every architecture with its exact cost, kept until the code changes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("tensorflow", reason="the train extra (TensorFlow) is not installed")

from tinykit import models, paths
from tinykit.errors import BoardError
from tinykit.models import enhancers
from tinykit.pipeline import catalogue


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> list[dict]:
    """Return the catalogue of three small networks, for a core without a C compiler here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TINYKIT_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setattr(models, "names", lambda: ["lstm", "svdf"])
        patch.setattr(enhancers, "names", lambda: ["gru"])
        for package in (models, enhancers):
            for module in map(package.module, package.names()):
                patch.setattr(module, "SIZES", {"s": module.SIZES["s"]})
        first = catalogue.catalogue("esp32-s3-devkitc-1")
        patch.setattr(catalogue, "_row", lambda *_: pytest.fail("computed again"))
        assert catalogue.catalogue("esp32-s3-devkitc-1") == first  # from the cache
        (file,) = (paths.cache_dir() / "models").iterdir()
        file.write_text("{ damaged")
        with pytest.raises(pytest.fail.Exception):
            catalogue.catalogue("esp32-s3-devkitc-1")
    return first


def test_rows_have_the_compilers_figures(rows):
    """Parameters, MACs, memory; MACs of a hop only where the network can be streamed."""
    lstm, svdf, gru = rows
    assert (lstm["task"], lstm["architecture"], lstm["size"]) == ("classify", "lstm", "s")
    assert lstm["hop_macs"] is None
    assert 0 < svdf["hop_macs"] < svdf["macs"] / 10
    for row in rows:
        assert row["flash_bytes"] > row["parameters"] > 10_000
        assert row["ram_bytes"] > 0
    for row in (lstm, svdf):
        assert row["macs"] > row["parameters"]
        assert row["input_shape"] == [49, 40]
    assert (gru["task"], gru["features"]) == ("enhance", "bands")
    assert gru["hop_macs"] == gru["macs"] < gru["parameters"]  # a frame at a time


def test_unknown_board_is_refused():
    """A board that is not there is an error before any work."""
    with pytest.raises(BoardError, match="unknown board"):
        catalogue.catalogue("no-such-board")


def test_command_prints_the_catalogue(tmp_path):
    """`tinykit models --json` gives the rows, in a process that loads no TensorFlow when it can."""
    script = Path(__file__).with_name("catalogue_command.py")
    done = subprocess.run(
        [sys.executable, script, tmp_path], capture_output=True, text=True, check=True
    )
    document = json.loads(done.stdout)
    assert document["board"] == "mps2-an386"
    assert document["models"][0]["architecture"] == "made_up"
