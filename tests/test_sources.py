"""Sources: every file in folders, zips and compressed forms is found or refused with a reason, and nothing is left behind."""

from __future__ import annotations

import gzip
import io
import lzma
import os
import random
import socket
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path

import pytest

from narrative.corpus import archive, sources
from narrative.corpus.sources import Refused, Source, gather

TEXT = b"The fox sat by the river.\n" * 20


def walk(*paths: Path, scratch: Path) -> tuple[dict[str, bytes], dict[str, str]]:
    """(what every source held, what was refused and why); the scratch folder must be empty after it."""
    held, refused = {}, {}
    for found in gather(paths, scratch=scratch):
        if isinstance(found, Source):
            assert found.label not in held
            held[found.label] = found.path.read_bytes()
        else:
            assert found.reason[0].isupper()
            assert found.reason.endswith(".")
            refused[found.label] = found.reason
    assert not scratch.exists() or list(scratch.iterdir()) == []
    return held, refused


def packed(entries: dict[str, bytes], *, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return out.getvalue()


def put(path: Path, content: bytes = TEXT) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    return tmp_path / "scratch"


@pytest.fixture
def given(tmp_path: Path) -> Path:
    folder = tmp_path / "given"
    folder.mkdir()
    return folder


def test_folders_are_walked_in_order_at_all_depths_and_junk_is_passed_over(given: Path, scratch: Path) -> None:
    for name in ("b.txt", "a/z.txt", "a/b/c.txt", "a.txt", ".hidden", ".git/x.txt", "__MACOSX/a.txt", "a/.DS_Store", "Thumbs.db"):
        put(given / name)
    held, refused = walk(given, scratch=scratch)
    assert list(held) == ["a/b/c.txt", "a/z.txt", "a.txt", "b.txt"]
    assert refused == {}


def test_a_file_given_by_itself_is_called_by_its_name(given: Path, scratch: Path) -> None:
    assert list(gather([put(given / "x.epub")], scratch=scratch)) == [Source("x.epub", given / "x.epub", "x.epub")]


@pytest.mark.parametrize(("suffix", "pack"), [(".gz", gzip.compress), (".xz", lzma.compress), (".GZ", gzip.compress)])
def test_compressed_files_are_unpacked_one_at_a_time_under_their_own_name(given: Path, scratch: Path, suffix: str, pack: object) -> None:
    put(given / f"a.csv{suffix}", pack(TEXT))  # type: ignore[operator]
    put(given / f"b.txt{suffix}", pack(TEXT + b"b"))  # type: ignore[operator]
    seen = []
    for found in gather([given], scratch=scratch):
        assert isinstance(found, Source)
        assert len([path for path in scratch.rglob("*") if path.is_file()]) == 1
        seen.append((found.label, found.name, found.path.read_bytes()))
    assert seen == [(f"a.csv{suffix}", "a.csv", TEXT), (f"b.txt{suffix}", "b.txt", TEXT + b"b")]
    assert list(scratch.iterdir()) == []


def test_several_streams_of_xz_in_one_file_are_all_read(given: Path, scratch: Path) -> None:
    put(given / "a.txt.xz", lzma.compress(TEXT) + bytes(8) + lzma.compress(b"end"))
    assert walk(given, scratch=scratch)[0] == {"a.txt.xz": TEXT + b"end"}


def test_zips_of_files_are_opened_and_packages_are_not(given: Path, scratch: Path) -> None:
    inner = packed({"book.epub": packed({"mimetype": b"application/epub+zip"}), "deep.zip": packed({"x.txt": TEXT})})
    put(
        given / "all.zip",
        packed({"a/b.txt": TEXT, "c.csv.xz": lzma.compress(TEXT), "inner.zip": inner, "__MACOSX/._b": TEXT, "a/.x": TEXT}),
    )
    put(given / "d.docx", packed({"word/document.xml": TEXT}))
    names = {found.label: found.name for found in gather([given], scratch=scratch) if isinstance(found, Source)}
    assert names == {
        "all.zip/a/b.txt": "b.txt",
        "all.zip/c.csv.xz": "c.csv",
        "all.zip/inner.zip/book.epub": "book.epub",
        "d.docx": "d.docx",
    }
    assert "zip in a zip in a zip" in walk(given, scratch=scratch)[1]["all.zip/inner.zip/deep.zip"]


@pytest.mark.parametrize("name", ["../out.txt", "a/../../out.txt", "/out.txt", "C:\\out.txt", "..\\out.txt", "\\\\host\\out.txt"])
def test_names_that_leave_the_archive_are_refused_and_write_nothing(given: Path, scratch: Path, name: str) -> None:
    put(given / "slip.zip", packed({name: b"evil", "good.txt": TEXT}))
    before = sorted(given.parent.rglob("*"))
    held, refused = walk(given, scratch=scratch)
    assert list(held.values()) == [TEXT]
    assert len(refused) == 1
    assert "not followed" in "".join(refused.values())
    assert [path for path in sorted(given.parent.rglob("*")) if path != scratch] == before


def test_scratch_names_are_ours_however_the_entry_is_called(given: Path, scratch: Path) -> None:
    put(given / "a.zip", packed({"a\nb\x1b[31m" + "x" * 300 + ".txt": TEXT, "con:|?*.txt": TEXT, "ünï.txt": TEXT}))
    for found in gather([given], scratch=scratch):
        assert isinstance(found, Source)
        assert found.path.resolve().is_relative_to(scratch.resolve())
        assert found.label.isprintable()


def encrypted(content: bytes) -> bytes:
    """The same zip with the flag of encryption set on all entries."""
    spoiled = bytearray(content)
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = spoiled.find(signature)
        while at >= 0:
            spoiled[at + offset] |= 1
            at = spoiled.find(signature, at + 4)
    return bytes(spoiled)


def overlapping() -> bytes:
    """A zip whose list of entries names the same bytes many times."""
    content = packed({"a.txt": TEXT * 100})
    start = content.find(b"PK\x01\x02")
    end = content.find(b"PK\x05\x06")
    entry = content[start:end]
    record = bytearray(content[end:])
    struct.pack_into("<HHL", record, 8, 50, 50, 50 * len(entry))
    return content[:start] + entry * 50 + bytes(record)


def linked() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        info = zipfile.ZipInfo("link.txt")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, "/etc/passwd")
    return out.getvalue()


