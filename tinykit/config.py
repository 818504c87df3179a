"""`tinykit.toml`: what a project is, as typed tables. Every key has a default but three."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import msgspec

from tinykit import toml
from tinykit.audio.decision import Decision
from tinykit.audio.spec import FeatureSpec
from tinykit.audio.stft_spec import StftSpec
from tinykit.errors import ConfigError

FILE = "tinykit.toml"


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A TOML table in which an unknown key is an error."""


class Project(_Table, frozen=True, kw_only=True):
    """[project]"""

    name: str
    task: Literal["keyword-spotting", "wake-word", "speech-enhancement"]
    board: str


Percent = Annotated[float, msgspec.Meta(ge=0, le=90)]
Many = Annotated[float, msgspec.Meta(ge=0, le=10_000)]  # a wake word meets far more other speech
Probability = Annotated[float, msgspec.Meta(ge=0, le=1)]


class Data(_Table, frozen=True, kw_only=True):
    """[data] `synthetic` speaks the words; `recordings` and `speech_commands` read a folder.

    `synthetic_wake_word` speaks one word or phrase, what sounds almost like it, and other speech.
    """

    source: Literal["synthetic", "synthetic_wake_word", "speech_commands", "recordings"] = (
        "synthetic"
    )
    path: str = ""  # folder laid out as <word>/<speaker>_nohash_<n>.wav|.flac, or a manifest
    url: str = ""  # a .tar.gz of such a folder, fetched once; needs sha256
    sha256: Annotated[str, msgspec.Meta(pattern="^([0-9a-fA-F]{64})?$")] = ""
    noise_path: str = ""  # folder of noise recordings; default: <path>/_background_noise_
    categories: list[str] = msgspec.field(default_factory=list)  # rows of a manifest to read
    noise_categories: list[str] = msgspec.field(default_factory=lambda: ["noise"])
    words: Annotated[list[str], msgspec.Meta(min_length=1)] = msgspec.field(
        default_factory=lambda: ["yes", "no", "up", "down", "left", "right", "stop", "go"]
    )
    unknown_words: list[str] = msgspec.field(default_factory=list)  # to reject; default: all others
    silence_percent: Percent = 10.0  # of the clips of `words`, per split; 0: no such class
    unknown_percent: Many = 10.0
    unknown_training_percent: Many | None = None  # of the training split; default: the same
    test_speakers_percent: Percent = 0.0  # of the training speakers, moved to testing
    validation_speakers_percent: Percent = 0.0  # likewise, moved to validation
    voices: Annotated[int, msgspec.Meta(ge=3)] = 60  # synthetic: no voice is in two splits
    clips_per_word: Annotated[int, msgspec.Meta(ge=20)] = 240  # synthetic: over all splits
    seed: int = 0


class Augment(_Table, frozen=True, kw_only=True):
    """[augment] Applied to training clips only, seeded."""

    time_shift_ms: Annotated[int, msgspec.Meta(ge=0)] = 100
    noise_probability: Probability = 0.8
    noise_snr_db: tuple[float, float] = (0.0, 25.0)
    gain_db: tuple[float, float] = (-10.0, 10.0)
    speed: tuple[float, float] = (1.0, 1.0)  # factor of tempo and pitch; (0.9, 1.1) is usual
    pitch_semitones: tuple[float, float] = (0.0, 0.0)  # pitch alone, the tempo stays
    room_probability: Probability = 0.0
    room_path: str = ""  # folder of impulse responses; default: simulated rooms
    room_t60_ms: tuple[float, float] = (150.0, 600.0)  # reverberation time of simulated rooms
    copies: Annotated[int, msgspec.Meta(ge=0)] = 3  # augmented versions beside the clean clip

    def __post_init__(self) -> None:
        """Check the ranges; msgspec adds where the table is."""
        check_ranges(self, _AUGMENT_RANGES)


def check_ranges(table: _Table, ranges: tuple[tuple[str, float, float], ...]) -> None:
    """Raise ValueError unless each key's (low, high) rises within its limits."""
    for key, lowest, highest in ranges:
        low, high = getattr(table, key)
        if low > high:
            raise ValueError(f"`{key}` goes from {low:g} to {high:g}: lowest first")
        if not lowest <= low <= high <= highest:
            raise ValueError(
                f"`{key}` is {low:g} to {high:g}, must lie within {lowest:g} to {highest:g}"
            )


