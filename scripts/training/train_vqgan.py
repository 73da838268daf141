"""Trains the embedded VQGAN on emoji pictures.

    python scripts/training/train_vqgan.py --minutes 65 --out .cache/vqgan_checkpoint.pt

The loss is the paper's: L1 + perceptual + lambda * patch discriminator + codebook. Pictures are
composed over backgrounds, moved, turned, flipped and recolored on the fly, a batch at a time.
Schedules follow the share of --minutes that has passed, so a faster machine takes more steps.
"""

import argparse
import copy
import math
import sys
import tempfile
import time
from pathlib import Path

import torch
import torch.nn.functional as F

sys.path.append(str(Path(__file__).resolve().parents[1] / "reference"))

from discriminator import PatchDiscriminator  # noqa: E402
from fresh import load, make_trainable, write  # noqa: E402
from perceptual import EdgeLoss  # noqa: E402
from vqgan_pictures import load_held_out, load_training  # noqa: E402

SIZE = 64


def initial_model(options) -> torch.jit.ScriptModule:
    """The network of an archive, or one with fresh weights, drawn for training."""
    if options.initial:
        return load(options.initial)[0]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "vqgan.pt"
        write("vqgan", options.architecture, options.seed, path)
        model, _ = load(path)
    initialize(model)
    return model


def random_backgrounds(count: int) -> torch.Tensor:
    """White mostly; else one color, or a gradient between two."""
    first, second = torch.rand(2, count, 3, 1, 1)
    ramp = torch.linspace(0, 1, SIZE).view(1, 1, 1, SIZE).expand(-1, -1, SIZE, -1)
    ramp = torch.where(torch.rand(count, 1, 1, 1) < 0.5, ramp, ramp.transpose(2, 3))
    gradient = first + (second - first) * ramp
    kind = torch.rand(count, 1, 1, 1)
    plain = torch.where(kind < 0.85, torch.ones_like(first), first)
    return torch.where(kind < 0.95, plain, gradient)


def augment(rgba: torch.Tensor) -> torch.Tensor:
    """uint8 [N,4,96,96] -> RGB [N,3,64,64] in [-1,1]."""
    count = rgba.shape[0]
    x = rgba.float() / 255
    # Premultiplied, so that resampling does not pull in the color of transparent pixels.
    x = torch.cat([x[:, :3] * x[:, 3:], x[:, 3:]], dim=1)
    angle = (torch.rand(count) * 2 - 1) * math.radians(20)
    scale = torch.empty(count).uniform_(0.75, 1.2)  # below 1 enlarges
    flip = torch.where(torch.rand(count) < 0.5, -1.0, 1.0)
    moved = torch.rand(count) < 0.7
    angle, scale = angle * moved, torch.where(moved, scale, torch.ones_like(scale))
    shift = (torch.rand(count, 2) * 2 - 1) * 0.15 * moved[:, None]
    cos, sin = angle.cos() * scale, angle.sin() * scale
    matrix = torch.stack([torch.stack([cos * flip, -sin, shift[:, 0]], 1),
                          torch.stack([sin * flip, cos, shift[:, 1]], 1)], 1)
    if bool(moved.any()):
        grid = F.affine_grid(matrix, list(x.shape), align_corners=False)
        x = F.grid_sample(x, grid, align_corners=False)
    x = F.interpolate(x, size=(SIZE, SIZE), mode="bilinear", antialias=True)
    color, alpha = x[:, :3], x[:, 3:]
    # Recoloring by a random order of the channels, brightness and contrast.
    if torch.rand(()) < 0.15:
        color = color[:, torch.randperm(3)]
    gain = torch.where(torch.rand(count, 1, 1, 1) < 0.3,
                       torch.empty(count, 3, 1, 1).uniform_(0.6, 1.0), torch.ones(count, 3, 1, 1))
    picture = color * gain + random_backgrounds(count) * (1 - alpha)
    return picture.clamp(0, 1) * 2 - 1


class Codebook:
    """Places the codebook among the encoder's outputs and moves entries that are not used."""

    def __init__(self, weight: torch.Tensor, average: torch.Tensor):
        self.weight, self.average = weight, average
        self.usage = torch.ones(weight.shape[0])

    @torch.no_grad()
    def restart(self, which: torch.Tensor, z: torch.Tensor) -> None:
        """Puts entries `which` at encoder outputs, drawn by their squared distance to the codebook
        (as k-means++ does), for most outputs are plain white background."""
        if which.numel() == 0:
            return
        flat = z.detach().float().permute(0, 2, 3, 1).reshape(-1, z.shape[1])
        distance = torch.cdist(flat, self.weight).min(dim=1).values.square() + 1e-8
        chosen = flat[torch.multinomial(distance, which.numel(), replacement=True)]
        self.weight[which] = chosen
        self.average[which] = chosen
        self.usage[which] = 1.0

    @torch.no_grad()
    def place(self, z: torch.Tensor) -> None:
        """The start: entry by entry in groups, each group where the ones before fit worst."""
        flat = z.detach().float().permute(0, 2, 3, 1).reshape(-1, z.shape[1])
        self.weight.copy_(flat[torch.randint(flat.shape[0], (1,))])
        for group in torch.arange(self.weight.shape[0]).split(32):
            self.restart(group, z)

    @torch.no_grad()
    def count(self, indices: torch.Tensor) -> None:
        counts = torch.bincount(indices.flatten(), minlength=self.usage.numel()).float()
        self.usage.mul_(0.99).add_(counts, alpha=0.01)


