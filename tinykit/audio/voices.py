"""Who can speak synthetic words: timbres and accents of espeak-ng."""

from __future__ import annotations

VOICES = (
    "Alex", "Alicia", "Andrea", "Andy", "Annie", "Denis", "Diogo", "Gene", "Jacky", "Marco",
    "Mario", "Michael", "Mike", "Nguyen", "Reed", "Storm", "adam", "anika", "announcer",
    "antonio", "aunty", "belinda", "boris", "david", "ed", "edward", "f1", "f2", "f3", "f4",
    "grandma", "grandpa", "gustave", "ian", "iven", "john", "klatt", "klatt4", "linda", "m1",
    "m2", "m3", "m4", "m5", "m6", "m7", "m8", "marcelo", "max", "mike2", "norbert", "pablo",
    "paul", "pedro", "quincy", "rob", "robert", "sandro", "shelby", "steph", "victor", "zac",
)  # fmt: skip
"""Variants of espeak-ng that sound like a person, one of each family.

A variant sets formants, pitch and glottal source. Those that differ from another only in one
setting (`steph2`, `iven3`, `Hugo`, ...) are left out, or a voice of the test would be one of
training in all but name; so are robots and whispers.
"""

ACCENTS = (
    "en-us", "en-us-nyc", "en", "en-gb-x-rp", "en-gb-scotland", "en-gb-x-gbclan", "en-gb-x-gbcwmd",
    "en-029",
)  # fmt: skip
"""English as espeak-ng speaks it: two American, five British, one Caribbean."""

FOREIGN = (
    "cs", "da", "de", "es", "fi", "fr", "hu", "id", "it", "nb", "nl", "pl", "pt-br", "ro", "sk",
    "sv", "tr",
)  # fmt: skip
"""Languages of the Latin script that read English words by their own rules: an accent, of sorts."""
