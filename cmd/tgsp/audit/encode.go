// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/user"
	"strconv"
	"unicode/utf16"
)

// encoder turns events into lines. It belongs to the goroutine that writes.
type encoder struct {
	line    bytes.Buffer
	handler slog.Handler
	process []slog.Attr // who wrote it
}

func newEncoder() *encoder {
	e := &encoder{process: thisProcess()}
	e.handler = slog.NewJSONHandler(&e.line, &slog.HandlerOptions{ReplaceAttr: rename})
	return e
}

// rename makes slog's message the event, and leaves its level out.
func rename(_ []string, a slog.Attr) slog.Attr {
	switch a.Key {
	case slog.LevelKey:
		return slog.Attr{}
	case slog.MessageKey:
		a.Key = "event"
	}
	return a
}

// encode returns an event's line with the newline at its end.
func (e *encoder) encode(event *Event) ([]byte, error) {
	r := slog.NewRecord(event.Time.UTC(), slog.LevelInfo, string(event.Event), 0)
	r.AddAttrs(event.attrs()...)
	r.AddAttrs(e.process...)
	e.line.Reset()
	if err := e.handler.Handle(context.Background(), r); err != nil {
		return nil, err
	}
	return escape(e.line.String()), nil
}

// escape writes letters that a terminal would obey, or not show, as JSON's
// escapes: names come from anywhere, and people look at logs. Outside of strings
// JSON has none of them.
func escape(line string) []byte {
	out := make([]byte, 0, len(line))
	for _, r := range line {
		switch {
		case r == '\n' || strconv.IsPrint(r):
			out = append(out, string(r)...)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			out = fmt.Appendf(out, `\u%04x\u%04x`, high, low)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
	}
	return out
}

// thisProcess describes who writes the line. Windows has no numbers of users.
func thisProcess() []slog.Attr {
	attrs := []slog.Attr{slog.Int("pid", os.Getpid())}
	if uid := os.Getuid(); uid >= 0 {
		attrs = append(attrs, slog.Int("uid", uid))
		// Asked by number: the environment, which names a user too, is theirs to set.
		if u, err := user.LookupId(strconv.Itoa(uid)); err == nil {
			attrs = append(attrs, slog.String("user", u.Username))
		}
	} else if u, err := user.Current(); err == nil {
		attrs = append(attrs, slog.String("user", u.Username))
	}
	if host, err := os.Hostname(); err == nil {
		attrs = append(attrs, slog.String("host", host))
	}
	return attrs
}
