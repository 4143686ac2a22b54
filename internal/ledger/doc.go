// Package ledger is the record of everything that sopd did, was told, and refused: append-only entries, hashed into a
// transparency log whose checkpoints are signed.
//
// The package is pure: it encodes, hashes, signs and verifies. Package store keeps the records and their hashes in the
// transaction of the effect that they tell.
//
// # Canonical form, version 2
//
// A record is one JSON object in UTF-8, without a line end, encoded so that equal records have equal bytes:
//
//   - no space outside strings;
//   - the keys of every object sorted by their UTF-8 bytes, each at most once;
//   - in strings only the quotation mark, the backslash and the control characters below U+0020 are escaped: as
//     \" \\ \b \f \n \r \t, the other control characters as \u00xx with small letters;
//   - numbers are whole, between -2^63 and 2^63-1, without sign for zero, leading zeros, fraction or exponent;
//   - strings are valid UTF-8.
//
// This is RFC 8785 but for the order of keys (by bytes, not by UTF-16 units) and the range of numbers. Python's
// json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False) yields it.
//
// The object has these keys:
//
//	at      when it happened: UTC, RFC 3339, always six decimals: "2026-11-22T10:15:00.000000Z"
//	body    what happened, its form depending on kind; absent when there is nothing to add
//	change  the change ID, absent when the record is about none
//	group   the Okta group's ID, absent when the record is about none
//	kind    one of the constants of type Kind
//	seq     the record's position, from 0
//	ticket  the ticket's key, absent when the record is about none
//	user    the user's pseudonym, absent when the record is about none
//	v       the version of this form: 2
//
// # Persons
//
// Whoever is named in a record stands in it by a pseudonym, in user and anywhere in body: the word person and 32 letters of
// base 32 (a to z, 2 to 7), the first 20 bytes of HMAC-SHA256(key, identifier), where the identifier is an Okta user ID, a
// Jira account, or the name of an account on the machine. The key is 32 random bytes, another for each identifier, and is
// kept beside the ledger. Whoever has key and identifier can prove whom a pseudonym means; when the key is destroyed the
// person is erased, and neither record nor tree changes. Version 1 had no pseudonyms: its records name identifiers.
//
// # Tree and checkpoints
//
// The Merkle tree is that of RFC 6962: a leaf is SHA-256(0x00 || canonical form), a node SHA-256(0x01 || left || right).
// A checkpoint is a C2SP tlog-checkpoint: the origin, the number of records in decimal, the root hash in base64, and the
// time in the form above, a line each, signed as a C2SP signed note (golang.org/x/mod/sumdb/note, Ed25519).
package ledger
