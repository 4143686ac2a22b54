package main

import (
	"fmt"
	"os"

	"github.com/maisonrmi/sopd/policies"
	"github.com/spf13/cobra"
)

func newPolicyCommand(c console) *cobra.Command {
	cmd := &cobra.Command{Use: "policy", Short: "Work on policy files", Args: cobra.NoArgs, RunE: help}
	cmd.AddCommand(newPolicyLintCommand(c), newPolicyReplayCommand(c))
	return cmd
}

func newPolicyLintCommand(c console) *cobra.Command {
	return &cobra.Command{
		Use:   "lint [DIR]",
		Short: "Check a folder of policies without asking any vendor",
		Long: "Check a folder of policies, SOPD_POLICY_DIR without an argument. Every problem is printed with its file, line and\n" +
			"column, and the exit code is 2 when there is one. No vendor is asked; sopd check does that.",
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			dir := value(c, "SOPD_POLICY_DIR")
			if len(args) == 1 {
				dir = args[0]
			}
			if dir == "" {
				return usage(fmt.Errorf("name the folder, or set SOPD_POLICY_DIR"))
			}
			set, err := policies.Load(os.DirFS(dir))
			if err != nil {
				return usage(fmt.Errorf("the policies of %s are not sound:\n%w", dir, err))
			}
			_, err = fmt.Fprintf(c.Out, "sound: %d procedures, %d systems, %d groups, %d clocks, %d calendars\n",
				len(set.Documents), len(set.Catalog.Systems), len(set.Catalog.Groups), len(set.Clocks), len(set.Calendars))
			return err
		},
	}
}
