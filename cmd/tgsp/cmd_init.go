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
	"github.com/spf13/pflag"

	"github.com/tensorguard/tgsp/cmd/tgsp/passphrase"
	"github.com/tensorguard/tgsp/container"
	tgspcrypto "github.com/tensorguard/tgsp/crypto"
)

func newInitCommand(a *app) *cobra.Command {
	n := &newKeys{app: a}
	cmd := &cobra.Command{
		Use:   "init [--pq] [--passphrase]",
		Short: "Make keys for you, once",
		Long: `Makes two secret keys and keeps them in $TGSP_HOME, readable by you alone:
an author key, with which you sign what you pack, and an identity, with which
you open what was packed for you. It trusts your own author key.

What is there already stays as it is.

With --passphrase the secret keys are encrypted with a passphrase, as age files,
and every command that needs one asks for it on the terminal. Where there is
none, it comes from --passphrase-file FILE, from systemd's credential
tgsp-passphrase, or, as a last resort, since other programs can see it, from the
variable TGSP_PASSPHRASE.`,
		Example: `  tgsp init`,
		Args:    cobra.NoArgs,
		RunE:    func(*cobra.Command, []string) error { return n.init() },
	}
	n.addPassphrase(cmd.Flags())
	cmd.Flags().BoolVar(&n.pq, "pq", false, "make an identity that also resists quantum computers")
	return cmd
}

func (n *newKeys) init() error {
	dir, err := makeHome()
	if err != nil {
		return err
	}
	authorName, identityName := filepath.Join(dir, authorKeyFile), filepath.Join(dir, identityKeyFile)
	key, author, err := keep(authorName, n.authorKey, n.author)
	if err != nil {
		return err
	}
	id, identity, err := keep(identityName, n.oneIdentity, n.identity)
	if err != nil {
		return err
	}
	if err := trustOwnKey(key.Public()); err != nil {
		return err
	}
	n.printf("author key, %s: %s\n  give people this line, so that they can trust what you sign:\n  %s\n", author, authorName, key.Public())
	n.printf("identity, %s: %s\n  give people this line, so that they can encrypt for you:\n  %s\n", identity, identityName, id.Recipient())
	n.notef("keep copies of both files in a safe place: without them nobody can sign or open in your name\n")
	return nil
}

// keep reads a key's file, or makes it where there is none, and says which.
func keep[K any](name string, read, create func(name string) (K, error)) (key K, what string, err error) {
	if _, err := os.Stat(name); err == nil {
		key, err = read(name)
		return key, "kept", err
	}
	key, err = create(name)
	return key, "made", err
}

// oneIdentity reads the first identity of a file.
func (a *app) oneIdentity(name string) (*tgspcrypto.Identity, error) {
	ids, err := a.identities([]string{name})
	if err != nil {
		return nil, err
	}
	return ids[0], nil
}

// newKeys makes secret key files.
type newKeys struct {
	*app
	pq         bool
	passphrase bool
}

func (n *newKeys) addPassphrase(flags *pflag.FlagSet) {
	flags.BoolVar(&n.passphrase, "passphrase", false, "protect the secret with a passphrase, which is asked for whenever it is used")
}

func (n *newKeys) author(name string) (*tgspcrypto.AuthorKey, error) {
	key := tgspcrypto.GenerateAuthorKey()
	return key, n.create(name, "author key, secret", key.Public().String(), key.SecretLine())
}

func (n *newKeys) identity(name string) (*tgspcrypto.Identity, error) {
	kem := tgspcrypto.X25519
	if n.pq {
		kem = tgspcrypto.MLKEM768X25519
	}
	id, err := tgspcrypto.GenerateIdentity(kem)
	if err != nil {
		return nil, err
	}
	line, err := id.SecretLine()
	if err != nil {
		return nil, err
	}
	return id, n.create(name, "identity, secret", id.Recipient().String(), line)
}

func (n *newKeys) create(name, what, public, secret string) error {
	text := fmt.Sprintf("# TGSP %s\n# created: %s\n# public key: %s\n%s\n", what, time.Now().UTC().Format(time.RFC3339), public, secret)
	if n.passphrase {
		if _, err := os.Lstat(name); err == nil { // before anybody is asked
			return neverOverwritten(&fs.PathError{Op: "create", Path: name, Err: fs.ErrExist})
		}
		phrase, err := n.secrets.choose(name)
		if err != nil {
			return err
		}
		sealed, err := passphrase.Seal([]byte(text), phrase)
		if err != nil {
			return err
		}
		text, n.secrets.last = string(sealed), phrase
	}
	return neverOverwritten(tgspcrypto.CreateSecretFile(name, text))
}

func neverOverwritten(err error) error {
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
