"""Models of other kits: their manifests, read and written."""
