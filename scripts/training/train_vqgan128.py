"""Trains the VQGAN of 128x128 pixels and 16x16 tokens on the drawings of the prepared folder.

    python train_vqgan128.py --pack FOLDER --output DIR --minutes 3

The loss is that of the paper (Esser, Rombach and Ommer 2021): L1 + perceptual + lambda * patch discriminator +
commitment, with the distances of an ImageNet classifier's features as the perceptual term, and a codebook of
running means. Pictures, augmentation and the rest stay on the device. Schedules follow the share of the minutes
that has passed. Writes DIR/vqgan.pt, which clipvqgan import takes, each minute; DIR/vqgan.discriminator.pt, with
which --resume goes on; DIR/vqgan.csv, DIR/vqgan.json and DIR/vqgan.png.
"""

import argparse
import sys
from pathlib import Path

import torch
import torch.nn.functional as F

from codebook import Codebook
from contact_sheet import save_sheet
from discriminator import PatchDiscriminator
from drawing_augment import augment, on_white
from efficientnet_lite import load_trunk
from pack_drawings import Drawings
from perceptual import EdgeLoss
from perceptual_distance import PerceptualDistance
from training_run import Average, Clock, Curves, Snapshot, choose_device, halved, learning_rate, save_json, save_whole
from vqgan_figures import measure
from vqgan_network import VQGAN, Sizes, initialize, normalize_scale

# What vqgan/networks.go calls the network of the default sizes.
ARCHITECTURE = "f8-2048-drawings"
COLUMNS = ["pixel", "edges", "perceptual", "commitment", "generator", "lambda", "hinge", "gradient", "dead"]
# Steps without a codebook, so that it can be placed where latents are.
PLAIN_STEPS, PLAIN_SHARE = 400, 0.08
# The last share of the time is for settling: no entry of the codebook starts again.
SETTLING = 0.9


