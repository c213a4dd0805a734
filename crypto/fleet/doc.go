// SPDX-License-Identifier: Apache-2.0

// Package fleet holds the documents by which a package opens for every agent of
// a fleet, however many there are, and for nobody else. FORMAT.md in the package
// container is the specification; section numbers in comments are its.
//
// A fleet has an authority, an Ed25519 key, whose hash is the fleet's name. Time
// runs in epochs. Each epoch has a secret, from which a key pair follows:
// packages are encrypted to its public key, with one entry whatever the size of
// the fleet. The authority signs a fleet file with that public key, and encrypts
// the secret to each agent in an entry of the agent's own. Revoking an agent is
// a new epoch, whose secret it does not get. Who has the secret of an epoch
// reaches earlier ones by links in the fleet file, as far back as the authority
// allows.
//
// The agents' entries are the records of a hash tree, sorted by agent, whose root
// stands in the fleet file. So an agent needs the file, its entry and a short
// proof, and an agent that was revoked can be shown that it was.
//
// The package prints nothing, keeps no state and reads no clock.
package fleet
