"""Takes the places of source files out of TorchScript archives, which keep them in debug records.

    python scripts/reference/neutral_paths.py torch/jit/testdata/modules/*.pt

A path is replaced by one as long, for the records count characters: the name of the file, or that
within site-packages, after underscores. Weights stay aligned as torch.jit.save aligns them.
"""

import io
import re
import sys
import zipfile
from pathlib import Path

ALIGNMENT = 64
ABSOLUTE = re.compile(rb"(?:/[\w.+@-]+)+\.py")


def neutral(path: re.Match) -> bytes:
    whole = path.group()
    tail = whole.rpartition(b"/site-packages/")[2] if b"/site-packages/" in whole else whole.rpartition(b"/")[2]
    return b"_" * (len(whole) - len(tail)) + tail


def take_out_paths(archive: Path) -> None:
    written = io.BytesIO()
    with zipfile.ZipFile(archive) as old, zipfile.ZipFile(written, "w") as new:
        for entry in old.infolist():
            contents = old.read(entry)
            if entry.filename.endswith(".debug_pkl"):
                contents = ABSOLUTE.sub(neutral, contents)
            copy = zipfile.ZipInfo(entry.filename, entry.date_time)
            copy.compress_type = entry.compress_type
            # The extra field that PyTorch pads with: an identifier, its length, and that many bytes.
            start = written.tell() + 30 + len(entry.filename) + 4
            padding = -start % ALIGNMENT
            copy.extra = b"FB" + padding.to_bytes(2, "little") + b"Z" * padding
            new.writestr(copy, contents)
    archive.write_bytes(written.getvalue())


if __name__ == "__main__":
    for name in sys.argv[1:]:
        take_out_paths(Path(name))
