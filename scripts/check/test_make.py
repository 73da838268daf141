"""Tests of `make run` with a stand-in for the program (its arguments, its exit status, Ctrl-C), and
of `make help`."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# Writes its arguments, one a line. "fail" is its exit status 1; "wait" waits for Ctrl-C and then
# writes a file, as the program does with the picture so far.
PROGRAM = """#!{python}
import os, signal, sys, time
print("\\n".join(sys.argv[1:]), flush=True)
if sys.argv[1:] == ["fail"]:
    sys.exit(1)
if sys.argv[1:2] == ["wait"]:
    def stop(*_):
        time.sleep(0.3)
        with open(sys.argv[2], "w") as file:
            file.write("so far")
        sys.exit(1)
    signal.signal(signal.SIGINT, stop)
    print("ready", flush=True)
    time.sleep(60)
"""


@unittest.skipUnless(shutil.which("make"), "there is no make")
class RunTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="make-test-")
        self.addCleanup(shutil.rmtree, self.folder)
        self.program = os.path.join(self.folder, "program")
        with open(self.program, "w") as file:
            file.write(PROGRAM.format(python=sys.executable))
        os.chmod(self.program, 0o755)
        # The make that runs these tests hands its flags down through these.
        self.environment = {
            name: value
            for name, value in os.environ.items()
            if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "ARGS")
        }

    def command(self, *arguments):
        # -o: the program is not built.
        return ["make", "-s", "-C", ROOT, f"program={self.program}", "-o", self.program, "run"] + [
            *arguments
        ]

    def make(self, *arguments):
        return subprocess.run(
            self.command(*arguments), capture_output=True, text=True, env=self.environment
        )

    def test_default(self):
        self.assertEqual(self.make().stdout, "generate\n")

    def test_arguments_keep_their_quotes(self):
        run = self.make("ARGS=generate \"a  slice of $5 'pizza'\" -o pizza.png --seed 7")
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertEqual(
            # As the shell reads them: $5 is empty there.
            run.stdout.splitlines(),
            ["generate", "a  slice of  'pizza'", "-o", "pizza.png", "--seed", "7"],
        )
        run = self.make("ARGS=classify 'costs $5, $(now)' --labels \"a,b\"")
        self.assertEqual(run.stdout.splitlines()[1:], ["costs $5, $(now)", "--labels", "a,b"])

    def test_failure_comes_back(self):
        self.assertNotEqual(self.make("ARGS=fail").returncode, 0)

    def test_ctrl_c_reaches_the_program_and_what_it_writes_stays(self):
        picture = os.path.join(self.folder, "picture")
        process = subprocess.Popen(
            self.command(f"ARGS=wait {picture}"),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=self.environment,
            start_new_session=True,
        )
        with process:
            for line in process.stdout:
                if line == "ready\n":
                    break
            # A terminal sends it to make and to what make runs.
            os.killpg(process.pid, signal.SIGINT)
            self.assertNotEqual(process.wait(timeout=30), 0)
        with open(picture) as file:
            self.assertEqual(file.read(), "so far")


@unittest.skipUnless(shutil.which("make"), "there is no make")
class HelpTest(unittest.TestCase):
    def test_help_lists_every_target(self):
        environment = {
            name: value
            for name, value in os.environ.items()
            if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")
        }
        listed = subprocess.run(
            ["make", "-s", "-C", ROOT, "help"],
            capture_output=True,
            text=True,
            env=environment,
            check=True,
        ).stdout
        with open(os.path.join(ROOT, "Makefile")) as file:
            targets = re.findall(r"^([a-z][a-z-]*):", file.read(), re.MULTILINE)
        self.assertIn("test", targets)
        for target in targets:
            if target != "all":  # plain make
                self.assertRegex(listed, rf"(?m)^make (.*, )?{target}\b")
        self.assertNotIn("#", listed)
        self.assertNotIn("PYTHON", listed)


if __name__ == "__main__":
    unittest.main()
