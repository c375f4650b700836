"""
The program that runs inside the child process: llama.cpp's HTTP server over one model file.

It is started by path, knows nothing of the gateway but its pid, and needs only the standard library and
xllamacpp. It prints one line of JSON, `{"url": …}`, on stdout once the model is loaded, writes everything
else to stderr, and ends when its stdin closes.
"""

import ctypes
import json
import math
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, TextIO

PR_SET_PDEATHSIG = 1
"""prctl(2): the signal this process gets when the thread that started it ends."""

NICENESS = 5
"""The gateway relays streams of other providers too; the model must not starve it."""

PROMPT_CACHE_MIB = 64
"""
Keeps one other prompt (about 2800 tokens) warm, for a client that asks for a title beside its long
conversation. The library's own limit is 8 GiB.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelOptions:
    """What the child serves. Travels to it as JSON, so the members are plain values."""

    weights: str
    """Path of the GGUF file."""
    alias: str = "smollm2-135m"
    context_tokens: int = 8192
    """SmolLM2's whole window; its key-value store takes 23 KB a token."""
    threads: int | None = None
    """
    One core is left to others unless said: its threads wait for one another by spinning, so that a core which
    somebody else takes makes the model several times slower.
    """
    chat_template: str | None = None
    """Path of a Jinja file to use instead of the model's own template, which knows no tools."""
    template_arguments: Mapping[str, str | bool] = field(default_factory=dict)
    """Given to the chat template unless the request's `chat_template_kwargs` say otherwise."""
    sleep_after_s: int = 300
    """Idle time after which the model leaves memory until the next request; -1 for never."""


def serve(options: ModelOptions, parent_pid: int) -> None:
    """Load the model, announce the address, serve until stdin closes. Does not return."""
    die_with(parent_pid)
    accept_termination()
    announcements = take_stdout()
    os.nice(NICENESS)
    # Untyped, and only here: the gateway itself must run where the extra is not installed.
    llama: Any = import_module("xllamacpp")
    server = llama.Server(server_parameters(llama, options))  # returns when the model is loaded
    print(json.dumps({"url": server.listening_address}), file=announcements, flush=True)
    sys.stdin.buffer.read()
    os._exit(0)  # the C++ destructors would wait for requests whose reader is gone


def die_with(parent_pid: int) -> None:
    """
    Ask the kernel to kill this process when its parent ends, however it ends.

    Only Linux can; elsewhere the closed stdin says it, as soon as the model is loaded.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, ctypes.c_ulong(signal.SIGKILL), 0, 0, 0)
    if os.getppid() != parent_pid:  # it died before the call above
        os._exit(0)


def accept_termination() -> None:
    """Undo what a parent's ignored or blocked signals would hand down through exec."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def take_stdout() -> TextIO:
    """Keep stdout for the announcement: whatever the library prints from now on goes to stderr."""
    announcements = os.dup(1)
    os.dup2(2, 1)
    return os.fdopen(announcements, "w")


def server_parameters(llama: Any, options: ModelOptions) -> Any:
    """The library's parameters: loopback, a port from the kernel, nothing but the API, little memory."""
    parameters = llama.CommonParams()
    parameters.model.path = options.weights
    parameters.model_alias = {options.alias}
    parameters.hostnames, parameters.port = ["127.0.0.1"], 0
    parameters.offline, parameters.ui, parameters.endpoint_slots = True, False, False
    parameters.cors_origins = ""  # a web page in the owner's browser has no business here
    parameters.n_ctx = options.context_tokens
    # One request at a time. Two slots that share the window fail both with "Context size has been exceeded"
    # (500) once their sum outgrows it, and a second whole window costs another 190 MB.
    parameters.n_parallel = 1
    parameters.cache_ram_mib = PROMPT_CACHE_MIB
    parameters.sleep_idle_seconds = options.sleep_after_s
    parameters.warmup = False
    threads = options.threads or max(1, available_cores() - 1)
    parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = threads
    if options.chat_template is not None:
        parameters.chat_template = Path(options.chat_template).read_text(encoding="utf-8")
    parameters.default_template_kwargs = {
        name: json.dumps(value) for name, value in options.template_arguments.items()
    }
    return parameters


def available_cores(quota_file: Path = Path("/sys/fs/cgroup/cpu.max")) -> int:
    """The cores this process may use: its affinity, and no more than the container's CPU quota."""
    allowed = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    try:
        quota_us, period_us = quota_file.read_text(encoding="ascii").split()
        return max(1, min(allowed, math.ceil(int(quota_us) / int(period_us))))
    except (OSError, ValueError):  # no cgroup v2 here, or the quota is "max"
        return allowed


if __name__ == "__main__":
    serve(ModelOptions(**json.loads(sys.argv[1])), parent_pid=int(sys.argv[2]))
