package main

import (
	"fmt"
	"os"
	"os/user"
	"strconv"
	"strings"
)

const (
	// loginUID is where Linux keeps the account that a session was signed in with. sudo and su do not change it, and once set
	// only a process with CAP_AUDIT_CONTROL can. Source: Linux 6.12, fs/proc/base.c, proc_loginuid_write; pam_loginuid(8).
	loginUID = "/proc/self/loginuid"
	// noLogin is what stands there when nobody has signed in: (uid_t)-1.
	noLogin = "4294967295"
)

// signedIn returns the account of the operating system that somebody has signed in to: with sudo it is still the person and
// not whom they run as. Where nobody has signed in, it is the account of this process; where that has no name, as in a
// container, its number.
//
// Errors: when the account that signed in has no name any more, for then nobody could say who it was.
func signedIn() (string, error) { return account(loginUID) }

func account(path string) (string, error) {
	// Without the file the kernel keeps no such account.
	if text, err := os.ReadFile(path); err == nil {
		if id := strings.TrimSpace(string(text)); id != noLogin && id != "" {
			person, err := user.LookupId(id)
			if err != nil {
				return "", fmt.Errorf("finding out who you are: account %s, which signed in, has no name", id)
			}
			return person.Username, nil
		}
	}
	id := strconv.Itoa(os.Getuid())
	if person, err := user.LookupId(id); err == nil {
		return person.Username, nil
	}
	return id, nil
}
