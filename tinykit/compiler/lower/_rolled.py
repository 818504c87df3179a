"""Calls that repeat, as loops: one copy of a kernel in flash instead of one for each round."""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykit.compiler.lower import Argument, Call, Constant, Loop, Varying

Round = Mapping[Hashable, Call]
"""Calls by name, in order; a call has one name in all rounds."""


def rolled(rounds: Sequence[Round]) -> tuple[list[Call], list[Loop]]:
    """Return the calls of all rounds, with neighbouring rounds of the same kernels made loops.

    Numbers that change from round to round, in parameters or places, become `Varying`; constants
    that change become one array, in which the rounds begin at different places. A call that some
    rounds do not make is made on a condition.
    """
    calls: list[Call] = []
    loops: list[Loop] = []
    at = 0
    while at < len(rounds):
        seen, end = dict(rounds[at]), at + 1
        while end < len(rounds) and all(
            _alike(seen.get(name, call), call) for name, call in rounds[end].items()
        ):
            seen |= rounds[end]
            end += 1
        merged = _merged(rounds[at:end])
        if end - at > 1:
            loops.append(Loop(len(calls), len(calls) + len(merged), end - at))
        calls += merged
        at = end
    return calls, loops


def _alike(one: Call, other: Call) -> bool:
    """Whether two calls differ in numbers only."""
    return (
        one.function == other.function
        and _names(one.params) == _names(other.params)
        and [_kind(argument) for argument in one.arguments]
        == [_kind(argument) for argument in other.arguments]
    )


def _names(params: Any) -> Any:
    """Return params without their numbers."""
    if isinstance(params, Mapping):
        return {name: _names(value) for name, value in params.items()}
    if isinstance(params, tuple):
        return tuple(map(_names, params))
    return None if isinstance(params, int) else params


def _kind(argument: Argument) -> object:
    """Return what must stay the same of an argument."""
    if isinstance(argument, Constant):
        return argument.role, argument.data.dtype, argument.align
    return dataclasses.replace(argument, offset=0)


def _merged(rounds: Sequence[Round]) -> list[Call]:
    """Return the calls of a loop over `rounds`."""
    longest = max(rounds, key=len)
    others = {name: None for made in rounds for name in made if name not in longest}
    calls = []
    for name in (*longest, *others):
        given = [made.get(name) for made in rounds]
        present = [call for call in given if call is not None]
        # a round that does not make the call may have any numbers: those of its neighbour
        filled, last = [], present[0]
        for call in given:
            last = call or last
            filled.append(last)
        arguments = zip(*(call.arguments for call in filled), strict=True)
        calls.append(
            dataclasses.replace(
                filled[0],
                arguments=tuple(map(_argument, arguments)),
                params=_params([call.params for call in filled]),
                when=_condition([call is not None for call in given]),
            )
        )
    return calls


def _condition(made: Sequence[bool]) -> Varying | None:
    return None if all(made) else Varying(tuple(map(int, made)))


def _params(versions: Sequence[Any]) -> Any:
    first = versions[0]
    if isinstance(first, Mapping):
        return {name: _params([one[name] for one in versions]) for name in first}
    if isinstance(first, tuple):
        return tuple(map(_params, zip(*versions, strict=True)))
    return _number(versions) if isinstance(first, int) else first


def _number(values: Sequence[int]) -> int | Varying:
    return values[0] if len(set(values)) == 1 else Varying(tuple(values))


def _argument(versions: Sequence[Argument]) -> Argument:
    first = versions[0]
    if isinstance(first, Constant):
        return _constant([one for one in versions if isinstance(one, Constant)])
    moves = [one.offset - first.offset for one in versions if not isinstance(one, Constant)]
    return dataclasses.replace(first, moves=Varying(tuple(moves)) if any(moves) else None)


def _constant(versions: Sequence[Constant]) -> Constant:
    """Return one constant that holds every version once, one after the other."""
    arrays: list[NDArray[Any]] = []
    starts: dict[bytes, int] = {}  # of each content
    end = 0
    for one in versions:
        content = one.data.tobytes()
        if content not in starts:
            starts[content] = end
            arrays.append(one.data.reshape(-1))
            end += one.data.size
    if len(arrays) == 1:
        return versions[0]
    moves = Varying(tuple(starts[one.data.tobytes()] for one in versions))
    return dataclasses.replace(versions[0], data=np.concatenate(arrays), moves=moves)
