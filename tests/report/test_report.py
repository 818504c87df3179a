"""The report: what it says, how it is known, and that it stands alone."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from typing import ClassVar
from xml.etree import ElementTree

import pytest
from report_sample import CONFUSION, LABELS, manifests, write

from tinykit import report
from tinykit.errors import DataError
from tinykit.project import Project
from tinykit.report import listening, page
from tinykit.report.charts import det, memory, ops, training
from tinykit.report.figures import FLASH, RAM


def figure(made: Project, key: str):
    """Return one figure of the report on `made`."""
    return next(one for one in report.gather(made).figures if one.key == key)


def test_ram_is_the_sum_of_its_parts(made: Project) -> None:
    """RAM = arena + state + scratch + static + measured stack."""
    assert figure(made, "ram_bytes").value == 8512 + 0 + 640 + 16 + 400


def test_flash_is_code_and_constants(made: Project) -> None:
    """Flash = code + constants as linked; the harness is not in it, and the method says so."""
    flash = figure(made, "flash_bytes")
    assert flash.value == 21_000
    assert "harness is not counted" in flash.method
    assert "arm-none-eabi-gcc 12.2" in flash.method


def test_instructions_are_never_called_time(made: Project) -> None:
    """Counts from the emulator are named instructions, with the emulator and the board."""
    found = figure(made, "instructions")
    assert (found.value, found.label) == (1_234_567, "instructions")
    assert "QEMU playing mps2-an386" in found.method
    keys = [one.key for one in report.gather(made).figures]
    assert not [key for key in keys if key.endswith(("_ms", "_us"))]


def test_of_a_stream_with_phases_the_costliest_inference_is_told(made: Project) -> None:
    """Their inferences differ: the most, with the mean of whole periods, not the median."""
    told = manifests()
    told["plan"]["phases"] = {"period": 4, "output_periods": [4], "macs_mean": 98_064.0}
    told["device"] |= {"instructions": 9, "instructions_mean": 30.4, "instructions_max": 77}
    write(made, told)
    found = figure(made, "instructions")
    assert found.value == 77
    assert found.method.startswith("the most (mean 30) of 60 inferences")
    assert "costliest inference (98,064 on average)" in figure(made, "macs").method


def test_float_accuracy_is_that_of_the_model_that_was_quantized(made: Project) -> None:
    """After compression the float figure is the compressed model's."""
    assert figure(made, "accuracy_float").value == 0.915


def test_what_was_not_measured_is_not_shown(made: Project) -> None:
    """Without a device there are no device figures, and the verdict says that it was not tested."""
    (made.build / "device.json").unlink()
    document = report.gather(made)
    assert figure(made, "accuracy_device").value is None
    assert document.exact is None
    assert document.verdicts[0].text == "not tested on a device yet"
    assert "stack not measured yet" in figure(made, "ram_bytes").method
    assert report.write(made)


def test_a_limit_that_does_not_hold_is_a_verdict(made: Project) -> None:
    """Over budget: by how much and over what."""
    contents = manifests()
    contents["plan"]["code_bytes"] = 40_000
    write(made, contents)
    document = report.gather(made)
    assert [one.key for one in document.over] == ["flash_bytes"]
    assert document.verdicts[1].text == "flash 52,000 B: 11,040 B over budget: 40,960 B"
    assert document.summary()["within_limits"] is False


def test_without_a_budget_the_board_is_the_limit(made: Project) -> None:
    """A budget of 0 leaves the board's memory as the limit."""
    settings = made.folder / "tinykit.toml"
    settings.write_text(re.sub(r"flash_kib = .*", "flash_kib = 0.0", settings.read_text()))
    from tinykit import project

    found = figure(project.load(made.folder), "flash_bytes")
    assert (found.limit, found.limited_by) == (4_194_304, "mps2-an386")


def test_a_mismatch_is_the_first_thing_said(made: Project) -> None:
    """A device that differs is not called exact anywhere."""
    contents = manifests()
    contents["device"] |= {"exact": False, "mismatches": 3, "first_mismatch": "vector 7"}
    write(made, contents)
    document = report.write(made)
    assert document.verdicts[0].text == "3 of 65 inputs differ from the host's bytes"
    page = (made.build / "report.html").read_text()
    assert "exact:" not in page
    assert "vector 7" in page


def test_the_json_has_every_figure_with_its_method(made: Project) -> None:
    """`report.json` states value and method of each, and the parts that add up."""
    report.write(made)
    found = json.loads((made.build / "report.json").read_text())
    assert all(one["method"] for one in found["figures"].values())
    assert sum(found["memory"]["ram"].values()) == found["figures"]["ram_bytes"]["value"]
    assert sum(found["memory"]["flash"].values()) == found["figures"]["flash_bytes"]["value"]
    assert (set(found["memory"]["ram"]), set(found["memory"]["flash"])) == (set(RAM), set(FLASH))


