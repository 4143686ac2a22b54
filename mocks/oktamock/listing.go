package oktamock

import (
	"cmp"
	"encoding/base64"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"
)

// firstPage is a cursor that means the beginning; only the fault that repeats a page hands it out.
const firstPage = "first"

// stamp writes a time as Okta does.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// cursor hides a position, so that no client comes to compute one.
func cursor(position int32) string {
	return base64.RawURLEncoding.EncodeToString([]byte("200:" + strconv.Itoa(int(position))))
}

// position reads a cursor; 0 is the beginning.
func position(after string) (int32, bool) {
	if after == "" || after == firstPage {
		return 0, true
	}
	raw, err := base64.RawURLEncoding.DecodeString(after)
	number, ours := strings.CutPrefix(string(raw), "200:")
	n, errNumber := strconv.Atoi(number)
	return int32(n), err == nil && errNumber == nil && ours
}

// limit reads the page size. ok is false when it is no number.
func (c *call) limit(usual, most int) (n int, ok bool) {
	text := c.query.Get("limit")
	if text == "" {
		return usual, true
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return 0, false
	}
	if n == 0 {
		n = usual
	}
	return min(n, most), true
}

// sizes are the usual and the largest page of a list.
type sizes struct{ usual, most int }

// scan pages through the sequence numbers below end. show returns the wire form of one, nil to pass over it. The cost is
// that of the page, and of what was passed over.
func (c *call) scan(z sizes, end int32, show func(seq int32) any) *answer {
	return c.pageOf(z, show, func(from int32) iter.Seq[int32] {
		return func(yield func(int32) bool) {
			for seq := from; seq < end && yield(seq); seq++ {
			}
		}
	})
}

// scanSet pages through the members of a set, likewise.
func (c *call) scanSet(z sizes, members set, show func(seq int32) any) *answer {
	return c.pageOf(z, show, func(from int32) iter.Seq[int32] {
		start, _ := slices.BinarySearch(members, from)
		return slices.Values(members[start:])
	})
}

func (c *call) pageOf(z sizes, show func(seq int32) any, all func(from int32) iter.Seq[int32]) *answer {
	limit, okLimit := c.limit(z.usual, z.most)
	from, okCursor := position(c.query.Get("after"))
	if !okLimit {
		return c.invalid("limit", "limit: must be a number")
	}
	if !okCursor {
		return c.invalid("after", "after: invalid cursor")
	}
	p := &page{limit: limit}
	for seq := range all(from) {
		item := show(seq)
		if item == nil {
			continue
		}
		if len(p.items) == limit {
			p.next = cursor(seq)
			break
		}
		p.items = append(p.items, item)
	}
	return listing(p)
}

// sorted answers a search with sortBy: everything that matches in the order of an attribute, paged by offset.
func (c *call) sorted(z sizes, matching []searchable) *answer {
	by, sign := c.query.Get("sortBy"), 1
	if strings.EqualFold(c.query.Get("sortOrder"), "desc") {
		sign = -1
	}
	slices.SortStableFunc(matching, func(a, b searchable) int {
		return cmp.Or(sign*slices.Compare(a.get(by), b.get(by)), slices.Compare(a.get("id"), b.get("id")))
	})
	return c.scan(z, int32(len(matching)), func(i int32) any { return matching[i].wire() })
}

// searchable is an object that a search found.
type searchable struct {
	get  func(attribute string) []string
	wire func() any
}
