"""Files the stub keeps: uploads checked as Telegram checks them, and their file_ids."""

import base64
import hashlib
import io
import mimetypes
import warnings
from dataclasses import dataclass, field
from pathlib import PurePath
from random import Random
from typing import Any

from PIL import Image, UnidentifiedImageError

from service.stubs.telegram_errors import bad_request
from service.stubs.telegram_parameters import Parameters, Upload

MAX_PHOTO_BYTES = 10 << 20
MAX_DOWNLOAD_BYTES = 20 << 20
MAX_SIDES_SUM = 10_000
MAX_RATIO = 20
MAX_SIDE_SHOWN = 2560

JsonObject = dict[str, Any]

# The first letters of real file_ids tell the kind; the folder is the one getFile names.
_KINDS = {
    "photo": ("AgAC", "photos", "Photo"),
    "document": ("BQAC", "documents", "Document"),
    "video": ("BAAC", "videos", "Video"),
    "animation": ("CgAC", "animations", "Animation"),
    "audio": ("CQAC", "music", "Audio"),
    "voice": ("AwAC", "voice", "VoiceNote"),
    "sticker": ("CAAC", "stickers", "Sticker"),
}
_PREVIEW_SIDES = {"s": 90, "m": 320, "x": 800, "y": 1280}


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One file of one kind; a photo answers to a file_id for each of its sizes."""

    kind: str
    number: int
    tag: str
    name: str
    mime_type: str
    data: bytes = field(repr=False)
    width: int = 0
    height: int = 0
    duration_s: int = 0

    @property
    def file_path(self) -> str:
        """Where the download route finds it."""
        folder = _KINDS[self.kind][1]
        suffix = ".jpg" if self.kind == "photo" else PurePath(self.name).suffix
        return f"{folder}/file_{self.number}{suffix}"

    @property
    def sha256(self) -> str:
        """Hash of the bytes, in hexadecimal digits."""
        return hashlib.sha256(self.data).hexdigest()

    def file_id(self, size: str = "w") -> str:
        """The id that sends it again."""
        return f"{_KINDS[self.kind][0]}AgIAAxkBAAI{self.tag}_{size}"

    def describe(self, size: str = "w") -> JsonObject:
        """The fields every kind of file has."""
        return {
            "file_id": self.file_id(size),
            "file_unique_id": f"AQAD{self.tag[:10]}{size}",
            "file_size": len(self.data),
        }

    def as_field(self) -> JsonObject:
        """The part of a Message that shows this file."""
        return {self.kind: self._as_sizes() if self.kind == "photo" else self._as_object()}

    def _as_object(self) -> JsonObject:
        seen: JsonObject = {"width": self.width, "height": self.height}
        named: JsonObject = {"file_name": self.name, "mime_type": self.mime_type}
        own: JsonObject = {
            "document": named,
            "video": seen | named | {"duration": self.duration_s},
            "animation": seen | named | {"duration": self.duration_s},
            "audio": named | {"duration": self.duration_s},
            "voice": {"mime_type": self.mime_type, "duration": self.duration_s},
            "sticker": seen | {"type": "regular", "is_animated": False, "is_video": False},
        }[self.kind]
        return own | self.describe()

    def _as_sizes(self) -> list[JsonObject]:
        """PhotoSize objects, the largest last."""
        longest = max(self.width, self.height)
        sides = {name: side for name, side in _PREVIEW_SIDES.items() if side < longest}
        sides["w"] = min(longest, MAX_SIDE_SHOWN)
        return [
            self.describe(name)
            | {
                "width": max(1, self.width * side // longest),
                "height": max(1, self.height * side // longest),
                "file_size": max(1, len(self.data) * side // sides["w"]),
            }
            for name, side in sides.items()
        ]


class FileShelf:
    """All files one bot knows."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._files: list[StoredFile] = []
        self._by_id: dict[str, StoredFile] = {}
        self._by_path: dict[str, StoredFile] = {}

    def keep(self, kind: str, upload: Upload, *, duration_s: int = 0) -> StoredFile:
        """Check an upload as a file of this kind and keep it."""
        size = _measure(kind, upload)
        tag = base64.urlsafe_b64encode(self._random.randbytes(18)).decode().replace("_", "-")
        mime_type, _ = mimetypes.guess_type(upload.name)
        stored = StoredFile(
            kind=kind,
            number=len(self._files),
            tag=tag,
            name=PurePath(upload.name).name,
            mime_type=mime_type or upload.mime_type or "application/octet-stream",
            data=upload.data,
            width=size[0],
            height=size[1],
            duration_s=duration_s,
        )
        self._files.append(stored)
        self._by_path[stored.file_path] = stored
        for size_name in (*_PREVIEW_SIDES, "w") if kind == "photo" else ("w",):
            self._by_id[stored.file_id(size_name)] = stored
        return stored

    def find(self, file_id: str) -> StoredFile:
        """The file behind a file_id."""
        stored = self._by_id.get(file_id)
        if stored is None:
            raise bad_request("wrong file_id or the file is temporarily unavailable")
        return stored

    def download(self, file_path: str) -> StoredFile | None:
        """The file behind a file_path of getFile."""
        return self._by_path.get(file_path)

    def receive(self, kind: str, source: str, parameters: Parameters) -> StoredFile:
        """The file an input names: an upload, an attach:// link to one, or a file_id."""
        upload = parameters.uploads.get(source.removeprefix("attach://"))
        if source.startswith("attach://"):
            if upload is None:
                raise bad_request("wrong file identifier/HTTP URL specified")
            return self.keep(kind, upload, duration_s=parameters.whole("duration"))
        if source.lower().startswith(("http://", "https://")):
            # The stub has no way out to the internet, so it fetches nothing.
            raise bad_request("failed to get HTTP URL content")
        stored = self.find(source)
        if stored.kind != kind:
            wanted, found = _KINDS[kind][2], _KINDS[stored.kind][2]
            raise bad_request(f"can't use file of type {found} as {wanted}")
        return stored

    def receive_field(self, kind: str, parameters: Parameters) -> StoredFile:
        """The file in the parameter of its kind, in either upload shape."""
        if kind in parameters.uploads:
            return self.receive(kind, f"attach://{kind}", parameters)
        source = parameters.text(kind)
        if not source:
            raise bad_request(f"there is no {kind} in the request")
        return self.receive(kind, source, parameters)


