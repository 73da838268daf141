"""The codebook of a VQGAN in training: running means of the encoder's outputs, without dead entries."""

import torch


class Codebook:
    """Moves each entry to the mean of the outputs nearest to it ("Neural Discrete Representation Learning",
    van den Oord et al. 2017, appendix A.1), and entries that nothing uses to where the codebook fits worst."""

    def __init__(self, weights: list[torch.Tensor], decay: float = 0.99):
        """weights: the codebook [K, C], and copies of it in which entries that start again do so too."""
        self.weight, self.copies, self.decay = weights[0], weights[1:], decay
        self.counts = torch.ones(len(self.weight), device=self.weight.device)
        self.sums = self.weight.clone()

    @torch.no_grad()
    def place(self, z: torch.Tensor) -> None:
        """The start: entry by entry in groups, each group where the ones before fit worst."""
        flat = flattened(z)
        self.weight.copy_(flat[torch.randint(len(flat), (1,), device=flat.device)].expand_as(self.weight))
        for group in torch.arange(len(self.weight), device=flat.device).split(32):
            self._restart(group, flat)

    @torch.no_grad()
    def update(self, z: torch.Tensor, indices: torch.Tensor) -> None:
        flat, indices = flattened(z), indices.flatten()
        counts = torch.zeros_like(self.counts).index_add_(0, indices, torch.ones_like(flat[:, 0]))
        sums = torch.zeros_like(self.sums).index_add_(0, indices, flat)
        self.counts.lerp_(counts, 1 - self.decay)
        self.sums.lerp_(sums, 1 - self.decay)
        self.weight.copy_(self.sums / self.counts.clamp_min(1e-6)[:, None])

    def dead(self) -> torch.Tensor:
        """The entries used less than a fiftieth as often as the mean entry."""
        return (self.counts < 0.02 * self.counts.mean()).nonzero().flatten()

    @torch.no_grad()
    def restart(self, z: torch.Tensor) -> None:
        self._restart(self.dead(), flattened(z))

    def state_dict(self) -> dict:
        return {"counts": self.counts, "sums": self.sums}

    def load_state_dict(self, state: dict) -> None:
        self.counts, self.sums = state["counts"], state["sums"]

    def _restart(self, which: torch.Tensor, flat: torch.Tensor) -> None:
        """Puts entries at outputs drawn by their squared distance to the codebook, as k-means++ does, for
        most outputs are plain background."""
        if len(which) == 0:
            return
        distance = torch.cdist(flat, self.weight).min(dim=1).values.square() + 1e-8
        chosen = flat[torch.multinomial(distance, len(which), replacement=True)]
        # As if used half as often as the mean entry, so that it has time to find its place.
        count = 0.5 * self.counts.mean()
        self.counts[which], self.sums[which] = count, chosen * count
        for weight in (self.weight, *self.copies):
            weight[which] = chosen


def flattened(z: torch.Tensor) -> torch.Tensor:
    """[N, C, h, w] -> float32 [N * h * w, C]."""
    return z.detach().float().permute(0, 2, 3, 1).reshape(-1, z.shape[1])
