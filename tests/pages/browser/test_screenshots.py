"""The pictures in the README."""

from playwright.sync_api import Page

from tests.pages.browser.screenshots import FOLDER, SIZES, VIEWS, with_palette

LARGEST = 80_000


def test_a_picture_with_a_palette_is_the_same(page: Page) -> None:
    """But for a few of its pixels; it is a fraction of the size."""
    page.goto("/inspector")
    png = page.screenshot()
    small = with_palette(page, png)
    assert len(small) < len(png) / 2
    same = page.evaluate(
        """async pngs => {
          const drawn = [];
          for (const png of pngs) {
            const image = await createImageBitmap(new Blob([new Uint8Array(png)]));
            const canvas = new OffscreenCanvas(image.width, image.height).getContext("2d");
            canvas.drawImage(image, 0, 0);
            const {data} = canvas.getImageData(0, 0, image.width, image.height);
            drawn.push(new Uint32Array(data.buffer));
          }
          const [one, other] = drawn;
          return one.length === other.length
            ? one.filter((pixel, at) => pixel === other[at]).length / one.length : 0;
        }""",
        [list(png), list(small)],
    )
    assert 0.95 < same < 1


def test_all_pictures_are_there_and_small() -> None:
    """Each view in each size, light and dark."""
    names = {
        f"{view}-{size}-{tone}.png"
        for view in VIEWS
        for size in SIZES
        for tone in ("light", "dark")
    }
    assert {path.name for path in FOLDER.iterdir()} == names
    assert all(path.stat().st_size < LARGEST for path in FOLDER.iterdir())
