package storetest

func outboxCases() map[string]func(*bench) { return nil }
