#!/usr/bin/env python3
"""Finds libtorch, or installs it into the checkout, and tells CMake where it is.

Looked for in this order:
  1. the directory that the environment variable LIBTORCH names (an unpacked libtorch archive, or the
     torch folder of a Python's site-packages);
  2. the torch package of the Python that runs this script (it is not imported);
  3. .libtorch/ in the checkout, into which pip downloads the pinned wheels of
     libtorch_requirements.txt, with hashes and without their dependencies.

Where the machine has an NVIDIA GPU, 3. also brings the CUDA libraries of libtorch_requirements_cuda.txt;
LIBTORCH_CUDA=1 or 0 in the environment decides that by hand, for images built on another machine.

What was found is written to libtorch.json and libtorch.cmake in the build directory. A second run
finds the same and changes nothing. Only the standard library is used, from Python 3.9 on.
"""

import argparse
import contextlib
import ctypes
import errno
import fcntl
import glob
import hashlib
import importlib.util
import json
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import zipfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))

# The versions that the test suite was run against. Before 2.7, PyPI's wheels have the C++ ABI from
# before C++11, which nothing else uses any more.
OLDEST = (2, 7)
NEWEST = (2, 15)

# The wheels are for this Python; for C++ any would do, and so the hash is one on every machine.
WHEEL_PYTHON = "3.12"

PINS = {
    "default": "libtorch_requirements.txt",
    "oldest": "libtorch_requirements_oldest.txt",
    "newest": "libtorch_requirements_newest.txt",
}
CUDA_PINS = "libtorch_requirements_cuda.txt"

# What scripts/generate/generate_operators.py reads.
OPERATOR_DECLARATIONS = "torchgen/packaged/ATen/native/native_functions.yaml"

# Free bytes an installation needs: the wheels, pip's copy of them and what is unpacked.
DISK_CPU = 1_300_000_000
DISK_CUDA = 5_500_000_000


class SetupError(Exception):
    """Something that the user has to know and act on, told in one line."""


def say(text):
    print(text, file=sys.stderr, flush=True)


# What is on the machine.


def check_tools():
    """Raises SetupError where something that the build needs is missing."""
    for variable, commands, what in (
        ("CXX", ("c++", "g++", "clang++"), "C++"),
        ("CC", ("cc", "gcc", "clang"), "C"),
    ):
        named = os.environ.get(variable, "").split()
        if not any(shutil.which(command) for command in named[:1] or commands):
            wanted = named[0] if named else " or ".join(commands)
            raise SetupError(
                f"no {what} compiler: {wanted} is not on the PATH "
                f"(Debian, Ubuntu: apt install g++)"
            )
    for command, package in (("cmake", "cmake"), ("ninja", "ninja-build")):
        if not shutil.which(command):
            raise SetupError(
                f"no {command} on the PATH (Debian, Ubuntu: apt install {package})"
            )


def has_nvidia_gpu():
    """Whether this machine has an NVIDIA driver, or LIBTORCH_CUDA says so."""
    wish = os.environ.get("LIBTORCH_CUDA", "")
    if wish not in ("", "0", "1"):
        raise SetupError(f"LIBTORCH_CUDA is {wish!r}: it can be 0 or 1, or be left out")
    if wish:
        return wish == "1"
    if glob.glob("/dev/nvidia[0-9]*"):
        return True
    try:
        ctypes.CDLL("libcuda.so.1")
    except OSError:
        return False
    return True


# Inspecting a libtorch.


