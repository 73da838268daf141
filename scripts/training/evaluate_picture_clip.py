"""Prints the figures of the embedded CLIP on pictures that training never saw. They are looked at once, at the end.

    python scripts/training/evaluate_picture_clip.py --model models/clip.pt --data .cache/emoji --pack build/training-folder

- Twemoji (folder of emoji/render.py --size 160): zero-shot among all names, and names to pictures.
- Open Clip Art: the 300 names that the training folder sets aside, a picture of each, among the 300.
- The photographs that come with scikit-image and scikit-learn and show one of ImageNet's 1,000 classes, among these.
  PHOTOGRAPHS says which classes count as right for each. Both packages are installed somewhere with
  `pip install --no-deps --target DIR -r scripts/training/pack/photographs.txt`; --photographs is DIR.

Each name is represented by the mean of its templates' embeddings, and by itself alone.
"""

import argparse
import json
import sys
from pathlib import Path

import torch
import torch.nn.functional as F
from PIL import Image
from torchvision.transforms.functional import pil_to_tensor

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE / "emoji"), str(HERE.parent / "reference")]

from clip_tokens import make_tokenizer  # noqa: E402
from dataset import Emoji  # noqa: E402
from evaluate_clip import embed_names, evaluate, format_figures  # noqa: E402
from pack_reader import on_white, read_pack  # noqa: E402
from texts import ZERO_SHOT_TEMPLATES  # noqa: E402

DRAWING_TEMPLATES = ("{}", "a {}", "a picture of {}", "a drawing of a {}", "clip art of a {}")
PHOTOGRAPH_TEMPLATES = ("{}", "a {}", "a photo of a {}", "a picture of a {}", "an image of a {}")
# The files, and the first names of the classes that they show. Photographs of nothing that has a class (a dahlia, coins,
# a lawn), drawings and scans are left out.
PHOTOGRAPHS = {
    "skimage/data/chelsea.png": ("tabby", "tiger cat", "Egyptian cat"),
    "skimage/data/coffee.png": ("espresso", "cup", "coffee mug"),
    "skimage/data/rocket.jpg": ("missile", "projectile"),
    "skimage/data/camera.png": ("tripod", "reflex camera"),
    "skimage/data/motorcycle_left.png": ("moped", "motor scooter"),
    "skimage/data/clock_motion.png": ("analog clock", "wall clock"),
    "skimage/data/brick.png": ("stone wall",),
    "skimage/data/astronaut.png": ("space shuttle",),
    "sklearn/datasets/images/china.jpg": ("palace",),
}


class Model:
    def __init__(self, path: str):
        extra = {"config.json": "", "bpe_merges.txt": ""}
        self.network = torch.jit.load(path, _extra_files=extra).float().eval()
        self.config = json.loads(extra["config.json"])
        self.tokenizer = make_tokenizer(extra["bpe_merges.txt"].decode("utf-8").strip("\n").split("\n"))
        self.side = self.config["image_size"]
        self.mean, self.std = (torch.tensor(self.config[key])[:, None, None] for key in ("mean", "std"))

    @torch.no_grad()
    def embed(self, pictures: torch.Tensor) -> torch.Tensor:
        """float [n, 3, side, side] in [0, 1] -> unit embeddings."""
        parts = [self.network.encode_image((part - self.mean) / self.std) for part in pictures.split(64)]
        return F.normalize(torch.cat(parts), dim=-1)

    def names(self, names: list[str], templates) -> torch.Tensor:
        return embed_names(self.network, self.tokenizer, names, templates, self.config["context_length"])


def twemoji(model: Model, data: str) -> dict:
    codes, names, pictures = Emoji(data).evaluation(model.side)
    settings = {"mean": model.mean, "std": model.std, "context_length": model.config["context_length"]}
    figures = {}
    for what, templates in (("templates", ZERO_SHOT_TEMPLATES), ("name alone", ("{}",))):
        found = evaluate(model.network, model.tokenizer, codes, names, pictures, templates, **settings)
        print(f"Twemoji, {what}: {format_figures(found)}", flush=True)
        found.pop("image_rank")
        figures[what] = found
    return figures


def open_clip_art(model: Model, folder: str, split: str) -> dict:
    pack = read_pack(folder, 2)
    first = {}
    for row in pack.rows(split, ["openclipart"]):
        first.setdefault(pack.items[row]["name"], row)
    names = list(first)
    pictures = on_white(pack.pictures[torch.tensor(list(first.values()))])
    pictures = F.interpolate(pictures, size=model.side, mode="bicubic", antialias=True).clamp(0, 1)
    images, figures = model.embed(pictures), {}
    for what, templates in (("templates", DRAWING_TEMPLATES), ("name alone", ("{}",))):
        similarity = images @ model.names(names, templates).t()
        rank = (similarity > similarity.diag()[:, None]).sum(1)
        figures[what] = {"names": len(names), "top1": (rank < 1).float().mean().item(), "top5": (rank < 5).float().mean().item()}
        print(f"Open Clip Art ({split}), {what}: {len(names)} names: top-1 {figures[what]['top1']:.1%}, "
              f"top-5 {figures[what]['top5']:.1%}", flush=True)
    return figures


def read_photograph(path: Path, side: int) -> torch.Tensor:
    """The middle square, as the model's preprocessing cuts it."""
    picture = Image.open(path).convert("RGB")
    scale = side / min(picture.size)
    width, height = (max(side, round(size * scale)) for size in picture.size)
    picture = picture.resize((width, height), Image.Resampling.BICUBIC)
    left, top = (width - side) // 2, (height - side) // 2
    return pil_to_tensor(picture.crop((left, top, left + side, top + side))).float() / 255


def photographs(model: Model, packages: Path, classes: list[dict]) -> dict:
    names = [entry["names"][0].lower() for entry in classes]
    images = model.embed(torch.stack([read_photograph(packages / path, model.side) for path in PHOTOGRAPHS]))
    similarity = images @ model.names(names, PHOTOGRAPH_TEMPLATES).t()
    hits = {1: 0, 5: 0}
    for (path, right), scores in zip(PHOTOGRAPHS.items(), similarity):
        order = scores.argsort(descending=True)[:5].tolist()
        told = [classes[i]["names"][0] for i in order]
        for count in hits:
            hits[count] += any(name in right for name in told[:count])
        print(f"  {path}: {', '.join(told)}; right: {', '.join(right)}")
    print(f"Photographs: {hits[1]} of {len(PHOTOGRAPHS)} named first, {hits[5]} among the first five of {len(names)}", flush=True)
    return {"photographs": len(PHOTOGRAPHS), "top1": hits[1], "top5": hits[5]}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="models/clip.pt")
    parser.add_argument("--data", help="folder that emoji/render.py wrote; no figures of Twemoji without it")
    parser.add_argument("--pack", required=True, help="training folder")
    parser.add_argument("--photographs", type=Path, help="folder with the packages; no figures of photographs without it")
    parser.add_argument("--split", default="test", choices=("test", "validation"), help="of Open Clip Art")
    arguments = parser.parse_args()
    model = Model(arguments.model)
    figures = {"open_clip_art": open_clip_art(model, arguments.pack, arguments.split)}
    if arguments.data:
        figures["twemoji"] = twemoji(model, arguments.data)
    if arguments.photographs:
        from pack_pictures import read_index
        figures["photographs"] = photographs(model, arguments.photographs, read_index(arguments.pack)["classes"])
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
