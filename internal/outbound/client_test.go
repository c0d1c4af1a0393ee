package outbound

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// serve runs a server on an address of this machine.
func serve(t *testing.T, host string, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(h)
	s.Listener.Close()
	s.Listener = l
	s.Start()
	t.Cleanup(s.Close)
	return s
}

func hello(w http.ResponseWriter, r *http.Request) {
	fmt.Fprint(w, "hello "+r.Header.Get("User-Agent"))
}

// get asks with headers that nobody else may see, and returns body and status.
func get(t *testing.T, c *Client, ctx context.Context, address string) (string, int, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name := range credentials() {
		r.Header.Set(name, "canary")
	}
	answer, err := c.Do(r)
	if err != nil {
		return "", 0, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	return string(body), answer.StatusCode, err
}

func credentials() map[string]bool {
	return map[string]bool{"Authorization": true, "Cookie": true, "X-Scanneradapter-Api-Key": true, "X-Anything": true}
}

func TestWhatMayBeAsked(t *testing.T) {
	loopback, second, six := serve(t, "127.0.0.1", hello), serve(t, "127.0.0.2", hello), serve(t, "::1", hello)
	onlySecond := Internet(netip.MustParsePrefix("127.0.0.2/32"))
	any4 := serve(t, "0.0.0.0", hello).Listener.Addr().(*net.TCPAddr).Port
	cases := []struct {
		name    string
		reach   Reach
		address string
		want    error
	}{
		{"loopback, administered", Administered(), loopback.URL, nil},
		{"loopback 6, administered", Administered(), six.URL, nil},
		{"a name, administered", Administered(), strings.Replace(loopback.URL, "127.0.0.1", "localhost", 1), nil},
		{"loopback, internet", Internet(), loopback.URL, ErrAddress},
		{"loopback 6, internet", Internet(), six.URL, ErrAddress},
		{"mapped, internet", Internet(), strings.Replace(loopback.URL, "127.0.0.1", "[::ffff:127.0.0.1]", 1), ErrAddress},
		{"a name, internet", Internet(), strings.Replace(loopback.URL, "127.0.0.1", "localhost", 1), ErrAddress},
		{"listed", onlySecond, second.URL, nil},
		{"beside the listed", onlySecond, loopback.URL, ErrAddress},
		{"unspecified", Administered(), fmt.Sprintf("http://0.0.0.0:%d", any4), ErrAddress},
		{"metadata", Administered(), "http://169.254.169.254/latest/meta-data", ErrAddress},
		{"metadata by a mapped address", Administered(), "http://[::ffff:169.254.169.254]/", ErrAddress},
		{"metadata 6", Administered(), "http://[fd00:ec2::254]/", ErrAddress},
		{"decimal address", Internet(), fmt.Sprintf("http://2130706433:%d/", any4), nil}, // what a resolver makes of it is checked
		{"another scheme", Administered(), "ftp://127.0.0.1/", ErrURL},
		{"a file", Administered(), "file:///etc/passwd", ErrURL},
		{"credentials in it", Administered(), strings.Replace(loopback.URL, "//", "//u:p@", 1), ErrURL},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			client := New(Purpose{Reach: c.reach, Timeout: 5 * time.Second})
			t.Cleanup(client.Close)
			body, _, err := get(t, client, t.Context(), c.address)
			switch {
			case c.name == "decimal address":
				if err == nil {
					t.Error("a loopback address in another spelling was reached")
				}
			case c.want == nil && (err != nil || !strings.HasPrefix(body, "hello haven/")):
				t.Errorf("got %q, %v", body, err)
			case !errors.Is(err, c.want):
				t.Errorf("got %q, %v; want %v", body, err, c.want)
			}
		})
	}
}

