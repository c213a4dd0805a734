#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Load every tensor of a model folder with PyTorch; see protocol.py.

MODE  read          safetensors shards, plain reads
      mmap-shared   safetensors shards, MAP_SHARED and read-only
      mmap-private  safetensors shards, MAP_PRIVATE and writable (copy on write)
      torch         torch.load of pytorch_model.bin

The time is from opening the first file until every tensor lies in memory of its own.

usage: load.py save DIR: write the first shard's tensors to pytorch_model.bin with torch.save
"""
import json
import mmap
import os
import sys
import warnings

import torch

import protocol

INDEX = "model.safetensors.index.json"
PICKLE = "pytorch_model.bin"
DTYPES = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16, "I64": torch.int64}


def shards(folder):
    with open(os.path.join(folder, INDEX), encoding="utf-8") as f:
        where = json.load(f)["weight_map"]
    return sorted(set(where.values())), where


def header(read):
    """Parse the front of a shard: read(offset, length) gives its bytes."""
    length = int.from_bytes(read(0, 8), "little")
    entries = json.loads(bytes(read(8, length)))
    entries.pop("__metadata__", None)
    return 8 + length, entries


def tensor(buffer, offset, entry):
    count = 1
    for n in entry["shape"]:
        count *= n
    dtype = DTYPES[entry["dtype"]]
    return torch.frombuffer(buffer, dtype=dtype, count=count, offset=offset).reshape(entry["shape"])


def load_read(path):
    with open(path, "rb", buffering=0) as f:
        def read(offset, length):
            buffer = bytearray(length)
            view = memoryview(buffer)
            done = 0
            while done < length:
                n = os.preadv(f.fileno(), [view[done:]], offset + done)
                if n == 0:
                    raise EOFError(f"{path} ends at {offset + done}")
                done += n
            return buffer

        base, entries = header(read)
        for name, entry in entries.items():
            start, end = entry["data_offsets"]
            yield name, tensor(read(base + start, end - start), 0, entry)


def load_mmap(path, flags, prot):
    with open(path, "rb") as f:
        area = mmap.mmap(f.fileno(), 0, flags=flags, prot=prot)
    base, entries = header(lambda offset, length: area[offset:offset + length])
    for name, entry in entries.items():
        # A clone leaves the mapping, as a copy to a device would: every page is touched.
        yield name, tensor(area, base + entry["data_offsets"][0], entry).clone()


def load_shard(mode, path):
    if mode == "read":
        return load_read(path)
    if mode == "mmap-shared":
        return load_mmap(path, mmap.MAP_SHARED, mmap.PROT_READ)
    if mode == "mmap-private":
        return load_mmap(path, mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_WRITE)
    raise SystemExit(f"load.py: unknown mode {mode!r}\n{__doc__}")


def load(mode, folder):
    if mode == "torch":
        return torch.load(os.path.join(folder, PICKLE), map_location="cpu")
    names, where = shards(folder)
    tensors = {}
    for shard in names:
        for name, value in load_shard(mode, os.path.join(folder, shard)):
            if where[name] != shard:
                raise SystemExit(f"load.py: {name} is in {shard}, the index says {where[name]}")
            tensors[name] = value
    if len(tensors) != len(where):
        raise SystemExit(f"load.py: {len(tensors)} tensors in the shards, {len(where)} in the index")
    return tensors


def save(folder):
    names, _ = shards(folder)
    torch.save(dict(load_shard("read", os.path.join(folder, names[0]))), os.path.join(folder, PICKLE))


def arrays(tensors):
    for name, value in tensors.items():
        # NumPy has no bfloat16; a view as integers of the same size keeps the bytes.
        yield name, (value.view(torch.int16) if value.dtype == torch.bfloat16 else value).numpy()


if __name__ == "__main__":
    # A read-only buffer is what a shared mapping is; nothing here writes to it.
    warnings.filterwarnings("ignore", message=".*not writable.*")
    if sys.argv[1:2] == ["save"] and len(sys.argv) == 3:
        save(sys.argv[2])
    else:
        protocol.main(__doc__, torch.__version__, load, arrays)
