package storetest

func changeCases() map[string]func(*bench) { return nil }
