package jira

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/maisonrmi/sopd/internal/ticket"
)

type wireApproval struct {
	ID            string         `json:"id"`
	Name          string         `json:"name"`
	FinalDecision string         `json:"finalDecision"`
	Created       *wireDate      `json:"createdDate"`
	Completed     *wireDate      `json:"completedDate"`
	Approvers     []wireApprover `json:"approvers"`
}

type wireApprover struct {
	Approver wireUser `json:"approver"`
	Decision string   `json:"approverDecision"`
}

// Approvals returns every approval of a request, in Jira's order. An approval that cannot be understood fails the whole
// read: an unknown approver must never count.
//
// Errors: [access.ErrNotFound] also for a ticket that is no request; [access.ErrIncomplete]; [access.ErrMalformed].
//
// Source: Jira Service Management Cloud REST API, schema PagedDTOApprovalDTO.
func (t *Tickets) Approvals(ctx context.Context, key ticket.Key) ([]ticket.Approval, error) {
	out, err := t.readApprovals(ctx, key)
	if err != nil {
		return nil, fmt.Errorf("read approvals of %s: %w", key, err)
	}
	return out, nil
}

func (t *Tickets) readApprovals(ctx context.Context, key ticket.Key) ([]ticket.Approval, error) {
	if _, err := ticket.ParseKey(string(key)); err != nil {
		return nil, err
	}
	path := "rest/servicedeskapi/request/" + string(key) + "/approval"
	found, err := deskPages[json.RawMessage](ctx, t, path)
	if err != nil {
		return nil, err
	}
	var out []ticket.Approval
	for _, raw := range found {
		var w wireApproval
		if err := json.Unmarshal(raw, &w); err != nil {
			return nil, malformed("approval")
		}
		a, err := w.approval()
		if err != nil {
			return nil, err
		}
		a.Original = raw
		out = append(out, a)
	}
	return out, nil
}

func (w wireApproval) approval() (ticket.Approval, error) {
	decision, err := decisionOf(w.FinalDecision)
	if err != nil || w.ID == "" {
		return ticket.Approval{}, malformed("approval")
	}
	out := ticket.Approval{ID: ticket.ApprovalID(w.ID), Name: w.Name, Decision: decision}
	if out.Created, err = w.Created.time(); err != nil {
		return ticket.Approval{}, err
	}
	if out.Completed, err = w.Completed.time(); err != nil {
		return ticket.Approval{}, err
	}
	for _, a := range w.Approvers {
		person, err := a.Approver.person()
		if err != nil {
			return ticket.Approval{}, err
		}
		own, err := decisionOf(a.Decision)
		if err != nil {
			return ticket.Approval{}, err
		}
		out.Approvers = append(out.Approvers, ticket.Approver{Person: person, Decision: own})
	}
	return out, nil
}

func decisionOf(text string) (ticket.Decision, error) {
	switch d := ticket.Decision(text); d {
	case ticket.Pending, ticket.Approved, ticket.Declined:
		return d, nil
	}
	return "", malformed("decision")
}
