package crashtest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/maisonrmi/sopd/connectors/okta"
	"github.com/maisonrmi/sopd/connectors/transport"
	vocabulary "github.com/maisonrmi/sopd/internal/access"
	"github.com/maisonrmi/sopd/internal/change"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/secret"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/maisonrmi/sopd/internal/ticket"
	"github.com/maisonrmi/sopd/mocks/oktamock"
	"github.com/maisonrmi/sopd/mocks/world"
	"github.com/maisonrmi/sopd/policies"
	"github.com/maisonrmi/sopd/reconcile/rules"
	"github.com/prometheus/client_golang/prometheus"
)

// jury looks at what is left when the program has been stopped.
type jury struct {
	t     *testing.T
	world *world.World
	set   *policies.Set
	truth rules.Truth
}

// convene looks at the vendors from behind.
func convene(t *testing.T, s *site) *jury {
	t.Helper()
	set, err := policies.Load(os.DirFS(s.env["SOPD_POLICY_DIR"]))
	if err != nil {
		t.Fatal(err)
	}
	j := &jury{t: t, world: s.world, set: set}
	j.truth = rules.Truth{
		At: time.Now(), Actor: s.world.Okta.TokenOwner(), Fed: make(map[vocabulary.GroupID]time.Time),
		Members: make(map[vocabulary.GroupID][]vocabulary.UserID), Comments: make(map[ticket.Key][]ticket.Comment),
	}
	j.groups()
	j.people()
	for _, e := range s.world.Okta.Log() {
		j.truth.Events = append(j.truth.Events, eventOf(e))
	}
	for _, key := range s.world.Jira.Issues() {
		for _, c := range s.world.Jira.Comments(key) {
			said := ticket.Comment{Author: ticket.AccountID(c.By), Body: c.Body, Created: c.At, Public: c.Public}
			j.truth.Comments[ticket.Key(key)] = append(j.truth.Comments[ticket.Key(key)], said)
		}
	}
	return j
}

// groups are read through the connector: what kind of group is whose.
func (j *jury) groups() {
	directory, err := okta.New(okta.Options{
		URL: j.world.Okta.URL(), Token: secret.New(j.world.Okta.Token()), CanaryUser: j.set.Canaries.User, CanaryGroup: j.set.Canaries.Group,
		Transport: transport.Options{Logger: slog.New(slog.DiscardHandler), Metrics: transport.NewMetrics(prometheus.NewRegistry()), Version: "test"},
	})
	if err != nil {
		j.t.Fatal(err)
	}
	if j.truth.Groups, err = directory.Groups(j.t.Context()); err != nil {
		j.t.Fatal(err)
	}
	active, err := directory.Rules(j.t.Context())
	if err != nil {
		j.t.Fatal(err)
	}
	for _, rule := range active {
		for _, g := range rule.Groups {
			if rule.Active {
				j.truth.Fed[g] = time.Time{}
			}
		}
	}
}

func (j *jury) people() {
	known := make(map[string]bool)
	for _, g := range j.truth.Groups {
		for _, id := range j.world.Okta.Members(string(g.ID)) {
			j.truth.Members[g.ID] = append(j.truth.Members[g.ID], vocabulary.UserID(id))
			known[id] = true
		}
	}
	for id := range known {
		if u, ok := j.world.Okta.User(id); ok {
			j.truth.Users = append(j.truth.Users, vocabulary.User{
				ID: vocabulary.UserID(id), Login: u.Login, Email: u.Login, Name: u.FirstName + " " + u.LastName,
				Status: vocabulary.UserStatus(u.Status), StatusChanged: u.StatusChanged, Profile: texts(u.Profile),
			})
		}
	}
}

// texts returns the attributes that are texts: some hide their address in Jira, and are told by the account in their profile.
func texts(profile map[string]any) map[string]string {
	out := make(map[string]string, len(profile))
	for name, v := range profile {
		if text, ok := v.(string); ok {
			out[name] = text
		}
	}
	return out
}

