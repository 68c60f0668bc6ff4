"""The fake server of server.py, which tries every way out of a sandbox first. Python's standard library alone.

    escape.py PLACES [ARGUMENT of server.py]...

PLACES is JSON: `inside`, a folder that it may write to; `outside`, one that it may not touch and that has a file
`secret`; `gateway`, a process id or a file that holds it; `port`, where something listens; `abstract`, the name of a
datagram socket; `socket`, the path of one.

It writes one line to stderr, `escapes: ` and a JSON object: by the name of each way `out` if it leads out, or else the
reason why it does not.
"""

import ctypes
import errno
import fcntl
import json
import os
import pathlib
import platform
import resource
import runpy
import signal
import socket
import struct
import subprocess
import sys

LIBC = ctypes.CDLL(None, use_errno=True)
X86 = platform.machine() == "x86_64"
#: x86_64, aarch64
CALLS = {
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "keyctl": (250, 219),
    "bpf": (321, 280),
    "unshare": (272, 97),
    "mount": (165, 40),
    "io_uring_setup": (425, 425),
    "clone3": (435, 435),
    "pidfd_open": (434, 434),
    "pidfd_getfd": (438, 438),
    "userfaultfd": (323, 282),
    "perf_event_open": (298, 241),
    "name_to_handle_at": (303, 264),
    "shmget": (29, 194),
    "shmctl": (31, 195),
}
NEW_NAMESPACE = 0x00020000
NEW_USER = 0x10000000


def call(name, *arguments):
    number = CALLS[name][0 if X86 else 1]
    arguments = [ctypes.c_long(it) if isinstance(it, int) else it for it in arguments]
    result = LIBC.syscall(ctypes.c_long(number), *arguments)
    if result < 0:
        raise OSError(ctypes.get_errno(), name)
    return result


def in_a_child(what):
    """Does it in a process of its own, which it may change or end."""
    child = os.fork()
    if child == 0:
        try:
            what()
            code = 0
        except OSError as error:
            code = error.errno or 255
        os._exit(code)
    status = os.waitpid(child, 0)[1]
    code = os.waitstatus_to_exitcode(status)
    if code != 0:
        raise OSError(code if code > 0 else errno.EIO, "in a child")


def hard_link(inside, outside):
    link = inside / "link"
    os.link(outside / "secret", link)
    try:
        link.write_text("changed")
    finally:
        link.unlink()


def symbolic_link(inside, outside):
    link = inside / "symbolic"
    link.symlink_to(outside / "secret")
    try:
        return link.read_text()
    finally:
        link.unlink()


def setuid_file(inside):
    (inside / "setuid").touch()
    os.chmod(inside / "setuid", 0o4755)


def setgid_file(inside):
    with open(inside / "setgid", "w") as file:
        os.fchmod(file.fileno(), 0o2755)


def setuid_program():
    """Whether a program with other rights would get them."""
    if "NoNewPrivs:\t1" in pathlib.Path("/proc/self/status").read_text():
        raise OSError(errno.EPERM, "no_new_privs")


def capabilities():
    if "CapEff:\t0000000000000000" in pathlib.Path("/proc/self/status").read_text():
        raise OSError(errno.EPERM, "none")


def pair_led_astray(path):
    end, _ = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    end.sendto(b"hello", path)


def inherited():
    """Whether there is a file that nobody gave."""
    open_ones = [int(number) for number in os.listdir("/proc/self/fd")]
    for number in open_ones:
        try:
            if number > 2 and not os.readlink(f"/proc/self/fd/{number}").startswith("/proc/"):
                return
        except OSError:
            pass
    raise OSError(errno.EBADF, "none")


def listening_shell(port):
    subprocess.run(["bash", "-c", f"exec 3<>/dev/tcp/127.0.0.1/{port}"], check=True, stderr=subprocess.DEVNULL)