def perturbed(z_q: torch.Tensor, model: torch.jit.ScriptModule, share: float) -> torch.Tensor:
    """Exchanges a share of the tokens for random ones in a tenth of the pictures: guided generation
    decodes latents that no encoder has made, and they must not break the decoder."""
    count, _, height, width = z_q.shape
    random = model.embed(torch.randint(model.quantizer.embedding.weight.shape[0],
                                       (count, height, width)))
    chosen = (torch.rand(count, 1, 1, 1) < 0.1) & (torch.rand(count, 1, height, width) < share)
    return torch.where(chosen, random, z_q)


def initialize(model: torch.jit.ScriptModule) -> None:
    """Variance-preserving convolutions, residual branches near zero. From PyTorch's default, which
    shrinks the signal at each layer, outlines are learned at once and colors only much later."""
    with torch.no_grad():
        for module in model.modules():
            if module.original_name == "Conv2d":
                torch.nn.init.kaiming_normal_(module.weight, nonlinearity="linear")
                torch.nn.init.zeros_(module.bias)
        for module in model.modules():
            if module.original_name == "ResidualBlock":
                module.conv2.weight *= 0.1
            elif module.original_name == "SpatialAttention":
                module.proj_out.weight *= 0.1


def adaptive_weight(reconstruction_loss, generator_loss, last_layer) -> torch.Tensor:
    """lambda of the paper, equation 7, with taming's factor of 0.8."""
    wanted, = torch.autograd.grad(reconstruction_loss, last_layer, retain_graph=True)
    adversarial, = torch.autograd.grad(generator_loss, last_layer, retain_graph=True)
    return 0.8 * (wanted.norm() / (adversarial.norm() + 1e-4)).clamp(0, 1e4).detach()


