"""Where the downloader goes, and the many places where it does not."""

import io

import pytest

from service.errors import TransientError
from service.gateways.downloader import AllowedHosts, Downloader, is_public
from service.ports import BadMediaError

ALLOWED = AllowedHosts.parse(
    ("aiquickdraw.com", ".RedPandaAI.co", "127.0.0.1:8090", "media.local:9000", "[::1]:8091")
)


@pytest.mark.parametrize(
    "url",
    [
        "https://aiquickdraw.com/s/1.png",
        "https://tempfile.aiquickdraw.com/images/chatgpt/file_0000.png",
        "https://a.b.c.aiquickdraw.com/r/x.jpg?sig=a%2Bb&x=1#part",
        "https://TEMPFILE.AIQuickDraw.com/s/1.png",
        "HTTPS://tempfile.aiquickdraw.com/s/1.png",
        "https://tempfile.aiquickdraw.com:443/s/1.png",
        "https://tempfile.redpandaai.co/kieai/1.jpg",
        "http://127.0.0.1:8090/s/1.png",
        "https://127.0.0.1:8090/s/1.png",
        "http://media.local:9000/s/1.png",
        "http://[::1]:8091/s/1.png",
    ],
)
def test_a_result_of_an_allowed_host_is_fetched_from_there(url):
    # Given an allowed address, When it is checked, Then it is kept as it is, signature included
    assert str(ALLOWED.check(url)).lower() == url.lower().replace(":443/", "/")


@pytest.mark.parametrize(
    "url",
    [
        # Other hosts, however alike
        "https://evilaiquickdraw.com/s/1.png",
        "https://aiquickdraw.com.evil.com/s/1.png",
        "https://aiquickdraw.co/s/1.png",
        "https://evil.com/aiquickdraw.com/1.png",
        "https://evil.com?aiquickdraw.com",
        "https://evil.com#.aiquickdraw.com",
        "https://aiquickdraw.com./s/1.png",
        "https://.aiquickdraw.com/s/1.png",
        "https://a..aiquickdraw.com/s/1.png",
        "https://aiquickdraw.com%2eevil.com/1.png",
        "https://evil.com%2f.aiquickdraw.com/1.png",
        "https://evil.com%00.aiquickdraw.com/1.png",
        "https://evil.com;.aiquickdraw.com/1.png",
        "https://\u0430iquickdraw.com/s/1.png",
        "https://aiquickdraw\u3002com/s/1.png",
        "https://aiquickdraw.com,evil.com/1.png",
        # User names and tricks with the authority
        "https://aiquickdraw.com@evil.com/1.png",
        "https://evil.com@aiquickdraw.com/1.png",
        "https://@aiquickdraw.com/1.png",
        "https://user:password@tempfile.aiquickdraw.com/1.png",
        "https://evil.com\\.aiquickdraw.com/1.png",
        "https:\\\\tempfile.aiquickdraw.com\\1.png",
        "https://evil.com\\@aiquickdraw.com/1.png",
        "https://evil.com/@aiquickdraw.com",
        # Schemes and ports
        "http://tempfile.aiquickdraw.com/s/1.png",
        "ftp://tempfile.aiquickdraw.com/s/1.png",
        "file:///etc/passwd",
        "file://tempfile.aiquickdraw.com/etc/passwd",
        "gopher://127.0.0.1:8090/_",
        "data:image/png;base64,AAAA",
        "//tempfile.aiquickdraw.com/s/1.png",
        "tempfile.aiquickdraw.com/s/1.png",
        "https:tempfile.aiquickdraw.com",
        "https:///s/1.png",
        "https://tempfile.aiquickdraw.com:8443/s/1.png",
        "https://tempfile.aiquickdraw.com:80/s/1.png",
        "https://tempfile.aiquickdraw.com:99999/s/1.png",
        "https://tempfile.aiquickdraw.com:https/s/1.png",
        # Addresses in place of hosts, in every spelling
        "https://127.0.0.1/s/1.png",
        "http://127.0.0.1/s/1.png",
        "http://127.0.0.1:8091/s/1.png",
        "http://127.0.0.1:08090@evil.com/s/1.png",
        "http://127.0.0.2:8090/s/1.png",
        "http://127.1:8090/s/1.png",
        "http://2130706433:8090/s/1.png",
        "http://0x7f000001:8090/s/1.png",
        "http://0177.0.0.1:8090/s/1.png",
        "http://localhost:8090/s/1.png",
        "http://[::ffff:127.0.0.1]:8090/s/1.png",
        "https://[::1]/s/1.png",
        "https://169.254.169.254/latest/meta-data/",
        "https://metadata.google.internal/",
        "https://[fe80::1%25eth0]/",
        "https://[::bad/",
        # Characters that two parsers read in two ways
        "https://tempfile.aiquickdraw.com/s/1.png\r\nHost: evil.com",
        "https://tempfile.aiquickdraw.com/a b.png",
        " https://tempfile.aiquickdraw.com/1.png",
        "https://tempfile.aiquickdraw.com/\t1.png",
        "https://tempfile.aiquickdraw.com/\x001.png",
        "https://tempfile.aiquickdraw.com/" + "a" * 2048,
        "",
    ],
)
def test_any_other_address_is_refused(url):
    # Given a hostile or broken address, When it is checked, Then it is refused
    with pytest.raises(BadMediaError):
        ALLOWED.check(url)


