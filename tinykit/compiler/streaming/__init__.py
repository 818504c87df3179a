"""Window models as streams: at each hop the newest rows in, everything older remembered."""

from tinykit.compiler.streaming.transform import Stream, past, stream
from tinykit.compiler.streaming.windows import sliding_windows

__all__ = ["Stream", "past", "sliding_windows", "stream"]
