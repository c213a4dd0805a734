# SPDX-License-Identifier: Apache-2.0
"""Makes the samples beside it. They were made by PyTorch 1.13.1 and NumPy 1.24.2 of Debian 12."""

import collections
import pickle

import numpy
import torch

weights = collections.OrderedDict(w=torch.arange(6.0).reshape(2, 3))


class Linear(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(2, 1)

    def forward(self, x):
        return self.layer(x)


def dump(name, value, protocol):
    with open(name, "wb") as f:
        pickle.dump(value, f, protocol=protocol)


torch.save(weights, "save.pt")
torch.save(weights, "save-legacy.pt", _use_new_zipfile_serialization=False)
torch.save(weights, "save-legacy-protocol-4.pt", _use_new_zipfile_serialization=False, pickle_protocol=4)
torch.jit.save(torch.jit.script(Linear()), "script.pt")
torch.onnx.export(Linear(), torch.zeros(1, 2), "linear.onnx")
for protocol in (2, 3, 4, 5):
    dump(f"plain-protocol-{protocol}.pkl", {"step": 3, "blob": b"x" * 300, "loss": 0.5, "w": weights["w"]}, protocol)
# What is not to be taken for weights of PyTorch.
dump("numpy.pkl", {"torch": "a word", "w": numpy.arange(6.0)}, 4)
numpy.savez("arrays.npz", w=numpy.arange(6.0), version=numpy.arange(2))
