"""How well a device listens: misses, false accepts and delays over long recordings."""
