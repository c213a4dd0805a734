// SPDX-License-Identifier: Apache-2.0

package main

// daemonArgs are the arguments with which the daemon gets the same options, and what
// is handed over to it.
func (o *mountOptions) daemonArgs(handed []string) []string {
	args := append([]string{"mount", "--ready-fd=3"}, handed...)
	for _, key := range o.trusted {
		args = append(args, "--trusted-key="+key)
	}
	for _, key := range o.require {
		args = append(args, "--require-key="+key)
	}
	if o.expect != "" {
		args = append(args, "--expect="+o.expect)
	}
	if o.log != "" {
		args = append(args, "--log="+o.log)
	}
	args = append(args, o.rollbackArgs()...)
	if o.waitForClock {
		args = append(args, "--wait-for-clock")
	}
	if o.auditLog != "" {
		args = append(args, "--audit-log="+o.auditLog)
	}
	if o.grace != "" {
		args = append(args, "--grace="+o.grace)
	}
	if o.idle != "" {
		args = append(args, "--idle-timeout="+o.idle)
	}
	if o.memoryLimit != "" {
		args = append(args, "--memory-limit="+o.memoryLimit)
	}
	if o.metricsAddr != "" {
		args = append(args, "--metrics="+o.metricsAddr)
	}
	if o.allowOther {
		args = append(args, "--allow-other")
	}
	if o.handed != nil {
		args = append(args, o.handed.arg(), "--folder="+o.folder)
	}
	if o.noExec {
		args = append(args, "-o", "noexec")
	}
	return append(args, "--", o.pkg, o.dir)
}

// rollbackArgs are the flags with which another process of ours does the same.
func (r *rollbackFlags) rollbackArgs() []string {
	var args []string
	if r.noRollback {
		args = append(args, "--no-rollback")
	}
	if r.allowRollback {
		args = append(args, "--allow-rollback")
	}
	return args
}
