"""A server of the playground that only this machine can reach."""

from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

from gen_models.errors import UserError
from gen_models.playground.site import INDEX, Site

HOST = "127.0.0.1"
PORTS = 20  # number of ports to try, from the wanted one on

KINDS = {".html": "text/html", ".js": "text/javascript", ".css": "text/css"}  # by suffix

# The page may load only its own files, workers and WebAssembly; the last two train. Cross-origin
# isolation gives the page threads.
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self' blob:; "
        "style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


def server(site: Site, port: int) -> ThreadingHTTPServer:
    """A server of the site at `port` or the first free port after it; `serve_forever` runs it.
    Raises UserError if none of PORTS ports is free."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.answer(with_body=True)

        def do_HEAD(self) -> None:
            self.answer(with_body=False)

        def answer(self, *, with_body: bool) -> None:
            name = unquote(urlsplit(self.path).path).lstrip("/") or INDEX
            status, kind = HTTPStatus.OK, KINDS.get(Path(name).suffix, "application/octet-stream")
            try:
                body = site.files[name]() if name in site.files else None
            except (UserError, OSError) as error:
                status, kind = HTTPStatus.SERVICE_UNAVAILABLE, "text/plain; charset=utf-8"
                body = str(error).encode()
            if body is None:
                status, kind, body = HTTPStatus.NOT_FOUND, "text/plain", b"no such file"
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            for header, value in HEADERS.items():
                self.send_header(header, value)
            try:
                self.end_headers()
                if with_body:
                    self.wfile.write(body)
            except ConnectionError:  # the page was left
                self.close_connection = True

        def log_message(self, format: str, *values: object) -> None:
            """Requests are not logged."""

    for candidate in range(port, min(port + PORTS, 2**16)):
        try:
            http_server = ThreadingHTTPServer((HOST, candidate), Handler)
        except OSError:
            continue
        http_server.daemon_threads = True  # Ctrl-C does not wait for a browser
        return http_server
    raise UserError(f"no port from {port} to {port + PORTS - 1} is free; name another with --port")


def address(http_server: ThreadingHTTPServer) -> str:
    """URL of the page."""
    return f"http://{HOST}:{http_server.server_address[1]}/"
