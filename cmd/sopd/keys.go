package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/maisonrmi/sopd/internal/backup"
	"github.com/maisonrmi/sopd/internal/ledger"
	"github.com/maisonrmi/sopd/internal/secret"
	"github.com/spf13/cobra"
)

// ledgerKeyVariable names the secret that checkpoints are signed with.
const ledgerKeyVariable = "SOPD_LEDGER_KEY"

func newKeysCommand(c console) *cobra.Command {
	cmd := &cobra.Command{Use: "keys", Short: "Make and show the keys of the ledger and of backups", Args: cobra.NoArgs, RunE: help}
	cmd.AddCommand(newKeysGenerateCommand(c), newKeysPublicCommand(c), newKeysBackupCommand(c))
	return cmd
}

func newKeysGenerateCommand(c console) *cobra.Command {
	var origin, out string
	cmd := &cobra.Command{
		Use:   "generate --origin NAME --out FILE",
		Short: "Make a key pair: the private key into a new file, the public key on standard output",
		Long: "Make an Ed25519 key pair for the ledger. The private key is written to a new file that only you may read, and\n" +
			"shown nowhere; give it to sopd as SOPD_LEDGER_KEY_FILE. The public key is printed: give it to those who verify,\n" +
			"by another way than the exports.\n\n" +
			"NAME is the ledger's name, such as sopd.example.com/ledger. To replace a key, make one of the same name and\n" +
			"restart sopd with it: the change is recorded in the ledger. Keep the old public key, which verifies what it signed.",
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if origin == "" || out == "" {
				return usage(errors.New("--origin and --out are needed, such as --origin sopd.example.com/ledger --out ledger.key"))
			}
			private, public, err := ledger.GenerateKey(origin)
			if err != nil {
				return usage(err)
			}
			if err := writeSecret(out, private); err != nil {
				return err
			}
			_, err = fmt.Fprintln(c.Out, public)
			return err
		},
	}
	cmd.Flags().StringVar(&origin, "origin", "", "name of the ledger, without spaces and plus signs")
	cmd.Flags().StringVar(&out, "out", "", "file to make for the private key; it must not exist")
	return cmd
}

func newKeysBackupCommand(c console) *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "backup --out FILE",
		Short: "Make a key pair for backups: the private key into a new file, the public key on standard output",
		Long: "Make a key pair of age. Give the public key to sopd in SOPD_BACKUP_RECIPIENTS, and keep the private key where the\n" +
			"machine of sopd cannot lose it: without it no backup can be restored. Two pairs, kept in two places, are better.",
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if out == "" {
				return usage(errors.New("--out is needed, such as --out backup.key"))
			}
			private, public, err := backup.NewIdentity()
			if err == nil {
				err = writeSecret(out, private)
			}
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(c.Out, public)
			return err
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "file to make for the private key; it must not exist")
	return cmd
}

// writeSecret writes the secret into a new file of mode 0600 and returns when the disk has it. An existing file is left as
// it is: it may hold the key that signed everything so far.
func writeSecret(path string, s secret.Value) error {
	file, err := os.OpenFile(filepath.Clean(path), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, os.ErrExist) {
		return usage(errors.New("--out: the file exists; it is not overwritten"))
	}
	if err != nil {
		return fmt.Errorf("--out: the file cannot be made (%w)", cause(err))
	}
	_, err = file.WriteString(s.Reveal() + "\n")
	if err == nil {
		err = file.Sync()
	}
	if closed := file.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return fmt.Errorf("--out: the file cannot be written (%w)", cause(err))
	}
	return nil
}

func newKeysPublicCommand(c console) *cobra.Command {
	return &cobra.Command{
		Use:   "public",
		Short: "Print the public key of " + ledgerKeyVariable,
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			key, err := loadLedgerKey(c)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(c.Out, key.Public())
			return err
		},
	}
}

// loadLedgerKey reads the private key from SOPD_LEDGER_KEY or the file that SOPD_LEDGER_KEY_FILE names.
func loadLedgerKey(c console) (ledger.Key, error) {
	text, path := strings.TrimSpace(value(c, ledgerKeyVariable)), value(c, ledgerKeyVariable+"_FILE")
	switch {
	case text != "" && path != "":
		return ledger.Key{}, usage(fmt.Errorf("%s is set, and so is %s_FILE; keep one of them", ledgerKeyVariable, ledgerKeyVariable))
	case text == "" && path == "":
		return ledger.Key{}, usage(fmt.Errorf("%s_FILE is missing; make a key with sopd keys generate", ledgerKeyVariable))
	case path != "":
		raw, err := os.ReadFile(filepath.Clean(path))
		if err != nil {
			return ledger.Key{}, usage(fmt.Errorf("%s_FILE: the file cannot be read (%w); check its path and its owner", ledgerKeyVariable, cause(err)))
		}
		text = strings.TrimSpace(string(raw))
	}
	key, err := ledger.ParseKey(secret.New(text))
	if err != nil {
		return ledger.Key{}, usage(fmt.Errorf("%s: %w; use a key that sopd keys generate made", ledgerKeyVariable, err))
	}
	return key, nil
}
