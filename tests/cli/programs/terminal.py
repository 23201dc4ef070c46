"""Runs a command on a terminal of its own and plays a person at it.

Reads one JSON object from stdin: argv, env, cwd; columns; onTerminal, which of stdin, stdout and stderr are the
terminal; files, where the others go or come from ({"stdout": path}; stdin is empty by default); script, a list of
[expect, send] pairs: when the text has been seen behind what was seen before, the keys are pressed. An entry
["", {"signal": "SIGINT", "after": 0.2}] sends a signal instead. Prints one JSON object: status, screen (all that came
to the terminal), echoes (whether the terminal showed typed keys at each expected text), seconds.
"""
import errno, fcntl, json, os, pty, select, signal, struct, sys, termios, time

spec = json.load(sys.stdin)
LIMIT = 60


def child(terminal):
    os.setsid()
    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
    for number, name in enumerate(["stdin", "stdout", "stderr"]):
        path = spec.get("files", {}).get(name, os.devnull)
        if name in spec["onTerminal"]:
            source = terminal
        elif number == 0:
            source = os.open(path, os.O_RDONLY)
        else:
            source = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(source, number)
    os.closerange(3, 256)
    os.chdir(spec["cwd"])
    os.execvpe(spec["argv"][0], spec["argv"], spec["env"])


master, slave = pty.openpty()
fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, spec.get("columns", 100), 0, 0))
started = time.monotonic()
pid = os.fork()
if pid == 0:
    try:
        child(slave)
    finally:
        os._exit(126)
os.close(slave)

screen = b""
position = 0
echoes = []
script = list(spec.get("script", []))
status = None
while True:
    if time.monotonic() - started > LIMIT:
        os.kill(pid, signal.SIGKILL)
    while script:
        expected, keys = script[0]
        found = screen.find(expected.encode(), position)
        if found < 0:
            break
        script.pop(0)
        position = found + len(expected.encode())
        if isinstance(keys, dict):
            time.sleep(keys.get("after", 0))
            os.kill(pid, getattr(signal, keys["signal"]))
        else:
            # A program shows its question and then turns the echo off, or the other way round.
            deadline = time.monotonic() + 1
            while time.monotonic() < deadline and termios.tcgetattr(master)[3] & termios.ECHO:
                time.sleep(0.01)
            echoes.append(bool(termios.tcgetattr(master)[3] & termios.ECHO))
            os.write(master, keys.encode())
    ready, _, _ = select.select([master], [], [], 0.05)
    if ready:
        try:
            data = os.read(master, 65536)
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            data = b""
        screen += data
        if data:
            continue
        if status is not None:
            break
    if status is None:
        ended, value = os.waitpid(pid, os.WNOHANG)
        if ended:
            status = os.waitstatus_to_exitcode(value)
    elif not ready:
        break

json.dump(
    {
        "status": status if status >= 0 else 128 - status,
        "screen": screen.decode("utf-8", "replace"),
        "echoes": echoes,
        "seconds": time.monotonic() - started,
        "unplayed": script,
    },
    sys.stdout,
)
