package opsgeniemock

// SetWebhook makes h the only receiver of what happens from now on.
func (s *Server) SetWebhook(h Webhook) {
	s.hooks.mu.Lock()
	defer s.hooks.mu.Unlock()
	s.hooks.hooks = []Webhook{h}
}