def test_the_page_refers_to_nothing_outside(made: Project) -> None:
    """No link, script, image or style comes from elsewhere."""
    report.write(made)
    page = (made.build / "report.html").read_text()
    outside = re.findall(r"(?:src|href)\s*=|url\(|@import|<script|<link", page)
    namespaces = set(re.findall(r"https?://[^\"' ]+", page))
    assert (outside, namespaces) == ([], {"http://www.w3.org/2000/svg"})


def test_the_page_is_balanced(made: Project) -> None:
    """Every element that is opened is closed, in order."""

    class Balance(HTMLParser):
        stack: ClassVar[list[str]] = []

        def handle_starttag(self, tag: str, attributes: object) -> None:
            if tag not in {"meta"}:
                self.stack.append(tag)

        def handle_startendtag(self, tag: str, attributes: object) -> None:
            pass

        def handle_endtag(self, tag: str) -> None:
            assert self.stack.pop() == tag

    report.write(made)
    parser = Balance()
    parser.feed((made.build / "report.html").read_text())
    assert parser.stack == []


def test_names_of_the_user_cannot_break_the_page(made: Project) -> None:
    """Class names and tensor names are text, whatever is in them."""
    contents = manifests()
    contents["quantize"]["evaluation"]["labels"] = ["<b>", '"&', *LABELS[2:]]
    contents["plan"]["tensors"][0]["name"] = "</svg><script>"
    write(made, contents)
    report.write(made)
    page = (made.build / "report.html").read_text()
    assert "<script" not in page
    assert "<b>" not in page


def test_every_cell_of_the_confusion_matrix_is_there(made: Project) -> None:
    """The picture's tips tell each count and its share of the row."""
    report.write(made)
    page = (made.build / "report.html").read_text()
    for row, label in zip(CONFUSION, LABELS, strict=True):
        for count, heard in zip(row, LABELS, strict=True):
            share = count / sum(row)
            assert f"{label} taken for {heard}: {count} ({share:.0%})" in page


def test_synthesized_speech_is_called_that(made: Project) -> None:
    """Accuracy on synthesized speech comes with a warning."""
    report.write(made)
    assert "accuracy on people will be lower" in (made.build / "report.html").read_text()


def test_the_markdown_has_the_same_figures(made: Project) -> None:
    """Markdown and JSON agree."""
    document = report.write(made)
    text = (made.build / "report.md").read_text()
    for one in document.figures:
        assert f"| {one.label} | {one.text} | {one.note} |" in text


def test_the_same_run_gives_the_same_bytes(made: Project) -> None:
    """A report has no date and no path of the machine."""
    report.write(made)
    first = (made.build / "report.html").read_bytes()
    report.write(made)
    assert (made.build / "report.html").read_bytes() == first
    assert str(made.folder).encode() not in first


def test_a_spoilt_manifest_is_named(made: Project) -> None:
    """A manifest that is not JSON is an error with the stage that makes it again."""
    (made.build / "plan.json").write_text("{")
    with pytest.raises(DataError, match=r"plan\.json") as caught:
        report.gather(made)
    assert "tinykit compile" in caught.value.hint


def boxes(drawing: str) -> list[tuple[str, float, float]]:
    """Return tip, left edge and right edge of each box."""
    name = "{http://www.w3.org/2000/svg}"
    found = []
    for box in ElementTree.fromstring(drawing).iter(f"{name}rect"):
        x, width = float(box.attrib["x"]), float(box.attrib["width"])
        title = box.find(f"{name}title")
        assert title is not None
        found.append((title.text or "", x, x + width))
    return found


def test_boxes_of_an_op_in_place_meet_inside_its_column() -> None:
    """Two tensors at one address do not hide each other."""
    plan = manifests()["plan"]
    found = {tip.split(":")[0]: (left, right) for tip, left, right in boxes(memory_map(plan))}
    assert found["conv"][1] <= found["depthwise"][0]
    assert found["depthwise"][0] - found["conv"][1] < 2


def test_scratch_is_on_the_map() -> None:
    """Scratch has a box of its own, at its address."""
    tips = [tip for tip, _, _ in boxes(memory_map(manifests()["plan"]))]
    assert "scratch of op 1: 640 B at 8,512" in tips


