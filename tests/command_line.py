"""Runs the command line as a process of its own, without a new interpreter for each run.

``run`` does what ``subprocess.run([*COMMAND, …])`` does. The process is forked from one that has imported everything already
and has run nothing of a test: a run costs what the command costs, and no run sees what another one left behind.
``tests/unit/cli/test_ways_to_run.py`` holds both to the same results.
"""

from __future__ import annotations

import atexit
import contextlib
import io
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import NoReturn

PROJECT = Path(__file__).resolve().parent.parent
#: The command line with an interpreter of its own: what a user starts.
COMMAND = (sys.executable, "-c", "from generator.cli import main; main()")
#: What an interpreter reads when it starts: a run that has it otherwise than this process gets one of its own.
_AT_START = ("PYTHON", "LC_", "LANG")
_ANYWAY = ("PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED")


def run(
    arguments: Sequence[str],
    *,
    cwd: str | Path | None = None,
    env: Mapping[str, str] | None = None,
    input: Any = None,  # noqa: A002 - the names of subprocess.run
    text: bool = False,
    check: bool = False,
    timeout: float = 300,
    setup: str = "",
    capture_output: bool = False,
    stdin: Any = None,
    stdout: Any = None,
    stderr: Any = None,
) -> subprocess.CompletedProcess[Any]:
    """Run ``greenroom`` with ``arguments``; the other parameters are those of ``subprocess.run``.

    ``setup`` is Python code that runs in the process before the command line does.
    """
    if capture_output:
        stdout = stderr = subprocess.PIPE
    environment = dict(os.environ if env is None else env)
    if _needs_an_interpreter(environment):
        program = [*COMMAND[:2], f"{setup}\n{COMMAND[2]}" if setup else COMMAND[2]]
        streams = {"stdout": stdout, "stderr": stderr} | ({"stdin": stdin} if input is None else {"input": input})
        return subprocess.run([*program, *arguments], cwd=cwd, env=env, text=text, check=check, timeout=timeout, **streams)
    request = {"arguments": list(arguments), "cwd": str(cwd or Path.cwd()), "environment": environment, "setup": setup}
    with contextlib.ExitStack() as files:
        # Files in place of pipes: nobody has to read while the command writes.
        ends = [files.enter_context(tempfile.TemporaryFile()) for _ in range(3)]
        if input is not None:
            ends[0].write(input.encode() if isinstance(input, str) else input)
            ends[0].seek(0)
        numbers = [
            ends[0].fileno() if input is not None else _number(stdin, ends[0].fileno(), 0),
            out := _number(stdout, ends[1].fileno(), 1),
            out if stderr == subprocess.STDOUT else _number(stderr, ends[2].fileno(), 2),
        ]
        code = _prepared().run(request, numbers, timeout)
        said: list[Any] = []
        for stream, end in ((stdout, ends[1]), (stderr, ends[2])):
            end.seek(0)
            content = end.read() if stream == subprocess.PIPE else None
            said.append(content if content is None or not text else content.decode().replace("\r\n", "\n"))
    done = subprocess.CompletedProcess(["greenroom", *arguments], code, *said)
    if check:
        done.check_returncode()
    return done