_AUGMENT_RANGES = (
    ("noise_snr_db", -60.0, 100.0),
    ("gain_db", -60.0, 60.0),
    ("speed", 0.5, 2.0),
    ("pitch_semitones", -12.0, 12.0),
    ("room_t60_ms", 50.0, 3000.0),
)
"""Key, lowest and highest value that makes sense."""


class Mixtures(_Table, frozen=True, kw_only=True):
    """[mixtures] Clean speech in noise, for an enhancer. Without paths, both are synthesized."""

    speech: str = ""  # folder or manifest of clean speech
    speech_categories: list[str] = msgspec.field(default_factory=list)  # rows to read; default: all
    noise: str = ""  # folder or manifest of noise
    noise_categories: list[str] = msgspec.field(default_factory=list)
    test_percent: Percent = 10.0  # of the training speakers and noise recordings, held out
    validation_percent: Percent = 10.0
    snr_db: tuple[float, float] = (-5.0, 20.0)
    level_db: tuple[float, float] = (-40.0, -15.0)  # RMS of a mixture, of full scale
    seconds: Annotated[float, msgspec.Meta(ge=0.5, le=30)] = 3.0  # of each training mixture
    babble_probability: Probability = 0.0  # that other speakers at once are the noise
    speed: tuple[float, float] = (1.0, 1.0)  # of training excerpts: tempo and pitch
    per_epoch: Annotated[int, msgspec.Meta(ge=1)] = 2000  # mixtures, drawn anew each epoch
    validation: Annotated[int, msgspec.Meta(ge=1)] = 200  # mixtures that steer training
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the ranges; msgspec adds where the table is."""
        ranges = (("snr_db", -60.0, 100.0), ("level_db", -100.0, 0.0), ("speed", 0.5, 2.0))
        check_ranges(self, ranges)


Whole = Annotated[int, msgspec.Meta(ge=0)]
Positive = Annotated[int, msgspec.Meta(ge=1)]
Rate = Annotated[float, msgspec.Meta(ge=0, lt=1)]
Amount = Annotated[float, msgspec.Meta(ge=0)]
Weight = Annotated[float, msgspec.Meta(ge=1, le=100)]
Minutes = Annotated[float, msgspec.Meta(ge=0, le=600)]


class Model(_Table, frozen=True, kw_only=True):
    """[model] `architecture` is a file in tinykit/models; `tinykit models` lists them.

    An architecture refuses a key that it does not have.
    """

    architecture: str = "ds_cnn"
    size: str = ""  # one of its sizes; default: the smallest
    width: Annotated[float, msgspec.Meta(ge=0.125, le=16)] = 1.0  # times the channels of the size
    channels: Positive | list[Positive] | None = None  # ds_cnn: all layers, or stem and each block
    blocks: Positive | None = None  # ds_cnn: depthwise separable blocks
    dropout: Rate = 0.2  # before the last layer, while training


class Train(_Table, frozen=True, kw_only=True):
    """[train] AdamW; the learning rate is warmed up, then follows half a cosine to zero.

    Label smoothing, masks, mix-up and `clips_per_epoch` are for classifiers.
    """

    epochs: Positive = 30
    batch_size: Positive = 100
    learning_rate: Annotated[float, msgspec.Meta(gt=0)] = 5e-3
    weight_decay: Amount = 1e-3
    label_smoothing: Rate = 0.1
    time_mask: Whole = 8  # at most so many frames blanked in each training clip; 0: none
    frequency_mask: Whole = 0  # at most so many columns (mel bins, coefficients) blanked; 0: none
    mix_up: Amount = 0.0  # alpha of mix-up: how much of another clip is mixed in; 0: none
    clips_per_epoch: Whole = 0  # of the augmented training clips, drawn anew each epoch; 0: all
    keep: Literal["best", "last"] = "best"  # weights: of the best epoch on validation, or the last
    patience: Whole = 8  # epochs without a better validation accuracy before stopping; 0: never
    seed: Annotated[int, msgspec.Meta(ge=0, lt=2**32)] = 0


class Enhance(_Table, frozen=True, kw_only=True):
    """[enhance] How much each loss of an enhancer counts (0: not at all), and its integers."""

    si_sdr: Amount = 1.0  # scale-invariant signal-to-distortion ratio, 10 dB are 1
    compressed: Amount = 10.0  # magnitudes to the power of 0.3: what the ear and PESQ hear
    asymmetry: Weight = 1.0  # how often `compressed` counts over-suppression: lost speech
    mask: Amount = 0.0  # gains beside the ideal ratio
    activations: Literal["int8", "int16"] = "int8"  # and states, of the quantized model
    quantization_epochs: Whole = 0  # of training on the integers' grids; 0: calibration alone


class Compress(_Table, frozen=True, kw_only=True):
    """[compress] Pruning until [budget] holds: channels of spotters, units of enhancers.

    `skip`: the share of hops that an enhancer then learns to sit out.
    """

    technique: Literal["none", "prune_channels", "prune_units"] = "prune_channels"
    pruning_epochs: Positive = 12  # prune_units: at most so many in which units go
    epochs: Whole = 8  # of fine-tuning after pruning
    learning_rate: Annotated[float, msgspec.Meta(gt=0)] = 1e-3  # where fine-tuning starts
    skip: Annotated[float, msgspec.Meta(ge=0, le=0.9)] = 0.0  # some hops always run
    skipping_epochs: Positive = 12  # of learning to skip


class Budget(_Table, frozen=True, kw_only=True):
    """[budget] Hard limits for the model and its runtime; 0: the board's memory is the limit."""

    flash_kib: Amount = 0.0
    ram_kib: Amount = 0.0
    macs: Whole = 0


