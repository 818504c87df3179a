"""`profile` accounts for every op of a model, in the order in which they run."""

from __future__ import annotations

from pathlib import Path

import pytest
import small_model
from unseen import Unseen

from tinykit.config import Compile
from tinykit.cycles import Modelled
from tinykit.errors import DeviceError
from tinykit.pipeline import profile as module
from tinykit.pipeline.profile import profile

PLAN = {
    "sha256": "",
    "core": "cortex-m4f",
    "optimize": "speed",
    "macs": 100,
    "ops": [
        {"index": 0, "kind": "reshape", "kernel": "view", "macs": 0},
        {"index": 3, "kind": "fully_connected", "kernel": "a", "macs": 100},
        {"index": 1, "kind": "softmax", "kernel": "b", "macs": 0},
    ],
}
DEVICE = {"board": "b", "exact": True, "unit": "instructions", "instructions": 410}


def _with_costs(costs: dict[str, int] | None, monkeypatch: pytest.MonkeyPatch) -> dict:
    """Profile a model of which a board measured `costs`."""
    device = {**DEVICE, "op_costs": costs}
    monkeypatch.setattr(module, "measure", lambda *given: (PLAN, device))
    cycles = Modelled({3: 300, 1: 100}, {3: 500, 1: 120, -1: 4}, "so")
    monkeypatch.setattr(module, "modelled_cycles", lambda *given: (cycles, "how"))
    return profile(Path("m.tflite"), "b", "", Compile(optimize="speed"), Unseen())


def test_shares_and_costs_per_mac(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shares are of the sum; an op without MACs has no cost for each; a view has no row."""
    found = _with_costs({"3": 300, "1": 100}, monkeypatch)
    rows = [(op["index"], op["share"], op["per_mac"]) for op in found["ops"]]
    assert rows == [(3, 0.75, 3.0), (1, 0.25, None)]
    assert [op["modelled_cycles"] for op in found["ops"]] == [500, 120]
    assert found["modelled_cycles"] == 624


@pytest.mark.parametrize("costs", [None, {}])
def test_a_board_without_costs_is_refused(
    costs: dict[str, int] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rather than an empty table, an error says that nothing was measured."""
    with pytest.raises(DeviceError, match="no costs"):
        _with_costs(costs, monkeypatch)


@pytest.mark.slow
@pytest.mark.emulator
def test_ops_add_up_to_the_inference(tmp_path: Path) -> None:
    """On a real firmware the ops' costs are nearly all of what the whole inference costs."""
    model = tmp_path / "small.tflite"
    model.write_bytes(small_model.build())
    found = profile(model, "mps2-an386", "", Compile(optimize="speed"), Unseen())
    assert found["exact"]
    assert [op["kind"] for op in found["ops"]] == ["fully_connected", "softmax"]
    spent = sum(op["cost"] for op in found["ops"])
    assert 0.8 * found["total"] < spent < 1.2 * found["total"]
