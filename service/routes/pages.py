"""``/docs`` and ``/redoc``: FastAPI's pages, under a policy that lets their own scripts run and no others."""

import base64
import hashlib
import re

from fastapi import APIRouter, Request
from fastapi.openapi.docs import get_redoc_html, get_swagger_ui_html
from fastapi.responses import HTMLResponse

router = APIRouter(include_in_schema=False)
_SCRIPT = re.compile(r"<script>(.*?)</script>", re.S)
_CDN = "https://cdn.jsdelivr.net"


@router.get("/docs")
async def docs(request: Request) -> HTMLResponse:
    """Show the API with forms to try it."""
    page = get_swagger_ui_html(openapi_url=_description(request), title=request.app.title)
    return _under_policy(page)


@router.get("/redoc")
async def redoc(request: Request) -> HTMLResponse:
    """Show the API as a page to read."""
    page = get_redoc_html(openapi_url=_description(request), title=request.app.title, with_google_fonts=False)
    return _under_policy(page)


def _description(request: Request) -> str:
    return f"{request.scope.get('root_path', '').rstrip('/')}{request.app.openapi_url}"


def _under_policy(page: HTMLResponse) -> HTMLResponse:
    """Allow the page's own inline script by its hash, and the bundle from where FastAPI takes it."""
    scripts = _SCRIPT.findall(bytes(page.body).decode())
    hashes = (base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts)
    allowed = "".join(f" 'sha256-{digest}'" for digest in hashes)
    page.headers["Content-Security-Policy"] = "; ".join(
        (
            "default-src 'none'",
            f"script-src {_CDN}{allowed}",
            f"style-src {_CDN} 'unsafe-inline'",  # both bundles style what they draw
            "img-src 'self' data: https://fastapi.tiangolo.com https://cdn.redoc.ly",
            "font-src data:",
            "connect-src 'self'",
            "worker-src blob:",  # ReDoc's search
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    )
    return page
