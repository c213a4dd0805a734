// SPDX-License-Identifier: Apache-2.0

//go:build linux

// Package contest compares the time that several ways to do the same work take.
// Contestants take turns in one run, so that a busy machine burdens them alike, and
// each ratio is taken within a round.
package contest

import (
	"context"
	"fmt"
	"os"
	"syscall"

	"github.com/tensorguard/tgsp/integration/rig"
)

// Contestant is one way to do a job.
type Contestant struct {
	Name string
	// Prepare runs before the clock starts, if it is set, to clear away an earlier result.
	Prepare func() error
	// Run does the job once and returns the seconds it took.
	Run func() (float64, error)
}

// Contest compares its first contestant, the subject, with all others.
type Contest struct {
	Name  string
	What  string // of a contestant's result; "" for the seconds that the work takes
	Bytes int64  // that each contestant handles in one run
	Cold  bool   // whether the kernel's caches are emptied before each run
	Late  bool   // contestants empty the caches themselves, once they are ready to start
	Field []Contestant
}

// Rules are the same for all contests of a run.
type Rules struct {
	Context context.Context // ends a contest between two of its turns
	Rounds  int
	Say     func(format string, args ...any) // tells the person who waits what is going on
}

// Hold runs the contest and gives a row for each peer of the subject. The order
// rotates, so that nobody always follows the same neighbour.
func (c Contest) Hold(r Rules) ([]Row, error) {
	r.Say("%s", c.Title())
	if !c.Cold {
		// What is measured warm has been read once before.
		for _, x := range c.Field {
			if _, err := c.once(r, x); err != nil {
				return nil, err
			}
		}
	}
	seconds := make([][]float64, len(c.Field))
	for round := range r.Rounds {
		for turn := range c.Field {
			i := (turn + round) % len(c.Field)
			s, err := c.once(r, c.Field[i])
			if err != nil {
				return nil, err
			}
			seconds[i] = append(seconds[i], s)
		}
	}
	var rows []Row
	for i := 1; i < len(c.Field); i++ {
		rows = append(rows, newRow(c, i, seconds[0], seconds[i]))
	}
	return rows, nil
}

func (c Contest) once(r Rules, x Contestant) (float64, error) {
	if err := r.Context.Err(); err != nil {
		return 0, err
	}
	if x.Prepare != nil {
		if err := x.Prepare(); err != nil {
			return 0, fmt.Errorf("%s: %w", x.Name, err)
		}
	}
	// Writing out what others left must not fall into this one's time.
	syscall.Sync()
	if c.Cold && !c.Late {
		if err := rig.DropCaches(); err != nil {
			return 0, err
		}
	}
	s, err := x.Run()
	if err != nil {
		return 0, fmt.Errorf("%s: %w", x.Name, err)
	}
	return s, nil
}

// Title names the contest and the state of the caches.
func (c Contest) Title() string {
	if c.Cold {
		return c.Name + ", cold"
	}
	return c.Name + ", warm"
}

// Temperatures are the states of the caches that this user can measure.
func Temperatures() []bool {
	if os.Getuid() == 0 {
		return []bool{true, false}
	}
	return []bool{false}
}

// Coldest is the best that this user can do for jobs that are measured once.
func Coldest() bool { return os.Getuid() == 0 }