def test_the_lower_bound_is_on_the_map() -> None:
    """A dashed line at its height; without a bound there is none."""
    plan = manifests()["plan"]
    assert "stroke-dasharray" in memory.draw(plan["tensors"], plan["ops"], 8000)
    assert "stroke-dasharray" not in memory_map(plan)


def test_the_stack_is_measured_and_bounded(made: Project) -> None:
    """The bound by gcc's account stands beside what was painted and read."""
    plan = made.build / "plan.json"
    plan.write_text(json.dumps({**json.loads(plan.read_text()), "stack_bound_bytes": 512}))
    assert "gcc's bound for it: 512 B" in figure(made, "ram_bytes").method
    (ram, *_) = report.gather(made).memory
    stack = next(row for row in ram.rows if row["name"] == "stack")
    assert stack["bytes"] == "400" and "512 B by gcc's account" in stack["method"]


def memory_map(plan: dict) -> str:
    """Draw the memory map of a plan."""
    return memory.draw(plan["tensors"], plan["ops"])


@pytest.mark.parametrize("count", [1, 2, 40])
def test_training_of_any_length_can_be_drawn(count: int) -> None:
    """One epoch is a picture too."""
    epoch = dict.fromkeys(("loss", "accuracy", "validation_loss", "validation_accuracy"), 0.5)
    assert ElementTree.fromstring(training.draw([epoch] * count, 0)).tag.endswith("svg")


def test_bars_are_as_long_as_the_cost() -> None:
    """Twice the cost is twice the bar."""
    found = boxes(ops.draw(["a", "b"], [100, 50], "MACs"))
    (_, a0, a1), (_, b0, b1) = found
    assert (a1 - a0) == pytest.approx(2 * (b1 - b0), abs=0.1)


def test_a_model_of_the_users_own_is_not_given_our_training_figures(made: Project) -> None:
    """When the compiled model is not the one that was quantized here, its accuracy is unknown."""
    contents = manifests()
    contents["quantize"]["sha256"] = "f" * 64
    write(made, contents)
    assert figure(made, "accuracy_int8").value is None
    assert figure(made, "accuracy_float").value is None
    report.write(made)
    assert "Training" not in (made.build / "report.html").read_text()


def test_accuracy_on_part_of_the_clips_is_not_compared_with_that_on_all(made: Project) -> None:
    """Where the device saw only some test clips, the host's accuracy on those is shown beside."""
    assert figure(made, "accuracy_device").note == "60 test clips"
    contents = manifests()
    contents["device"] |= {"vectors": 20, "accuracy": 0.95, "host_accuracy": 0.95}
    write(made, contents)
    found = figure(made, "accuracy_device").note
    assert found == "20 of the test clips; host on the same: 95.0 %"


LISTENING = {
    "stream": "long.wav",
    "sha256": "e" * 64,
    "duration_s": 3600.0,
    "keywords": 40,
    "false_reject_rate": 0.1,
    "false_accepts": 1,
    "false_accepts_per_hour": 1.0,
    "operating": [
        {"limit_per_hour": 0.5, "threshold": 400, "rate": 0.15, "low": 0.05, "high": 0.3},
        {"limit_per_hour": 0.1, "threshold": None, "rate": 1.0, "low": 1.0, "high": 1.0},
    ],
    "curve": [[0.0, 0.5], [1.0, 0.1], [30.0, 0.0]],
    "latency": {"median_s": 0.2, "p90_s": 0.4, "worst_s": 0.9},
    "by_label": [{"group": "go", "events": 40, "missed": 4}],
    "by_snr": [
        {"group": "0 to 5 dB", "events": 10, "missed": 3, "low": 0.108, "high": 0.603},
        {"group": "5 to 10 dB", "events": 30, "missed": 1, "low": 0.006, "high": 0.167},
    ],
    "by_speaker": [
        {"group": "bob", "events": 20, "missed": 3, "low": 0.052, "high": 0.360},
        {"group": "ann", "events": 20, "missed": 1, "low": 0.009, "high": 0.236},
    ],
    "forms": [
        {
            "form": "float",
            "false_reject_rate": 0.075,
            "false_accepts": 2,
            "false_accepts_per_hour": 2.0,
            "operating": [
                {"limit_per_hour": 0.5, "threshold": 400, "rate": 0.125, "low": 0.05, "high": 0.3},
                {"limit_per_hour": 0.1, "threshold": None, "rate": 1.0, "low": 1.0, "high": 1.0},
            ],
        },
        {"form": "int8, streamed", "why_not": "op 0 conv2d pads its time axis"},
    ],
    "device": {"board": "mps2-an386", "detections": 37, "exact": True},
}