BOMB = bytes(3_000_000)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.zip", encrypted(packed({"a.txt": TEXT})), "password"),
        ("a.zip", packed({"a.txt": BOMB}), "unpacks to more than"),
        ("a.zip", packed({"a.zip": packed({"a.txt": BOMB})}), "unpacks to more than"),
        ("a.zip", packed({"a.txt.gz": gzip.compress(BOMB, mtime=0)}), "unpacks to more than"),
        ("a.zip", overlapping(), "zip bomb"),
        ("a.zip", packed({"a.txt": TEXT})[:-30], "no zip, or it is cut short"),
        ("a.zip", b"junk" * 100, "no zip"),
        ("a.zip", packed({}), "no files in the zip"),
        ("a.zip", packed({"a.txt": b""}), "empty"),
        ("a.zip", linked(), "link or a device"),
        ("a.zip", packed({"a.txt": TEXT}, method=zipfile.ZIP_STORED).replace(b"river", b"raver", 1), "damaged in the zip"),
        ("a.txt.gz", gzip.compress(BOMB, mtime=0), "unpacks to more than"),
        ("a.txt.xz", lzma.compress(BOMB), "unpacks to more than"),
        ("a.txt.gz", gzip.compress(TEXT, mtime=0)[:-9], "damaged or cut short"),
        ("a.txt.xz", lzma.compress(TEXT)[:-9], "damaged or cut short"),
        ("a.txt.gz", TEXT, "damaged or cut short"),
        ("a.txt.xz", TEXT, "damaged or cut short"),
        ("a.txt.xz.gz", gzip.compress(lzma.compress(TEXT), mtime=0), "compressed twice"),
        ("a.txt", b"", "empty"),
        ("a.txt.gz", gzip.compress(b"", mtime=0), "empty"),
    ],
)
def test_what_cannot_be_opened_is_refused_and_the_rest_goes_on(given: Path, scratch: Path, name: str, content: bytes, reason: str) -> None:
    put(given / name, content)
    put(given / "z.txt")
    held, refused = walk(given, scratch=scratch)
    assert held == {"z.txt": TEXT}
    assert [reason in why for why in refused.values()] == [True], refused


