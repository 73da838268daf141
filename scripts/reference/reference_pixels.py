"""Writes the references for package imageio: picture files and what Pillow and
torchvision make of them.

    python scripts/reference/reference_pixels.py imageio/testdata

The files are small pictures of every kind that is read. reference.json says, with
the versions that made it:
- decode: the pixels that a file should be decoded to (upright, over white), and by
  how many levels they may differ where decoders do;
- resize: Pillow's Image.resize of a picture;
- preprocess: what openai/CLIP's transform makes of a file, ahead of the
  normalization, and the SHA-256 of the normalized float32 values;
- geometry: torchvision's sizes and crop offsets.
Pixels are rows of RGB bytes, compressed by zlib, in base64.
"""

import argparse
import base64
import hashlib
import io
import json
import pathlib
import struct
import zlib

import numpy as np
import PIL
import torch
import torchvision
from PIL import Image, ImageOps, PngImagePlugin, features
from torchvision.transforms import functional as F

# The order of the two passes has changed between versions of Pillow, and with it
# the results: the Go code follows this one.
assert PIL.__version__.split(".")[0] == "12", "the reference is Pillow 12"

MEAN = (0.48145466, 0.4578275, 0.40821073)
STD = (0.26862954, 0.26130258, 0.27577711)


def pack(pixels):
    pixels = np.ascontiguousarray(pixels, dtype=np.uint8)
    return base64.b64encode(zlib.compress(pixels.tobytes(), 9)).decode()


def picture(width, height, channels=3, seed=0):
    """Gradients, hard edges and noise: what tells resampling filters apart."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    planes = []
    for c in range(channels):
        plane = 255 * (x * (c + 1) + y * 2) / (width * (c + 1) + height * 2)
        plane = np.where((x // 5 + y // (4 + c)) % 4 == 0, 255 - plane, plane)
        plane = np.where((x - width / 2) ** 2 + (y - height / 2) ** 2 < (height / 4) ** 2, 255 * (c % 2), plane)
        planes.append(plane + rng.normal(0, 12 + 6 * c, plane.shape))
    return np.clip(np.stack(planes, axis=-1), 0, 255).astype(np.uint8)


def smooth(width, height, channels=3):
    """Slow gradients, as in photographs: for codecs that lose edges."""
    y, x = np.mgrid[0:height, 0:width]
    planes = [127 + 100 * np.sin(x / (9 + 3 * c) + c) * np.cos(y / (11 + c)) for c in range(channels)]
    return np.clip(np.stack(planes, axis=-1), 0, 255).astype(np.uint8)


def png_bytes(samples, depth, color_type, extra=b""):
    """A PNG file of kinds that Pillow does not write. samples: [height, width, channels]."""
    height, width, channels = samples.shape
    kind = ">u2" if depth == 16 else "u1"
    rows = samples.astype(kind).reshape(height, -1)
    data = b"".join(b"\0" + row.tobytes() for row in rows)

    def chunk(name, body):
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", width, height, depth, color_type, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + chunk(b"IDAT", zlib.compress(data, 9)) + chunk(b"IEND", b"")


def transparency_chunk(levels):
    body = struct.pack(">%dH" % len(levels), *levels)
    return struct.pack(">I", len(body)) + b"tRNS" + body + struct.pack(">I", zlib.crc32(b"tRNS" + body))


def over_white(rgba):
    rgba = rgba.astype(np.int64)
    alpha = rgba[..., 3:]
    return ((rgba[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)


class Writer:
    def __init__(self, folder):
        self.folder = folder
        self.decode, self.preprocess = [], []

    def add(self, name, data, tolerance=0, expected=None, reference=True):
        (self.folder / name).write_bytes(data)
        if expected is None:
            stored = Image.open(io.BytesIO(data))
            upright = ImageOps.exif_transpose(stored)
            expected = over_white(np.array(upright.convert("RGBA")))
        self.decode.append({
            "file": name, "width": expected.shape[1], "height": expected.shape[0], "tolerance": tolerance, "pixels": pack(expected),
        })
        if reference:
            for size in (16, 24, 50) if name == "square_50.png" else (16, 24):
                self.preprocess.append(preprocess(name, data, size, tolerance))

    def save(self, name, image, tolerance=0, reference=True, **options):
        out = io.BytesIO()
        image.save(out, format={"jpg": "JPEG", "tif": "TIFF"}.get(name.split(".")[-1]) or name.split(".")[-1], **options)
        self.add(name, out.getvalue(), tolerance, reference=reference)


def preprocess_picture(data, size):
    """openai/CLIP's _transform (clip/clip.py), ahead of the normalization."""
    image = Image.open(io.BytesIO(data))
    image = F.resize(image, size, interpolation=torchvision.transforms.InterpolationMode.BICUBIC)
    return F.center_crop(image, size).convert("RGB")


