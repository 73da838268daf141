# What the transformers of this package share: attention with a cache of keys and values.
#
# Their methods are
#
#   cache(batch, tokens): empty tensors, all with the pictures in dimension 2 and positions in
#       dimension 4, for so many image tokens. The other methods write to them.
#   begin(prefix [1, P], embedding [1, D] or None, cache): the logits [1, K] of the first image token.
#   step(tokens [N, T], index [T], seen, masked, cache): the logits [N, K] of the image token after
#       these, whose places in the picture are index. Attention looks at the first `seen` image tokens.
#       Without masked they must all be known: one token, the last of them.
#   forward(prefix [N, P], embedding [N, D] or None, tokens [N, M]): the logits [N, M, K] of all the
#       image tokens, without a cache.


# For each position in index, the positions below length that it sees: [T, length]. The first
# `unmasked` positions see each other.
def visible(index: Tensor, unmasked: int, length: int) -> Tensor:
    last = index.clamp_min(unmasked - 1)
    return torch.arange(length, device=index.device).unsqueeze(0) <= last.unsqueeze(1)


# [N, T, C] -> [N, heads, T, C / heads]
def split_heads(x: Tensor, heads: int) -> Tensor:
    n, count, width = x.shape
    return x.view(n, count, heads, width // heads).transpose(1, 2)


def join_heads(x: Tensor) -> Tensor:
    n, heads, count, width = x.shape
    return x.transpose(1, 2).reshape(n, count, heads * width)


# Writes new keys or values to their places in a layer's cache, and returns those below length.
def remember(cache: Tensor, new: Tensor, index: Tensor, length: int) -> Tensor:
    cache.index_copy_(2, index, new)
    return cache.narrow(2, 0, length)