def test_an_xz_that_asks_for_gigabytes_of_memory_is_refused(given: Path, scratch: Path) -> None:
    greedy = lzma.compress(TEXT, filters=[{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 4096}])
    header = bytearray(greedy[12:24])
    at = header.index(0x21) + 2  # the filter's one property: the size of its dictionary
    header[at] = 40  # 4 GB
    header[8:12] = struct.pack("<L", zlib.crc32(bytes(header[:8])))
    put(given / "a.txt.xz", greedy[:12] + bytes(header) + greedy[24:])
    assert "MB of memory" in walk(given, scratch=scratch)[1]["a.txt.xz"]


def test_small_files_may_shrink_as_much_as_they_like(given: Path, scratch: Path) -> None:
    put(given / "a.txt.gz", gzip.compress(b"fox " * 200_000))
    put(given / "a.zip", packed({"b.txt": b"fox " * 200_000}))
    put(given / "c.txt.xz", lzma.compress(b"fox " * 200_000, preset=0))
    held, refused = walk(given, scratch=scratch)
    assert len(held) == 3
    assert refused == {}


def test_links_that_leave_or_loop_are_refused_and_links_inside_are_followed(given: Path, tmp_path: Path, scratch: Path) -> None:
    put(tmp_path / "secret.txt", b"secret")
    put(given / "sub/real.txt")
    (given / "in.txt").symlink_to(given / "sub/real.txt")
    for name, target in {
        "out.txt": tmp_path / "secret.txt",
        "up": tmp_path,
        "sub/loop": given,
        "gone": given / "nosuch",
        "self": given / "self",
    }.items():
        (given / name).symlink_to(target)
    held, refused = walk(given, scratch=scratch)
    assert sorted(held) == ["in.txt", "sub/real.txt"]
    assert b"secret" not in held.values()
    assert sorted(refused) == ["gone", "out.txt", "self", "sub/loop", "up"]


def test_folders_that_link_to_each_other_come_to_an_end(given: Path, scratch: Path) -> None:
    for name in "abcdef":
        put(given / name / "x.txt")
    for name in "abcdef":
        for other in "abcdef":
            (given / name / f"to_{other}").symlink_to(given / other)
    assert len(walk(given, scratch=scratch)[0]) == 6 + 30


def test_pipes_sockets_and_devices_are_never_opened(given: Path, scratch: Path) -> None:
    os.mkfifo(given / "pipe.txt")
    with socket.socket(socket.AF_UNIX) as server:
        here = Path.cwd()
        os.chdir(given)  # the path of a socket must be short
        try:
            server.bind("socket.txt")
        finally:
            os.chdir(here)
        held, refused = walk(given, Path("/dev/zero"), scratch=scratch)
    assert held == {}
    assert sorted(refused) == ["pipe.txt", "socket.txt", "zero"]
    assert all("no file" in why for why in refused.values())


@pytest.mark.parametrize("missing", ["nosuch.txt", "a\0b", "x" * 5_000])
def test_a_path_that_is_not_there_is_refused_and_the_next_is_read(given: Path, scratch: Path, missing: str) -> None:
    good = put(given / "good.txt")
    held, refused = walk(given / missing, good, scratch=scratch)
    assert held == {"good.txt": TEXT}
    assert len(refused) == 1


