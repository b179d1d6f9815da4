from __future__ import annotations

from pathlib import Path

import pytest

from devices.errors import FontMissing
from devices.fonts import Weight, get_font, get_font_file, has_glyph


@pytest.mark.parametrize("weight", Weight)
def test_every_weight_is_installed(weight: Weight) -> None:
    assert get_font_file(weight).is_file()
    assert get_font(weight, 20) is get_font(weight, 20)


def test_a_missing_typeface_names_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIEPDON_FONTS", str(tmp_path))
    with pytest.raises(FontMissing, match="BeVietnamPro_700Bold"):
        get_font_file(Weight.BOLD)


def test_which_characters_it_has() -> None:
    assert all(map(has_glyph, "aẴỹđĐ₫–…“”· \u0306"))
    assert not any(map(has_glyph, "✓→😀中م"))
