"""Stops one thread of a process, as no signal can: SIGSTOP stops them all."""

import ctypes
import os
import pathlib

PTRACE_SEIZE = 0x4206
PTRACE_INTERRUPT = 0x4207
WALL = 0x40000000

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
libc.ptrace.restype = ctypes.c_long


def ptrace(request, tid):
    if libc.ptrace(request, tid, None, None) != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"ptrace({request:#x}): {os.strerror(error)}")


def freeze_thread(pid, name):
    """Stops the thread of that name until its process ends. Gives its id, for bury()."""
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        if (task / "comm").read_text().strip() == name:
            tid = int(task.name)
            ptrace(PTRACE_SEIZE, tid)
            ptrace(PTRACE_INTERRUPT, tid)
            os.waitpid(tid, WALL)
            return tid
    raise AssertionError(f"process {pid} has no thread {name}")


def bury(tid):
    """Waits for the end of a frozen thread, of which this process is told first."""
    while True:
        _, status = os.waitpid(tid, WALL)
        if os.WIFSIGNALED(status) or os.WIFEXITED(status):
            return
        libc.ptrace(7, tid, None, None)  # PTRACE_CONT: on to its end
