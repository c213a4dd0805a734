// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"fmt"
	"os"
	"syscall"

	"github.com/tensorguard/tgsp/integration/rig"
)

// contestant is one way to do a job.
type contestant struct {
	name string
	// prepare runs before the clock starts, if it is set, to clear away an earlier result.
	prepare func() error
	// run does the job once and returns the seconds it took.
	run func() (float64, error)
}

// contest compares its first contestant, the subject, with all others.
type contest struct {
	name  string
	what  string // of a contestant's result; "" for the seconds that the work takes
	bytes int64  // that each contestant handles in one run
	cold  bool   // whether the kernel's caches are emptied before each run
	late  bool   // contestants empty the caches themselves, once they are ready to start
	field []contestant
}

// hold runs the contest and gives a row for each peer of the subject. The order
// rotates, so that nobody always follows the same neighbour.
func (c contest) hold(b *bench) ([]row, error) {
	b.say("%s", c.title())
	if !c.cold {
		// What is measured warm has been read once before.
		for _, x := range c.field {
			if _, err := c.once(b, x); err != nil {
				return nil, err
			}
		}
	}
	seconds := make([][]float64, len(c.field))
	for round := range b.pairs {
		for turn := range c.field {
			i := (turn + round) % len(c.field)
			s, err := c.once(b, c.field[i])
			if err != nil {
				return nil, err
			}
			seconds[i] = append(seconds[i], s)
		}
	}
	var rows []row
	for i := 1; i < len(c.field); i++ {
		rows = append(rows, newRow(c, i, seconds[0], seconds[i]))
	}
	return rows, nil
}

func (c contest) once(b *bench, x contestant) (float64, error) {
	if err := b.ctx.Err(); err != nil {
		return 0, err
	}
	if x.prepare != nil {
		if err := x.prepare(); err != nil {
			return 0, fmt.Errorf("%s: %w", x.name, err)
		}
	}
	// Writing out what others left must not fall into this one's time.
	syscall.Sync()
	if c.cold && !c.late {
		if err := rig.DropCaches(); err != nil {
			return 0, err
		}
	}
	s, err := x.run()
	if err != nil {
		return 0, fmt.Errorf("%s: %w", x.name, err)
	}
	return s, nil
}

// title names the contest and the state of the caches.
func (c contest) title() string {
	if c.cold {
		return c.name + ", cold"
	}
	return c.name + ", warm"
}

// temperatures are the states of the caches that this user can measure.
func temperatures() []bool {
	if os.Getuid() == 0 {
		return []bool{true, false}
	}
	return []bool{false}
}

// coldest is the best that this user can do for jobs that are measured once.
func coldest() bool { return os.Getuid() == 0 }
