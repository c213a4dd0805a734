// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/tensorguard/tgsp/container"
)

type verifyOptions struct {
	openFlags
	at     string
	report reportFlags
}

func newVerifyCommand(a *app) *cobra.Command {
	o := &verifyOptions{}
	cmd := &cobra.Command{
		Use:   "verify PKG",
		Short: "Check signature, author and every byte",
		Long: `Checks the structure, the signatures, that the author is trusted, and every byte
of the file against what the author signed: contents, padding, unused space.
That needs no key to decrypt. With an identity that opens it, the contents are
decrypted too and compared with the index.

The policy's window is reported; --at judges it.

--report leaves a JSON file as evidence: what was checked, by whose keys, with
which result, also where the package is refused. What was there is replaced as a
whole. With --report-key the file is a DSSE envelope, signed by that author key:
decode "payload" and read it when the signature is right.`,
		Example: `  tgsp verify model.tgsp
  tgsp verify model.tgsp --require-key tgsp-author:… --expect acme/model@1.2.0 --at now
  tgsp verify model.tgsp --report evidence.json --report-key auditor.key`,
		Args: cobra.ExactArgs(1),
		RunE: o.onRecord(a, func(cmd *cobra.Command, args []string) error { return o.run(cmd, a, args[0]) }),
	}
	o.add(cmd.Flags())
	cmd.Flags().StringVar(&o.at, "at", "", "fail if the package is closed at this `TIME` (RFC 3339, or now)")
	cmd.Flags().StringVar(&o.report.file, "report", "", "write what was checked, and the result, to `FILE` as JSON")
	cmd.Flags().StringVar(&o.report.key, "report-key", "", "sign the report with the author key in `FILE`")
	cmd.Flags().BoolVarP(&a.quiet, "quiet", "q", false, "no progress")
	cmd.Flags().BoolVar(&a.json, "json", false, "show one JSON object")
	return cmd
}

func (o *verifyOptions) run(cmd *cobra.Command, a *app, name string) error {
	at, err := o.judgeAt()
	if err != nil {
		return err
	}
	reportKey, err := o.report.prepare(a, name)
	if err != nil {
		return err
	}
	s, report, err := o.judge(cmd.Context(), a, name, at)
	if s != nil {
		defer s.file.Close() //nolint:errcheck // only read
	}
	if o.report.tells(s, err) {
		var refusal *reportedError
		if err != nil {
			refusal = a.describe(err)
		}
		written := o.report.write(newVerifyReport(name, o, at, s, report, refusal), reportKey)
		err = errors.Join(err, written)
	}
	if err != nil {
		return err
	}
	return o.show(a, name, s.file, s.trust, report)
}

// judge verifies a package. The session is nil where it could not even be parsed.
func (o *verifyOptions) judge(ctx context.Context, a *app, name string, at *time.Time) (*session, *container.Report, error) {
	s, err := o.look(a, name)
	if err != nil {
		return nil, nil, err
	}
	report, err := o.verify(ctx, a, s, at)
	if errors.As(err, new(*container.UntrustedError)) {
		a.notef("every byte of %s is the one that its author signed, and the author is not trusted\n", printable(name))
	}
	return s, report, about(name, err)
}

// judgeAt returns the time of --at, or nil.
func (o *verifyOptions) judgeAt() (*time.Time, error) {
	switch o.at {
	case "":
		return nil, nil
	case "now":
		now := time.Now()
		return &now, nil
	}
	at, err := parseTime("at", o.at)
	return &at, err
}

func (o *verifyOptions) show(a *app, name string, f *container.File, trust *container.Trust, r *container.Report) error {
	if a.json {
		return a.writeJSON(struct {
			packageView
			Verified        bool  `json:"verified"`
			BytesChecked    int64 `json:"bytes_checked"`
			ContentsChecked bool  `json:"contents_checked"`
		}{newPackageView(name, f, r.Envelope, trust, nil), true, r.Size, r.ContentsChecked})
	}
	m := r.Envelope.Manifest()
	a.printf("%s: verified\n", printable(name))
	a.printf("  package %s, version %s, packed at %s\n", m.PackageID, m.Version, container.FormatTime(m.CreatedAt))
	for _, s := range signatureViews(r.Envelope, trust) {
		a.printf("  signature: %s\n", signatureText(s))
	}
	a.printf("  bytes: all %d of the file are what the author signed\n", r.Size)
	if r.ContentsChecked {
		a.printf("  contents: %s, %s, decrypted and compared with the index\n", countOf(r.Files, "file"), byteCount(r.FileBytes))
	} else {
		a.printf("  contents: not decrypted, which this check does not need\n")
	}
	a.printf("  policy: opens %s%s\n", windowText(m.Policy), openNow(m.Policy))
	if len(m.Policy.TargetFleet) > 0 {
		a.printf("  policy: only for agents of fleet %s\n", fleetOf(m.Policy))
	}
	return nil
}