// nameServer answers each question for an address of IPv4 by the next of what it was given, with no time to live.
func nameServer(t *testing.T, answers ...string) *net.Resolver {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	var asked atomic.Int64
	go func() {
		buffer := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFrom(buffer)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if m.Unpack(buffer[:n]) != nil || len(m.Questions) != 1 {
				continue
			}
			m.Response, m.Additionals = true, nil
			if q := m.Questions[0]; q.Type == dnsmessage.TypeA {
				i := min(int(asked.Add(1)), len(answers)) - 1
				m.Answers = []dnsmessage.Resource{{
					Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class},
					Body:   &dnsmessage.AResource{A: netip.MustParseAddr(answers[i]).As4()},
				}}
			}
			if packed, err := m.Pack(); err == nil {
				conn.WriteTo(packed, from)
			}
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

// A name that means something else the second time: what counts is what is dialled.
func TestRebinding(t *testing.T) {
	inside := serve(t, "127.0.0.1", func(http.ResponseWriter, *http.Request) { t.Error("the inside was reached") })
	_, port, _ := net.SplitHostPort(inside.Listener.Addr().String())
	allowed, err := net.Listen("tcp", "127.0.0.2:"+port)
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close")
		hello(w, r)
	})}
	go s.Serve(allowed)
	t.Cleanup(func() { s.Close() })

	client := New(Purpose{Reach: Internet(netip.MustParsePrefix("127.0.0.2/32")), Timeout: 5 * time.Second,
		Resolver: nameServer(t, "127.0.0.2", "127.0.0.1", "169.254.169.254")})
	address := "http://rebind.example.com:" + port
	if body, _, err := get(t, client, t.Context(), address); err != nil || !strings.HasPrefix(body, "hello") {
		t.Fatalf("the first time: %q, %v", body, err)
	}
	for range 2 {
		if body, _, err := get(t, client, t.Context(), address); !errors.Is(err, ErrAddress) {
			t.Errorf("once it means another address: %q, %v", body, err)
		}
	}
}

func TestRedirects(t *testing.T) {
	var seen atomic.Pointer[http.Header]
	record := func(w http.ResponseWriter, r *http.Request) {
		h := r.Header.Clone()
		seen.Store(&h)
		hello(w, r)
	}
	other := serve(t, "127.0.0.2", record)
	third := serve(t, "127.0.0.3", record)
	var first *httptest.Server
	other.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/back" {
			http.Redirect(w, r, first.URL+"/end", http.StatusFound)
			return
		}
		record(w, r)
	})
	first = serve(t, "127.0.0.1", func(w http.ResponseWriter, r *http.Request) {
		switch to, _ := url.QueryUnescape(r.URL.RawQuery); r.URL.Path {
		case "/to":
			http.Redirect(w, r, to, http.StatusTemporaryRedirect)
		case "/round":
			http.Redirect(w, r, "/round", http.StatusFound)
		default:
			record(w, r)
		}
	})
	to := func(address string) string { return first.URL + "/to?" + url.QueryEscape(address) }
	listed := Internet(netip.MustParsePrefix("127.0.0.2/32"))
	cases := []struct {
		name      string
		redirects int
		elsewhere Reach
		address   string
		want      error
		status    int
		secrets   bool // the last request had the credentials
	}{
		{"not asked for", 0, listed, to(first.URL + "/end"), nil, 307, false},
		{"same origin", 3, listed, to("/end"), nil, 200, true},
		{"another origin", 3, listed, to(other.URL + "/end"), nil, 200, false},
		{"another origin and back", 3, listed, to(other.URL + "/back"), nil, 200, false},
		{"an origin that isn't listed", 3, listed, to(third.URL + "/end"), ErrAddress, 0, false},
		{"no list", 3, Internet(), to(other.URL + "/end"), ErrAddress, 0, false},
		{"metadata", 3, Administered(), to("http://169.254.169.254/latest"), ErrAddress, 0, false},
		{"another scheme", 3, listed, to("ftp://127.0.0.1/x"), ErrURL, 0, false},
		{"credentials in it", 3, listed, to(strings.Replace(first.URL, "//", "//u:p@", 1)), ErrURL, 0, false},
		{"round and round", 3, listed, first.URL + "/round", ErrRedirect, 0, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			seen.Store(nil)
			client := New(Purpose{Reach: Administered(), Elsewhere: c.elsewhere, Redirects: c.redirects, Timeout: 5 * time.Second})
			_, status, err := get(t, client, t.Context(), c.address)
			if !errors.Is(err, c.want) || status != c.status {
				t.Fatalf("got %d, %v; want %d, %v", status, err, c.status, c.want)
			}
			if h := seen.Load(); h != nil {
				for name := range credentials() {
					if (h.Get(name) != "") != c.secrets {
						t.Errorf("%s: %q", name, h.Get(name))
					}
				}
				if h.Get("Referer") != "" {
					t.Errorf("Referer: %q", h.Get("Referer"))
				}
			} else if c.status == 200 {
				t.Error("nothing arrived")
			}
		})
	}
	t.Run("connections of the entered origin don't serve others", func(t *testing.T) {
		client := New(Purpose{Reach: Administered(), Redirects: 3, Timeout: 5 * time.Second})
		if _, _, err := get(t, client, t.Context(), third.URL); err != nil { // entered: there is a connection now
			t.Fatal(err)
		}
		if _, _, err := get(t, client, t.Context(), to(third.URL)); !errors.Is(err, ErrAddress) {
			t.Errorf("led there: %v", err)
		}
	})
	t.Run("what an answer names", func(t *testing.T) {
		client := New(Purpose{Reach: Administered(), Elsewhere: listed, Timeout: 5 * time.Second})
		home, _ := url.Parse(first.URL)
		for address, want := range map[string]error{first.URL: nil, other.URL: nil, third.URL: ErrAddress} {
			if _, _, err := get(t, client, LedBy(t.Context(), home), address); !errors.Is(err, want) {
				t.Errorf("%s: got %v, want %v", address, err, want)
			}
		}
	})
	t.Run("a body isn't sent on", func(t *testing.T) {
		client := New(Purpose{Reach: Administered(), Elsewhere: listed, Redirects: 3})
		r, _ := http.NewRequest(http.MethodPost, to(other.URL), strings.NewReader("secret"))
		answer, err := client.Do(r)
		if err != nil || answer.StatusCode != http.StatusTemporaryRedirect {
			t.Fatalf("got %v, %v", answer, err)
		}
		answer.Body.Close()
	})
}

