// SPDX-License-Identifier: Apache-2.0

package container

import (
	"context"

	"golang.org/x/sync/errgroup"
)

// ordered moves items through three steps: produce fills them one after the
// other, work is done on several at once, and consume takes them in the order
// in which they were filled. The items are reused, so memory stays bounded by
// what is handed in. It ends when produce returns false, or with the first error.
func ordered[T any](ctx context.Context, workers int, items []*T, produce func(*T) (bool, error), work, consume func(*T) error) error {
	type job struct {
		item *T
		done chan struct{}
	}
	g, ctx := errgroup.WithContext(ctx)
	free := make(chan *job, len(items))
	todo := make(chan *job, len(items))
	order := make(chan *job, len(items))
	for _, item := range items {
		free <- &job{item, make(chan struct{}, 1)}
	}
	g.Go(func() error {
		defer close(todo)
		defer close(order)
		for {
			select {
			case <-ctx.Done():
				return context.Cause(ctx)
			case j := <-free:
				more, err := produce(j.item)
				if err != nil || !more {
					return err
				}
				order <- j
				todo <- j
			}
		}
	})
	for range min(workers, len(items)) {
		g.Go(func() error {
			for j := range todo {
				if err := work(j.item); err != nil {
					return err
				}
				j.done <- struct{}{}
			}
			return nil
		})
	}
	g.Go(func() error {
		for j := range order {
			select {
			case <-ctx.Done():
				return context.Cause(ctx)
			case <-j.done:
			}
			if err := consume(j.item); err != nil {
				return err
			}
			free <- j
		}
		return nil
	})
	return g.Wait()
}