class Libtorch:
    """A libtorch on disk: its root holds lib/ and include/."""

    def __init__(self, root, origin):
        self.root = os.path.abspath(root)
        self.origin = origin
        self.lib_dir = os.path.join(self.root, "lib")
        include = os.path.join(self.root, "include")
        self.include_dirs = [include, os.path.join(include, "torch", "csrc", "api", "include")]

    def inspect(self):
        """Reads the version. Raises SetupError where this is no libtorch that can be used."""
        if not os.path.isdir(self.root):
            raise SetupError(f"{self.origin}: there is no directory {self.root}")
        for part in (
            "lib/libtorch_cpu.so",
            "lib/libc10.so",
            "include/ATen/ATen.h",
            "include/torch/csrc/api/include/torch/version.h",
        ):
            if not os.path.isfile(os.path.join(self.root, part)):
                raise SetupError(
                    f"{self.origin}: {self.root} is no libtorch with headers: {part} is missing"
                )
        self.version = self._read_version()
        number = tuple(int(part) for part in self.version.split(".")[:2])
        if number < OLDEST:
            raise SetupError(
                f"{self.origin}: libtorch {self.version} at {self.root} is not supported: "
                f"{version_text(OLDEST)} is the oldest that is, {version_text(NEWEST)} the newest "
                f"that was tested"
            )
        if not self._has_cxx11_abi():
            raise SetupError(
                f"{self.origin}: libtorch {self.version} at {self.root} has the C++ ABI from before "
                f"C++11: take the archive marked cxx11-abi, or PyPI's wheel from "
                f"{version_text(OLDEST)} on"
            )
        self.newer_than_tested = number > NEWEST
        self.cuda = os.path.isfile(os.path.join(self.lib_dir, "libtorch_cuda.so"))
        return self

    def _read_version(self):
        # The numbers moved to torch/headeronly in 2.10; the old file then only includes the new.
        for name in ("torch/headeronly/version.h", "torch/csrc/api/include/torch/version.h"):
            path = os.path.join(self.root, "include", name)
            if not os.path.isfile(path):
                continue
            with open(path, encoding="utf-8", errors="replace") as file:
                text = file.read()
            parts = [
                re.search(rf"^#define TORCH_VERSION_{part} (\d+)", text, re.MULTILINE)
                for part in ("MAJOR", "MINOR", "PATCH")
            ]
            if all(parts):
                return ".".join(part.group(1) for part in parts)
        raise SetupError(f"{self.origin}: {self.root} does not tell its version (torch/version.h)")

    def _has_cxx11_abi(self):
        # c10::Error's constructor takes a std::string, whose mangled name tells the ABI.
        with open(os.path.join(self.lib_dir, "libc10.so"), "rb") as file:
            return b"ErrorC2ENS_14SourceLocationENSt7__cxx11" in file.read()

    def check_it_loads(self):
        """Loads the libraries in another process: they may lack a library themselves."""
        program = "import ctypes, sys; ctypes.CDLL(sys.argv[1])"
        library = os.path.join(self.lib_dir, "libtorch_cpu.so")
        run = subprocess.run(
            [sys.executable, "-c", program, library], capture_output=True, text=True
        )
        if run.returncode != 0:
            reason = (run.stderr.strip() or f"status {run.returncode}").splitlines()[-1]
            raise SetupError(f"{self.origin}: {library} cannot be loaded: {reason}")

    def describe(self):
        return {
            "version": self.version,
            "root": self.root,
            "include_dirs": self.include_dirs,
            "lib_dir": self.lib_dir,
            "cuda": self.cuda,
            "cxx11_abi": True,
            "origin": self.origin,
        }


def version_text(version):
    return ".".join(str(part) for part in version)


def python_torch():
    """The folder of this Python's torch package, or None. torch is not imported: that takes seconds."""
    path = sys.path
    # This script's folder is no place where a user installs torch.
    sys.path = [entry for entry in path if os.path.abspath(entry or ".") != HERE]
    try:
        spec = importlib.util.find_spec("torch")
    except (ImportError, ValueError):
        spec = None
    finally:
        sys.path = path
    # A folder that is merely named torch, such as this project's Go package, has no origin.
    if spec is None or not spec.origin:
        return None
    return os.path.dirname(spec.origin)


# Installing.


def pip_platforms():
    """The wheel platforms that this machine can load."""
    if sys.platform != "linux" or platform.machine() not in ("x86_64", "aarch64"):
        raise SetupError(
            f"no pinned libtorch for {sys.platform} on {platform.machine()}: set LIBTORCH to the "
            f"directory of one"
        )
    machine = platform.machine()
    names = [f"manylinux_2_{minor}_{machine}" for minor in range(28, 11, -1)]
    return names + [f"manylinux2014_{machine}", f"manylinux2010_{machine}"]


