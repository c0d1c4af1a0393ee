package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// echo is a server whose answers tell what it was sent. It counts its connections.
func echo(t *testing.T) (c *client, connections *atomic.Int64, s *httptest.Server) {
	connections = new(atomic.Int64)
	s = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // the client is told by what it gets
		}
		w.Header().Set("Got", fmt.Sprintf("%s %s %s %d %s %s", r.Method, r.URL, r.Header.Get("Authorization"), r.ContentLength, digestOf(body), r.Header.Get("Content-Type")))
		switch r.URL.Path {
		case "/away":
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		case "/nothing":
			w.WriteHeader(http.StatusNoContent)
		case "/chunks":
			for range 3 {
				w.Write(body[:len(body)/3])
				w.(http.Flusher).Flush()
			}
		case "/close":
			w.Header().Set("Connection", "close")
			w.Write(body)
		default:
			w.Write(body)
		}
	}))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	return &client{server: s.URL, user: "ann", password: "secret", connections: newConnections(s.URL)}, connections, s
}

func TestExchanges(t *testing.T) {
	c, connections, _ := echo(t)
	ctx := t.Context()
	large := bytes.Repeat([]byte("0123456789abcde\n"), 100_000)
	none := digestOf(nil)
	for _, tt := range []struct {
		r    request
		want int
		got  string
		body []byte
	}{
		{request{method: "GET", url: "/a?b=c", token: "t"}, 200, "GET /a?b=c Bearer t 0 " + none, nil},
		{request{method: "HEAD", url: "/a"}, 200, "HEAD /a  0 " + none, nil},
		{request{method: "POST", url: c.server + "/a", basic: true}, 200, "POST /a Basic YW5uOnNlY3JldA== 0 " + none, nil},
		{request{method: "GET", url: "/nothing"}, 204, "GET /nothing  0 " + none, nil},
		{request{method: "PUT", url: "/a", content: []byte("small"), header: map[string]string{"Content-Type": "text/x"}}, 200,
			"PUT /a  5 " + digestOf([]byte("small")) + " text/x", []byte("small")},
		{request{method: "PUT", url: "/a", content: large}, 200, fmt.Sprintf("PUT /a  %d %s", len(large), digestOf(large)), large},
		{request{method: "PUT", url: "/a", body: bytes.NewReader(large), length: int64(len(large))}, 200, fmt.Sprintf("PUT /a  %d %s", len(large), digestOf(large)), large},
		{request{method: "PUT", url: "/a", body: bytes.NewReader(large), length: -1}, 200, fmt.Sprintf("PUT /a  -1 %s", digestOf(large)), large},
		{request{method: "PUT", url: "/a", body: bytes.NewReader(nil), length: -1}, 200, "PUT /a  -1 " + none, nil},
		{request{method: "PUT", url: "/chunks", content: []byte("aaa")}, 200, "PUT /chunks  3 " + digestOf([]byte("aaa")), []byte("aaa")},
		{request{method: "PUT", url: "/chunks", content: large[:30_000]}, 200, "PUT /chunks  30000 " + digestOf(large[:30_000]), bytes.Repeat(large[:10_000], 3)},
	} {
		header, body, err := c.call(ctx, tt.r, tt.want)
		if err != nil || strings.TrimSpace(header.Get("got")) != tt.got || !bytes.Equal(body, tt.body) {
			t.Errorf("%s %s: %v, %q, want %q, and %d bytes, want %d", tt.r.method, tt.r.url, err, header.Get("Got"), tt.got, len(body), len(tt.body))
		}
		again := tt.r
		if again.body = nil; tt.r.body != nil {
			again.content = tt.body
		}
		a, err := c.send(ctx, again, tt.want)
		if err != nil {
			t.Fatal(err)
		}
		want := tt.body
		if got, err := a.digest(); err != nil || got != digestOf(want) {
			t.Errorf("%s %s: digest %s, %v", tt.r.method, tt.r.url, got, err)
		}
		a.Close()
	}
	if n := connections.Load(); n != 1 {
		t.Errorf("one client has used %d connections", n)
	}
}

