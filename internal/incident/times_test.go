package incident_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/maisonrmi/sopd/internal/incident"
	"github.com/maisonrmi/sopd/internal/paging"
)

func TestALogIsReadInAnyOrderAndWhatIsNotUnderstoodTellsNothing(t *testing.T) {
	at := func(minute int) time.Time { return time.Date(2026, 11, 2, 9, minute, 0, 0, time.UTC) }
	log := []paging.Entry{
		{Text: "Alert acknowledged via web", Created: at(5)}, {Text: "Alert ACKNOWLEDGED via iOS", Created: at(3)}, {Text: "Alert acknowledged via web", Created: at(9)},
		{Text: "Alert closed via system using policy/policies[old]", Created: at(40)}, {Text: "Alert closed via web", Created: at(20)},
		{Text: "Tags added via API [contained,escalated]", Created: at(12)}, {Text: "Added tag(s) [contained] via web", Created: at(14)},
		{Text: "Tag contained removed", Created: at(1)}, {Text: "Tags added [uncontained]", Created: at(2)}, {Text: "Will close alert automatically", Created: at(1)},
		{Text: "Note added: Alert acknowledged", Created: at(1)}, {Text: "", Created: at(1)}, {Text: "Alert closed via web"},
	}
	want := incident.Times{
		Acknowledged: at(3), Closed: at(40), Tagged: map[incident.Milestone]time.Time{incident.Contained: at(12), incident.Escalated: at(12)},
	}
	if diff := cmp.Diff(want, incident.ReadTimes(log)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if diff := cmp.Diff(incident.Times{}, incident.ReadTimes(nil)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
