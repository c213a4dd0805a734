// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	tgspcrypto "github.com/tensorguard/tgsp/crypto"
)

// fixedKeys are two authors' public lines, the same in every run.
func fixedKeys(t testing.TB) (string, string) {
	t.Helper()
	var lines [2]string
	for i := range lines {
		key, err := tgspcrypto.NewAuthorKey(bytes.Repeat([]byte{byte(i + 1)}, 32))
		if err != nil {
			t.Fatal(err)
		}
		lines[i] = key.Public().String()
	}
	return lines[0], lines[1]
}

// trustTexts are texts of trust stores, KEY1 and KEY2 in place of keys, and
// whether each is taken.
var trustTexts = map[string]bool{
	`{}`: true, `{"keys":[]}`: true, ` {"keys": [{"role":"author","key":"KEY1"}]}` + "\n": true,
	`{"keys":[{"key":"KEY1","role":"author","packages":["acme/**","*"],"comment":"\u00fc"},{"key":"KEY1","role":"envelope"},{"key":"KEY2","role":"author"}]}`: true,
	``: false, `null`: false, `[]`: false, `{"keys":null}`: false, `{} {}`: false, `{}x`: false, `{"keys":[]`: false, `{"keys":{}}`: false,
	`{"Keys":[]}`: false, `{"keys":[],"keys":[]}`: false, `{"keys":[],"other":1}`: false, `{"key":"KEY1"}`: false, `{"keys":[null]}`: false, `{"keys":[{}]}`: false,
	`{"keys":[{"key":"KEY1","role":"author","packages":["acme/*"],"packages":["**"]}]}`:         false,
	`{"keys":[{"key":"KEY1","role":"author","packages":["acme/*"],"Packages":["**"]}]}`:         false,
	`{"keys":[{"key":"KEY1","role":"author","package":["acme/*"]}]}`:                            false,
	`{"keys":[{"key":"KEY1","role":"author","packages":null}]}`:                                 false,
	`{"keys":[{"key":"KEY1","role":"author","packages":[]}]}`:                                   false,
	`{"keys":[{"key":"KEY1","role":"author","packages":[""]}]}`:                                 false,
	`{"keys":[{"key":"KEY1","role":"author","packages":"acme/*"}]}`:                             false,
	`{"keys":[{"key":"KEY1","role":"Author"}]}`:                                                 false,
	`{"keys":[{"key":" KEY1","role":"author"}]}`:                                                false,
	`{"keys":[{"key":"KEY1","role":"author","packages":["a"]},{"key":"KEY1","role":"author"}]}`: false,
	`{"keys":[{"key":"KEY1","role":"author","comment":"` + "\xff" + `"}]}`:                      false,
	strings.Repeat("[", 20_000):                                                                 false, `{"keys":[[[[[[[[[[[[]]]]]]]]]]]]}`: false,
}

func TestTrustStoreIsStrict(t *testing.T) {
	k, l := fixedKeys(t)
	for text, good := range trustTexts {
		text = strings.NewReplacer("KEY1", k, "KEY2", l).Replace(text)
		if _, err := parseTrustStore([]byte(text)); good != (err == nil) {
			t.Errorf("%.200s: %v", text, err)
		}
	}
}

// FuzzTrustStore makes sure that what is accepted means the same after the
// program has written it back, and that a reader without a
// schema sees the same in both.
func FuzzTrustStore(f *testing.F) {
	k, l := fixedKeys(f)
	for text := range trustTexts {
		f.Add(strings.NewReplacer("KEY1", k, "KEY2", l).Replace(text))
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := parseTrustStore([]byte(text))
		if err != nil {
			return
		}
		data, err := s.encode()
		if err != nil {
			t.Fatal(err)
		}
		back, err := parseTrustStore(data)
		if err != nil {
			t.Fatalf("written back as %q: %v", data, err)
		}
		if !reflect.DeepEqual(s, back) {
			t.Errorf("%+v comes back as %+v", s, back)
		}
		again, err := back.encode()
		if err != nil || !bytes.Equal(again, data) {
			t.Errorf("%q is written another time as %q, %v", data, again, err)
		}
		if in, out := trustMeaning(t, []byte(text)), trustMeaning(t, data); !reflect.DeepEqual(in, out) {
			t.Errorf("%q is written back as %q", text, data)
		}
	})
}

// trustMeaning is what a reader without a schema sees in a store, less what says
// nothing.
func trustMeaning(t *testing.T, data []byte) []any {
	t.Helper()
	var doc map[string]any
	if err := json.Unmarshal(data, &doc); err != nil {
		t.Fatal(err)
	}
	keys, _ := doc["keys"].([]any)
	for _, key := range keys {
		if entry, _ := key.(map[string]any); entry["comment"] == "" {
			delete(entry, "comment")
		}
	}
	if len(doc) > 1 || len(keys) == 0 {
		return []any{len(doc) > 1}
	}
	return keys
}