func TestRedirectFromTLSToPlain(t *testing.T) {
	plain := serve(t, "127.0.0.1", hello)
	s := httptest.NewTLSServer(http.RedirectHandler(plain.URL, http.StatusFound))
	t.Cleanup(s.Close)
	client, err := New(Purpose{Reach: Administered(), Elsewhere: Administered(), Redirects: 1}).HTTP(Trust{SkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Get(s.URL); !errors.Is(err, ErrRedirect) {
		t.Errorf("got %v", err)
	}
}

func TestBounds(t *testing.T) {
	const limit = 1000
	s := serve(t, "127.0.0.1", func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/fits":
			w.Write(make([]byte, limit))
		case "/fits-in-pieces":
			for range 10 {
				w.Write(make([]byte, limit/10))
				w.(http.Flusher).Flush()
			}
		case "/announced":
			w.Header().Set("Content-Length", "1073741824")
		case "/endless":
			for r.Context().Err() == nil {
				if _, err := w.Write(make([]byte, 512)); err != nil {
					return
				}
			}
		case "/headers":
			for i := range 2000 {
				w.Header().Set(fmt.Sprintf("X-%d", i), strings.Repeat("x", 100))
			}
		case "/silent":
			<-r.Context().Done()
		case "/half":
			w.Write([]byte("half"))
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		case "/drip":
			for r.Context().Err() == nil {
				w.Write([]byte("."))
				w.(http.Flusher).Flush()
				time.Sleep(5 * time.Millisecond)
			}
		case "/count":
			n, _ := io.Copy(io.Discard, r.Body)
			fmt.Fprint(w, n)
		case "/gzip":
			if r.Header.Get("Accept-Encoding") != "" {
				t.Errorf("Accept-Encoding: %q", r.Header.Get("Accept-Encoding"))
			}
		}
	})
	cases := []struct {
		path           string
		stall, timeout time.Duration
		want           error
		reason         string
	}{
		{"/fits", 0, 0, nil, ""},
		{"/fits-in-pieces", 0, 0, nil, ""},
		{"/gzip", 0, 0, nil, ""},
		{"/announced", 0, 0, ErrTooLarge, "the answer is too large"},
		{"/endless", 0, 0, ErrTooLarge, "the answer is too large"},
		{"/headers", 0, 0, errors.ErrUnsupported, "the connection failed"},
		{"/silent", 50 * time.Millisecond, 0, ErrSilent, "the other side is silent"},
		{"/half", 50 * time.Millisecond, 0, ErrSilent, "the other side is silent"},
		{"/silent", 0, 50 * time.Millisecond, context.DeadlineExceeded, "no answer in time"},
		{"/drip", 0, 50 * time.Millisecond, context.DeadlineExceeded, "no answer in time"},
	}
	if TimedOut(&net.DNSError{IsTimeout: true}) || TimedOut(nil) {
		t.Error("a name that can't be resolved, or nothing, took too long")
	}
	for _, c := range cases {
		t.Run(c.path+" "+c.reason, func(t *testing.T) {
			client := New(Purpose{Reach: Administered(), MaxBody: limit, Stall: c.stall, Timeout: c.timeout})
			body, _, err := get(t, client, t.Context(), s.URL+c.path)
			if c.want == errors.ErrUnsupported { // any error
				if err == nil {
					t.Error("no error")
				}
			} else if !errors.Is(err, c.want) {
				t.Fatalf("got %d bytes, %v; want %v", len(body), err, c.want)
			}
			if err != nil && Reason(err) != c.reason {
				t.Errorf("reason %q, want %q (%v)", Reason(err), c.reason, err)
			}
			if late := c.want == ErrSilent || c.want == context.DeadlineExceeded; TimedOut(err) != late {
				t.Errorf("it took too long: %v, want %v (%v)", TimedOut(err), late, err)
			}
		})
	}
	t.Run("a body that goes for longer than silence may last", func(t *testing.T) {
		const stall = 200 * time.Millisecond
		body, w := io.Pipe()
		go func() {
			for range 10 { // a slow body: each byte comes well within the time, all of them far beyond it
				time.Sleep(stall / 4)
				w.Write([]byte("."))
			}
			w.Close()
		}()
		r := must(http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/count", body))
		answer, err := New(Purpose{Reach: Administered(), Stall: stall}).Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		if text, err := io.ReadAll(answer.Body); err != nil || string(text) != "10" {
			t.Errorf("got %q, %v", text, err)
		}
	})
	t.Run("HEAD of something large", func(t *testing.T) {
		answer, err := New(Purpose{Reach: Administered(), MaxBody: limit}).Do(must(http.NewRequest(http.MethodHead, s.URL+"/announced", nil)))
		if err != nil || answer.ContentLength != 1<<30 {
			t.Fatalf("got %v, %v", answer, err)
		}
		answer.Body.Close()
	})
}

func must(r *http.Request, _ error) *http.Request { return r }

func TestTrust(t *testing.T) {
	s := httptest.NewTLSServer(http.HandlerFunc(hello))
	t.Cleanup(s.Close)
	roots := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	plain := serve(t, "127.0.0.1", hello)
	client := New(Purpose{Reach: Administered()})
	cases := []struct {
		name    string
		trust   Trust
		address string
		reason  string
	}{
		{"system", Trust{}, s.URL, "its certificate is signed by an unknown authority"},
		{"own roots", Trust{Roots: roots}, s.URL, ""},
		{"own roots, another name", Trust{Roots: roots}, strings.Replace(s.URL, "127.0.0.1", "localhost", 1), "its certificate is for another name"},
		{"not checked", Trust{SkipVerify: true}, s.URL, ""},
		{"no TLS", Trust{}, strings.Replace(plain.URL, "http:", "https:", 1), "it doesn't speak TLS"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			h, err := client.HTTP(c.trust)
			if err != nil {
				t.Fatal(err)
			}
			answer, err := h.Get(c.address)
			if err == nil {
				answer.Body.Close()
			}
			if (err != nil) != (c.reason != "") || err != nil && Reason(err) != c.reason {
				t.Errorf("got %v", err)
			}
			if again, _ := client.HTTP(c.trust); again != h {
				t.Error("another client for the same trust")
			}
		})
	}
	if _, err := client.HTTP(Trust{Roots: []byte("nonsense")}); !errors.Is(err, ErrRoots) {
		t.Errorf("got %v", err)
	}
	for i := range 3 * maxTrusts {
		if _, err := client.HTTP(Trust{Roots: append(fmt.Appendf(nil, "# %d\n", i), roots...)}); err != nil {
			t.Fatal(err)
		}
	}
	if len(client.made) > maxTrusts {
		t.Errorf("%d clients are kept", len(client.made))
	}
}

