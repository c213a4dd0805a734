// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tensorguard/tgsp/cmd/tgsp/authority"
	"github.com/tensorguard/tgsp/cmd/tgsp/durable"
)

type fleetRequestOptions struct {
	identityFlags
	out  string
	name string
}

func newFleetRequestCommand(a *app) *cobra.Command {
	o := &fleetRequestOptions{}
	cmd := &cobra.Command{
		Use:   "request [-o FILE]",
		Short: "Ask to be enrolled in a fleet, as an agent",
		Long: `Writes this agent's request: its public key and what it is called. Send it to the
fleet's authority. The secret key stays where it is.

A name of 8 to 64 hexadecimal digits would be taken for the id of an agent. It is
refused, and where the machine is called so, the request is without a name.`,
		Example: `  tgsp fleet request -o gate-7.request --name gate-7`,
		Args:    cobra.NoArgs,
		RunE:    func(*cobra.Command, []string) error { return o.run(a) },
	}
	o.add(cmd.Flags())
	cmd.Flags().StringVarP(&o.out, "output", "o", "", "write the request to `FILE` (default: standard output)")
	cmd.Flags().StringVar(&o.name, "name", "", "what the agent is called, `NAME` (default: this machine's name)")
	return cmd
}

func (o *fleetRequestOptions) run(a *app) error {
	name := o.name
	if name == "" {
		host, _ := os.Hostname() // an agent may be without a name
		if checkAgentName(host) == nil {
			name = host
		}
	} else if err := checkAgentName(name); err != nil {
		return &usageError{err}
	}
	ids, err := o.load(a)
	if err != nil {
		return err
	}
	switch {
	case len(ids) == 0:
		return withHint(errors.New("this agent has no identity yet"), "make one with: tgsp init — or name it with -i FILE")
	case len(ids) > 1:
		return usagef("an agent has one identity: give one with -i FILE")
	}
	line := strings.TrimSpace(ids[0].Recipient().String() + " " + name)
	if o.out == "" {
		a.printf("%s\n", line)
		return nil
	}
	if err := durable.WriteFile(o.out, []byte(line+"\n"), 0o644); err != nil {
		return err
	}
	a.notef("written to %s; send it to the fleet's authority\n", printable(o.out))
	return nil
}

// checkAgentName says whether s can be what an agent is called. A public line or
// an id would be taken for another agent.
func checkAgentName(s string) error {
	const most = 64
	if authority.LooksLikeID(s) {
		return fmt.Errorf("%q cannot be the name of an agent: it would be taken for the id of one; put a hyphen or a letter after f in it", s)
	}
	if s == "" || len(s) > most || !isPrintable(s) || strings.ContainsAny(s, " \t#") || strings.HasPrefix(s, "tgsp-") || strings.HasPrefix(s, "-") {
		return fmt.Errorf("%q cannot be the name of an agent: want 1 to %d bytes without spaces, not a key", s, most)
	}
	return nil
}
