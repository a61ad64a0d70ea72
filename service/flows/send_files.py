"""Chooses how each file is sent: photo, else document, else a link; an album for several."""

import html
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

import structlog

from service.errors import TransientError
from service.flows.deps import Deps, Presentation
from service.ports import MessengerRefusedError, Upload
from service.store import deliveries
from service.store.deliveries import Result

log = structlog.get_logger(__name__)

#: Telegram's limits for what a bot uploads.
PHOTO_BYTES_MAX = 10_000_000
PHOTO_SIDES_MAX = 10_000
PHOTO_RATIO_MAX = 20
DOCUMENT_BYTES_MAX = 50_000_000
ALBUM_MAX = 10

_PHOTO_TYPES = frozenset({"image/png", "image/jpeg", "image/webp"})


class Way(StrEnum):
    """How a file goes; the value is Telegram's name of the kind."""

    PHOTO = "photo"
    DOCUMENT = "document"
    LINK = "link"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """Files of one delivery with the words that go with them."""

    delivery_id: int
    chat_id: int
    claim: timedelta  # each call has so long before the delivery is anybody's again
    results: Sequence[Result]
    as_files: bool
    is_single: bool  # the delivery's only file carries the buttons itself
    presentation: Presentation

    def way_of(self, result: Result) -> Way:
        """Choose the best way that Telegram allows; a file it knows goes as it knows it."""
        if self.as_files:
            return Way.DOCUMENT if fits_document(result) else Way.LINK
        if result.photo_file_id:
            return Way.PHOTO
        if not result.document_file_id and fits_photo(result):
            return Way.PHOTO
        return Way.DOCUMENT if fits_document(result) else Way.LINK

    def file_id_of(self, result: Result) -> str | None:
        """Give Telegram's own id of the file, when it can go by that."""
        if self.as_files:
            return result.document_file_id
        return result.photo_file_id or result.document_file_id


async def send_parcel(deps: Deps, parcel: Parcel) -> None:
    """Send every file; each is noted as soon as it went, so that a second try leaves it out."""
    by_way: dict[Way, list[Result]] = {way: [] for way in Way}
    for result in parcel.results:
        by_way[parcel.way_of(result)].append(result)
    for way in (Way.PHOTO, Way.DOCUMENT):
        files = by_way[way]
        for at in range(0, len(files), ALBUM_MAX):
            await _send_group(deps, parcel, way, files[at : at + ALBUM_MAX])
    if by_way[Way.LINK]:
        await _send_links(deps, parcel, by_way[Way.LINK])


async def send_closing(deps: Deps, parcel: Parcel) -> None:
    """Put the buttons under several files: an album can't carry any."""
    await deps.messenger.call("sendMessage", _text(parcel, parcel.presentation.closing))


def fits_photo(result: Result) -> bool:
    """Tell whether Telegram takes our copy as a photo."""
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


async def _send_group(deps: Deps, parcel: Parcel, way: Way, files: Sequence[Result]) -> None:
    """Send an album; one file, or an album that Telegram refuses, goes file by file."""
    if len(files) > 1:
        try:
            await _send_album(deps, parcel, way, files)
        except MessengerRefusedError as error:
            log.info("album_refused", files=len(files), error=error.description)
        else:
            return
    for result in files:
        await _send_one(deps, parcel, way, result)


async def _send_album(deps: Deps, parcel: Parcel, way: Way, files: Sequence[Result]) -> None:
    uploads: dict[str, Upload] = {}
    media = [{"type": way, "media": _media(deps, parcel, result, uploads)} for result in files]
    media[0] |= {"caption": parcel.presentation.caption, "parse_mode": "HTML"}
    parameters = {"chat_id": parcel.chat_id, "media": media}
    messages = await deps.messenger.call("sendMediaGroup", parameters, files=uploads)
    await _note_sent(deps, parcel, files)
    for result, message in zip(files, messages, strict=False):
        await _keep_file_id(deps, result, message)


async def _send_one(deps: Deps, parcel: Parcel, way: Way, result: Result) -> None:
    """Send one file, in the next best way where Telegram refuses the best."""
    try:
        message = await _call_with_file(deps, parcel, way, result)
    except MessengerRefusedError as error:
        log.info("file_refused", way=way, result_id=result.result_id, error=error.description)
        if parcel.file_id_of(result):
            await deliveries.forget_file_ids(deps.pool, result.result_id)
            raise TransientError("Telegram knows the file no more; it is uploaded again.") from None
        if way is Way.PHOTO and fits_document(result):
            await _send_one(deps, parcel, Way.DOCUMENT, result)
        else:
            await _send_links(deps, parcel, [result])
        return
    await _note_sent(deps, parcel, [result])
    await _keep_file_id(deps, result, message)


async def _call_with_file(deps: Deps, parcel: Parcel, way: Way, result: Result) -> Any:
    uploads: dict[str, Upload] = {}
    parameters = {
        "chat_id": parcel.chat_id,
        way.value: _media(deps, parcel, result, uploads),
        "caption": parcel.presentation.caption,
        "parse_mode": "HTML",
        "reply_markup": parcel.presentation.keyboard if parcel.is_single else None,
    }
    if way is Way.PHOTO:
        return await deps.messenger.call("sendPhoto", parameters, files=uploads)
    # Telegram would make an animation of a GIF and a video of an MP4.
    parameters["disable_content_type_detection"] = True
    return await deps.messenger.call("sendDocument", parameters, files=uploads)


async def _send_links(deps: Deps, parcel: Parcel, files: Sequence[Result]) -> None:
    """Give the addresses of files that are too big; KIE keeps them for some days."""
    lines = [parcel.presentation.caption, "", parcel.presentation.links]
    lines += [html.escape(result.url) for result in files]
    await deps.messenger.call("sendMessage", _text(parcel, "\n".join(lines)))
    await _note_sent(deps, parcel, files)


def _text(parcel: Parcel, words: str) -> dict[str, Any]:
    return {
        "chat_id": parcel.chat_id,
        "text": words,
        "parse_mode": "HTML",
        "link_preview_options": {"is_disabled": True},
        "reply_markup": parcel.presentation.keyboard,
    }


def _media(deps: Deps, parcel: Parcel, result: Result, uploads: dict[str, Upload]) -> str:
    """Give Telegram's id of the file, or join our own copy to the call."""
    if file_id := parcel.file_id_of(result):
        return file_id
    path = deps.media.path(result.media_key) if result.media_key else None
    if path is None:
        raise TransientError(f"Our copy of result {result.result_id} is gone; it is fetched again.")
    name = f"file{len(uploads)}"
    uploads[name] = Upload(path, f"kartina-{result.result_id}{path.suffix}")
    return f"attach://{name}"


async def _note_sent(deps: Deps, parcel: Parcel, files: Sequence[Result]) -> None:
    await deliveries.keep_claim(
        deps.pool, parcel.delivery_id, due_at=deps.now() + parcel.claim,
        sent_ids=[result.result_id for result in files],
    )  # fmt: skip


async def _keep_file_id(deps: Deps, result: Result, message: Any) -> None:
    """Keep the id of what Telegram made of the file; the largest size of a photo is the last."""
    if photo := message.get("photo"):
        await deliveries.keep_file_ids(deps.pool, result.result_id, photo=photo[-1]["file_id"])
    elif document := message.get("document"):
        await deliveries.keep_file_ids(deps.pool, result.result_id, document=document["file_id"])
