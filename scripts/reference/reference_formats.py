"""Writes the references for the picture formats of package imageio: every format and mode that Pillow
writes, and kinds that it only reads, with the pixels that it reads.

    python scripts/reference/reference_formats.py imageio/testdata/formats

Each file there has an entry in formats.json.gz:
- pixels: rows of RGB bytes, upright and over white, in base64: a number in the list of pixels, since many
  files hold the same ones; none where Pillow itself cannot make RGB of the file;
- draft: for JPEG, the same after Image.draft to a size;
- square: what openai/CLIP's transform makes of the file at 10 pixels, ahead of the normalization; it resizes
  in the file's own mode.
Files in the folder found are there already: kinds that cameras and scanners write, and Pillow does not.
Of gray in 16 bits the pixels are the high 8 bits, where Pillow's own conversion cuts off at 255.
"""

import argparse
import base64
import gzip
import io
import json
import pathlib
import re
import struct
import zlib

import numpy as np
import PIL
from PIL import Image, ImageOps, features

from reference_pixels import picture, preprocess_picture, smooth

SQUARE = 10

WIDTH, HEIGHT = 23, 14
MODES = ("1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr", "LAB", "HSV", "I", "I;16",
         "I;16B", "F")
TIFF_COMPRESSIONS = (None, "tiff_ccitt", "group3", "group4", "jpeg", "tiff_lzw", "packbits", "tiff_adobe_deflate",
                     "tiff_deflate", "lzma", "zstd")
# Beside the formats that are read.
OTHERS = ("AVIF", "BLP", "DDS", "EPS", "JPEG2000", "MSP", "PALM", "PCX", "QOI", "SGI", "SPIDER", "XBM")


def in_mode(mode):
    """The test picture in a mode."""
    rgb = Image.fromarray(picture(WIDTH, HEIGHT, seed=11))
    rgba_samples = picture(WIDTH, HEIGHT, 4, seed=12)
    rgba_samples[:3, :, 3], rgba_samples[3:5, :, 3] = 0, 255
    rgba = Image.fromarray(rgba_samples)
    gray = rgb.convert("L")
    levels = np.array(gray).astype(np.int64)
    match mode:
        case "P":
            return rgb.quantize(20)
        case "PA":
            return Image.merge("LA", (gray, rgba.getchannel("A"))).convert("PA")
        case "LA" | "La":
            return Image.merge("LA", (gray, rgba.getchannel("A"))).convert(mode)
        case "RGBA" | "RGBa":
            return rgba.convert(mode)
        case "CMYK":
            return Image.fromarray(smooth(WIDTH, HEIGHT, 4), "CMYK")
        case "LAB":
            return Image.frombytes("LAB", rgb.size, rgb.tobytes())
        case "I":
            return Image.fromarray((levels * 3 - 200).astype(np.int32))
        case "I;16":
            return Image.fromarray((levels * 250 + 17).astype(np.uint16))
        case "I;16B":
            return Image.frombytes("I;16B", gray.size, (levels * 250 + 17).astype(">u2").tobytes())
        case "F":
            return Image.fromarray((levels * 1.7 - 60.3).astype(np.float32))
    return rgb.convert(mode)


def deep(image):
    """Gray of more than 8 bits."""
    return image.mode.startswith("I") or image.mode == "F"


