package policies_test

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/maisonrmi/sopd/policies"
)

// failing is a folder in which one file, or the folder itself, cannot be opened.
type failing struct {
	fstest.MapFS
	name string
	err  error
}

func (f failing) Open(name string) (fs.File, error) {
	if name == f.name {
		return nil, f.err
	}
	return f.MapFS.Open(name)
}

// ReadFile keeps the folder's own from going around Open.
func (f failing) ReadFile(name string) ([]byte, error) {
	if name == f.name {
		return nil, f.err
	}
	return f.MapFS.ReadFile(name)
}

// Stat keeps the folder's own from going around Open.
func (f failing) Stat(name string) (fs.FileInfo, error) {
	if name == f.name && name == "." {
		return nil, f.err
	}
	return f.MapFS.Stat(name)
}

func TestAFolderThatCannotBeReadIsToldOnceAndWithoutItsPath(t *testing.T) {
	secret := filepath.Join("srv", "secret")
	denied := &fs.PathError{Op: "open", Path: secret, Err: fs.ErrPermission}
	for name, c := range map[string]struct {
		folder fs.FS
		cause  string
	}{
		"a file that may not be opened":   {failing{folder(sound()), "access.yaml", denied}, "permission denied"},
		"a folder that may not be read":   {failing{folder(sound()), ".", denied}, "permission denied"},
		"a disk that says something else": {failing{folder(sound()), "access.yaml", errors.New("input/output error")}, "input/output error"},
	} {
		t.Run(name, func(t *testing.T) {
			set, err := policies.Load(c.folder)
			want := ".: the policy folder cannot be read (" + c.cause + "); set SOPD_POLICY_DIR to a readable folder"
			if set != nil || err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
				t.Errorf("Load = %v, %v, want %q", set, err, want)
			}
		})
	}
}

func TestAFolderWithoutACatalogOrWithoutPoliciesIsRefused(t *testing.T) {
	files := sound()
	for name, c := range map[string]struct {
		files map[string]string
		want  string
	}{
		"only a text":       {map[string]string{"README.md": "not a policy"}, ".: the policy folder holds no .yaml file; sopd needs at least a Catalog"},
		"a calendar alone":  {map[string]string{"calendar.yaml": files["calendar.yaml"]}, ".: no Catalog lists a system; write a file of kind Catalog"},
		"a catalog of none": {map[string]string{"catalog.yaml": "apiVersion: sopd/v1\nkind: Catalog\nsystems: []\n"}, ".: no Catalog lists a system; write a file of kind Catalog"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := policies.Load(folder(c.files))
			if err == nil || err.Error() != c.want {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestWhatMayStandOnceIsRefusedTheSecondTime(t *testing.T) {
	for name, want := range map[string]string{
		"guards.yaml":            "z.yaml:2:7: is the second Guards; the first stands in guards.yaml, join them",
		"catalog.yaml":           "z.yaml:2:7: is the second Catalog; the first stands in catalog.yaml, join them",
		"people.yaml":            "z.yaml:2:7: is the second People; the first stands in people.yaml, join them",
		"leaver.yaml":            "z.yaml:2:7: is the second Deprovisioning; the first stands in leaver.yaml, join them",
		"control.yaml":           "z.yaml:2:7: is the second SOPControl; the first stands in control.yaml, join them",
		"incident-response.yaml": "z.yaml:2:7: is the second IncidentResponse; the first stands in incident-response.yaml, join them",
		"calendar.yaml":          `z.yaml:3:7: calendar "office" stands twice`,
	} {
		t.Run(name, func(t *testing.T) {
			files := world(t)
			files["z.yaml"] = files[name]
			_, err := policies.Load(folder(files))
			if err == nil {
				t.Fatal("both are taken")
			}
			if diff := cmp.Diff(want, err.Error()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestProblemsAtOnePlaceAreToldInTheSameOrderEachTime(t *testing.T) {
	files := sound()
	files["sub/people.yml"] = strings.Replace(peopleText, `{"5b10": 00uOwner1}`, "{f: x@y, b: x@y, e: x@y, a: x@y, d: x@y, c: x@y}", 1)
	_, err := policies.Load(folder(files))
	var want []string
	for _, account := range []string{"a", "b", "c", "d", "e", "f"} {
		want = append(want, `sub/people.yml:5:10: account `+account+` is mapped to "x@y", which is not an Okta user ID`)
	}
	if err == nil {
		t.Fatal("logins are taken for Okta users")
	}
	if diff := cmp.Diff(want, strings.Split(err.Error(), "\n")); diff != "" {
		t.Error(diff)
	}
}

func TestAFileHoldsOnePolicy(t *testing.T) {
	for text, want := range map[string]string{
		"":      "z.yaml: is empty; write a policy, or remove the file",
		"\n":    "z.yaml: is empty; write a policy, or remove the file",
		"---\n": "z.yaml: is empty; write a policy, or remove the file",
		"- {apiVersion: sopd/v1, kind: Guards}\n":                 "z.yaml:1:1: sequence was used where mapping is expected",
		"{apiVersion: sopd/v1, kind: Guards}\n---\nkind: Watch\n": "z.yaml:1:1: holds 2 documents; write one policy in a file",
	} {
		files := sound()
		files["z.yaml"] = text
		if _, err := policies.Load(folder(files)); err == nil || err.Error() != want {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
	}
}
