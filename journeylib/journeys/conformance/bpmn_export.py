"""BPMN 2.0 of a discovered model: the same model, the same text, and a layout to open it with.

pm4py's own export gives random ids in a random order, and lays out through an external program.
"""

from __future__ import annotations

import hashlib
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from typing import Any

_SPACES = {
    "bpmn": "http://www.omg.org/spec/BPMN/20100524/MODEL",
    "bpmndi": "http://www.omg.org/spec/BPMN/20100524/DI",
    "dc": "http://www.omg.org/spec/DD/20100524/DC",
    "di": "http://www.omg.org/spec/DD/20100524/DI",
}
_TAGS = {
    "StartEvent": "startEvent",
    "NormalEndEvent": "endEvent",
    "EndEvent": "endEvent",
    "Task": "task",
    "ExclusiveGateway": "exclusiveGateway",
    "ParallelGateway": "parallelGateway",
    "InclusiveGateway": "inclusiveGateway",
}
_SIZES = {"startEvent": (36, 36), "endEvent": (36, 36), "task": (140, 70)}
_GATEWAY = (50, 50)
_COLUMN, _ROW, _MARGIN = 200, 110, 60

Links = Mapping[int, list[int]]


def bpmn_text(graph: Any) -> str:
    """Return BPMN 2.0 XML of a BPMN graph of pm4py.

    Parameters
    ----------
    graph : pm4py.objects.bpmn.obj.BPMN
        Events, tasks and gateways.

    Returns
    -------
    str
        With a layout: columns by distance from the start.
    """
    nodes = list(graph.get_nodes())
    number = {node: i for i, node in enumerate(nodes)}
    pairs = [(number[flow.source], number[flow.target]) for flow in graph.get_flows()]
    tags = [_TAGS[type(node).__name__] for node in nodes]
    words = [
        "" if tag.endswith("Gateway") else node.name for tag, node in zip(tags, nodes, strict=True)
    ]
    order, columns = _order(tags, words, pairs)
    place = {old: new for new, old in enumerate(order)}
    return _written(
        [tags[old] for old in order],
        [words[old] for old in order],
        sorted((place[a], place[b]) for a, b in pairs),
        [columns[old] for old in order],
    )


def _order(
    tags: list[str], words: list[str], pairs: list[tuple[int, int]]
) -> tuple[list[int], list[int]]:
    """Order nodes by distance from the start, then by what surrounds them."""
    n = len(tags)
    after: dict[int, list[int]] = {i: [] for i in range(n)}
    before: dict[int, list[int]] = {i: [] for i in range(n)}
    for a, b in pairs:
        after[a].append(b)
        before[b].append(a)
    # Nodes that still look alike after n rounds are alike: their order changes nothing.
    looks = [f"{tag} {word}" for tag, word in zip(tags, words, strict=True)]
    for _ in range(n):
        looks = [
            _digest(looks[i], _looks(looks, before, i), _looks(looks, after, i)) for i in range(n)
        ]
    columns = {tags.index("startEvent"): 0}
    todo = list(columns)
    while todo:
        node = todo.pop(0)
        for following in after[node]:
            if following not in columns:
                columns[following] = columns[node] + 1
                todo.append(following)
    far = [columns.get(i, n) for i in range(n)]
    return sorted(range(n), key=lambda i: (far[i], words[i], looks[i])), far


def _looks(looks: list[str], links: Links, node: int) -> str:
    return ",".join(sorted(looks[other] for other in links[node]))


def _digest(*parts: str) -> str:
    return hashlib.sha256("|".join(parts).encode()).hexdigest()


def _written(
    tags: list[str], words: list[str], pairs: list[tuple[int, int]], columns: list[int]
) -> str:
    for prefix, space in _SPACES.items():
        ElementTree.register_namespace(prefix, space)
    root = ElementTree.Element(_name("bpmn:definitions"), {"targetNamespace": "journeylib"})
    process = _sub(root, "bpmn:process", id="process", isExecutable="false")
    for i, (tag, word) in enumerate(zip(tags, words, strict=True)):
        node = _sub(process, f"bpmn:{tag}", id=f"node{i}", **({"name": word} if word else {}))
        for number, (a, b) in enumerate(pairs):
            if b == i:
                _sub(node, "bpmn:incoming").text = f"flow{number}"
            if a == i:
                _sub(node, "bpmn:outgoing").text = f"flow{number}"
    for number, (a, b) in enumerate(pairs):
        ends = {"sourceRef": f"node{a}", "targetRef": f"node{b}"}
        _sub(process, "bpmn:sequenceFlow", id=f"flow{number}", **ends)
    plane = _sub(_sub(root, "bpmndi:BPMNDiagram", id="diagram"), "bpmndi:BPMNPlane", id="plane")
    plane.set("bpmnElement", "process")
    boxes = _boxes(tags, columns)
    for i, (x, y, width, height) in enumerate(boxes):
        shape = _sub(plane, "bpmndi:BPMNShape", id=f"shape{i}", bpmnElement=f"node{i}")
        _sub(shape, "dc:Bounds", x=str(x), y=str(y), width=str(width), height=str(height))
    for number, (a, b) in enumerate(pairs):
        edge = _sub(plane, "bpmndi:BPMNEdge", id=f"edge{number}", bpmnElement=f"flow{number}")
        for x, y in _line(boxes[a], boxes[b]):
            _sub(edge, "di:waypoint", x=str(x), y=str(y))
    ElementTree.indent(root)
    text: str = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def _name(short: str) -> str:
    prefix, tag = short.split(":")
    return f"{{{_SPACES[prefix]}}}{tag}"


def _sub(parent: ElementTree.Element, tag: str, /, **attributes: str) -> ElementTree.Element:
    return ElementTree.SubElement(parent, _name(tag), attributes)


def _boxes(tags: list[str], columns: list[int]) -> list[tuple[int, int, int, int]]:
    used: dict[int, int] = {}
    boxes = []
    for tag, column in zip(tags, columns, strict=True):
        row = used.get(column, 0)
        used[column] = row + 1
        width, height = _SIZES.get(tag, _GATEWAY)
        x, y = _MARGIN + column * _COLUMN - width // 2, _MARGIN + row * _ROW - height // 2
        boxes.append((x + _COLUMN // 2, y, width, height))
    return boxes


def _line(
    source: tuple[int, int, int, int], target: tuple[int, int, int, int]
) -> list[tuple[int, int]]:
    ahead = source[0] < target[0]
    start = (source[0] + (source[2] if ahead else 0), source[1] + source[3] // 2)
    end = (target[0] + (0 if ahead else target[2]), target[1] + target[3] // 2)
    return [start, end]
