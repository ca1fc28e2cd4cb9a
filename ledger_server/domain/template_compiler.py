"""From a template as written to one that runs, with every mistake named at its place."""

import difflib
import re
from collections.abc import Mapping
from typing import Final, TypeVar

from ledger_server.domain.errors import TemplateInvalidError, Violation
from ledger_server.domain.expression import (
    Expression,
    ExpressionError,
    Type,
    compile_expression,
)
from ledger_server.domain.expression.errors import NAME_SHOWN_MAX, shown
from ledger_server.domain.params import Binder, parse_param
from ledger_server.domain.primitives import Direction, Layer
from ledger_server.domain.template import (
    ENTRY_DEFINITIONS_MAX,
    PARAMS_MAX,
    EntryDefinition,
    Param,
    ParamType,
    Template,
)
from ledger_server.domain.template_function import entries_function
from ledger_server.domain.tx_template import CompiledEntry, CompiledTemplate

_CODE = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,63}", re.ASCII)
_PARAM_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}", re.ASCII)
_DESCRIPTION_LENGTH_MAX: Final = 1_024

_TYPES: Final = {
    ParamType.STRING: Type.STRING,
    ParamType.INTEGER: Type.INTEGER,
    ParamType.DECIMAL: Type.DECIMAL,
    ParamType.BOOLEAN: Type.BOOLEAN,
    ParamType.UUID: Type.UUID,
    ParamType.DATE: Type.DATE,
    ParamType.TIMESTAMP: Type.TIMESTAMP,
    ParamType.JSON: Type.JSON,
    ParamType.ACCOUNT: Type.STRING,
    ParamType.CURRENCY: Type.STRING,
}

_STRING: Final = frozenset({Type.STRING})
_N = TypeVar("_N", Direction, Layer)


def compile_template(template: Template) -> CompiledTemplate:
    """Return `template` ready to run.

    Raises:
        TemplateInvalidError: with every mistake found, each with its place: the field, and within
            an expression the line and column. One with too many params or entries is not looked
            into any further.
    """
    compiler = _Compiler(template)
    compiled = compiler.compiled()
    if compiler.violations:
        raise TemplateInvalidError(template.code, tuple(compiler.violations))
    assert compiled is not None, "no mistakes, so everything compiled"
    return compiled


