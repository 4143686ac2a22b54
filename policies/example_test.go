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
	if len(set.SOPs) != 5 || len(set.Documents) != 17 || len(set.Clocks) != 18 || len(set.Birthrights) != 1 {
		t.Errorf("%d access procedures, %d procedures, %d clocks, %d birthrights", len(set.SOPs), len(set.Documents), len(set.Clocks), len(set.Birthrights))
	}
}
