// SPDX-License-Identifier: Apache-2.0

package model

import "fmt"

// Measures of the model that [Llama] writes. Its blocks are small enough for a
// size to be met, and wide enough that reading is what loading takes.
const (
	llamaHeads   = 16
	llamaForward = 2 * width
	llamaContext = 512
	llamaTokens  = 3 + 256 + 95 // special ones, bytes, and what can be printed in ASCII
	llamaBlock   = 2 * (4*width*width + 3*width*llamaForward)
)

// Llama writes a language model of the architecture llama as llama.gguf into dir, with
// matrices of F16. It knows letters for words and answers nonsense, always the
// same. It has as many blocks as fit into size bytes.
func Llama(dir string, seed uint64, size int64) (Summary, error) {
	blocks := int(size / llamaBlock)
	if blocks < 1 {
		return Summary{}, fmt.Errorf("llama model of %d bytes: at least %d", size, llamaBlock)
	}
	w := newWriter(dir, seed)
	w.ggufFile("llama.gguf", llamaMeta(blocks), llamaTensors(blocks))
	return w.sum, w.err
}

func llamaMeta(blocks int) []ggufPair {
	tokens, scores, types := llamaVocabulary()
	return []ggufPair{
		{"general.architecture", "llama"},
		{"general.name", "letters"},
		{"general.alignment", uint32(ggufAlignment)},
		{"llama.context_length", uint32(llamaContext)},
		{"llama.embedding_length", uint32(width)},
		{"llama.block_count", uint32(blocks)},
		{"llama.feed_forward_length", uint32(llamaForward)},
		{"llama.attention.head_count", uint32(llamaHeads)},
		{"llama.attention.layer_norm_rms_epsilon", float32(1e-5)},
		{"llama.vocab_size", uint32(llamaTokens)},
		{"tokenizer.ggml.model", "llama"},
		{"tokenizer.ggml.tokens", tokens},
		{"tokenizer.ggml.scores", scores},
		{"tokenizer.ggml.token_type", types},
		{"tokenizer.ggml.unknown_token_id", uint32(0)},
		{"tokenizer.ggml.bos_token_id", uint32(1)},
		{"tokenizer.ggml.eos_token_id", uint32(2)},
	}
}

// llamaVocabulary is that of SentencePiece, with no piece longer than a character.
func llamaVocabulary() (tokens []string, scores []float32, types []int32) {
	const normal, unknown, control, single = 1, 2, 3, 6
	add := func(token string, kind int32) {
		tokens, types = append(tokens, token), append(types, kind)
		scores = append(scores, -float32(len(scores)))
	}
	add("<unk>", unknown)
	add("<s>", control)
	add("</s>", control)
	for b := range 256 {
		add(fmt.Sprintf("<0x%02X>", b), single)
	}
	add("▁", normal) // a space
	for c := '!'; c <= '~'; c++ {
		add(string(c), normal)
	}
	return tokens, scores, types
}

// llamaTensors are the weights. Norms lie between a half and one, so that numbers
// stay of the same size through all blocks.
func llamaTensors(blocks int) []ggufTensor {
	half := bits{0x007fffff007fffff, 0x3f0000003f000000}
	matrix := func(name string, columns, rows uint64) ggufTensor {
		return ggufTensor{name, columns, rows, ggmlTypeF16, shapes["F16"]}
	}
	norm := func(name string) ggufTensor { return ggufTensor{name, width, 0, ggmlTypeF32, half} }
	list := []ggufTensor{matrix("token_embd.weight", width, llamaTokens)}
	for i := range blocks {
		p := fmt.Sprintf("blk.%d.", i)
		list = append(list,
			norm(p+"attn_norm.weight"),
			matrix(p+"attn_q.weight", width, width),
			matrix(p+"attn_k.weight", width, width),
			matrix(p+"attn_v.weight", width, width),
			matrix(p+"attn_output.weight", width, width),
			norm(p+"ffn_norm.weight"),
			matrix(p+"ffn_gate.weight", width, llamaForward),
			matrix(p+"ffn_up.weight", width, llamaForward),
			matrix(p+"ffn_down.weight", llamaForward, width),
		)
	}
	return append(list, norm("output_norm.weight"), matrix("output.weight", width, llamaTokens))
}