def ways(places):
    inside, outside = pathlib.Path(places["inside"]), pathlib.Path(places["outside"])
    gateway, parent = int(places["gateway"]), os.getppid()
    port = places["port"]

    def inet(family, address):
        with socket.socket(family, socket.SOCK_STREAM) as connection:
            connection.connect((address, port))

    def limit():
        resource.prlimit(gateway, resource.RLIMIT_CORE, resource.prlimit(gateway, resource.RLIMIT_CORE))

    def unix(address):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"hello", address)

    buffer = ctypes.create_string_buffer(8)
    vector = (ctypes.c_size_t * 2)(ctypes.addressof(buffer), 8)
    return {
        # First, since others leave files open.
        "inherited file": inherited,
        "read outside": lambda: (outside / "secret").read_text(),
        "list outside": lambda: os.listdir(outside),
        "list the root": lambda: os.listdir("/"),
        "write outside": lambda: (outside / "new").write_text("new"),
        "truncate outside": lambda: os.truncate(outside / "secret", 6),
        "write through a hard link": lambda: hard_link(inside, outside),
        "read through a symbolic link": lambda: symbolic_link(inside, outside),
        "arguments of others": lambda: pathlib.Path(f"/proc/{gateway}/cmdline").read_bytes(),
        "environment of the gateway": lambda: pathlib.Path(f"/proc/{gateway}/environ").read_bytes(),
        "memory of the gateway": lambda: open(f"/proc/{gateway}/mem", "rb").close(),
        "memory of the shim": lambda: open(f"/proc/{parent}/mem", "rb").close(),
        "files of the gateway": lambda: os.listdir(f"/proc/{gateway}/fd"),
        "signal to the gateway": lambda: os.kill(gateway, 0),
        "signal to the shim": lambda: os.kill(parent, 0),
        "signal by file descriptor": lambda: signal.pidfd_send_signal(os.pidfd_open(gateway), 0),
        "ptrace": lambda: in_a_child(lambda: call("ptrace", 0x4206, gateway, 0, 0)),
        "process_vm_readv": lambda: call("process_vm_readv", gateway, vector, 1, vector, 1, 0),
        "pidfd_getfd": lambda: call("pidfd_getfd", os.pidfd_open(gateway), 0, 0),
        "limits of the gateway": limit,
        "priority of the gateway": lambda: os.setpriority(os.PRIO_PROCESS, gateway, os.getpriority(os.PRIO_PROCESS, gateway)),
        "IPv4": lambda: inet(socket.AF_INET, "127.0.0.1"),
        "IPv6": lambda: socket.socket(socket.AF_INET6, socket.SOCK_STREAM).close(),
        "UDP": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).close(),
        "raw packets": lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW).close(),
        "netlink": lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW).close(),
        "a shell's socket": lambda: listening_shell(port),
        "abstract socket": lambda: unix("\0" + places["abstract"]),
        "socket with a path": lambda: unix(places["socket"]),
        "pair led astray": lambda: pair_led_astray(places["socket"]),
        "io_uring": lambda: call("io_uring_setup", 1, (ctypes.c_char * 256)()),
        "namespace by unshare": lambda: in_a_child(lambda: call("unshare", NEW_USER)),
        "namespace by clone": lambda: in_a_child(lambda: clone(NEW_USER)),
        "namespace of mounts": lambda: in_a_child(lambda: call("unshare", NEW_NAMESPACE)),
        "mount": lambda: mount(inside),
        "bpf": lambda: call("bpf", 0, struct.pack("IIIII", 1, 4, 4, 1, 0) + bytes(100), 120),
        "keys of the session": lambda: call("keyctl", 0, -3, 1),
        "userfaultfd": lambda: call("userfaultfd", 1),
        "performance counters": lambda: call("perf_event_open", struct.pack("IIQ", 1, 112, 0) + bytes(96), 0, -1, -1, 0),
        "file by handle": lambda: call("name_to_handle_at", -100, b"/usr", struct.pack("II", 128, 0) + bytes(128), ctypes.byref(ctypes.c_int()), 0),
        "shared memory": lambda: call("shmctl", call("shmget", 0, 4096, 0o1600), 0, 0),
        "setuid file": lambda: setuid_file(inside),
        "setuid file made": lambda: os.close(os.open(inside / "made", os.O_CREAT | os.O_WRONLY, 0o4755)),
        "setgid file by descriptor": lambda: setgid_file(inside),
        "terminal input": lambda: terminal(),
        "setuid program": setuid_program,
        "capabilities": capabilities,
    }


def mount(where):
    """Of a kind that does not exist, which only who may mount is told: nothing is left behind."""
    try:
        call("mount", b"none", str(where).encode(), b"no-such-kind", 0, 0)
    except OSError as error:
        if error.errno != errno.ENODEV:
            raise


def clone(flags):
    """The old call, whose flags stand in a register."""
    result = LIBC.syscall(ctypes.c_long(56 if X86 else 220), ctypes.c_long(flags | signal.SIGCHLD), *[ctypes.c_long(0)] * 4)
    if result < 0:
        raise OSError(ctypes.get_errno(), "clone")
    if result == 0:
        os._exit(0)
    os.waitpid(result, 0)


def terminal():
    """To a terminal of its own, where it is allowed to say so."""
    leader, follower = os.openpty()
    fcntl.ioctl(follower, 0x5412, b"x")


def main():
    places = json.loads(sys.argv[1])
    gateway = places["gateway"]
    places["gateway"] = gateway if isinstance(gateway, int) else pathlib.Path(gateway).read_text()
    found = {}
    for name, way in ways(places).items():
        try:
            way()
            found[name] = "out"
        except OSError as error:
            found[name] = errno.errorcode.get(error.errno, str(error))
        except subprocess.CalledProcessError as error:
            found[name] = f"exit code {error.returncode}"
    print("escapes: " + json.dumps(found), file=sys.stderr, flush=True)
    server = pathlib.Path(__file__).with_name("server.py")
    sys.argv = [str(server), *sys.argv[2:]]
    runpy.run_path(str(server), run_name="__main__")


main()
