package storetest

func queueCases() map[string]func(*bench) { return nil }
