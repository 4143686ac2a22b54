// Package backup writes encrypted, verified copies of an embedded store, restores them, and proves by restoring that they
// can be.
//
// # The file
//
// A backup is one file in the age format (age-encryption.org/v1), encrypted to public keys: the machine that makes backups
// need not be able to read them. Inside stands one line of JSON, a [Header], and after it the SQLite database, compressed by
// gzip.
//
// # What is verified, and when
//
// After a backup is written it is read back from the disk, decrypted, unpacked, opened as a store, and its whole ledger is
// held against the signed checkpoints, before it gets its name. For that each file is encrypted to one more key, which is
// made for it, is kept in memory only, and is forgotten when the file is verified.
//
// The header is no proof of origin: whoever has the public keys can encrypt. What a restored store is trusted for are the
// checkpoints in it, held against keys that come from elsewhere.
package backup
