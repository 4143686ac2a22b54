// Command sopd turns standard operating procedures into running controls: it keeps Okta group membership equal to what
// approved tickets entitle, takes access away when people leave, and proves what it did.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	// The first signal asks the program to finish what it is doing; the second, no longer caught, ends it.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], console{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Env: os.LookupEnv}))
}
