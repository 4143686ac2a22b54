package conntest

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
)

// none never meets a request.
func none(int, http.ResponseWriter, *http.Request) bool { return false }

// once meets the first target request only.
func once(h http.HandlerFunc) fault {
	return func(n int, w http.ResponseWriter, r *http.Request) bool {
		if n == 1 {
			h(w, r)
		}
		return n == 1
	}
}

// always meets every target request.
func always(h http.HandlerFunc) fault {
	return func(_ int, w http.ResponseWriter, r *http.Request) bool {
		h(w, r)
		return true
	}
}

// status answers with code and, in header and body, the marker that no error may show.
func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		drain(r)
		w.Header().Set("X-Conntest", leak)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		write(w, fmt.Sprintf(`{"message":%q,"errorCode":%q,"errorSummary":%q,"errorMessages":[%q]}`, leak, "X", leak, leak))
	}
}

// dropped closes the connection without an answer.
func dropped(w http.ResponseWriter, r *http.Request) {
	drain(r)
	raw(w, "")
}

// cut announces more bytes than it sends.
func cut(w http.ResponseWriter, r *http.Request) {
	drain(r)
	raw(w, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{\"x\":\""+leak)
}

// raw writes text on the connection and closes it.
func raw(w http.ResponseWriter, text string) {
	hijacker, ok := w.(http.Hijacker)
	if !ok {
		panic("conntest: the test server cannot hijack")
	}
	conn, _, err := hijacker.Hijack()
	if err != nil {
		panic("conntest: hijack: " + err.Error())
	}
	// A client that has gone away already sees what the test wants it to see.
	_, _ = io.WriteString(conn, text)
	_ = conn.Close()
}

// silent never answers; it ends with the client or the test.
func (s *server) silent(w http.ResponseWriter, r *http.Request) {
	drain(r)
	select {
	case <-r.Context().Done():
	case <-s.done:
	}
}

// drain reads the request's body, without which the server does not notice a client that leaves.
func drain(r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }

// write sends text to a client that may have gone away, which the tests see from the client's side.
func write(w io.Writer, text string) { _, _ = io.WriteString(w, text) }

// page is what sign-in walls and proxies answer with, and a good status.
func page(w http.ResponseWriter, r *http.Request) {
	drain(r)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	write(w, "<!DOCTYPE html><html><body>"+leak+"</body></html>")
}

// long answers as the vendor does, then with more blanks than the limit allows.
func (r *run[C]) long(w http.ResponseWriter, req *http.Request) {
	good := r.record(req)
	copyHeader(w, good)
	write(w, good.Body.String())
	for range bodyLimit/1024 + 1 {
		write(w, strings.Repeat(" ", 1024))
	}
}

// half answers with the first half of the vendor's body, correctly framed.
func (r *run[C]) half(w http.ResponseWriter, req *http.Request) {
	good := r.record(req)
	copyHeader(w, good)
	write(w, good.Body.String()[:good.Body.Len()/2])
}

// empty answers with the vendor's status and no body.
func (r *run[C]) empty(w http.ResponseWriter, req *http.Request) {
	copyHeader(w, r.record(req))
}

// record returns the vendor's good answer to req.
func (r *run[C]) record(req *http.Request) *httptest.ResponseRecorder {
	rec := httptest.NewRecorder()
	r.call.Answer(rec, req)
	return rec
}

// copyHeader sends the header and status of good, without its length.
func copyHeader(w http.ResponseWriter, good *httptest.ResponseRecorder) {
	for name, values := range good.Header() {
		w.Header()[name] = values
	}
	w.Header().Del("Content-Length")
	code := good.Code
	if code == http.StatusNoContent {
		code = http.StatusOK
	}
	w.WriteHeader(code)
}

// zero tells whether a result is nothing: nil, or the zero value of its type.
func zero(result any) bool { return result == nil || reflect.ValueOf(result).IsZero() }
