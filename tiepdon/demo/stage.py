"""The stage of the demonstration: a server, a demo hospital, a camera, printers and kiosks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from devices.simulated.camera import SimulatedCamera
from devices.simulated.cards import CardKind, Scene
from devices.simulated.printer import SimulatedPrinter
from his_adapter.demo.faults import Faults, write_faults
from his_adapter.demo.personas import Card, Persona
from kiosk_ui.app import KioskApp, WindowConfig, configure
from kiosk_ui.bootstrap import build_kiosk
from kiosk_ui.config import make_config
from kiosk_ui.driver import Driver
from kiosk_ui.presenters.kiosk import Kiosk
from kiosk_ui.widgets.glass import SLIDE_S
from tiepdon.demo.banks import DemoBanks
from tiepdon.demo.server import DemoServer

PORTRAIT = (1080, 1920)
CARD_KINDS = {
    Card.CCCD2021: CardKind.CCCD2021,
    Card.CAN_CUOC2024: CardKind.CAN_CUOC2024,
    Card.BHYT: CardKind.BHYT,
}
SCENES = {
    # The largest card, with its code in the corner: held so that the corner is in the picture.
    Card.BHYT: Scene(rotation_deg=3.0, px_per_module=3.6, offset_px=(-260.0, -190.0)),
}
PLACES = ("Sảnh chính, tầng 1", "Khoa Khám bệnh, tầng 1")


@dataclass(frozen=True, kw_only=True)
class StagedKiosk:
    kiosk: Kiosk
    driver: Driver
    printer: SimulatedPrinter


class Stage:
    """Everything lives below `folder`; `size` is the panel of the kiosks, in pixels.

    `environment` are settings of its server. `with_banks`: fees can be paid by QR.
    """

    def __init__(
        self,
        folder: Path,
        *,
        database_url: str | None = None,
        size: tuple[int, int] = PORTRAIT,
        slide_s: float = SLIDE_S,
        environment: Mapping[str, str] | None = None,
        with_banks: bool = False,
    ) -> None:
        self._folder = folder
        self._size = size
        self._slide_s = slide_s
        self._stack = ExitStack()
        self.server = DemoServer(
            folder / "server", database_url=database_url, environment=environment
        )
        self._banks: DemoBanks | None = None
        if with_banks:
            self._banks = DemoBanks(folder / "banks", server_address=self.server.address)
            self.server.add_settings(self._banks.environment)
        self.camera = SimulatedCamera(size=(1280, 720))
        self.printers: list[SimulatedPrinter] = []

    def __enter__(self) -> Self:
        with ExitStack() as starting:
            if self._banks is not None:
                starting.enter_context(self._banks)
            starting.enter_context(self.server)
            starting.enter_context(self.camera)
            self.printers = [
                starting.enter_context(SimulatedPrinter(folder=self.ticket_folder(n)))
                for n in (1, 2)
            ]
            self._stack = starting.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def banks(self) -> DemoBanks:
        """Raises LookupError on a stage without any."""
        if self._banks is None:
            raise LookupError("nobody pays by QR on this stage")
        return self._banks

    def hold(self, persona: Persona) -> None:
        """The persona's card lies before the camera, its code well in view."""
        self.camera.show_card(
            persona.payload.encode(),
            kind=CARD_KINDS[persona.card],
            scene=SCENES.get(persona.card, Scene(rotation_deg=4.0)),
        )

    def faults(self, faults: Faults) -> None:
        write_faults(self.server.his_folder, faults)

    def build(
        self, number: int = 1, *, backend_url: str | None = None, printer: str | None = None
    ) -> Kiosk:
        """A kiosk of its own name, credential and printer, not on any window yet."""
        config = make_config(
            backend_url=backend_url or self.server.address,
            scanner=self.camera.scanner_spec,
            printer=printer or self.printers[number - 1].spec,
            enrol_code="DEMO-KIOSK",
            name=f"Kiosk {number}",
            data_dir=self._folder / f"kiosk-{number}",
            environ={"TIEPDON_PLACE_VI": PLACES[number - 1]},
        )
        return build_kiosk(config)

    def ticket_folder(self, number: int = 1) -> Path:
        """Where that kiosk's printer leaves pictures of its paper."""
        return self._folder / f"printer-{number}"

    @contextmanager
    def kiosk(self, number: int = 1, *, printer: str | None = None) -> Iterator[StagedKiosk]:
        """A kiosk in this process's window, driven by hand."""
        window = WindowConfig(
            width_px=self._size[0],
            height_px=self._size[1],
            locked=False,
            slide_s=self._slide_s,
        )
        configure(window)
        kiosk = self.build(number, printer=printer)
        driver = Driver(KioskApp(kiosk, window))
        try:
            yield StagedKiosk(kiosk=kiosk, driver=driver, printer=self.printers[number - 1])
        finally:
            driver.stop()
            kiosk.close()
