// SPDX-License-Identifier: Apache-2.0

package container

import (
	"strings"

	"github.com/tensorguard/tgsp/container/kit"
	tgspcrypto "github.com/tensorguard/tgsp/crypto"
)

// kitTrust are whole packages, judged by readers who trust different keys.
func kitTrust() []kitCase {
	var cases []kitCase
	add := func(name, about string, want kit.Outcome, do func(f *forge)) {
		cases = append(cases, kitCase{name: "trust " + name, about: about, do: func(f *forge) {
			if want == kit.OK {
				f.opens()
			} else {
				f.refused(want)
			}
			do(f)
		}})
	}
	trusts := func(role Role, key *tgspcrypto.AuthorKey, packages string) kit.Trusted {
		return kit.Trusted{Role: string(role), Key: key.Public().String(), Packages: packages}
	}
	add("nobody", "the reader trusts nobody", kit.Untrusted, func(f *forge) { f.Trusted = nil })
	add("another", "the reader trusts another author", kit.Untrusted, func(f *forge) {
		f.Trusted = []kit.Trusted{trusts(RoleAuthor, f.stranger, "")}
	})
	add("lesser role", "the reader trusts the author's key in the role envelope alone", kit.Untrusted, func(f *forge) {
		f.Trusted = []kit.Trusted{trusts(RoleEnvelope, f.author, "")}
	})
	for pattern, want := range map[string]kit.Outcome{
		"kit/model": kit.OK, "kit/*": kit.OK, "kit/**": kit.OK, "**": kit.OK, "k?t/m*": kit.OK, "kit/mode": kit.Untrusted,
		"*": kit.Untrusted, "kit": kit.Untrusted, "kit/**/x": kit.Untrusted, "kit/model/*": kit.Untrusted, "kit/model/**": kit.Untrusted, "other/*": kit.Untrusted,
	} {
		if CheckPattern(pattern) != nil {
			continue // such a pattern cannot be in a trust store
		}
		name := strings.NewReplacer("**", " stars", "*", " star", "?", " any ").Replace(pattern)
		add("pattern "+name, "the author's key is trusted for packages by the pattern "+pattern, want, func(f *forge) {
			f.Trusted = []kit.Trusted{trusts(RoleAuthor, f.author, pattern)}
		})
	}
	add("envelope key", "the envelope is signed by a key that is trusted in the role envelope", kit.OK, func(f *forge) {
		f.Trusted = append(f.Trusted, trusts(RoleEnvelope, f.manager, ""))
		f.resign(f.manager)
	})
	add("envelope key elsewhere", "the envelope is signed by a key that is trusted for other packages", kit.Untrusted, func(f *forge) {
		f.Trusted = append(f.Trusted, trusts(RoleEnvelope, f.manager, "other/*"))
		f.resign(f.manager)
	})
	add("envelope key as author", "the key that is trusted for envelopes has signed a manifest of its own", kit.Untrusted, func(f *forge) {
		f.Trusted = append(f.Trusted, trusts(RoleEnvelope, f.manager, ""))
		m := f.manifest()
		m.AuthorID = f.manager.Public().ID()
		f.release(f.manager, encode(m))
	})
	add("manager", "the reader trusts a release manager alone, who has signed beside the author", kit.OK, func(f *forge) {
		f.Trusted = []kit.Trusted{trusts(RoleAuthor, f.manager, "")}
		f.doc.sign(f.manager)
		f.resign(f.manager)
		// The author's key may change it no longer.
		f.Change = kit.Untrusted
	})
	add("manager and envelope by the author", "the reader trusts a release manager alone, and the author has signed the envelope after that", kit.Untrusted, func(f *forge) {
		f.Trusted = []kit.Trusted{trusts(RoleAuthor, f.manager, "")}
		f.doc.sign(f.manager)
		f.resign(f.author)
	})
	add("manager without the author", "the manager has signed, the author's signature is missing", kit.Signature, func(f *forge) {
		f.Trusted = append(f.Trusted, trusts(RoleAuthor, f.manager, ""))
		f.doc.Signatures = nil
		f.doc.sign(f.manager)
		f.resign(f.manager)
	})
	add("required", "a signature that the reader demands is there", kit.OK, func(f *forge) {
		f.Require = f.manager.Public().String()
		f.doc.sign(f.manager)
		f.resign(f.author)
	})
	add("required missing", "a signature that the reader demands is missing", kit.Signature, func(f *forge) {
		f.Require = f.manager.Public().String()
	})
	for _, e := range []struct {
		name, expect string
		want         kit.Outcome
	}{
		{"expected", "kit/model", kit.OK},
		{"expected version", "kit/model@1.2.3", kit.OK},
		{"another expected", "kit/other", kit.Untrusted},
		{"another version expected", "kit/model@1.2.4", kit.Untrusted},
	} {
		add(e.name, "a genuine package, where the reader expects "+e.expect, e.want, func(f *forge) { f.Expect = e.expect })
	}
	return cases
}
