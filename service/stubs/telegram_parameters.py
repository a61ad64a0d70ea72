"""Parameters of one Bot API call, whichever of the four encodings they came in."""

import hashlib
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from aiohttp import BodyPartReader, MultipartReader, hdrs, web

from service.stubs.telegram_errors import BotApiError, bad_request

MAX_UPLOAD_BYTES = 50 << 20
_READ_BYTES = 1 << 18
_FORM_TYPE = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Upload:
    """One file that came with a call."""

    name: str
    data: bytes
    mime_type: str | None = None

    @property
    def sha256(self) -> str:
        """Hash of the bytes, in hexadecimal digits."""
        return hashlib.sha256(self.data).hexdigest()


@dataclass(slots=True)
class Parameters:
    """Named values and uploaded files of one call."""

    values: dict[str, Any] = field(default_factory=dict)
    uploads: dict[str, Upload] = field(default_factory=dict)

    def text(self, name: str, default: str = "") -> str:
        """The value as text; the default when it is absent or null."""
        return as_text(self.values.get(name), default)

    def whole(self, name: str, default: int = 0) -> int:
        """The value as an integer; the default when it is absent or no integer."""
        try:
            return int(self.text(name))
        except ValueError:
            return default

    def flag(self, name: str) -> bool:
        """Whether the value says yes."""
        return self.text(name).lower() in {"true", "yes", "1"}

    def tree(self, name: str) -> Any:
        """The value as JSON: plain in a JSON body, JSON text in a form; None when absent."""
        value = self.values.get(name)
        if not isinstance(value, str):
            return value
        if not value.strip():
            return None
        try:
            return msgspec.json.decode(value)
        except msgspec.DecodeError as error:
            raise bad_request(f"can't parse {name} JSON object") from error


def as_text(value: Any, default: str = "") -> str:
    """A JSON value spelled as a form would spell it."""
    match value:
        case None:
            return default
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case _:
            return msgspec.json.encode(value).decode()


async def read_parameters(request: web.Request) -> Parameters:
    """Read a request's query string and body."""
    parameters = Parameters(dict(request.query))
    if request.method != "POST":
        return parameters
    kind = request.content_type
    if kind.startswith("multipart/"):
        await _read_multipart(await request.multipart(), parameters)
    elif kind == "application/json":
        parameters.values.update(decode_json_body(await request.read()))
    elif kind == _FORM_TYPE:
        parameters.values.update(decode_form_body(await request.read()))
    return parameters


def decode_json_body(body: bytes) -> dict[str, Any]:
    """The object in a JSON body; an empty body is an empty object."""
    if not body.strip():
        return {}
    try:
        values = msgspec.json.decode(body)
    except msgspec.DecodeError as error:
        raise bad_request("can't parse request: expected a JSON object") from error
    if not isinstance(values, dict):
        raise bad_request("can't parse request: expected a JSON object")
    return values


def decode_form_body(body: bytes) -> dict[str, str]:
    """The pairs of an urlencoded body."""
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True))
    except UnicodeDecodeError as error:
        raise bad_request("strings must be encoded in UTF-8") from error


async def _read_multipart(reader: MultipartReader, parameters: Parameters) -> None:
    """Read all parts; the whole body is read before a refusal so that the client hears it."""
    too_large = False
    async for part in reader:
        if not isinstance(part, BodyPartReader) or part.name is None:
            continue
        data = await _read_part(part)
        if data is None:
            too_large = True
        elif part.filename is None:
            parameters.values[part.name] = _decode_text(data)
        else:
            mime_type = part.headers.get(hdrs.CONTENT_TYPE)
            parameters.uploads[part.name] = Upload(part.filename, data, mime_type)
    if too_large:
        raise BotApiError(413, "Request Entity Too Large")


async def _read_part(part: BodyPartReader) -> bytes | None:
    """The bytes of a part, or None when it is larger than any upload may be."""
    data = bytearray()
    too_large = False
    while chunk := await part.read_chunk(_READ_BYTES):
        too_large = too_large or len(data) + len(chunk) > MAX_UPLOAD_BYTES
        if not too_large:
            data += chunk
    return None if too_large else bytes(data)


def _decode_text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise bad_request("strings must be encoded in UTF-8") from error
