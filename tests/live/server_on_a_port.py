"""The gateway's own model server on a port that is known before it listens: ``OPTIONS PORT PARENT_PID``."""

import json
import sys

import xllamacpp

from infrastructure.model_server import child

if __name__ == "__main__":
    child.die_with(int(sys.argv[3]))
    child.accept_termination()
    parameters = child.server_parameters(xllamacpp, child.ModelOptions(**json.loads(sys.argv[1])))
    parameters.port = int(sys.argv[2])
    server = xllamacpp.Server(parameters)
    sys.stdin.buffer.read()
