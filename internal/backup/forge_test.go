package backup

// Forge writes a backup file around any database, as whoever has the public keys can.
func Forge(path, database string, recipients Recipients) error {
	header, err := describe(database)
	if err != nil {
		return err
	}
	return seal(path, database, header, recipients)
}