def _measure(kind: str, upload: Upload) -> tuple[int, int]:
    """Width and height; refuses what Telegram can't take as a photo."""
    if not upload.data:
        raise bad_request("file must be non-empty")
    if kind != "photo":
        return (512, 512) if kind in {"sticker", "video", "animation"} else (0, 0)
    size_bytes = len(upload.data)
    if size_bytes > MAX_PHOTO_BYTES:
        raise bad_request(
            f"file of size {size_bytes} bytes is too big for a photo; "
            f"the maximum size is {MAX_PHOTO_BYTES} bytes"
        )
    width, height = _read_picture(upload.data)
    if width + height > MAX_SIDES_SUM or max(width, height) > MAX_RATIO * min(width, height):
        raise bad_request("PHOTO_INVALID_DIMENSIONS")
    return width, height


def _read_picture(data: bytes) -> tuple[int, int]:
    """Sides of a real picture; its structure is checked, its pixels are not decoded."""
    try:
        with warnings.catch_warnings():
            # A huge picture is refused by its sides; Pillow's own warning adds nothing.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data)) as picture:
                width, height = picture.size
                picture.verify()
    except Image.DecompressionBombError as error:
        raise bad_request("PHOTO_INVALID_DIMENSIONS") from error
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise bad_request("IMAGE_PROCESS_FAILED") from error
    return width, height
