"""
A toy of a lab server: it repeats what it is told, and calls the first tool that it is offered.

``python -m acme_lab.toy 9009`` serves it on 127.0.0.1.
"""

import json
import sys
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PACE_S = 0.01
"""How long it thinks about a word."""


def answer(question: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The lines of its answer. Every word counts for a token."""
    heard = [turn.get("says", "") for turn in question["turns"]]
    read = sum(len(words.split()) for words in heard)
    tools = question["tools"]
    if tools and question["turns"][-1]["who"] != "tool":
        wanted = tools[0]["takes"].get("required", ())
        yield {"call": tools[0]["name"], "with": dict.fromkeys(wanted, "Rome")}
        yield {"end": "calls", "read": read, "wrote": 1}
        return
    words = f"The {question['room']} room heard: {heard[-1]}".split()
    for index, word in enumerate(words):
        yield {"say": word if index == 0 else f" {word}"}
    yield {"end": "said", "read": read, "wrote": len(words)}


class Toy(BaseHTTPRequestHandler):
    """Answers at ``/ask``; it closes the connection after each answer."""

    def do_POST(self) -> None:
        question = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.send_response(200)
        self.send_header("content-type", "application/x-ndjson")
        self.end_headers()
        for line in answer(question):
            self.wfile.write(json.dumps(line).encode() + b"\n")
            time.sleep(PACE_S)

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


def main() -> None:
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Toy).serve_forever()


if __name__ == "__main__":
    main()
