"""Sampling from the prior, for looking at it in training; vqgan/prior is the engine for use."""

import torch

from prior_network import Prior


@torch.no_grad()
def sample(prior: Prior, text: torch.Tensor, null_text: torch.Tensor, embedding: torch.Tensor | None = None,
           guidance: float = 3.0, temperature: float = 1.0, top_k: int = 256, batch: int = 256) -> torch.Tensor:
    """text int64 [N, L], embedding [N, D] or None -> tokens int64 [N, rows, columns].

    Classifier-free guidance ("Classifier-Free Diffusion Guidance", Ho and Salimans 2022): the logits without a
    condition, plus guidance times the difference that the condition makes."""
    prior.eval()
    shape, device, parts = prior.shape, text.device, []
    for start in range(0, len(text), batch):
        some = text[start:start + batch]
        both = torch.cat([some, null_text[start:start + batch]])
        given, which = None, None
        if embedding is not None:
            given = embedding[start:start + batch]
            given = torch.cat([given, given])
            which = torch.arange(len(both), device=device) < len(some)
        image, past = [], [[] for _ in prior.blocks]
        for i in range(shape.image_length):
            with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
                x = prior.tok_emb(torch.cat([image[-1], image[-1]])) if image else prior.prefix(both, given, which)
                logits = prior.next_logits(x, shape.prefix + i - 1 if image else 0, past).float()
            conditional, null = logits.chunk(2)
            logits = (null + guidance * (conditional - null)) / temperature
            least = logits.topk(min(top_k, logits.shape[1]), dim=1).values[:, -1:]
            probabilities = logits.masked_fill(logits < least, -torch.inf).softmax(1)
            image.append(torch.multinomial(probabilities, 1))
        parts.append(torch.cat(image, 1).view(-1, shape.rows, shape.columns))
    return torch.cat(parts)
