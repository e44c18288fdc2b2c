# SPDX-License-Identifier: BSD-3-Clause
"""Hosts on one network: network namespaces on a bridge. All happens inside a namespace of the caller's own.

Needs root, real or of a user namespace, an own network namespace and a /run to write to:
enter() brings a program there.
"""

import fcntl
import os
import socket
import struct
import subprocess
import sys

INSIDE = "VEDETTE_OWN_NETWORK"
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1  # linux/sockios.h, net/if.h


def run(*words, check=True):
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if check and done.returncode != 0:
        raise RuntimeError(f"{' '.join(words)}: {done.stderr.strip() or done.returncode}")
    return done.stdout


def enter(needed=True):
    """Begin this program again in a network of its own, unless it is in one. Where none can be had it says so and,
    if it is needed, ends."""
    if INSIDE in os.environ:
        return
    unshare = ["unshare", *([] if os.geteuid() == 0 else ["--user", "--map-root-user"]),
               "--net", "--mount", "--propagation", "private", "--"]
    ready = "mount -t tmpfs tmpfs /run && ip link set lo up && ip link add probe type bridge && ip link del probe"
    probe = subprocess.run([*unshare, "sh", "-c", ready], capture_output=True, text=True, check=False)
    if probe.returncode != 0:
        why = f"{sys.argv[0]}: no network namespace with a bridge: {probe.stderr.strip()}"
        if needed:
            sys.exit(why)
        print(why, file=sys.stderr)
        return
    os.environ[INSIDE] = "1"
    os.execvp("unshare", [*unshare, "sh", "-c", ready + ' && exec "$@"', "sh", sys.executable, *sys.argv])


def make_bridge(name, *addresses):
    """Its addresses, with their prefix lengths, are those of whoever is in no host."""
    os.makedirs("/run/netns", exist_ok=True)
    # A bridge without a MAC address of its own takes the least of its ports', anew as they come and go.
    run("ip", "link", "add", name, "address", "02:00:00:00:ff:01", "type", "bridge")
    run("ip", "link", "set", name, "up")
    for address in addresses:
        add_address(address, name)


def add_address(address, device, namespace=None):
    where = ["-n", namespace] if namespace else []
    run("ip", *where, "addr", "add", address, "dev", device, *(["nodad"] if ":" in address else []))


def add_host(name, address, bridge, link, index):
    """A namespace with one address. `link` names its end of the cable on the bridge."""
    run("ip", "netns", "add", name)
    # A MAC address that belongs to the IP address: neighbours may remember it from a former life.
    mac = f"02:00:00:00:{index >> 8:02x}:{index & 255:02x}"
    run("ip", "link", "add", link, "type", "veth", "peer", "name", "eth0", "address", mac, "netns", name)
    add_address(address, "eth0", name)
    run("ip", "-n", name, "link", "set", "lo", "up")
    run("ip", "-n", name, "link", "set", "eth0", "up")
    run("ip", "link", "set", link, "master", bridge, "up")


def remove_host(name, link):
    run("ip", "link", "del", link)  # with its other end; that of the namespace takes its time
    run("ip", "netns", "del", name)


def within(name):
    """What a command line begins with that runs in that host."""
    return ["nsenter", f"--net=/run/netns/{name}", "--"]


def plug(link, in_or_out):
    """Plug the cable in, or pull it: at once, without a process in between."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = struct.pack("16sH14x", link.encode(), 0)
        flags = struct.unpack_from("H", fcntl.ioctl(control, SIOCGIFFLAGS, request), 16)[0]
        flags = flags | IFF_UP if in_or_out else flags & ~IFF_UP
        fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sH14x", link.encode(), flags))
