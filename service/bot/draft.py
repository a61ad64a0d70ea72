"""The picture being composed: model, settings, number, style and, once written, the prompt."""

from dataclasses import asdict, dataclass, field, replace
from typing import Any, Self

from service.domain.catalogue import (
    Catalogue,
    Model,
    ParameterProblem,
    Parameters,
    Problem,
    Value,
    allowed_values,
    check_parameters,
    count_choices,
)
from service.domain.styles import NO_STYLE, load_styles

#: What somebody new draws with: the cheapest model, so that a gift goes far.
FIRST_MODEL = "z-image"


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """As it lies in the conversation's row; every field may be stale and is checked on use."""

    model_id: str = FIRST_MODEL
    parameters: Parameters = field(default_factory=dict)
    pictures: int = 1
    style: str = NO_STYLE
    prompt: str = ""

    @classmethod
    def of(cls, stored: dict[str, Any], catalogue: Catalogue, gone: frozenset[str]) -> Self:
        """Read a stored draft; what is not sold any more falls back to what is."""
        draft = cls(**{name: stored[name] for name in stored if name in cls.__slots__})
        model = catalogue.by_id.get(draft.model_id)
        if model is None or not model.on_sale or model.id in gone:
            first = next(m for m in catalogue.on_sale() if m.id not in gone)
            return draft.with_model(first)
        return draft.mended(model)

    def stored(self) -> dict[str, Any]:
        """Give the draft as it is kept."""
        return asdict(self)

    def with_model(self, model: Model) -> Self:
        """Compose with another model: words and style stay, what costs money starts anew."""
        return replace(self, model_id=model.id, parameters={}, pictures=1).mended(model)

    def mended(self, model: Model) -> Self:
        """Leave out what this model does not offer (any more)."""
        parameters = dict(self.parameters)
        for problem in check_parameters(model, parameters):
            parameters.pop(problem.name, None)
        if any(p.problem is Problem.FORBIDDEN for p in check_parameters(model, parameters)):
            parameters = {}
        counts = count_choices(model)
        pictures = self.pictures if self.pictures in counts else counts[0]
        style = self.style if self.style in load_styles() else NO_STYLE
        return replace(self, parameters=parameters, pictures=pictures, style=style)

    def with_value(self, model: Model, name: str, value: Value) -> tuple[Self, list[str]]:
        """Set a setting; others that don't go with it give way. Gives the names of those."""
        parameters = self.parameters | {name: value}
        adjusted: list[str] = []
        # Each round settles at least one combination, and there are few.
        for _ in range(4):
            problem = _forbidden(model, parameters)
            if problem is None:
                break
            yielding = [n for n in (problem.name, *problem.against) if n != name]
            for other in yielding:
                allowed = allowed_values(model, parameters, other)
                if allowed:
                    parameters[other] = allowed[0]
                    adjusted.append(other)
                    break
        return replace(self, parameters=parameters), adjusted

    def without(self, name: str) -> Self:
        """Leave a setting to the model."""
        rest = {n: value for n, value in self.parameters.items() if n != name}
        return replace(self, parameters=rest)


def _forbidden(model: Model, parameters: Parameters) -> ParameterProblem | None:
    problems = check_parameters(model, parameters)
    return next((p for p in problems if p.problem is Problem.FORBIDDEN), None)
