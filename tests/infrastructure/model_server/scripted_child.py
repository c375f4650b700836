"""A child process that behaves as its first argument says: as a model server should, or should not."""

import http.server
import json
import signal
import sys
import time
from typing import TextIO


class Health(http.server.BaseHTTPRequestHandler):
    """Answers like a server that has yet to load its model, as often as `loading_answers` says."""

    loading_answers = 0

    def do_GET(self) -> None:
        is_loading, Health.loading_answers = Health.loading_answers > 0, Health.loading_answers - 1
        self.send_response(503 if is_loading else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet."""


def serve() -> None:
    server = http.server.HTTPServer(("127.0.0.1", 0), Health)
    say(sys.stdout, json.dumps({"url": f"http://127.0.0.1:{server.server_port}"}))
    say(sys.stderr, "model loaded")
    server.serve_forever()


def main(behaviour: str) -> None:
    match behaviour:
        case "serves":
            serve()
        case "loads":
            Health.loading_answers = 3
            serve()
        case "ignores-sigterm":
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            serve()
        case "dies":
            say(sys.stderr, "cannot read the weights")
            sys.exit(3)
        case "says-nothing":
            say(sys.stderr, "still thinking")
            time.sleep(600)
        case "babbles":
            say(sys.stdout, "hello, world")
            time.sleep(600)
        case _:
            raise ValueError(f"no such behaviour: {behaviour}")


def say(stream: TextIO, line: str) -> None:
    stream.write(line + "\n")
    stream.flush()


if __name__ == "__main__":
    main(sys.argv[1])
