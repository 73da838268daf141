"""The trainings of CLIP in a small training folder that is made here: drawings of made-up things, and fresh weights."""

import gzip
import io
import json
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import numpy
import timm
import torch
from PIL import Image

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE / "emoji"), str(HERE.parent / "reference")]

import guiding_clip  # noqa: E402
import picture_clip  # noqa: E402
from blend_trunk import blend  # noqa: E402
from clip_data import Drawings, boxes_of  # noqa: E402
from clip_texts import Teacher  # noqa: E402
from clip_tokens import read_merges  # noqa: E402
from efficientnet_lite import EfficientNetLite0, load_trunk  # noqa: E402
from pack_reader import on_white, read_pack  # noqa: E402
from packed_weights import pack_weights, unpack_weights  # noqa: E402
from plain_tokenizer import read_tokenizer  # noqa: E402

THINGS = ["red circle", "blue square", "green star", "yellow ring", "black cross"]
SIDE = 128


def drawing(number: int) -> numpy.ndarray:
    pixels = numpy.zeros((SIDE, SIDE, 4), numpy.uint8)
    pixels[20:60 + 10 * number, 30:80] = [40 * number, 200 - 30 * number, 90, 255]
    return pixels


def write_folder(folder: Path) -> None:
    entries, data = [], b""
    for number, name in enumerate(THINGS):
        for source in ("noto", "openmoji_color", "openclipart"):
            file = io.BytesIO()
            Image.fromarray(drawing(number)).save(file, "WEBP", lossless=True)
            split = "validation" if (number, source) == (0, "noto") else "train"
            entries.append({"source": source, "key": f"{number}", "name": name, "keywords": ["shape"],
                            "group": -1 if source == "openclipart" else 4, "split": split, "mirror": True, "recolor": False,
                            "line_art": False, "offset": len(data), "size": len(file.getvalue())})
            data += file.getvalue()
    classes = [{"wnid": f"n{i:08}", "names": [f"thing {i}"], "gloss": "a thing", "hypernyms": ["object"]} for i in range(1000)]
    index = {"version": 1, "side": SIDE, "sources": {}, "pictures": entries, "classes": classes}
    (folder / "pictures.bin").write_bytes(data)
    (folder / "pack.json.gz").write_bytes(gzip.compress(json.dumps(index).encode("utf-8")))
    (folder / "merges.txt").write_text("\n".join(read_merges(8000)) + "\n", encoding="utf-8")
    torch.manual_seed(0)
    torch.save(pack_weights(EfficientNetLite0().state_dict()), folder / "efficientnet_lite0.pt")
    torch.save(pack_weights(guiding_clip.create(8514).state_dict()), folder / "guide_start.pt")
    texts = [*THINGS, "shape"]
    codes = numpy.eye(len(texts), 8, dtype=numpy.int8) * 127
    numpy.savez(folder / "texts.npz", texts=numpy.frombuffer("\n".join(texts).encode("utf-8"), numpy.uint8), codes=codes,
                scale=numpy.float32(1 / 127))


