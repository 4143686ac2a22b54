package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// passwordHash is the bcrypt hash of "fakepassword".
const passwordHash = "$2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi"

// writeCertificate makes a certificate for this machine that lives an hour.
func writeCertificate(t *testing.T, dir string, serial int64) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "sopd test"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(time.Hour),
	}
	certificate, err := x509.CreateCertificate(rand.Reader, &template, &template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{
		"tls.crt": {Type: "CERTIFICATE", Bytes: certificate}, "tls.key": {Type: "EC PRIVATE KEY", Bytes: private},
	} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func writeWebConfig(t *testing.T, text string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "web.yml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const webConfig = "tls_server_config: {cert_file: tls.crt, key_file: tls.key}\nbasic_auth_users: {prometheus: '" + passwordHash + "'}\n"

// secured starts a daemon with TLS and a password. ask makes a request on a connection of its own and returns the status
// and the serial number of the certificate.
func secured(t *testing.T) (dir string, ask func(method, path string, dress func(*http.Request)) (int, int64), stop func() error) {
	t.Helper()
	s := newSite(t)
	s.env["SOPD_WEB_CONFIG_FILE"] = writeWebConfig(t, webConfig)
	dir = filepath.Dir(s.env["SOPD_WEB_CONFIG_FILE"])
	writeCertificate(t, dir, 1)
	address, stop := s.start(t)
	address = strings.Replace(address, "http://", "https://", 1)
	ask = func(method, path string, dress func(*http.Request)) (int, int64) {
		t.Helper()
		text, err := os.ReadFile(filepath.Join(dir, "tls.crt"))
		if err != nil {
			t.Fatal(err)
		}
		roots := x509.NewCertPool()
		roots.AppendCertsFromPEM(text)
		client := http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, DisableKeepAlives: true}}
		r, err := http.NewRequestWithContext(t.Context(), method, address+path, strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		dress(r)
		answer, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		return answer.StatusCode, answer.TLS.PeerCertificates[0].SerialNumber.Int64()
	}
	return dir, ask, stop
}

func undressed(*http.Request) {}

func TestFiguresNeedThePasswordAndWebhooksTheirOwnSecret(t *testing.T) {
	_, ask, stop := secured(t)
	password := func(text string) func(*http.Request) {
		return func(r *http.Request) { r.SetBasicAuth("prometheus", text) }
	}
	header := func(value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set("Authorization", value) }
	}
	env := newSite(t).env
	for _, c := range []struct {
		name, method, path string
		dress              func(*http.Request)
		want               int
	}{
		{"figures without a password", http.MethodGet, "/metrics", undressed, http.StatusUnauthorized},
		{"figures with a wrong password", http.MethodGet, "/metrics", password("guessed"), http.StatusUnauthorized},
		{"figures with the password", http.MethodGet, "/metrics", password("fakepassword"), http.StatusOK},
		{"status page without a password", http.MethodGet, "/", undressed, http.StatusUnauthorized},
		{"a path that only looks like a webhook", http.MethodGet, "/webhooks", undressed, http.StatusUnauthorized},
		{"liveness without a password", http.MethodGet, "/healthz", undressed, http.StatusOK},
		{"webhook without its secret", http.MethodPost, "/webhooks/okta", undressed, http.StatusUnauthorized},
		{"webhook with the password in place of its secret", http.MethodPost, "/webhooks/okta", password("fakepassword"), http.StatusUnauthorized},
	} {
		if got, _ := ask(c.method, c.path, c.dress); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
	if got, _ := ask(http.MethodPost, "/webhooks/okta", header(env["SOPD_OKTA_WEBHOOK_SECRET"])); got == http.StatusUnauthorized {
		t.Error("a webhook with its secret was asked for the password")
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func TestARenewedCertificateIsUsedWithoutARestart(t *testing.T) {
	dir, ask, stop := secured(t)
	if _, serial := ask(http.MethodGet, "/healthz", undressed); serial != 1 {
		t.Errorf("certificate %d", serial)
	}
	writeCertificate(t, dir, 2)
	if _, serial := ask(http.MethodGet, "/healthz", undressed); serial != 2 {
		t.Errorf("certificate %d after the renewal", serial)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func TestABadWebConfigurationIsNamedWithoutWhatStandsInIt(t *testing.T) {
	for name, text := range map[string]string{
		"unknown field":       "basic_auth_user: {prometheus: '" + passwordHash + "'}\n",
		"users as text":       "basic_auth_users: '" + passwordHash + "'\n",
		"a password, no hash": "basic_auth_users: {prometheus: hunter2}\n",
		"no such certificate": webConfig,
	} {
		s := newSite(t)
		s.env["SOPD_WEB_CONFIG_FILE"] = writeWebConfig(t, text)
		code, _, errs := s.sopd(t, "plan")
		if code != exitUsage || !strings.Contains(errs, "SOPD_WEB_CONFIG_FILE: is not sound") {
			t.Errorf("%s: %d %s", name, code, errs)
		}
		if strings.Contains(errs, passwordHash[:10]) || strings.Contains(errs, "hunter2") {
			t.Errorf("%s: the error holds what stands in the file: %s", name, errs)
		}
	}
}
