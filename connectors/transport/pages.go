package transport

import (
	"fmt"

	"github.com/maisonrmi/sopd/internal/access"
)

// defaultMaxPages is far beyond any real list (10 million users at 200 a page is 50,000) and ends a loop in minutes.
const defaultMaxPages = 50_000

// Pages guards a paged read against a vendor, or a proxy before it, that never stops handing out pages. The zero Pages
// is ready for one read.
type Pages struct {
	// Max is how many further pages may be read; 0 = 50,000.
	Max  int
	seen map[string]bool
}

// Next is asked before each further page, with the cursor that leads to it.
//
// Errors: [access.ErrIncomplete] when the cursor was used before in this read, or more than Max pages were read. The
// read has then failed as a whole.
func (p *Pages) Next(cursor string) error {
	if p.seen[cursor] {
		return fmt.Errorf("page cursor repeats: %w", access.ErrIncomplete)
	}
	limit := p.Max
	orDefault(&limit, defaultMaxPages)
	if len(p.seen) >= limit {
		return fmt.Errorf("more than %d pages: %w", limit, access.ErrIncomplete)
	}
	if p.seen == nil {
		p.seen = map[string]bool{}
	}
	p.seen[cursor] = true
	return nil
}
