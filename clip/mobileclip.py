# MobileCLIP's image encoders (Vasu et al. 2024, "MobileCLIP: Fast Image-Text Models through Multi-Modal
# Reinforced Training"), under timm's names: FastViT, whose blocks of several branches may be stored as
# one convolution, and vision transformers.


# A convolution and its batch normalization.
class ConvNorm:
    def forward(self, x: Tensor) -> Tensor:
        return self.bn(self.conv(x))


class ConvNormGELU:
    def forward(self, x: Tensor) -> Tensor:
        return torch.gelu(self.bn(self.conv(x)))


# Weighs channels by their means (Hu et al. 2018, "Squeeze-and-Excitation Networks").
class SqueezeExcite:
    def forward(self, x: Tensor) -> Tensor:
        means = x.mean([2, 3], True)
        return x * self.fc2(torch.relu(self.fc1(means))).sigmoid()


# A block with the sum of up to three branches, or these as one convolution.
class MobileOneBlock:
    def branches(self, x: Tensor) -> Tensor:
        if hasattr(self, "conv_kxk"):
            out = self.conv_kxk(x)
            if hasattr(self, "conv_scale"):
                out = out + self.conv_scale(x)
            if hasattr(self, "identity"):
                out = out + self.identity(x)
            return out
        elif hasattr(self, "reparam_conv"):
            return self.reparam_conv(x)
        else:
            return self.identity(x)

    def forward(self, x: Tensor) -> Tensor:
        return self.act(self.se(self.branches(x)))


class LargeKernelConv:
    def forward(self, x: Tensor) -> Tensor:
        if hasattr(self, "reparam_conv"):
            out = self.reparam_conv(x)
        else:
            out = self.large_conv(x) + self.small_conv(x)
        return torch.gelu(self.se(out))


class FastViTDownsample:
    def forward(self, x: Tensor) -> Tensor:
        return self.proj(x)


class RepMixer:
    def forward(self, x: Tensor) -> Tensor:
        if hasattr(self, "reparam_conv"):
            return self.reparam_conv(x)
        else:
            return x + self.layer_scale(self.mixer(x) - self.norm(x))


# A convolution that tells positions.
class ConditionalPosition:
    def forward(self, x: Tensor) -> Tensor:
        if hasattr(self, "reparam_conv"):
            return self.reparam_conv(x)
        else:
            return x + self.pos_enc(x)


class ConvPerceptron:
    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(torch.gelu(self.fc1(self.conv(x))))


class RepMixerBlock:
    def forward(self, x: Tensor) -> Tensor:
        x = self.token_mixer(x)
        return x + self.layer_scale(self.mlp(x))


class FastViTAttention:
    def forward(self, x: Tensor) -> Tensor:
        n, channels, height, width = x.shape
        length = height * width
        qkv = self.qkv(x.flatten(2).transpose(1, 2))
        qkv = qkv.view(n, length, 3, self.heads, channels // self.heads).permute(2, 0, 3, 1, 4)
        x = torch.scaled_dot_product_attention(qkv[0], qkv[1], qkv[2])
        x = self.proj(x.transpose(1, 2).reshape(n, length, channels))
        return x.transpose(1, 2).reshape(n, channels, height, width)


class FastViTAttentionBlock:
    def forward(self, x: Tensor) -> Tensor:
        x = x + self.layer_scale_1(self.token_mixer(self.norm(x)))
        return x + self.layer_scale_2(self.mlp(x))


class FastViTStage:
    def forward(self, x: Tensor) -> Tensor:
        return self.blocks(self.pos_emb(self.downsample(x)))


class FastViTHead:
    def forward(self, x: Tensor) -> Tensor:
        return self.fc(x.mean([2, 3]))


class FastViT:
    def forward(self, image: Tensor) -> Tensor:
        return self.head(self.final_conv(self.stages(self.stem(image))))


# Patches by convolutions.
class ConvPatchEmbedding:
    def forward(self, image: Tensor) -> Tensor:
        return self.backbone(image).flatten(2).transpose(1, 2)


class LastConv:
    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x)


# timm's vision transformer with a class token, which has a position unless the patches alone have one.
class TimmTransformer:
    def forward(self, image: Tensor) -> Tensor:
        x = self.patch_embed(image)
        positions = self.pos_embed.to(x.dtype)
        if self.pos_embed.shape[1] == x.shape[1]:
            x = x + positions
            x = torch.cat([self.cls_token.to(x.dtype).expand(x.shape[0], -1, -1), x], 1)
        else:
            x = torch.cat([self.cls_token.to(x.dtype).expand(x.shape[0], -1, -1), x], 1)
            x = x + positions
        x = self.norm_pre(x)
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x[:, 0]))
