"""Tests of setup_libtorch.py with small stand-ins for libtorch and its wheels: no network, no
package and no compiler is needed."""

import base64
import contextlib
import errno
import hashlib
import importlib.util
import io
import json
import os
import platform
import shutil
import stat
import subprocess
import sys
import tempfile
import unittest
import zipfile
from unittest import mock

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "setup_libtorch.py")
spec = importlib.util.spec_from_file_location("setup_libtorch", SCRIPT)
setup_libtorch = importlib.util.module_from_spec(spec)
spec.loader.exec_module(setup_libtorch)

CXX11_SYMBOL = b"_ZN3c105ErrorC2ENS_14SourceLocationENSt7__cxx1112basic_stringE"
OLD_ABI_SYMBOL = b"_ZN3c105ErrorC2ENS_14SourceLocationESs"
needs_pip = unittest.skipUnless(importlib.util.find_spec("pip"), "this Python has no pip")


def libtorch_files(version="2.13.0", symbol=CXX11_SYMBOL):
    """The files of a libtorch, by name, as far as the set-up looks at them."""
    major, minor, patch = version.split(".")
    header = (
        f"#define TORCH_VERSION_MAJOR {major}\n"
        f"#define TORCH_VERSION_MINOR {minor}\n"
        f"#define TORCH_VERSION_PATCH {patch}\n"
    ).encode()
    return {
        "lib/libc10.so": b"\x7fELF..." + symbol + b"...",
        "lib/libtorch_cpu.so": b"\x7fELF",
        "include/ATen/ATen.h": b"",
        "include/torch/csrc/api/include/torch/version.h": header,
    }


def write_files(folder, files):
    for name, content in files.items():
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content)


def make_wheel(folder, name, version, tag, files):
    """Writes a wheel that pip accepts, and returns its sha256."""
    info = f"{name}-{version}.dist-info"
    files = dict(files)
    files[f"{info}/METADATA"] = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode()
    files[f"{info}/WHEEL"] = f"Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: {tag}\n".encode()
    record = ""
    for path, content in files.items():
        code = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        record += f"{path},sha256={code},{len(content)}\n"
    files[f"{info}/RECORD"] = (record + f"{info}/RECORD,,\n").encode()
    path = os.path.join(folder, f"{name}-{version}-{tag}.whl")
    with zipfile.ZipFile(path, "w") as archive:
        for member, content in files.items():
            archive.writestr(member, content)
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


