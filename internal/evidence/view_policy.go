package evidence

import (
	"strings"
	"time"

	"github.com/maisonrmi/sopd/internal/ledger"
)

// PolicyBody is the body of a policy.loaded record.
type PolicyBody struct {
	Hash  string       `json:"hash"` // SHA-256 over names and hashes of the files, hex
	Files []PolicyFile `json:"files"`
	SOPs  []PolicySOP  `json:"sops"` // the procedures in them, sorted by name
}

// PolicyFile is a file of policies.
type PolicyFile struct {
	Name   string `json:"name"`   // in the folder of policies
	SHA256 string `json:"sha256"` // hex
}

// PolicySOP is a procedure as it was put in force.
type PolicySOP struct {
	Kind      string    `json:"kind"`    // of policy, such as "AccessProvisioning"
	Name      string    `json:"name"`    // short and stable, such as "access-provisioning"
	Title     string    `json:"title"`   // for people
	Version   string    `json:"version"` // three numbers
	Effective time.Time `json:"effective,omitzero"`
	Controls  []string  `json:"controls,omitempty"` // of the frameworks that it serves, such as "SOC2:CC6.1"
}

// policyForm is the list of policies that were put in force.
func policyForm() form {
	return form{
		View:    View{File: "policies.csv", Title: "policies put in force, with versions and effective dates", Kinds: []ledger.Kind{ledger.PolicyLoaded}},
		columns: []string{"hash", "procedures", "files"},
		policies: []string{
			"AccessProvisioning", "Deprovisioning", "Revocation", "Guards", "ChangeManagement", "SOPControl",
		},
		cells: (*exporter).policyCells,
	}
}

func (e *exporter) policyCells(r ledger.Record) ([]string, error) {
	var body PolicyBody
	if err := DecodeBody(r, &body); err != nil {
		return nil, err
	}
	var procedures, files []string
	for _, s := range body.SOPs {
		procedures = append(procedures, s.Name+"@"+s.Version+" effective "+s.Effective.Format(time.DateOnly))
	}
	for _, f := range body.Files {
		files = append(files, f.Name)
	}
	return []string{body.Hash, strings.Join(procedures, "; "), strings.Join(files, " ")}, nil
}
