#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Load a model in the format of ONNX with OpenCV's dnn module; see protocol.py.

MODE  inline        inline.onnx, which has its weights in itself

The time is from opening the file until the first answer. The tensors are the weights
that OpenCV then has, named and laid out as in the file, and the answer.
"""
import os

# OpenCV knows no weights as outputs and says so for each. What matters it raises.
os.environ["OPENCV_LOG_LEVEL"] = "FATAL"

import cv2
import numpy

import protocol


def load(mode, folder):
    if mode != "inline":
        raise SystemExit(f"opencv.py: unknown mode {mode!r}\n{__doc__}")
    net = cv2.dnn.readNetFromONNX(os.path.join(folder, "inline.onnx"))
    net.setInput(numpy.array([[(i % 7 - 3) / 4 for i in range(1024)]], numpy.float32), "x")
    return net, net.forward("y")


def arrays(loaded):
    net, answer = loaded
    yield "y", answer
    layers = [net.getLayer(net.getLayerId(name)) for name in net.getLayerNames()]
    weights = [blob for layer in layers for blob in layer.blobs]
    for i, blob in enumerate(weights):
        yield f"weight{i}", blob.T  # what multiplies from the right lies transposed


if __name__ == "__main__":
    protocol.main(__doc__, cv2.__version__, load, arrays)
