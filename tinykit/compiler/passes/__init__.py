"""Graph transformations, each Graph -> Graph, in the order that `PASSES` lists."""