def explain_pip_failure(errors):
    """One line for what pip wrote to stderr."""
    if "No module named pip" in errors or "No module named 'pip'" in errors:
        return "this Python has no pip (Debian, Ubuntu: apt install python3-pip)"
    if "DO NOT MATCH THE HASHES" in errors:
        return (
            "broken download: a wheel's hash is not the pinned one, so nothing was kept; run it "
            "again, and if it stays so, the package index or a cache hands out another file"
        )
    if "No space left on device" in errors or "Errno 28" in errors:
        return "the disk is full"
    if re.search(
        r"name resolution|NewConnectionError|Failed to establish|unreachable|Connection refused"
        r"|timed out|ConnectTimeout|ProxyError|IncompleteRead|Connection broken|SSLError"
        r"|Name or service not known",
        errors,
    ):
        return "no network: pip does not reach its package index; set LIBTORCH to use one you have"
    missing = re.search(r"No matching distribution found for (\S+)", errors)
    if missing:
        return f"the package index has no {missing.group(1)} for this machine"
    lines = [line.strip() for line in errors.splitlines() if line.strip()]
    reason = next((line for line in lines if line.startswith("ERROR")), lines[-1] if lines else "")
    return f"pip failed: {reason or 'it did not say why'}"


def largest_file(folder):
    """The size of the largest file below folder: the wheel that pip is writing."""
    largest = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                largest = max(largest, os.path.getsize(os.path.join(parent, name)))
    return largest


class Progress:
    """One line that is rewritten on a terminal; a line now and then elsewhere."""

    QUIET_SECONDS = 15

    def __init__(self):
        self.terminal = sys.stderr.isatty()
        self.last = time.monotonic()
        self.width = 0

    def show(self, text):
        if self.terminal:
            sys.stderr.write("\r" + text.ljust(self.width))
            sys.stderr.flush()
            self.width = len(text)
        elif time.monotonic() - self.last >= self.QUIET_SECONDS:
            self.line(text)

    def line(self, text):
        self.last = time.monotonic()
        self.clear()
        say(text)

    def clear(self):
        if self.width:
            sys.stderr.write("\r" + " " * self.width + "\r")
            self.width = 0


def pip_download(requirement_files, wheels_dir, temporary):
    """Downloads the pinned wheels into wheels_dir, showing how far it is."""
    command = [sys.executable, "-m", "pip", "download"]
    command += ["--no-deps", "--require-hashes", "--only-binary=:all:", "--no-input"]
    command += ["--disable-pip-version-check", "--progress-bar=off", "--retries=2"]
    command += [f"--python-version={WHEEL_PYTHON}", "--implementation=cp"]
    command += [f"--platform={name}" for name in pip_platforms()]
    command += ["--dest", wheels_dir]
    for file in requirement_files:
        command += ["--requirement", file]
    # pip's temporary files go where there is room, and where they are removed with the rest.
    environment = dict(os.environ, TMPDIR=temporary, PYTHONUNBUFFERED="1", LC_ALL="C.UTF-8")
    progress = Progress()
    current = {"name": "", "size": ""}

    def follow(output):
        for line in output:
            match = re.match(r"\s*(?:Downloading|Using cached) (\S+\.whl) \(([^)]+)\)", line)
            if match:
                name = "-".join(os.path.basename(match.group(1)).split("-")[:2])
                current.update(name=name, size=match.group(2))
                progress.line(f"  {name} ({match.group(2)})")

    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        cwd=temporary,
    )
    # In memory: the disk may be what is full.
    errors = []
    readers = [
        threading.Thread(target=follow, args=(process.stdout,), daemon=True),
        threading.Thread(target=errors.extend, args=(process.stderr,), daemon=True),
    ]
    for reader in readers:
        reader.start()
    try:
        while process.poll() is None:
            if current["name"]:
                done = largest_file(temporary) / 1e6
                progress.show(f"  {current['name']}: {done:.0f} MB of {current['size']}")
            else:
                progress.show("  waiting for the package index")
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=0.25)
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait()
        for reader in readers:
            reader.join()
        process.stdout.close()
        process.stderr.close()
        progress.clear()
    if process.returncode != 0:
        raise SetupError(f"libtorch was not installed: {explain_pip_failure(''.join(errors))}")


