"""The app: pages over the answers of the service; it holds no data of its own."""

from flask import Flask, Response

from frontend import api, charts, errors, evidence, filters, live_events
from frontend.http import security
from frontend.live import page
from frontend.pages import MENU, PAGES
from frontend.settings import FrontendSettings
from greyhound_client import Unreadable


def create_app(settings: FrontendSettings | None = None) -> Flask:
    """Return the front end; it starts whether the service is up or not."""
    settings = settings or FrontendSettings()
    app = Flask(__name__)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.config["SEND_FILE_MAX_AGE_DEFAULT"] = 3600
    for part in (security, errors, filters, evidence, charts):
        part.install(app)
    api.install(app, settings)
    live_events.install(app, settings)
    for blueprint in PAGES:
        app.register_blueprint(blueprint)

    @app.context_processor
    def _what_every_page_shows() -> dict[str, object]:
        return {
            "menu": MENU,
            "settings": settings,
            "status_if_up": api.status_if_up,
            "status_error": api.status_error,
            "is_understood": lambda: not isinstance(api.status_error(), Unreadable),
        }

    @app.get("/state")
    def state() -> Response:
        """Return the line at the top of every page: which version serves, and what is wrong."""
        return page("state.html")

    @app.get("/health")
    def health() -> tuple[str, dict[str, str]]:
        """Answer while the front end itself is up, whatever the service does."""
        return "up\n", {"Content-Type": "text/plain"}

    return app
