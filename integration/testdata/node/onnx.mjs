// SPDX-License-Identifier: Apache-2.0

// Loads a model in the format of ONNX with ONNX Runtime; see ../protocol.py.
//
// MODE  external  external.onnx, whose weights lie in a second file, which is mapped
//       inline    inline.onnx, which has its weights in itself
//
// The time is from opening the first file until the first answer. The tensors are
// the weights, which are outputs of the model too, and the answer.

import {join} from "node:path";
import ort from "onnxruntime-node";
import {main, mustBeMapped} from "./protocol.mjs";

const one = {executionProviders: ["cpu"], intraOpNumThreads: 1, interOpNumThreads: 1};

async function load(mode, folder) {
	const session = await ort.InferenceSession.create(join(folder, mode + ".onnx"), one);
	const x = new ort.Tensor("float32", Float32Array.from({length: 1024}, (_, i) => (i % 7 - 3) / 4), [1, 1024]);
	await session.run({x}, ["y"]);
	mustBeMapped(join(folder, "external.onnx.data"), mode === "external");
	const shapes = session.outputMetadata.map(o => o.shape);
	return {
		bytes: shapes.reduce((sum, [rows, columns]) => sum + 4 * rows * columns, 0),
		arrays: async () => Object.entries(await session.run({x})).map(([name, tensor]) => [name, tensor.data]),
		release: () => session.release(),
	};
}

await main(ort.env.versions.node, load);
