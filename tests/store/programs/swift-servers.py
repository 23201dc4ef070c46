# OpenStack Swift on loopback in one process: account, container, object and proxy server, each on a port of its own,
# one replica on one folder. Tells `{"port": N}` once it listens; ends, and removes the folder, when its stdin does, be it
# that who started it was killed.
#   python3 swift-servers.py FOLDER ACCESS-KEY SECRET-KEY
import eventlet

eventlet.patcher.monkey_patch()

import json
import os
import shutil
import sys
from time import time as now

from eventlet import wsgi
from eventlet.hubs import trampoline
from swift.common import utils
from swift.common.ring import RingBuilder
from swift.common.storage_policy import reload_storage_policies
from swift.common.wsgi import SwiftHttpProtocol, loadapp

STORES = ("account", "container", "object")
ADDRESS = "127.0.0.1"

# A server may take as long as a busy machine takes: what it gives up after a second it would make good later,
# by daemons that do not run here.
PATIENCE = {"object": "container_update_timeout = 60", "container": "", "account": ""}

STORE = """[DEFAULT]
swift_dir = {folder}
devices = {folder}/devices
mount_check = false
fallocate_reserve = 0
disable_fallocate = true
log_address = {folder}/no-log
[pipeline:main]
pipeline = {name}-server
[app:{name}-server]
use = egg:swift#{name}
{patience}
"""

FILTERS = {
    "catch_errors": "",
    "gatekeeper": "",
    "listing_formats": "",
    "s3api": "location = us-east-1\ncheck_bucket_owner = false",
    "tempauth": "user_{user} = {secret} .admin",
    "copy": "",
    "slo": "",
    "versioned_writes": "allow_object_versioning = true",
    "symlink": "",
}

PROXY = """[DEFAULT]
swift_dir = {folder}
log_address = {folder}/no-log
[pipeline:main]
pipeline = {pipeline} proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
node_timeout = 60
conn_timeout = 10
recoverable_node_timeout = 60
"""


class Cache:
    """What memcached is to Swift, for one process."""

    def __init__(self):
        self.kept = {}

    def get(self, key, **_):
        value, until = self.kept.get(key, (None, 0))
        return value if until == 0 or now() < until else None

    def set(self, key, value, time=0, **_):
        self.kept[key] = (value, now() + time if time else 0)

    def delete(self, key, **_):
        self.kept.pop(key, None)

    def incr(self, key, delta=1, time=0, **_):
        value = max(0, int(self.get(key) or 0) + delta)
        self.set(key, value, time)
        return value


def with_cache(app):
    cache = Cache()

    def call(environ, start_response):
        environ["swift.cache"] = cache
        return app(environ, start_response)

    return call


def write(folder, name, text):
    path = os.path.join(folder, name)
    with open(path, "w") as file:
        file.write(text)
    return path


def make_ring(folder, name, port):
    builder = RingBuilder(2, 1, 0)
    device = {"region": 1, "zone": 1, "ip": ADDRESS, "port": port, "device": "disk", "weight": 1, "meta": ""}
    device.update(replication_ip=ADDRESS, replication_port=port)
    builder.add_dev(device)
    builder.rebalance(seed="disktro")
    path = os.path.join(folder, f"{name}.ring.gz")
    builder.get_ring().save(path)


def main(folder, access_key, secret_key):
    # Its object server keeps what it knows of an object there: this says so where a disk has none.
    os.setxattr(folder, "user.disktro", b"")
    os.makedirs(os.path.join(folder, "devices", "disk"))
    write(folder, "swift.conf", "[swift-hash]\nswift_hash_path_suffix = disktro\n")
    utils.set_swift_dir(folder)
    reload_storage_policies()
    sockets = {name: eventlet.listen((ADDRESS, 0), backlog=256) for name in (*STORES, "proxy")}
    for name in STORES:
        make_ring(folder, name, sockets[name].getsockname()[1])
    confs = {name: STORE.format(folder=folder, name=name, patience=PATIENCE[name]) for name in STORES}
    proxy = PROXY.format(folder=folder, pipeline=" ".join(FILTERS))
    proxy += "".join(f"[filter:{name}]\nuse = egg:swift#{name}\n{text}\n" for name, text in FILTERS.items())
    confs["proxy"] = proxy.replace("{user}", access_key.replace(":", "_")).replace("{secret}", secret_key)
    log = utils.NullLogger()
    for name, text in confs.items():
        app = loadapp(write(folder, f"{name}-server.conf", text))
        if name == "proxy":
            app = with_cache(app)
        options = {"protocol": SwiftHttpProtocol, "socket_timeout": 600}
        eventlet.spawn(wsgi.server, sockets[name], app, log, **options)
    print(json.dumps({"port": sockets["proxy"].getsockname()[1]}), flush=True)
    trampoline(sys.stdin.fileno(), read=True)
    shutil.rmtree(folder, ignore_errors=True)


main(*sys.argv[1:])
