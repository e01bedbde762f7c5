"""`python -m keras_ch8`: the map, the help of each command, and the tour, which ends with a network that is cured."""

import contextlib
import io
import pkgutil
import re
from pathlib import Path

import pytest

from keras_ch8 import __main__, commands, tour
from tools import chapter

ROOT = Path(__file__).parent.parent
COMMANDS = [found.name for found in pkgutil.iter_modules(commands.__path__) if not found.name.startswith("_")]


def test_without_a_command_the_map_of_the_chapter_is_printed(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["keras_ch8"])
    assert __main__.main() == 0
    said = capsys.readouterr().out
    assert said.startswith((ROOT / "keras_ch8" / "chapter.txt").read_text())
    assert all(name in said.splitlines()[-1] for name in COMMANDS)


def test_the_map_names_every_part_at_its_section_or_with_its_paper():
    said = chapter.for_terminal()
    numbers = {section.number for section in chapter.SECTIONS}
    for source, name in chapter.parts():
        if source in numbers:
            (part,) = re.findall(rf"^{re.escape(source)} .*?(?:^\S|\Z)", said, re.MULTILINE | re.DOTALL)
            assert f" {name}" in part
        else:  # a paper
            assert f"{name}, {source}" in " ".join(said.split())
    assert max(map(len, said.splitlines())) <= 100


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_has_help_with_an_example(name, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["keras_ch8", name, "--help"])
    with pytest.raises(SystemExit, match="0"):
        __main__.main()
    assert f"    python -m keras_ch8 {name}" in capsys.readouterr().out


def test_without_scikit_learn_the_tour_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setitem(__import__("sys").modules, "sklearn.datasets", None)
    monkeypatch.setattr("sys.argv", ["keras_ch8", "tour"])
    assert __main__.main() == 2
    assert 'pip install "keras_ch8[examples]"' in capsys.readouterr().err


@pytest.fixture(scope="module")
def toured(tmp_path_factory):
    """Return the folder of a tour, what it printed, and what its first doctor prints."""
    folder, doctors, train = tmp_path_factory.mktemp("tour"), [], tour.train
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(io.StringIO()) as screen:
        patch.setattr(tour, "train", lambda *args: (found := train(*args), doctors.append(found[0]))[0])
        for name in ("tour", "tour-2"):
            assert tour._new_folder(folder / "tour") == folder / name
            (folder / name).mkdir()
        tour.main(folder / "tour")
    return folder, screen.getvalue(), str(doctors[0])


def words(text):
    """Return the lines of a text with its numbers left out, which differ between machines."""
    return [re.sub(r"\d+(\.\d+)?", "N", line) for line in text.splitlines() if line]


@pytest.mark.slow
@pytest.mark.parametrize("page", ["README.md", "docs/quickstart.md"])
def test_a_document_shows_what_the_doctor_of_the_tour_prints(toured, page):
    shown = re.search(r"```text\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)[1]
    assert [line for line in words(shown) if line != "..." and line not in words(toured[2])] == []


@pytest.mark.slow
def test_the_moving_picture_shows_what_the_tour_prints(toured):
    Image = pytest.importorskip("PIL.Image")
    with Image.open(ROOT / "docs" / "pictures" / "tour.gif") as picture:
        command, *lines = words(picture.info["comment"].decode())
    assert command == "$ python -m keras_chN tour"
    assert lines == words(toured[1])[: len(lines)]
    assert len(lines) > 15
    page = (toured[0] / "tour-3" / "report.html").read_text()
    with Image.open(ROOT / "docs" / "pictures" / "tour_light.png") as picture:
        shown, there = picture.info["Title"], re.search("<title>(.*?)</title>", page)[1]
    assert words(shown.rpartition(" (")[0]) == words(there.rpartition(" (")[0]), "its last frame"


@pytest.mark.slow
def test_the_tour_finds_what_is_wrong_and_cures_it_on_one_screen(toured):
    tmp_path, said, _ = toured
    assert len(said.splitlines()) <= 24, "the rows of a small terminal"
    before, after = (int(right) for right in re.findall(r"(\d+) %(?: of 450 new digits)? right", said))
    assert before < 50
    assert after > 90
    assert "ACT Vanishing gradients\n" in said
    assert "OK: " in said
    page = re.search(r"in a browser: (.+)", said)[1]
    assert page == str(tmp_path / "tour-3" / "report.html")
    assert (tmp_path / "tour-3" / "report.html").read_text().startswith("<!doctype html>")
