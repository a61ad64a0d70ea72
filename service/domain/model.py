"""What the catalogue says about a model: its inputs, price rule, pictures and limits of time."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from statistics import median

Value = str | int | float | bool
#: What a user chose, by input name; an input that is not there is left to its initial value.
Parameters = dict[str, Value]

#: A generation ends after this long at the latest, whatever its model.
DEADLINE_MIN_S = 15 * 60
DEADLINE_VIDEO_S = 45 * 60
#: A task that takes this many times its usual time is given up.
_DEADLINE_FACTOR = 5


class Kind(StrEnum):
    """What goes into a model and what comes out."""

    TEXT_TO_IMAGE = "text-to-image"
    IMAGE_ANY = "image-any"
    IMAGE_TO_IMAGE = "image-to-image"
    IMAGE_UPSCALE = "image-upscale"
    IMAGE_BACKGROUND_REMOVAL = "image-background-removal"
    TEXT_TO_VIDEO = "text-to-video"
    IMAGE_TO_VIDEO = "image-to-video"
    VIDEO_ANY = "video-any"
    VIDEO_TO_VIDEO = "video-to-video"
    LIP_SYNC = "lip-sync"

    @property
    def makes_video(self) -> bool:
        """Tell whether the result is a film."""
        return self.value.endswith(("video", "video-any")) or self is Kind.LIP_SYNC


class Screen(StrEnum):
    """How an input is asked for."""

    CHOICE = "choice"
    NUMBER = "number"
    TOGGLE = "toggle"
    TEXT = "text"
    COUNT = "count"
    STYLE = "style"
    SHAPE = "shape"
    HIDDEN = "hidden"


class InputType(StrEnum):
    """The JSON type that KIE documents."""

    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    ARRAY = "array"
    OBJECT = "object"


class Unit(StrEnum):
    """What one price is for."""

    IMAGE = "image"
    REQUEST = "request"
    MEGAPIXEL = "megapixel"
    SECOND = "second"
    VIDEO = "video"


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """One field of a request's `input`, with its limits."""

    name: str
    type: InputType
    required: bool
    screen: Screen
    choices: tuple[Value, ...] = ()
    default: Value | None = None  # what KIE takes when the field is left out
    preset: Value | None = None  # what we start with and always send
    send: Value | None = None  # what a hidden field always carries
    minimum: int | float | None = None
    maximum: int | float | None = None
    min_length: int = 0
    max_length: int | None = None

    @property
    def initial(self) -> Value | None:
        """The value before anybody chose one; None: the field is left out."""
        return self.default if self.preset is None else self.preset

    @property
    def is_visible(self) -> bool:
        """Tell whether a user may choose it (the number of pictures is asked for apart)."""
        return self.screen not in {Screen.HIDDEN, Screen.COUNT}

    @property
    def may_be_unset(self) -> bool:
        """Tell whether a user may leave it to the model after having chosen."""
        return self.is_visible and not self.required and self.initial is None


@dataclass(frozen=True, slots=True)
class PriceVariant:
    """The credits for these values of inputs."""

    when: Mapping[str, Value]
    credits: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceRule:
    """What KIE takes: one price, or one for each variant."""

    unit: Unit
    credits: Decimal | None
    variants: tuple[PriceVariant, ...] = ()
    #: Width and height by named image size, where the price goes by the megapixel.
    pixel_sizes: Mapping[str, tuple[int, int]] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pictures:
    """How several pictures are asked for: by an own parameter, else by several requests."""

    parameter: str | None = None
    maximum: int = 4
    per_request: int = 1


@dataclass(frozen=True, slots=True)
class Forbidden:
    """A combination KIE refuses: where all of `when` hold, no input may have a value of `then`."""

    when: Mapping[str, tuple[Value, ...]]
    then: Mapping[str, tuple[Value, ...]]

    def names(self) -> frozenset[str]:
        """List the inputs this rule is about."""
        return frozenset(self.when) | frozenset(self.then)

    def broken_by(self, values: Mapping[str, Value]) -> str | None:
        """Give the input whose value is refused; None: this rule is kept."""
        if not all(values.get(name) in refused for name, refused in self.when.items()):
            return None
        return next((name for name, out in self.then.items() if values.get(name) in out), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One model of KIE as we know and sell it."""

    id: str
    code: str
    name: str
    title: str
    kind: Kind
    on_sale: bool
    is_paused: bool
    blurb: Mapping[str, str]
    inputs: tuple[Input, ...]
    price: PriceRule
    pictures: Pictures
    forbidden: tuple[Forbidden, ...]
    latencies_s: tuple[float, ...]

    def input(self, name: str) -> Input | None:
        """Find an input by its name."""
        return next((item for item in self.inputs if item.name == name), None)

    @property
    def style_input(self) -> Input | None:
        """The model's own style parameter; None: presets add to the prompt instead."""
        return next((item for item in self.inputs if item.screen is Screen.STYLE), None)

    @property
    def usual_s(self) -> float | None:
        """The middle of the times seen; None: no fact is known."""
        return median(self.latencies_s) if self.latencies_s else None

    @property
    def deadline_s(self) -> float:
        """The time after which a generation ends with the money back."""
        if self.kind.makes_video:
            return DEADLINE_VIDEO_S
        return max(DEADLINE_MIN_S, _DEADLINE_FACTOR * (self.usual_s or 0))
