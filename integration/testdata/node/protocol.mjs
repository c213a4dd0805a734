// SPDX-License-Identifier: Apache-2.0

// What ../protocol.py is for Python: the command line and the output of the scripts
// that load a model.

import {createHash} from "node:crypto";
import {readFileSync} from "node:fs";
import {createInterface} from "node:readline";

// main runs a script. load(mode, folder) is what is timed, and says how it went:
// bytes, the size of the weights that it has loaded; arrays(), a list of pairs of a
// name and a typed array; release(), which gives its memory back.
export async function main(version, load) {
	const args = process.argv.slice(2);
	const names = args.filter(a => !a.startsWith("--"));
	const options = new Set(args.filter(a => a.startsWith("--")));
	if (names.length !== 2)
		throw new Error("usage: SCRIPT MODE[,MODE...] DIR [--no-digest] [--wait]");
	const [modes, folder] = names;
	const input = createInterface({input: process.stdin});
	const lines = input[Symbol.asyncIterator]();
	for (const mode of modes.split(",")) {
		if (options.has("--wait")) {
			process.stdout.write("ready\n");
			await lines.next();
		}
		const start = performance.now();
		const loaded = await load(mode, folder);
		const seconds = (performance.now() - start) / 1000;
		const tensors = {};
		if (!options.has("--no-digest"))
			for (const [name, array] of await loaded.arrays())
				tensors[name] = createHash("sha256").update(new Uint8Array(array.buffer, array.byteOffset, array.byteLength)).digest("hex");
		await loaded.release();
		process.stdout.write(JSON.stringify({version, mode, seconds, bytes: loaded.bytes, tensors}) + "\n");
	}
	input.close();
}

// mustBeMapped fails unless a file is mapped into memory just when it should be.
export function mustBeMapped(path, should) {
	const is = readFileSync("/proc/self/maps", "utf8").includes(path);
	if (is !== should)
		throw new Error(`${path} is ${is ? "" : "not "}mapped`);
}