class Training:
    def __init__(self, options, device: torch.device):
        self.options, self.device = options, device
        sizes = Sizes(channels=options.channels, multipliers=tuple(options.multipliers), groups=options.groups,
                      z_channels=2 * options.channels, codebook_size=options.codebook)
        self.dtype = {"float32": torch.float32, "bfloat16": torch.bfloat16}[
            options.dtype or ("bfloat16" if device.type == "cuda" else "float32")]
        self.model = VQGAN(sizes).to(device)
        initialize(self.model)
        self.discriminator = PatchDiscriminator(filters=options.filters, layers=3).to(device)
        self.placed, self.step, self.adversarial_weight = False, 0, None
        if options.resume:
            self.load()
        self.average = Average(self.model)
        self.codebook = Codebook([self.model.quantizer.embedding.weight.data,
                                  self.average.module.quantizer.embedding.weight.data])
        # The codebook moves by means, not by gradients.
        self.model.quantizer.requires_grad_(False)
        fused = device.type == "cuda"
        self.parameters = [each for each in self.model.parameters() if each.requires_grad]
        self.optimizer = torch.optim.Adam(self.parameters, betas=(0.5, 0.9), fused=fused)
        self.discriminator_optimizer = torch.optim.Adam(self.discriminator.parameters(), betas=(0.5, 0.9), fused=fused)
        trunk = load_trunk(str(Path(options.pack) / "efficientnet_lite0.pt")).to(device)
        self.distance, self.exact_distance = PerceptualDistance(trunk, self.dtype), PerceptualDistance(trunk)
        self.edges = EdgeLoss()
        self.snapshot = Snapshot(self.model, self.average.module, self.discriminator, self.codebook, self.optimizer,
                                 self.discriminator_optimizer)
        self.peak = options.learning_rate

    def take_step(self, picture: torch.Tensor, passed: float, curves: Curves) -> None:
        options = self.options
        rate = learning_rate(self.peak, self.step, passed)
        for each in (self.optimizer, self.discriminator_optimizer):
            each.param_groups[0]["lr"] = rate
        z = self.model.encode(picture.to(self.dtype))
        if not self.placed and (self.step >= PLAIN_STEPS or passed >= PLAIN_SHARE) and self.step > 1:
            self.place_codebook(z)
            z = self.model.encode(picture.to(self.dtype))
        if self.placed:
            indices = self.model.quantizer.nearest(z.detach())
            rows = self.model.quantizer.embed(indices)
            commitment = F.mse_loss(z, rows)
            z_q = z + (rows - z).detach()
            self.codebook.update(z, indices)
            if self.step % 50 == 0 and passed < SETTLING:
                curves.add(dead=len(self.codebook.dead()))
                self.codebook.restart(z)
            z_q = self.disturbed(z_q, 0.1)
        else:
            z_q, commitment = z, 1e-3 * z.square().mean()
        out = self.model.decode(z_q.to(self.dtype)).float()

        pixel, edges = (out - picture).abs().mean(), self.edges(out, picture)
        if options.loss == "l1":
            perceptual, reconstruction = torch.zeros(()), pixel
        else:
            perceptual = self.distance(out, picture).mean()
            reconstruction = pixel + options.edge_weight * edges + options.perceptual_weight * perceptual
        loss = reconstruction + 0.25 * commitment
        adversarial = options.loss == "full" and self.placed and passed >= options.discriminator_start
        if adversarial:
            self.discriminator.requires_grad_(False)
            generator = -self.judge(out).mean()
            if self.step % 8 == 0 or self.adversarial_weight is None:
                self.adversarial_weight = options.discriminator_weight * adaptive_weight(
                    reconstruction, generator, self.model.decoder.conv_out.weight)
            loss = loss + self.adversarial_weight * generator
            curves.add(generator=generator, **{"lambda": self.adversarial_weight})
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        gradient = torch.nn.utils.clip_grad_norm_(self.parameters, 1.0)
        self.optimizer.step()
        # The discriminator learns a little ahead of its start, so that it has something to say.
        if options.loss == "full" and self.placed and passed >= options.discriminator_start - 0.03:
            self.discriminator.requires_grad_(True)
            real, fake = self.judge(picture), self.judge(out.detach())
            hinge = 0.5 * (F.relu(1 - real).mean() + F.relu(1 + fake).mean())
            self.discriminator_optimizer.zero_grad(set_to_none=True)
            hinge.backward()
            self.discriminator_optimizer.step()
            curves.add(hinge=hinge)
        self.average.update(self.model, self.step)
        curves.add(pixel=pixel, edges=edges, perceptual=perceptual, commitment=commitment, gradient=gradient)
        self.step += 1

    def judge(self, picture: torch.Tensor) -> torch.Tensor:
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.dtype == torch.bfloat16):
            return self.discriminator(picture).float()

    def place_codebook(self, z: torch.Tensor) -> None:
        self.codebook.place(z)
        self.average.module.load_state_dict(self.model.state_dict())
        normalize_scale(self.model)
        normalize_scale(self.average.module)
        self.codebook.sums = self.codebook.weight.clone()
        self.codebook.counts.fill_(z.numel() / z.shape[1] / len(self.codebook.counts))
        self.codebook.sums *= self.codebook.counts[:, None]
        self.placed = True

    def disturbed(self, z_q: torch.Tensor, share: float) -> torch.Tensor:
        """Exchanges a share of the tokens for random ones in a tenth of the pictures: guided generation decodes
        latents that no encoder has made, and they must not break the decoder."""
        count, _, height, width = z_q.shape
        random = self.model.quantizer.embed(torch.randint(self.options.codebook, (count, height, width), device=self.device))
        chosen = (torch.rand(count, 1, 1, 1, device=self.device) < 0.1) & (
            torch.rand(count, 1, height, width, device=self.device) < share)
        return torch.where(chosen, random, z_q)

    def path(self, ending: str) -> Path:
        return self.options.output / (self.options.name + ending)

    def save(self) -> None:
        model = VQGAN(self.model.sizes).to(self.device)
        model.load_state_dict(self.average.module.state_dict())
        if self.placed:
            normalize_scale(model)
        save_whole({"architecture": ARCHITECTURE, "sizes": vars(self.model.sizes), "step": self.step, "placed": self.placed,
                    "model": halved(model.state_dict())}, self.path(".pt"))
        save_whole(halved(self.discriminator.state_dict()), self.path(".discriminator.pt"))

    def load(self) -> None:
        saved = torch.load(self.path(".pt"), map_location=self.device, weights_only=True)
        self.model.load_state_dict(saved["model"])
        self.discriminator.load_state_dict(torch.load(self.path(".discriminator.pt"), map_location=self.device,
                                                      weights_only=True))
        self.step, self.placed = saved["step"], saved["placed"]

    def figures(self, pictures: torch.Tensor) -> dict:
        return measure(self.average.module, pictures, self.exact_distance, self.options.codebook)


def adaptive_weight(reconstruction, generator, last_layer) -> torch.Tensor:
    """lambda of the paper, equation 7, with taming's factor of 0.8."""
    wanted, = torch.autograd.grad(reconstruction, last_layer, retain_graph=True)
    adversarial, = torch.autograd.grad(generator, last_layer, retain_graph=True)
    return 0.8 * (wanted.norm() / (adversarial.norm() + 1e-4)).clamp(0, 1e4).detach()