def is_wanted(name, cuda):
    """Whether a file of a wheel is needed to compile against libtorch and to run it."""
    if re.search(r"\.dist-info/.*(LICENSE|NOTICE|License)", name):
        return True
    if name.startswith("torch/include/") or name == OPERATOR_DECLARATIONS:
        return True
    if name.startswith("torch/lib/"):
        file = name[len("torch/lib/") :]
        if ".so" not in file or re.match(r"lib(torch_python|torch_global_deps|shm)", file):
            return False
        return cuda or not re.search(r"cuda|nvrtc|nvshmem", file)
    # NVIDIA's wheels lie where the RPATH of libtorch's libraries looks: beside the torch folder.
    return bool(re.match(r"(nvidia/.*|cusparselt|torch\.libs)(/lib)?/[^/]*\.so[^/]*$", name))


def unpack(wheel, into, cuda):
    with zipfile.ZipFile(wheel) as archive:
        for member in archive.infolist():
            if not member.is_dir() and is_wanted(member.filename, cuda):
                archive.extract(member, into)


def pinned_version(requirements):
    with open(requirements, encoding="utf-8") as file:
        match = re.search(r"^torch==(\S+)", file.read(), re.MULTILINE)
    if not match:
        raise SetupError(f"{requirements} pins no torch")
    return match.group(1)


def digest(files):
    value = hashlib.sha256()
    for file in files:
        with open(file, "rb") as content:
            value.update(content.read())
    return value.hexdigest()


@contextlib.contextmanager
def locked(folder):
    """Lets one set-up at a time install into folder."""
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, ".lock"), "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            say("another set-up is installing libtorch: waiting for it")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def is_installed(target, pins):
    """Whether target was unpacked in full from these pins."""
    try:
        with open(os.path.join(target, "pins"), encoding="ascii") as file:
            return file.read() == pins
    except OSError:
        return False


def installed_or_install(folder, pins_name):
    """The torch folder of the pinned libtorch below folder, installing it where it is missing."""
    requirements = os.path.join(HERE, PINS[pins_name])
    version = pinned_version(requirements)
    cuda_files = [requirements, os.path.join(HERE, CUDA_PINS)]
    with_cuda = os.path.join(folder, version + "-cuda")
    # The one with CUDA does for both, and is there already where it was asked for once.
    if is_installed(with_cuda, digest(cuda_files)):
        return os.path.join(with_cuda, "torch")
    cuda = pins_name == "default" and has_nvidia_gpu()
    files = cuda_files if cuda else [requirements]
    target = with_cuda if cuda else os.path.join(folder, version)
    if not is_installed(target, digest(files)):
        with locked(folder):
            if not is_installed(target, digest(files)):
                install(files, target, version, cuda)
    return os.path.join(target, "torch")


