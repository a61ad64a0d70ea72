"""Our own copies of results: fetched once, whole or not at all, told by their bytes."""

import asyncio
import hashlib
import io
import os
import time

import pytest
from PIL import Image

from service.errors import TransientError
from service.gateways.downloader import AllowedHosts, Downloader
from service.gateways.kie import KieClient
from service.gateways.media import MediaFolder
from service.ports import BadMediaError, Media
from service.stubs.kie_server import KieStub, KieStubOptions
from tests.contracts.canned_peer import canned_peer

KEY = "2026/11/24/77-k3yRaNd0m"


def picture():
    stream = io.BytesIO()
    Image.new("RGBA", (30, 20)).save(stream, "PNG")
    return stream.getvalue()


def origin(server):
    return server.url.removeprefix("http://")


def files_of(folder):
    return sorted(path.relative_to(folder).as_posix()
                  for path in folder.rglob("*") if path.is_file())  # fmt: skip


@pytest.fixture
async def peer():
    async with canned_peer() as running:
        yield running


@pytest.fixture
async def media(peer, tmp_path):
    async with MediaFolder(
        tmp_path / "media", allowed_hosts=(origin(peer),), size_max_bytes=100_000, stall_s=0.5
    ) as folder:
        yield folder


async def from_stub(tmp_path, row, *, stall_s=20.0, fetches=1):
    """Let the stub make a picture with this scenario, and fetch it."""
    async with (
        KieStub(KieStubOptions(time_factor=0.0005)) as stub,
        KieClient(stub.url, "kie-stub-key") as kie,
        MediaFolder(tmp_path, allowed_hosts=(origin(stub),), stall_s=stall_s) as media,
    ):
        stub.script(row)
        given = {"prompt": "a red apple", "aspect_ratio": "1:1"}
        task_id = await kie.create_task("z-image", given, callback_url=None)
        stub.finish(task_id)
        async with asyncio.timeout(10):
            await stub.idle()
        (url,) = (await kie.read_task(task_id)).urls
        for _ in range(fetches - 1):
            with pytest.raises((TransientError, BadMediaError)):
                await media.fetch(url, key=KEY)
        return await media.fetch(url, key=KEY), media


async def test_the_folder_is_a_media(media):
    # Given the port, When asked, Then the folder keeps its shape
    assert isinstance(media, Media)


async def test_a_result_is_kept_under_its_key_and_measured(tmp_path):
    # Given a picture of the stub, When it is fetched
    kept, media = await from_stub(tmp_path, "")

    # Then it is a file under the key, described by its own bytes
    path = media.path(kept.key)
    content = path.read_bytes()
    assert kept.key == f"{KEY}.png"
    assert (kept.media_type, kept.size_bytes) == ("image/png", len(content))
    assert kept.sha256 == hashlib.sha256(content).digest()
    with Image.open(path) as opened:
        assert opened.size == (kept.width, kept.height)
    assert files_of(tmp_path) == [f"{KEY}.png"]


@pytest.mark.parametrize(
    ("row", "suffix"), [("T21:type", ".png"), ("T21:jpg", ".jpg"), ("name:jpg", ".png")]
)
async def test_the_kind_is_told_by_the_bytes(tmp_path, row, suffix):
    # Given a file with a wrong Content-Type or a wrong name, When it is fetched
    kept, _ = await from_stub(tmp_path, row)

    # Then its bytes decide
    assert kept.key == KEY + suffix


@pytest.mark.parametrize("row", ["T21:404", "T21:403", "T21:html"])
async def test_a_result_that_is_gone_or_no_picture_is_bad(tmp_path, row):
    # Given a result that is not there any more, When it is fetched, Then it is bad
    with pytest.raises(BadMediaError):
        await from_stub(tmp_path, row)
    assert files_of(tmp_path) == []


@pytest.mark.parametrize("row", ["T21:truncated", "T21:hang"])
async def test_half_a_file_is_never_kept(tmp_path, row):
    # Given a result of which half comes, When it is fetched, Then it may be tried again
    with pytest.raises(TransientError):
        await from_stub(tmp_path, row, stall_s=0.2)
    assert files_of(tmp_path) == []


