// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tensorguard/tgsp/cmd/tgsp/review"
	"github.com/tensorguard/tgsp/container"
	tgspcrypto "github.com/tensorguard/tgsp/crypto"
)

type packOptions struct {
	out            string
	packageID      string
	version        string
	signKey        string
	recipients     []string
	recipientFiles []string
	fleet          string
	window         window
	cipher         string
	leafHash       string
	metadata       string
	annotations    []string
	followSymlinks bool
	exclude        []string
	allowSecrets   bool
	dryRun         bool
	seed           string // of tests
}

func newPackCommand(a *app) *cobra.Command {
	o := &packOptions{}
	cmd := &cobra.Command{
		Use:     "pack MODEL -o OUT.tgsp",
		Aliases: []string{"build"},
		Short:   "Encrypt and sign a model",
		Long: `Packs a folder, or one file, into an encrypted package that is signed with your
author key. Each file is read once; the package appears whole or not at all.

Without -r, -R and --fleet it is encrypted to your own identity. With --fleet it
opens for the agents of that fleet, and for nobody else. What is not part of a
model, such as .git, is left out and reported, and so is what --exclude matches: a
pattern with a / stands for paths in the model, with ** for any folders, another
one for names anywhere. Links that leave the model are refused unless
--follow-symlinks is given; a snapshot of a Hugging Face cache works as it is.

Private keys, tokens and .env files are refused unless --allow-secrets is given.
pack warns of pickles, which run code when they are loaded, of TensorRT engines,
which one kind of device and one version of TensorRT can load, and of large files
that are no weights.

A file tgsp.yaml in the folder can hold package_id, version, license, annotations
and exclude, and else the front matter of a model card, README.md, the first three;
flags count more. The license becomes the public annotation of that name.

--dry-run shows what would go in, what would not, and how large the package would
be, and writes nothing.`,
		Example: `  tgsp pack my-model -o my-model.tgsp
  tgsp pack my-model -o out.tgsp -r tgsp-x25519:… --not-after 2027-01-31T18:00:00Z
  tgsp pack my-model -o out.tgsp --fleet robots.fleet`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return o.run(cmd, a, args[0]) },
	}
	f := cmd.Flags()
	f.StringVarP(&o.out, "output", "o", "", "write the package to `FILE`")
	f.StringVar(&o.packageID, "package-id", "", "name of the package, `ID` (default: from the model's name)")
	f.StringVar(&o.version, "version", "", "`VERSION` of the package, by semver.org (default: 1.0.0)")
	f.StringVar(&o.signKey, "sign-key", "", "sign with the author key in `FILE` (default: the one that tgsp init made)")
	f.StringArrayVarP(&o.recipients, "recipient", "r", nil, "encrypt to this public `KEY`; can be repeated")
	f.StringArrayVarP(&o.recipientFiles, "recipients-file", "R", nil, "encrypt to the public keys in `FILE`, one a line")
	f.StringVar(&o.fleet, "fleet", "", "encrypt to the fleet whose public file is `FILE`, and let the policy name it")
	f.StringVar(&o.window.notBefore, "not-before", "", "closed before this `TIME` (RFC 3339)")
	f.StringVar(&o.window.notAfter, "not-after", "", "closed from this `TIME` on (RFC 3339)")
	f.DurationVar(&o.window.grace, "grace", 0, "closed only this `DURATION` after --not-after, such as 72h")
	f.StringVar(&o.cipher, "cipher", "aes-256-gcm", "`aes-256-gcm|chacha20-poly1305`, the latter for processors without AES instructions")
	f.StringVar(&o.leafHash, "leaf-hash", "sha-256", "`sha-256|blake3`, the latter for amd64 processors without SHA instructions")
	f.StringVar(&o.metadata, "metadata", "", "private metadata: a JSON object in `FILE`")
	f.StringArrayVar(&o.annotations, "annotation", nil, "public remark `KEY=VALUE`; can be repeated")
	f.BoolVar(&o.followSymlinks, "follow-symlinks", false, "also pack what links outside of the model lead to")
	f.StringArrayVar(&o.exclude, "exclude", nil, "leave out what matches `PATTERN`, such as '*.bin' or 'checkpoints/**'; can be repeated")
	f.BoolVar(&o.allowSecrets, "allow-secrets", false, "also pack files that look like keys, tokens or passwords")
	f.BoolVar(&o.dryRun, "dry-run", false, "show what would be packed, and write nothing")
	f.StringVar(&o.seed, "test-seed", "", "")
	hideFlags(f, "test-seed")
	f.BoolVarP(&a.quiet, "quiet", "q", false, "no progress and notes")
	f.BoolVar(&a.json, "json", false, "show one JSON object")
	return cmd
}

func (o *packOptions) run(cmd *cobra.Command, a *app, model string) error {
	if o.out == "" && !o.dryRun {
		return usagef("say where to write the package: -o OUT.tgsp")
	}
	// Everything that can be refused is refused before the model is read.
	described, err := o.describe(a, model)
	if err != nil {
		return err
	}
	pack, err := o.prepare(a, described)
	if err != nil {
		return err
	}
	src, out, err := o.scan(model, described)
	if err != nil {
		return err
	}
	look, err := o.review(cmd.Context(), a, model, src)
	if err != nil {
		return err
	}
	if o.dryRun {
		return o.plan(a, src, pack, look)
	}
	if len(src.Left) > 0 {
		a.notef("left out: %s\n", shortList(leftPaths(src)))
	}
	update, end := a.progress("packing")
	pack.Progress = update
	summary, err := container.Pack(cmd.Context(), out, src, *pack)
	end()
	if err != nil {
		return err
	}
	return o.show(a, summary, pack, look)
}