class TrainingFolder(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.temporary.cleanup)
        cls.folder = Path(cls.temporary.name) / "folder"
        cls.folder.mkdir()
        write_folder(cls.folder)

    def test_pictures_come_back(self):
        pack = read_pack(self.folder, 1)
        self.assertEqual(pack.pictures.shape, (15, 4, SIDE, SIDE))
        row = 3 * 2
        self.assertTrue(torch.equal(pack.pictures[row][3], torch.from_numpy(drawing(2))[..., 3]))
        self.assertEqual(on_white(pack.pictures[:1])[0, :, 0, 0].tolist(), [1, 1, 1])
        self.assertEqual(pack.rows("validation"), [0])
        x, y, half = boxes_of(pack.pictures[:1])[0].tolist()
        self.assertAlmostEqual(x, (30 + 80) / SIDE - 1, places=5)
        self.assertAlmostEqual(y, (20 + 60) / SIDE - 1, places=5)
        self.assertAlmostEqual(half, 50 / SIDE, places=5)

    def test_what_is_no_training_folder_is_told(self):
        with tempfile.TemporaryDirectory() as empty, self.assertRaisesRegex(SystemExit, "is no training folder"):
            read_pack(empty)

    def test_a_batch_shows_nothing_twice(self):
        pack, tokenizer = read_pack(self.folder, 1), read_tokenizer(self.folder)
        drawings = Drawings(pack, tokenizer, Teacher(self.folder, tokenizer, 16), torch.device("cpu"), 16, text_variants=3)
        self.assertEqual(sorted(drawings.names), sorted(THINGS))
        batch, = drawings.epoch(100)
        self.assertEqual(sorted(batch.tolist()), list(range(len(THINGS))))
        pictures, tokens = drawings.batch(batch, 0.5, 48)
        self.assertEqual((pictures.shape, tokens.shape), ((5, 3, 48, 48), (5, 16)))
        self.assertTrue(bool(((pictures >= 0) & (pictures <= 1)).all()))
        # The picture that is set aside is in no batch.
        self.assertNotIn(0, [pack.rows("train")[row] for row in drawings.table[0].tolist()])

    def test_weights_in_a_byte(self):
        weights = {"a": torch.randn(4, 3, 2, 2), "b": torch.randn(5), "count": torch.tensor(3)}
        unpacked = unpack_weights(pack_weights(weights))
        self.assertEqual(list(unpacked), ["a", "b"])
        largest = weights["a"].flatten(1).abs().amax(1).view(4, 1, 1, 1)
        self.assertTrue(bool(((unpacked["a"] - weights["a"]).abs() <= largest / 250).all()))

    def test_the_image_encoder_is_timms(self):
        ours = load_trunk(self.folder / "efficientnet_lite0.pt")
        theirs = timm.create_model("tf_efficientnet_lite0", pretrained=False).eval()
        names = picture_clip.timm_names() | {"_fc": "classifier"}
        state = {}
        for name, tensor in ours.state_dict().items():
            module, _, leaf = name.rpartition(".")
            state[f"{names[module]}.{leaf}"] = tensor
        theirs.load_state_dict(state)
        pictures = torch.randn(2, 3, 75, 96)
        with torch.no_grad():
            torch.testing.assert_close(ours(pictures), theirs(pictures), rtol=1e-4, atol=1e-4)

    def test_names_of_open_clip_and_back(self):
        model = picture_clip.create(self.folder, 600, layers=1)
        state = model.state_dict()
        back = picture_clip.own_state(picture_clip.open_clip_state(state))
        self.assertEqual(list(back), list(state))

    def test_blended_weights(self):
        published = {"weight": torch.tensor([0.0, 2]), "count": torch.tensor(1)}
        tuned = {"weight": torch.tensor([1.0, 4]), "count": torch.tensor(5)}
        self.assertEqual(blend(published, tuned, 0.75)["weight"].tolist(), [0.75, 3.5])
        self.assertEqual(blend(published, tuned, 1)["weight"].tolist(), [1, 4])

    def test_the_trainings_run_and_resume(self):
        output = Path(self.temporary.name) / "output"
        environment = dict(os.environ, PYTHONPATH=os.pathsep.join([str(HERE), str(HERE / "emoji")]), OMP_NUM_THREADS="1")
        command = [sys.executable, str(HERE / "run_training.py"), "--pack", str(self.folder), "--output", str(output),
                   "--only", "clip,guide", "--minutes", "30", "--dry-run"]
        for more in ([], ["--resume"]):
            result = subprocess.run(command + more, env=environment, capture_output=True, text=True)
            self.assertEqual(result.returncode, 0, result.stderr)
        report = json.loads((output / "report.json").read_text())
        self.assertEqual({name: part["status"] for name, part in report["parts"].items()}, {"clip": 0, "guide": 0})
        figures = json.loads((output / "clip.json").read_text())
        self.assertEqual(figures["steps"], 4)
        encode, size = picture_clip.load_image_encoder(output / "clip.pt", "cpu")
        embeddings = encode(torch.rand(2, 3, SIDE, SIDE))
        self.assertEqual(embeddings.shape, (2, size))
        torch.testing.assert_close(embeddings.norm(dim=1), torch.ones(2))
        encode, _ = picture_clip.load_text_encoder(output / "clip.pt", "cpu", self.folder)
        self.assertEqual(encode(["a red circle"]).shape, (1, size))

    def test_a_part_that_fails_is_told(self):
        output = Path(self.temporary.name) / "failed"
        environment = dict(os.environ, PYTHONPATH=os.pathsep.join([str(HERE), str(HERE / "emoji")]), OMP_NUM_THREADS="1")
        result = subprocess.run([sys.executable, str(HERE / "run_training.py"), "--pack", str(self.folder / "absent"),
                                 "--output", str(output), "--only", "guide", "--dry-run"], env=environment,
                                capture_output=True, text=True)
        self.assertEqual(result.returncode, 1)
        self.assertIn("error: guide failed: error: ", result.stderr)
        self.assertIn("is no training folder", result.stderr)
        self.assertTrue((output / "report.zip").exists())


if __name__ == "__main__":
    unittest.main()
