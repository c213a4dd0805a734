// SPDX-License-Identifier: Apache-2.0

package container

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"

	tgspcrypto "github.com/tensorguard/tgsp/crypto"
)

// TestReport holds what Verify says of each check against what is wrong with the
// package. All before the one that failed have passed, and none after it.
func TestReport(t *testing.T) {
	at := time.Unix(1<<40, 0)
	stranger := tgspcrypto.GenerateAuthorKey().Public()
	for _, c := range []struct {
		failed Check
		damage func(t *testing.T, o *opened)
		demand func(v *VerifyOptions)
	}{
		{"", nil, nil},
		{"", nil, func(v *VerifyOptions) { v.At = &at }},
		{CheckSignatures, nil, func(v *VerifyOptions) {
			v.Trust = &Trust{Keys: v.Trust.Keys, Require: []tgspcrypto.AuthorPublicKey{stranger}}
		}},
		{CheckOneEnvelope, func(_ *testing.T, o *opened) { o.data[o.layout.slotOffset(1)] = 1 }, nil},
		{CheckIndex, func(_ *testing.T, o *opened) { o.data[o.layout.indexOffset()] ^= 1 }, nil},
		{CheckUnusedSpace, func(_ *testing.T, o *opened) { o.data[o.layout.gapOffset()] ^= 1 }, nil},
		{CheckHashTree, func(_ *testing.T, o *opened) { o.data[o.layout.payloadOffset()] ^= 1 }, nil},
		{CheckHashTree, func(_ *testing.T, o *opened) { o.data[o.layout.treeOffset()] ^= 1 }, nil},
		{CheckHashTree, func(_ *testing.T, o *opened) { o.data[len(o.data)-1] ^= 1 }, func(v *VerifyOptions) { v.Identities = nil }},
		{CheckTrust, nil, func(v *VerifyOptions) { v.Trust = &Trust{} }},
		{CheckRecipients, func(t *testing.T, o *opened) {
			o.authored(t, func(m *Manifest) { m.Policy.TargetFleet = make([]byte, len(FleetID{})) })
		}, nil},
		{CheckContents, nil, func(v *VerifyOptions) {
			v.Identities = []*tgspcrypto.Identity{newIdentity(t, tgspcrypto.X25519)}
		}},
		{CheckTime, func(t *testing.T, o *opened) { o.authored(t, func(m *Manifest) { m.Policy.NotAfter = 4_000_000_000 }) }, func(v *VerifyOptions) { v.At = &at }},
	} {
		o := takeApart(t)
		if c.damage != nil {
			c.damage(t, o)
		}
		o.wantReport(t, c.failed, c.demand)
	}
	// Contents that were right before do not make it the contents' fault.
	o := takeApartModel(t, randomFiles(map[string]int{"weights": 3 << 20}))
	o.data[len(o.data)-1] ^= 1
	o.wantReport(t, CheckHashTree, nil)
	// The author has signed what is wrong, so that every hash is right.
	o = takeApartModel(t, randomFiles(map[string]int{"small": 70_000, "weights": alignFrom}))
	o.plaintext(t, 0, 1)
	o.plaintext(t, 1, 1)
	o.wantReport(t, CheckContents, nil)
}

// wantReport verifies a package in memory and looks at what the report says.
func (o *opened) wantReport(t *testing.T, failed Check, demand func(*VerifyOptions)) {
	t.Helper()
	f, err := NewFile(bytes.NewReader(o.data), int64(len(o.data)))
	check(t, err)
	v := VerifyOptions{Trust: o.trust(), Identities: o.identities()}
	if demand != nil {
		demand(&v)
	}
	r, err := f.Verify(t.Context(), v)
	if r.Failed != failed || (err != nil) != (failed != "") {
		t.Errorf("failed is %q, want %q: %v", r.Failed, failed, err)
	}
	want := Checks()
	if failed != "" {
		want = want[:slices.Index(want, failed)]
	}
	want = slices.DeleteFunc(want, func(c Check) bool {
		// Contents that are wrong end the work before the tree is whole.
		unfinished := failed == CheckContents && errors.As(err, new(*AlteredError)) && (c == CheckHashTree || c == CheckTrust || c == CheckRecipients)
		return unfinished || c == CheckTime && v.At == nil || c == CheckContents && v.Identities == nil
	})
	if !slices.Equal(r.Passed, want) {
		t.Errorf("%s failed: passed are %v, want %v", failed, r.Passed, want)
	}
}
