from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from kiosk_ui.machine import LinuxMachine
from kiosk_ui.presenters.ports import MachineState

KEYBOARD = """\
I: Bus=0011 Vendor=0001 Product=0001 Version=ab41
N: Name="AT Translated Set 2 keyboard"
H: Handlers=sysrq kbd event0
B: PROP=0
B: EV=120013
B: KEY=402000000 3803078f800d001 feffffdfffefffff fffffffffffffffe
"""
PANEL = """\
I: Bus=0003 Vendor=0eef Product=c000 Version=0111
N: Name="eGalax Inc. Touch"
H: Handlers=mouse0 event3
B: PROP=2
B: EV=b
B: KEY=400 0 0 0 0 0
B: ABS=260800000000003
"""
PAD = """\
I: Bus=0018 Vendor=06cb Product=cd8b Version=0100
N: Name="SYNA Touchpad"
H: Handlers=mouse1 event5
B: PROP=5
B: EV=1b
B: ABS=260800000000003
"""
OLD_PANEL = PANEL.replace("PROP=2", "PROP=0")


def machine_of(
    tmp_path: Path, devices: str | None = None, meminfo: str = "", temps: tuple[str, ...] = ()
) -> LinuxMachine:
    proc, sys = tmp_path / "proc", tmp_path / "sys"
    (proc / "bus" / "input").mkdir(parents=True)
    if devices is not None:
        (proc / "bus" / "input" / "devices").write_text(devices, encoding="utf-8")
    (proc / "meminfo").write_text(meminfo, encoding="utf-8")
    for n, temp in enumerate(temps):
        zone = sys / "class" / "thermal" / f"thermal_zone{n}"
        zone.mkdir(parents=True)
        (zone / "temp").write_text(temp, encoding="utf-8")
    return LinuxMachine(tmp_path, proc=proc, sys=sys)


@pytest.mark.parametrize(
    ("devices", "count"),
    [
        (f"{KEYBOARD}\n{PANEL}\n", 1),
        (f"{KEYBOARD}\n{PAD}\n", 0),
        (f"{OLD_PANEL}\n{PANEL}\n", 2),
        (KEYBOARD, 0),
        ("", 0),
        ("B: ABS=nonsense\nB: PROP=zz\n", 0),
        (None, None),
    ],
)
def test_touch_panels_are_told_from_keyboards_and_pads(
    tmp_path: Path, devices: str | None, count: int | None
) -> None:
    assert machine_of(tmp_path, devices).count_touch_devices() == count


def test_memory_and_the_hottest_sensor(tmp_path: Path) -> None:
    meminfo = "MemTotal:        4000000 kB\nMemFree: 100000 kB\nMemAvailable:    1000000 kB\n"
    state = machine_of(
        tmp_path, meminfo=meminfo, temps=("51000\n", "63500\n", "0\n", "-2000", "x")
    ).look()
    assert (state.memory_percent, state.temperature_c) == (75.0, 63.5)
    assert state.disk_free_percent is not None
    assert 0 <= state.disk_free_percent <= 100


def test_another_system_does_not_know(tmp_path: Path) -> None:
    machine = LinuxMachine(tmp_path, proc=tmp_path / "no", sys=tmp_path / "no")
    assert machine.look() == MachineState(disk_free_percent=machine.look().disk_free_percent)
    assert machine.count_touch_devices() is None


def test_a_folder_that_is_gone_says_nothing_of_its_disk(tmp_path: Path) -> None:
    machine = LinuxMachine(tmp_path / "gone")
    assert machine.look().disk_free_percent is None
    assert re.fullmatch(r"[0-9a-f]{32}", machine.name)


def test_this_very_process(tmp_path: Path) -> None:
    state = LinuxMachine(tmp_path).look()
    assert state.process_mib is not None
    assert state.process_mib > 5


def test_a_machine_keeps_its_name_and_no_two_have_the_same(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    first = LinuxMachine(tmp_path).name
    assert LinuxMachine(tmp_path).name == first
    assert LinuxMachine(tmp_path / "other").name != first


def test_a_damaged_name_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "machine-id").write_bytes(os.urandom(20))
    name = LinuxMachine(tmp_path).name
    assert re.fullmatch(r"[0-9a-f]{32}", name)
    assert LinuxMachine(tmp_path).name == name
