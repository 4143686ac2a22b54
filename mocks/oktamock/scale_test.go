package oktamock_test

import (
	"fmt"
	"testing"

	"github.com/maisonrmi/sopd/mocks/oktamock"
)

// BenchmarkPageOfALargeGroup reads a page from the middle of a group of fifty thousand, in an org of as many users.
func BenchmarkPageOfALargeGroup(b *testing.B) {
	s := org(b, oktamock.Config{})
	group := s.AddGroup(oktamock.Group{Name: "app-everything"})
	for i := range 50_000 {
		s.Place(group, s.AddUser(oktamock.User{Login: fmt.Sprintf("p%d@example.com", i)}))
	}
	path := "/api/v1/groups/" + group + "/users?limit=200"
	for range 100 {
		path = next(get(b, s, path, nil))
	}
	for b.Loop() {
		get(b, s, path, nil)
	}
}
