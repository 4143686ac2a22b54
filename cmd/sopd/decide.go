package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/hold"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/policies"
	"github.com/spf13/cobra"
)

// A hold is made by sopd and decided by a person. Who that is, the operating system says: an account that somebody has signed
// in to on the machine that holds the store. Policies say whose account it is in Okta, and with that nobody lets through what
// they have caused themselves.

// verdict is one of the things that a person may say to a hold.
type verdict struct {
	verb, short string
	apply       func(*hold.Hold, decision) (ledger.Kind, error)
}

// decision is what a person says to a hold.
type decision struct {
	account string                   // the operating system's
	people  map[string]access.UserID // who may decide, by account; empty: whoever can
	reason  string
	now     time.Time
}

func newHoldDecision(c console, v verdict) *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use: v.verb + " HOLD --reason TEXT", Short: v.short, Args: cobra.ExactArgs(1),
		Long: v.short + ".\n\nThe account that you signed in to on this machine is recorded with the reason; sudo does not change it. Where the\n" +
			"policies name holdApprovers, only those accounts may decide, and none lets through a plan that its owner has caused.",
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := hold.ParseID(args[0])
			if err != nil {
				return usage(err)
			}
			if len([]rune(reason)) < 10 {
				return usage(errors.New("--reason: say in a sentence why; it is kept for the auditors"))
			}
			d := decision{reason: reason}
			if d.people, err = holdApprovers(c); err != nil {
				return err
			}
			if d.account, err = signedIn(); err != nil {
				return err
			}
			h, err := decideHold(cmd, c, id, v, d)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(c.Out, "%s: %s recorded for %s\n", id, v.verb, by(h))
			return err
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why, in a sentence")
	return cmd
}

// by returns who decided.
func by(h hold.Hold) string {
	if h.CancelledBy != "" {
		return h.CancelledBy
	}
	return h.ApprovedBy
}

// holdApprovers returns who may decide about holds, as the policies say.
func holdApprovers(c console) (map[string]access.UserID, error) {
	dir := value(c, "SOPD_POLICY_DIR")
	if dir == "" {
		return nil, usage(errors.New("SOPD_POLICY_DIR is missing; name the folder of your policies: they say who may decide about a hold"))
	}
	set, err := policies.Load(os.DirFS(dir))
	if err != nil {
		return nil, usage(fmt.Errorf("the policies of %s are not sound:\n%w", dir, err))
	}
	return set.HoldApprovers, nil
}

func decideHold(cmd *cobra.Command, c console, id hold.ID, v verdict, d decision) (hold.Hold, error) {
	s, err := openStore(cmd.Context(), c)
	if err != nil {
		return hold.Hold{}, err
	}
	defer s.Close()
	d.now = s.Now()
	var h hold.Hold
	err = s.Write(cmd.Context(), func(tx *store.Tx) error {
		if h, err = findHold(tx, id); err != nil {
			return err
		}
		kind, err := v.apply(&h, d)
		if err != nil {
			return err
		}
		if err := tx.PutHold(h); err != nil {
			return err
		}
		_, err = tx.Append(ledger.Entry{Kind: kind, At: d.now, Body: h})
		return err
	})
	return h, err
}

// approveHold lets the plan through.
func approveHold(h *hold.Hold, d decision) (ledger.Kind, error) {
	if err := decidable(*h, hold.Approved, d.now); err != nil {
		return "", err
	}
	name, user, err := d.who()
	if err != nil {
		return "", err
	}
	if h.RequestedBy != "" && h.RequestedBy == d.account {
		return "", stopped("hold %s was asked for by %s; somebody else has to approve it", h.ID, d.account)
	}
	if user != "" && slices.Contains(h.Causes, user) {
		return "", stopped("hold %s: you have caused this plan yourself; somebody else has to look at it", h.ID)
	}
	h.State, h.ApprovedBy, h.Approved, h.Reason = hold.Approved, name, d.now, d.reason
	return ledger.HoldApproved, nil
}

// cancelHold throws the plan away. Whoever has caused it may.
func cancelHold(h *hold.Hold, d decision) (ledger.Kind, error) {
	if err := decidable(*h, hold.Cancelled, d.now); err != nil {
		return "", err
	}
	name, _, err := d.who()
	if err != nil {
		return "", err
	}
	h.State, h.CancelledBy, h.Cancelled, h.Reason = hold.Cancelled, name, d.now, d.reason
	return ledger.HoldCancelled, nil
}

func decidable(h hold.Hold, next hold.State, now time.Time) error {
	switch {
	case !h.State.CanBecome(next):
		return stopped("hold %s is %s; it cannot become %s", h.ID, h.State, next)
	case !now.Before(h.Expires):
		return stopped("hold %s has expired; when the plan still stands, the next pass makes a new one", h.ID)
	default:
		return nil
	}
}

// who returns the person as the hold records them, and their Okta user where the policies name it.
func (d decision) who() (name string, user access.UserID, err error) {
	if len(d.people) == 0 {
		return d.account, "", nil
	}
	user, named := d.people[d.account]
	if !named {
		return "", "", stopped("account %s is not among the holdApprovers of the policies", d.account)
	}
	return d.account + " (" + string(user) + ")", user, nil
}

func stopped(format string, args ...any) error {
	return &exitError{code: exitStopped, cause: fmt.Errorf(format, args...)}
}
