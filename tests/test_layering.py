"""Who may import whom: the rules of the design, read from the source."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent / "tinykit"

TRAINING = {"models", "train", "compress", "quantize", "recipes"}
FRAMEWORKS = {"tensorflow", "keras", "ai_edge_litert"}


def _module(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imports(path: Path) -> set[str]:
    """Every module that `path` imports, at any depth of the code; relative ones made absolute."""
    here = _module(path).split(".")
    package = here if path.name == "__init__.py" else here[:-1]
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            name = ".".join([*base, *filter(None, [node.module])])
            found |= {name, *(f"{name}.{alias.name}" for alias in node.names)}
    return found


SOURCES = {_module(path): _imports(path) for path in PACKAGE.rglob("*.py")}


def _part(module: str) -> str:
    """The top-level part of the kit to which a module belongs: `compiler`, `errors`, ..."""
    return module.split(".")[1] if "." in module else ""


PARTS = {_part(module) for module in SOURCES} - {""}


def _ours(module: str) -> set[str]:
    """The parts of the kit that a module imports."""
    return {_part(name) for name in SOURCES[module] if name.startswith("tinykit.")} & PARTS


def _outside(module: str) -> set[str]:
    """The top-level names of the other packages that a module imports."""
    return {name.split(".")[0] for name in SOURCES[module]} - {"tinykit"}


def _in(*parts: str) -> list[str]:
    return sorted(module for module in SOURCES if _part(module) in parts)


def _not_in(*parts: str) -> list[str]:
    return sorted(module for module in SOURCES if _part(module) not in parts)


Rule = Callable[[str], set[str]]


def _offenders(modules: list[str], broken: Rule) -> dict[str, set[str]]:
    """Which of `modules` import what they must not, and what that is."""
    return {module: found for module in modules if (found := broken(module))}


def test_the_reader_sees_imports_of_every_form() -> None:
    """The rules below rest on `_imports`: it sees plain, nested and renamed imports."""
    assert "tinykit.cli.run" in SOURCES["tinykit.cli"]  # inside a function
    assert "tinykit.paths" in SOURCES["tinykit.cli.run"]  # from tinykit import paths
    assert "errno" in SOURCES["tinykit.cli.run"]
    assert len(SOURCES) > 30


def test_foundations_import_nothing_of_ours() -> None:
    """`errors`, `paths` and `progress` stand on nothing."""
    assert _offenders(_in("errors", "paths", "progress"), _ours) == {}


def test_only_training_imports_a_framework() -> None:
    """TensorFlow and Keras are imported in models, train, compress, quantize and recipes only."""
    assert _offenders(_not_in(*TRAINING), lambda module: _outside(module) & FRAMEWORKS) == {}


def test_the_compiler_sees_the_board_and_the_feature_specification_only() -> None:
    """The compiler knows no stage before or after it; of audio it knows `spec` alone."""
    allowed = {"compiler", "kernels", "board", "programs", "errors", "paths", "progress", "audio"}

    def broken(module: str) -> set[str]:
        audio = {name for name in SOURCES[module] if name.startswith("tinykit.audio.")}
        spec = {name for name in audio if name.startswith("tinykit.audio.spec")}
        return (_ours(module) - allowed) | (audio - spec)

    assert _offenders(_in("compiler"), broken) == {}


def test_the_compiler_needs_little() -> None:
    """Beside the standard library: numpy, the schema, msgspec and jinja2."""
    allowed = {"numpy", "flatbuffers", "tflite_micro", "msgspec", "jinja2"}
    known = allowed | set(sys.stdlib_module_names)
    assert _offenders(_in("compiler"), lambda module: _outside(module) - known) == {}


def test_audio_knows_no_later_stage() -> None:
    """Data and front end know their configuration and nothing of models, compiler or devices."""
    allowed = {"audio", "config", "errors", "paths", "programs", "progress"}
    assert _offenders(_in("audio"), lambda module: _ours(module) - allowed) == {}


def test_device_and_firmware_know_no_training() -> None:
    """What builds firmware and talks to it needs files, never the training code."""
    late = {*TRAINING, "search", "report"}
    assert _offenders(_in("device", "firmware"), lambda module: _ours(module) & late) == {}


def test_the_report_reads_only_files() -> None:
    """The report is made from manifests: it imports no stage."""
    allowed = {"report", "errors", "paths", "progress", "board", "config", "project"}
    assert _offenders(_in("report"), lambda module: _ours(module) - allowed) == {}


def test_pyserial_in_one_place() -> None:
    """Only the transport imports pyserial."""
    others = sorted(set(SOURCES) - {"tinykit.device.transport"})
    assert _offenders(others, lambda module: _outside(module) & {"serial"}) == {}


def test_platformio_in_firmware_only() -> None:
    """Only firmware imports PlatformIO or SCons."""
    tools = {"platformio", "SCons"}
    assert _offenders(_not_in("firmware"), lambda module: _outside(module) & tools) == {}


def test_only_the_cli_sees_the_pipeline() -> None:
    """`pipeline` sees everything, the CLI sees `pipeline`, and nothing else looks at either."""
    others = _not_in("cli", "pipeline", "__main__")
    assert _offenders(others, lambda module: _ours(module) & {"pipeline", "cli"}) == {}
    assert _offenders(_in("pipeline"), lambda module: _ours(module) & {"cli"}) == {}


def test_everything_but_training_loads_without_a_framework() -> None:
    """Importing every other module leaves TensorFlow, Keras, SciPy and matplotlib unloaded."""
    light = [module for module in _not_in(*TRAINING) if not module.endswith("__main__")]
    heavy = sorted(FRAMEWORKS | {"scipy", "sklearn", "matplotlib"})
    program = (
        "import importlib, sys\n"
        f"for name in {light!r}: importlib.import_module(name)\n"
        f"print([name for name in {heavy!r} if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.stdout.strip(), done.returncode) == ("[]", 0), done.stderr