def test_what_may_not_be_read_is_refused(given: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(given / "a.txt")
    put(given / "b.txt")
    opened = Path.open

    def forbid(path: Path, *rest: object, **named: object) -> object:
        if path.name == "a.txt":
            raise PermissionError(13, "Permission denied")
        return opened(path, *rest, **named)  # type: ignore[call-overload]

    monkeypatch.setattr(Path, "open", forbid)
    assert [type(found) for found in gather([given], scratch=scratch)] == [Refused, Source]


def test_a_folder_without_files_says_so(given: Path, scratch: Path) -> None:
    assert walk(given, scratch=scratch)[1] == {"given": "There are no files in the folder."}


def test_names_that_are_no_utf_8_can_be_printed(given: Path, scratch: Path) -> None:
    Path(os.fsdecode(os.fsencode(given) + b"/caf\xe9.txt")).write_bytes(TEXT)
    (label,) = walk(given, scratch=scratch)[0]
    assert label.encode() == "caf\ufffd.txt".encode()


def test_too_many_files_too_large_files_and_too_many_entries_are_refused(
    given: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(9):
        put(given / f"{number}.txt")
    monkeypatch.setattr(sources, "MAX_FILES", 5)
    held, refused = walk(given, scratch=scratch)
    assert len(held) == 5
    assert list(refused) == ["5.txt"]
    monkeypatch.setattr(sources, "MAX_FILES", 99)
    monkeypatch.setattr(sources, "MAX_FILE", 10)
    assert len(walk(given, scratch=scratch)[1]) == 9
    monkeypatch.setattr(sources, "MAX_FILE", 10_000)
    monkeypatch.setattr(archive, "MAX_ENTRIES", 3)
    many = put(given / "many.zip", packed({f"{number}.txt": TEXT for number in range(4)}))
    assert "at most 3" in walk(many, scratch=scratch)[1]["many.zip"]
    monkeypatch.setattr(archive, "MAX_DIRECTORY", 100)
    assert "list of entries" in walk(many, scratch=scratch)[1]["many.zip"]


def test_hundreds_of_files_in_a_zip_and_a_folder_all_come(given: Path, scratch: Path) -> None:
    put(given / "many.zip", packed({f"{number}.txt": b"fox" for number in range(300)}))
    for number in range(300):
        (given / f"{number}.txt").write_bytes(b"fox")
    assert len(walk(given, scratch=scratch)[0]) == 600


def test_leaving_half_way_deletes_what_was_unpacked(given: Path, scratch: Path) -> None:
    put(given / "a.zip", packed({"a.zip": packed({"a.txt.gz": gzip.compress(TEXT)}), "b.txt": TEXT}))
    walking = gather([given], scratch=scratch)
    found = next(walking)
    assert isinstance(found, Source)
    assert found.path.read_bytes() == TEXT
    assert len([path for path in scratch.rglob("*") if path.is_file()]) == 3
    walking.close()  # type: ignore[attr-defined]
    assert list(scratch.iterdir()) == []


def test_whatever_is_cut_or_flipped_only_sources_and_refusals_come_out(given: Path, scratch: Path) -> None:
    goods: Iterable[tuple[str, bytes]] = [
        ("a.zip", packed({"a/b.txt": TEXT, "c.xz": lzma.compress(TEXT), "i.zip": packed({"x.txt": TEXT})})),
        ("a.txt.xz", lzma.compress(TEXT)),
        ("a.txt.gz", gzip.compress(TEXT, mtime=0)),
    ]
    draw = random.Random(11)
    for name, good in goods:
        for _ in range(70):
            spoiled = bytearray(good[: draw.randrange(1, len(good))] if draw.random() < 0.4 else good)
            for _ in range(draw.choice([1, 4, 20])):
                spoiled[draw.randrange(len(spoiled))] = draw.randrange(256)
            path = put(given / name, bytes(spoiled))
            found = list(gather([path], scratch=scratch))
            assert found
            assert not scratch.exists() or list(scratch.iterdir()) == []
