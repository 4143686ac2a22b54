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
	if len(set.SOPs) != 6 || len(set.Documents) != 19 || len(set.Clocks) != 26 || len(set.Birthrights) != 1 {
		t.Errorf("%d access procedures, %d procedures, %d clocks, %d birthrights", len(set.SOPs), len(set.Documents), len(set.Clocks), len(set.Birthrights))
	}
}