def test_a_bare_address_as_a_suffix_opens_nothing():
    # Given a setting that names an address without its port, a host of ours, or nothing
    allowed = AllowedHosts.parse(("127.0.0.1", "::1", ".", ""))

    # When it is used, Then it opens nothing
    for url in ("https://127.0.0.1/1.png", "https://[::1]/1.png", "https://evil.com/1.png"):
        with pytest.raises(BadMediaError):
            allowed.check(url)


@pytest.mark.parametrize(
    "address",
    ["1.1.1.1", "104.16.0.1", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101",
     "2002:101:101::1"],
)  # fmt: skip
def test_an_address_of_the_open_internet_is_public(address):
    # Given a public address, plain or wrapped, When asked, Then it is public
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "100.64.0.1",
        "127.0.0.1",
        "127.255.255.254",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.1",
        "192.0.2.1",
        "192.168.1.1",
        "198.18.0.1",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "239.255.255.250",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::1.1.1.1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "::ffff:0:127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::a00:1",
        "2002:7f00:1::",
        "2002:a00:1::1",
        "2002:c0a8:101::1",
        "2001::1",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2",
        "2001:db8::1",
        "fc00::1",
        "fd12:3456::1",
        "fe80::1",
        "fe80::1%eth0",
        "2606:4700::1111%eth0",
        "fec0::1",
        "ff02::1",
        "100::1",
        "not an address",
        "",
        "127.1",
        "0x7f.0.0.1",
    ],
)
def test_any_other_place_is_not(address):
    # Given an inner address, plain or wrapped, When asked, Then it is not public
    assert not is_public(address)


@pytest.mark.parametrize(
    "answers",
    [["127.0.0.1"], ["10.0.0.7"], ["::1"], ["1.1.1.1", "192.168.0.1"], ["::ffff:10.0.0.1"]],
)
async def test_a_name_that_leads_inside_is_refused_before_connecting(answers):
    # Given a name server that answers an allowed name with an inner address
    asked = []

    async def look_up(host, port):
        asked.append((host, port))
        return answers

    downloader = Downloader(ALLOWED, size_max_bytes=10, lookup=look_up)

    # When the result is fetched, Then it is refused, and the name was asked for once
    with pytest.raises(BadMediaError, match="not public"):
        await downloader.download("https://tempfile.aiquickdraw.com/1.png", io.BytesIO())
    assert asked == [("tempfile.aiquickdraw.com", 443)]
    await downloader.close()


@pytest.mark.parametrize("error", [OSError("no such name"), None])
async def test_a_name_that_leads_nowhere_may_be_tried_again(error):
    # Given a name server that fails, or knows no address
    async def look_up(host, port):
        if error is not None:
            raise error
        return []

    downloader = Downloader(ALLOWED, size_max_bytes=10, lookup=look_up)

    # When the result is fetched, Then it may be tried again
    with pytest.raises(TransientError):
        await downloader.download("https://tempfile.aiquickdraw.com/1.png", io.BytesIO())
    await downloader.close()