def over_white(image):
    sixteen = image.mode.startswith("I;16") or (image.mode == "I" and image.format == "PPM")
    image = ImageOps.exif_transpose(image)
    if sixteen:
        high = (np.array(image).astype(np.uint16) >> 8).astype(np.uint8)
        return np.stack([high] * 3, -1)
    rgba = np.array(image.convert("RGBA")).astype(np.int64)
    alpha = rgba[..., 3:]
    return ((rgba[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)


class Writer:
    def __init__(self, folder):
        self.folder, self.entries, self.pixels = folder, [], []

    def pack(self, pixels):
        """The number of the pixels in the list."""
        packed = base64.b64encode(pixels.tobytes()).decode()
        if packed not in self.pixels:
            self.pixels.append(packed)
        return self.pixels.index(packed)

    def add(self, name, data, pixels=None, drafts=()):
        (self.folder / name).write_bytes(data)
        entry = {"file": name}
        if pixels is None:
            try:
                image = Image.open(io.BytesIO(data))
                entry["format"], entry["mode"] = image.format, image.mode
                pixels = over_white(image)
                # Of palette and alpha Pillow resizes the indices as if they were levels.
                if not deep(image) and image.mode != "PA":
                    entry["square"] = self.pack(np.array(preprocess_picture(data, SQUARE)))
            except Exception as error:  # whatever Pillow's plugins raise
                entry["pillow"] = type(error).__name__
        if pixels is not None:
            entry |= {"width": pixels.shape[1], "height": pixels.shape[0], "pixels": self.pack(pixels)}
        for size in drafts:
            image = Image.open(io.BytesIO(data))
            image.draft(None, size)
            got = over_white(image)
            entry.setdefault("draft", []).append({
                "at_least": size, "width": got.shape[1], "height": got.shape[0], "pixels": self.pack(got),
            })
        self.entries.append(entry)

    def save(self, name, image, format, drafts=(), **options):
        """Saves where Pillow can."""
        out = io.BytesIO()
        try:
            image.save(out, format=format, **options)
        except (OSError, ValueError, KeyError, RuntimeError, SystemError, TypeError):
            return None
        self.add(name, out.getvalue(), drafts=drafts)
        return out.getvalue()


def plain(mode):
    """The mode in a file's name. Names that differ in case alone are one on some systems, and to Go's modules."""
    return re.sub("a$", "A_premultiplied", mode.replace(";", "_"))


def every_mode(writer):
    for format, extension in (("BMP", "bmp"), ("GIF", "gif"), ("JPEG", "jpg"), ("PNG", "png"), ("PPM", "ppm"),
                              ("TGA", "tga"), ("WEBP", "webp")):
        for mode in MODES:
            options = {"quality": 90} if format in ("JPEG", "WEBP") else {}
            writer.save(f"mode_{plain(mode)}.{extension}", in_mode(mode), format, **options)
    # libtiff damages its memory where it refuses a mode.
    only = {"tiff_ccitt": ("1",), "group3": ("1",), "group4": ("1",), "jpeg": ("L", "RGB", "CMYK", "YCbCr")}
    for compression in TIFF_COMPRESSIONS:
        for mode in only.get(compression, MODES):
            name = f"{(compression or 'raw').removeprefix('tiff_')}_{plain(mode)}.tif"
            writer.save(name, in_mode(mode), "TIFF", compression=compression)
    for mode in ("L", "RGB", "RGBA", "I;16"):
        writer.save(f"predictor_{plain(mode)}.tif", in_mode(mode), "TIFF", compression="tiff_lzw", tiffinfo={317: 2})
    for format in OTHERS:
        for mode in ("RGB", "1", "P"):
            if writer.save(f"other_{format.lower()}.bin", in_mode(mode), format):
                break


def jpegs(writer):
    rgb = Image.fromarray(smooth(67, 45))
    sharp = Image.fromarray(picture(67, 45, seed=13))
    sizes = ((40, 22), (33, 22), (16, 11), (9, 9), (8, 5), (1, 1))
    for subsampling in ("4:4:4", "4:2:2", "4:2:0"):
        name = subsampling.replace(":", "")
        writer.save(f"sharp_{name}.jpg", sharp, "JPEG", quality=80, subsampling=subsampling, drafts=sizes)
        writer.save(f"progressive_{name}.jpg", rgb, "JPEG", quality=85, subsampling=subsampling, progressive=True, drafts=sizes[1:3])
    writer.save("restart.jpg", sharp, "JPEG", quality=80, restart_marker_blocks=3)
    writer.save("keep_rgb.jpg", rgb, "JPEG", quality=90, keep_rgb=True, drafts=sizes[1:3])
    writer.save("gray_draft.jpg", rgb.convert("L"), "JPEG", quality=90, drafts=sizes)
    exif = Image.Exif()
    exif[274] = 6
    writer.save("turned.jpg", rgb, "JPEG", quality=90, exif=exif)
    out = io.BytesIO()
    Image.fromarray(smooth(67, 45, 4), "CMYK").save(out, format="JPEG", quality=90)
    cmyk = out.getvalue()
    writer.add("cmyk_adobe.jpg", cmyk, drafts=sizes[1:3])
    at = cmyk.index(b"\xff\xee")
    end = at + 2 + struct.unpack(">H", cmyk[at + 2 : at + 4])[0]
    assert cmyk[end - 1] == 0, "Adobe's mark says CMYK"
    ycck = cmyk[: end - 1] + b"\x02" + cmyk[end:]
    writer.add("ycck_adobe.jpg", ycck, drafts=sizes[1:3])
    writer.add("cmyk_no_adobe.jpg", cmyk[:at] + cmyk[end:])
    out = io.BytesIO()
    rgb.save(out, format="JPEG", quality=90, keep_rgb=True)
    kept = out.getvalue()
    at = kept.index(b"\xff\xee")
    end = at + 2 + struct.unpack(">H", kept[at + 2 : at + 4])[0]
    writer.add("rgb_no_adobe.jpg", kept[:at] + kept[end:])


def tiff(order, tags, blocks):
    """A TIFF file with one directory; blocks are its strips or tiles."""
    kinds = {"H": 3, "I": 4}
    tags = dict(tags)
    first = 8
    offsets = [first + sum(len(b) for b in blocks[:i]) for i in range(len(blocks))]
    tiled = 322 in tags
    tags[324 if tiled else 273] = ("I", offsets)
    tags[325 if tiled else 279] = ("I", [len(b) for b in blocks])
    body = b"".join(blocks)
    body += b"\0" * (len(body) % 2)
    directory = first + len(body)
    more = directory + 2 + 12 * len(tags) + 4
    entries, values = b"", b""
    for tag, (kind, numbers) in sorted(tags.items()):
        packed = struct.pack(f"{order}{len(numbers)}{kind}", *numbers)
        if len(packed) > 4:
            place = struct.pack(order + "I", more + len(values))
            values += packed + b"\0" * (len(packed) % 2)
        else:
            place = packed.ljust(4, b"\0")
        entries += struct.pack(order + "HHI", tag, kinds[kind], len(numbers)) + place
    head = {"<": b"II*\0", ">": b"MM\0*"}[order] + struct.pack(order + "I", directory)
    return head + body + struct.pack(order + "H", len(tags)) + entries + struct.pack(order + "I", 0) + values


def samples_of(image_samples, bits, order, invert=False):
    """Rows of samples, packed: [height, width * channels] to a list of bytes."""
    rows = []
    for row in image_samples:
        if bits < 8:
            each = 8 // bits
            padded = np.concatenate([row, np.zeros(-len(row) % each, row.dtype)]).reshape(-1, each)
            packed = sum((padded[:, i].astype(np.int64) << (8 - bits * (i + 1))) for i in range(each))
            data = packed.astype(np.uint8).tobytes()
        else:
            data = row.astype(f"{order}u{bits // 8}").tobytes()
        rows.append(bytes(b ^ 255 for b in data) if invert else data)
    return rows


def tiffs(writer):
    rgb = picture(WIDTH, HEIGHT, seed=14)
    rgba = picture(WIDTH, HEIGHT, 4, seed=15)
    rgba[:3, :, 3], rgba[3:5, :, 3] = 0, 255
    cmyk = smooth(WIDTH, HEIGHT, 4)
    gray = rgb[..., 0]

    def tags(photometric, bits, samples, **more):
        base = {256: ("I", [WIDTH]), 257: ("I", [HEIGHT]), 258: ("H", [bits] * samples), 259: ("H", [1]),
                262: ("H", [photometric]), 277: ("H", [samples]), 278: ("I", [HEIGHT])}
        return base | {int(k[1:]): v for k, v in more.items()}

    def add(name, photometric, samples, bits=8, order="<", invert=False, pixels=None, **more):
        channels = 1 if samples.ndim == 2 else samples.shape[2]
        rows = samples_of(samples.reshape(HEIGHT, -1), bits, order, invert)
        writer.add(name, tiff(order, tags(photometric, bits, channels, **more), [b"".join(rows)]), pixels=pixels)

    for order, end in (("<", "little"), (">", "big")):
        add(f"rgb_{end}.tif", 2, rgb, order=order)
        add(f"rgb16_{end}.tif", 2, rgb.astype(np.uint16) * 250 + 99, 16, order)
        add(f"gray16_{end}.tif", 1, gray.astype(np.uint16) * 250 + 99, 16, order)
        add(f"gray16_signed_{end}.tif", 1, gray.astype(np.int64) * 3 - 100 & 0xFFFF, 16, order, t339=("H", [2]))
        add(f"float_{end}.tif", 1, (gray * np.float32(1.5) - 50).astype(np.float32).view(np.uint32), 32, order, t339=("H", [3]))
        add(f"int32_{end}.tif", 1, (gray.astype(np.int32) * 3 - 100).view(np.uint32), 32, order, t339=("H", [2]))
        add(f"cmyk16_{end}.tif", 5, cmyk.astype(np.uint16) * 257, 16, order)
        add(f"rgba16_{end}.tif", 2, rgba.astype(np.uint16) * 257, 16, order, t338=("H", [2]))
    for bits in (1, 2, 4, 8):
        few = gray >> (8 - bits)
        add(f"gray{bits}.tif", 1, few, bits)
        add(f"gray{bits}_white.tif", 0, few, bits)
        colors = np.random.default_rng(bits).integers(0, 65536, 3 << bits).tolist()
        add(f"palette{bits}.tif", 3, few, bits, t320=("H", colors))
    reverse = bytes(int(f"{i:08b}"[::-1], 2) for i in range(256))
    rows = b"".join(samples_of(gray >> 7, 1, "<")).translate(reverse)
    writer.add("reversed_bits.tif", tiff("<", tags(1, 1, 1, t266=("H", [2])), [rows]))
    add("rgb_extra.tif", 2, rgba, t338=("H", [0]))
    add("rgba_unsaid.tif", 2, rgba)
    add("rgba_premultiplied.tif", 2, np.concatenate([(rgba[..., :3].astype(int) * rgba[..., 3:] // 255).astype(np.uint8), rgba[..., 3:]], -1), t338=("H", [1]))
    add("gray_alpha.tif", 1, rgba[..., [0, 3]], t338=("H", [2]))
    add("cmyk_extra.tif", 5, np.concatenate([cmyk, gray[..., None]], -1), t338=("H", [0]))
    add("lab.tif", 8, rgb)
    add("gray16_white.tif", 0, gray.astype(np.uint16) * 250, 16)
    for orientation in range(2, 9):
        add(f"orientation_{orientation}.tif", 2, rgb, t274=("H", [orientation]))

    def planes(samples, size=1):
        return [samples[..., c].astype(f"<u{size}").tobytes() for c in range(samples.shape[2])]

    writer.add("planar_rgb.tif", tiff("<", tags(2, 8, 3, t284=("H", [2])), planes(rgb)))
    writer.add("planar_rgba.tif", tiff("<", tags(2, 8, 4, t284=("H", [2]), t338=("H", [2])), planes(rgba)))
    writer.add("planar_deflate.tif", tiff("<", tags(2, 8, 3, t284=("H", [2]), t259=("H", [8])), [zlib.compress(p) for p in planes(rgb)]))
    writer.add("planar_cmyk.tif", tiff("<", tags(5, 8, 4, t284=("H", [2]), t259=("H", [8])), [zlib.compress(p) for p in planes(cmyk)]))
    writer.add("planar_rgb16.tif", tiff("<", tags(2, 16, 3, t284=("H", [2]), t259=("H", [8])), [zlib.compress(p) for p in planes(rgb.astype(np.uint16) * 257, 2)]),
               pixels=rgb)

    def tiles(samples, width=16, height=16):
        padded = np.pad(samples, ((0, -HEIGHT % height), (0, -WIDTH % width)) + ((0, 0),) * (samples.ndim - 2))
        return [padded[y : y + height, x : x + width] for y in range(0, HEIGHT, height) for x in range(0, WIDTH, width)]

    tile = {"t322": ("I", [16]), "t323": ("I", [16])}
    for name, kind, samples in (("rgb", 2, rgb), ("gray", 1, gray), ("cmyk", 5, cmyk)):
        channels = 1 if samples.ndim == 2 else samples.shape[2]
        content = tags(kind, 8, channels, **tile)
        del content[278]
        writer.add(f"tiles_{name}.tif", tiff("<", content, [t.tobytes() for t in tiles(samples)]))
        content[259] = ("H", [8])
        writer.add(f"tiles_{name}_deflate.tif", tiff("<", content, [zlib.compress(t.tobytes()) for t in tiles(samples)]))
    content = tags(1, 1, 1, **tile) | {259: ("H", [8])}
    del content[278]
    blocks = [zlib.compress(b"".join(samples_of(t >> 7, 1, "<"))) for t in tiles(gray)]
    writer.add("tiles_bilevel.tif", tiff("<", content, blocks))
    # YCbCr without JPEG, which Pillow leaves to libtiff's conversion where it is compressed.
    content = tags(6, 8, 3, t530=("H", [1, 1]), t259=("H", [8]))
    writer.add("ycbcr_deflate.tif", tiff("<", content, [zlib.compress(smooth(WIDTH, HEIGHT).tobytes())]))


def bmp(width, height, bits, pixels, compression=0, palette=b"", masks=b"", header=40):
    body = struct.pack("<iiHHIIiiII", width, height, 1, bits, compression, len(pixels), 2835, 2835, len(palette) // 4, 0)
    head = struct.pack("<I", header) + body + (masks.ljust(header - 40, b"\0") if header > 40 else masks)
    offset = 14 + len(head) + len(palette)
    return b"BM" + struct.pack("<IHHI", offset + len(pixels), 0, 0, offset) + head + palette + pixels


def bmps(writer):
    rgba = picture(WIDTH, HEIGHT, 4, seed=16)
    rgba[:3, :, 3], rgba[3:5, :, 3] = 0, 255
    rng = np.random.default_rng(17)

    def rows(samples, bits):
        packed = samples_of(samples, bits, "<") if bits != 16 else [row.astype("<u2").tobytes() for row in samples]
        return [row + b"\0" * (-len(row) % 4) for row in packed]

    for bits in (1, 4, 8):
        palette = rng.integers(0, 256, (1 << bits, 4), dtype=np.uint8)
        palette[:, 3] = 0
        indices = rgba[..., 0] >> (8 - bits)
        data = rows(indices, bits)
        writer.add(f"palette{bits}.bmp", bmp(WIDTH, HEIGHT, bits, b"".join(reversed(data)), palette=palette.tobytes()))
        writer.add(f"palette{bits}_top_down.bmp", bmp(WIDTH, -HEIGHT, bits, b"".join(data), palette=palette.tobytes()))
    fives = rng.integers(0, 65536, (HEIGHT, WIDTH), dtype=np.uint16)
    data = b"".join(reversed(rows(fives, 16)))
    writer.add("rgb15.bmp", bmp(WIDTH, HEIGHT, 16, data))
    for name, masks in (("555", (0x7C00, 0x3E0, 0x1F)), ("565", (0xF800, 0x7E0, 0x1F)), ("444", (0xF00, 0xF0, 0xF))):
        writer.add(f"rgb{name}.bmp", bmp(WIDTH, HEIGHT, 16, data, 3, masks=struct.pack("<III", *masks)))
        writer.add(f"rgb{name}_long.bmp", bmp(WIDTH, HEIGHT, 16, data, 3, masks=struct.pack("<III", *masks), header=108))
    words = b"".join(row.tobytes() for row in rgba[::-1])
    writer.add("rgb32.bmp", bmp(WIDTH, HEIGHT, 32, words))
    for i, masks in enumerate([
        (0xFF0000, 0xFF00, 0xFF, 0), (0xFF000000, 0xFF0000, 0xFF00, 0), (0xFF000000, 0xFF0000, 0xFF00, 0xFF),
        (0xFF, 0xFF00, 0xFF0000, 0xFF000000), (0xFF0000, 0xFF00, 0xFF, 0xFF000000), (0xFF000000, 0xFF00, 0xFF, 0xFF0000),
        (0, 0, 0, 0), (0xF0, 0xF00, 0xF000, 0),
    ]):
        writer.add(f"fields32_{i}.bmp", bmp(WIDTH, HEIGHT, 32, words, 3, masks=struct.pack("<IIII", *masks), header=108))
    writer.add("fields32_short.bmp", bmp(WIDTH, HEIGHT, 32, words, 3, masks=struct.pack("<III", 0xFF0000, 0xFF00, 0xFF)))
    # The header of OS/2.
    data = b"".join(row + b"\0" * (-len(row) % 4) for row in (r[:, 2::-1].tobytes() for r in rgba[::-1]))
    head = struct.pack("<IHHHH", 12, WIDTH, HEIGHT, 1, 24)
    writer.add("os2.bmp", b"BM" + struct.pack("<IHHI", 26 + len(data), 0, 0, 26) + head + data)
    palette = rng.integers(0, 256, (256, 4), dtype=np.uint8).tobytes()
    runs = b""
    for y in range(HEIGHT):
        runs += bytes([5, y, 0, 7, 1, 2, 3, 4, 5, 6, 7, 0, 9, 200, 0, 2]).replace(bytes([0, 2]), bytes([2, 77])) + bytes([0, 0])
    writer.add("rle8.bmp", bmp(WIDTH, HEIGHT, 8, runs + b"\0\1", 1, palette))
    runs = b""
    for y in range(HEIGHT):
        runs += bytes([7, (y * 17) & 255, 0, 8, 0x12, 0x34, 0x56, 0x78, 8, 0xAB]) + bytes([0, 0])
    writer.add("rle4.bmp", bmp(WIDTH, HEIGHT, 4, runs + b"\0\1", 2, palette[:64]))
    # A step over pixels, which keep the color 0.
    runs = bytes([3, 9, 0, 2, 4, 2]) + bytes([WIDTH - 7, 8]) + b"".join(bytes([0, 0, WIDTH, y + 1]) for y in range(HEIGHT - 3))
    writer.add("rle8_step.bmp", bmp(WIDTH, HEIGHT, 8, runs + b"\0\0\0\1", 1, palette))


def tgas(writer):
    for mode in ("1", "L", "LA", "P", "RGB", "RGBA"):
        writer.save(f"runs_{mode}.tga", in_mode(mode), "TGA", compression="tga_rle")
        writer.save(f"top_down_{mode}.tga", in_mode(mode), "TGA", orientation=1)
    rng = np.random.default_rng(18)
    indices = rng.integers(0, 16, WIDTH * HEIGHT, dtype=np.uint8).tobytes()
    for bits in (15, 16, 24, 32):
        colors = rng.integers(0, 256, 16 * ((bits + 7) // 8), dtype=np.uint8).tobytes()
        head = struct.pack("<BBBHHBHHHHBB", 3, 1, 1, 0, 16, bits, 0, 0, WIDTH, HEIGHT, 8, 0x20)
        writer.add(f"palette_{bits}.tga", head + b"abc" + colors + indices)
    pixels = rng.integers(0, 256, 4 * WIDTH * HEIGHT, dtype=np.uint8).tobytes()
    for flags in (0, 0x10, 0x20, 0x30):
        for bits in (16, 24, 32):
            head = struct.pack("<BBBHHBHHHHBB", 0, 0, 2, 0, 0, 0, 0, 0, WIDTH, HEIGHT, bits, flags)
            writer.add(f"corner_{flags:x}_{bits}.tga", head + pixels[: WIDTH * HEIGHT * bits // 8])
    extension = bytearray(495)
    head = struct.pack("<BBBHHBHHHHBB", 0, 0, 2, 0, 0, 0, 0, 0, WIDTH, HEIGHT, 32, 0x28)
    end = struct.pack("<II", len(head) + len(pixels), 0) + b"TRUEVISION-XFILE.\0"
    writer.add("no_alpha.tga", head + pixels + bytes(extension) + end)


def pnms(writer):
    rng = np.random.default_rng(19)
    bits = rng.integers(0, 2, (HEIGHT, WIDTH))
    text = "\n".join(" ".join(map(str, row)) for row in bits)
    writer.add("plain.pbm", f"P1 # a comment\n{WIDTH} {HEIGHT}\n{text}\n".encode())
    writer.add("plain_dense.pbm", f"P1\n{WIDTH}\n{HEIGHT}\n{text.replace(' ', '')}".encode())
    for most in (1, 7, 100, 255, 1000, 65535):
        for channels, name, plain_kind, raw_kind in ((1, "pgm", 2, 5), (3, "ppm", 3, 6)):
            samples = rng.integers(0, most + 1, (HEIGHT, WIDTH * channels))
            pixels = None
            if most > 255 and channels == 1:
                scaled = np.array([round(v / most * 65535) for v in samples.reshape(-1).tolist()]) >> 8
                pixels = np.repeat(scaled.astype(np.uint8).reshape(HEIGHT, WIDTH, 1), 3, -1)
            text = "\n".join(" ".join(map(str, row)) for row in samples)
            writer.add(f"plain_{most}.{name}", f"P{plain_kind}\n# made by hand\n{WIDTH} {HEIGHT}\n{most}\n{text}\n".encode(), pixels)
            raw = samples.astype(np.uint8 if most < 256 else ">u2").tobytes()
            writer.add(f"raw_{most}.{name}", f"P{raw_kind}\n{WIDTH} {HEIGHT} {most}\n".encode() + raw, pixels)
    levels = rng.normal(128, 120, (HEIGHT, WIDTH))
    for scale, order in ((-1.0, "<"), (1.0, ">")):
        writer.add(f"float_{'little' if scale < 0 else 'big'}.pfm", f"Pf\n{WIDTH} {HEIGHT}\n{scale}\n".encode() + levels.astype(order + "f4").tobytes())
    body = rng.integers(0, 256, 4 * WIDTH * HEIGHT, dtype=np.uint8).tobytes()
    writer.add("rgba.pam", f"P7\nWIDTH {WIDTH}\nHEIGHT {HEIGHT}\nDEPTH 4\nMAXVAL 255\nTUPLTYPE RGB_ALPHA\nENDHDR\n".encode() + body)


def icons(writer):
    for mode in ("1", "L", "P", "RGB", "RGBA"):
        image = in_mode(mode).resize((32, 32))
        writer.save(f"png_{mode}.ico", image, "ICO", sizes=[(16, 16), (32, 32)])
        writer.save(f"bitmap_{mode}.ico", image, "ICO", sizes=[(16, 16), (32, 32)], bitmap_format="bmp")
    rng = np.random.default_rng(20)
    for bits in (1, 4, 8, 24, 32):
        stride = (WIDTH * bits + 31) // 32 * 4
        palette = rng.integers(0, 256, 4 << bits, dtype=np.uint8).tobytes() if bits <= 8 else b""
        pixels = rng.integers(0, 256, stride * HEIGHT, dtype=np.uint8).tobytes()
        mask = rng.integers(0, 256, (WIDTH + 31) // 32 * 4 * HEIGHT, dtype=np.uint8).tobytes()
        head = struct.pack("<IiiHHIIiiII", 40, WIDTH, 2 * HEIGHT, 1, bits, 0, 0, 0, 0, 0, 0)
        body = head + palette + pixels + mask
        for said in {bits, 0}:
            entry = struct.pack("<BBBBHHII", WIDTH, HEIGHT, 0, 0, 1, said, len(body), 22)
            writer.add(f"mask{bits}_{said}.ico", struct.pack("<HHH", 0, 1, 1) + entry + body)


def broken_ends(writer):
    out = io.BytesIO()
    in_mode("RGB").save(out, format="PNG")
    data = out.getvalue()
    end = data.index(b"IEND") - 4
    pixels = over_white(in_mode("RGB"))
    for name, length in (("end", end), ("part_of_end", end + 7), ("sum", end - 2)):
        writer.add(f"without_{name}.png", data[:length], pixels)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    writer = Writer(args.folder)
    for part in (every_mode, jpegs, tiffs, bmps, tgas, pnms, icons, broken_ends):
        part(writer)
    kept = args.folder / "found"
    for path in sorted(kept.iterdir() if kept.is_dir() else ()):
        writer.add(f"found/{path.name}", path.read_bytes())
    versions = {"pillow": PIL.__version__, "libjpeg-turbo": features.version("libjpeg_turbo"), "libtiff": features.version("libtiff")}
    text = json.dumps({"versions": versions, "files": writer.entries, "pixels": writer.pixels})
    (args.folder / "formats.json.gz").write_bytes(gzip.compress(text.encode(), mtime=0))


if __name__ == "__main__":
    main()