def test_listening_is_shown_with_its_curve(made: Project) -> None:
    """What `tinykit evaluate` found: misses with their interval, delay, the device's agreement."""
    sha256 = manifests()["plan"]["sha256"]
    write(made, {"listening": LISTENING | {"model_sha256": sha256}})
    text = page.render(report.gather(made))
    assert "15.0%, 95 % of replicates 5.0% to 30.0%" in text
    assert "mps2-an386 reported the same detections" in text
    assert "median 0.20 s" in text
    assert "Misses against false accepts per hour" in text


def test_listening_is_told_by_form_by_noise_and_by_speaker(made: Project) -> None:
    """Forms of the model side by side, or why one is not there; misses of groups with intervals."""
    sha256 = manifests()["plan"]["sha256"]
    write(made, {"listening": LISTENING | {"model_sha256": sha256}})
    found = listening.values(report.gather(made))
    assert found is not None
    (floating, streamed) = found["forms"]["rows"]
    assert floating["cells"] == ["7.5%", "2", "12.5%", "no threshold keeps it"]
    assert streamed["why_not"] == "op 0 conv2d pads its time axis"
    (noise, speaker) = found["groups"]
    assert (noise["name"], speaker["name"]) == ("noise", "speaker")
    assert noise["rows"][0] == {"group": "0 to 5 dB", "cells": ["3 of 10", "10.8% to 60.3%"]}
    text = page.render(report.gather(made))
    assert "pads its time axis" in text and "5.2% to 36.0%" in text


def test_a_fitted_decision_is_judged_on_what_it_was_not_fitted_on(made: Project) -> None:
    """Misses and false accepts are figures, with the hours, and what so few hours can tell."""
    of = {"wanted": 40, "others": 300, "others_s": 1800.0, "speakers": 9, "synthetic_share": 1.0}
    held_out = LISTENING | {
        "model_sha256": manifests()["plan"]["sha256"],
        "composed_of": {"validation": of, "testing": of},
        "false_accepts_per_hour_upper": 4.74,
        "limit_per_hour": 0.5,
        "fitted": {"reached": {"limit_per_hour": 10.0}},
        "device": None,
    }
    write(made, {"held_out": held_out})
    document = report.gather(made)
    found = {figure.key: figure for figure in document.figures}
    assert found["false_reject_rate"].text == "10.0 %"
    assert found["false_accepts_per_hour"].text == "1.00"
    assert "1 in 1.00 h: less than 4.7" in found["false_accepts_per_hour"].note
    assert "100% of them synthetic" in found["false_reject_rate"].method
    told = [verdict.text for verdict in document.verdicts]
    assert "no decision keeps 0.5 false accepts per hour: fitted to keep 10" in told
    assert "a limit of less than 1.00 false accepts per hour means none" in page.render(document)
    write(made, {"held_out": held_out | {"model_sha256": "0" * 64}})
    assert "false_reject_rate" not in {figure.key for figure in report.gather(made).figures}


def test_where_nobody_was_recorded_the_first_lines_say_so(made: Project) -> None:
    """In the test or in training alone, or of few people; recorded speech needs no such line."""
    data = manifests()["data"]

    def verdicts(trained: float, tested: float) -> str:
        shares = {"training": trained, "testing": tested}
        splits = {
            split: data["splits"].get(split, {}) | {"synthetic_share": share}
            for split, share in shares.items()
        }
        write(made, {"data": data | {"splits": splits}})
        return "\n".join(verdict.text for verdict in report.gather(made).verdicts)

    assert "no recorded person was heard" in verdicts(1.0, 1.0)
    assert "trained on synthetic speech only" in verdicts(1.0, 0.2)
    assert "90% of the training clips are synthetic, 100% of the test's" in verdicts(0.9, 1.0)
    assert "synthetic" not in verdicts(0.3, 0.3)


def test_listening_of_another_model_is_not_shown(made: Project) -> None:
    """The model was changed after the evaluation."""
    write(made, {"listening": LISTENING | {"model_sha256": "0" * 64}})
    assert "Misses against false accepts per hour" not in page.render(report.gather(made))


def test_curve_falls_from_left_to_right() -> None:
    """More false accepts allowed, fewer misses; none at all has its place at the left edge."""
    drawn = det.draw(LISTENING["curve"], LISTENING["operating"])
    line = ElementTree.fromstring(drawn).find("{http://www.w3.org/2000/svg}polyline")
    assert line is not None
    points = [tuple(map(float, point.split(","))) for point in line.attrib["points"].split()]
    assert [x for x, _ in points] == sorted(x for x, _ in points)
    assert [y for _, y in points] == sorted(y for _, y in points)
    assert points[0][0] == det.LEFT and points[-1][0] == det.RIGHT
