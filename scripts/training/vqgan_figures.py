"""How well an autoencoder gives pictures back, in figures."""

import torch

from perceptual_distance import PerceptualDistance


@torch.no_grad()
def measure(model, pictures: torch.Tensor, distance: PerceptualDistance | None, codebook_size: int, batch: int = 64) -> dict:
    """model has tokens(image) and picture(tokens); pictures [N, 3, H, W] in [-1, 1]. The PSNR is the mean over
    pictures in [0, 1], in dB; the perceptual distance the mean over pictures, and no number without a distance."""
    psnr, perceptual = [], []
    counts = torch.zeros(codebook_size, device=pictures.device)
    for some in pictures.split(batch):
        tokens = model.tokens(some)
        out = model.picture(tokens)
        error = ((out - some) / 2).square().mean((1, 2, 3))
        psnr.append(-10 * error.clamp_min(1e-10).log10())
        perceptual.append(distance(out, some) if distance is not None else torch.full_like(error, torch.nan))
        counts += torch.bincount(tokens.flatten(), minlength=codebook_size)
    psnr, share = torch.cat(psnr), counts / counts.sum()
    return {
        "pictures": len(pictures),
        "psnr": psnr.mean().item(),
        "psnr_worst_tenth": psnr.quantile(0.1).item(),
        "perceptual_distance": torch.cat(perceptual).mean().item(),
        "codes_used": int((counts > 0).sum()),
        "perplexity": (-(share * share.clamp_min(1e-12).log()).sum()).exp().item(),
    }
