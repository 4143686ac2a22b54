package storetest

func personCases() map[string]func(*bench) { return nil }
