package okta_test

import (
	"testing"
	"time"

	"github.com/maisonrmi/sopd/connectors/conntest"
	"github.com/maisonrmi/sopd/mocks/oktamock"
)

// TestUsersAndEventsComeWithWhatOktaSent holds the originals against what went over the wire, byte by byte.
func TestUsersAndEventsComeWithWhatOktaSent(t *testing.T) {
	o := newOrg(t, oktamock.Config{})
	if err := o.Deactivate(string(o.admin), string(o.ben)); err != nil {
		t.Fatal(err)
	}
	r := conntest.Record(t, o.URL())
	options := o.options()
	options.URL = r.URL
	d := open(t, options)
	ben, err := d.User(t.Context(), o.ben)
	if err != nil || !r.Sent(ben.Original) {
		t.Errorf("the user is not what was sent: %s, %v", ben.Original, err)
	}
	events, _, err := d.Events(t.Context(), "", time.Now().Add(-time.Hour))
	if err != nil || len(events) == 0 {
		t.Fatalf("%d events, %v", len(events), err)
	}
	for _, e := range events {
		if !r.Sent(e.Original) {
			t.Errorf("an event is not what was sent: %s", e.Original)
		}
	}
	listed, err := d.AllUsers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range listed {
		if u.Original != nil {
			t.Error("a list of a million users should not be kept twice")
		}
	}
}
