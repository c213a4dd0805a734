// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"errors"
	"sync"
	"time"
)

const (
	// queueLength is how many events may wait for a log that is slow.
	queueLength = 1024
	// patience is how long Commit and Close wait for a log that does not answer.
	patience = 3 * time.Second
)

var (
	errFull   = errors.New("events come faster than it takes them")
	errSilent = errors.New("it does not answer")
	errClosed = errors.New("it is closed already")
)

// Log takes events. A nil *Log takes them and does nothing. It is safe for
// concurrent use.
type Log struct {
	dest     string
	options  Options
	sink     sink
	encoder  *encoder
	patience time.Duration
	queue    chan entry
	stop     chan struct{} // closed by Close
	ended    chan struct{} // closed when nothing will be written any more

	mu     sync.Mutex
	closed bool
	queued uint64 // taken, and not yet written
	untold uint64 // lost, and no line says so yet
	lost   uint64 // in all
	err    error  // the first reason
}

// Options says what a log does beside writing. All may be nil.
type Options struct {
	// Hide returns a line without secrets that should never have come into it.
	Hide func(line string) string
	// Failed is told, once and from another goroutine, that events are lost.
	Failed func(error)
}

// entry is an event under way. A caller may wait for its fate.
type entry struct {
	event   Event
	done    chan<- error
	summary bool // only tells of what was lost: it is no event, and was not queued
}

// sink is where lines go. It is used by one goroutine.
type sink interface {
	write(line []byte, e *Event) error // one whole line
	flush() error                      // returns when what was written is safe
	close() error
}

func newLog(dest string, s sink, o Options) *Log {
	l := &Log{
		dest: dest, options: o, sink: s, encoder: newEncoder(), patience: patience,
		queue: make(chan entry, queueLength), stop: make(chan struct{}), ended: make(chan struct{}),
	}
	go l.run()
	return l
}

// Record puts an event on record, without waiting. One that does not fit is
// counted as lost.
func (l *Log) Record(e Event) {
	if l != nil {
		l.put(entry{event: e}) //nolint:errcheck,gosec // put has counted it
	}
}

// Commit puts an event on record and returns when it is safe there, or a
// *WriteError within seconds.
func (l *Log) Commit(e Event) error {
	if l == nil {
		return nil
	}
	done := make(chan error, 1)
	err := l.put(entry{event: e, done: done})
	if err == nil {
		select {
		case err = <-done:
		case <-time.After(l.patience):
			err = errSilent
		}
	}
	if err != nil {
		return &WriteError{l.dest, err}
	}
	return nil
}

// Close waits a bounded time until what was recorded is written, and returns a
// *LossError where something is missing. Further calls do nothing.
func (l *Log) Close() error {
	if l == nil {
		return nil
	}
	l.mu.Lock()
	again := l.closed
	l.closed = true
	l.mu.Unlock()
	if again {
		return nil
	}
	close(l.stop)
	var silent bool
	select {
	case <-l.ended:
	case <-time.After(l.patience):
		silent = true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	lost, err := l.lost, l.err
	if silent {
		lost += l.queued
		if err == nil {
			err = errSilent
		}
	}
	if err == nil {
		return nil
	}
	return &LossError{l.dest, lost, err}
}

// put hands an entry to the goroutine that writes, or counts it as lost.
func (l *Log) put(e entry) error {
	if e.event.Time.IsZero() {
		e.event.Time = time.Now()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		l.lose(1, errClosed)
		return errClosed
	}
	select {
	case l.queue <- e:
		l.queued++
		return nil
	default:
		l.lose(1, errFull)
		return errFull
	}
}

// lose counts events that were not written. The caller holds the lock.
func (l *Log) lose(events uint64, err error) {
	l.lost += events
	l.untold += events
	if l.err != nil {
		return
	}
	l.err = err
	if l.options.Failed != nil {
		go l.options.Failed(&WriteError{l.dest, err})
	}
}
