"""One HIS made of several systems. docs/how-to/his-compose.md says how and what is not supported."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from importlib.metadata import version as package_version
from typing import Any

from his_adapter.compose.config import READ, RESULTS, ComposeConfig, read_settings
from his_adapter.compose.routing import foreign_order, foreign_report, split_ref, worst
from his_adapter.errors import HisError, NotFound, NotSupported
from his_adapter.models import (
    Capabilities,
    Feature,
    Health,
    Order,
    OrderStatus,
    Page,
    Ref,
    Report,
    ReportContent,
    ReportKind,
)
from his_adapter.partial import PartialGateway
from his_adapter.ports import DEFAULT_LIMIT, HisGateway
from his_adapter.registry import open_gateway as open_member

_ORDERED_BEFORE = timedelta(days=90)
_OWN = RESULTS | {Feature.LIST_ORDERS}


class ComposedGateway(PartialGateway):
    """Each feature is asked of the member it is routed to; a member that cannot is not declared."""

    def __init__(self, config: ComposeConfig, members: Mapping[str, HisGateway]) -> None:
        self._config = config
        self._members = dict(members)
        for feature in Feature:
            if feature not in _OWN:
                (name,) = config.route(feature)
                setattr(self, feature.value, getattr(self._members[name], feature.value))

    def capabilities(self) -> Capabilities:
        """Facility and version are those of `read`."""
        declared = {name: member.capabilities() for name, member in self._members.items()}
        first = declared[READ]
        others = "+".join(declared[name].adapter for name in self._members)
        return Capabilities(
            features=frozenset(
                feature
                for feature in Feature
                if any(feature in declared[name].features for name in self._config.route(feature))
            ),
            facility=first.facility,
            max_limit=min(item.max_limit for item in declared.values()),
            adapter=f"compose({others})",
            adapter_version=package_version("tiepdon"),
            his_version=first.his_version,
            wants_person=any(
                declared[name].wants_person for name in self._config.route(Feature.CHECK_IN)
            ),
        )

    def health(self) -> Health:
        return worst((name, member.health()) for name, member in self._members.items())

    def close(self) -> None:
        for member in self._members.values():
            member.close()

    # --- what may come from a member with people of its own

    def list_orders(
        self,
        patient: Ref,
        since: datetime,
        *,
        statuses: frozenset[OrderStatus] = frozenset(OrderStatus),
        limit: int = DEFAULT_LIMIT,
    ) -> Page[Order]:
        (name,) = self._config.route(Feature.LIST_ORDERS)
        asked = self._as_known_to(name, patient)
        if asked is None:
            return Page(items=(), complete=True)
        page = self._members[name].list_orders(asked, since, statuses=statuses, limit=limit)
        if not self._is_foreign(name):
            return page
        orders = [foreign_order(item, name, asked=asked, patient=patient) for item in page.items]
        return Page(items=tuple(orders), complete=page.complete)

    def list_reports(
        self,
        patient: Ref,
        since: datetime,
        *,
        kinds: frozenset[ReportKind] = frozenset(ReportKind),
        limit: int = DEFAULT_LIMIT,
    ) -> Page[Report]:
        """Of all members, the latest first. One member that is away fails the whole: a list that
        looks whole and is not would hide a result.
        """
        pages = [
            self._reports_of(name, patient, since, kinds, limit)
            for name in self._able(Feature.LIST_REPORTS)
        ]
        found = sorted(
            (report for page in pages for report in page.items),
            key=lambda report: (report.issued_at, report.ref),
            reverse=True,
        )
        complete = all(page.complete for page in pages) and len(found) <= limit
        return Page(items=tuple(found[:limit]), complete=complete)

    def read_report_part(self, ref: Ref, part: str, *, patient: Ref) -> ReportContent:
        able = self._able(Feature.READ_REPORT_PART)
        foreign = [name for name in able if name != able[0] or self._is_foreign(name)]
        name, own_ref = split_ref(ref, foreign)
        if name is None:
            name = next((item for item in able if item not in foreign), None)
        asked = None if name is None else self._as_known_to(name, patient)
        if name is None or asked is None:
            raise NotFound("no such report of this patient")
        return self._members[name].read_report_part(own_ref, part, patient=asked)

    # --- inside

    def _reports_of(
        self,
        name: str,
        patient: Ref,
        since: datetime,
        kinds: frozenset[ReportKind],
        limit: int,
    ) -> Page[Report]:
        asked = self._as_known_to(name, patient)
        if asked is None:
            return Page(items=(), complete=True)
        page = self._members[name].list_reports(asked, since, kinds=kinds, limit=limit)
        first = self._able(Feature.LIST_REPORTS)[0]
        if name == first and not self._is_foreign(name):
            return page
        if self._config.all_members()[name].orders is None:
            found = [
                foreign_report(item, name, asked=asked, patient=patient) for item in page.items
            ]
        else:
            done = self._done_by_accession(patient, since)
            found = [
                foreign_report(item, name, asked=asked, patient=patient, order=done[item.order])
                for item in page.items
                if item.order is not None and item.order in done
            ]
        return Page(items=tuple(found), complete=page.complete)

    def _done_by_accession(self, patient: Ref, since: datetime) -> dict[str, Order]:
        """Orders the HIS calls completed, by accession number, from a while before `since`."""
        page = self.list_orders(
            patient,
            since - _ORDERED_BEFORE,
            statuses=frozenset({OrderStatus.COMPLETED}),
            limit=self.capabilities().max_limit,
        )
        return {order.accession: order for order in page.items if order.accession}

    def _able(self, feature: Feature) -> list[str]:
        """Members of the route that declare it. Raises NotSupported when none does."""
        able = [
            name
            for name in self._config.route(feature)
            if feature in self._members[name].capabilities().features
        ]
        if not able:
            raise NotSupported(feature)
        return able

    def _is_foreign(self, name: str) -> bool:
        return self._config.all_members()[name].patients is not None

    def _as_known_to(self, name: str, patient: Ref) -> Ref | None:
        """The reference itself, or the number this member knows the patient by; None: has none.

        Read afresh each time: a number may have been added, a record merged. Raises NotFound.
        """
        kind = self._config.all_members()[name].patients
        if kind is None:
            return patient
        number = self._members[READ].read_patient(patient).find_identifier(kind)
        return None if number is None else Ref(number)


def open_gateway(settings: Mapping[str, Any]) -> HisGateway:
    """Raises GatewayMisconfigured, also for settings of a member; then none stays open."""
    config = read_settings(settings)
    opened: dict[str, HisGateway] = {}
    try:
        for name, member in config.all_members().items():
            opened[name] = open_member(member.adapter, member.settings)
    except HisError:
        for gateway in opened.values():
            gateway.close()
        raise
    return ComposedGateway(config, opened)
