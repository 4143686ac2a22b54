package oktamock

import "fmt"

// DropHooks takes back every event hook. What is under way is still delivered.
func (s *Server) DropHooks() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range s.hookList {
		h.gone = true
	}
}

// DeactivateAll is an admin deactivating many users in one go, as a faulty import does: nobody sees some of them
// deactivated and others not yet.
//
// Errors: [ErrUnknown], and nobody is deactivated.
func (s *Server) DeactivateAll(adminID string, userIDs ...string) error {
	return s.act(adminID, adminID, func(by Actor, _ *user) error {
		all := make([]*user, 0, len(userIDs))
		for _, id := range userIDs {
			u := s.users.find(id)
			if u == nil {
				return fmt.Errorf("%w: user %q", ErrUnknown, id)
			}
			all = append(all, u)
		}
		for _, u := range all {
			s.deactivate(by, u)
		}
		return nil
	})
}
