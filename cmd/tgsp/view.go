// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/hex"
	"encoding/json"
	"sort"

	"github.com/tensorguard/tgsp/container"
	tgspcrypto "github.com/tensorguard/tgsp/crypto"
)

// The JSON objects that inspect and verify show. Their names are stable.

type recipientView struct {
	Type  string `json:"type"`
	Hint  string `json:"hint,omitempty"`
	Fleet string `json:"fleet_id,omitempty"`
	Epoch uint64 `json:"epoch,omitempty"`
	You   bool   `json:"you,omitempty"`
}

func recipientViews(list []*container.Recipient, you ...*tgspcrypto.Identity) []recipientView {
	views := make([]recipientView, len(list))
	for i, r := range list {
		views[i] = recipientView{Type: r.Type, Hint: hex.EncodeToString(r.Hint), Epoch: r.Epoch}
		if r.Fleet != nil {
			views[i].Fleet = r.Fleet.String()
		}
		for _, id := range you {
			views[i].You = views[i].You || r.Matches(id.Recipient())
		}
	}
	return views
}

type policyView struct {
	TargetFleet  string `json:"target_fleet,omitempty"`
	NotBefore    string `json:"not_before,omitempty"`
	NotAfter     string `json:"not_after,omitempty"`
	GraceSeconds uint64 `json:"grace_seconds,omitempty"`
}

func newPolicyView(p container.Policy) policyView {
	v := policyView{TargetFleet: hex.EncodeToString(p.TargetFleet), GraceSeconds: p.GraceSeconds}
	if p.NotBefore != 0 {
		v.NotBefore = container.FormatTime(p.NotBefore)
	}
	if p.NotAfter != 0 {
		v.NotAfter = container.FormatTime(p.NotAfter)
	}
	return v
}

type signatureView struct {
	Algorithm string `json:"algorithm"`
	Key       string `json:"key,omitempty"`
	AuthorID  string `json:"author_id,omitempty"`
	Author    bool   `json:"author,omitempty"`
	Trusted   bool   `json:"trusted"`
}

func signatureViews(e *container.Envelope, trust *container.Trust) []signatureView {
	m := e.Manifest()
	var views []signatureView
	for _, key := range e.Signers() {
		views = append(views, signatureView{
			Algorithm: tgspcrypto.SignatureEd25519, Key: key.String(), AuthorID: key.ID().String(),
			Author: key.ID() == m.AuthorID, Trusted: trust.Trusts(key, container.RoleAuthor, m.PackageID),
		})
	}
	for _, algorithm := range e.UnknownSignatures() {
		views = append(views, signatureView{Algorithm: algorithm})
	}
	return views
}

// packageView is what anybody can read in a package, the manifest's fields
// under the names that they have there.
type packageView struct {
	Package       string            `json:"package"`
	FormatVersion uint64            `json:"format_version"`
	PackageID     string            `json:"package_id"`
	Version       string            `json:"version"`
	AuthorID      string            `json:"author_id"`
	CreatedAt     string            `json:"created_at"`
	ContentHash   string            `json:"content_hash"`
	Policy        policyView        `json:"policy_constraints"`
	Annotations   map[string]string `json:"annotations,omitempty"`
	Suite         string            `json:"suite"`
	LeafHash      string            `json:"leaf_hash"`
	ManifestHash  string            `json:"manifest_hash"`
	Size          int64             `json:"size"`
	PayloadLength uint64            `json:"payload_length"`
	IndexLength   uint64            `json:"index_length"`
	TreeLength    uint64            `json:"tree_length"`
	SlotSize      uint64            `json:"slot_size"`
	Generation    uint64            `json:"generation"`
	Unfinished    bool              `json:"unfinished"`
	Signatures    []signatureView   `json:"signatures"`
	EnvelopeKey   string            `json:"envelope_signed_by"`
	Recipients    []recipientView   `json:"recipients"`
	Trusted       bool              `json:"trusted"`
}

func newPackageView(name string, f *container.File, e *container.Envelope, trust *container.Trust, you []*tgspcrypto.Identity) packageView {
	m := e.Manifest()
	_, refusal := f.Accept(trust)
	return packageView{
		Package: name, FormatVersion: m.FormatVersion, PackageID: m.PackageID, Version: m.Version,
		AuthorID: m.AuthorID.String(), CreatedAt: container.FormatTime(m.CreatedAt), ContentHash: m.ContentHash.String(),
		Policy: newPolicyView(m.Policy), Annotations: m.Annotations, Suite: string(m.Suite), LeafHash: string(m.LeafHash),
		ManifestHash: e.ManifestHash().String(), Size: f.Size(), PayloadLength: m.PayloadLength, IndexLength: m.IndexLength,
		TreeLength: m.TreeLength, SlotSize: m.SlotSize, Generation: e.Generation(), Unfinished: f.Unfinished() != nil,
		Signatures: signatureViews(e, trust), EnvelopeKey: e.Signer().String(),
		Recipients: recipientViews(e.Recipients(), you...), Trusted: refusal == nil,
	}
}

type fileView struct {
	Path   string                 `json:"path"`
	Size   uint64                 `json:"size"`
	Mode   string                 `json:"mode"`
	SHA256 string                 `json:"sha256"`
	Offset int64                  `json:"offset"` // in the payload's plaintext
	Found  *container.WeightsInfo `json:"weights,omitempty"`
}

// contentsView is what only a recipient can read.
type contentsView struct {
	Files    []fileView      `json:"files"`
	Folders  []string        `json:"folders"`
	Metadata json.RawMessage `json:"metadata,omitempty"`
}

func newContentsView(r *container.Reader) *contentsView {
	v := &contentsView{Files: []fileView{}, Folders: r.Folders(), Metadata: json.RawMessage(r.Metadata())}
	for i, e := range r.Files() {
		mode := "0644"
		if e.Mode&0o111 != 0 {
			mode = "0755"
		}
		v.Files = append(v.Files, fileView{Path: e.Path, Size: e.Size, Mode: mode, SHA256: e.SHA256.String(), Offset: r.Place(i)})
	}
	for _, w := range r.Weights() {
		v.Files[w.File].Found = &w.Info
	}
	sort.Slice(v.Files, func(i, j int) bool { return v.Files[i].Path < v.Files[j].Path })
	return v
}