func TestNobodyThere(t *testing.T) {
	s := serve(t, "127.0.0.1", hello)
	s.Close()
	client := New(Purpose{Reach: Administered()})
	if _, _, err := get(t, client, t.Context(), s.URL); Reason(err) != "nothing listens there" {
		t.Errorf("%q: %v", Reason(err), err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := get(t, client, ctx, s.URL); Reason(err) != "given up" {
		t.Errorf("%q: %v", Reason(err), err)
	}
	none := New(Purpose{Reach: Administered(), Resolver: &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		return nil, errors.New("no name server")
	}}})
	if _, _, err := get(t, none, t.Context(), "http://nowhere.example.com"); Reason(err) != "the name nowhere.example.com can't be resolved" {
		t.Errorf("%q: %v", Reason(err), err)
	}
}

func TestProxy(t *testing.T) {
	proxy := serve(t, "127.0.0.1", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "by proxy to "+r.URL.Host) })
	at, _ := url.Parse(proxy.URL)
	ask := func(p Purpose, address string) (string, error) {
		p.proxy = func(*http.Request) (*url.URL, error) { return at, nil }
		body, _, err := get(t, New(p), t.Context(), address)
		return body, err
	}
	entered := Purpose{Reach: Administered(), Proxied: true, Resolver: nameServer(t, "169.254.169.254")}
	if body, err := ask(entered, "http://10.1.2.3/"); err != nil || body != "by proxy to 10.1.2.3" {
		t.Errorf("an address: %q, %v", body, err)
	}
	if _, err := ask(entered, "http://169.254.169.254/"); !errors.Is(err, ErrAddress) {
		t.Errorf("metadata: %v", err)
	}
	if _, err := ask(entered, "http://metadata.example.com/"); !errors.Is(err, ErrAddress) {
		t.Errorf("metadata by name: %v", err)
	}
	unknown := entered
	unknown.Resolver = &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("none") }}
	if body, err := ask(unknown, "http://outside.example.com/"); err != nil || body != "by proxy to outside.example.com" {
		t.Errorf("a name that isn't known here: %q, %v", body, err)
	}
	if body, err := ask(Purpose{Reach: Internet(), Proxied: true}, "http://127.0.0.1:1/"); !errors.Is(err, ErrAddress) {
		t.Errorf("what a project enters went by a proxy: %q, %v", body, err)
	}
	if body, err := ask(Purpose{Reach: Administered()}, "http://127.0.0.1:1/"); err == nil {
		t.Errorf("a proxy that wasn't asked for: %q", body)
	}
}

func TestOrigin(t *testing.T) {
	for address, want := range map[string]string{
		"https://A.example.com/x": "https://a.example.com:443", "HTTP://a.example.com:80": "http://a.example.com:80",
		"https://a.example.com.:8443/": "https://a.example.com:8443", "http://[::1]/": "http://[::1]:80",
	} {
		u, err := url.Parse(address)
		if err != nil || Origin(u) != want {
			t.Errorf("%s: %q, %v", address, Origin(u), err)
		}
	}
}
