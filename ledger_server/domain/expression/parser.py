"""From tokens to the syntax tree, by operator precedence."""

from typing import Final

from ledger_server.domain.expression.errors import Mistakes, SyntaxFailure
from ledger_server.domain.expression.lexer import Token, TokenKind, tokenize
from ledger_server.domain.expression.syntax import (
    Binary,
    Broken,
    Call,
    Choice,
    Index,
    Items,
    Literal,
    Logic,
    Name,
    Node,
    Pairs,
    Select,
    Unary,
)
from ledger_server.domain.expression.values import INTEGER_MAX

#: Levels of the tree, chains of one precedence counting as one level. Well below what
#: Python's recursion allows to the parser, the checker and Python's own compiler, and well
#: above what a person can read.
DEPTH_MAX: Final = 32
#: Nodes of the tree. Bounds what one evaluation can cost; an amount takes about five.
NODES_MAX: Final = 1_000

#: How strongly each operator binds; all group from the left.
_POWERS: Final = {
    "||": 1,
    "&&": 2,
    **dict.fromkeys(("==", "!=", "<", "<=", ">", ">=", "in"), 3),
    **dict.fromkeys("+-", 4),
    **dict.fromkeys("*/%", 5),
}

_CONSTANTS: Final[dict[str, bool | None]] = {"true": True, "false": False, "null": None}


def parse(source: str, mistakes: Mistakes) -> Node:
    """Return the tree of a source.

    Args:
        source: not longer than `SOURCE_LENGTH_MAX`.
        mistakes: receives what is wrong but does not hinder reading on.

    Raises:
        SyntaxFailure: where the source stops being readable.
    """
    return _Parser(tokenize(source, mistakes), mistakes).parse()


