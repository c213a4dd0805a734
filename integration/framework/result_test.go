// SPDX-License-Identifier: Apache-2.0

//go:build linux

package framework

import "testing"

func TestAlike(t *testing.T) {
	loaded := func(mode string, bytes int64, digests ...string) Result {
		r := Result{Mode: mode, Bytes: bytes, Tensors: make(map[string]string)}
		for _, d := range digests {
			r.Tensors["weight "+d] = d
		}
		return r
	}
	plain := []Result{loaded("a", 8, "1", "2"), loaded("b", 4, "3")}
	if err := Alike(plain, []Result{loaded("a", 8, "1", "2"), loaded("b", 4, "3")}); err != nil {
		t.Error(err)
	}
	for name, c := range map[string][2][]Result{
		"nothing":        {nil, nil},
		"a load less":    {plain, plain[:1]},
		"another order":  {plain, {plain[1], plain[0]}},
		"another digest": {plain, {plain[0], loaded("b", 4, "4")}},
		"a tensor less":  {plain, {loaded("a", 8, "1"), plain[1]}},
		"another size":   {plain, {plain[0], loaded("b", 5, "3")}},
		"no tensors":     {{loaded("a", 8)}, {loaded("a", 8)}},
		"empty tensors":  {{loaded("a", 0, "1")}, {loaded("a", 0, "1")}},
	} {
		if Alike(c[0], c[1]) == nil {
			t.Errorf("%s passes for equal", name)
		}
	}
}
