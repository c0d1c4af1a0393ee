package oci_test

import (
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/havenregistry/haven/internal/oci"
)

var (
	hex64  = strings.Repeat("0a", 32)
	hex128 = strings.Repeat("0a", 64)
)

func TestParseDigest(t *testing.T) {
	for _, test := range []struct {
		name, in string
		want     error
	}{
		{"sha256", "sha256:" + hex64, nil},
		{"sha512", "sha512:" + hex128, nil},
		{"empty", "", oci.ErrDigestInvalid},
		{"no colon", hex64, oci.ErrDigestInvalid},
		{"no algorithm", ":" + hex64, oci.ErrDigestInvalid},
		{"no hex", "sha256:", oci.ErrDigestInvalid},
		{"short", "sha256:" + hex64[:63], oci.ErrDigestInvalid},
		{"long", "sha256:" + hex64 + "0", oci.ErrDigestInvalid},
		{"sha256 length as sha512", "sha512:" + hex64, oci.ErrDigestInvalid},
		{"upper-case hex", "sha256:" + strings.ToUpper(hex64), oci.ErrDigestInvalid},
		{"not hex", "sha256:" + strings.Repeat("g", 64), oci.ErrDigestInvalid},
		{"upper-case algorithm", "SHA256:" + hex64, oci.ErrDigestInvalid},
		{"two colons", "sha256::" + hex64, oci.ErrDigestInvalid},
		{"path", "sha256:../../" + hex64[:58], oci.ErrDigestInvalid},
		{"nul", "sha256:" + hex64[:63] + "\x00", oci.ErrDigestInvalid},
		{"space", " sha256:" + hex64, oci.ErrDigestInvalid},
		{"separator at the end", "sha256+:" + hex64, oci.ErrDigestInvalid},
		{"md5", "md5:d41d8cd98f00b204e9800998ecf8427e", oci.ErrDigestUnsupported},
		{"sha384", "sha384:" + strings.Repeat("a", 96), oci.ErrDigestUnsupported},
		{"two-part algorithm", "multihash+base58:QmRZxt2b1FVZPNqd8hsiykDL3TdBDeTSPX9Kv46HmX4Gx8", oci.ErrDigestUnsupported},
	} {
		t.Run(test.name, func(t *testing.T) {
			d, err := oci.ParseDigest(test.in)
			if !errors.Is(err, test.want) {
				t.Fatalf("got %v, want %v", err, test.want)
			}
			if err == nil && string(d) != test.in || err != nil && d != "" {
				t.Errorf("got %q with %v", d, err)
			}
		})
	}
}

func TestDigestOfBytes(t *testing.T) {
	const abc256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
	d, err := oci.FromBytes(oci.SHA256, []byte("abc"))
	if err != nil || d != "sha256:"+abc256 || d != oci.SHA256Of([]byte("abc")) {
		t.Errorf("%s, %v", d, err)
	}
	if d.Algorithm() != oci.SHA256 || d.Hex() != abc256 {
		t.Errorf("parts %s, %s", d.Algorithm(), d.Hex())
	}
	sum := sha512.Sum512([]byte("abc"))
	long, err := oci.FromBytes(oci.SHA512, []byte("abc"))
	if err != nil || long.Hex() != hex.EncodeToString(sum[:]) {
		t.Errorf("%s, %v", long, err)
	}
	for _, d := range []oci.Digest{d, long} {
		if _, err := oci.ParseDigest(string(d)); err != nil {
			t.Error(err)
		}
		if !d.Matches([]byte("abc")) || d.Matches([]byte("abd")) {
			t.Errorf("%s matches other content, or not its own", d)
		}
		h := d.NewHash()
		h.Write([]byte("ab"))
		h.Write([]byte("c"))
		if oci.FromHash(d.Algorithm(), h) != d {
			t.Errorf("%s differs when hashed in parts", d)
		}
	}
	if _, err := oci.FromBytes("md5", nil); !errors.Is(err, oci.ErrDigestUnsupported) {
		t.Errorf("md5: %v", err)
	}
}

func TestReferrersTag(t *testing.T) {
	for in, want := range map[oci.Digest]string{
		oci.Digest("sha256:" + hex64):  "sha256-" + hex64,
		oci.Digest("sha512:" + hex128): "sha512-" + hex128[:64],
	} {
		if got := in.ReferrersTag(); got != want {
			t.Errorf("%s: got %s", in, got)
		}
		if _, err := oci.ParseTag(in.ReferrersTag()); err != nil {
			t.Error(err)
		}
	}
}

func FuzzParseDigest(f *testing.F) {
	for _, seed := range []string{"sha256:" + hex64, "sha512:" + hex128, "md5:00", "a+b:=", ":", "sha256:..//"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := oci.ParseDigest(s)
		if err == nil && (string(d) != s || strings.ContainsAny(s, "/\\.%\x00 ") || d.Algorithm() != oci.SHA256 && d.Algorithm() != oci.SHA512) {
			t.Errorf("accepted %q as %q", s, d)
		}
		if err != nil && !errors.Is(err, oci.ErrDigestInvalid) && !errors.Is(err, oci.ErrDigestUnsupported) {
			t.Errorf("%q: an error of another kind: %v", s, err)
		}
	})
}
