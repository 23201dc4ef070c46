# Turns off what lets an interface hand over packets that are longer than its wire, or whose checksums are still to be
# made: a switch in user space passes on what it gets. Names of interfaces in argv.
import ctypes
import fcntl
import socket
import struct
import sys

SIOCETHTOOL = 0x8946
SETTINGS = {"rx": 0x15, "tx": 0x17, "tso": 0x1F, "gso": 0x24, "gro": 0x2C}

control = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for name in sys.argv[1:]:
    for command in SETTINGS.values():
        setting = ctypes.create_string_buffer(struct.pack("II", command, 0))
        fcntl.ioctl(control, SIOCETHTOOL, struct.pack("16sP16x", name.encode(), ctypes.addressof(setting)))
