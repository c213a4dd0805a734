// SPDX-License-Identifier: Apache-2.0

package authority

import (
	"context"
	"runtime"

	"golang.org/x/sync/errgroup"

	tgspcrypto "github.com/tensorguard/tgsp/crypto"
	"github.com/tensorguard/tgsp/crypto/fleet"
)

// wrapBatch is how many agents one worker takes at a time.
const wrapBatch = 256

// batch is a run of agents, and their entries when done is closed.
type batch struct {
	agents  []*Agent
	entries []*fleet.Entry // nil where one is to be made
	err     error
	done    chan struct{}
}

// wrapAll gives each agent's entry to emit, in the order of agents. Encrypting is
// shared by all processors.
func (s *Store) wrapAll(ctx context.Context, secret *tgspcrypto.EpochSecret, old *oldEntries, emit func(*fleet.Entry) error) error {
	workers := runtime.GOMAXPROCS(0)
	group, ctx := errgroup.WithContext(ctx)
	work := make(chan *batch, workers)
	order := make(chan *batch, 2*workers) // bounds what is under way
	for range workers {
		group.Go(func() error {
			for b := range work {
				b.wrap(secret)
				close(b.done)
			}
			return nil
		})
	}
	group.Go(func() error {
		defer close(work)
		defer close(order)
		return s.batches(old, func(b *batch) error {
			select {
			case order <- b:
			case <-ctx.Done():
				return ctx.Err()
			}
			select {
			case work <- b:
			case <-ctx.Done():
				return ctx.Err()
			}
			return nil
		})
	})
	group.Go(func() error {
		for b := range order {
			select {
			case <-b.done:
			case <-ctx.Done():
				return ctx.Err()
			}
			if b.err != nil {
				return b.err
			}
			for _, e := range b.entries {
				if err := emit(e); err != nil {
					return err
				}
			}
		}
		return ctx.Err()
	})
	return group.Wait()
}

// batches cuts the agents into runs, with the entries that there are already.
func (s *Store) batches(old *oldEntries, send func(*batch) error) error {
	b := &batch{done: make(chan struct{})}
	for a, err := range s.All() {
		if err != nil {
			return err
		}
		e, err := old.take(a.ID)
		if err != nil {
			return err
		}
		b.agents, b.entries = append(b.agents, a), append(b.entries, e)
		if len(b.agents) == wrapBatch {
			if err := send(b); err != nil {
				return err
			}
			b = &batch{done: make(chan struct{})}
		}
	}
	return send(b)
}

func (b *batch) wrap(secret *tgspcrypto.EpochSecret) {
	for i, a := range b.agents {
		if b.entries[i] != nil {
			continue
		}
		if b.entries[i], b.err = fleet.NewEntry(a.Key, secret); b.err != nil {
			return
		}
	}
}
