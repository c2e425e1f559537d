"""Feeds that once stopped an import, or kept it waiting for ever, on one bad value."""

import os
from pathlib import Path

import pytest

from productnet.catalog.feed import open_feed
from productnet.catalog.fetch import Fetcher
from productnet.catalog.image_sources import ImageSources
from productnet.catalog.images import BadImage
from productnet.catalog.readers.rows import FaultKind
from productnet.errors import FeedError
from productnet.settings import ImageSettings


def test_a_feed_with_the_line_ends_of_old_macs_says_how_to_convert_it(tmp_path: Path) -> None:
    (tmp_path / "feed.csv").write_bytes(b"id,title\r1,mug\r2,vase\r")
    with pytest.raises(FeedError, match=r"LF or CRLF: tr"):
        open_feed(tmp_path / "feed.csv")


def test_an_xml_feed_in_an_encoding_nobody_knows(tmp_path: Path) -> None:
    feed = tmp_path / "feed.xml"
    feed.write_bytes(b'<?xml version="1.0" encoding="nonsense-9"?><rss><item/></rss>')
    with pytest.raises(FeedError, match="unknown encoding: nonsense-9"):
        open_feed(feed)


def test_a_pipe_is_no_feed_and_no_image(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    with pytest.raises(FeedError, match="pipe or a device. Save the feed to a file"):
        open_feed(tmp_path / "pipe.jpg")
    with (
        ImageSources(tmp_path, max_bytes=1_000) as sources,
        pytest.raises(BadImage, match=r'"pipe\.jpg" is not a file'),
    ):
        sources.read("pipe.jpg")


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:99999/a.jpg", "http://127.0.0.1:-1/a.jpg", "http://xn--/a.jpg"]
)
def test_an_impossible_address_costs_its_image(url: str) -> None:
    with Fetcher(ImageSettings(retries=0)) as fetcher:
        fetching = fetcher.submit(fetcher.fetch(url))
        with pytest.raises(BadImage, match="host or port is no address") as caught:
            fetching.result()
    assert caught.value.kind is FaultKind.IMAGE_FETCH
