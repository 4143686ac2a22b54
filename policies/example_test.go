package policies_test

import (
	"os"
	"testing"

	"github.com/maisonrmi/sopd/policies"
)

func TestTheExampleFolderIsSound(t *testing.T) {
	set, err := policies.Load(os.DirFS("example"))
	if err != nil {
		t.Fatal(err)
	}
	if len(set.SOPs) != 4 || len(set.Documents) != 15 || len(set.Clocks) != 23 {
		t.Errorf("%d access procedures, %d procedures, %d clocks", len(set.SOPs), len(set.Documents), len(set.Clocks))
	}
}