async def test_a_result_that_comes_whole_at_last_is_kept(tmp_path):
    # Given a result that is cut once, When it is fetched again, Then it is whole
    kept, _ = await from_stub(tmp_path, "T21:truncated*1", fetches=2)
    assert files_of(tmp_path) == [kept.key]


async def test_a_large_picture_is_streamed_and_kept(tmp_path):
    # Given a picture of 51 MB, When it is fetched, Then it is kept whole
    kept, _ = await from_stub(tmp_path, "size:51MB")
    assert kept.size_bytes == 51_000_000


async def test_a_kept_key_is_not_fetched_again(media, peer):
    # Given a result that was fetched, and a peer that would say nothing more
    peer.say(200, picture())
    first = await media.fetch(f"{peer.url}/1.png", key=KEY)

    # When it is fetched again, Then it is the same file and nobody was asked
    assert await media.fetch(f"{peer.url}/1.png", key=KEY) == first
    assert len(peer.requests) == 1


async def test_a_damaged_copy_is_fetched_again(media, peer, tmp_path):
    # Given a kept file that lost its content
    for _ in range(2):
        peer.say(200, picture())
    first = await media.fetch(f"{peer.url}/1.png", key=KEY)
    media.path(first.key).write_bytes(b"")

    # When it is fetched, Then it is whole again
    assert await media.fetch(f"{peer.url}/1.png", key=KEY) == first
    assert media.path(first.key).read_bytes() == picture()


async def test_a_signed_address_arrives_as_it_was_given(media, peer):
    # Given an address whose signature counts each character
    peer.say(200, picture())
    path = "/a%2Fb/1.png?sig=a%2Bb%3D&x=~%7E&y"

    # When it is fetched, Then nothing was respelled
    await media.fetch(peer.url + path, key=KEY)
    assert peer.requests[0].startswith(f"GET {path} HTTP/1.1".encode())


async def test_a_copy_that_is_gone_has_no_path(media):
    # Given a key of a file that was never kept, When asked, Then there is none
    assert media.path(f"{KEY}.png") is None


@pytest.mark.parametrize(
    "key",
    ["", "/etc/passwd", "../x", "a/../../x", "a/..", "..", ".", ".unfinished/x", "a//b", "a\\b",
     "a\0b", "a/", "a b", "k" * 201, "a\n"],
)  # fmt: skip
async def test_a_key_that_leaves_the_folder_is_refused(media, peer, key):
    # Given a hostile key, When it is used, Then it is refused and nobody was asked
    with pytest.raises(BadMediaError):
        media.path(key)
    with pytest.raises(BadMediaError):
        await media.fetch(f"{peer.url}/1.png", key=key)
    assert peer.requests == []


async def test_a_link_out_of_the_folder_is_not_followed(media, tmp_path):
    # Given a link inside the folder that leads out of it
    (tmp_path / "outside").mkdir()
    (tmp_path / "media").mkdir()
    (tmp_path / "media" / "link").symlink_to(tmp_path / "outside")

    # When a key goes through it, Then it is refused
    with pytest.raises(BadMediaError):
        media.path("link/x.png")


async def test_neither_redirects_nor_secrets(media, peer):
    # Given a peer that leads elsewhere
    peer.say(302, "", Location="http://127.0.0.1:9/inner")

    # When a result is fetched, Then it is bad, and the request held no key and no cookie
    with pytest.raises(BadMediaError, match="302"):
        await media.fetch(f"{peer.url}/1.png", key=KEY)
    (request,) = peer.requests
    assert b"authorization" not in request.lower()
    assert b"cookie" not in request.lower()


@pytest.mark.parametrize(
    ("status", "expected"),
    [(301, BadMediaError), (204, BadMediaError), (206, BadMediaError), (401, BadMediaError),
     (403, BadMediaError), (404, BadMediaError), (410, BadMediaError), (408, TransientError),
     (429, TransientError), (500, TransientError), (503, TransientError)],
)  # fmt: skip
async def test_each_status_says_whether_to_try_again(media, peer, status, expected):
    # Given a status, When a result is fetched, Then its class says whether to try again
    peer.say(status, b"" if status == 204 else picture())
    with pytest.raises(expected):
        await media.fetch(f"{peer.url}/1.png", key=KEY)