class _Parser:
    """Reads tokens from left to right, with no way back."""

    def __init__(self, tokens: list[Token], mistakes: Mistakes) -> None:
        self._tokens = tokens
        self._mistakes = mistakes
        self._position = 0
        self._depth = 0
        self._nodes = 0

    def parse(self) -> Node:
        node = self._expression()
        if self._next.kind is not TokenKind.END:
            raise self._unexpected("an operator or the end")
        return node

    @property
    def _next(self) -> Token:
        return self._tokens[self._position]

    def _expression(self) -> Node:
        condition = self._operators(1)
        question = self._take("?")
        if question is None:
            return condition
        then = self._operators(1)
        self._expect(":")
        # Only this call recurses without passing a bracket or an operator of _POWERS.
        self._enter(question.offset)
        otherwise = self._expression()
        self._depth -= 1
        return self._counted(Choice(question.offset, condition, then, otherwise))

    def _operators(self, power_min: int) -> Node:
        """Read operands joined by operators that bind at least as strongly as `power_min`."""
        self._enter(self._next.offset)
        left = self._unary()
        while True:
            token = self._next
            power = _POWERS.get(token.text, 0) if token.kind is TokenKind.SYMBOL else 0
            if power < max(power_min, 1):
                break
            if token.text in {"&&", "||"}:
                left = self._logic(left, token, power)
                continue
            self._position += 1
            right = self._operators(power + 1)
            left = self._counted(Binary(token.offset, token.text, left, right))
        self._depth -= 1
        return left

    def _logic(self, first: Node, operator: Token, power: int) -> Node:
        operands = [first]
        while self._take(operator.text):
            operands.append(self._operators(power + 1))
            self._counted(first)  # as many nodes as if the operator had two operands
        return Logic(operator.offset, operator.text, tuple(operands))

    def _unary(self) -> Node:
        token = self._take("!") or self._take("-")
        if token is None:
            return self._postfix()
        if token.text == "-" and self._next.kind is TokenKind.INTEGER:
            return self._postfix(minus=token)
        self._enter(token.offset)
        operand = self._unary()
        self._depth -= 1
        return self._counted(Unary(token.offset, token.text, operand))

    def _postfix(self, minus: Token | None = None) -> Node:
        node = self._primary(minus)
        depth = self._depth
        while token := self._take(".") or self._take("["):
            self._enter(token.offset)
            node = self._counted(
                self._member(node) if token.text == "." else self._index(node, token)
            )
        self._depth = depth
        return node

    def _member(self, target: Node) -> Node:
        field = self._next
        if field.kind is not TokenKind.NAME:
            raise self._unexpected("a field's name")
        self._position += 1
        if self._take("("):
            return Call(field.offset, field.text, target, self._list(")"))
        return Select(field.offset, target, field.text)

    def _index(self, target: Node, bracket: Token) -> Node:
        key = self._expression()
        self._expect("]")
        return Index(bracket.offset, target, key)

    def _primary(self, minus: Token | None) -> Node:
        token = self._next
        if token.kind is TokenKind.END:
            raise self._unexpected("a value")
        self._position += 1
        match token.kind:
            case TokenKind.INTEGER:
                return self._counted(self._integer(token, minus))
            case TokenKind.STRING:
                return self._counted(Literal(token.offset, token.text))
            case TokenKind.BROKEN:
                return self._counted(Broken(token.offset))
            case TokenKind.NAME:
                if self._take("("):
                    return self._counted(Call(token.offset, token.text, None, self._list(")")))
                return self._counted(Name(token.offset, token.text))
        return self._bracketed(token)

    def _bracketed(self, token: Token) -> Node:
        """Read a list, a map, what stands in parentheses, or a word that is a value."""
        if token.text in _CONSTANTS:
            return self._counted(Literal(token.offset, _CONSTANTS[token.text]))
        if token.text == "(":
            inner = self._expression()
            self._expect(")")
            return inner
        if token.text == "[":
            return self._counted(Items(token.offset, self._list("]")))
        if token.text == "{":
            return self._counted(Pairs(token.offset, self._pairs()))
        self._position -= 1
        raise self._unexpected("a value")

    def _integer(self, token: Token, minus: Token | None) -> Node:
        if minus is not None:
            return Literal(minus.offset, -token.number)
        if token.number > INTEGER_MAX:
            self._mistakes.add("the integer does not fit in 64 bits", token.offset)
            return Broken(token.offset)
        return Literal(token.offset, token.number)

    def _list(self, end: str) -> tuple[Node, ...]:
        """Read expressions and commas up to and with the closing bracket."""
        nodes: list[Node] = []
        while not self._take(end):
            nodes.append(self._expression())
            if not self._take(","):
                self._expect(end)
                break
        return tuple(nodes)

    def _pairs(self) -> tuple[tuple[Node, Node], ...]:
        pairs: list[tuple[Node, Node]] = []
        while not self._take("}"):
            key = self._expression()
            self._expect(":")
            pairs.append((key, self._expression()))
            if not self._take(","):
                self._expect("}")
                break
        return tuple(pairs)

    def _take(self, symbol: str) -> Token | None:
        """Step over the symbol if it is next."""
        token = self._next
        if token.kind is not TokenKind.SYMBOL or token.text != symbol:
            return None
        self._position += 1
        return token

    def _expect(self, symbol: str) -> None:
        if not self._take(symbol):
            raise self._unexpected(f"'{symbol}'")

    def _unexpected(self, wanted: str) -> SyntaxFailure:
        token = self._next
        if token.kind is TokenKind.END:
            return SyntaxFailure(f"the expression ends where {wanted} should be", token.offset)
        what = {TokenKind.STRING: "a string", TokenKind.INTEGER: "a number"}.get(token.kind)
        what = what or f"'{token.text[:40]}'"
        return SyntaxFailure(f"{what} where {wanted} should be", token.offset)

    def _enter(self, offset: int) -> None:
        self._depth += 1
        if self._depth > DEPTH_MAX:
            raise SyntaxFailure(f"nested more than {DEPTH_MAX} deep", offset)

    def _counted(self, node: Node) -> Node:
        self._nodes += 1
        if self._nodes > NODES_MAX:
            raise SyntaxFailure(f"more than {NODES_MAX} operations and values", node.offset)
        return node
