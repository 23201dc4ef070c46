# An Ethernet switch in user space between the interfaces named in argv: it learns who is behind which, and delays, loses
# or cuts what goes between two of them as stdin says, one JSON object a line:
#   {"delay_ms": 50, "loss": 0.02, "cut": [["p0", "p1"], …], "seed": 1}
# Kernels of small machines and containers have no netem; this needs nothing but packet sockets.
import heapq
import json
import random
import selectors
import socket
import sys
import time

ETH_P_ALL = 3
SOL_PACKET = 263
PACKET_IGNORE_OUTGOING = 23
MOST_QUEUED = 20_000


def main(names):
    ports = {}
    selector = selectors.DefaultSelector()
    for name in names:
        port = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        port.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        port.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
        port.bind((name, 0))
        port.setblocking(False)
        ports[name] = port
        selector.register(port, selectors.EVENT_READ, name)
    selector.register(sys.stdin, selectors.EVENT_READ, None)
    state = {"delay_ms": 0, "loss": 0, "cut": []}
    chance = random.Random(1)
    behind = {}
    queue = []
    order = 0

    def send(target, frame):
        try:
            ports[target].send(frame)
        except OSError:
            pass  # full or down: lost, as on a wire

    def forward(source, frame):
        nonlocal order
        behind[frame[6:12]] = source
        known = behind.get(frame[0:6])
        targets = [known] if known else [name for name in names if name != source]
        for target in targets:
            if target == source or [source, target] in state["cut"]:
                continue
            if chance.random() < state["loss"] or len(queue) > MOST_QUEUED:
                continue
            if state["delay_ms"] == 0:
                send(target, frame)
                continue
            order += 1
            heapq.heappush(queue, (time.monotonic() + state["delay_ms"] / 1000, order, target, frame))

    print("ready", flush=True)
    while True:
        wait = max(0, queue[0][0] - time.monotonic()) if queue else None
        for key, _ in selector.select(wait):
            if key.data is None:
                line = sys.stdin.readline()
                if line == "":
                    return
                state.update(json.loads(line))
                chance.seed(state.get("seed", 1))
                print("done", flush=True)
                continue
            for _ in range(64):
                try:
                    forward(key.data, key.fileobj.recv(65_536))
                except BlockingIOError:
                    break
                except OSError:
                    break
        while queue and queue[0][0] <= time.monotonic():
            _, _, target, frame = heapq.heappop(queue)
            send(target, frame)


main(sys.argv[1:])
