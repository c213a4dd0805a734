// SPDX-License-Identifier: Apache-2.0

package audit

import "time"

// run writes what is recorded until the log is closed, and then what is left.
func (l *Log) run() {
	defer close(l.ended)
	for open := true; open; {
		select {
		case e := <-l.queue:
			l.writeAll(e)
		case <-l.stop:
			open = false
		}
	}
	// After Close nothing is put into the queue any more.
	if e := (entry{}); l.next(&e) {
		l.writeAll(e)
	}
	l.mu.Lock()
	untold := l.untold
	l.mu.Unlock()
	if untold > 0 {
		l.writeAll(entry{event: Event{Time: time.Now(), Event: Lost}, summary: true})
	}
	if err := l.sink.close(); err != nil {
		l.mu.Lock()
		l.lose(0, err)
		l.mu.Unlock()
	}
}

// writeAll writes an entry and those that have come meanwhile, makes them safe
// together, and tells those who wait.
func (l *Log) writeAll(e entry) {
	type fate struct {
		done chan<- error
		err  error
	}
	var waiting []fate
	for n := 0; ; n++ {
		err := l.write(&e)
		if e.done != nil {
			waiting = append(waiting, fate{e.done, err})
		}
		if n == queueLength || !l.next(&e) {
			break
		}
	}
	flushed := l.sink.flush()
	if flushed != nil {
		l.mu.Lock()
		l.lose(0, flushed) // the lines are written, and may not outlive a crash of the machine
		l.mu.Unlock()
	}
	for _, w := range waiting {
		if w.err == nil {
			w.err = flushed
		}
		w.done <- w.err
	}
}

// next takes the next entry, where there is one.
func (l *Log) next(e *entry) bool {
	select {
	case *e = <-l.queue:
		return true
	default:
		return false
	}
}

// write writes one line, which tells of all that was lost before it.
func (l *Log) write(e *entry) error {
	l.mu.Lock()
	e.event.Lost, l.untold = l.untold, 0
	l.mu.Unlock()

	line, err := l.encoder.encode(&e.event)
	if err == nil {
		if l.options.Hide != nil {
			line = []byte(l.options.Hide(string(line)))
		}
		err = l.sink.write(line, &e.event)
	}

	l.mu.Lock()
	defer l.mu.Unlock()
	var own uint64
	if !e.summary {
		own = 1
	}
	l.queued -= own
	if err != nil {
		l.untold += e.event.Lost
		l.lose(own, err)
	}
	return err
}