def read_options():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--pack", required=True, help="the prepared folder")
    parser.add_argument("--output", type=Path, required=True, help="folder for what is written")
    parser.add_argument("--name", default="vqgan", help="the files' name before the dot")
    parser.add_argument("--minutes", type=float, default=3)
    parser.add_argument("--steps", type=int, default=1 << 60, help="end after so many steps, if the minutes do not before")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint in the output folder")
    parser.add_argument("--dry-run", action="store_true", help="a tiny network, a few steps, to see that all works")
    parser.add_argument("--loss", choices=("full", "perceptual", "l1"), default="full",
                        help="perceptual: without the discriminator; l1: that alone, to compare with")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--edge-weight", type=float, default=1.0)
    parser.add_argument("--perceptual-weight", type=float, default=0.5)
    parser.add_argument("--discriminator-start", type=float, default=0.6, help="share of the time after which it takes part")
    parser.add_argument("--discriminator-weight", type=float, default=0.3, help="times the adaptive lambda")
    parser.add_argument("--channels", type=int, default=32)
    parser.add_argument("--multipliers", type=int, nargs="+", default=[1, 2, 4, 4])
    parser.add_argument("--groups", type=int, default=8)
    parser.add_argument("--codebook", type=int, default=2048)
    parser.add_argument("--filters", type=int, default=32, help="of the discriminator's first layer")
    parser.add_argument("--most", type=int, help="use no more than so many drawings")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--dtype", choices=("float32", "bfloat16"), help="of the computation; default: bfloat16 on a GPU")
    parser.add_argument("--compile", action="store_true", help="compile the networks, which takes a minute and more")
    parser.add_argument("--threads", type=int, default=8, help="that decode pictures, and that compute on a CPU")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    if options.dry_run:
        options.channels, options.groups, options.codebook, options.filters = 8, 4, 64, 8
        options.batch, options.steps, options.most, options.minutes = 4, 20, 64, min(options.minutes, 0.8)
    return options


def main() -> None:
    clock, options = Clock(0), read_options()
    torch.manual_seed(options.seed)
    device = choose_device(options.device)
    if device.type == "cpu":
        torch.set_num_threads(options.threads)
    options.output.mkdir(parents=True, exist_ok=True)
    drawings = Drawings(options.pack, device, "train", options.most, options.threads)
    validation = on_white(Drawings(options.pack, device, "validation", 512 if not options.dry_run else 8,
                                   options.threads).pictures)
    training = Training(options, device)
    curves = Curves(training.path(".csv"), COLUMNS, options.resume)

    def next_batch() -> torch.Tensor:
        rows = drawings.sample(options.batch)
        return augment(drawings.pictures[rows], drawings.mirror[rows], drawings.line_art[rows])

    if options.compile:
        training.model.encoder.compile()
        training.model.decoder.compile()
    print(f"{len(drawings)} drawings, {len(validation)} for validation, {clock.elapsed():.1f} s to the first step", flush=True)
    # Sheets and figures at the end take a few seconds.
    clock = Clock(max(options.minutes - (clock.elapsed() + 4) / 60, 1 / 60))
    first, saved, restored, seen = training.step, clock.elapsed(), 0, 0
    while (passed := max(clock.passed(), (training.step - first) / options.steps)) < 1:
        training.take_step(next_batch(), passed, curves)
        seen += options.batch
        if device.type == "cuda" and training.step % 10 == 0:
            torch.cuda.synchronize()  # the clock is the device's, not that of the queue before it
        if training.step % 50 == 0 or training.step - first == options.steps:
            means = curves.write(training.step, clock.elapsed())
            if all(value == value and abs(value) < 1e30 for value in means.values()):
                training.snapshot.keep()
            else:
                restored += 1
                if restored > 5:
                    raise SystemExit("the loss was not finite six times")
                print(f"step {training.step}: the loss is not finite; back by 50 steps, at half the learning rate", flush=True)
                training.snapshot.restore()
                training.peak /= 2
            if training.step % 200 == 0:
                told = " ".join(f"{name} {value:.4g}" for name, value in means.items())
                print(f"step {training.step} {clock.elapsed():.0f} s {told}", flush=True)
        if training.placed and clock.elapsed() - saved >= min(60, clock.seconds / 3):
            saved = clock.elapsed()
            training.save()
            figures = training.figures(validation[:128])
            print(f"step {training.step} {saved:.0f} s: PSNR {figures['psnr']:.2f} dB, perceptual distance "
                  f"{figures['perceptual_distance']:.4f}, {figures['codes_used']} codes used", flush=True)
    training.save()
    figures = training.figures(validation)
    save_json({"architecture": ARCHITECTURE, "sizes": vars(training.model.sizes), "steps": training.step - first,
               "pictures_seen": seen, "seconds": clock.elapsed(), "loss": options.loss, "learning_rate": training.peak,
               "device": torch.cuda.get_device_name() if device.type == "cuda" else "CPU", "validation": figures},
              training.path(".json"))
    shown = validation[torch.randperm(len(validation), generator=torch.Generator().manual_seed(0))[:40].to(device)]
    copies = training.average.module.picture(training.average.module.tokens(shown))
    save_sheet([row.cpu() for pair in zip(shown.split(10), copies.split(10)) for row in pair], training.path(".png"))
    print(f"{training.step - first} steps of {options.batch}: PSNR {figures['psnr']:.2f} dB, perceptual distance "
          f"{figures['perceptual_distance']:.4f}, {figures['codes_used']} of {options.codebook} codes used", flush=True)


if __name__ == "__main__":
    try:
        main()
    except (OSError, RuntimeError, ValueError, KeyError) as error:
        sys.exit(f"train_vqgan128: {' '.join(str(error).split())}")
