"""
Takes the pictures of the pages that the README shows: `python -m tests.pages.browser.screenshots`.

Each of them wide and on a phone, light and dark, as PNG with a palette of 256 colours.
"""

import tempfile
from base64 import b64decode, b64encode
from collections import Counter
from functools import cache
from pathlib import Path
from struct import pack
from zlib import compress, crc32

from playwright.sync_api import Page

from ccp.workshop import CONTRACT_FAULTS, EDITION_2
from tests.pages.browser.chromium import chromium
from tests.pages.browser.furnished import Furnished, furnished
from tests.pages.browser.views import UNKNOWN, View, inspect, logged_in

FOLDER = Path(__file__).parents[1] / "screenshots"
SIZES = {"desktop": {"width": 1280, "height": 800}, "phone": {"width": 390, "height": 844}}


def tampered(page: Page, pool: Furnished) -> None:
    """Inspect a contract in which the eMAID was changed after it was signed."""
    workshop = pool.workshops[EDITION_2]
    draft = workshop.contract(UNKNOWN, workshop.car("WAUZZZ4B0CC099999"))
    fault = CONTRACT_FAULTS[EDITION_2]["tampered-emaid"]
    inspect(page, b64encode(fault.spoil(draft).exi()).decode())


VIEWS: dict[str, View] = {
    "overview": lambda page, _: page.goto("/"),
    "inspector": tampered,
}


def with_palette(page: Page, png: bytes) -> bytes:
    """Draw a PNG again in the 256 colours that most of its pixels have, or in the nearest."""
    width, height, rgba = page.evaluate(
        """async png => {
          const blob = new Blob([Uint8Array.from(atob(png), one => one.charCodeAt(0))]);
          const image = await createImageBitmap(blob);
          const canvas = new OffscreenCanvas(image.width, image.height).getContext("2d");
          canvas.drawImage(image, 0, 0);
          const {data} = canvas.getImageData(0, 0, image.width, image.height);
          let text = "";
          for (let at = 0; at < data.length; at += 4096)
            text += String.fromCharCode(...data.subarray(at, at + 4096));
          return [image.width, image.height, btoa(text)];
        }""",
        b64encode(png).decode(),
    )
    data = b64decode(rgba)
    pixels = [data[at : at + 3] for at in range(0, len(data), 4)]
    palette = [colour for colour, _ in Counter(pixels).most_common(256)]

    @cache
    def nearest(colour: bytes) -> int:
        return min(
            range(len(palette)),
            key=lambda index: sum(
                (a - b) ** 2 for a, b in zip(palette[index], colour, strict=True)
            ),
        )

    indices = bytes(map(nearest, pixels))
    rows = b"".join(b"\0" + indices[at : at + width] for at in range(0, len(indices), width))
    chunks = (
        (b"IHDR", pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
        (b"PLTE", b"".join(palette)),
        (b"IDAT", compress(rows, 9)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        pack(">I", len(content)) + name + content + pack(">I", crc32(name + content))
        for name, content in chunks
    )


def main() -> None:
    """Take all of them."""
    FOLDER.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        chromium() as browser,
        furnished(Path(folder)) as pool,
        logged_in(browser, pool) as page,
    ):
        for view, show in VIEWS.items():
            for size, viewport in SIZES.items():
                for scheme in ("light", "dark"):
                    page.set_viewport_size(viewport)
                    page.emulate_media(color_scheme=scheme)
                    show(page, pool)
                    png = with_palette(page, page.screenshot())
                    path = FOLDER / f"{view}-{size}-{scheme}.png"
                    path.write_bytes(png)
                    print(f"{path.relative_to(FOLDER.parents[2])}: {len(png):,} bytes")


if __name__ == "__main__":
    main()
