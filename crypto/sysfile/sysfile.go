// SPDX-License-Identifier: Apache-2.0

// Package sysfile does what each system does in its own way where files are made and
// replaced: files and folders for their owner alone, and a file that takes the place
// of another one.
//
// On Unix the owner alone is what permissions of 0600 and 0700 say. On Windows it is
// an access list that names the user and nobody else, and that takes over nothing
// from the folder above. It is there from the moment in which the file is. SYSTEM and
// Administrators are not on it: like root they read what they like, with the right to
// make backups or to take a file, but no service does so by accident.
package sysfile
