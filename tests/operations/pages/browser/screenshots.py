"""
Take the pictures of the pages that the README shows.

Run as `python -m tests.operations.pages.browser.screenshots`.

Each of them wide and on a phone, light and dark.
"""

import tempfile
from base64 import b64encode
from pathlib import Path

from playwright.sync_api import Page

from ccp.workshop import CONTRACT_FAULTS, EDITION_2
from tests.operations.pages.browser.chromium import chromium
from tests.operations.pages.browser.furnished import Furnished, furnished
from tests.operations.pages.browser.views import UNKNOWN, View, inspect, logged_in
from tests.running import ROOT

FOLDER = ROOT / "tests" / "operations" / "pages" / "screenshots"
SIZES = {"desktop": {"width": 1280, "height": 800}, "phone": {"width": 390, "height": 844}}
_SCALE = 0.75  # the README shows them at a third


def tampered(page: Page, pool: Furnished) -> None:
    """Inspect a contract in which the eMAID was changed after it was signed."""
    workshop = pool.workshops[EDITION_2]
    draft = workshop.contract(UNKNOWN, workshop.car("WAUZZZ4B0CC099999"))
    fault = CONTRACT_FAULTS[EDITION_2]["tampered-emaid"]
    inspect(page, b64encode(fault.apply_fault(draft).exi()).decode())


VIEWS: dict[str, View] = {
    "overview": lambda page, _: page.goto("/"),
    "inspector": tampered,
}


def main() -> None:
    """Take all of them."""
    FOLDER.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        chromium() as browser,
        furnished(Path(folder)) as pool,
        logged_in(browser, pool, device_scale_factor=_SCALE) as page,
    ):
        for view, show in VIEWS.items():
            for size, viewport in SIZES.items():
                for scheme in ("light", "dark"):
                    page.set_viewport_size(viewport)
                    page.emulate_media(color_scheme=scheme)
                    show(page, pool)
                    page.screenshot(path=FOLDER / f"{view}-{size}-{scheme}.png")


if __name__ == "__main__":
    main()