def preprocess(name, data, size, tolerance):
    """openai/CLIP's _transform."""
    image = preprocess_picture(data, size)
    values = F.normalize(F.to_tensor(image), MEAN, STD).numpy().astype("<f4")
    return {
        "file": name, "size": size, "tolerance": tolerance, "pixels": pack(np.array(image)),
        "sha256": hashlib.sha256(values.tobytes()).hexdigest(),
    }


def pictures(writer):
    rgb = Image.fromarray(picture(67, 41))
    tall = Image.fromarray(picture(30, 47, seed=1))
    rgba_samples = picture(45, 33, 4, seed=2)
    rgba_samples[:8, :, 3] = 0
    rgba_samples[8:14, :, 3] = 255
    rgba = Image.fromarray(rgba_samples)
    gray = Image.fromarray(picture(45, 33, 1, seed=3)[..., 0])

    writer.save("rgb.png", rgb)
    writer.save("tall.png", tall)
    writer.save("thin.png", Image.fromarray(picture(2, 297, seed=9)))
    writer.save("rgba.png", rgba)
    writer.save("gray.png", gray)
    writer.save("gray_alpha.png", Image.merge("LA", (gray, rgba.getchannel("A"))))
    writer.save("palette.png", rgb.quantize(32))
    writer.save("palette_4bit.png", rgb.quantize(16), bits=4)
    writer.save("palette_transparent.png", rgb.quantize(8), transparency=bytes([0, 128, 255, 255, 64, 255, 255, 200]))
    writer.save("bilevel.png", gray.convert("1"))
    writer.save("one_pixel.png", Image.new("RGB", (1, 1), (200, 30, 90)))
    writer.save("long.png", Image.fromarray(np.broadcast_to(smooth(20000, 1) // 64 * 64, (10, 20000, 3)).copy()))
    writer.save("square_50.png", Image.fromarray(picture(50, 50, 4, seed=4)))
    deep = picture(37, 29, 4, seed=5).astype(np.uint16) * 257 - 100 * (picture(37, 29, 4, seed=6) > 200)
    deep = deep.astype(np.uint16)
    high = (deep >> 8).astype(np.uint8)
    writer.add("rgb_16bit.png", png_bytes(deep[..., :3], 16, 2), expected=high[..., :3])
    writer.add("rgba_16bit.png", png_bytes(deep, 16, 6), expected=over_white(high))
    writer.add("gray_16bit.png", png_bytes(deep[..., :1], 16, 0), expected=high[..., [0, 0, 0]], reference=False)
    writer.add("gray_alpha_16bit.png", png_bytes(deep[..., [0, 3]], 16, 4), expected=over_white(high[..., [0, 0, 0, 3]]))
    few = (picture(45, 33, 3, seed=7) // 64 * 85).astype(np.uint8)
    keyed = np.concatenate([few, np.where((few == few[3, 4]).all(-1), 0, 255)[..., None].astype(np.uint8)], -1)
    writer.add("rgb_keyed.png", png_bytes(few, 8, 2, transparency_chunk(few[3, 4])), expected=over_white(keyed))
    keyed = np.concatenate([few[..., [0, 0, 0]], np.where(few[..., :1] == few[3, 4, 0], 0, 255).astype(np.uint8)], -1)
    writer.add("gray_keyed.png", png_bytes(few[..., :1], 8, 0, transparency_chunk(few[3, 4, :1])), expected=over_white(keyed))

    photo = Image.fromarray(smooth(61, 43))
    sharp = Image.fromarray(picture(61, 43, seed=8))
    # The bounds are what Go's inverse DCT differs by from libjpeg's, and what
    # that makes of it in the conversion of colors.
    writer.save("photo_444.jpg", photo, 3, quality=90, subsampling=0)
    writer.save("photo_422.jpg", photo, 3, quality=90, subsampling=1)
    writer.save("photo_420.jpg", photo, 3, quality=90, subsampling=2)
    writer.save("sharp_420.jpg", sharp, 4, quality=75, subsampling=2)
    writer.save("sharp_progressive.jpg", sharp, 4, quality=85, progressive=True)
    writer.save("narrow_420.jpg", photo.crop((0, 0, 3, 9)), 3, quality=90, subsampling=2)
    writer.save("gray.jpg", photo.convert("L"), 1, quality=90)
    writer.save("cmyk.jpg", Image.fromarray(smooth(40, 30, 4), "CMYK"), 3, quality=90)
    corner = Image.fromarray(smooth(48, 32))
    corner.paste((255, 0, 0), (0, 0, 16, 16))
    corner.paste((0, 0, 255), (32, 0, 48, 8))
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[274] = orientation
        writer.save("orientation_%d.jpg" % orientation, corner, 3, quality=90, subsampling=0, exif=exif)
    writer.save("orientation_6.png", corner, exif=exif_of(6))
    writer.save("orientation_8.webp", corner, lossless=True, exif=exif_of(8))
    writer.save("orientation_3.tif", corner, tiffinfo={274: 3}, reference=False)

    writer.save("palette.gif", rgb.quantize(32))
    writer.save("transparent.gif", rgb.quantize(8), transparency=2)
    writer.save("gray.gif", gray)
    writer.save("animation.gif", rgb.quantize(16), save_all=True, append_images=[rgb.rotate(90).quantize(16)], reference=False)
    writer.save("lossless.webp", rgb, lossless=True)
    writer.save("lossless_alpha.webp", rgba, lossless=True, exact=True)
    writer.save("lossy.webp", photo, quality=80)
    writer.save("lossy_even.webp", sharp.crop((0, 0, 48, 40)), quality=60)
    writer.save("lossy_alpha.webp", rgba, quality=80)
    writer.save("animation.webp", photo, save_all=True, append_images=[photo.rotate(180)], quality=80)
    writer.save("animation_alpha.webp", rgba, save_all=True, append_images=[rgba.rotate(180)], quality=80)
    writer.save("rgb.bmp", rgb)
    writer.save("palette.bmp", rgb.quantize(32))
    writer.save("gray.bmp", gray)
    writer.save("rgb.tif", rgb)
    writer.save("lzw.tif", rgb, compression="tiff_lzw")
    writer.save("deflate.tif", gray, compression="tiff_adobe_deflate")


def exif_of(orientation):
    exif = Image.Exif()
    exif[274] = orientation
    return exif


def resized():
    filters = ["nearest", "box", "bilinear", "hamming", "bicubic", "lanczos"]
    cases = []
    sources = {
        "rgb.png": (picture(67, 41), [(1, 1), (23, 17), (67, 20), (80, 50)]),
        "tall.png": (picture(30, 47, seed=1), [(30, 29), (31, 47), (7, 90)]),
        # More than 100 times as high as wide: Pillow takes the rows first.
        "thin.png": (picture(2, 297, seed=9), [(9, 13), (3, 400), (2, 50)]),
        "one_pixel.png": (np.array([[[200, 30, 90]]], np.uint8), [(1, 1), (9, 5)]),
    }
    for name, (pixels, sizes) in sources.items():
        image = Image.fromarray(pixels)
        for width, height in sizes:
            for f in filters:
                out = image.resize((width, height), getattr(Image.Resampling, f.upper()))
                cases.append({"file": name, "filter": f, "width": width, "height": height, "pixels": pack(np.array(out))})
    return cases


def geometry():
    cases = []
    for width, height in [(640, 480), (480, 640), (1920, 1080), (225, 225), (227, 300), (224, 225), (226, 224), (100, 37), (3, 1000), (1, 1), (333, 1000), (500, 375)]:
        for size in (32, 64, 224, 336):
            new_height, new_width = F._compute_resized_output_size((height, width), [size])
            cases.append({"width": width, "height": height, "size": size, "new_width": new_width, "new_height": new_height})
    crops = []
    for width, height, size in [(225, 224, 224), (227, 224, 224), (224, 229, 224), (300, 231, 224), (5, 9, 8), (4, 3, 7), (10, 3, 6), (3, 3, 3)]:
        x = torch.arange(1, width + 1).repeat(height, 1)[None]
        y = torch.arange(1, height + 1)[:, None].repeat(1, width)[None]
        left, top = (F.center_crop(v, [size, size])[0] for v in (x, y))
        # 1-based positions of what each pixel came from; 0 is the border.
        crops.append({"width": width, "height": height, "size": size, "columns": left.amax(0).tolist(), "rows": top.amax(1).tolist()})
    return cases, crops


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    writer = Writer(args.folder)
    pictures(writer)
    sizes, crops = geometry()
    reference = {
        "versions": {
            "pillow": PIL.__version__, "libjpeg-turbo": features.version("libjpeg_turbo"), "webp": features.version("webp"),
            "torchvision": torchvision.__version__.split("+")[0],
        },
        "decode": writer.decode, "resize": resized(), "preprocess": writer.preprocess, "geometry": sizes, "crop": crops,
    }
    lists = {k: "[\n" + ",\n".join(json.dumps(item) for item in v) + "\n]" for k, v in reference.items() if isinstance(v, list)}
    body = ",\n".join([json.dumps("versions") + ": " + json.dumps(reference["versions"])] + [json.dumps(k) + ": " + v for k, v in lists.items()])
    (args.folder / "reference.json").write_text("{\n" + body + "\n}\n")


if __name__ == "__main__":
    main()
