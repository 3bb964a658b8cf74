"""What all API models share: how they read, and rules that are said once for two checkers."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Self, get_args

from pydantic import (
    BaseModel,
    ConfigDict,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ValidationInfo,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from batchprocess.api.new_bounds import HANDED_ON, check_handed_on, is_stored

RULES = "x-kubernetes-validations"
NOT_PASSED_ON = "not_passed_on"
"""Type of the error about fields that `PassedOn` does not list; `unknown` in its context."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One sentence that must hold of an object, checked by the API server and by the model.

    `cel`: for the API server, about `self`. `message`: the field, and what would be right.
    `holds`: the same as `cel` for a model; None if the rule is for clusters only.
    `field`: path below the object that the API server blames, such as ".image".
    """

    cel: str
    message: str
    holds: Callable[[Any], bool] | None = None
    field: str | None = None

    def as_validation(self) -> dict[str, str]:
        """The entry of x-kubernetes-validations."""
        blamed = {} if self.field is None else {"fieldPath": self.field}
        return {"rule": self.cel, "message": self.message, **blamed}


class ApiModel(BaseModel):
    """Immutable, camelCase outside, and strict: an unknown field is an error, never ignored.

    As on the API server, a null is as good as absent, unless null is a value of its own.
    """

    model_config = ConfigDict(
        frozen=True,
        strict=True,
        extra="forbid",
        allow_inf_nan=False,
        alias_generator=to_camel,
        validate_by_alias=True,
        validate_by_name=False,
        use_attribute_docstrings=True,
    )
    rules: ClassVar[tuple[Rule, ...]] = ()

    @model_validator(mode="before")
    @classmethod
    def _as_the_api_server_reads(cls, value: Any) -> Any:
        """Without nulls that mean nothing, and 64.0 is 64."""
        if not isinstance(value, dict):
            return value
        known = {
            field.alias
            for field in cls.model_fields.values()
            if field.default is None or type(None) not in get_args(field.annotation)
        }
        return {
            key: int(item) if isinstance(item, float) and item.is_integer() else item
            for key, item in value.items()
            if item is not None or key not in known
        }

    @model_validator(mode="after")
    def _rules_hold(self) -> Self:
        broken = [
            rule.message for rule in self.rules if rule.holds is not None and not rule.holds(self)
        ]
        if broken:
            raise ValueError("; ".join(broken))
        return self

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """The usual schema, with the rules in it."""
        made = handler(schema)
        if cls.rules:
            handler.resolve_ref_schema(made)[RULES] = [rule.as_validation() for rule in cls.rules]
        return made


class StatusModel(ApiModel):
    """Read leniently: an operator of another version may have written fields of its own.

    The operator makes them by the names of their fields, which mypy checks.
    """

    model_config = ApiModel.model_config | {
        "extra": "ignore",
        "strict": False,
        "validate_by_name": True,
    }


class PassedOn(ApiModel):
    """A Kubernetes object of which we read a part; `passed` names the fields that we hand on.

    They are listed, rather than let through whatever they are called, so that a misspelt field is
    an error, and because CEL takes two objects for equal if only unlisted names differ.
    """

    model_config = ApiModel.model_config | {"extra": "allow"}
    passed: ClassVar[frozenset[str]] = frozenset()

    @model_validator(mode="after")
    def _extras_are_known(self, info: ValidationInfo) -> Self:
        extra = self.model_extra or {}
        unknown = sorted(extra.keys() - self.passed)
        if unknown:
            raise PydanticCustomError(
                NOT_PASSED_ON,
                "{first} is not a field of this object in Kubernetes 1.35",
                {"first": unknown[0], "unknown": unknown},
            )
        if not is_stored(info):
            for name, value in extra.items():
                check_handed_on(name, value)
        return self

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """The listed fields, of any type, and bounded."""
        made = super().__get_pydantic_json_schema__(schema, handler)
        body = handler.resolve_ref_schema(made)
        body["properties"] |= dict.fromkeys(sorted(cls.passed), HANDED_ON)
        body["additionalProperties"] = False
        return made


@dataclass(frozen=True, slots=True)
class Like:
    """Annotates a dict that must look like `model` and is kept as it was written."""

    model: type[ApiModel]

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Check with the model, keep the value."""
        return core_schema.no_info_wrap_validator_function(
            _checked,
            handler.generate_schema(self.model),
            serialization=core_schema.plain_serializer_function_ser_schema(dict),
        )


def _checked(value: Any, check: Callable[[Any], Any]) -> Any:
    check(value)
    return value
