package deploy_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestSopdctlSaysWhatToDoWithoutRoot(t *testing.T) {
	stubs := t.TempDir()
	if err := os.WriteFile(filepath.Join(stubs, "id"), []byte("#!/bin/sh\necho 1000\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program(t, "sh"), "package/sopdctl", "holds", "list")
	cmd.Env = []string{"PATH=" + stubs + ":/usr/bin:/bin"}
	out, err := cmd.CombinedOutput()
	var ended *exec.ExitError
	if !errors.As(err, &ended) || ended.ExitCode() != 2 || !strings.Contains(string(out), "write: sudo sopdctl holds list") {
		t.Errorf("%v: %s", err, out)
	}
}

func TestSopdctlRunsWithWhatTheUnitHas(t *testing.T) {
	unit, script := read(t, "systemd/sopd.service"), read(t, "package/sopdctl")
	named := 0
	for _, path := range found(unit, `(?m)^(?:ExecStart|EnvironmentFile|LoadCredential)=(?:secrets:)?(/\S+)`) {
		if named++; !strings.Contains(script, path) {
			t.Errorf("%s is the unit's and not the script's", path)
		}
	}
	// What stands in the packaged configuration and the documents.
	for _, file := range []string{"package/sopd.env", "../docs/install.md"} {
		for _, path := range found(read(t, file), `_FILE=(/\S+)/secrets_`) {
			if named++; !strings.Contains(script, path) {
				t.Errorf("%s of %s is not where the script puts secrets", path, file)
			}
		}
	}
	if named < 8 {
		t.Errorf("only %d paths were looked at", named)
	}
}
