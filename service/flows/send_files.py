"""Chooses how each file is sent: photo, else document, else a link; an album for several."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from service.flows.deps import Deps, Presentation
from service.ports import MessengerRefusedError, Upload
from service.store import deliveries
from service.store.deliveries import Result

#: Telegram's limits for what a bot uploads.
PHOTO_BYTES_MAX = 10_000_000
PHOTO_SIDES_MAX = 10_000
PHOTO_RATIO_MAX = 20
DOCUMENT_BYTES_MAX = 50_000_000
ALBUM_MAX = 10

_PHOTO_TYPES = frozenset({"image/png", "image/jpeg", "image/webp"})
#: Telegram could not use the picture as a photo; as a document it takes anything.
_NO_PHOTO = ("PHOTO_INVALID_DIMENSIONS", "IMAGE_PROCESS_FAILED", "PHOTO_EXT_INVALID")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """Files for one chat with the words that go with them."""

    chat_id: int
    results: Sequence[Result]
    as_files: bool
    presentation: Presentation


async def send_parcel(deps: Deps, parcel: Parcel) -> None:
    """Send everything; what was sent is noted at once, so that a second try leaves it out."""
    photos = [r for r in parcel.results if not parcel.as_files and fits_photo(r)]
    documents = [r for r in parcel.results if r not in photos and fits_document(r)]
    links = [r for r in parcel.results if r not in photos and r not in documents]
    groups: list[tuple[str, list[Result]]] = []
    for kind, files in (("photo", photos), ("document", documents)):
        groups += [(kind, files[at : at + ALBUM_MAX]) for at in range(0, len(files), ALBUM_MAX)]
    is_closed = False
    for index, (kind, files) in enumerate(groups):
        is_last = index == len(groups) - 1 and not links
        is_closed = await _send_group(deps, parcel, kind, files, with_keyboard=is_last)
    if links:
        await _send_links(deps, parcel, links)
    elif groups and not is_closed:
        await _send_closing(deps, parcel)


def fits_photo(result: Result) -> bool:
    """Tell whether Telegram takes the file as a photo."""
    if result.photo_file_id:
        return True
    if result.media_type not in _PHOTO_TYPES or not result.width or not result.height:
        return False
    long, short = max(result.width, result.height), min(result.width, result.height)
    return (
        (result.size_bytes or 0) <= PHOTO_BYTES_MAX
        and long + short <= PHOTO_SIDES_MAX
        and long <= short * PHOTO_RATIO_MAX
    )


def fits_document(result: Result) -> bool:
    """Tell whether Telegram takes the file at all."""
    if result.document_file_id:
        return True
    return result.size_bytes is not None and result.size_bytes <= DOCUMENT_BYTES_MAX


async def _send_group(
    deps: Deps, parcel: Parcel, kind: str, files: list[Result], *, with_keyboard: bool
) -> bool:
    """Send one file or an album; True: the keyboard went with it (an album can't have one)."""
    if len(files) == 1:
        keyboard = parcel.presentation.keyboard if with_keyboard else None
        await _send_one(deps, parcel, kind, files[0], keyboard)
        return with_keyboard
    media: list[dict[str, Any]] = []
    uploads: dict[str, Upload] = {}
    for index, result in enumerate(files):
        item: dict[str, Any] = {"type": kind, "media": _media(deps, kind, result, uploads)}
        if index == 0:
            item |= {"caption": parcel.presentation.caption, "parse_mode": "HTML"}
        media.append(item)
    parameters = {"chat_id": parcel.chat_id, "media": media}
    messages = await deps.messenger.call("sendMediaGroup", parameters, files=uploads)
    for result, message in zip(files, messages, strict=False):
        await _keep_file_id(deps, kind, result, message)
    return False


async def _send_one(
    deps: Deps, parcel: Parcel, kind: str, result: Result, keyboard: dict[str, Any] | None
) -> None:
    uploads: dict[str, Upload] = {}
    parameters = {
        "chat_id": parcel.chat_id,
        kind: _media(deps, kind, result, uploads),
        "caption": parcel.presentation.caption,
        "parse_mode": "HTML",
        "reply_markup": keyboard,
    }
    method = "sendPhoto" if kind == "photo" else "sendDocument"
    if kind == "document":
        parameters["disable_content_type_detection"] = True
    try:
        message = await deps.messenger.call(method, parameters, files=uploads)
    except MessengerRefusedError as error:
        if kind == "document" or not error.description.endswith(_NO_PHOTO):
            raise
        await _send_one(deps, parcel, "document", result, keyboard)
        return
    await _keep_file_id(deps, kind, result, message)


async def _send_links(deps: Deps, parcel: Parcel, links: Sequence[Result]) -> None:
    """Give the addresses of files that are too big; KIE keeps them for some days."""
    lines = [parcel.presentation.caption, "", parcel.presentation.links]
    lines += [result.url for result in links]
    await deps.messenger.call(
        "sendMessage",
        {
            "chat_id": parcel.chat_id,
            "text": "\n".join(lines),
            "parse_mode": "HTML",
            "link_preview_options": {"is_disabled": True},
            "reply_markup": parcel.presentation.keyboard,
        },
    )


async def _send_closing(deps: Deps, parcel: Parcel) -> None:
    """Put the buttons under an album, which can't carry any."""
    await deps.messenger.call(
        "sendMessage",
        {
            "chat_id": parcel.chat_id,
            "text": parcel.presentation.closing,
            "parse_mode": "HTML",
            "reply_markup": parcel.presentation.keyboard,
        },
    )


def _media(deps: Deps, kind: str, result: Result, uploads: dict[str, Upload]) -> str:
    """Give Telegram's id of the file, or join our own copy to the call."""
    file_id = result.photo_file_id if kind == "photo" else result.document_file_id
    if file_id:
        return file_id
    assert result.media_key is not None, "only files that were fetched are uploaded"
    path = deps.media.path(result.media_key)
    assert path is not None, "the copy was there a moment ago"
    name = f"file{len(uploads)}"
    uploads[name] = Upload(path, f"kartina-{result.result_id}{path.suffix}")
    return f"attach://{name}"


async def _keep_file_id(deps: Deps, kind: str, result: Result, message: Any) -> None:
    if not isinstance(message, dict):
        return
    if kind == "photo" and message.get("photo"):
        await deliveries.keep_file_ids(
            deps.pool, result.result_id, photo=message["photo"][-1]["file_id"]
        )
    elif message.get("document"):
        await deliveries.keep_file_ids(
            deps.pool, result.result_id, document=message["document"]["file_id"]
        )
