"""The folder of kept files: fetched once, complete or absent, measured when they came."""

import asyncio
import hashlib
import os
import re
import secrets
import time
from pathlib import Path
from typing import BinaryIO, Self

from service.errors import TransientError
from service.gateways.downloader import AllowedHosts, Downloaded, Downloader, Lookup
from service.gateways.http import Observe, ignore_call
from service.gateways.pictures import SUFFIXES, Medium, NotAPictureError, tell_medium
from service.ports import BadMediaError, MediaFile

_KEY = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*){0,9}")
_KEY_MAX = 200
_UNFINISHED = ".unfinished"
_ABANDONED_AFTER_S = 3600


class MediaFolder:
    """Keeps results under a folder; keeps the promises of `ports.Media`."""

    def __init__(
        self,
        root: Path,
        *,
        allowed_hosts: tuple[str, ...],
        size_max_bytes: int = 60_000_000,
        concurrency: int = 4,
        total_s: float = 120,
        stall_s: float = 20,
        lookup: Lookup | None = None,
        observe: Observe = ignore_call,
    ) -> None:
        self._root = root.resolve()
        self._swept = False
        self._downloader = Downloader(
            AllowedHosts.parse(allowed_hosts),
            size_max_bytes=size_max_bytes,
            concurrency=concurrency,
            total_s=total_s,
            stall_s=stall_s,
            lookup=lookup,
            observe=observe,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections; safe to repeat."""
        await self._downloader.close()

    async def fetch(self, url: str, *, key: str) -> MediaFile:
        """Fetch a result and keep it under the key and its kind's suffix, unless it is kept."""
        place = self._place(key)
        try:
            kept = await asyncio.to_thread(self._find, place)
            if kept is not None:
                return kept
            unfinished = await asyncio.to_thread(self._make_unfinished)
            try:
                with unfinished.open("xb") as stream:
                    downloaded = await self._downloader.download(url, stream)
                    await asyncio.to_thread(_flush, stream)
                return await asyncio.to_thread(self._keep, unfinished, place, downloaded)
            finally:
                unfinished.unlink(missing_ok=True)
        except OSError as error:
            # A full or unmounted disk is the operator's to mend; the result waits for it.
            raise TransientError(
                f"The result {key} can't be written to the media folder ({error.strerror})."
            ) from error

    def path(self, key: str) -> Path | None:
        """Give the file's path, or None when our copy is gone."""
        place = self._place(key)
        return place if place.is_file() else None

    def _place(self, key: str) -> Path:
        """Give the place of a key; a key that leaves the folder is refused."""
        if len(key) > _KEY_MAX or not _KEY.fullmatch(key):
            raise BadMediaError(f"The media key {key[:_KEY_MAX]!r} is not one of ours.")
        place = self._root / key
        if not place.resolve().is_relative_to(self._root):
            raise BadMediaError(f"The media key {key!r} leaves the media folder.")
        return place

    def _find(self, place: Path) -> MediaFile | None:
        for suffix in SUFFIXES.values():
            path = place.with_name(place.name + suffix)
            if not path.is_file():
                continue
            with path.open("rb") as stream:
                digest = hashlib.file_digest(stream, "sha256").digest()
                size_bytes = stream.tell()
                stream.seek(0)
                try:
                    medium = tell_medium(stream)
                except NotAPictureError:  # Damaged since it came: it is fetched again.
                    continue
            return self._described(path, medium, Downloaded(size_bytes, digest))
        return None

    def _keep(self, unfinished: Path, place: Path, downloaded: Downloaded) -> MediaFile:
        """Give the whole file its final name, in one step."""
        try:
            with unfinished.open("rb") as stream:
                medium = tell_medium(stream)
        except NotAPictureError as error:
            raise BadMediaError(f"The result can't be delivered. {error}") from None
        path = place.with_name(place.name + SUFFIXES[medium.media_type])
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished.replace(path)
        return self._described(path, medium, downloaded)

    def _described(self, path: Path, medium: Medium, downloaded: Downloaded) -> MediaFile:
        return MediaFile(
            key=path.relative_to(self._root).as_posix(),
            media_type=medium.media_type,
            size_bytes=downloaded.size_bytes,
            sha256=downloaded.sha256,
            width=medium.width,
            height=medium.height,
        )

    def _make_unfinished(self) -> Path:
        """Name a file that nobody else writes, and drop what a killed process left behind."""
        folder = self._root / _UNFINISHED
        folder.mkdir(parents=True, exist_ok=True)
        if not self._swept:
            self._swept = True
            oldest = time.time() - _ABANDONED_AFTER_S
            for path in folder.iterdir():
                if path.stat().st_mtime < oldest:
                    path.unlink(missing_ok=True)
        return folder / secrets.token_hex(16)


def _flush(stream: BinaryIO) -> None:
    stream.flush()
    os.fsync(stream.fileno())
