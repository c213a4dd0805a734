// SPDX-License-Identifier: Apache-2.0

package main

import "github.com/spf13/cobra"

// commands lists the verbs in the order in which people meet them.
func (a *app) commands() []*cobra.Command {
	return []*cobra.Command{
		newInitCommand(a),
		newKeygenCommand(a),
		newPackCommand(a),
		newInspectCommand(a),
		newVerifyCommand(a),
		newMountCommand(a),
		newUmountCommand(a),
		newPreloadCommand(a),
		newStatusCommand(a),
		newExecCommand(a),
		newLsCommand(a),
		newCatCommand(a),
		newExtractCommand(a),
		newRecipientsCommand(a),
		newSignCommand(a),
		newRenewCommand(a),
		newTrustCommand(a),
		newFleetCommand(a),
		newDoctorCommand(a),
		newScanCommand(a),
		newVersionCommand(a),
		newManCommand(),
	}
}
