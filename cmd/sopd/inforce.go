package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/maisonrmi/sopd/internal/evidence"
	"github.com/maisonrmi/sopd/policies"
)

// recordPolicies records which policies are in force from now on, when they are others than before. The files are read once
// more: what is recorded is their text, to the byte.
func (d *daemon) recordPolicies(ctx context.Context) error {
	texts, err := policyTexts(os.DirFS(d.config.PolicyDir))
	if err != nil {
		return fmt.Errorf("SOPD_POLICY_DIR: a file cannot be read: %w", cause(err))
	}
	return evidence.RecordPolicies(ctx, d.store, texts, proceduresOf(d.policies))
}

// proceduresOf returns every policy that is a procedure, whatever its kind, sorted by name.
func proceduresOf(set *policies.Set) []evidence.PolicySOP {
	var sops []evidence.PolicySOP
	for _, p := range set.Documents {
		sops = append(sops, evidence.PolicySOP{
			Kind: p.Kind, Name: p.Name, Title: p.Title, Version: p.Version, Effective: p.Effective, Controls: p.Controls,
		})
	}
	slices.SortFunc(sops, func(a, b evidence.PolicySOP) int { return strings.Compare(a.Name, b.Name) })
	return sops
}

// policyTexts returns the texts of the files that policies are read from, by name.
func policyTexts(folder fs.FS) (map[string]string, error) {
	texts := make(map[string]string)
	err := fs.WalkDir(folder, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || path.Ext(name) != ".yaml" && path.Ext(name) != ".yml" {
			return err
		}
		text, err := fs.ReadFile(folder, name)
		texts[name] = string(text)
		return err
	})
	return texts, err
}
