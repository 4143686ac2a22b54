package world

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// The tickets of a story are kept under nicknames, such as "payments", and everything here names them so.

// errNotYet says that something is not there because the program has not opened it. Nothing is done on it then, and nothing
// is seen of it.
var errNotYet = errors.New("world: not opened yet")

// awaits says that the program is to open what goes by the nicknames.
func awaits(nicks ...string) func(*World) error {
	return func(w *World) error {
		for _, nick := range nicks {
			w.Note("awaited "+nick, nick)
		}
		return nil
	}
}

// ticket returns the key of the story's ticket.
func (w *World) ticket(nick string) (Key, error) {
	key, ok := w.Noted("ticket " + nick)
	if _, awaited := w.Noted("awaited " + nick); !ok && awaited {
		return "", errNotYet
	}
	if !ok {
		return "", fmt.Errorf("%w ticket %q: the step that raises it was not played", ErrUnknown, nick)
	}
	return Key(key), nil
}

// requests raises an access request.
func requests(nick string, r AccessRequest) func(*World) error {
	return func(w *World) error { return w.keep(nick)(w.Request(r)) }
}

// revokes raises a request to take access away.
func revokes(nick string, r AccessRequest) func(*World) error {
	return func(w *World) error { return w.keep(nick)(w.Revoke(r)) }
}

func (w *World) keep(nick string) func(Key, error) error {
	return func(key Key, err error) error {
		w.Note("ticket "+nick, string(key))
		return err
	}
}

// onTicket does something with the story's ticket.
func onTicket(nick string, do func(*World, Key) error) func(*World) error {
	return func(w *World) error {
		key, err := w.ticket(nick)
		switch {
		case errors.Is(err, errNotYet):
			return nil
		case err != nil:
			return err
		default:
			return do(w, key)
		}
	}
}

func approves(as, nick string) func(*World) error {
	return onTicket(nick, func(w *World, key Key) error { return w.Approve(as, key) })
}

func validates(as, nick string) func(*World) error {
	return onTicket(nick, func(w *World, key Key) error { return w.Validate(as, key) })
}

func rates(as, nick string, rating int) func(*World) error {
	return onTicket(nick, func(w *World, key Key) error { return w.Rate(as, key, rating) })
}

func edits(as, nick, field string, value any) func(*World) error {
	return onTicket(nick, func(w *World, key Key) error { return w.EditField(as, key, field, value) })
}

// remembers keeps who is in which group, how many alerts are open, and which groups the people are in.
func remembers(people ...string) func(*World) error {
	return func(w *World) error {
		w.Remember("before")
		for _, short := range people {
			w.Note("groups of "+short, strings.Join(w.ManagedGroups(short), " "))
		}
		return nil
	}
}

// all does one thing after the other.
func all(deeds ...func(*World) error) func(*World) error {
	return func(w *World) error {
		for _, do := range deeds {
			if err := do(w); err != nil {
				return err
			}
		}
		return nil
	}
}

// throughout makes an expectation hold all the time.
func throughout(e Expectation) Expectation {
	e.Throughout = true
	return e
}

// called is how a story's person is written at the beginning of a sentence.
func called(short string) string { return strings.ToUpper(short[:1]) + short[1:] }

func inGroup(person, groupName string) Expectation {
	return Expectation{Name: fmt.Sprintf("%s is in %s", called(person), groupName), Held: func(w *World) (bool, error) {
		return w.InGroup(person, groupName), nil
	}}
}

func notInGroup(person, groupName string) Expectation {
	return Expectation{Name: fmt.Sprintf("%s is not in %s", called(person), groupName), Held: func(w *World) (bool, error) {
		return !w.InGroup(person, groupName), nil
	}}
}

func noManagedGroups(person string) Expectation {
	return Expectation{
		Name: called(person) + " is in no group any more that tickets decide about",
		Held: func(w *World) (bool, error) { return len(w.ManagedGroups(person)) == 0, nil },
	}
}

// sameGroups: the person is in what [remembers] kept of them.
func sameGroups(person string) Expectation {
	return Expectation{Name: called(person) + " keeps every group", Held: func(w *World) (bool, error) {
		before, ok := w.Noted("groups of " + person)
		if !ok {
			return false, fmt.Errorf("%w: the groups of %s were not remembered", ErrUnknown, person)
		}
		return before == strings.Join(w.ManagedGroups(person), " "), nil
	}}
}

