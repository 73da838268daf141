"""Trains the prior, which draws: a decoder from texts and CLIP embeddings to the tokens of a VQGAN.

    python train_prior.py --pack FOLDER --output DIR --minutes 3

Reads DIR/vqgan.pt, as train_vqgan128.py wrote it, and the CLIP in DIR/clip.pt if there is one. First the tokens of all
drawings, of recolored ones and of scenes are computed, then the decoder learns them from their texts, their embeddings,
both, or neither, which guidance needs. Schedules follow the share of the minutes that has passed. Writes DIR/prior.pt
each minute, which is also what --resume goes on from; DIR/prior.csv, DIR/prior.json, and DIR/prior.png with what it draws.
"""

import argparse
import sys
from pathlib import Path

import torch
import torch.nn.functional as F

import prior_prompts
from contact_sheet import save_sheet
from pack_drawings import Drawings
from prior_examples import Examples
from prior_network import Prior, Shape, shape_of
from prior_sample import sample
from prior_text import TextPositions
from training_run import Average, Clock, Curves, Snapshot, choose_device, halved, learning_rate, save_json, save_whole
from vqgan_network import VQGAN, Sizes

COLUMNS = ["loss", "gradient", "validation", "validation_text", "validation_embedding", "validation_null"]
# How sampling should be set, as far as was seen.
SAMPLING = {"guidance": 3.0, "temperature": 0.6, "top_k": 100, "top_p": 1.0}
# Shares of a batch that see the text alone, the embedding alone, both, and neither.
TEXT_ALONE, EMBEDDING_ALONE, BOTH = 0.55, 0.2, 0.15


def load_vqgan(path: Path, device: torch.device) -> tuple[VQGAN, str]:
    """The autoencoder of a checkpoint, and the name of its architecture."""
    saved = torch.load(path, map_location=device, weights_only=True)
    model = VQGAN(Sizes(**saved["sizes"])).to(device).requires_grad_(False).eval()
    model.load_state_dict(saved["model"])
    return model, saved["architecture"]


def read_merges(folder: str, count: int) -> list[str]:
    """The first of the byte-pair merges in the prepared folder."""
    merges = (Path(folder) / "merges.txt").read_text(encoding="utf-8").strip("\n").split("\n")
    if len(merges) < count:
        raise ValueError(f"{folder}/merges.txt has {len(merges)} merges, wanted {count}")
    return merges[:count]


def load_clip(path: Path, device: torch.device):
    """encode and the embeddings' size of the CLIP, or None and 0 without one."""
    if not path.exists():
        print(f"{path.name} is not there: the prior learns from texts alone", flush=True)
        return None, 0
    from picture_clip import load_image_encoder
    return load_image_encoder(str(path), device)


