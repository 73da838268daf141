"""CLIP as published ("Learning Transferable Visual Models From Natural Language Supervision", Radford
et al. 2021), written so that torch.jit.script takes it: any batch size, any floating dtype, forwards
and backwards. Parameters carry the names of openai/CLIP, so that its state dicts load as they are.
"""

import math
from collections import OrderedDict

import torch
import torch.nn as nn
import torch.nn.functional as F

# Pixel statistics of OpenAI's training set, which every CLIP of theirs expects its input scaled by.
MEAN = (0.48145466, 0.4578275, 0.40821073)
STD = (0.26862954, 0.26130258, 0.27577711)


class LayerNorm(nn.LayerNorm):
    """LayerNorm in fp32 at least: half precision overflows in the variance."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if x.dtype == torch.float64:
            return F.layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps)
        weight, bias = self.weight.float(), self.bias.float()
        return F.layer_norm(x.float(), self.normalized_shape, weight, bias, self.eps).to(x.dtype)


class QuickGELU(nn.Module):
    """The approximation that OpenAI's weights were trained with."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * torch.sigmoid(1.702 * x)


def make_activation(name: str) -> nn.Module:
    activations = {"quickgelu": QuickGELU, "gelu": nn.GELU}
    if name not in activations:
        raise ValueError(f"unknown activation {name!r}; choose quickgelu or gelu")
    return activations[name]()