class Compile(_Table, frozen=True, kw_only=True):
    """[compile] `stream`: each inference takes the rows of one hop.

    `phases`: with `stream`, a hop is one row, and layers behind strides work at every 2nd, 4th, ...
    `stripes`: where chains of ops are carried out a few rows at a time, to save RAM.
    """

    optimize: Literal["speed", "balanced", "size"] = "balanced"
    stream: bool = False
    phases: bool = False
    stripes: Literal["auto", "off", "most"] = "auto"

    def __post_init__(self) -> None:
        """Check that there is a stream to have phases; msgspec adds where the table is."""
        if self.phases and not self.stream:
            raise ValueError("`phases` needs `stream = true`, or leave it out")


class Fit(_Table, frozen=True, kw_only=True):
    """[fit] `[decision]` fitted on a long recording made of the validation split, then judged.

    The test split gives another recording, for which nothing was chosen.
    """

    validation_minutes: Minutes = 0.0  # 0: [decision] is taken as it is
    testing_minutes: Minutes = 60.0  # at most: no recording is heard twice
    false_accepts_per_hour: Amount = 0.5  # the limit to keep on the validation recording


class Test(_Table, frozen=True, kw_only=True):
    """[test] What is compared on the device, byte for byte."""

    vectors: int = 200  # test clips sent as features; 0: all
    audio_clips: int = 20  # of them also sent as audio, through the device's front end


class Synth(_Table, frozen=True, kw_only=True):
    """[synth] A program that speaks in place of espeak-ng, for `tinykit data synth`."""

    command: str = ""  # text on stdin; {out} is the .wav to write, {voice} one of voices
    voices: list[str] = msgspec.field(default_factory=list)


class Config(_Table, frozen=True, kw_only=True):
    """The whole file."""

    project: Project
    data: Data = Data()
    features: FeatureSpec = FeatureSpec()
    mixtures: Mixtures = Mixtures()
    spectrum: StftSpec = StftSpec()
    augment: Augment = Augment()
    model: Model = Model()
    train: Train = Train()
    enhance: Enhance = Enhance()
    compress: Compress = Compress()
    synth: Synth = Synth()
    budget: Budget = Budget()
    compile: Compile = Compile()
    decision: Decision = Decision()
    fit: Fit = Fit()
    test: Test = Test()


def load(folder: Path) -> Config:
    """Read `tinykit.toml` in `folder`.

    Raises
    ------
    ConfigError
        When it is missing or wrong.
    """
    path = folder / FILE
    if not path.is_file():
        raise ConfigError(
            f"no {FILE} in {folder}",
            "run the command inside a project, or make one: tinykit new NAME --board mps2-an386",
        )
    return toml.load(path, Config, ConfigError)
