"""What was computed of a run, kept on the run itself: it goes when the run goes."""

from __future__ import annotations

import threading
from collections import OrderedDict, defaultdict
from collections.abc import Callable
from functools import cached_property, wraps
from typing import Any, TypeVar
from weakref import ref

__all__ = ["Keeper", "kept"]

Value = TypeVar("Value")

_lock = threading.Lock()


class Keeper:
    """Something that results of `kept` functions are kept on."""

    @cached_property
    def kept(self) -> defaultdict[Callable, OrderedDict[tuple, Any]]:
        """Function -> its other arguments -> result, the one used last at the end."""
        return defaultdict(OrderedDict)


def kept(most: int) -> Callable[[Callable[..., Value]], Callable[..., Value]]:
    """Decorate a function of a keeper, and of other arguments, to compute each result once.

    most: results that are kept for each keeper; those used last stay. Keepers among the other
    arguments are not kept alive either. A result must not refer to the keeper: they would go only
    when the garbage collector comes. Arguments are positional, and hashable.
    """

    def decorate(compute: Callable[..., Value]) -> Callable[..., Value]:
        @wraps(compute)
        def look_up(keeper: Keeper, *others: Any) -> Value:
            key = tuple(ref(one) if isinstance(one, Keeper) else one for one in others)
            with _lock:
                results = keeper.kept[compute]
                if key in results:
                    results.move_to_end(key)
                    return results[key]
            value = compute(keeper, *others)  # twice, if two threads want it at once
            with _lock:
                results[key] = value
                while len(results) > most:
                    results.popitem(last=False)
            return value

        return look_up

    return decorate
