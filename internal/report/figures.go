package report

import (
	"fmt"
	"time"

	"github.com/maisonrmi/sopd/internal/kpi"
)

// The facts of a request, as package reconcile records them.
const (
	factRequested   = "request.requested"
	factApproved    = "request.approved"
	factProvisioned = "request.provisioned"
)

// figures computes what the operations review asks for.
func (m *maker) figures(facts []kpi.Fact) []Figure {
	requested, approved, provisioned := byName(facts, factRequested), byName(facts, factApproved), byName(facts, factProvisioned)
	var waits []float64
	given, done := 0, 0
	for subject, at := range approved {
		if !m.options.Period.in(at) {
			continue
		}
		given++
		if _, ok := provisioned[subject]; ok {
			done++
		}
		if asked, ok := requested[subject]; ok && !at.Before(asked) {
			waits = append(waits, at.Sub(asked).Seconds())
		}
	}
	met, due := 0, 0
	for _, p := range m.report.Promises {
		met, due = met+p.Met, due+p.Met+p.Breached+p.Overdue
	}
	tickets := 0
	for _, c := range m.report.Volume {
		tickets += c.N
	}
	wait := "-"
	if len(waits) > 0 {
		wait = short(time.Duration(mean(waits) * float64(time.Second)))
	}
	satisfaction := "-"
	if len(m.rated) > 0 {
		satisfaction = fmt.Sprintf("%.1f", mean(m.rated))
	}
	return []Figure{
		{"average approval time", wait, "from the request to its last approval, over requests approved in the period"},
		{"self-service rate", percent(done, given), "share of the requests approved in the period whose access sopd has given, without anybody's hand in Okta"},
		{"policy compliance rate", percent(met, due), "share of the promises due in the period that were kept, those past due counted as broken"},
		{"ticket volume", fmt.Sprint(tickets), "tickets raised in the period in the projects that sopd reads"},
		{"satisfaction", satisfaction, "mean of the field whose name holds \"satisfaction\", over tickets raised in the period that carry it"},
	}
}

// byName returns when the fact first happened, by subject.
func byName(facts []kpi.Fact, name string) map[string]time.Time {
	first := make(map[string]time.Time)
	for _, f := range facts {
		if at, known := first[f.Subject]; f.Name == name && (!known || f.At.Before(at)) {
			first[f.Subject] = f.At
		}
	}
	return first
}

func mean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}

// percent is a share for people; "-" of nothing.
func percent(part, total int) string {
	if total == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f %%", 100*float64(part)/float64(total))
}
