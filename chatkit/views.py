"""API views that wait without holding a thread."""

from inspect import isawaitable
from typing import Any

from asgiref.sync import sync_to_async
from django.http import HttpRequest
from rest_framework.permissions import SAFE_METHODS
from rest_framework.response import Response
from rest_framework.views import APIView


class AsyncAPIView(APIView):
    """An API view whose handlers are coroutines, for work that must not hold a thread while it waits."""

    async def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Response:  # type: ignore[override]
        self.args, self.kwargs = args, kwargs
        self.request = self.initialize_request(request, *args, **kwargs)
        self.headers = self.default_response_headers
        try:
            # Authentication, permissions and the body may ask the database or the disk: one hop for all of them.
            await sync_to_async(self.prepare)(*args, **kwargs)
            handler = getattr(self, str(request.method).lower(), self.http_method_not_allowed)
            answer = handler(self.request, *args, **kwargs)
            response = await answer if isawaitable(answer) else answer
        except Exception as exc:  # the boundary of a request, as in DRF's own dispatch
            response = self.handle_exception(exc)
        self.response = self.finalize_response(self.request, response, *args, **kwargs)
        return self.response

    def prepare(self, *args: Any, **kwargs: Any) -> None:
        self.initial(self.request, *args, **kwargs)
        if self.request.method not in SAFE_METHODS:
            _ = self.request.data
