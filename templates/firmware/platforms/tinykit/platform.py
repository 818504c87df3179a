"""The PlatformIO platform of the emulated boards."""

from platformio.public import PlatformBase


class TinykitPlatform(PlatformBase):
    """Nothing to install: the toolchain is the system's own."""

    def is_embedded(self):
        """Say that this is no desktop platform: there is something to upload to."""
        return True
