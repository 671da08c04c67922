"""Print every small change of a file as a line of JSON. Run by the Python that has cosmic-ray, with the file's path.

Of cosmic-ray's operators those that make what a person might write by mistake: another comparison, `and` for `or`, a lost or added
`not`, a number beside the right one. Not those that make what nobody would, such as `<<` for `+`, or break every test.
"""

import ast
import json
import sys
from collections.abc import Iterator
from pathlib import Path

from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator

_COMPARISONS = (
    *("Lt_LtE", "Lt_GtE", "LtE_Lt", "LtE_Gt", "Gt_GtE", "Gt_LtE", "GtE_Gt", "GtE_Lt"),
    *("Eq_NotEq", "NotEq_Eq", "Is_IsNot", "IsNot_Is"),
)
_SUMS = ("Add_Sub", "Sub_Add", "Mul_Div", "Div_Mul", "FloorDiv_Mul", "Pow_Mul", "Mod_Mul")
_OPERATORS = (
    *("AddNot", "ReplaceUnaryOperator_Delete_Not", "ReplaceAndWithOr", "ReplaceOrWithAnd"),
    *(f"ReplaceComparisonOperator_{each}" for each in _COMPARISONS),
    *(f"ReplaceBinaryOperator_{each}" for each in _SUMS),
    *(
        "ReplaceTrueWithFalse",
        "ReplaceFalseWithTrue",
        "NumberReplacer",
        "ZeroIterationForLoop",
        "ReplaceUnaryOperator_Delete_USub",
    ),
    *("ReplaceBreakWithContinue", "ReplaceContinueWithBreak", "ExceptionReplacer"),
)
_OPPOSITES = {
    **{
        ast.Eq: ast.NotEq,
        ast.NotEq: ast.Eq,
        ast.Is: ast.IsNot,
        ast.IsNot: ast.Is,
        ast.In: ast.NotIn,
        ast.NotIn: ast.In,
    },
    **{ast.Lt: ast.GtE, ast.GtE: ast.Lt, ast.Gt: ast.LtE, ast.LtE: ast.Gt},
}
_LARGE = 10
_MOST = 2000


def changes(code: str) -> Iterator[dict[str, object]]:
    """Every change that compiles and is one: line, what stood there, and what stands there now."""
    seen = {_meaning(code)}
    for name in _OPERATORS:
        for number in range(_MOST):
            changed = mutate_code(code, get_operator(f"core/{name}")(), number)
            if changed is None:
                break
            meaning = _meaning(changed)
            if meaning and meaning not in seen:
                seen.add(meaning)
                line, was, becomes = _place(code, changed)
                yield {"line": line, "was": was, "becomes": becomes, "code": changed}


def _meaning(code: str) -> str:
    """What runs; empty where it does not compile."""
    try:
        return ast.dump(_Essence().visit(ast.parse(code)))
    except SyntaxError:
        return ""


class _Essence(ast.NodeTransformer):
    """Takes out what decides nothing: annotations, which are never evaluated, how parameters may be given, what a frozen value is
    guarded by, and the exact value of large numbers, which are choices; and writes `not a == b` as `a != b`."""

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        node.annotation = ast.Constant(None)
        return self.generic_visit(node)

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.annotation = None
        return node

    def visit_arguments(self, node: ast.arguments) -> ast.AST:
        node.args, node.posonlyargs, node.kwonlyargs = [*node.posonlyargs, *node.args, *node.kwonlyargs], [], []
        node.defaults, node.kw_defaults = [*node.defaults, *filter(None, node.kw_defaults)], []
        return self.generic_visit(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        node.decorator_list = []
        return self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        return self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        is_large = isinstance(node.value, int | float) and abs(node.value) >= _LARGE
        return ast.Constant(_LARGE) if is_large else node

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        self.generic_visit(node)
        compared = node.operand
        if isinstance(node.op, ast.Not) and isinstance(compared, ast.Compare) and len(compared.ops) == 1:
            opposite = _OPPOSITES[type(compared.ops[0])]
            return ast.Compare(compared.left, [opposite()], compared.comparators)
        return node


def _place(code: str, changed: str) -> tuple[int, str, str]:
    pairs = enumerate(zip(code.splitlines(), changed.splitlines(), strict=True), start=1)
    return next((number, was.strip(), becomes.strip()) for number, (was, becomes) in pairs if was != becomes)


if __name__ == "__main__":
    for change in changes(Path(sys.argv[1]).read_text()):
        print(json.dumps(change))
