// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"

	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/tensorguard/tgsp/container"
)

// serviceMetrics are what --metrics shows of one mount, in the text format of
// Prometheus. None has a file's name: who may scrape need not be who may list.
type serviceMetrics struct {
	set      *metrics.Set
	server   *http.Server
	listener net.Listener

	served, stored, failed, refused *metrics.Counter
	latency                         *metrics.PrometheusHistogram
}

// latencyBounds are upper bounds of reads, in seconds: a hit in memory takes some ten
// microseconds, a megabyte from a slow disk some ten milliseconds.
var latencyBounds = []float64{25e-6, 50e-6, 100e-6, 250e-6, 500e-6, 1e-3, 2.5e-3, 5e-3, 10e-3, 25e-3, 50e-3, 100e-3, 250e-3, 1, 5}

// metricsAddress completes the address of --metrics: nobody else's machine sees it
// unless that was asked for.
func metricsAddress(s string) (string, error) {
	if _, err := strconv.ParseUint(s, 10, 16); err == nil {
		s = ":" + s
	}
	host, port, err := net.SplitHostPort(s)
	if err != nil || port == "" {
		return "", usagef("--metrics %q: want a port, such as 9477, or an address and a port", s)
	}
	if host == "" {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port), nil
}

// listenForMetrics opens the address of --metrics, before anything is mounted.
func (s *service) listenForMetrics() error {
	if s.metricsAddr == "" {
		return nil
	}
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", s.metricsAddr)
	if err != nil {
		return withHint(fmt.Errorf("--metrics: %w", err), "choose another port; 0 takes a free one, which tgsp status shows")
	}
	s.metrics = &serviceMetrics{set: metrics.NewSet(), listener: listener}
	return nil
}

// serveMetrics shows what is counted until the process ends.
func (s *service) serveMetrics(reader *container.Reader) {
	m := s.metrics
	if m == nil {
		return
	}
	s.state.Metrics = "http://" + m.listener.Addr().String() + "/metrics"
	m.served = m.set.NewCounter("tgsp_read_bytes_total")
	m.stored = m.set.NewCounter("tgsp_ahead_bytes_total")
	m.failed = m.set.NewCounter("tgsp_read_failures_total")
	m.refused = m.set.NewCounter("tgsp_refusals_total")
	m.latency = m.set.NewPrometheusHistogramExt("tgsp_read_seconds", latencyBounds)
	counted := func(name string, value func(container.ReadStats) int64) {
		m.set.NewGauge(name, func() float64 { return float64(value(reader.Stats())) })
	}
	counted("tgsp_hashed_bytes_total", func(r container.ReadStats) int64 { return r.Hashed })
	counted("tgsp_decrypted_bytes_total", func(r container.ReadStats) int64 { return r.Decrypted })
	counted(`tgsp_cache_lookups_total{result="hit"}`, func(r container.ReadStats) int64 { return r.CacheHits })
	counted(`tgsp_cache_lookups_total{result="miss"}`, func(r container.ReadStats) int64 { return r.CacheMisses })
	info := fmt.Sprintf("tgsp_mount_info{package_id=%q,version=%q,manifest_hash=%q}", s.state.PackageID, s.state.Version, s.state.ManifestHash)
	m.set.NewGauge(info, func() float64 { return 1 })
	m.set.NewGauge("tgsp_mounted_timestamp_seconds", func() float64 { return float64(s.state.MountedAt.Unix()) })
	if end := s.closing.deadline; !end.IsZero() {
		m.set.NewGauge("tgsp_expiry_timestamp_seconds", func() float64 { return float64(end.Unix()) })
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		m.set.WritePrometheus(w)
	})
	m.server = &http.Server{Handler: mux, ReadTimeout: metricsPatience, WriteTimeout: metricsPatience, MaxHeaderBytes: 1 << 13, ErrorLog: slog.NewLogLogger(s.logger.Handler(), slog.LevelDebug)}
	go func() {
		if err := m.server.Serve(m.listener); !errors.Is(err, http.ErrServerClosed) {
			s.logger.Warn("metrics end", "error", err)
		}
	}()
}

// metricsPatience is how long a scrape may take.
const metricsPatience = 10 * time.Second

// end lets go of the address.
func (m *serviceMetrics) end() {
	switch {
	case m == nil:
	case m.server != nil:
		m.server.Close() //nolint:errcheck,gosec // a scrape that is cut off is scraped again
	default:
		m.listener.Close() //nolint:errcheck,gosec // nobody has come yet
	}
}

// onRead, onStore, allowed and readFailed count what they are told.

func (m *serviceMetrics) onRead() func(bytes int, took time.Duration) {
	if m == nil {
		return nil
	}
	return func(bytes int, took time.Duration) {
		m.served.Add(bytes)
		m.latency.Update(took.Seconds())
	}
}

func (m *serviceMetrics) onStore() func(bytes int) {
	if m == nil {
		return nil
	}
	return func(bytes int) { m.stored.Add(bytes) }
}

func (m *serviceMetrics) allowed(allow func() error) func() error {
	if m == nil {
		return allow
	}
	return func() error {
		err := allow()
		if err != nil {
			m.refused.Inc()
		}
		return err
	}
}

func (m *serviceMetrics) readFailed(tell func(path string, off int64, err error)) func(path string, off int64, err error) {
	if m == nil {
		return tell
	}
	return func(path string, off int64, err error) {
		m.failed.Inc()
		if tell != nil {
			tell(path, off, err)
		}
	}
}