func nobodyLost() Expectation {
	return Expectation{Name: "Nobody loses anything", Held: func(w *World) (bool, error) { return len(w.Lost("before")) == 0, nil }}
}

// somebodyPaged: more alerts are open than [remembers] kept.
func somebodyPaged() Expectation {
	return Expectation{Name: "Somebody is paged in Opsgenie", Held: func(w *World) (bool, error) { return w.Paged("before"), nil }}
}

func alertAbout(person, groupName string) Expectation {
	return Expectation{
		Name: fmt.Sprintf("An alert in Opsgenie is about %s and %s", called(person), groupName),
		Held: func(w *World) (bool, error) {
			return len(w.AlertsAbout(w.Person(person).OktaID, w.Group(groupName).ID)) > 0, nil
		},
	}
}

func notAlertedAbout(person, groupName string) Expectation {
	return Expectation{
		Name: fmt.Sprintf("No alert in Opsgenie is about %s and %s", called(person), groupName),
		Held: func(w *World) (bool, error) {
			return len(w.AlertsAbout(w.Person(person).OktaID, w.Group(groupName).ID)) == 0, nil
		},
	}
}

func signedOut(person string) Expectation {
	return Expectation{Name: called(person) + "'s Okta sessions are ended", Held: func(w *World) (bool, error) {
		return w.SessionsCleared(person), nil
	}}
}

func addedOnce(person, groupName string) Expectation {
	return Expectation{
		Name: fmt.Sprintf("Okta's log shows that %s was added to %s once", called(person), groupName),
		Held: func(w *World) (bool, error) { return w.Added(person, groupName) == 1, nil },
	}
}

// seen makes an expectation about the story's ticket.
func seen(nick, name string, held func(*World, Key) bool) Expectation {
	return Expectation{Name: name, Held: func(w *World) (bool, error) {
		key, err := w.ticket(nick)
		if errors.Is(err, errNotYet) {
			err = nil // and the key is that of no ticket
		}
		return err == nil && held(w, key), err
	}}
}

func hasStatus(nick, status string) Expectation {
	return seen(nick, fmt.Sprintf("The ticket stands at %q", status), func(w *World, key Key) bool { return w.Status(key) == status })
}

// namesChanges: the ticket names at least n different changes.
func namesChanges(nick string, n int) Expectation {
	name := "A comment on the ticket names the change by its ID (CHG-…)"
	if n > 1 {
		name = fmt.Sprintf("Comments on the ticket name %d changes by their IDs (CHG-…)", n)
	}
	return seen(nick, name, func(w *World, key Key) bool { return len(w.ChangeIDs(key)) >= n })
}

func namesNoChange(nick string) Expectation {
	return throughout(seen(nick, "No comment on the ticket names a change", func(w *World, key Key) bool { return len(w.ChangeIDs(key)) == 0 }))
}

// answered: one comment of the program holds all the words; any comment will do when there are none.
func answered(nick, name string, words ...string) Expectation {
	return seen(nick, name, func(w *World, key Key) bool {
		return slices.ContainsFunc(w.Answers(key), func(text string) bool {
			return !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(text, word) })
		})
	})
}

// evidenceSays: a file on the ticket holds the words.
func evidenceSays(nick string, words string) Expectation {
	return seen(nick, fmt.Sprintf("The evidence on the ticket says %q", words), func(w *World, key Key) bool {
		return slices.ContainsFunc(w.Attachments(key), func(f File) bool { return strings.Contains(string(f.Data), words) })
	})
}

func saysWhy(nick string) Expectation {
	return answered(nick, "A comment on the ticket says why nothing was done")
}

// namesGroupsOf: one comment names every group that [remembers] kept of the person.
func namesGroupsOf(nick, person string) Expectation {
	name := "A comment on the ticket names everything that was taken away, with change IDs"
	return seen(nick, name, func(w *World, key Key) bool {
		before, ok := w.Noted("groups of " + person)
		groups := strings.Fields(before)
		return ok && len(w.ChangeIDs(key)) >= len(groups) && slices.ContainsFunc(w.Answers(key), func(text string) bool {
			return !slices.ContainsFunc(groups, func(g string) bool { return !strings.Contains(text, g) })
		})
	})
}

func evidenceAttached(nick string) Expectation {
	return seen(nick, "The evidence is attached to the ticket", func(w *World, key Key) bool {
		ids := w.ChangeIDs(key)
		return len(ids) > 0 && slices.ContainsFunc(w.Attachments(key), func(f File) bool { return strings.Contains(string(f.Data), ids[0]) })
	})
}
