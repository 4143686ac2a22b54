package store

// PutPolicyFile keeps the text of a policy file under its SHA-256, in hex. One that is there stays as it is.
func (t *Tx) PutPolicyFile(sum, name, text string) error {
	_, err := t.exec("INSERT INTO policy_files (sha256, name, doc) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", sum, name, text)
	return err
}

// PolicyFile returns the text of a policy file. found is false when none of this SHA-256 was ever kept.
func (t *Tx) PolicyFile(sum string) (text string, found bool, err error) {
	found, err = t.row([]any{&text}, "SELECT doc FROM policy_files WHERE sha256 = $1", sum)
	return text, found, err
}
