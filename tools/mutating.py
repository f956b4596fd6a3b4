"""Where a source is changed to make mutants, by the library mutmut and by one rule of ours.

The docstring of tools/mutants.py says which mutants are not made.
"""

import textwrap
from collections.abc import Iterable, Iterator, Sequence

import libcst as cst
import libcst.matchers as m
from libcst.metadata import (
    CodeRange,
    MetadataWrapper,
    WhitespaceInclusivePositionProvider,
)
from mutmut.mutation.file_mutation import MutationVisitor
from mutmut.mutation.mutators import mutation_operators
from mutmut.mutation.pragma_handling import IgnoredCode

CAST = m.Call(func=m.Name("cast"))
NAME = m.Arg(value=m.SimpleString() | m.FormattedString())
CHECK = m.Call(
    func=m.Attribute(value=m.Name("checks")), args=[NAME, m.ZeroOrMore()]
)
NAMELESS = m.Call(args=[m.Arg(value=m.Name("None")), m.ZeroOrMore()])


def names(check: cst.Call) -> Iterator[cst.CSTNode]:
    """Yield what a call of a function of `checks` calls a value and the sizes of an array by."""
    yield check.args[0]
    for argument in check.args[1:]:
        if isinstance(argument.value, cst.Tuple):
            for size in argument.value.elements:
                if m.matches(size.value, m.SimpleString()):
                    yield size


def other_error(node: cst.Raise) -> Iterable[cst.CSTNode]:
    """Yield no error at all, and one of another kind."""
    yield cst.Pass()
    if isinstance(node.exc, cst.Call):
        exc = node.exc.with_changes(func=cst.Name("BaseException"))
        yield node.with_changes(exc=exc)


class Visitor(MutationVisitor):
    """The library's visitor, which also enters decorated functions, but leaves out words."""

    def __init__(self):
        operators = [*mutation_operators, (cst.Raise, other_error)]
        super().__init__(operators, IgnoredCode(set(), set(), set()))
        self.names: set[cst.CSTNode] = set()

    def _create_mutations(self, node: cst.CSTNode) -> None:
        before = len(self.mutations)
        super()._create_mutations(node)
        if m.matches(node, CHECK):
            self.mutations[before:] = [
                made
                for made in self.mutations[before:]
                if len(made.mutated_node.args) < len(node.args)
                or not m.matches(made.mutated_node, NAMELESS)
            ]

    def _skip_node_and_children(self, node: cst.CSTNode) -> bool:
        if isinstance(node, cst.FunctionDef):
            return False
        if m.matches(node, CHECK):
            self.names.update(names(node))
        return (
            m.matches(node, CAST)
            or node in self.names
            or super()._skip_node_and_children(node)
        )

    def on_visit(self, node: cst.CSTNode) -> bool:
        """Return whether to go on inside of a node."""
        return super().on_visit(node) and not isinstance(node, cst.Raise)


def replacements(code: str) -> Iterator[tuple[str, int, int, str]]:
    """Yield a function's name, where in the source a mutant differs, and what it has there."""
    wrapper = MetadataWrapper(cst.parse_module(code))
    visitor = Visitor()
    module = wrapper.visit(visitor)
    places = MetadataWrapper(module, unsafe_skip_copy=True).resolve(
        WhitespaceInclusivePositionProvider
    )
    qualified = dict(functions(module.body))
    starts = [0]
    for line in code.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    for made in visitor.mutations:
        function = qualified.get(made.contained_by_top_level_function)
        if function is not None:
            place: CodeRange = places[made.original_node]
            start = starts[place.start.line - 1] + place.start.column
            end = starts[place.end.line - 1] + place.end.column
            new = module.code_for_node(made.mutated_node)
            if isinstance(made.mutated_node, cst.BaseCompoundStatement):
                old = code[start:end].lstrip("\n")
                new = textwrap.indent(new, old[: len(old) - len(old.lstrip())])
            yield function, start, end, new


def functions(
    body: Sequence[cst.CSTNode], outer: str = ""
) -> Iterator[tuple[cst.FunctionDef, str]]:
    """Yield each function and method with its qualified name."""
    for statement in body:
        if isinstance(statement, cst.FunctionDef):
            yield statement, f"{outer}{statement.name.value}"
        elif isinstance(statement, cst.ClassDef):
            name = f"{outer}{statement.name.value}."
            yield from functions(statement.body.body, name)
