"""``/docs`` and ``/redoc``: the API to try and to read, drawn by scripts that the service itself serves.

Swagger UI and ReDoc come from the files of the package ``fastapi-offline``, so the pages need no network; the
policy of the pages lets them load from here and run no script but those.
"""

import base64
import hashlib
import re
from functools import cache
from importlib import metadata, resources

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.openapi.docs import get_redoc_html, get_swagger_ui_html
from fastapi.responses import HTMLResponse, RedirectResponse

router = APIRouter(include_in_schema=False)
VERSION = metadata.version("fastapi-offline")
MEDIA_TYPES = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "redoc.standalone.js": "text/javascript",
    "icon.svg": "image/svg+xml",
}
_ICON = b"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" \
fill="#0f5fc2"/><path d="M6 22V10h4v12zm8 0v-8h4v8zm8 0v-5h4v5z" fill="#fff"/></svg>"""
# ReDoc would load a logo from its makers' server.
_LOGO, _NO_LOGO = b"https://cdn.redoc.ly/redoc/logo-mini.svg", b"data:image/svg+xml,"
_SCRIPT = re.compile(r"<script>(.*?)</script>", re.S)


@router.get("/")
async def root(request: Request) -> RedirectResponse:
    """Redirect to the page of the API."""
    return RedirectResponse(_under_root(request, "/docs"))


@router.get("/docs")
async def docs(request: Request) -> HTMLResponse:
    """Show the API with forms to try it."""
    page = get_swagger_ui_html(
        openapi_url=_under_root(request, request.app.openapi_url),
        title=request.app.title,
        swagger_js_url=_asset_url(request, "swagger-ui-bundle.js"),
        swagger_css_url=_asset_url(request, "swagger-ui.css"),
        swagger_favicon_url=_asset_url(request, "icon.svg"),
        swagger_ui_parameters={"tryItOutEnabled": True, "displayRequestDuration": True},
    )
    return _under_policy(page)


@router.get("/redoc")
async def redoc(request: Request) -> HTMLResponse:
    """Show the API as a page to read."""
    page = get_redoc_html(
        openapi_url=_under_root(request, request.app.openapi_url),
        title=request.app.title,
        redoc_js_url=_asset_url(request, "redoc.standalone.js"),
        redoc_favicon_url=_asset_url(request, "icon.svg"),
        with_google_fonts=False,
    )
    return _under_policy(page)


@router.get("/docs/assets/{version}/{name}")
async def asset(version: str, name: str) -> Response:
    """Return a file that the pages load; its address has its version, so browsers may cache it for good."""
    if version != VERSION or name not in MEDIA_TYPES:
        raise HTTPException(404, headers={"Cache-Control": "no-store"})
    headers = {"Cache-Control": "public, max-age=31536000, immutable"}
    return Response(_content(name), media_type=MEDIA_TYPES[name], headers=headers)


@cache
def _content(name: str) -> bytes:
    if name == "icon.svg":
        return _ICON
    file = resources.files("fastapi_offline") / "static" / name
    return file.read_bytes().replace(_LOGO, _NO_LOGO)


def _asset_url(request: Request, name: str) -> str:
    return _under_root(request, f"/docs/assets/{VERSION}/{name}")


def _under_root(request: Request, path: str) -> str:
    return f"{request.scope.get('root_path', '')}{path}"


def _under_policy(page: HTMLResponse) -> HTMLResponse:
    """Allow what the service serves and the page's own inline script, by its hash."""
    scripts = _SCRIPT.findall(bytes(page.body).decode())
    hashes = (base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts)
    allowed = "".join(f" 'sha256-{digest}'" for digest in hashes)
    page.headers["Content-Security-Policy"] = "; ".join(
        (
            "default-src 'none'",
            f"script-src 'self'{allowed}",
            "style-src 'self' 'unsafe-inline'",  # both bundles style what they draw
            "img-src 'self' data:",
            "font-src data:",
            "connect-src 'self'",
            "worker-src blob:",  # ReDoc's search
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    )
    return page
