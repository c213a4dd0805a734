// SPDX-License-Identifier: Apache-2.0

// Loads a language model, llama.gguf, with llama.cpp; see ../protocol.py.
//
// MODE  mmap    the file is mapped
//       read    it is read
//       direct  it is read with O_DIRECT
//
// The time is from opening the file until the first token of an answer. What is
// compared is an answer: how likely each token is after a text of all tokens there
// are, so that every weight has its part in it, and what is said then.

import {join} from "node:path";
import {getLlama, getModuleVersion} from "node-llama-cpp";
import {main, mustBeMapped} from "./protocol.mjs";

// On one thread: more wait for each other where other programs have the processors.
const threads = 1;
const llama = await getLlama({gpu: false, build: "never", skipDownload: true, progressLogs: false, logLevel: "error", maxThreads: threads});
const version = `${llama.llamaCppRelease.release} (node-llama-cpp ${await getModuleVersion()})`;

async function load(mode, folder) {
	if (!["mmap", "read", "direct"].includes(mode))
		throw new Error(`unknown mode ${mode}`);
	const modelPath = join(folder, "llama.gguf");
	const model = await llama.loadModel({modelPath, useMmap: mode === "mmap", useDirectIo: mode === "direct"});
	const context = await model.createContext({contextSize: 512, batchSize: 512, threads});
	const sequence = context.getSequence();
	await sequence.controlledEvaluate([[model.tokens.bos, {generateNext: {token: true}}]]);
	mustBeMapped(modelPath, mode === "mmap");
	return {
		bytes: model.size,
		arrays: () => answer(sequence, [...model.iterateAllTokens()]),
		release: () => model.dispose(),
	};
}

async function answer(sequence, text) {
	const last = text.pop();
	const next = (await sequence.controlledEvaluate([...text, [last, {generateNext: {probabilities: true}}]])).at(-1).next;
	const likely = [...next.probabilities].sort(([a], [b]) => a - b).map(([, p]) => p);
	const said = [];
	for await (const token of sequence.evaluate([last], {temperature: 0})) {
		said.push(token);
		if (said.length === 16)
			break;
	}
	return [["likelihood", Float64Array.from(likely)], ["answer", Int32Array.from(said)]];
}

await main(version, load);
await llama.dispose();
