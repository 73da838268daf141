"""Trains the embedded models in the training folder: CLIP, the guiding CLIP and the VQGAN side by side on one GPU, and
the prior, which needs the VQGAN and the CLIP, after them.

    python code/run_training.py --output DIR --minutes 7 [--only clip,guide,vqgan,prior] [--dry-run] [--resume]

It ends by the clock. A part that fails does not end the others; what it said is in DIR/NAME.log, and the exit status is
1 at the end. DIR/report.zip has the curves, figures, sheets and logs of all parts, and report.json what each part did.
"""

import argparse
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

from pack_pictures import CACHE, decode

HERE = Path(__file__).resolve().parent
SCRIPTS = {"clip": "train_picture_clip.py", "guide": "train_guide.py", "vqgan": "train_vqgan128.py",
           "prior": "train_prior.py"}
# The prior begins when the VQGAN and the CLIP are done, whose tokens and embeddings it is about: after this share of the
# time.
FIRST_SHARE = 0.62
# The guiding CLIP is trained for at most so many minutes: it starts from a trained one.
GUIDE_MINUTES = 2.0
# A part that is so many seconds late is ended: its last figures and sheets may take some.
GRACE = 60


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pack", type=Path, default=HERE.parent, help="training folder; default: the one with this file")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=7, help="for all together")
    parser.add_argument("--only", default="clip,guide,vqgan,prior", help="comma-separated parts")
    parser.add_argument("--first-share", type=float, default=FIRST_SHARE, help="of the time, until the prior begins")
    parser.add_argument("--dry-run", action="store_true", help="a few small steps of each part, on the CPU")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoints in the output")
    parser.add_argument("--with", dest="more", action="append", default=[], metavar="PART:ARGUMENTS",
                        help='more arguments of a part, such as "clip:--batch 2048"')
    arguments = parser.parse_args()
    arguments.only = arguments.only.split(",")
    for part in [*arguments.only, *(more.split(":")[0] for more in arguments.more)]:
        if part not in SCRIPTS:
            parser.error(f"unknown part {part!r}: choose from {', '.join(SCRIPTS)}")
    return arguments


class Part:
    """One training in a process of its own."""

    def __init__(self, name: str, arguments, minutes: float):
        self.name, self.minutes, self.started, self.seconds = name, minutes, time.time(), None
        command = [sys.executable, "-u", str(HERE / SCRIPTS[name]), "--pack", str(arguments.pack), "--output",
                   str(arguments.output), "--minutes", f"{minutes:.3f}"]
        command += ["--dry-run"] * arguments.dry_run + ["--resume"] * arguments.resume
        command += [word for more in arguments.more if more.split(":")[0] == name for word in more.partition(":")[2].split()]
        environment = dict(os.environ)
        if arguments.dry_run:
            environment.update(CUDA_VISIBLE_DEVICES="", OMP_NUM_THREADS="1")
        # The GPU's memory is shared: segments that grow leave less of it unused.
        environment.setdefault("PYTORCH_ALLOC_CONF", "expandable_segments:True")
        self.log = open(arguments.output / f"{name}.log", "ab")
        self.process = subprocess.Popen(command, stdout=self.log, stderr=subprocess.STDOUT, env=environment)
        print(f"{name}: started for {minutes:.1f} minutes", flush=True)

    def poll(self) -> bool:
        """Reports whether it has ended, and ends it if it is late: at first with SIGTERM, then with SIGKILL."""
        if self.process.poll() is None:
            late = time.time() - self.started - 60 * self.minutes
            if late > GRACE:
                self.process.send_signal(signal.SIGKILL if late > GRACE + 10 else signal.SIGTERM)
            return False
        if self.seconds is None:
            self.seconds = time.time() - self.started
            self.log.close()
            print(f"{self.name}: ended after {self.seconds:.0f} s with status {self.process.returncode}", flush=True)
        return True

    def report(self) -> dict:
        return {"seconds": round(self.seconds or 0), "status": self.process.returncode}


def run(arguments) -> dict[str, dict]:
    began = time.time()
    budget = 60 * arguments.minutes

    def left() -> float:
        return (budget - (time.time() - began)) / 60
    first = [name for name in arguments.only if name != "prior"]
    wants_prior = "prior" in arguments.only
    parts = {}
    for name in first:
        minutes = arguments.minutes * (arguments.first_share if wants_prior and not arguments.dry_run else 1)
        if name == "guide":
            minutes = min(minutes, GUIDE_MINUTES)
        parts[name] = Part(name, arguments, minutes)
    while not all([part.poll() for part in parts.values()]):
        time.sleep(0.2)
    if wants_prior and not (arguments.output / "vqgan.pt").exists():
        print("prior: left out: there is no vqgan.pt", flush=True)
    elif wants_prior:
        parts["prior"] = Part("prior", arguments, arguments.minutes if arguments.dry_run else max(left(), 0.2))
        while not parts["prior"].poll():
            time.sleep(0.2)
    return {name: part.report() for name, part in parts.items()}


def describe_device() -> dict:
    """The hardware, asked in a process of its own, so that this one holds no memory of the GPU."""
    program = ("import json, torch; print(json.dumps({'torch': torch.__version__, 'device': torch.cuda.get_device_name(0) "
               "if torch.cuda.is_available() else 'CPU'}))")
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    return json.loads(result.stdout) if result.returncode == 0 else {"error": result.stderr[-200:]}


def write_report(arguments, parts: dict[str, dict]) -> None:
    report = {"minutes": arguments.minutes, "processors": os.cpu_count(), **describe_device(), "parts": parts}
    (arguments.output / "report.json").write_text(json.dumps(report, indent=1), encoding="utf-8")
    with zipfile.ZipFile(arguments.output / "report.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(arguments.output.iterdir()):
            if path.suffix in (".csv", ".json", ".png", ".log", ".txt"):
                archive.write(path, path.name)
    print(json.dumps(report))


def main():
    arguments = parse_arguments()
    arguments.output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        # The parts load PyTorch meanwhile, and decode for themselves if this fails.
        pictures = Path(folder) / "pictures.npy"
        os.environ[CACHE] = str(pictures)
        multiprocessing.Process(target=decode, args=(arguments.pack, pictures, os.cpu_count())).start()
        parts = run(arguments)
    write_report(arguments, parts)
    failed = [name for name, part in parts.items() if part["status"] != 0]
    missing = [name for name in arguments.only if name not in parts]
    if failed or missing:
        for name in failed:
            log = (arguments.output / f"{name}.log").read_bytes().decode("utf-8", "replace").strip().splitlines()
            print(f"error: {name} failed: {log[-1] if log else 'it said nothing'}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