func (o *packOptions) prepare(a *app, described *review.Description) (*container.PackOptions, error) {
	pack := &container.PackOptions{Version: described.Version, CreatedAt: time.Now(), PackageID: described.PackageID}
	for _, err := range []error{container.CheckPackageID(pack.PackageID), container.CheckVersion(pack.Version), o.window.apply(&pack.Policy)} {
		if err != nil {
			return nil, &usageError{err}
		}
	}
	a.warnClosed(pack.Policy)
	var err error
	if pack.Suite, err = parseCipher(o.cipher); err != nil {
		return nil, err
	}
	if pack.LeafHash, err = parseLeafHash(o.leafHash); err != nil {
		return nil, err
	}
	if pack.Annotations, err = annotations(o.annotations, described); err != nil {
		return nil, err
	}
	if pack.Seed, err = o.testSeed(a); err != nil {
		return nil, err
	}
	if o.metadata != "" {
		if pack.Metadata, err = os.ReadFile(o.metadata); err != nil {
			return nil, err
		}
		if err := container.CheckMetadata(pack.Metadata); err != nil {
			return nil, &usageError{about(o.metadata, err)}
		}
	}
	if pack.Author, err = a.authorKey(o.signKey); err != nil {
		return nil, err
	}
	if o.fleet != "" {
		file, err := a.fleetRecipient(o.fleet, o.recipients, o.recipientFiles)
		if err != nil {
			return nil, err
		}
		pack.Fleet = container.NewFleetEpoch(file)
		return pack, nil
	}
	if pack.Recipients, err = a.recipientsOrSelf(o.recipients, o.recipientFiles); err != nil {
		return nil, err
	}
	a.warnMixedStrength(pack.Recipients)
	return pack, nil
}

// recipientsOrSelf returns the recipients given, or the user's own identity.
func (a *app) recipientsOrSelf(lines, files []string) ([]*tgspcrypto.Recipient, error) {
	given, err := a.recipients(lines, files)
	if err != nil || len(given) > 0 {
		return given, err
	}
	ids, err := a.ownIdentity()
	if err != nil {
		return nil, err
	}
	if len(ids) == 0 {
		return nil, withHint(errors.New("no recipient was given, and you have no identity yet"), "make one with: tgsp init — or name recipients with -r")
	}
	for _, id := range ids {
		given = append(given, id.Recipient())
	}
	a.notef("encrypted to your own identity alone (%s); -r KEY names others\n", given[0].ShortID())
	return given, nil
}

// warnMixedStrength says that the weaker kind of key decides.
func (a *app) warnMixedStrength(recipients []*tgspcrypto.Recipient) {
	kinds := map[tgspcrypto.KEM]bool{}
	for _, r := range recipients {
		kinds[r.KEM()] = true
	}
	if len(kinds) > 1 {
		a.warnf("with an X25519 recipient among them the package resists quantum computers no better than X25519 does")
	}
}

func parseCipher(s string) (tgspcrypto.Suite, error) {
	for _, suite := range tgspcrypto.Suites() {
		if strings.EqualFold(s, cipherName(suite)) {
			return suite, nil
		}
	}
	return "", usagef("--cipher %q: want aes-256-gcm or chacha20-poly1305", s)
}

// cipherName is how people write a suite.
func cipherName(s tgspcrypto.Suite) string {
	if s == tgspcrypto.ChaCha20Poly1305 {
		return "chacha20-poly1305"
	}
	return "aes-256-gcm"
}

func parseLeafHash(s string) (container.LeafHash, error) {
	for _, h := range container.LeafHashes() {
		if strings.EqualFold(s, string(h)) {
			return h, nil
		}
	}
	return "", usagef("--leaf-hash %q: want sha-256 or blake3", s)
}

func (o *packOptions) show(a *app, s *container.PackSummary, pack *container.PackOptions, look *review.Review) error {
	m := s.Envelope.Manifest()
	if a.json {
		return a.writeJSON(map[string]any{
			"package": o.out, "package_id": m.PackageID, "version": m.Version, "author_id": m.AuthorID.String(),
			"content_hash": m.ContentHash.String(), "files": s.Files, "bytes": s.Bytes, "size": s.Size,
			"recipients": recipientViews(s.Envelope.Recipients()), "findings": findings(look),
		})
	}
	a.printf("%s: %s %s, %s, %s in %s%s\n", printable(o.out), m.PackageID, m.Version, countOf(s.Files, "file"),
		byteCount(s.Bytes), byteCount(s.Size), overhead(s))
	a.printf("  opens %s, for %s, signed by %s\n", windowText(m.Policy), opensFor(s.Envelope), pack.Author.Public())
	a.notef("next: tgsp verify %s\n", shellQuote(o.out))
	return nil
}

// overhead says what a package adds, where the number means something.
func overhead(s *container.PackSummary) string {
	const small = 16 << 20
	if s.Bytes < small {
		return ""
	}
	return fmt.Sprintf(" (%.2f %% more)", 100*float64(s.Size-s.Bytes)/float64(s.Bytes))
}
