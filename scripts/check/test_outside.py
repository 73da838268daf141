"""Tests of docs/use.md: another module builds and runs with what setup built, with the checkout's library and
with an installed one.

They need the library that make builds, and Go. The Go code of README.md is compiled on the way.
"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest
import zipfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "use.md"
LIBRARY = ROOT / "build" / "lib" / "libctorch.so"
GO = os.environ.get("GO", "go")
MODULE = "github.com/clipvqgan/clipvqgan"

# What README.md's pieces of code take for granted.
GIVEN = """
func piece(ctx context.Context, picture image.Image, vqganModel *vqgan.Model,
	clipModel *clip.Model) error {
%s
	return nil
}
"""
# Package imageio alone, which has no need of libtorch.
PICTURES = """package main

import (
	"fmt"

	"github.com/clipvqgan/clipvqgan/imageio"
)

func main() { fmt.Println(imageio.Decoders()) }
"""
STANDARD_PACKAGES = ("context", "fmt", "image")


def blocks(path, language):
    return re.findall(rf"^```{language}\n(.*?)^```", path.read_text(encoding="utf-8"), re.M | re.S)


def environment(**more):
    # The make that runs these tests hands its flags down through the first three; nothing that
    # helps to find a library may be set.
    dropped = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "CGO_CFLAGS", "CGO_LDFLAGS", "LD_LIBRARY_PATH")
    kept = {name: value for name, value in os.environ.items() if name not in dropped}
    return kept | {"GOFLAGS": "", "GOWORK": "off"} | more


def run(*command, cwd, env):
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True)
    if done.returncode != 0:
        raise AssertionError(f"{command} in {cwd}:\n{done.stdout}{done.stderr}")
    return done.stdout


@unittest.skipUnless(LIBRARY.exists(), "the library is not built")
@unittest.skipUnless(shutil.which(GO), "there is no Go")
class OutsideTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="outside-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.module = cls.folder / "hello"
        cls.module.mkdir()
        # Go's cache keeps what pkg-config said: one place for all runs, and (below) a flag that
        # keeps what other programs have in the cache apart.
        cls.prefix = ROOT / "build" / "outside"
        shutil.rmtree(cls.prefix, ignore_errors=True)
        cls.addClassCleanup(shutil.rmtree, cls.prefix, ignore_errors=True)
        _, cls.checkout_steps, cls.installed_steps = blocks(DOCUMENT, "sh")
        (program,) = blocks(DOCUMENT, "go")
        (cls.module / "main.go").write_text(program)
        cls.env = environment(CLIPVQGAN=str(ROOT), PREFIX=str(cls.prefix))
        cls.first_run = run("sh", "-ec", cls.checkout_steps, cwd=cls.module, env=cls.env)

    def test_with_a_checkout(self):
        self.assertEqual(self.first_run, "[6 8]\n")
        run(GO, "vet", "./...", cwd=self.module, env=self.env)

    def test_the_program_starts_anywhere(self):
        program = self.folder / "elsewhere" / "hello"
        run(GO, "build", "-o", program, ".", cwd=self.module, env=self.env)
        self.assertEqual(run(program, cwd="/", env=self.env), "[6 8]\n")

    @unittest.skipUnless(shutil.which("pkg-config"), "there is no pkg-config")
    @unittest.skipUnless(shutil.which("cmake"), "there is no cmake")
    def test_with_an_installed_library(self):
        stage = self.folder / "stage"
        run("make", "-s", "-C", ROOT, "-o", "build/lib/libctorch.so", "install", "PREFIX=/usr/local",
            cwd=ROOT, env=environment(DESTDIR=str(stage)))
        shutil.move(stage / "usr" / "local", self.prefix)  # ctorch.pc goes by its own place
        for name in ("man/man1/clipvqgan-generate.1", "bash-completion/completions/clipvqgan",
                     "zsh/site-functions/_clipvqgan", "fish/vendor_completions.d/clipvqgan.fish"):
            self.assertTrue((self.prefix / "share" / name).stat().st_size, name)
        found = run("readelf", "-d", self.prefix / "bin" / "clipvqgan", cwd="/", env=self.env)
        self.assertRegex(found, r"R(UN)?PATH.*\$ORIGIN/\.\./lib")
        self.assertIn("libtorch", run(self.prefix / "bin" / "clipvqgan", "--version", cwd="/", env=self.env))
        (library,) = self.prefix.glob("lib*/**/libctorch.so")
        steps = self.installed_steps.replace("$PREFIX/lib", str(library.parent))
        env = self.env | {"CGO_CFLAGS": "-O2 -g -DCTORCH_TEST_OUTSIDE"}
        self.assertEqual(run("sh", "-ec", steps, cwd=self.module, env=env), "[6 8]\n")
        program = self.module / "hello"
        loaded = run("ldd", program, cwd="/", env=self.env)
        self.assertIn(str(library), [str(pathlib.Path(p).resolve()) for p in re.findall(r"=> (\S+)", loaded)])
        self.assertEqual(run(program, cwd="/", env=self.env), "[6 8]\n")
        self.check_pictures_need_no_libtorch(library.parent, env)

    def check_pictures_need_no_libtorch(self, libraries, env):
        folder = self.folder / "pictures"
        folder.mkdir()
        (folder / "main.go").write_text(PICTURES)
        run("sh", "-ec", self.checkout_steps.replace("go run .", ""), cwd=folder, env=self.env)
        env = env | {"PKG_CONFIG_PATH": str(libraries / "pkgconfig")}
        run(GO, "build", "-tags", "ctorch_installed", "-o", "pictures", ".", cwd=folder, env=env)
        self.assertRegex(run(folder / "pictures", cwd="/", env=self.env), "^JPEG by .*, TIFF by .*\n$")
        loaded = run("ldd", folder / "pictures", cwd="/", env=self.env)
        self.assertIn(str(libraries / "libcpicture.so"), [str(pathlib.Path(p).resolve()) for p in re.findall(r"=> (\S+)", loaded)])
        self.assertNotRegex(loaded, r"lib(c10|c?torch\w*)\.so")

    def test_the_code_in_the_readme_compiles(self):
        listed = run(GO, "list", "-f", '{{if ne .Name "main"}}{{.Name}} {{.ImportPath}}{{end}}', "./...", cwd=ROOT, env=self.env)
        packages = dict(line.split() for line in listed.splitlines() if "/internal/" not in line)
        packages |= {name: name for name in STANDARD_PACKAGES}
        pieces = blocks(ROOT / "README.md", "go")
        module = self.folder / "readme"
        self.assertGreater(len(pieces), 2)
        for i, piece in enumerate(pieces):
            code = re.sub(r"//.*", "", GIVEN % piece)
            imports = [f'"{p}"' for name, p in packages.items() if re.search(rf"\b{name}\.", code)]
            folder = module / f"piece{i}"
            folder.mkdir(parents=True)
            (folder / "piece.go").write_text(
                f"package piece{i}\n\nimport (\n" + "\n".join(imports) + "\n)\n" + code
            )
        setup = self.checkout_steps.replace("go run .", "")
        run("sh", "-ec", setup, cwd=module, env=self.env)
        done = subprocess.run([GO, "build", "-gcflags=-e", "./..."],
                              cwd=module, env=self.env, capture_output=True, text=True)
        mistakes = [
            line
            for line in done.stderr.splitlines()
            # A piece need not use all that it makes.
            if not line.startswith("#") and "declared and not used" not in line
        ]
        self.assertEqual(mistakes, [])


def write_proxy(folder, version):
    """Lays out the working tree as a module proxy's files: https://go.dev/ref/mod#goproxy-protocol."""
    versions = folder / MODULE / "@v"
    versions.mkdir(parents=True)
    (versions / "list").write_text(version + "\n")
    (versions / f"{version}.info").write_text(json.dumps({"Version": version, "Time": "2026-01-01T00:00:00Z"}))
    shutil.copy(ROOT / "go.mod", versions / f"{version}.mod")
    names = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=ROOT, env=os.environ)
    with zipfile.ZipFile(versions / f"{version}.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name in filter(None, names.split("\0")):
            if (ROOT / name).is_file() and not (ROOT / name).is_symlink():
                archive.write(ROOT / name, f"{MODULE}@{version}/{name}")


@unittest.skipUnless(LIBRARY.exists(), "no libtorch was found yet")
@unittest.skipUnless(shutil.which(GO) and shutil.which("git"), "there is no Go, or no git")
@unittest.skipUnless((ROOT / ".git").exists(), "the files of the module are not known")
class FromAProxyTest(unittest.TestCase):
    """In an empty home, without a checkout: the module comes from a proxy, and setup builds the library."""

    def setUp(self):
        # A blank in each path.
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="from a proxy "))
        self.addCleanup(shutil.rmtree, self.folder)
        write_proxy(self.folder / "proxy", "v0.0.1")
        self.module, self.home = self.folder / "hello", self.folder / "home"
        self.module.mkdir()
        self.home.mkdir()
        proxies = [(self.folder / "proxy").as_uri()]
        modules = run(GO, "env", "GOMODCACHE", cwd="/", env=os.environ).strip()
        proxies.append(pathlib.Path(modules, "cache", "download").as_uri())
        proxies.append(run(GO, "env", "GOPROXY", cwd="/", env=os.environ).strip())
        libtorch = json.loads((ROOT / "build" / "libtorch.json").read_text())["root"]
        self.env = environment(
            HOME=str(self.home), GOPROXY=",".join(proxies), GOSUMDB="off", LIBTORCH=libtorch,
            # Files that can be removed, and Go's own packages as they were compiled before.
            GOFLAGS="-modcacherw", GOCACHE=run(GO, "env", "GOCACHE", cwd="/", env=os.environ).strip())
        for name in ("GOPATH", "GOMODCACHE", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
            self.env.pop(name, None)

    def test_the_steps(self):
        (program,) = blocks(DOCUMENT, "go")
        (self.module / "main.go").write_text(program)
        steps, _, _ = blocks(DOCUMENT, "sh")
        self.assertEqual(run("sh", "-ec", steps, cwd=self.module, env=self.env), "[6 8]\n")

        (prefix,) = (self.home / ".cache" / "clipvqgan" / "libctorch").glob("v0.0.1-*")
        for name in ("lib/libctorch.so", "lib/pkgconfig/ctorch.pc", "include/ctorch/tensor.h"):
            self.assertTrue((prefix / name).is_file(), name)

        # Outside a module, by its version, and a second time: nothing is done, and the same is said.
        again = subprocess.run([GO, "run", f"{MODULE}/setup@v0.0.1"],
                               cwd=self.folder, env=self.env, capture_output=True, text=True)
        self.assertEqual(again.returncode, 0, again.stderr)
        self.assertNotIn("Building", again.stderr)
        self.assertRegex(again.stdout, r"\Aexport CGO_LDFLAGS=.*\nexport PKG_CONFIG_PATH=.*\n\Z")
        self.assertIn(str(prefix / "lib"), again.stdout)

        # The command, which links the library for pictures too.
        install = f"{again.stdout}go install {MODULE}/cmd/clipvqgan@v0.0.1"
        run("sh", "-ec", install, cwd=self.folder, env=self.env)
        command = self.home / "go" / "bin" / "clipvqgan"
        self.assertIn("libtorch", run(command, "--version", cwd="/", env=self.env))

        # What was built runs with none of the variables.
        run("sh", "-ec", steps.splitlines()[2] + "\ngo build -o hello .", cwd=self.module, env=self.env)
        bare = {"PATH": os.environ["PATH"], "HOME": "/"}
        self.assertEqual(run(self.module / "hello", cwd="/", env=bare), "[6 8]\n")


if __name__ == "__main__":
    unittest.main()