class Training:
    def __init__(self, options, prior: Prior, positions: TextPositions, vqgan_name: str, device: torch.device):
        self.options, self.model, self.device, self.vqgan_name = options, prior, device, vqgan_name
        self.positions, self.merges, self.step = positions, positions.merges, 0
        self.null_text = positions.null(1).to(device)
        if options.resume:
            saved = torch.load(self.path(".pt"), map_location=device, weights_only=True)
            self.model.load_state_dict(saved["model"])
            self.step = saved["step"]
        self.average = Average(self.model)
        decayed = [each for name, each in self.model.named_parameters() if each.dim() > 1 and "emb" not in name]
        others = [each for name, each in self.model.named_parameters() if not (each.dim() > 1 and "emb" not in name)]
        self.optimizer = torch.optim.AdamW([{"params": decayed, "weight_decay": 0.05}, {"params": others, "weight_decay": 0.0}],
                                           betas=(0.9, 0.95), fused=device.type == "cuda")
        self.snapshot = Snapshot(self.model, self.average.module, self.optimizer)
        self.peak = options.learning_rate

    def path(self, ending: str) -> Path:
        return self.options.output / ("prior" + ending)

    def loss(self, model, examples: Examples, rows: torch.Tensor, kind: torch.Tensor, keep: float = 1.0) -> torch.Tensor:
        """The mean loss of a token. kind [N] in [0, 1) says which conditions each row has."""
        image = examples.tokens[rows].long()
        which = torch.randint(examples.texts.shape[1], (len(rows),), device=self.device)
        text = examples.texts[rows, which].long()
        with_text, with_embedding = kind >= 0, torch.zeros_like(kind, dtype=torch.bool)
        embedding = None
        if examples.embedding is not None:
            embedding = examples.embedding[rows].float()
            # Embeddings that no picture has, such as those between two, must mean something too.
            noise = torch.randn_like(embedding) * (0.5 * torch.rand(len(rows), 1, device=self.device) / embedding.shape[1] ** 0.5)
            embedding = F.normalize(embedding + noise, dim=1)
            with_text = (kind < TEXT_ALONE) | (kind >= TEXT_ALONE + EMBEDDING_ALONE)
            with_embedding = (kind >= TEXT_ALONE) & (kind < TEXT_ALONE + EMBEDDING_ALONE + BOTH)
        with_text &= kind < TEXT_ALONE + EMBEDDING_ALONE + BOTH
        text = torch.where(with_text[:, None], text, self.null_text)
        # Some tokens before are wrong ones (taming's pkeep), as some that are sampled will be.
        fed = torch.where(torch.rand(image.shape, device=self.device) < keep, image,
                          torch.randint_like(image, self.model.shape.image_tokens))[:, :-1]
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.device.type == "cuda"):
            logits = model(text, fed, embedding, with_embedding)
        return F.cross_entropy(logits.float().flatten(0, 1), image.flatten())

    def take_step(self, examples: Examples, passed: float, curves: Curves) -> None:
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self.peak, self.step, passed, 300)
        rows = torch.multinomial(examples.weights, self.options.batch, replacement=True)
        self.model.train()
        loss = self.loss(self.model, examples, rows, torch.rand(len(rows), device=self.device), self.options.keep)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        gradient = torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        self.average.update(self.model, self.step)
        curves.add(loss=loss, gradient=gradient)
        self.step += 1

    @torch.no_grad()
    def validate(self, examples: Examples) -> dict[str, float]:
        """The averaged model's loss on drawings set aside: as in training, with text, with embedding, with neither."""
        model, losses = self.average.module, {}
        kinds = {"validation": None, "validation_text": 0.0, "validation_null": 0.999}
        if examples.embedding is not None:
            kinds["validation_embedding"] = TEXT_ALONE
        for name, kind in kinds.items():
            total = 0.0
            for rows in torch.arange(len(examples), device=self.device).split(self.options.batch):
                given = (torch.arange(len(rows), device=self.device) + 0.5) / len(rows) if kind is None else torch.full(
                    (len(rows),), kind, device=self.device)
                total += float(self.loss(model, examples, rows, given)) * len(rows)
            losses[name] = total / len(examples)
        return losses

    def save(self) -> None:
        config = self.average.module.config() | SAMPLING | {"vqgan": self.vqgan_name}
        save_whole({"architecture": "prior-stream", "config": config, "merges": self.merges, "step": self.step,
                    "model": halved(self.average.module.state_dict())}, self.path(".pt"))


def draw_sheets(training: Training, vqgan: VQGAN, validation: Examples, columns: int) -> None:
    """Pictures for names and for prompts that no drawing has, and variations of drawings set aside."""
    model, device, positions = training.average.module, training.device, training.positions

    def draw(text: torch.Tensor, embedding=None) -> torch.Tensor:
        tokens = sample(model, text.to(device), training.null_text.expand(len(text), -1), embedding,
                        SAMPLING["guidance"], SAMPLING["temperature"], SAMPLING["top_k"])
        return torch.cat([vqgan.picture(some) for some in tokens.split(64)]).cpu()

    for ending, prompts in ((".names.png", prior_prompts.NAMES), (".png", prior_prompts.UNSEEN)):
        if training.options.dry_run:
            prompts = prompts[:2]
        drawn = draw(positions.tensor([prompt for prompt in prompts for _ in range(columns)]))
        save_sheet(list(drawn.split(columns)), training.path(ending), list(prompts))
    if validation.embedding is not None:
        rows = torch.linspace(0, len(validation) - 1, 12 if not training.options.dry_run else 2).long().to(device)
        embedding = validation.embedding[rows].float().repeat_interleave(columns - 1, 0)
        alike = draw(training.null_text.expand(len(embedding), -1), embedding)
        shape = model.shape
        originals = vqgan.picture(validation.tokens[rows].long().view(-1, shape.rows, shape.columns)).cpu()
        save_sheet([torch.cat([original[None], some]) for original, some in zip(originals, alike.split(columns - 1))],
                   training.path(".like.png"))


def read_options():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--pack", required=True, help="the prepared folder")
    parser.add_argument("--output", type=Path, required=True, help="folder with vqgan.pt, and for what is written")
    parser.add_argument("--minutes", type=float, default=3)
    parser.add_argument("--steps", type=int, default=1 << 60, help="end after so many steps, if the minutes do not before")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint in the output folder")
    parser.add_argument("--dry-run", action="store_true", help="a tiny network, a few steps, to see that all works")
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--learning-rate", type=float, default=1.5e-3)
    parser.add_argument("--dropout", type=float, default=0.05)
    parser.add_argument("--keep", type=float, default=0.97, help="share of the tokens before that are given as they are")
    parser.add_argument("--layers", type=int, default=6)
    parser.add_argument("--heads", type=int, default=7)
    parser.add_argument("--width", type=int, default=224)
    parser.add_argument("--merges", type=int, default=1536, help="of OpenAI's byte-pair encoding")
    parser.add_argument("--text-length", type=int, default=24)
    parser.add_argument("--variants", type=int, default=4, help="of each drawing")
    parser.add_argument("--colors", type=int, default=2, help="other colors of each drawing that has one of its own")
    parser.add_argument("--scenes", type=float, default=0.75, help="scenes of two drawings for each drawing")
    parser.add_argument("--no-embedding", action="store_true", help="learn from texts alone, though there is a CLIP")
    parser.add_argument("--most", type=int, help="use no more than so many drawings")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--compile", action="store_true", help="compile the network, which takes half a minute and more")
    parser.add_argument("--threads", type=int, default=8, help="that decode pictures, and that compute on a CPU")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    if options.dry_run:
        options.layers, options.heads, options.width, options.batch, options.steps = 2, 2, 32, 8, 12
        options.variants, options.colors, options.most, options.minutes = 2, 1, 32, min(options.minutes, 0.8)
    return options