class _Compiler:
    """One compilation: goes on after a mistake, so that all are found."""

    def __init__(self, template: Template) -> None:
        self.violations: list[Violation] = []
        self._template = template
        self._types: Mapping[str, Type] = {
            param.name: _TYPES[param.type] for param in template.params
        }
        self._optional = frozenset(
            param.name for param in template.params if param.has_default and param.default is None
        )
        self._used: set[str] = set()
        #: Whether some expression did not compile: then who knows which params it uses.
        self._incomplete = False

    def compiled(self) -> CompiledTemplate | None:
        template = self._template
        self._check_head()
        if len(template.params) > PARAMS_MAX or len(template.entries) > ENTRY_DEFINITIONS_MAX:
            return None  # to look into all of it would cost what the bounds are there to save
        self._check_params()
        fields = template.transaction
        entries = [
            self._entry(f"entries[{index}]", entry) for index, entry in enumerate(template.entries)
        ]
        compiled_fields = {
            name: self._optional_expression(f"transaction.{name}", getattr(fields, name), expected)
            for name, expected in (
                ("effective_date", frozenset({Type.DATE})),
                ("description", _STRING),
                ("external_id", _STRING),
                ("correlation_id", _STRING),
                ("metadata", frozenset({Type.MAP})),
            )
        }
        self._check_unused()
        if self.violations:
            return None
        params = {param.name: param for param in template.params}
        definitions = tuple(entry for entry in entries if entry is not None)
        return CompiledTemplate(
            source=template,
            params=params,
            entries=definitions,
            bind=Binder(params),
            draft_entries=entries_function(definitions),
            **compiled_fields,
        )

    def _check_head(self) -> None:
        template = self._template
        if not _CODE.fullmatch(template.code):
            self._mistake(
                "code", "not 1 to 64 of letters, digits, `.`, `_` and `-`, a letter first"
            )
        if len(template.description) > _DESCRIPTION_LENGTH_MAX or "\0" in template.description:
            self._mistake("description", f"longer than {_DESCRIPTION_LENGTH_MAX} characters")
        if len(template.params) > PARAMS_MAX:
            self._mistake("params", f"more than {PARAMS_MAX}")
        if not template.entries:
            self._mistake("entries", "required: a transaction has entries")
        if len(template.entries) > ENTRY_DEFINITIONS_MAX:
            self._mistake("entries", f"more than {ENTRY_DEFINITIONS_MAX}")

    def _check_params(self) -> None:
        seen: set[str] = set()
        for index, param in enumerate(self._template.params):
            place = f"params[{index}]"
            if not _PARAM_NAME.fullmatch(param.name):
                self._mistake(
                    f"{place}.name", "not 1 to 64 of letters, digits and `_`, a letter first"
                )
            if param.name in seen:
                self._mistake(f"{place}.name", f"{shown(param.name)} is declared twice")
            seen.add(param.name)
            if len(param.description) > _DESCRIPTION_LENGTH_MAX or "\0" in param.description:
                self._mistake(
                    f"{place}.description", f"longer than {_DESCRIPTION_LENGTH_MAX} characters"
                )
            self._check_default(place, param)

    def _check_default(self, place: str, param: Param) -> None:
        if not param.has_default or param.default is None:
            return
        try:
            parse_param(param.type, param.default)
        except ValueError as error:
            self._mistake(f"{place}.default_value", f"not a {param.type.name}: {error}")

    def _check_unused(self) -> None:
        if self._incomplete:
            return
        for index, param in enumerate(self._template.params):
            if param.name not in self._used:
                self._mistake(f"params[{index}].name", f"{shown(param.name)} is never used")

    def _entry(self, place: str, entry: EntryDefinition) -> CompiledEntry | None:
        in_list = bool(entry.for_each)
        account = self._expression(
            f"{place}.account",
            entry.account,
            frozenset({Type.STRING, Type.UUID}),
            item_allowed=in_list,
        )
        direction = self._named(f"{place}.direction", entry.direction, Direction, in_list)
        layer = self._named(f"{place}.layer", entry.layer or "SETTLED", Layer, in_list)
        units = self._expression(
            f"{place}.units", entry.units, frozenset({Type.DECIMAL}), item_allowed=in_list
        )
        currency = self._expression(
            f"{place}.currency", entry.currency, _STRING, item_allowed=in_list
        )
        when = self._optional_expression(
            f"{place}.when", entry.when, frozenset({Type.BOOLEAN}), item_allowed=in_list
        )
        for_each = self._optional_expression(
            f"{place}.for_each", entry.for_each, frozenset({Type.LIST})
        )
        if not (account and direction and layer and units and currency):
            return None
        return CompiledEntry(
            place=place,
            account=account,
            direction=direction,
            layer=layer,
            units=units,
            currency=currency,
            when=when,
            for_each=for_each,
        )

    def _named(
        self, place: str, source: str, names: type[_N], in_list: bool
    ) -> Expression | _N | None:
        """Return the side or layer named as it stands, else an expression that gives its name."""
        if source in names.__members__:
            return names[source]
        if source.isidentifier() and not (in_list and source == "item"):
            known = names.__members__
            close = difflib.get_close_matches(source[:NAME_SHOWN_MAX].upper(), known, 1)
            hint = f"; did you mean {close[0]}?" if close else ""
            self._mistake(place, f"{shown(source)} is none of {', '.join(known)}{hint}")
            self._incomplete = True
            return None
        return self._expression(place, source, _STRING, item_allowed=in_list)

    def _optional_expression(
        self, place: str, source: str, expected: frozenset[Type], *, item_allowed: bool = False
    ) -> Expression | None:
        if not source:
            return None
        return self._expression(place, source, expected, item_allowed=item_allowed)

    def _expression(
        self, place: str, source: str, expected: frozenset[Type], *, item_allowed: bool
    ) -> Expression | None:
        if not source.strip():
            self._mistake(place, "required")
            self._incomplete = True
            return None
        try:
            expression = compile_expression(
                source,
                params=self._types,
                optional_params=self._optional,
                item_allowed=item_allowed,
                expected=expected,
            )
        except ExpressionError as error:
            for mistake in error.mistakes:
                self._mistake(
                    place, f"line {mistake.line}, column {mistake.column}: {mistake.message}"
                )
            self._incomplete = True
            return None
        self._used |= expression.params_used
        return expression

    def _mistake(self, place: str, description: str) -> None:
        self.violations.append(Violation(place, description))
