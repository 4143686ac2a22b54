package policies

import (
	"embed"
	"io/fs"
)

//go:embed example/*.yaml
var examples embed.FS

// Example returns the folder of example policies, one sound policy a file.
func Example() fs.FS {
	folder, err := fs.Sub(examples, "example")
	if err != nil {
		panic("policies: " + err.Error()) // the name is a constant of this function
	}
	return folder
}
