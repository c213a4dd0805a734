// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/tensorguard/tgsp/container"
	tgspcrypto "github.com/tensorguard/tgsp/crypto"
)

type initOptions struct{ pq bool }

func newInitCommand(a *app) *cobra.Command {
	o := &initOptions{}
	cmd := &cobra.Command{
		Use:   "init [--pq]",
		Short: "Make keys for you, once",
		Long: `Makes two secret keys and keeps them in $TGSP_HOME, readable by you alone:
an author key, with which you sign what you pack, and an identity, with which
you open what was packed for you. It trusts your own author key.

What is there already stays as it is.`,
		Example: `  tgsp init`,
		Args:    cobra.NoArgs,
		RunE:    func(*cobra.Command, []string) error { return o.run(a) },
	}
	cmd.Flags().BoolVar(&o.pq, "pq", false, "make an identity that also resists quantum computers")
	return cmd
}

func (o *initOptions) run(a *app) error {
	dir, err := makeHome()
	if err != nil {
		return err
	}
	authorName, identityName := filepath.Join(dir, authorKeyFile), filepath.Join(dir, identityKeyFile)
	author, err := a.keep(authorName, func() error { return createAuthorKey(authorName) })
	if err != nil {
		return err
	}
	identity, err := a.keep(identityName, func() error { return createIdentity(identityName, o.pq) })
	if err != nil {
		return err
	}
	key, err := tgspcrypto.ReadAuthorKeyFile(authorName)
	if err != nil {
		return err
	}
	ids, err := tgspcrypto.ReadIdentityFile(identityName)
	if err != nil {
		return err
	}
	if err := trustOwnKey(key.Public()); err != nil {
		return err
	}
	a.printf("author key, %s: %s\n  give people this line, so that they can trust what you sign:\n  %s\n", author, authorName, key.Public())
	a.printf("identity, %s: %s\n  give people this line, so that they can encrypt for you:\n  %s\n", identity, identityName, ids[0].Recipient())
	a.notef("keep copies of both files in a safe place: without them nobody can sign or open in your name\n")
	return nil
}

// keep makes a file unless it exists, and says which.
func (a *app) keep(name string, create func() error) (string, error) {
	if _, err := os.Stat(name); err == nil {
		a.checkPermissions(name)
		return "kept", nil
	}
	return "made", create()
}

func createAuthorKey(name string) error {
	key := tgspcrypto.GenerateAuthorKey()
	return createKeyFile(name, "author key, secret", key.Public().String(), key.SecretLine())
}

func createIdentity(name string, pq bool) error {
	kem := tgspcrypto.X25519
	if pq {
		kem = tgspcrypto.MLKEM768X25519
	}
	id, err := tgspcrypto.GenerateIdentity(kem)
	if err != nil {
		return err
	}
	line, err := id.SecretLine()
	if err != nil {
		return err
	}
	return createKeyFile(name, "identity, secret", id.Recipient().String(), line)
}

func createKeyFile(name, what, public, secret string) error {
	text := fmt.Sprintf("# TGSP %s\n# created: %s\n# public key: %s\n%s\n", what, time.Now().UTC().Format(time.RFC3339), public, secret)
	err := tgspcrypto.CreateSecretFile(name, text)
	if errors.Is(err, fs.ErrExist) {
		return withHint(err, "a key is never overwritten: choose another name with -o, or move the old file away")
	}
	return err
}

// trustOwnKey adds the user's own author key, for all packages, unless it is there.
func trustOwnKey(key tgspcrypto.AuthorPublicKey) error {
	store, err := loadTrustStore()
	if err != nil {
		return err
	}
	for _, e := range store.Keys {
		if e.Key == key.String() && e.Role == string(container.RoleAuthor) {
			return nil
		}
	}
	store.Keys = append(store.Keys, trustEntry{Key: key.String(), Role: string(container.RoleAuthor), Comment: "you"})
	return store.save()
}
