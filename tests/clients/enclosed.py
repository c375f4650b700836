"""
Runs a program where nothing can be reached but one port of loopback.

It is started by path as `enclosed.py CHANNEL PORT PROGRAM ARGUMENT…`, enters a network namespace of its own,
listens on the port there, hands the listening socket through the Unix socket CHANNEL (a file descriptor) to
whoever started it, and becomes the program. Where namespaces are forbidden, it hands over nothing and becomes
the program all the same.
"""

import ctypes
import fcntl
import os
import socket
import struct
import sys
from pathlib import Path

CLONE_NEWUSER, CLONE_NEWNET = 0x1000_0000, 0x4000_0000  # linux/sched.h
SIOCSIFFLAGS, IFF_UP = 0x8914, 0x1  # linux/sockios.h, linux/if.h


def main(channel_fd: int, port: int, command: list[str]) -> None:
    with socket.socket(fileno=channel_fd) as channel:
        try:
            enter_empty_network()
        except OSError as error:
            channel.sendall(str(error).encode())
        else:
            with socket.create_server(("127.0.0.1", port)) as listener:
                socket.send_fds(channel, [b"enclosed"], [listener.fileno()])
    os.execv(command[0], command)  # noqa: S606  its arguments are the test's


def enter_empty_network() -> None:
    """
    Raises:
        OSError: this process may not.
    """
    if os.geteuid() == 0:
        _unshare(CLONE_NEWNET)
    else:
        _unshare_as_nobody_special()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))


def _unshare_as_nobody_special() -> None:
    """Without root, a user namespace gives the right to a network namespace; ids stay what they are."""
    user, group = os.geteuid(), os.getegid()
    _unshare(CLONE_NEWUSER | CLONE_NEWNET)
    Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
    Path("/proc/self/uid_map").write_text(f"{user} {user} 1", encoding="ascii")
    Path("/proc/self/gid_map").write_text(f"{group} {group} 1", encoding="ascii")


def _unshare(flags: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(flags) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
