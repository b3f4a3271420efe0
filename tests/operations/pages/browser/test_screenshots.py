"""The pictures in the README."""

from tests.operations.pages.browser.screenshots import FOLDER, SIZES, VIEWS
from tests.running import ROOT

LARGEST = 100_000
TONES = ("light", "dark")


def test_all_pictures_are_there_and_small() -> None:
    """Each view in each size, light and dark; the README shows them all."""
    names = {f"{view}-{size}-{tone}.png" for view in VIEWS for size in SIZES for tone in TONES}
    assert {path.name for path in FOLDER.iterdir()} == names
    readme = (ROOT / "README.md").read_text("utf-8")
    assert all(f"{FOLDER.relative_to(ROOT)}/{name}" in readme for name in names)
    assert all(path.stat().st_size < LARGEST for path in FOLDER.iterdir())
