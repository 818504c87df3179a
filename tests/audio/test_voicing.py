from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

pytest.importorskip("espeakng_loader", reason="the synth extra (espeak-ng) is not installed")
pytest.importorskip("scipy")

from tinykit.audio import flite
from tinykit.audio.datasets import voicing
from tinykit.audio.datasets.generation import Line, Settings, synthesize
from tinykit.audio.datasets.voicing import ESPEAK, FLITE, FLITE_SHARE, Voice, Voicing, cast, turn
from tinykit.audio.spec import FeatureSpec
from tinykit.audio.split import SPLITS
from tinykit.audio.synthesis import Speaker
from tinykit.errors import ConfigError

BOTH = Settings(word="hey lumen", engines=[ESPEAK, FLITE])
needs_flite = pytest.mark.skipif(not flite.installed(), reason="flite is not installed")


def test_no_voice_is_in_two_splits() -> None:
    """Neither of espeak-ng nor of flite; without flite the others stay where they were."""
    voices = cast(BOTH, None)
    everybody = [voice.speaker for split in SPLITS for voice in voices[split]]
    assert len(everybody) == len(set(everybody)) == 60 + len(flite.VOICES)
    alone = cast(Settings(word="hey lumen"), None)
    for split in SPLITS:
        assert alone[split] == [voice for voice in voices[split] if voice.engine == ESPEAK]


def test_flite_speaks_its_share() -> None:
    """Of what it can speak, with all its voices; phonemes are left to espeak-ng."""
    voices = cast(BOTH, None)["training"]
    who = Counter(turn(voices, "lumen", n, 0, "word").speaker for n in range(600))
    share = sum(count for name, count in who.items() if name.startswith(FLITE)) / 600
    assert share == pytest.approx(FLITE_SHARE, abs=0.08)
    assert all(who[f"{FLITE}:{name}"] > 50 for name in voicing.FLITE_VOICES["training"])
    assert {turn(voices, "[[l'u:m@n]]", n, 0).engine for n in range(50)} == {ESPEAK}


def test_espeak_voices_take_turns() -> None:
    """Where there is no other engine, each speaks as often as the others."""
    voices = cast(Settings(word="hey lumen"), None)["testing"]
    assert set(Counter(turn(voices, "x", n, 0) for n in range(3 * len(voices))).values()) == {3}


def test_an_unknown_engine_is_named() -> None:
    """With those that there are."""
    with pytest.raises(ConfigError, match="no engine `festival`"):
        cast(Settings(word="x", engines=[ESPEAK, "festival"]), None)


@needs_flite
def test_a_line_is_spoken_to_fit() -> None:
    """Faster where the clip is short, in any length where that may be; never beyond reason."""
    with Speaker() as speaker:

        def say(text: str, clip_ms: int, any_length: bool = False) -> np.ndarray:
            spec = FeatureSpec(clip_ms=clip_ms)
            line = Line("w", text, text, Voice(FLITE, "slt"), "training", 0)
            voices = Voicing(BOTH, speaker, None, [], spec)
            return voices.say(line, np.random.default_rng(0), any_length)

        assert 0 < len(say("computer", 400)) <= 6400 < len(say("computer", 400, any_length=True))
        with pytest.raises(ConfigError, match=r"by slt takes .* a clip has 300 ms"):
            say("supercalifragilisticexpialidocious", 300)


@needs_flite
def test_both_engines_are_in_a_set(tmp_path) -> None:  # type: ignore[no-untyped-def]
    """The manifest says which; the same settings give the same bytes."""
    few = Settings(word="hey lumen", clips=20, near_misses=10, others=0, engines=[ESPEAK, FLITE])
    made = [synthesize(few, tmp_path / name).entries for name in "ab"]
    engines = {row.speaker.split(":")[0] for row in made[0]}
    assert engines == {ESPEAK, FLITE} and made[0] == made[1]
    assert all(row.synthetic and row.sha256 for row in made[0])
