// SPDX-License-Identifier: Apache-2.0

package container

import (
	"time"

	"github.com/tensorguard/tgsp/container/kit"
	tgspcrypto "github.com/tensorguard/tgsp/crypto"
)

// kitGood are packages with nothing wrong, and those that their policy closes.
func kitGood() []kitCase {
	cases := []kitCase{
		{name: "good", about: "a package with nothing wrong", vary: true, do: (*forge).opens},
		{name: "good leaves", about: "a package with nothing wrong, whose payload takes two leaves", vary: true, model: leafyModel, do: (*forge).opens},
		{
			name: "good in slot b", about: "the envelope stands in slot B, and slot A is empty", vary: true,
			do: func(f *forge) {
				f.opens()
				f.doc.Generation++
				f.resignIn(1, f.author)
				clear(f.slot(0))
			},
		},
		{name: "good no files", about: "a package without any file", model: func() map[string][]byte { return map[string][]byte{"empty": {}} }, do: (*forge).opens},
		{
			name: "no key", about: "the reader's identity is not among the recipients", vary: true,
			pack: func(o *PackOptions) { o.Policy = Policy{} },
			do: func(f *forge) {
				f.inside(kit.NoKey)
				f.Change = kit.NoKey
				f.identify(f.other)
			},
		},
		{
			name: "fleet", about: "the policy names a fleet, and the only recipient is the reader, who is not of it", vary: true,
			pack: func(o *PackOptions) { o.Policy.TargetFleet = make([]byte, len(FleetID{})) },
			do:   (*forge).notOfFleet,
		},
		{
			name: "fleet and time", about: "the policy names a fleet that the only recipient is not of, and its window is over: the fleet counts first",
			pack: func(o *PackOptions) {
				o.Policy = Policy{TargetFleet: make([]byte, len(FleetID{})), NotAfter: 1577836800}
			},
			do: (*forge).notOfFleet,
		},
		{
			name: "no key and time", about: "the reader has no key, and the window is over: the key counts first",
			pack: func(o *PackOptions) {
				o.Policy = Policy{NotAfter: 1577836800}
				o.Recipients = []*tgspcrypto.Recipient{o.Recipients[0]}
			},
			do: func(f *forge) {
				f.inside(kit.NoKey)
				f.Change = kit.NoKey
				f.identify(f.other)
			},
		},
	}
	window := func(name, about string, at int64, p Policy, want kit.Outcome) {
		cases = append(cases, kitCase{
			name: name, about: about, pack: func(o *PackOptions) { o.Policy = p },
			do: func(f *forge) {
				f.opens()
				if at != 0 {
					f.At = time.Unix(at, 0).UTC()
				}
				if want != kit.OK {
					f.Open, f.Extract = want, want
					f.Files, f.Released = nil, emptyHash
				}
			},
		})
	}
	const start, end, grace = 1800000000, 1900000000, 60
	p := Policy{NotBefore: start, NotAfter: end, GraceSeconds: grace}
	window("time over", "the window ended years ago", 0, Policy{NotAfter: 1577836800}, kit.Time)
	window("time not yet", "the window begins in many years", 0, Policy{NotBefore: 7258118400}, kit.Time)
	window("time second before", "one second before the window", start-1, p, kit.Time)
	window("time first second", "the first second of the window", start, p, kit.OK)
	window("time last second", "the last second of the window", end-1, p, kit.OK)
	window("time grace", "the last second of the grace after the window", end+grace-1, p, kit.OK)
	window("time after grace", "the second after the grace", end+grace, p, kit.Time)
	window("time no grace", "the second in which a window without grace ends", end, Policy{NotAfter: end}, kit.Time)
	window("time no window", "a policy without any clause, in the year 1970", 1, Policy{}, kit.OK)
	return cases
}