func TestRefusals(t *testing.T) {
	c, _, _ := echo(t)
	for what, r := range map[string]request{
		"a redirect":           {method: "GET", url: "/away"},
		"an address elsewhere": {method: "GET", url: "http://127.0.0.1:1/a"},
		"a body too short":     {method: "PUT", url: "/a", body: strings.NewReader("1234"), length: 5},
	} {
		if _, _, err := c.call(t.Context(), r, http.StatusOK); err == nil {
			t.Errorf("%s is no error", what)
		} else {
			t.Log(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := c.call(ctx, request{method: "GET", url: "/a"}, http.StatusOK); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled request: %v", err)
	}
	if _, _, err := c.call(t.Context(), request{method: "GET", url: "/a"}, http.StatusOK); err != nil {
		t.Errorf("the next request: %v", err)
	}
}

// A server may close a connection that nobody uses, or say that it will.
func TestServerClosesConnections(t *testing.T) {
	c, connections, s := echo(t)
	get := func(path string) {
		t.Helper()
		if _, _, err := c.call(t.Context(), request{method: "POST", url: path, content: []byte("x")}, http.StatusOK); err != nil {
			t.Fatal(err)
		}
	}
	get("/a")
	s.CloseClientConnections()
	get("/a")
	get("/close")
	get("/a")
	if n := connections.Load(); n != 3 {
		t.Errorf("%d connections, want 3", n)
	}
}

// says is a server that answers each connection's first request with the text and closes it.
func says(t *testing.T, text string) *client {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			conn.Read(make([]byte, 1000))
			io.WriteString(conn, text)
			conn.Close()
		}
	}()
	url := "http://" + l.Addr().String()
	return &client{server: url, connections: newConnections(url)}
}

func TestBadAnswers(t *testing.T) {
	const ok = "HTTP/1.1 200 OK\r\n"
	for text, good := range map[string]bool{
		ok + "Content-Length: 3\r\n\r\nabc":                                               true,
		"HTTP/1.1 100 Continue\r\n\r\n" + ok + "Content-Length: 3\r\n\r\nabc":             true,
		ok + "transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n":                    true,
		ok + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nDigest: sha256:\r\n\r\n": false,
		ok + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n":                        false,
		ok + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n":                             false,
		ok + "Transfer-Encoding: gzip\r\n\r\nabc":                                         false,
		ok + "Content-Length: 4\r\n\r\nabc":                                               false,
		ok + "Content-Length: -3\r\n\r\nabc":                                              false,
		ok + "\r\nabc":                                                                    false,
		ok + "Content-Length: 3\n\nabc":                                                   false,
		"HTTP/1.0 200 OK\r\n\r\nabc":                                                      false,
		"HTTP/1.1 2x0 OK\r\n\r\nabc":                                                      false,
		"HTTP/1.1 200":                                                                    false,
		"nonsense\r\n":                                                                    false,
		"":                                                                                false,
		ok + "A: " + strings.Repeat("a", 100<<10) + "\r\n\r\n":                            false,
		ok + strings.Repeat("A: "+strings.Repeat("a", 997)+"\r\n", 100):                   false,
		ok + "Content-Length: 3\r\nContent-Encoding: identity\r\n\r\nabc":                 true,
	} {
		c := says(t, text)
		for _, how := range []string{"call", "digest"} {
			var body string
			var err error
			if how == "call" {
				var b []byte
				_, b, err = c.call(t.Context(), request{method: "GET", url: "/"}, http.StatusOK)
				body = digestOf(b)
			} else {
				var a *answer
				if a, err = c.send(t.Context(), request{method: "GET", url: "/"}, http.StatusOK); err == nil {
					body, err = a.digest()
					a.Close()
				}
			}
			if (err == nil) != good || good && body != digestOf([]byte("abc")) {
				t.Errorf("%s of %.100q: %v", how, text, err)
			}
		}
	}
}

// A server that refuses a body before it has come is heard.
func TestEarlyRefusal(t *testing.T) {
	c := says(t, "HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
	_, _, err := c.call(t.Context(), request{method: "PUT", url: "/", body: newContent(1, 1<<30), length: 1 << 30}, http.StatusOK)
	if err == nil {
		t.Fatal("no error")
	}
	t.Log(err) // the refusal, or that the connection was reset: the system may drop what it had received
}

// A request that waits for its answer ends with its context.
func TestCancelledWhileWaiting(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	url := "http://" + l.Addr().String()
	c := &client{server: url, connections: newConnections(url)}
	if _, _, err := c.call(ctx, request{method: "GET", url: "/"}, http.StatusOK); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
}