def default_signals() -> None:
    """In a new process, before its program starts: it ignores nothing of what this one does (``nohup``, ``&``)."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)


def _needs_an_interpreter(environment: Mapping[str, str]) -> bool:
    return any(
        name.startswith(_AT_START) and name not in _ANYWAY and os.environ.get(name) != value
        for name, value in environment.items()
    )


def _number(stream: Any, pipe: int, inherited: int) -> int:
    """The file descriptor for what ``subprocess.run`` takes as a stream."""
    if stream is None:
        return inherited
    if stream == subprocess.PIPE:
        return pipe
    if stream == subprocess.DEVNULL:
        return _NOTHING
    return stream if isinstance(stream, int) else int(stream.fileno())


_NOTHING = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)


# --- the process that everything is forked from ---------------------------------------------------------------------------


class _Prepared:
    """A process that has imported the command line, and forks itself for every run."""

    def __init__(self) -> None:
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.owner = os.getpid()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, str(Path(__file__)), str(theirs.fileno())],
                cwd="/",
                env={**os.environ, "PYTHONPATH": os.pathsep.join([str(PROJECT), os.environ.get("PYTHONPATH", "")])},
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )
        atexit.register(self.close)
        assert self._control.recv(16) == b"ready", "the command line cannot be imported"

    def run(self, request: dict[str, Any], streams: list[int], timeout: float) -> int:
        """Run the command line on three file descriptors; its exit code, negative for the signal that killed it."""
        answers, theirs = socket.socketpair()
        with answers:
            with theirs, tempfile.TemporaryFile() as text:
                text.write(json.dumps(request).encode())
                text.seek(0)
                socket.send_fds(self._control, [b"run"], [text.fileno(), theirs.fileno(), *streams])
            answers.settimeout(timeout)
            lines = answers.makefile()
            process = int(lines.readline())
            try:
                return int(lines.readline())
            except BaseException as error:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
                if isinstance(error, TimeoutError):
                    raise subprocess.TimeoutExpired(["greenroom", *request["arguments"]], timeout) from None
                raise

    def close(self) -> None:
        if self.owner == os.getpid():
            self._control.close()
            self._process.wait(30)


_PREPARED: list[_Prepared] = []


def _prepared() -> _Prepared:
    """One such process for every process that runs tests, started for the first run."""
    if not _PREPARED or _PREPARED[0].owner != os.getpid():
        _PREPARED[:] = [_Prepared()]
    return _PREPARED[0]


def _serve(control: socket.socket) -> None:
    _import_everything()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the parent of a run waits for it, and nobody waits for that parent
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it ends when the process ends that started it
    control.send(b"ready")
    while True:
        message, files, _, _ = socket.recv_fds(control, 16, 5)
        if not message:
            return
        if os.fork() == 0:
            control.close()
            _wait_for_a_run(files)
        for file in files:
            os.close(file)


def _import_everything() -> None:
    """Every module of the command line; and each kind of template compiled, which a wheel has ready-made."""
    import gc
    from importlib import import_module

    import generator
    from generator.cli.app import COMMANDS, run

    for name in COMMANDS:
        import_module(f"generator.cli.{name.replace('-', '_')}")
    package = Path(generator.__file__).parent
    for path in sorted(package.rglob("*.py")):
        if not {"compiled-templates", "functions"} & set(path.relative_to(package).parts):
            with contextlib.suppress(ImportError):
                import_module(".".join(path.relative_to(package.parent).with_suffix("").parts).removesuffix(".__init__"))
    with tempfile.TemporaryDirectory() as folder, Path(os.devnull).open("w") as nothing:
        for name in ("quickstart", "mysql", "aws-rds"):
            arguments = ["generate", "--root", str(PROJECT / "examples" / name), "--out", f"{folder}/{name}"]
            with contextlib.redirect_stdout(nothing), contextlib.redirect_stderr(nothing):
                run(arguments)
    gc.collect()
    gc.freeze()


def _wait_for_a_run(files: list[int]) -> NoReturn:
    """Fork the run, and tell its process id, and how it ended."""
    request, answers, *streams = files
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    process = os.fork()
    if process == 0:
        os.close(answers)
        _run(json.loads(Path(f"/dev/fd/{request}").read_bytes()), streams)
    os.write(answers, f"{process}\n".encode())
    _, status = os.waitpid(process, 0)
    with contextlib.suppress(BrokenPipeError):
        os.write(answers, f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os._exit(0)


def _run(request: dict[str, Any], streams: list[int]) -> NoReturn:
    """What an interpreter does with ``-c``: from the environment to the exit code."""
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    os.closerange(3, 256)
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["environment"])
    tempfile.tempdir = None  # as it has not been asked for yet
    through = bool(os.environ.get("PYTHONUNBUFFERED"))
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        at_start = getattr(sys, f"__{name}__")
        stream = io.TextIOWrapper(
            io.BufferedReader(io.FileIO(0, closefd=False))
            if number == 0
            else io.BufferedWriter(io.FileIO(number, "w", closefd=False)),
            encoding=at_start.encoding,
            errors=at_start.errors,
            line_buffering=number == 2 or os.isatty(number),
            write_through=through and number > 0,
        )
        setattr(sys, name, stream)
    sys.argv = ["-c", *request["arguments"]]
    code: Any = 0
    try:
        exec(request["setup"], {"__name__": "__main__"})
        from generator.cli import main

        main()
    except SystemExit as end:
        code = end.code
    except BaseException:
        traceback.print_exc()
        code = 1
    if code is not None and not isinstance(code, int):
        print(code, file=sys.stderr)
        code = 1
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        code = 120  # as an interpreter that cannot say its last words
    os._exit((code or 0) & 0xFF)


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))
