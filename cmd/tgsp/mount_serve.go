// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"github.com/tensorguard/tgsp/cmd/tgsp/audit"
	"github.com/tensorguard/tgsp/container"
	tgspfs "github.com/tensorguard/tgsp/fs"
	"github.com/tensorguard/tgsp/mount"
)

// service serves one mount in this process.
type service struct {
	*mountOptions
	app    *app
	parent io.WriteCloser // where a daemon tells how starting went; nil in the foreground
	logger *slog.Logger
	file   *os.File // the log, where it is one
	state  *mountState

	closing  *closing
	window   container.Policy // not_after and the grace that is used
	fleetEnd time.Time        // of the file of the policy's fleet; zero where there is none
	left     atomic.Bool      // the program of exec has ended, and so the mount
	metrics  *serviceMetrics  // nil where none are wanted
	plan     memoryPlan
}

// serveForeground is serve for a process that its user watches.
func (o *mountOptions) serveForeground(ctx context.Context, a *app) error {
	s := &service{mountOptions: o, app: a, closing: newClosing()}
	return s.serveOnRecord(ctx)
}

// serve opens, mounts, and returns when the mount has ended. What opening needs,
// identities above all, it does not keep.
func (s *service) serve(ctx context.Context) error {
	ctx, end := context.WithCancel(ctx)
	defer end()
	if err := s.obey(end); err != nil {
		return err
	}
	s.startLimit()
	session, err := s.openInTime(ctx)
	if err != nil {
		return err
	}
	session.forget()
	s.loaded = nil
	s.app.secrets.forget()
	reader := session.reader
	s.watchFleet(session)
	// The package was only read: that its storage has gone meanwhile is no
	// failure of a mount that has ended as it should.
	defer reader.Close() //nolint:errcheck // see above
	if ctx.Err() != nil {
		return errInterrupted
	}
	if err := s.decideEnd(reader.Envelope().Manifest().Policy); err != nil {
		return err
	}
	if err := errors.Join(s.describe(reader), s.listenForMetrics()); err != nil {
		return err
	}
	defer s.metrics.end()
	if err := s.startLog(); err != nil {
		return err
	}
	if s.plan, err = s.planMemory(reader); err != nil {
		return errors.Join(err, s.dropLog())
	}
	s.serveMetrics(reader)
	s.closing.watch()
	server, err := s.mount(reader)
	if err != nil {
		return errors.Join(s.explain(err), s.dropLog())
	}
	// A drive that was free is known only now.
	s.dir, s.state.Mountpoint, s.known.Mountpoint = server.Dir(), server.Dir(), server.Dir()
	return s.run(ctx, server, session)
}

// mount shows the contents in the folder.
func (s *service) mount(reader *container.Reader) (*mount.Server, error) {
	opts := mount.Options{
		FSName:     s.pkg,
		Source:     s.pkg,
		Label:      s.state.PackageID + " " + s.state.Version,
		AllowOther: s.allowOther,
		Memory:     s.plan.serving,
		NoExec:     s.noExec,
		UID:        uint32(os.Getuid()), //nolint:gosec // the kernel's ids have 32 bits
		GID:        uint32(os.Getgid()), //nolint:gosec // likewise
		Allow:      s.metrics.allowed(s.closing.allow),
		Logger:     s.logger,

		OnReadError: s.noteDamage(s.metrics.readFailed(s.readFailed())),
		OnRead:      s.metrics.onRead(),
		OnStore:     s.metrics.onStore(),
	}
	return s.attach(tgspfs.New(reader), opts)
}

// explain adds the next step where it depends on what was asked for.
func (s *service) explain(err error) error {
	e := new(mount.Error)
	if errors.As(err, &e) && e.Reason == mount.NotAllowed && s.allowOther && os.Geteuid() != 0 {
		return withHint(err, "%s", allowOtherHint)
	}
	return err
}

