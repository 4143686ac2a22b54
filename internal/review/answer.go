package review

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/maisonrmi/sopd/internal/access"
)

// Answer is what a comment decides: numbers of items. Only what [Parse] accepted whole decides anything.
type Answer struct {
	Certify []int // sorted
	Revoke  []int // sorted
}

// Parse reads a comment. Lines that begin with "certify" or "revoke" decide, any others are talk:
//
//	revoke 3, 5-7
//	certify 1 2
//	certify rest
//
// found is false for a comment that says neither of the two words. What is wrong is said in a sentence for the ticket, and then nothing of
// the comment counts. "rest" is what is open and not named in the comment; it can be certified only: who has access taken
// away is always named.
func Parse(body string, r Review) (a Answer, found bool, problem string) {
	certify, revoke, rest := map[int]bool{}, map[int]bool{}, false
	mentioned := false
	for line := range strings.Lines(body) {
		words := fields(line)
		if len(words) == 0 || words[0] != "certify" && words[0] != "revoke" {
			mentioned = mentioned || slices.Contains(words, "certify") || slices.Contains(words, "revoke")
			continue
		}
		found = true
		if len(words) == 1 {
			return Answer{}, true, fmt.Sprintf("%q names no numbers; write for example: %s 3, 5-7", words[0], words[0])
		}
		into := certify
		if words[0] == "revoke" {
			into = revoke
		}
		for _, word := range words[1:] {
			switch {
			case (word == "rest" || word == "all") && words[0] == "revoke":
				return Answer{}, true, "to revoke, name the numbers; only certify takes rest"
			case word == "rest" || word == "all":
				rest = true
			default:
				if problem := number(word, r, into); problem != "" {
					return Answer{}, true, problem
				}
			}
		}
	}
	if !found && mentioned {
		return Answer{}, true, "a line that decides begins with certify or revoke and goes on with numbers"
	}
	for n := range certify {
		if revoke[n] {
			return Answer{}, true, fmt.Sprintf("number %d is both certified and revoked; write which", n)
		}
	}
	if rest {
		for _, n := range r.Open() {
			if !revoke[n] {
				certify[n] = true
			}
		}
	}
	return Answer{Certify: sorted(certify), Revoke: sorted(revoke)}, found, ""
}

// fields parts a line into words in small letters. Markup, commas, colons, and full stops at the end are as spaces.
func fields(line string) []string {
	line = strings.NewReplacer(",", " ", ";", " ", ":", " ", "*", " ", "_", " ", "•", " ", ">", " ").Replace(strings.ToLower(line))
	line = strings.TrimLeft(strings.TrimSpace(line), "- ")
	return strings.Fields(strings.TrimRight(line, ".! "))
}

// number reads "3" or "3-7" into the set.
func number(word string, r Review, into map[int]bool) (problem string) {
	first, last, isRange := strings.Cut(strings.TrimPrefix(word, "#"), "-")
	from, err := strconv.Atoi(first)
	to := from
	if err == nil && isRange {
		to, err = strconv.Atoi(last)
	}
	switch {
	case err != nil:
		return fmt.Sprintf("%q is no number of the list; write for example: certify 1, 2 or certify rest", word)
	case from < 1 || to > len(r.Items) || from > to:
		return fmt.Sprintf("%q is not in the list, which goes from 1 to %d", word, len(r.Items))
	}
	for n := from; n <= to; n++ {
		into[n] = true
	}
	return ""
}

func sorted(set map[int]bool) []int {
	var all []int
	for n := range set {
		all = append(all, n)
	}
	slices.Sort(all)
	return all
}

// Word is an answer with who gave it, where and when.
type Word struct {
	Answer
	By      access.UserID
	Comment string // its ID
	At      time.Time
}

// Apply returns the review with the word's decisions, those that are new, and a sentence on what is not accepted. may says
// whether the person may decide about the item. A word counts whole or not at all. What was revoked stays revoked: it may
// be gone already, and coming back takes a ticket. What ended or was renewed meanwhile is left as it is.
func (r Review) Apply(w Word, may func(Item) bool) (after Review, decided []Item, problem string) {
	after = r
	after.Items = slices.Clone(r.Items)
	for _, side := range []struct {
		numbers  []int
		decision Decision
	}{{w.Revoke, Revoked}, {w.Certify, Certified}} {
		for _, n := range side.numbers {
			item := &after.Items[n-1]
			switch {
			case item.Decision == Gone || item.Decision == Renewed || item.Decision == side.decision:
				continue
			case item.Decision == Revoked:
				return r, nil, fmt.Sprintf("number %d was revoked already; a new request gives the access back", n)
			case !may(*item):
				return r, nil, fmt.Sprintf("number %d is not yours to decide: an owner of %s has to who is active and is somebody else", n, item.System)
			}
			item.Decision, item.Decided, item.By, item.Comment = side.decision, w.At, w.By, w.Comment
			decided = append(decided, *item)
		}
	}
	return after, decided, ""
}

// Observed returns the review with what became of its memberships since: present says whether one is there, renewed whether
// a ticket approved after the instant gave it. A membership that cannot be told about stays as it is.
func (r Review) Observed(now time.Time, present func(access.Membership) (there, known bool), renewed func(access.Membership, time.Time) bool) Review {
	after := r
	after.Items = slices.Clone(r.Items)
	for i := range after.Items {
		item := &after.Items[i]
		there, known := present(item.Membership())
		switch {
		case !known:
		case item.Decision == Undecided && !there:
			item.Decision, item.Decided = Gone, now
		case item.Decision == Undecided && renewed(item.Membership(), r.Opened):
			item.Decision, item.Decided = Renewed, now
		case item.Decision == Revoked && (!there || renewed(item.Membership(), item.Decided)):
			item.Removed = true
		}
	}
	return after
}
