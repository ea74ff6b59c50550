"""Who belongs to a group through the groups in it.  Values in, values out."""

from collections.abc import Hashable, Mapping
from collections.abc import Set as AbstractSet
from typing import TypeVar

G = TypeVar("G", bound=Hashable)
P = TypeVar("P", bound=Hashable)


def closure(
    direct: Mapping[G, AbstractSet[P]], children: Mapping[G, AbstractSet[G]]
) -> tuple[dict[G, frozenset[P]], list[frozenset[G]]]:
    """Everybody of each group, through nesting; and the cycles, whose groups all hold the same people."""
    everybody: dict[G, frozenset[P]] = {}
    cycles = []
    for component in components(children):
        people: set[P] = set()
        for group in component:
            people |= direct[group]
            for child in children[group]:
                # Components come after those they reach: what is not in this one is already known.
                people |= everybody.get(child, frozenset())
        everybody.update(dict.fromkeys(component, frozenset(people)))
        if len(component) > 1:
            cycles.append(component)
    return everybody, cycles


def components(children: Mapping[G, AbstractSet[G]]) -> list[frozenset[G]]:
    """Strongly connected components, each after those it reaches (Tarjan 1972, without recursion: chains are long)."""
    number: dict[G, int] = {}
    low: dict[G, int] = {}
    stack: list[G] = []
    on_stack: set[G] = set()
    found: list[frozenset[G]] = []
    for root in children:
        if root in number:
            continue
        number[root] = low[root] = len(number)
        stack.append(root)
        on_stack.add(root)
        work = [(root, iter(children[root]))]
        while work:
            node, rest = work[-1]
            child = next(rest, None)
            if child is None:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == number[node]:
                    cut = stack.index(node)
                    component = frozenset(stack[cut:])
                    del stack[cut:]
                    on_stack -= component
                    found.append(component)
            elif child not in number:
                number[child] = low[child] = len(number)
                stack.append(child)
                on_stack.add(child)
                work.append((child, iter(children[child])))
            elif child in on_stack:
                low[node] = min(low[node], number[child])
    return found


def reachable(start: AbstractSet[G], edges: Mapping[G, AbstractSet[G]]) -> frozenset[G]:
    """The nodes themselves, and everything that one comes to from them."""
    found, todo = set(start), list(start)
    while todo:
        for each in edges.get(todo.pop(), frozenset()):
            if each not in found:
                found.add(each)
                todo.append(each)
    return frozenset(found)


def reversed_edges(edges: Mapping[G, AbstractSet[G]]) -> dict[G, set[G]]:
    back: dict[G, set[G]] = {}
    for node, others in edges.items():
        for other in others:
            back.setdefault(other, set()).add(node)
    return back
