"""Owns MurmurHash3 x86 32-bit written out: for one text in plain Python, and for many of one length in numpy."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

_C1, _C2, _WORD = 0xCC9E2D51, 0x1B873593, 0xFFFFFFFF
Numbers = npt.NDArray[np.uint32]


def murmur(text: str) -> int:
    """The hash of a text's UTF-8 bytes with seed 0, unsigned."""
    data, hashed = text.encode(), 0
    for start in range(0, len(data), 4):
        block = data[start : start + 4]
        word = int.from_bytes(block, "little") * _C1 & _WORD
        hashed ^= (word << 15 | word >> 17) * _C2 & _WORD
        if len(block) == 4:
            hashed = ((hashed << 13 | hashed >> 19) * 5 + 0xE6546B64) & _WORD
    hashed ^= len(data)
    hashed = (hashed ^ hashed >> 16) * 0x85EBCA6B & _WORD
    hashed = (hashed ^ hashed >> 13) * 0xC2B2AE35 & _WORD
    return hashed ^ hashed >> 16


def murmurs(layer: str, units: Numbers, digits: int) -> Numbers:
    """The hashes of `layer:u0000042` for each number, written with so many digits."""
    prefix = f"{layer}:u".encode()
    data = np.empty((len(units), len(prefix) + digits), np.uint8)
    data[:, : len(prefix)] = np.frombuffer(prefix, np.uint8)
    for place in range(digits):
        data[:, -1 - place] = units // np.uint32(10**place) % np.uint32(10) + np.uint32(ord("0"))
    length = data.shape[1]
    padded = np.zeros((len(units), -(-length // 4) * 4), np.uint8)
    padded[:, :length] = data
    words = padded.view("<u4").astype(np.uint32)
    hashed = np.zeros(len(units), np.uint32)
    with np.errstate(over="ignore"):
        for index in range(words.shape[1]):
            word = words[:, index] * np.uint32(_C1)
            hashed ^= (word << np.uint32(15) | word >> np.uint32(17)) * np.uint32(_C2)
            if index < length // 4:
                hashed = (hashed << np.uint32(13) | hashed >> np.uint32(19)) * np.uint32(5) + np.uint32(0xE6546B64)
        hashed ^= np.uint32(length)
        hashed = (hashed ^ hashed >> np.uint32(16)) * np.uint32(0x85EBCA6B)
        hashed = (hashed ^ hashed >> np.uint32(13)) * np.uint32(0xC2B2AE35)
    return hashed ^ hashed >> np.uint32(16)
