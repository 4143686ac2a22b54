package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

// The exit codes, as the README lists them.
const (
	exitDone    = 0
	exitFailed  = 1
	exitUsage   = 2 // wrong usage or configuration
	exitChanges = 3 // plan found something to do
	exitStopped = 4 // a hold or a guard stopped it
	exitInvalid = 5 // verification failed
)

// exitError ends the program with a code. Its cause may be nil when everything was said already.
type exitError struct {
	code  int
	cause error
}

// Error returns the cause's text.
func (e *exitError) Error() string {
	if e.cause == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.cause.Error()
}

// Unwrap returns the cause.
func (e *exitError) Unwrap() error { return e.cause }

// usage marks an error as wrong usage or configuration.
func usage(err error) error {
	if err == nil {
		return nil
	}
	return &exitError{code: exitUsage, cause: err}
}

// console is everything that the program has from its surroundings.
type console struct {
	In  io.Reader
	Out io.Writer
	Err io.Writer
	Env func(string) (string, bool)
}

// run is the whole program. It returns the exit code.
func run(ctx context.Context, args []string, c console) int {
	root := newRoot(c)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitDone
	}
	var exit *exitError
	if !errors.As(err, &exit) {
		fmt.Fprintf(c.Err, "sopd: %v\n", err)
		return exitFailed
	}
	if exit.cause != nil {
		fmt.Fprintf(c.Err, "sopd: %v\n", exit.cause)
	}
	return exit.code
}

func newRoot(c console) *cobra.Command {
	root := &cobra.Command{
		Use:   "sopd",
		Short: "Standard operating procedures as running controls",
		Long: "sopd keeps Okta group membership equal to what approved Jira tickets entitle, takes access away when people\n" +
			"leave, clocks every promise, and proves each thing it did by a change ID.\n\n" +
			"It is configured by environment variables (SOPD_…) and by policies in SOPD_POLICY_DIR. Nothing outside is\n" +
			"changed unless SOPD_WRITE=true.",
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.NoArgs,
		RunE:          help,
	}
	root.SetIn(c.In)
	root.SetOut(c.Out)
	root.SetErr(c.Err)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usage(err) })
	root.AddCommand(
		newRunCommand(c), newDemoCommand(c), newInitCommand(c), newCheckCommand(c), newPlanCommand(c), newExplainCommand(c),
		newHoldsCommand(c), newAdoptCommand(c), newKPICommand(c), newPolicyCommand(c), newVersionCommand(c),
		newEvidenceCommand(c), newKeysCommand(c), newReportCommand(c), newParkedCommand(c), newBackupCommand(c), newRestoreCommand(c),
	)
	wrapArgs(root)
	return root
}

// wrapArgs makes wrong arguments of every command a usage error.
func wrapArgs(cmd *cobra.Command) {
	if check := cmd.Args; check != nil {
		cmd.Args = func(cmd *cobra.Command, args []string) error { return usage(check(cmd, args)) }
	}
	for _, sub := range cmd.Commands() {
		wrapArgs(sub)
	}
}

// help is what a command does that only has commands below it. With a RunE, cobra refuses a word that is no command.
func help(cmd *cobra.Command, _ []string) error { return cmd.Help() }

// byDefault adds the command to its parent, and does it also when the parent is called alone.
func byDefault(parent, cmd *cobra.Command) {
	parent.AddCommand(cmd)
	parent.RunE = cmd.RunE
	parent.Flags().AddFlagSet(cmd.Flags())
}
