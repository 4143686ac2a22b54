package original_test

import (
	"testing"

	"github.com/maisonrmi/sopd/internal/original"
)

// BenchmarkRedact is what an export does with each original, and BenchmarkPack what a pass does with each that is new.
func BenchmarkRedact(b *testing.B) {
	redactor := original.NewRedactor()
	text := []byte(sent[original.Issue])
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, err := redactor.Redact(original.Issue, text); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPack(b *testing.B) {
	text := []byte(sent[original.Issue])
	b.SetBytes(int64(len(text)))
	var p original.Packer
	for b.Loop() {
		packed, err := p.Pack(text)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := original.Unpack(packed); err != nil {
			b.Fatal(err)
		}
	}
}
