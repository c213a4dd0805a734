// SPDX-License-Identifier: Apache-2.0

//go:build linux

package contest

// Row is one comparison. Times are in seconds.
type Row struct {
	Name           string    `json:"name"`
	What           string    `json:"what,omitempty"` // is measured, where it is not the time of all
	Subject        string    `json:"subject"`
	Peer           string    `json:"peer"`
	Bytes          int64     `json:"bytes"`
	SubjectSeconds []float64 `json:"subject_seconds"`
	PeerSeconds    []float64 `json:"peer_seconds"`
	SubjectSpread  Spread    `json:"subject_spread"`
	PeerSpread     Spread    `json:"peer_spread"`
	Ratio          Spread    `json:"ratio"` // subject divided by peer, per round
	Verdict        string    `json:"verdict"`
}

func newRow(c Contest, peer int, subjectSeconds, peerSeconds []float64) Row {
	return Row{
		Name: c.Title(), What: c.What, Subject: c.Field[0].Name, Peer: c.Field[peer].Name, Bytes: c.Bytes,
		SubjectSeconds: subjectSeconds, PeerSeconds: peerSeconds,
		SubjectSpread: spreadOf(subjectSeconds), PeerSpread: spreadOf(peerSeconds),
		Ratio:   spreadOf(ratios(subjectSeconds, peerSeconds)),
		Verdict: verdict(subjectSeconds, peerSeconds),
	}
}