func eventOf(e oktamock.Event) vocabulary.Event {
	out := vocabulary.Event{
		ID: vocabulary.EventID(e.UUID), Published: e.Published, Type: e.Type, Actor: vocabulary.Actor{ID: e.Actor.ID, Type: e.Actor.Type},
		Succeeded: e.Result == "SUCCESS", Reason: e.Reason, Transaction: e.Transaction,
	}
	for _, target := range e.Targets {
		switch target.Type {
		case "User":
			out.Users = append(out.Users, vocabulary.UserID(target.ID))
		case "UserGroup":
			out.Groups = append(out.Groups, vocabulary.GroupID(target.ID))
		}
	}
	return out
}

// judge holds the store against the vendors, the rules, and the webhooks that were answered.
func (j *jury) judge(s *store.Store, passed []seen) {
	j.t.Helper()
	err := s.Read(context.WithoutCancel(j.t.Context()), func(tx *store.Tx) error {
		found, err := rules.Check(tx, j.truth, j.set)
		if err != nil {
			return err
		}
		if broken := rules.Broken(found); broken != "" {
			j.t.Errorf("rules broken:\n%s", broken)
		}
		for _, step := range []func(*store.Tx) error{j.onceInOkta, j.onceInTheLedger, j.onceOnTheTickets, j.nothingLeft} {
			if err := step(tx); err != nil {
				return err
			}
		}
		return j.accountedFor(tx, passed)
	})
	if err != nil {
		j.t.Error(err)
	}
}

// deed is something that is done to somebody.
type deed struct {
	kind  change.Kind
	user  vocabulary.UserID
	group vocabulary.GroupID
}

// onceInOkta: Okta's log shows as many deeds of the program as there are confirmed changes, each to the same person and group.
func (j *jury) onceInOkta(tx *store.Tx) error {
	kinds := map[string]change.Kind{
		"group.user_membership.add": change.AddMember, "group.user_membership.remove": change.RemoveMember,
		"user.session.clear": change.ClearSessions, "user.lifecycle.suspend": change.Suspend,
	}
	balance := make(map[deed]int)
	shown := 0
	for _, e := range j.truth.Events {
		kind, ours := kinds[e.Type]
		if !ours || e.Actor.ID != j.truth.Actor || !e.Succeeded {
			continue
		}
		d := deed{kind: kind, user: e.Users[0]}
		if len(e.Groups) > 0 {
			d.group = e.Groups[0]
		}
		balance[d]++
		shown++
	}
	changes, err := tx.ChangesSince(time.Time{})
	if err != nil {
		return err
	}
	for _, c := range changes {
		if c.State == change.Confirmed {
			balance[deed{c.Kind, c.User, c.Group}]--
		}
	}
	for d, n := range balance {
		if n != 0 {
			j.t.Errorf("Okta's log shows %s of %s in %q %+d times beside the confirmed changes", d.kind, d.user, d.group, n)
		}
	}
	j.t.Logf("%d changes, %d deeds in Okta's log", len(changes), shown)
	return nil
}

// onceInTheLedger: each change was intended once and came to one end.
func (j *jury) onceInTheLedger(tx *store.Tx) error {
	changes, err := tx.ChangesSince(time.Time{})
	if err != nil {
		return err
	}
	for _, c := range changes {
		records, err := tx.RecordsByChange(c.ID)
		if err != nil {
			return err
		}
		counts := make(map[ledger.Kind]int)
		for _, r := range records {
			counts[r.Kind]++
		}
		ends := counts[ledger.ChangeConfirmed] + counts[ledger.ChangeRefused]
		if counts[ledger.ChangeIntended] != 1 || ends != 1 || !c.State.Settled() {
			j.t.Errorf("%s is %s and has the records %v", c.ID, c.State, counts)
		}
	}
	return nil
}

