// SPDX-License-Identifier: Apache-2.0

package container

import (
	"bytes"
	"crypto/sha256"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/tensorguard/tgsp/container/kit"
	tgspcrypto "github.com/tensorguard/tgsp/crypto"
)

var writeKit = flag.Bool("write-kit", false, "write the test kit in testdata/kit anew")

const kitDir = "testdata/kit"

// kitDescriptions are all packages of the kit, by subject.
func kitDescriptions() []kitCase {
	return concat(kitGood(), kitInsiders(), kitEnvelopes(), kitTrust(), kitStructure(), kitCBOR(), kitIndexes(), kitNames(), kitFleets())
}

func concat(lists ...[]kitCase) (all []kitCase) {
	for _, list := range lists {
		all = append(all, list...)
	}
	return all
}

// TestKitIsCurrent makes every case from its description and compares it with
// the file in testdata/kit. With -write-kit it writes the files.
func TestKitIsCurrent(t *testing.T) {
	if *writeKit {
		check(t, os.MkdirAll(kitDir, 0o755))
	}
	made := map[string]bool{}
	keep := func(t *testing.T, c *kit.Case) {
		t.Helper()
		if made[c.ID] {
			t.Fatalf("two cases are called %s", c.ID)
		}
		made[c.ID] = true
		name := filepath.Join(kitDir, c.ID+kit.Extension)
		if *writeKit {
			check(t, os.WriteFile(name, c.Marshal(), 0o644))
		}
		got, err := kit.ReadFile(name)
		check(t, err)
		if !reflect.DeepEqual(got, c) {
			t.Errorf("%s is not what its description makes: see -write-kit", name)
		}
	}
	for _, d := range kitDescriptions() {
		for _, v := range d.variants() {
			if testing.Short() && !*writeKit && len(made)%10 != 0 {
				made[v.name] = true
				continue
			}
			t.Run(v.name, func(t *testing.T) { keep(t, v.make(t)) })
		}
	}
	for _, d := range kitBundles() {
		d.name = slug("bundle", d.name)
		if testing.Short() && !*writeKit && len(made)%10 != 0 {
			made[d.name] = true
			continue
		}
		t.Run(d.name, func(t *testing.T) { keep(t, d.make(t)) })
	}
	for _, c := range kitLines(newKitKeys(t)) {
		t.Run(c.ID, func(t *testing.T) { keep(t, c) })
	}
	files, err := filepath.Glob(filepath.Join(kitDir, "*"+kit.Extension))
	check(t, err)
	for _, name := range files {
		if base := filepath.Base(name); !made[base[:len(base)-len(kit.Extension)]] {
			if *writeKit {
				check(t, os.Remove(name))
				continue
			}
			t.Errorf("nothing describes %s", name)
		}
	}
}

// kitVariant is a case for one suite and leaf hash.
type kitVariant struct {
	kitCase
	suite tgspcrypto.Suite
	hash  LeafHash
}

func (c kitCase) variants() []kitVariant {
	c.name = slug(c.name)
	if !c.vary {
		return []kitVariant{{c, tgspcrypto.AES256GCM, SHA256}}
	}
	var all []kitVariant
	for _, suite := range tgspcrypto.Suites() {
		for _, hash := range LeafHashes() {
			v := kitVariant{c, suite, hash}
			short := map[tgspcrypto.Suite]string{tgspcrypto.AES256GCM: "aes", tgspcrypto.ChaCha20Poly1305: "chacha"}
			v.name = slug(c.name, short[suite], map[LeafHash]string{SHA256: "sha256", BLAKE3: "blake3"}[hash])
			all = append(all, v)
		}
	}
	return all
}

// make forges the package.
func (v kitVariant) make(t *testing.T) *kit.Case {
	t.Helper()
	model := v.model
	if model == nil {
		model = tinyModel
	}
	var robots *fleetFixture
	if v.fleet != "" {
		robots = newKitFleet(t, v.fleet)
	}
	f := newForgeFor(t, "own", robots, model(), func(o *PackOptions) {
		o.Suite, o.LeafHash = v.suite, v.hash
		if v.pack != nil {
			v.pack(o)
		}
	})
	f.ID, f.About = v.name, v.about
	f.Released = sha256.Sum256(nil)
	v.do(f)
	if f.Verify == "" {
		t.Fatal("the description states no answers")
	}
	f.Package = bytes.Clone(f.data)
	return &f.Case
}
