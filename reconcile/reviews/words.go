package reviews

import (
	"fmt"
	"strings"
	"time"

	"github.com/maisonrmi/sopd/internal/review"
)

// What is said on the tickets of reviews stands in this file.

func asked(p review.Policy, r review.Review) string {
	return fmt.Sprintf(`You own systems whose access is reviewed. %d memberships are listed in the attached file and in a comment, each with a number.

Answer by a comment on this ticket, one line for each decision, with a word and the numbers:
* _certify 1, 2_ keeps these; _certify rest_ keeps everything that is still open and not named;
* _revoke 3, 5-7_ takes these away at once. Only numbers are accepted here.

A comment that cannot be understood as a whole decides nothing, and says so. Nobody decides about their own access. What is taken away comes back only by a new request.

Please answer by %s. The procedure is %s.`, len(r.Items), r.Due.UTC().Format("Mon 2 Jan 2006 15:04 UTC"), p.Policy)
}

func heard(decided []review.Item, r review.Review, problem string) string {
	if problem != "" {
		return "Nothing of the last answer was taken: " + problem + "."
	}
	var certified, revoked []int
	for _, i := range decided {
		if i.Decision == review.Revoked {
			revoked = append(revoked, i.Number)
		} else {
			certified = append(certified, i.Number)
		}
	}
	parts := []string{}
	if len(certified) > 0 {
		parts = append(parts, "kept: "+numbers(certified))
	}
	if len(revoked) > 0 {
		parts = append(parts, "to be taken away: "+numbers(revoked))
	}
	if len(parts) == 0 {
		parts = append(parts, "nothing new")
	}
	text := "Understood. " + strings.ToUpper(parts[0][:1]) + strings.Join(parts, "; ")[1:] + "."
	if open := r.Open(); len(open) > 0 {
		return text + fmt.Sprintf(" Still open: %s.", numbers(open))
	}
	return text + " Nothing is open any more."
}

func alteredText(decided []int) string {
	text := "A comment was changed after it had been read, and its new text decides nothing."
	if len(decided) > 0 {
		text += fmt.Sprintf(" What its first text decided stands, about %s.", numbers(decided))
	}
	return text + " Write a new comment instead."
}

func goneText(decided []int) string {
	return fmt.Sprintf("A comment that decided about %s was deleted. What it decided stands.", numbers(decided))
}

func through(r review.Review) string {
	count := make(map[review.Decision]int)
	for _, i := range r.Items {
		count[i.Decision]++
	}
	return fmt.Sprintf("This review is through: %d kept, %d taken away, %d had ended, %d were given anew by a ticket. The decisions are attached.",
		count[review.Certified], count[review.Revoked], count[review.Gone], count[review.Renewed])
}

func chased(r review.Review, overdue bool) string {
	due := r.Due.UTC().Format(time.RFC1123)
	if overdue {
		return fmt.Sprintf("These answers were due by %s. Still open: %s.", due, numbers(r.Open()))
	}
	return fmt.Sprintf("Please answer by %s. Still open: %s.", due, numbers(r.Open()))
}
