// SPDX-License-Identifier: Apache-2.0

// Package rig builds the tgsp command and drives it from outside, as a person
// or a script would: it starts it as this user or as another one, and looks at
// the mounts and processes that it leaves in the kernel's tables.
package rig