class SetupTest(unittest.TestCase):
    """Gives each test a folder of its own and an environment that names no libtorch."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="setup test ")
        self.addCleanup(shutil.rmtree, self.folder)
        self.install_dir = os.path.join(self.folder, ".libtorch")
        self.build_dir = os.path.join(self.folder, "build")
        patch = mock.patch.dict(os.environ, {"LIBTORCH": "", "LIBTORCH_CUDA": "0"})
        patch.start()
        self.addCleanup(patch.stop)

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def tools(self, *names):
        """A PATH on which only these commands are."""
        folder = self.path("tools")
        os.makedirs(folder, exist_ok=True)
        for name in names:
            path = os.path.join(folder, name)
            with open(path, "w") as file:
                file.write("#!/bin/sh\n")
            os.chmod(path, stat.S_IRWXU)
        return folder

    def all_tools(self):
        return self.tools("c++", "cc", "cmake", "ninja")

    def run_script(self, python=sys.executable, **environment):
        """Runs the script as make does. Returns its status and what it said."""
        variables = dict(os.environ, PYTHONPATH="", CC="", CXX="", PIP_NO_INDEX="1")
        variables["PATH"] = environment.get("PATH") or self.all_tools()
        variables.update(environment)
        command = [python, SCRIPT, "--build-dir", self.build_dir, "--install-dir", self.install_dir]
        # From the checkout, where a folder is named torch, as make does.
        run = subprocess.run(
            command, env=variables, capture_output=True, text=True, cwd=setup_libtorch.ROOT
        )
        self.assertEqual(run.stdout, "")
        return run.returncode, run.stderr

    def assert_fails(self, said, status, text):
        """One clear line at the end, no traceback, nothing written."""
        self.assertEqual(status, 1, said)
        self.assertNotIn("Traceback", said)
        errors = [line for line in said.splitlines() if line.startswith("error: ")]
        self.assertEqual(len(errors), 1, said)
        self.assertTrue(said.rstrip("\n").endswith(errors[0]), said)
        self.assertIn(text, errors[0])
        self.assertFalse(os.path.exists(os.path.join(self.build_dir, "libtorch.cmake")))
        self.assert_nothing_half_done()

    def assert_nothing_half_done(self):
        if os.path.isdir(self.install_dir):
            self.assertLessEqual(set(os.listdir(self.install_dir)), {".lock", "2.13.0"})


class MachineTest(SetupTest):
    def test_no_compiler(self):
        status, said = self.run_script(PATH=self.tools("cmake", "ninja"))
        self.assert_fails(said, status, "no C++ compiler")

    def test_no_c_compiler(self):
        status, said = self.run_script(PATH=self.tools("c++", "cmake", "ninja"))
        self.assert_fails(said, status, "no C compiler")

    def test_named_compiler_is_missing(self):
        status, said = self.run_script(CXX="g++-99 -m64")
        self.assert_fails(said, status, "g++-99 is not on the PATH")

    def test_no_cmake(self):
        status, said = self.run_script(PATH=self.tools("c++", "cc", "ninja"))
        self.assert_fails(said, status, "no cmake")

    def test_no_ninja(self):
        status, said = self.run_script(PATH=self.tools("c++", "cc", "cmake"))
        self.assert_fails(said, status, "no ninja")

    def test_no_pip(self):
        python = self.path("python", "bin", "python")
        subprocess.run(
            [sys.executable, "-m", "venv", "--without-pip", self.path("python")], check=True
        )
        status, said = self.run_script(python=python)
        self.assert_fails(said, status, "no pip")

    @needs_pip
    def test_no_network(self):
        # Nothing listens on the discard port of this machine.
        status, said = self.run_script(
            PIP_CONFIG_FILE=os.devnull,
            PIP_INDEX_URL="http://127.0.0.1:9/simple",
            PIP_NO_INDEX="",
            PIP_FIND_LINKS="",
        )
        self.assert_fails(said, status, "no network")

    def test_platform_without_pins(self):
        with mock.patch.object(platform, "machine", return_value="riscv64"):
            with self.assertRaisesRegex(setup_libtorch.SetupError, "set LIBTORCH"):
                setup_libtorch.pip_platforms()

    def test_cuda_wish_is_checked(self):
        with mock.patch.dict(os.environ, {"LIBTORCH_CUDA": "yes"}):
            with self.assertRaisesRegex(setup_libtorch.SetupError, "0 or 1"):
                setup_libtorch.has_nvidia_gpu()


class NamedTest(SetupTest):
    """LIBTORCH names a directory."""

    def test_nonsense(self):
        status, said = self.run_script(LIBTORCH=self.path("nowhere"))
        self.assert_fails(said, status, "there is no directory")

    def test_no_libtorch_in_it(self):
        status, said = self.run_script(LIBTORCH=self.folder)
        self.assert_fails(said, status, "lib/libtorch_cpu.so is missing")

    def test_no_headers(self):
        files = libtorch_files()
        del files["include/ATen/ATen.h"]
        write_files(self.path("lt"), files)
        status, said = self.run_script(LIBTORCH=self.path("lt"))
        self.assert_fails(said, status, "include/ATen/ATen.h is missing")

    def test_too_old(self):
        write_files(self.path("lt"), libtorch_files("2.6.1"))
        status, said = self.run_script(LIBTORCH=self.path("lt"))
        self.assert_fails(said, status, "libtorch 2.6.1")
        self.assertIn("2.7 is the oldest", said)

    def test_abi_before_cxx11(self):
        write_files(self.path("lt"), libtorch_files("2.7.0", OLD_ABI_SYMBOL))
        status, said = self.run_script(LIBTORCH=self.path("lt"))
        self.assert_fails(said, status, "ABI from before C++11")

    def test_broken_library(self):
        write_files(self.path("lt"), libtorch_files())
        status, said = self.run_script(LIBTORCH=self.path("lt"))
        self.assert_fails(said, status, "libtorch_cpu.so cannot be loaded")

    def test_newer_than_tested_is_tried(self):
        write_files(self.path("lt"), libtorch_files("2.99.0"))
        found = setup_libtorch.Libtorch(self.path("lt"), "LIBTORCH").inspect()
        self.assertTrue(found.newer_than_tested)
        self.assertEqual(found.version, "2.99.0")

    def test_version_of_the_newer_headers(self):
        files = libtorch_files()
        old = "include/torch/csrc/api/include/torch/version.h"
        files["include/torch/headeronly/version.h"] = files[old]
        files[old] = b"#include <torch/headeronly/version.h>\n"
        write_files(self.path("lt"), files)
        self.assertEqual(setup_libtorch.Libtorch(self.path("lt"), "").inspect().version, "2.13.0")

    def test_second_run_changes_nothing(self):
        write_files(self.path("lt"), libtorch_files())
        with mock.patch.dict(
            os.environ, {"LIBTORCH": self.path("lt"), "PATH": self.all_tools(), "CC": "", "CXX": ""}
        ), mock.patch.object(setup_libtorch.Libtorch, "check_it_loads") as check:
            with contextlib.redirect_stderr(io.StringIO()) as first:
                setup_libtorch.set_up(self.build_dir, self.install_dir)
            outputs = [self.path("build", name) for name in ("libtorch.json", "libtorch.cmake")]
            before = [os.stat(path).st_mtime_ns for path in outputs]
            with contextlib.redirect_stderr(io.StringIO()) as second:
                setup_libtorch.set_up(self.build_dir, self.install_dir)
            after = [os.stat(path).st_mtime_ns for path in outputs]
        self.assertIn("Using libtorch 2.13.0 (LIBTORCH)", first.getvalue())
        self.assertEqual(second.getvalue(), "")
        self.assertEqual(before, after)
        check.assert_called_once()
        with open(outputs[0], encoding="utf-8") as file:
            self.assertEqual(json.load(file)["lib_dir"], self.path("lt", "lib"))
        with open(outputs[1], encoding="utf-8") as file:
            text = file.read()
        self.assertIn("set(LIBTORCH_VERSION 2.13.0)", text)
        self.assertIn(f"set(LIBTORCH_LIB_DIR [==[{self.path('lt', 'lib')}]==])", text)


class PythonTest(SetupTest):
    """A torch package of the Python on the path."""

    def test_it_is_found_and_not_imported(self):
        write_files(self.path("site/torch"), libtorch_files())
        write_files(self.path("site/torch"), {"__init__.py": b"raise SystemExit('imported')\n"})
        with mock.patch.object(sys, "path", [self.path("site")] + sys.path):
            found = setup_libtorch.find(self.install_dir)
        self.assertEqual(found.root, self.path("site/torch"))

    def test_a_folder_named_torch_is_none(self):
        os.makedirs(self.path("site/torch"))
        with mock.patch.object(sys, "path", [self.path("site")]):
            self.assertIsNone(setup_libtorch.python_torch())

    def test_an_old_one_is_passed_over(self):
        write_files(self.path("site/torch"), libtorch_files("2.1.0"))
        write_files(self.path("site/torch"), {"__init__.py": b""})
        write_files(self.path("pinned"), libtorch_files())
        with mock.patch.object(sys, "path", [self.path("site")] + sys.path), mock.patch.object(
            setup_libtorch, "installed_or_install", return_value=self.path("pinned")
        ), contextlib.redirect_stderr(io.StringIO()) as said:
            found = setup_libtorch.find(self.install_dir)
        self.assertEqual(found.root, self.path("pinned"))
        self.assertIn("not used", said.getvalue())
        self.assertIn("libtorch 2.1.0", said.getvalue())


@needs_pip
@unittest.skipUnless(
    sys.platform == "linux" and platform.machine() in ("x86_64", "aarch64"), "no pins for this"
)
class InstallTest(SetupTest):
    """Wheels of a local folder stand in for the package index."""

    def setUp(self):
        super().setUp()
        wheels, pins = self.path("wheels"), self.path("pins")
        os.makedirs(wheels)
        os.makedirs(pins)
        self.tag = f"manylinux_2_28_{platform.machine()}"
        files = {f"torch/{name}": content for name, content in libtorch_files().items()}
        files["torch/lib/libtorch_python.so"] = b""
        files["torch/lib/libtorch_cuda.so"] = b""
        files["torch/__init__.py"] = b""
        files[setup_libtorch.OPERATOR_DECLARATIONS] = b""
        files["torch-2.13.0.dist-info/LICENSE"] = b"BSD"
        runtime = {"nvidia/cu13/lib/libcudart.so.13": b"", "nvidia/cu13/include/cuda.h": b""}
        solver = {"nvidia/cu13/lib/libcusolver.so.12": b""}
        self.write_pins(
            "libtorch_requirements.txt",
            ("torch", "2.13.0", make_wheel(wheels, "torch", "2.13.0", f"cp312-cp312-{self.tag}", files)),
            ("runtime", "1.0", make_wheel(wheels, "runtime", "1.0", f"py3-none-{self.tag}", runtime)),
        )
        self.write_pins(
            "libtorch_requirements_cuda.txt",
            ("solver", "2.0", make_wheel(wheels, "solver", "2.0", f"py3-none-{self.tag}", solver)),
        )
        for patch in (
            mock.patch.object(setup_libtorch, "HERE", pins),
            mock.patch.object(setup_libtorch, "python_torch", return_value=None),
            mock.patch.object(setup_libtorch.Libtorch, "check_it_loads"),
            mock.patch.dict(
                os.environ,
                {
                    "PIP_CONFIG_FILE": os.devnull,
                    "PIP_NO_INDEX": "1",
                    "PIP_FIND_LINKS": "file://" + wheels.replace(" ", "%20"),
                    "PATH": self.all_tools(),
                    "CC": "",
                    "CXX": "",
                },
            ),
        ):
            patch.start()
            self.addCleanup(patch.stop)

    def write_pins(self, name, *pins):
        with open(self.path("pins", name), "w") as file:
            for package, version, sha256 in pins:
                file.write(f"{package}=={version} --hash=sha256:{sha256}\n")

    def main(self):
        with contextlib.redirect_stderr(io.StringIO()) as said:
            status = setup_libtorch.main(
                ["--build-dir", self.build_dir, "--install-dir", self.install_dir]
            )
        return status, said.getvalue()

    def installed(self, version="2.13.0"):
        names = set()
        root = os.path.join(self.install_dir, version)
        for parent, _, files in os.walk(root):
            names |= {os.path.relpath(os.path.join(parent, file), root) for file in files}
        return names

    def test_only_what_is_needed(self):
        status, said = self.main()
        self.assertEqual(status, 0, said)
        self.assertEqual(
            self.installed(),
            {"pins", "torch-2.13.0.dist-info/LICENSE", "nvidia/cu13/lib/libcudart.so.13"}
            | {setup_libtorch.OPERATOR_DECLARATIONS}
            | {f"torch/{name}" for name in libtorch_files()},
        )
        self.assert_nothing_half_done()

    def test_second_run_asks_no_pip(self):
        status, said = self.main()
        self.assertEqual(status, 0, said)
        with mock.patch.object(subprocess, "Popen", side_effect=AssertionError("a process")):
            status, said = self.main()
        self.assertEqual((status, said), (0, ""))

    def test_other_pins_are_installed_anew(self):
        self.main()
        with open(self.path("pins", "libtorch_requirements.txt"), "a") as file:
            file.write("# another line\n")
        status, said = self.main()
        self.assertEqual(status, 0, said)
        self.assertIn("Installed libtorch 2.13.0", said)

    def test_cuda_libraries_where_there_is_a_gpu(self):
        with mock.patch.dict(os.environ, {"LIBTORCH_CUDA": "1"}):
            status, said = self.main()
        self.assertEqual(status, 0, said)
        installed = self.installed("2.13.0-cuda")
        self.assertIn("torch/lib/libtorch_cuda.so", installed)
        self.assertIn("nvidia/cu13/lib/libcusolver.so.12", installed)
        # It serves when the GPU is away too.
        self.assertEqual(self.main()[0], 0)
        self.assertEqual(self.installed("2.13.0"), set())

    def test_broken_download(self):
        wheel = self.path("wheels", f"torch-2.13.0-cp312-cp312-{self.tag}.whl")
        with open(wheel, "ab") as file:
            file.write(b"\0")
        status, said = self.main()
        self.assert_fails(said, status, "broken download")

    def test_a_version_that_the_index_lacks(self):
        os.remove(self.path("wheels", f"torch-2.13.0-cp312-cp312-{self.tag}.whl"))
        status, said = self.main()
        self.assert_fails(said, status, "torch==2.13.0")

    def test_too_little_room(self):
        usage = shutil.disk_usage(self.folder)._replace(free=1_000_000)
        with mock.patch.object(shutil, "disk_usage", return_value=usage):
            status, said = self.main()
        self.assert_fails(said, status, "GB are needed")

    def test_disk_fills_up(self):
        full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        with mock.patch.object(zipfile.ZipFile, "extract", side_effect=full):
            status, said = self.main()
        self.assert_fails(said, status, "the disk is full")

    def test_interrupted(self):
        with mock.patch.object(zipfile.ZipFile, "extract", side_effect=KeyboardInterrupt):
            status, said = self.main()
        self.assertEqual(status, 130)
        self.assertIn("nothing half-done was kept", said)
        self.assertEqual(os.listdir(self.install_dir), [".lock"])

    def test_killed_before(self):
        os.makedirs(os.path.join(self.install_dir, ".partial-dead", "u"))
        self.assertEqual(self.main()[0], 0)
        self.assertEqual(set(os.listdir(self.install_dir)), {".lock", "2.13.0"})


class PipTest(unittest.TestCase):
    def test_failures_are_explained(self):
        for errors, text in (
            ("/usr/bin/python3: No module named pip", "no pip"),
            ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM", "broken download"),
            ("OSError: [Errno 28] No space left on device", "disk is full"),
            ("WARNING: Retrying: Temporary failure in name resolution\nERROR: none", "no network"),
            ("WARNING: odd\nERROR: it is odd\nmore", "pip failed: ERROR: it is odd"),
            ("", "did not say why"),
        ):
            with self.subTest(errors=errors):
                self.assertIn(text, setup_libtorch.explain_pip_failure(errors))

    def test_every_pin_has_hashes(self):
        for name in sorted(set(setup_libtorch.PINS.values()) | {setup_libtorch.CUDA_PINS}):
            with open(os.path.join(setup_libtorch.HERE, name), encoding="utf-8") as file:
                text = file.read().replace("\\\n", " ")
            for line in text.splitlines():
                if line and not line.startswith("#"):
                    with self.subTest(pin=line[:40]):
                        self.assertRegex(line, r"^\S+==\S+( +--hash=sha256:[0-9a-f]{64})+$")


if __name__ == "__main__":
    unittest.main()
