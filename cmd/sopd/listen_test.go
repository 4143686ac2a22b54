package main

import (
	"net"
	"strings"
	"testing"
)

func TestAnAddressThatCannotBeListenedOnIsToldWithItsCause(t *testing.T) {
	taken, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for address, want := range map[string]string{
		taken.Addr().String():     "another program listens on " + taken.Addr().String(),
		"192.0.2.1:9464":          "this machine has no address 192.0.2.1:9464",
		"127.0.0.1":               "write HOST:PORT",
		"127.0.0.1:not-a-service": "write HOST:PORT",
	} {
		l, err := listen(t.Context(), address)
		if err == nil {
			_ = l.Close()
			t.Errorf("%s is listened on", address)
			continue
		}
		if text := err.Error(); !strings.HasPrefix(text, "SOPD_LISTEN: ") || !strings.Contains(text, want) {
			t.Errorf("%s: %s; want %s", address, text, want)
		}
	}
}
