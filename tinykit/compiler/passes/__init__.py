"""Graph transformations, each Graph -> Graph, in the order that `PASSES` lists.

A pass leaves its argument as it was, keeps every output byte of the model, and keeps the numbers
of the tensors and ops that it does not remove.
"""

from __future__ import annotations

from collections.abc import Callable

from tinykit.compiler.ir import Graph
from tinykit.compiler.passes.as_matrices import as_matrices
from tinykit.compiler.passes.drop_channels import drop_channels
from tinykit.compiler.passes.drop_unused import drop_unused
from tinykit.compiler.passes.fold_constants import fold_constants
from tinykit.compiler.passes.fold_views import fold_views
from tinykit.compiler.passes.fuse_clamps import fuse_clamps
from tinykit.compiler.passes.fuse_padding import fuse_padding
from tinykit.compiler.passes.fuse_tables import fuse_tables
from tinykit.compiler.passes.merge_equal import merge_equal
from tinykit.compiler.passes.settle_channels import settle_channels

Pass = Callable[[Graph], Graph]

PASSES: tuple[Pass, ...] = (
    fold_constants,  # first: it leaves less for the others to look at
    merge_equal,
    fold_views,
    fuse_tables,
    fuse_clamps,
    fuse_padding,
    drop_unused,  # what nobody reads must not keep channels alive
    settle_channels,
    drop_channels,
    as_matrices,
    drop_unused,  # last: the others leave tensors and ops behind that nothing reads
)


Dump = Callable[[str, Graph], None]


def run(graph: Graph, dump: Dump | None = None, origin: str = "reader") -> Graph:
    """Apply all passes and verify the graph after each.

    Parameters
    ----------
    dump : callable, optional
        Called with `origin` and the graph as given, then with each pass's name and its result;
        `tinykit.compiler.ir.dump` gives the text.
    origin : str
        What the graph comes from.
    """
    if dump is not None:
        dump(origin, graph)
    for transform in PASSES:
        graph = transform(graph)
        graph.verify()
        if dump is not None:
            dump(transform.__name__, graph)
    return graph
