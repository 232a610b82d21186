"""Writes tests/golden/pictures.json: small CMYK, 16-bit and plain pictures as files, and their pixels as Pillow (CMYK, JPEG) and
NumPy (16 bits, rounded to 8) have them; and the JPEG seeds of the picture fuzzer, tests/fuzz/corpus/image/jpeg_*.

python scripts/golden/pictures.py      (numpy, pillow 13.0)
"""

import io
import json
import pathlib
import struct
import zlib

import numpy as np
from PIL import Image

ROOT = pathlib.Path(__file__).resolve().parents[2]
g = np.random.default_rng(7)


def smooth(height, width, channels):
    """Waves that JPEG keeps well."""
    y, x, c = np.mgrid[:height, :width, :channels]
    return np.uint8(np.round(127 + 100 * np.sin(0.25 * x + 0.4 * y + 1.3 * c)))


def jpeg(pixels, mode, **options):
    out = io.BytesIO()
    Image.fromarray(pixels, mode=mode).save(out, "JPEG", quality=95, subsampling=0, **options)
    return out.getvalue()


def png16(values):
    """[H, W] or [H, W, 3] of 16 bits as a PNG file, by hand: Pillow writes no 16-bit colours."""
    height, width = values.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 16, 0 if values.ndim == 2 else 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def without_adobe(file):
    """The same inks, as a program that is not Adobe's stores them: no marker, and nothing turned round."""
    at = file.index(b"\xff\xee")
    length = struct.unpack(">H", file[at + 2:at + 4])[0]
    return file[:at] + file[at + 2 + length:]


cases = []


def add(name, file, pixels, tolerance):
    cases.append({"name": name, "file": file.hex(), "shape": list(pixels.shape), "pixels": pixels.ravel().tolist(), "tolerance": tolerance})


inks = smooth(12, 10, 4)
cmyk = jpeg(inks, "CMYK")
seen = Image.open(io.BytesIO(cmyk))
add("cmyk, Adobe's", cmyk, np.asarray(seen.convert("RGB")), 1)
plain = without_adobe(cmyk)
# Pillow takes every file of four inks for Adobe's and turns them round; without the marker they are what they are.
stored = 255 - np.asarray(Image.open(io.BytesIO(plain))).astype(int)
add("cmyk, no marker", plain, np.round((255 - stored[..., :3]) * (255 - stored[..., 3:]) / 255).astype(int), 1)
grey = g.integers(0, 65536, (5, 7))
add("16-bit grey", png16(grey), np.round(grey / 257).astype(int)[..., None], 1)
colours = g.integers(0, 65536, (4, 6, 3))
add("16-bit colours", png16(colours), np.round(colours / 257).astype(int), 1)
(ROOT / "tests/golden/pictures.json").write_text(json.dumps(cases) + "\n")

corpus = ROOT / "tests/fuzz/corpus/image"
# The first byte chooses the channels of the result: 0 three, 1 one.
for name, channels, file in [("jpeg_rgb", 0, jpeg(smooth(9, 8, 3), "RGB")), ("jpeg_grey", 1, jpeg(smooth(9, 8, 1)[..., 0], "L")),
                             ("jpeg_cmyk", 0, cmyk), ("jpeg_cmyk_plain", 0, plain),
                             ("jpeg_progressive", 0, jpeg(smooth(9, 8, 3), "RGB", progressive=True)),
                             ("jpeg_cut_short", 0, jpeg(smooth(9, 8, 3), "RGB")[:-60])]:
    (corpus / name).write_bytes(bytes([channels]) + file)