def main() -> None:
    clock, options = Clock(0), read_options()
    torch.manual_seed(options.seed)
    device = choose_device(options.device)
    dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
    if device.type == "cpu":
        torch.set_num_threads(options.threads)
    vqgan, vqgan_name = load_vqgan(options.output / "vqgan.pt", device)
    encode, size = (None, 0) if options.no_embedding else load_clip(options.output / "clip.pt", device)
    merges = read_merges(options.pack, options.merges)
    drawings = Drawings(options.pack, device, "train", options.most, options.threads)
    cells = drawings.pictures.shape[-1] >> (len(vqgan.sizes.multipliers) - 1)
    shape = Shape(image_tokens=vqgan.sizes.codebook_size, text_tokens=len(merges) + 514, text_length=options.text_length,
                  rows=cells, columns=cells, embedding_size=size, layers=options.layers, heads=options.heads,
                  width=options.width)
    if options.resume:
        shape = shape_of(torch.load(options.output / "prior.pt", map_location="cpu", weights_only=True)["config"])
    positions = TextPositions(merges, shape)
    training = Training(options, Prior(shape, options.dropout).to(device), positions, vqgan_name, device)
    examples = Examples(drawings, vqgan, positions, encode, options.variants, options.colors, options.scenes,
                        seed=options.seed, dtype=dtype)
    validation = Examples(Drawings(options.pack, device, "validation", 512 if not options.dry_run else 8, options.threads),
                          vqgan, positions, encode, variants=1, colors=0, scenes=0, dtype=dtype)
    curves = Curves(training.path(".csv"), COLUMNS, options.resume)
    if options.compile:
        training.model.blocks.compile()
    parameters = sum(each.numel() for each in training.model.parameters())
    print(f"{parameters / 1e6:.1f} million parameters, {len(examples)} examples, {len(validation)} for validation, "
          f"{clock.elapsed():.1f} s to the first step", flush=True)
    # The sheets at the end take some seconds.
    clock = Clock(max(options.minutes - (clock.elapsed() + 15 * (device.type == "cuda")) / 60, 1 / 60))
    first, saved, restored = training.step, clock.elapsed(), 0
    while (passed := max(clock.passed(), (training.step - first) / options.steps)) < 1:
        training.take_step(examples, passed, curves)
        if device.type == "cuda" and training.step % 20 == 0:
            torch.cuda.synchronize()  # the clock is the device's, not that of the queue before it
        if training.step % 200 == 0 or training.step - first == options.steps:
            curves.add(**training.validate(validation))
            means = curves.write(training.step, clock.elapsed())
            if all(value == value for value in means.values()):
                training.snapshot.keep()
            else:
                restored += 1
                if restored > 5:
                    raise SystemExit("the loss was not finite six times")
                print(f"step {training.step}: the loss is not finite; back by 200 steps, at half the learning rate", flush=True)
                training.snapshot.restore()
                training.peak /= 2
            told = " ".join(f"{name} {value:.4g}" for name, value in means.items())
            print(f"step {training.step} {clock.elapsed():.0f} s {told}", flush=True)
        if clock.elapsed() - saved >= min(60, clock.seconds / 3):
            saved = clock.elapsed()
            training.save()
    training.save()
    figures = training.validate(validation)
    save_json({"config": training.average.module.config(), "parameters": parameters, "examples": len(examples),
               "steps": training.step - first, "batch": options.batch, "seconds": clock.elapsed(), "learning_rate": training.peak,
               "device": torch.cuda.get_device_name() if device.type == "cuda" else "CPU", "validation": figures},
              training.path(".json"))
    print(f"{training.step - first} steps of {options.batch}: " + " ".join(f"{name} {value:.4f}" for name, value in figures.items()),
          flush=True)
    draw_sheets(training, vqgan, validation, 8 if not options.dry_run else 2)


if __name__ == "__main__":
    try:
        main()
    except (OSError, RuntimeError, ValueError, KeyError) as error:
        sys.exit(f"train_prior: {' '.join(str(error).split())}")
