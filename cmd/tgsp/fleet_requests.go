// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tensorguard/tgsp/cmd/tgsp/authority"
	tgspcrypto "github.com/tensorguard/tgsp/crypto"
	"github.com/tensorguard/tgsp/crypto/fleet"
)

// enrollBatch is how many requests are read, checked and written in one step.
// Memory is bounded by it, not by the length of a file.
const enrollBatch = 8192

// maxRequestLine is longer than any key's line and name.
const maxRequestLine = 8 << 10

// requestLine is a line of a file of requests.
type requestLine struct {
	text   string
	number int
}

// enrollFrom enrolls all agents of a file of requests, one a line: a public key
// and, after a space, what the agent is called. Blank lines and comments (#) are
// left out. It returns how many were added and how many lines there were.
func enrollFrom(ctx context.Context, s *authority.Store, name string, progress func(done, total int64)) (added, agents int, err error) {
	f, err := os.Open(name)
	if err != nil {
		return 0, 0, err
	}
	defer f.Close() //nolint:errcheck // only read
	info, err := f.Stat()
	if err != nil {
		return 0, 0, err
	}
	counted := &countingReader{r: f}
	lines := bufio.NewScanner(counted)
	lines.Buffer(nil, maxRequestLine)
	var batch []requestLine
	flush := func() error {
		if err := ctx.Err(); err != nil {
			return err
		}
		parsed, err := parseRequests(name, batch)
		if err != nil {
			return err
		}
		n, err := s.Enroll(parsed)
		added, agents, batch = added+n, agents+len(parsed), batch[:0]
		if progress != nil {
			progress(counted.n, info.Size())
		}
		return err
	}
	number := 0
	for lines.Scan() {
		number++
		text := strings.TrimSpace(lines.Text())
		if text == "" || strings.HasPrefix(text, "#") {
			continue
		}
		batch = append(batch, requestLine{text, number})
		if len(batch) == enrollBatch {
			if err := flush(); err != nil {
				return added, agents, err
			}
		}
	}
	if err := lines.Err(); err != nil {
		return added, agents, fmt.Errorf("%s:%d: %w", name, number+1, err)
	}
	return added, agents, flush()
}

// parseRequests parses lines on all processors: to check a key takes as long as
// to encrypt to it.
func parseRequests(name string, lines []requestLine) ([]authority.Agent, error) {
	agents := make([]authority.Agent, len(lines))
	now := time.Now()
	var group errgroup.Group
	workers := runtime.GOMAXPROCS(0)
	for w := range workers {
		group.Go(func() error {
			for i := w; i < len(lines); i += workers {
				agent, err := parseRequest(lines[i].text, now)
				if err != nil {
					return &tgspcrypto.FileError{Name: name, Line: lines[i].number, Err: err}
				}
				agents[i] = *agent
			}
			return nil
		})
	}
	return agents, group.Wait()
}

// parseRequest reads what an agent has sent.
func parseRequest(line string, now time.Time) (*authority.Agent, error) {
	text, name, named := strings.Cut(line, " ")
	key, err := tgspcrypto.ParseRecipient(text)
	if err != nil {
		return nil, err
	}
	if name = strings.TrimSpace(name); named {
		if err := checkAgentName(name); err != nil {
			return nil, err
		}
	}
	return &authority.Agent{ID: fleet.NewAgentID(key), Key: key, Name: name, Enrolled: now}, nil
}

// countingReader tells how far a file was read.
type countingReader struct {
	r io.Reader
	n int64
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}