// run is what happens from mounting to unmounting.
func (s *service) run(ctx context.Context, server *mount.Server, session *session) (err error) {
	reader := session.reader
	if err := s.state.change(func(*mountState) bool { return true }); err != nil {
		// It serves all the same: status knows less of it.
		s.logger.Warn("tgsp status cannot know more of this mount than where it is", "error", err)
	}
	defer func() {
		if err := s.state.remove(); err != nil {
			s.logger.Warn("cannot remove the state of this mount", "error", err)
		}
	}()
	defer s.dropFolder()
	// Before the state goes, and with it a log that nobody needs to read.
	defer func() { s.endTrail(err) }()
	s.logger.Info("mounted", "package", s.pkg, "package_id", s.state.PackageID, "version", s.state.Version,
		"manifest_hash", s.state.ManifestHash, "dir", s.dir, "pid", s.state.PID)
	s.limitMemory()
	s.logger.Info("how it reads", "direct_io", reader.DirectIO(), "memory_locked", lockMemory())

	serving, stop := context.WithCancel(ctx)
	defer stop()
	s.keepFloor(serving, reader.Envelope().Manifest().Policy)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		server.Wait()
	}()
	err = s.admitted(session)
	if err == nil {
		err = s.detach()
	}
	if err != nil {
		// Whoever asked for it is gone and would never know of it.
		server.Revoke()
		return errors.Join(err, server.Detach())
	}
	ctx, serving = s.outlast(ctx, serving)
	s.leaveWithProgram(serving, server)
	s.leaveWhenIdle(serving, server)
	s.tellReady()
	defer s.tellStopping()
	select {
	case err := <-s.preloadBeside(serving):
		return errors.Join(err, s.stop(ctx, server, unmountedUnloaded))
	case <-ended:
		reason := s.endReason(server)
		if ctx.Err() != nil { // libraries listen for signals, too
			reason = unmountedBySignal
		}
		s.unmounted(reason)
		return nil
	case <-s.closing.done:
		s.tellClosed()
		return s.shut(ctx, server, reader, ended)
	case <-ctx.Done():
		return s.stop(ctx, server, unmountedBySignal)
	}
}

// admitted lets programs in when the opening is on record and remembered. Those
// that came before have waited; where it fails they get nothing.
func (s *service) admitted(session *session) error {
	err := s.opened()
	if err == nil {
		err = about(s.pkg, session.remember(s.app))
	}
	if err != nil {
		s.closing.close(closure{audit.Failed, err.Error()})
	}
	s.closing.begin()
	return err
}

// stop unmounts of its own accord.
func (s *service) stop(ctx context.Context, server *mount.Server, reason string) error {
	lazy, err := server.Unmount(context.WithoutCancel(ctx))
	gone := new(mount.Error)
	switch {
	case errors.As(err, &gone) && gone.Reason == mount.NotMounted:
		s.unmounted(unmountedByOthers)
	case err != nil:
		s.logger.Warn("cannot unmount", "dir", s.dir, "error", err)
		return err
	case lazy:
		s.logger.Warn("the folder was busy and is detached; files that are still open give errors from now on", "dir", s.dir)
		s.record(audit.Unmounted, unmountedBusy)
	default:
		s.unmounted(reason)
	}
	return nil
}

// describe fills in the state.
func (s *service) describe(reader *container.Reader) error {
	envelope := reader.Envelope()
	manifest := envelope.Manifest()
	s.state = &mountState{
		Mountpoint:   s.dir,
		Package:      s.pkg,
		PackageID:    manifest.PackageID,
		Version:      manifest.Version,
		ManifestHash: envelope.ManifestHash().String(),
		Foreground:   s.parent == nil,
		MountedAt:    time.Now().UTC().Truncate(time.Second),
	}
	if !s.fleetEnd.IsZero() {
		end := s.fleetEnd.UTC()
		s.state.FleetUntil = &end
	}
	if end := s.closing.deadline; !end.IsZero() {
		notAfter := time.Unix(int64(s.window.NotAfter), 0).UTC() //nolint:gosec // bounded by the format
		s.state.NotAfter, s.state.OpenUntil = &notAfter, &end
	}
	s.describeProgram()
	return s.state.identify()
}

// startLog begins to log: in the foreground to standard error, unless a file was
// named.
func (s *service) startLog() error {
	w := os.Stderr
	if s.log != "" || s.parent != nil {
		f, err := openLog(s.log, s.dir)
		if err != nil {
			return err
		}
		w, s.state.Log, s.file = f, f.Name(), f
	}
	s.logger = slog.New(slog.NewTextHandler(secretsHidden{w}, nil))
	slog.SetDefault(s.logger) // what libraries print goes the same way
	return nil
}

// dropLog removes the log of a mount that did not come about: its user is told
// all there is to know.
func (s *service) dropLog() error {
	if s.state.Log == "" {
		return nil
	}
	info, err := os.Stat(s.state.Log)
	if err == nil && (s.state.ownLog() || info.Size() == 0) {
		err = os.Remove(s.state.Log)
	}
	return err
}