@pytest.mark.parametrize("named", [True, False])
async def test_too_much_is_not_taken(media, peer, tmp_path, named):
    # Given a body over the limit, whether it says so or not
    content = picture() + b"\0" * 100_000
    headers = {"Content-Length": str(len(content))} if named else {}
    peer.say_raw(200, content, **headers)

    # When it is fetched, Then it is bad and nothing is left
    with pytest.raises(BadMediaError, match="larger than 100000 bytes"):
        await media.fetch(f"{peer.url}/1.png", key=KEY)
    assert files_of(tmp_path) == []


async def test_exactly_the_limit_is_taken(media, peer):
    # Given a body of exactly the limit, When it is fetched, Then it is kept
    peer.say(200, picture().ljust(100_000, b"\0"))
    assert (await media.fetch(f"{peer.url}/1.png", key=KEY)).size_bytes == 100_000


async def test_an_encoded_body_is_not_unpacked(media, peer):
    # Given a body that says it is packed, When fetched, Then its bytes count as they are
    peer.say(200, picture(), **{"Content-Encoding": "gzip"})
    assert (await media.fetch(f"{peer.url}/1.png", key=KEY)).media_type == "image/png"


async def test_a_host_that_never_answers_is_left_in_time(media, peer):
    # Given a peer that never answers, When a result is fetched, Then it may be tried again
    with pytest.raises(TransientError):
        await media.fetch(f"{peer.url}/1.png", key=KEY)


async def test_at_most_so_many_at_once(peer, tmp_path):
    # Given ten results and room for two at once
    async with MediaFolder(tmp_path, allowed_hosts=(origin(peer),), concurrency=2) as media:
        for _ in range(10):
            peer.say(200, picture())

        # When all are fetched together
        await asyncio.gather(
            *(media.fetch(f"{peer.url}/{number}.png", key=f"k{number}") for number in range(10))
        )

    # Then all came, two at a time
    assert len(files_of(tmp_path)) == 10
    assert peer.open_at_once_max <= 2


async def test_waiting_for_a_place_has_an_end(peer):
    # Given a downloader whose only place is taken by a peer that never answers
    downloader = Downloader(
        AllowedHosts.parse((origin(peer),)), size_max_bytes=10, concurrency=1, total_s=0.3
    )

    # When six are fetched at once
    answers = await asyncio.gather(
        *(downloader.download(f"{peer.url}/1.png", io.BytesIO()) for _ in range(6)),
        return_exceptions=True,
    )

    # Then all end, and most of them without having had their turn
    assert {type(one) for one in answers} == {TransientError}
    assert len(peer.requests) < 4
    await downloader.close()


async def test_what_a_killed_process_left_is_dropped(media, peer, tmp_path):
    # Given an old unfinished file, and one that somebody writes just now
    folder = tmp_path / "media" / ".unfinished"
    folder.mkdir(parents=True)
    for name, age_s in (("old", 7200), ("new", 0)):
        (folder / name).write_bytes(b"half")
        then = time.time() - age_s
        os.utime(folder / name, (then, then))

    # When a result is fetched
    peer.say(200, picture())
    await media.fetch(f"{peer.url}/1.png", key=KEY)

    # Then only the old one is gone
    assert files_of(tmp_path / "media") == [".unfinished/new", f"{KEY}.png"]


async def test_a_folder_that_cannot_be_written_is_said_so(peer, tmp_path):
    # Given a file in the place of the folder
    (tmp_path / "media").write_bytes(b"")
    async with MediaFolder(tmp_path / "media", allowed_hosts=(origin(peer),)) as media:
        # When a result is fetched, Then the error names the folder and the result waits
        with pytest.raises(TransientError, match="media folder"):
            await media.fetch(f"{peer.url}/1.png", key=KEY)
