// SPDX-License-Identifier: Apache-2.0

//go:build !unix

package audit

// noFollow is nothing here: openFile has looked before.
const noFollow = 0