def install(files, target, version, cuda):
    """Downloads and unpacks into a folder of its own, which is renamed to target when complete."""
    folder = os.path.dirname(target)
    for leftover in glob.glob(os.path.join(folder, ".partial-*")):
        shutil.rmtree(leftover, ignore_errors=True)
    needed = DISK_CUDA if cuda else DISK_CPU
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise SetupError(
            f"libtorch was not installed: {folder} has {free / 1e9:.1f} GB free, and "
            f"{needed / 1e9:.1f} GB are needed"
        )
    say(f"Installing libtorch {version}{' with CUDA' if cuda else ''} into {target}")
    start = time.monotonic()
    partial = tempfile.mkdtemp(prefix=".partial-", dir=folder)
    try:
        wheels, temporary, unpacked = (os.path.join(partial, name) for name in "wtu")
        for name in (wheels, temporary, unpacked):
            os.mkdir(name)
        pip_download(files, wheels, temporary)
        for wheel in sorted(os.listdir(wheels)):
            unpack(os.path.join(wheels, wheel), unpacked, cuda)
            os.remove(os.path.join(wheels, wheel))
        Libtorch(os.path.join(unpacked, "torch"), "the pinned wheel").inspect()
        with open(os.path.join(unpacked, "pins"), "w", encoding="ascii") as file:
            file.write(digest(files))
        os.chmod(unpacked, 0o755)
        shutil.rmtree(target, ignore_errors=True)
        os.rename(unpacked, target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    say(f"Installed libtorch {version} in {time.monotonic() - start:.0f} s")


# Finding it, and telling CMake.


def find(folder, pins_name="default"):
    """The libtorch to build with, in the order that this file's head tells."""
    if pins_name == "default":
        named = os.environ.get("LIBTORCH", "")
        if named:
            return Libtorch(named, "LIBTORCH").inspect()
        package = python_torch()
        if package:
            try:
                return Libtorch(package, f"the torch of {sys.executable}").inspect()
            except SetupError as error:
                say(f"not used: {error}")
    root = installed_or_install(folder, pins_name)
    return Libtorch(root, "installed into the checkout").inspect()


def cmake_text(found):
    def quote(text):
        return f"[==[{text}]==]"

    include_dirs = " ".join(quote(path) for path in found.include_dirs)
    return (
        "# Written by scripts/setup/setup_libtorch.py.\n"
        f"set(LIBTORCH_VERSION {found.version})\n"
        f"set(LIBTORCH_INCLUDE_DIRS {include_dirs})\n"
        f"set(LIBTORCH_LIB_DIR {quote(found.lib_dir)})\n"
    )


def write_if_changed(path, text):
    """Writes a file whole or not at all, and leaves one that says the same alone, so that CMake
    does not configure again. Tells whether it wrote."""
    try:
        with open(path, encoding="utf-8") as file:
            if file.read() == text:
                return False
    except OSError:
        pass
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path + ".new", "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(path + ".new", path)
    return True


def set_up(build_dir, folder, pins_name="default"):
    check_tools()
    found = find(folder, pins_name)
    description = json.dumps(found.describe(), indent=2) + "\n"
    report = os.path.join(build_dir, "libtorch.json")
    config = os.path.join(build_dir, "libtorch.cmake")
    try:
        with open(report, encoding="utf-8") as file:
            known = file.read() == description
    except OSError:
        known = False
    if not known:
        found.check_it_loads()
        if found.newer_than_tested:
            say(
                f"libtorch {found.version} is newer than {version_text(NEWEST)}, the newest that "
                f"was tested: trying it"
            )
        say(f"Using libtorch {found.version} ({found.origin}): {found.root}")
    write_if_changed(config, cmake_text(found))
    write_if_changed(report, description)
    return found


def main(arguments=None):
    parser = argparse.ArgumentParser(
        description="Finds libtorch, or installs it into .libtorch, and writes where it is."
    )
    parser.add_argument("--build-dir", default=os.path.join(ROOT, "build"))
    parser.add_argument("--install-dir", default=os.path.join(ROOT, ".libtorch"))
    parser.add_argument(
        "--pins",
        choices=sorted(PINS),
        default="default",
        help="install the oldest or newest supported version instead of looking for one",
    )
    options = parser.parse_args(arguments)

    def stop(*_):
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)
    try:
        set_up(
            os.path.abspath(options.build_dir), os.path.abspath(options.install_dir), options.pins
        )
    except SetupError as error:
        say(f"error: {error}")
        return 1
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            say("error: libtorch was not installed: the disk is full")
        else:
            say(f"error: {error}")
        return 1
    except KeyboardInterrupt:
        say("\ninterrupted: nothing half-done was kept")
        return 130
    return 0


if __name__ == "__main__":
    if sys.version_info < (3, 9):
        sys.exit("error: Python 3.9 or later is needed")
    sys.exit(main())