// onceOnTheTickets: what was to be said stands there once, nothing else, and the same for files.
func (j *jury) onceOnTheTickets(tx *store.Tx) error {
	for _, key := range j.world.Jira.Issues() {
		effects, err := tx.EffectsByTicket(ticket.Key(key))
		if err != nil {
			return err
		}
		said, files := j.world.Answers(key), j.world.Attachments(key)
		for _, e := range effects {
			switch e.Kind {
			case change.Comment:
				n := len(slices.DeleteFunc(slices.Clone(said), func(text string) bool { return !sameStart(text, e.Body) }))
				if n != 1 {
					j.t.Errorf("%s: %s was said %d times", key, e.Key, n)
				}
			case change.Attach:
				n := len(slices.DeleteFunc(slices.Clone(files), func(f world.File) bool { return f.Name != e.Name }))
				if n != 1 {
					j.t.Errorf("%s: %s was attached %d times", key, e.Key, n)
				}
			default: // a status may have moved on since
			}
			if e.Done.IsZero() {
				j.t.Errorf("%s: %s is not told: %d attempts, %s", key, e.Key, e.Attempts, e.Error)
			}
		}
		told := slices.DeleteFunc(effects, func(e change.Effect) bool { return e.Kind != change.Comment })
		if len(effects) > 0 && len(said) != len(told) {
			j.t.Errorf("%s: %d comments for %d things to be said:\n%s", key, len(said), len(told), strings.Join(said, "\n--\n"))
		}
	}
	return nil
}

// sameStart compares texts as far as Jira leaves them as they are.
func sameStart(a, b string) bool { return strings.TrimSpace(a) == strings.TrimSpace(b) }

// nothingLeft: nobody waits for anything any more.
func (j *jury) nothingLeft(tx *store.Tx) error {
	open, err := tx.Unsettled()
	if err != nil {
		return err
	}
	for _, c := range open {
		j.t.Errorf("%s is still %s", c.ID, c.State)
	}
	holds, err := tx.Holds()
	for _, h := range holds {
		j.t.Errorf("a plan was held: %s", strings.Join(h.Reasons, ", "))
	}
	return err
}

// accountedFor: each webhook that was answered with 2xx is in the store, word for word, once.
func (j *jury) accountedFor(tx *store.Tx, passed []seen) error {
	answered := 0
	for _, s := range passed {
		source, id := delivery(s)
		if s.gate != "webhook" || s.method != "POST" || s.status/100 != 2 {
			continue
		}
		answered++
		d, found, err := tx.Delivery(source, id)
		if err != nil {
			return err
		}
		if !found {
			j.t.Errorf("the %s webhook %s was answered with %d and is not in the store", source, id, s.status)
		} else if string(d.Body) != string(s.body) {
			j.t.Errorf("the %s webhook %s is in the store with another body", source, id)
		}
	}
	j.t.Logf("%d webhooks answered", answered)
	if answered == 0 {
		j.t.Error("no webhook was answered: nothing was tested")
	}
	return nil
}

// delivery returns by which a webhook is known in the store: the vendor's own key, or a hash of what tells it from others.
func delivery(s seen) (source, id string) {
	source = strings.TrimPrefix(s.path, "/webhooks/")
	var body struct {
		ID     string `json:"eventId"`
		Action string `json:"action"`
		Alert  struct {
			ID      string      `json:"alertId"`
			Updated json.Number `json:"updatedAt"`
		} `json:"alert"`
	}
	switch {
	case source == "jira":
		return source, s.header.Get("X-Atlassian-Webhook-Identifier")
	case json.Unmarshal(s.body, &body) != nil:
		return source, "not understood"
	case source == "okta":
		return source, body.ID
	default:
		parts := body.Action + "\x00" + body.Alert.ID + "\x00" + body.Alert.Updated.String() + "\x00"
		hash := sha256.Sum256([]byte(parts))
		return source, "sha256-" + hex.EncodeToString(hash[:])
	}
}

// describe names a request for the log.
func describe(s seen) string { return fmt.Sprintf("%s %s %s (%d)", s.gate, s.method, s.path, s.status) }