class SelfAttention(nn.Module):
    """The parameters of nn.MultiheadAttention, but never its inference-only fast path: that one has
    no backward."""

    def __init__(self, width: int, heads: int, causal: bool):
        super().__init__()
        self.heads = heads
        self.causal = causal
        self.in_proj_weight = nn.Parameter(torch.empty(3 * width, width))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * width))
        self.out_proj = nn.Linear(width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        n, length, width = x.shape
        qkv = F.linear(x, self.in_proj_weight, self.in_proj_bias)
        qkv = qkv.view(n, length, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        x = F.scaled_dot_product_attention(qkv[0], qkv[1], qkv[2], is_causal=self.causal)
        return self.out_proj(x.transpose(1, 2).reshape(n, length, width))


class ResidualAttentionBlock(nn.Module):
    def __init__(self, width: int, heads: int, causal: bool, activation: str):
        super().__init__()
        self.attn = SelfAttention(width, heads, causal)
        self.ln_1 = LayerNorm(width)
        self.mlp = nn.Sequential(OrderedDict([
            ("c_fc", nn.Linear(width, width * 4)),
            ("gelu", make_activation(activation)),
            ("c_proj", nn.Linear(width * 4, width)),
        ]))
        self.ln_2 = LayerNorm(width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + self.attn(self.ln_1(x))
        return x + self.mlp(self.ln_2(x))


class Transformer(nn.Module):
    def __init__(self, width: int, layers: int, heads: int, causal: bool, activation: str):
        super().__init__()
        self.width = width
        self.layers = layers
        self.resblocks = nn.Sequential(*[
            ResidualAttentionBlock(width, heads, causal, activation) for _ in range(layers)
        ])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.resblocks(x)


class VisionTransformer(nn.Module):
    def __init__(self, image_size: int, patch_size: int, width: int, layers: int, heads: int,
                 embedding_dimension: int, activation: str):
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, patch_size, stride=patch_size, bias=False)
        scale = width ** -0.5
        self.class_embedding = nn.Parameter(scale * torch.randn(width))
        self.positional_embedding = nn.Parameter(
            scale * torch.randn((image_size // patch_size) ** 2 + 1, width))
        self.ln_pre = LayerNorm(width)
        self.transformer = Transformer(width, layers, heads, False, activation)
        self.ln_post = LayerNorm(width)
        self.proj = nn.Parameter(scale * torch.randn(width, embedding_dimension))

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        x = self.conv1(image).flatten(2).transpose(1, 2)
        class_token = self.class_embedding.to(x.dtype).expand(x.shape[0], 1, -1)
        x = torch.cat([class_token, x], dim=1) + self.positional_embedding.to(x.dtype)
        x = self.transformer(self.ln_pre(x))
        return self.ln_post(x[:, 0]) @ self.proj


class Bottleneck(nn.Module):
    """A bottleneck block whose stride is an average pool, so that no activation goes unseen."""

    def __init__(self, channels: int, planes: int, stride: int):
        super().__init__()
        self.stride = stride
        self.conv1 = nn.Conv2d(channels, planes, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.conv3 = nn.Conv2d(planes, planes * 4, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(planes * 4)
        # The pool before this convolution has no parameters, so it is in forward.
        self.downsample = nn.Sequential()
        if stride > 1 or channels != planes * 4:
            self.downsample = nn.Sequential(
                nn.Conv2d(channels, planes * 4, 1, bias=False), nn.BatchNorm2d(planes * 4))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        # BatchNorm's backward needs its input only, so its output may be overwritten.
        out = F.relu(self.bn1(self.conv1(x)), inplace=True)
        out = F.relu(self.bn2(self.conv2(out)), inplace=True)
        if self.stride > 1:
            out = F.avg_pool2d(out, self.stride)
            x = F.avg_pool2d(x, self.stride)
        return F.relu(self.bn3(self.conv3(out)).add_(self.downsample(x)), inplace=True)


class AttentionPool2d(nn.Module):
    """Pools a feature map by one attention layer whose query is the mean over the map."""

    def __init__(self, side: int, width: int, heads: int, embedding_dimension: int):
        super().__init__()
        self.heads = heads
        self.positional_embedding = nn.Parameter(
            torch.randn(side ** 2 + 1, width) / width ** 0.5)
        self.k_proj = nn.Linear(width, width)
        self.q_proj = nn.Linear(width, width)
        self.v_proj = nn.Linear(width, width)
        self.c_proj = nn.Linear(width, embedding_dimension)

    def split_heads(self, x: torch.Tensor) -> torch.Tensor:
        return x.view(x.shape[0], x.shape[1], self.heads, -1).transpose(1, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x.flatten(2).transpose(1, 2)
        x = torch.cat([x.mean(dim=1, keepdim=True), x], dim=1)
        x = x + self.positional_embedding.to(x.dtype)
        query = self.split_heads(self.q_proj(x[:, :1]))
        key, value = self.split_heads(self.k_proj(x)), self.split_heads(self.v_proj(x))
        pooled = F.scaled_dot_product_attention(query, key, value)
        return self.c_proj(pooled.transpose(1, 2).flatten(1))


class ModifiedResNet(nn.Module):
    """CLIP's ResNet: a stem of three convolutions, average pools for strides, attention at the end."""

    def __init__(self, image_size: int, width: int, layers: list[int], embedding_dimension: int):
        super().__init__()
        self.conv1 = nn.Conv2d(3, width // 2, 3, stride=2, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width // 2)
        self.conv2 = nn.Conv2d(width // 2, width // 2, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width // 2)
        self.conv3 = nn.Conv2d(width // 2, width, 3, padding=1, bias=False)
        self.bn3 = nn.BatchNorm2d(width)
        self.layer1 = make_stage(width, width, layers[0], 1)
        self.layer2 = make_stage(width * 4, width * 2, layers[1], 2)
        self.layer3 = make_stage(width * 8, width * 4, layers[2], 2)
        self.layer4 = make_stage(width * 16, width * 8, layers[3], 2)
        heads = width * 32 // 64
        self.attnpool = AttentionPool2d(image_size // 32, width * 32, heads, embedding_dimension)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.relu(self.bn1(self.conv1(x)), inplace=True)
        x = F.relu(self.bn2(self.conv2(x)), inplace=True)
        x = F.relu(self.bn3(self.conv3(x)), inplace=True)
        x = F.avg_pool2d(x, 2)
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.attnpool(x)


def make_stage(channels: int, planes: int, blocks: int, stride: int) -> nn.Sequential:
    stage = [Bottleneck(channels, planes, stride)]
    stage += [Bottleneck(planes * 4, planes, 1) for _ in range(blocks - 1)]
    return nn.Sequential(*stage)


class CLIP(nn.Module):
    """encode_image: normalized [N, 3, S, S] -> [N, D]; encode_text: int64 [N, L] -> [N, D]. Neither
    scales its result to unit length.

    vision_layers is a number for a ViT, a list of four for a ResNet. The arguments are those by
    which openai/CLIP's `clip.model.CLIP` is made.
    """

    def __init__(self, embedding_dimension: int, image_size: int, vision_layers, vision_width: int,
                 vision_patch_size: int, context_length: int, vocabulary_size: int,
                 text_width: int, text_heads: int, text_layers: int,
                 activation: str = "quickgelu"):
        super().__init__()
        self.image_size = image_size
        self.context_length = context_length
        if isinstance(vision_layers, (tuple, list)):
            self.visual = ModifiedResNet(image_size, vision_width, list(vision_layers),
                                         embedding_dimension)
        else:
            self.visual = VisionTransformer(image_size, vision_patch_size, vision_width,
                                            vision_layers, vision_width // 64,
                                            embedding_dimension, activation)
        self.transformer = Transformer(text_width, text_layers, text_heads, True, activation)
        self.token_embedding = nn.Embedding(vocabulary_size, text_width)
        self.positional_embedding = nn.Parameter(torch.empty(context_length, text_width))
        self.ln_final = LayerNorm(text_width)
        self.text_projection = nn.Parameter(torch.empty(text_width, embedding_dimension))
        self.logit_scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))
        self.initialize()

    def initialize(self):
        """The paper's initial weights."""
        nn.init.normal_(self.token_embedding.weight, std=0.02)
        nn.init.normal_(self.positional_embedding, std=0.01)
        nn.init.normal_(self.text_projection, std=self.transformer.width ** -0.5)
        if isinstance(self.visual, ModifiedResNet):
            pool = self.visual.attnpool
            for projection in (pool.q_proj, pool.k_proj, pool.v_proj, pool.c_proj):
                nn.init.normal_(projection.weight, std=projection.in_features ** -0.5)
            for module in self.visual.modules():
                if isinstance(module, Bottleneck):
                    # Each block starts as the identity.
                    nn.init.zeros_(module.bn3.weight)
        for module in self.modules():
            if isinstance(module, Transformer):
                std = module.width ** -0.5
                for block in module.resblocks:
                    nn.init.normal_(block.attn.in_proj_weight, std=std)
                    nn.init.normal_(block.attn.out_proj.weight, std=std * (2 * module.layers) ** -0.5)
                    nn.init.normal_(block.mlp.c_fc.weight, std=(2 * module.width) ** -0.5)
                    nn.init.normal_(block.mlp.c_proj.weight, std=std * (2 * module.layers) ** -0.5)

    @torch.jit.export
    def encode_image(self, image: torch.Tensor) -> torch.Tensor:
        return self.visual(image)

    @torch.jit.export
    def encode_text(self, tokens: torch.Tensor) -> torch.Tensor:
        length = tokens.shape[1]
        x = self.token_embedding(tokens) + self.positional_embedding[:length]
        x = self.ln_final(self.transformer(x))
        # The end token has the highest number; its place holds the text's features.
        ends = tokens.argmax(dim=-1)
        return x[torch.arange(x.shape[0], device=x.device), ends] @ self.text_projection

    def forward(self, image: torch.Tensor, tokens: torch.Tensor):
        """Logits [N, M] of each picture over the texts, and their transpose."""
        image_features = F.normalize(self.encode_image(image), dim=-1)
        text_features = F.normalize(self.encode_text(tokens), dim=-1)
        logits = self.logit_scale.exp() * image_features @ text_features.t()
        return logits, logits.t()


# The published architectures, and the one of the embedded model.
ARCHITECTURES = {
    "emoji-RN": dict(embedding_dimension=256, image_size=64, vision_layers=[2, 2, 2, 2],
                     vision_width=24, vision_patch_size=0, context_length=32,
                     vocabulary_size=8514, text_width=192, text_heads=3, text_layers=3),
    "RN50": dict(embedding_dimension=1024, image_size=224, vision_layers=[3, 4, 6, 3],
                 vision_width=64, vision_patch_size=0, context_length=77, vocabulary_size=49408,
                 text_width=512, text_heads=8, text_layers=12),
    "RN101": dict(embedding_dimension=512, image_size=224, vision_layers=[3, 4, 23, 3],
                  vision_width=64, vision_patch_size=0, context_length=77, vocabulary_size=49408,
                  text_width=512, text_heads=8, text_layers=12),
    "ViT-B/32": dict(embedding_dimension=512, image_size=224, vision_layers=12, vision_width=768,
                     vision_patch_size=32, context_length=77, vocabulary_size=49408,
                     text_width=512, text_heads=8, text_layers=12),
    "ViT-B/16": dict(embedding_dimension=512, image_size=224, vision_layers=12, vision_width=768,
                     vision_patch_size=16, context_length=77, vocabulary_size=49408,
                     text_width=512, text_heads=8, text_layers=12),
    "ViT-L/14": dict(embedding_dimension=768, image_size=224, vision_layers=24, vision_width=1024,
                     vision_patch_size=14, context_length=77, vocabulary_size=49408,
                     text_width=768, text_heads=12, text_layers=12),
}


def arguments_from_state_dict(state: dict) -> dict:
    """Reads the arguments of CLIP off the shapes of a state dict with openai/CLIP's names."""
    if "text_projection" not in state or "logit_scale" not in state:
        raise ValueError("not a CLIP state dict: text_projection or logit_scale is missing")
    text_width = state["ln_final.weight"].shape[0]
    arguments = dict(
        embedding_dimension=state["text_projection"].shape[1],
        context_length=state["positional_embedding"].shape[0],
        vocabulary_size=state["token_embedding.weight"].shape[0],
        text_width=text_width,
        text_heads=text_width // 64,
        text_layers=count_blocks(state, "transformer.resblocks"),
    )
    if "visual.proj" in state:
        patch_size = state["visual.conv1.weight"].shape[-1]
        side = round((state["visual.positional_embedding"].shape[0] - 1) ** 0.5)
        arguments.update(
            image_size=side * patch_size,
            vision_layers=count_blocks(state, "visual.transformer.resblocks"),
            vision_width=state["visual.conv1.weight"].shape[0],
            vision_patch_size=patch_size)
    else:
        side = round((state["visual.attnpool.positional_embedding"].shape[0] - 1) ** 0.5)
        arguments.update(
            image_size=side * 32,
            vision_layers=[count_blocks(state, f"visual.layer{i}") for i in (1, 2, 3, 4)],
            vision_width=state["visual.layer1.0.conv1.weight"].shape[0],
            vision_patch_size=0)
    return arguments


def count_blocks(state: dict, prefix: str) -> int:
    depth = prefix.count(".") + 1
    return len({key.split(".")[depth] for key in state if key.startswith(prefix + ".")})
