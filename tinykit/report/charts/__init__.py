"""The report's pictures, one file each: plain values in, an inline SVG out."""
