from __future__ import annotations

import io
import shutil
import tarfile
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from backend.errors import BundleRefused
from tests.factories.releases import make_release
from tiepdon.release.archive import unpack, verify
from tiepdon.release.manifest import MANIFEST, SIGNATURE

KEY = Ed25519PrivateKey.generate()
Member = tuple[tarfile.TarInfo, bytes]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_release(tmp_path_factory.mktemp("bundle"), KEY)


def members(bundle: Path) -> list[Member]:
    with tarfile.open(bundle) as archive:
        return [(each, archive.extractfile(each).read()) for each in archive]  # type: ignore[union-attr]


def rewrite(bundle: Path, target: Path, content: Iterable[Member]) -> Path:
    with tarfile.open(target, "w", format=tarfile.GNU_FORMAT) as archive:
        for info, data in content:
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return target


def plain(name: str, data: bytes = b"x") -> Member:
    return tarfile.TarInfo(name), data


def link(name: str, kind: bytes) -> Member:
    info = tarfile.TarInfo(name)
    info.type = kind
    info.linkname = "/etc/passwd"
    return info, b""


def refusal(bundle: Path) -> str:
    with pytest.raises(BundleRefused) as refused:
        verify(bundle, KEY.public_key())
    return refused.value.detail


def test_a_good_bundle_is_what_its_manifest_says(bundle: Path, tmp_path: Path) -> None:
    manifest = verify(bundle, KEY.public_key())
    assert (manifest.version, manifest.schema_revision) == ("1.0.0", "0001")
    assert unpack(bundle, KEY.public_key(), tmp_path) == manifest
    for part in manifest.files:
        assert (tmp_path / part.path).stat().st_size == part.size


def test_the_same_parts_make_the_same_bytes(bundle: Path, tmp_path: Path) -> None:
    from tests.factories.releases import MADE_AT
    from tiepdon.release.archive import pack

    manifest = unpack(bundle, KEY.public_key(), tmp_path / "content")
    assert manifest.made_at == MADE_AT
    pack(tmp_path / "content", manifest, KEY, tmp_path / "again.bundle")
    assert (tmp_path / "again.bundle").read_bytes() == bundle.read_bytes()


def test_another_key_is_refused(bundle: Path) -> None:
    with pytest.raises(BundleRefused, match="signature"):
        verify(bundle, Ed25519PrivateKey.generate().public_key())


def test_a_wrong_signature_is_refused(bundle: Path, tmp_path: Path) -> None:
    content = members(bundle)
    content[1] = plain(SIGNATURE, bytes(64))
    assert "signature" in refusal(rewrite(bundle, tmp_path / "b", content))


def test_a_manifest_changed_by_one_byte_is_refused(bundle: Path, tmp_path: Path) -> None:
    content = members(bundle)
    content[0] = plain(MANIFEST, content[0][1].replace(b'"1.0.0"', b'"1.0.1"'))
    assert "signature" in refusal(rewrite(bundle, tmp_path / "b", content))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda all_: [*all_[:3], plain(all_[3][0].name, b"?" * len(all_[3][1])), *all_[4:]], "changed: its hash"),
        (lambda all_: [*all_[:3], plain(all_[3][0].name, b"short"), *all_[4:]], "changed: it has another size"),
        (lambda all_: [*all_[:2], *all_[3:]], "is missing"),
        (lambda all_: all_[:-1], "is missing"),
        (lambda all_: [*all_, plain("wheels/extra.whl")], "'wheels/extra.whl' was added"),
        (lambda all_: [*all_[:2], plain("wheels/extra.whl"), *all_[2:]], "was added"),
        (lambda all_: [*all_, all_[-1]], "was added"),
        (lambda all_: [*all_[:2], all_[3], all_[2], *all_[4:]], "is missing, or not in its place"),
        (lambda all_: [*all_[:2], plain("../../etc/cron.d/x"), *all_[2:]], "leads out of the bundle"),
        (lambda all_: [*all_[:2], plain("/etc/cron.d/x"), *all_[2:]], "leads out of the bundle"),
        (lambda all_: [*all_[:2], link(all_[2][0].name, tarfile.SYMTYPE), *all_[3:]], "is a link"),
        (lambda all_: [*all_[:2], link(all_[2][0].name, tarfile.LNKTYPE), *all_[3:]], "is a link"),
        (lambda all_: [*all_[:2], link(all_[2][0].name, tarfile.FIFOTYPE), *all_[3:]], "not a plain file"),
        (lambda all_: [link(MANIFEST, tarfile.SYMTYPE), *all_[1:]], "is a link"),
        (lambda all_: all_[1:], "manifest.json is not in its place"),
        (lambda _all: [], "manifest.json is not in its place"),
    ],
)  # fmt: skip
def test_what_was_tampered_with_is_named(
    bundle: Path, tmp_path: Path, change: Callable[[list[Member]], list[Member]], words: str
) -> None:
    assert words in refusal(rewrite(bundle, tmp_path / "b", change(members(bundle))))


@pytest.mark.parametrize("share", [0.0, 0.01, 0.2, 0.5, 0.8])
def test_a_bundle_that_was_cut_is_refused(bundle: Path, tmp_path: Path, share: float) -> None:
    whole = bundle.read_bytes()
    cut = tmp_path / "cut"
    cut.write_bytes(whole[: int(len(whole) * share)])
    assert refusal(cut)


def test_every_cut_and_every_flipped_byte_is_found(bundle: Path, tmp_path: Path) -> None:
    whole = bundle.read_bytes()
    damaged = tmp_path / "damaged"
    with tarfile.open(bundle) as archive:
        archive.getmembers()
        end = archive.offset
    for cut in range(0, len(whole), 499):
        damaged.write_bytes(whole[:cut])
        assert refusal(damaged), cut
    for place in range(0, end, 97):
        if whole[place : place + 1] == b"\0":
            continue
        damaged.write_bytes(whole[:place] + bytes([whole[place] ^ 0x20]) + whole[place + 1 :])
        try:
            found = verify(damaged, KEY.public_key())
        except BundleRefused:
            continue
        # Owners and times in the headers are neither signed nor used.
        assert found == verify(bundle, KEY.public_key()), place


def test_bytes_behind_the_end_are_refused(bundle: Path, tmp_path: Path) -> None:
    longer = tmp_path / "longer"
    shutil.copyfile(bundle, longer)
    with longer.open("ab") as file:
        file.write(b"\0" * 512 + b"more")
    assert "behind the last file" in refusal(longer)


def test_a_signed_manifest_with_a_way_out_is_refused_as_well() -> None:
    """Whoever holds the key still cannot write outside the folder."""
    from pydantic import ValidationError

    from tiepdon.release.manifest import Part

    for path in ("../x", "/x", "a/../../x", ".ssh/x", "a\\x", "a//x", "", MANIFEST, "wheels/ x"):
        with pytest.raises(ValidationError):
            Part(path=path, size=0, sha256="0" * 64)
