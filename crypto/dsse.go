// SPDX-License-Identifier: Apache-2.0

package crypto

import "strconv"

// preAuthEncoding returns the bytes that a signature covers: the DSSE v1
// pre-authentication encoding (github.com/secure-systems-lab/dsse, protocol.md).
// The type stands in it, so that a signature over a document of one kind never
// passes for one over another.
func preAuthEncoding(payloadType string, body []byte) []byte {
	out := make([]byte, 0, len(body)+len(payloadType)+32)
	out = append(out, "DSSEv1 "...)
	out = strconv.AppendInt(out, int64(len(payloadType)), 10)
	out = append(out, ' ')
	out = append(out, payloadType...)
	out = append(out, ' ')
	out = strconv.AppendInt(out, int64(len(body)), 10)
	out = append(out, ' ')
	return append(out, body...)
}
