"""The headers every answer carries, and answers that can be told apart from the last one."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping
from datetime import datetime
from email.utils import format_datetime

from starlette.requests import Request
from starlette.responses import Response

from aggregator.outputs.files import Published
from aggregator.web.negotiation import accepts_gzip, matching_tag, unchanged_since

SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; img-src https: http:; style-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


def answer(
    request: Request,
    body: bytes,
    media_type: str,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A response with the security headers; to HEAD, one without its body."""
    all_headers = {
        **SECURITY_HEADERS,
        "Content-Type": media_type,
        "Content-Length": str(len(body)),
        **(headers or {}),
    }
    return Response(b"" if request.method == "HEAD" else body, status, all_headers)


def plain(request: Request, text: str, status: int = 200) -> Response:
    """A line for machines, never cached."""
    return answer(
        request,
        f"{text}\n".encode(),
        "text/plain; charset=utf-8",
        status,
        {"Cache-Control": "no-store"},
    )


def redirect(request: Request, url: str) -> Response:
    """To where the same thing is from now on."""
    return answer(
        request,
        b"",
        "text/plain; charset=utf-8",
        301,
        {"Location": url, "Cache-Control": "public, max-age=3600"},
    )


def made_now(body: bytes) -> tuple[bytes, bytes, str]:
    """A body that lies in no file: itself, its gzip form and its entity tag."""
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    return body, gzip.compress(body, mtime=0), tag


def cacheable(
    request: Request,
    forms: tuple[bytes, bytes, str],
    media_type: str,
    max_age: int,
    last_modified: datetime | None = None,
) -> Response:
    """One of the forms of a body, plain or gzip, or 304 if the client has one of them.

    `forms` are the plain one, the gzip one and the plain one's entity tag. `max_age` is in
    seconds.
    """
    body, compressed, plain_tag = forms
    gzip_tag = f'{plain_tag[:-1]}-gzip"'
    zipped = accepts_gzip(request.headers.get("Accept-Encoding", ""))
    tag, other = (gzip_tag, plain_tag) if zipped else (plain_tag, gzip_tag)
    headers = {"Vary": "Accept-Encoding", "Cache-Control": f"public, max-age={max_age}"}
    if last_modified is not None:
        headers["Last-Modified"] = format_datetime(last_modified, usegmt=True)
    known = _known_tag(request, tag, other, last_modified)
    if known is not None:
        return Response(status_code=304, headers={**SECURITY_HEADERS, **headers, "ETag": known})
    headers["ETag"] = tag
    if zipped:
        headers["Content-Encoding"] = "gzip"
    return answer(request, compressed if zipped else body, media_type, headers=headers)


def published(request: Request, file: Published, max_age: int) -> Response:
    """A published file as it lies on disk."""
    forms = (file.body, file.gzipped, file.etag)
    media_type = f"{file.media_type}; charset=utf-8"
    return cacheable(request, forms, media_type, max_age, file.last_modified)


def _known_tag(
    request: Request, tag: str, other: str, last_modified: datetime | None
) -> str | None:
    """The tag of the form that the client has and need not be sent again."""
    if_none_match = ", ".join(request.headers.getlist("If-None-Match"))
    if if_none_match:
        # A date beside it says less and is not looked at (RFC 9110, 13.1.3).
        return matching_tag(if_none_match, (tag, other))
    since = request.headers.get("If-Modified-Since", "")
    if since and last_modified is not None and unchanged_since(since, last_modified):
        return tag
    return None