def evaluate(model: torch.jit.ScriptModule, pictures: torch.Tensor):
    """Mean PSNR over the pictures, perplexity and number of used codes."""
    model.eval()
    psnr, counts = [], torch.zeros(model.quantizer.embedding.weight.shape[0])
    with torch.no_grad():
        for batch in pictures.split(64):
            out, indices, _ = model(batch)
            error = ((out.clamp(-1, 1) - batch) / 2).square().mean(dim=(1, 2, 3))
            psnr.append(-10 * error.clamp_min(1e-10).log10())
            counts += torch.bincount(indices.flatten(), minlength=counts.numel())
    share = counts / counts.sum()
    perplexity = (-(share * share.clamp_min(1e-12).log()).sum()).exp()
    return torch.cat(psnr).mean().item(), perplexity.item(), int((counts > 0).sum())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--pictures", type=Path, default=Path(".cache/emoji"),
                        help="folder that emoji/render.py wrote")
    parser.add_argument("--out", type=Path, default=Path(".cache/vqgan_checkpoint.pt"))
    parser.add_argument("--minutes", type=float, default=65)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--discriminator-start", type=float, default=0.5,
                        help="share of the time after which the discriminator takes part")
    parser.add_argument("--discriminator-weight", type=float, default=0.25,
                        help="times the adaptive lambda")
    parser.add_argument("--perceptual-weight", type=float, default=1.0)
    parser.add_argument("--architecture", default="f4-1024-emoji",
                        help="one that clipvqgan import knows by name")
    parser.add_argument("--initial", type=Path, help="archive to start from; default: fresh weights")
    parser.add_argument("--resume", type=Path, help="checkpoint to go on from")
    parser.add_argument("--threads", type=int, default=0, help="0: PyTorch's choice")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    if options.threads:
        torch.set_num_threads(options.threads)

    train, weights = load_training(options.pictures)
    held_out, _ = load_held_out(options.pictures, SIZE)
    # In a fixed order that mixes the subjects, for figures on the first few of them on the way.
    held_out = held_out[torch.randperm(len(held_out), generator=torch.Generator().manual_seed(0))]
    print(f"{len(train)} pictures to train on, {len(held_out)} held out", flush=True)

    model = initial_model(options)
    discriminator = PatchDiscriminator(filters=32, layers=2)
    average = copy.deepcopy(model)
    make_trainable(model)
    book = Codebook(model.quantizer.embedding.weight.data, average.quantizer.embedding.weight.data)
    placed = False
    if options.resume:
        saved = torch.load(options.resume, weights_only=True)
        model.load_state_dict(saved["training"])
        average.load_state_dict(saved["average"])
        discriminator.load_state_dict(saved["discriminator"])
        placed = True
    optimizer = torch.optim.Adam(model.parameters(), betas=(0.5, 0.9))
    discriminator_optimizer = torch.optim.Adam(discriminator.parameters(), betas=(0.5, 0.9))
    edges = EdgeLoss()

    started, step, totals = time.time(), 0, {}
    while (passed := (time.time() - started) / 60 / options.minutes) < 1:
        rate = options.learning_rate * min(1, (step + 1) / 100) * (
            0.5 + 0.5 * math.cos(math.pi * passed)) + 1e-6
        for each in (optimizer, discriminator_optimizer):
            each.param_groups[0]["lr"] = rate
        picture = augment(train[torch.multinomial(weights, options.batch)])

        model.train()
        with torch.autocast("cpu", torch.bfloat16):
            z = model.encode(picture)
        z = z.float()
        if not placed and step == 500:
            book.place(z)
            placed = True
        if placed:
            z_q, indices, codebook_loss = model.quantize(z)
            book.count(indices)
            # The last tenth of the time is for settling, without restarts.
            if step % 50 == 0 and passed < 0.9:
                book.restart((book.usage < 0.02).nonzero().flatten(), z)
        else:
            # A few plain autoencoder steps, so that the codebook starts where latents are.
            z_q, codebook_loss = z, 1e-3 * z.square().mean()
        with torch.autocast("cpu", torch.bfloat16):
            out = model.decode(perturbed(z_q, model, 0.1) if placed else z_q)
        out = out.float()

        pixel_loss = (out - picture).abs().mean()
        perceptual = edges(out, picture)
        reconstruction_loss = pixel_loss + options.perceptual_weight * perceptual
        loss = reconstruction_loss + codebook_loss
        adversarial = placed and passed >= options.discriminator_start
        if adversarial:
            discriminator.requires_grad_(False)
            with torch.autocast("cpu", torch.bfloat16):
                generator_loss = -discriminator(out).float().mean()
            weight = options.discriminator_weight * adaptive_weight(
                reconstruction_loss, generator_loss, model.decoder.conv_out.weight)
            loss = loss + weight * generator_loss
            totals["lambda"] = totals.get("lambda", 0) + weight.item()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()

        # The discriminator learns a little ahead of its start, so that it has something to say.
        if placed and passed >= options.discriminator_start - 0.02:
            discriminator.requires_grad_(True)
            with torch.autocast("cpu", torch.bfloat16):
                real, fake = discriminator(picture).float(), discriminator(out.detach()).float()
            hinge = 0.5 * (F.relu(1 - real).mean() + F.relu(1 + fake).mean())
            discriminator_optimizer.zero_grad(set_to_none=True)
            hinge.backward()
            discriminator_optimizer.step()
            totals["hinge"] = totals.get("hinge", 0) + hinge.item()

        with torch.no_grad():
            decay = min(0.999, (1 + step) / (10 + step))
            torch._foreach_lerp_(list(average.parameters()), list(model.parameters()), 1 - decay)

        totals["pixel"] = totals.get("pixel", 0) + pixel_loss.item()
        totals["perceptual"] = totals.get("perceptual", 0) + perceptual.item()
        totals["codebook"] = totals.get("codebook", 0) + codebook_loss.item()
        step += 1
        if step % 100 == 0:
            means = " ".join(f"{name} {value / 100:.4f}" for name, value in totals.items())
            print(f"step {step} {(time.time() - started) / 60:.1f} min {means} "
                  f"codes {(book.usage > 0.02).sum().item()}", flush=True)
            totals = {}
        if step % 500 == 0:
            save(options, model, average, discriminator, held_out[:256], step)
    save(options, model, average, discriminator, held_out, step)


def normalized(state: dict) -> dict:
    """The weights with a codebook of mean square 1, and the factor folded into the convolutions around
    it. The model computes the same, and a step on a latent means the same for every training run."""
    state = dict(state)
    scale = state["quantizer.embedding.weight"].square().mean().sqrt()
    for name in ("quantizer.embedding.weight", "quant_conv.weight", "quant_conv.bias"):
        state[name] = state[name] / scale
    state["post_quant_conv.weight"] = state["post_quant_conv.weight"] * scale
    return state


def save(options, model, average, discriminator, held_out, step) -> None:
    psnr, perplexity, used = evaluate(average, held_out)
    print(f"step {step}: held out PSNR {psnr:.2f} dB, perplexity {perplexity:.0f}, "
          f"{used} codes used", flush=True)
    temporary = options.out.with_suffix(".tmp")
    # clipvqgan import takes the model; the others are for going on.
    torch.save({"architecture": options.architecture, "model": normalized(average.state_dict()),
                "average": average.state_dict(), "training": model.state_dict(),
                "discriminator": discriminator.state_dict(), "step": step}, temporary)
    temporary.replace(options.out)


if __name__ == "__main__":
    main()
