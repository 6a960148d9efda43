"""No module of ours imports, however indirectly, a module that imports it; imports for types alone count."""

import grimp
import pytest

PACKAGES = ("racing", "model_registry", "training", "service", "greyhound_client", "frontend", "greyhound")


def circles(graph: grimp.ImportGraph) -> list[list[str]]:
    """Return the modules that import each other, circle by circle (Tarjan: strongly connected components)."""
    numbers: dict[str, int] = {}
    lowest: dict[str, int] = {}
    path: list[str] = []
    found: list[list[str]] = []

    def visit(module: str) -> None:
        numbers[module] = lowest[module] = len(numbers)
        path.append(module)
        for imported in graph.find_modules_directly_imported_by(module):
            if imported not in numbers:
                visit(imported)
            if imported in path:
                lowest[module] = min(lowest[module], lowest[imported])
        if lowest[module] == numbers[module]:
            start = path.index(module)
            if len(path) - start > 1:
                found.append(sorted(path[start:]))
            del path[start:]

    for module in sorted(graph.modules):
        if module not in numbers:
            visit(module)
    return found


@pytest.mark.parametrize("package", PACKAGES)
def test_no_modules_import_each_other_in_a_circle(package: str) -> None:
    assert circles(grimp.build_graph(package, cache_dir=None)) == []


def test_a_circle_is_found() -> None:
    graph = grimp.ImportGraph()
    for importer, imported in (("top", "a"), ("a", "b"), ("b", "c"), ("c", "a"), ("c", "bottom")):
        graph.add_import(importer=importer, imported=imported)
    assert circles(graph) == [["a", "b", "c"]]
