"""Pages by time, for lists that grow while somebody reads them."""

from typing import Any

from django.utils.dateparse import parse_datetime
from rest_framework.exceptions import NotFound
from rest_framework.pagination import Cursor
from rest_framework.request import Request

from chatkit.api import Pages
from chatkit.errors import InvalidRequest


class TimePages(Pages):
    """A cursor is a place in time; whatever else somebody sends as one is refused by name."""

    def decode_cursor(self, request: Request) -> Cursor | None:
        try:
            cursor = super().decode_cursor(request)
        except NotFound as exc:
            raise bad_cursor() from exc
        if cursor is not None and cursor.position is not None and not is_moment(cursor.position):
            raise bad_cursor()
        return cursor

    def get_page_size(self, request: Request) -> int | None:
        asked = request.query_params.get(str(self.page_size_query_param))
        if asked is not None and not (asked.isascii() and asked.isdigit() and 0 < int(asked[:9]) <= self.max_page_size):
            raise InvalidRequest.of({"page_size": [f"Must be a whole number from 1 to {self.max_page_size}."]})
        return super().get_page_size(request)

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        parameters = super().get_schema_operation_parameters(view)
        for parameter in parameters:
            if parameter["name"] == self.page_size_query_param:
                parameter["schema"] = {"type": "integer", "minimum": 1, "maximum": self.max_page_size}
        return parameters


def is_moment(position: object) -> bool:
    try:
        moment = parse_datetime(str(position))
    except ValueError:
        return False
    # The first and the last year do not survive a change of time zone.
    return moment is not None and moment.tzinfo is not None and 1 < moment.year < 9999


def bad_cursor() -> InvalidRequest:
    return InvalidRequest.of({"cursor": ["Use the address in `next` or `previous` as it is."]})


class RecentlyUsedFirst(TimePages):
    ordering = ("-updated_at", "-id")  # type: ignore[assignment]  # DRF takes both


class NewestFirst(TimePages):
    ordering = ("-created_at", "-id")  # type: ignore[assignment]  # DRF takes both


class OldestFirst(TimePages):
    ordering = ("created_at", "id")  # type: ignore[assignment]  # DRF takes both
