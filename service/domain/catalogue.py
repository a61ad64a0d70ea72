"""The catalogue: every model we know, which are on sale, and the rules over one model."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Self

from service.domain.catalogue_file import CatalogueError, parse_catalogue
from service.domain.model import Input, Kind, Model, Parameters, Screen, Value
from service.domain.parameters import (
    ParameterProblem,
    Problem,
    accepts,
    allowed_values,
    check_parameters,
    check_prompt,
    clean_prompt,
    count_choices,
    default_parameters,
    visible_inputs,
)
from service.domain.styles import Style, load_styles
from service.domain.task_plan import TaskRequest, task_plan

__all__ = [
    "Catalogue",
    "CatalogueError",
    "Input",
    "Kind",
    "Model",
    "ParameterProblem",
    "Parameters",
    "Problem",
    "Screen",
    "Style",
    "TaskRequest",
    "Value",
    "accepts",
    "allowed_values",
    "check_parameters",
    "check_prompt",
    "clean_prompt",
    "count_choices",
    "default_parameters",
    "load_catalogue",
    "load_styles",
    "task_plan",
    "visible_inputs",
]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All models, in the order of the file."""

    models: tuple[Model, ...]
    by_id: Mapping[str, Model]
    by_code: Mapping[str, Model]

    @classmethod
    def of(cls, models: Iterable[Model]) -> Self:
        """Index models by id and by code."""
        kept = tuple(models)
        by_id = {model.id: model for model in kept}
        return cls(kept, by_id, {model.code: model for model in kept})

    def on_sale(self) -> tuple[Model, ...]:
        """List what can be bought."""
        return tuple(model for model in self.models if model.on_sale)

    def on_sale_by_kind(self) -> dict[Kind, tuple[Model, ...]]:
        """List what can be bought by kind; a kind without models is absent."""
        sold = self.on_sale()
        kinds = [kind for kind in Kind if any(model.kind is kind for model in sold)]
        return {kind: tuple(model for model in sold if model.kind is kind) for kind in kinds}


@cache
def load_catalogue() -> Catalogue:
    """Read the packaged catalogue, once; CatalogueError names what is wrong in it."""
    source = files("service") / "data" / "catalogue.yaml"
    return Catalogue.of(parse_catalogue(source.read_text(encoding="utf-8"), name=source.name))
