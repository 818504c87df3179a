"""Writing a project again: our changes arrive, the owner's stay, and neither is lost silently."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import tiny_model

from tinykit import paths
from tinykit.errors import UsageError
from tinykit.firmware.generate import MANIFEST, render
from tinykit.firmware.project import files

PROJECT = tiny_model.tensors_only("mps2-an386")
RETRAINED = replace(PROJECT, model=tiny_model.model(statics="int8_t more;"))


def test_first_time_writes_every_file(tmp_path):
    """All files of the project, and the record of their hashes."""
    assert render(PROJECT, tmp_path) == list(files(PROJECT))
    on_disk = {
        path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()
    }
    assert on_disk == files(PROJECT).keys() | {MANIFEST}


def test_nothing_changed_writes_nothing(tmp_path):
    """Time stamps stay, so a build afterwards has nothing to do."""
    render(PROJECT, tmp_path)
    before = (tmp_path / "src/main.c").stat().st_mtime_ns
    assert render(PROJECT, tmp_path) == []
    assert (tmp_path / "src/main.c").stat().st_mtime_ns == before


def test_a_new_model_replaces_only_its_own_files(tmp_path):
    """Retraining touches the model's C and nothing else."""
    render(PROJECT, tmp_path)
    assert render(RETRAINED, tmp_path) == ["lib/tk_model/tk_model.c"]


def test_edited_main_survives_a_new_model(tmp_path):
    """The usual life of a project: main.c is the owner's, the model is ours."""
    render(PROJECT, tmp_path)
    (tmp_path / "src/main.c").write_text("/* mine */\n")
    assert render(RETRAINED, tmp_path) == ["lib/tk_model/tk_model.c"]
    assert render(PROJECT, tmp_path) == ["lib/tk_model/tk_model.c"]
    assert (tmp_path / "src/main.c").read_text() == "/* mine */\n"


def test_a_file_changed_by_both_is_a_conflict_and_nothing_is_written(tmp_path):
    """The message names the file and the way out; the folder stays as it was."""
    render(PROJECT, tmp_path)
    (tmp_path / "src/main.c").write_text("/* mine */\n")
    renamed = replace(RETRAINED, name="other")  # the name stands in main.c
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(UsageError, match="changed by hand") as caught:
        render(renamed, tmp_path)
    assert str(tmp_path / "src/main.c") in caught.value.message
    assert "tk_model.c" not in caught.value.message
    assert "move your versions aside" in caught.value.hint
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_moving_the_file_aside_resolves_the_conflict(tmp_path):
    """What the hint says works: the new version takes the place."""
    render(PROJECT, tmp_path)
    main = tmp_path / "src/main.c"
    main.write_text("/* mine */\n")
    main.rename(tmp_path / "mine.c")
    renamed = replace(PROJECT, name="other")
    render(renamed, tmp_path)
    assert main.read_text() == files(renamed)["src/main.c"]


def test_force_takes_our_version(tmp_path):
    """With `force` the new text wins."""
    render(PROJECT, tmp_path)
    (tmp_path / "src/main.c").write_text("/* mine */\n")
    renamed = replace(PROJECT, name="other")
    assert "src/main.c" in render(renamed, tmp_path, force=True)
    assert (tmp_path / "src/main.c").read_text() == files(renamed)["src/main.c"]


def test_files_of_others_are_never_touched(tmp_path):
    """A folder that already has a main.c of somebody else's is not overwritten."""
    paths.write_text(tmp_path / "src/main.c", "int main(void) { return 0; }\n")
    with pytest.raises(UsageError, match="changed by hand"):
        render(PROJECT, tmp_path)
    paths.write_text(tmp_path / "src/more.c", "int more;\n")
    render(PROJECT, tmp_path, force=True)
    assert (tmp_path / "src/more.c").read_text() == "int more;\n"


def test_a_deleted_file_comes_back(tmp_path):
    """Deleting a generated file and generating again restores it."""
    render(PROJECT, tmp_path)
    (tmp_path / "src/main.c").unlink()
    assert render(PROJECT, tmp_path) == ["src/main.c"]


def test_files_that_are_no_longer_ours_go_unless_they_were_edited(tmp_path):
    """From keyword spotting to a plain model: the front end goes, an edited file stays."""
    render(tiny_model.keyword_spotter("mps2-an386"), tmp_path)
    (tmp_path / "src/microphone.c").write_text("/* mine */\n")
    changed = render(PROJECT, tmp_path)
    assert "lib/tk_features/tk_features.c" in changed
    assert not (tmp_path / "lib/tk_features/tk_features.c").exists()
    assert (tmp_path / "src/microphone.c").read_text() == "/* mine */\n"


def test_an_interrupted_run_is_completed_by_the_next(tmp_path, monkeypatch):
    """Ctrl-C between two files: no half-written file, no false conflict afterwards."""
    render(PROJECT, tmp_path)
    renamed = replace(RETRAINED, name="other")
    write = paths.write_text

    def interrupted(path, text):
        if path.name == "main.c":
            raise KeyboardInterrupt
        write(path, text)

    with monkeypatch.context() as patch:
        patch.setattr(paths, "write_text", interrupted)
        with pytest.raises(KeyboardInterrupt):
            render(renamed, tmp_path)
    assert (tmp_path / "lib/tk_model/tk_model.c").read_text() == renamed.model["tk_model.c"]
    assert (tmp_path / "src/main.c").read_text() == files(PROJECT)["src/main.c"]
    third = replace(renamed, name="third")
    assert "src/main.c" in render(third, tmp_path)
    assert all((tmp_path / name).read_text() == text for name, text in files(third).items())


def test_a_damaged_record_is_named(tmp_path):
    """Without the hashes nobody knows whose change is whose: say so, write nothing."""
    render(PROJECT, tmp_path)
    (tmp_path / MANIFEST).write_text("{")
    with pytest.raises(UsageError, match="damaged"):
        render(PROJECT, tmp_path)
    (tmp_path / MANIFEST).write_text(json.dumps({"files": 3}))
    with pytest.raises(UsageError, match="damaged"):
        render(PROJECT, tmp_path)
