package outbound

import (
	"errors"
	"net/netip"
	"testing"
)

func TestReach(t *testing.T) {
	const never, inside, outside = 0, 1, 2 // outside: public
	cases := map[string]int{
		"8.8.8.8": outside, "2606:4700::1111": outside, "::ffff:8.8.8.8": outside, "64:ff9b::808:808": outside, "2002:808:808::1": outside,

		"127.0.0.1": inside, "127.8.9.1": inside, "::1": inside, "::ffff:127.0.0.1": inside,
		"10.1.2.3": inside, "172.16.0.1": inside, "172.31.255.255": inside, "192.168.0.1": inside, "fc00::1": inside, "fdab::1": inside,
		"100.64.0.1": inside, "192.0.2.7": inside, "198.18.0.1": inside, "203.0.113.9": inside, "240.0.0.1": inside, "2001:db8::1": inside,
		"64:ff9b::a01:203": inside, "64:ff9b::7f00:1": inside, "2002:7f00:1::1": inside, "64:ff9b:1::7f00:1": inside, "2001:0:1::1": inside,

		"0.0.0.0": never, "0.1.2.3": never, "::": never, "255.255.255.255": never, "224.0.0.1": never, "239.1.1.1": never, "ff02::1": never, "ff01::1": never,
		"169.254.169.254": never, "169.254.170.2": never, "::ffff:169.254.169.254": never, "fe80::1": never, "fe80::1%eth0": never,
		"64:ff9b::a9fe:a9fe": never, "2002:a9fe:a9fe::1": never, "::a9fe:a9fe": never, "::7f00:1": never, "fec0::1": never,
		"fd00:ec2::254": never, "fd20:ce::254": never, "100.100.100.200": never, "168.63.129.16": never, "192.0.0.192": never,
	}
	everything := Internet(netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0"))
	for text, kind := range cases {
		a := netip.MustParseAddr(text)
		for _, c := range []struct {
			name  string
			reach Reach
			want  bool
		}{{"zero", Reach{}, kind == outside}, {"internet", Internet(), kind == outside}, {"administered", Administered(), kind != never}, {"all listed", everything, kind != never}} {
			err := c.reach.Check(a)
			if (err == nil) != c.want || err != nil && !errors.Is(err, ErrAddress) {
				t.Errorf("%s, %s: %v", c.name, text, err)
			}
			if dialled := c.reach.Control("tcp", netip.AddrPortFrom(a, 80).String(), nil); (dialled == nil) != (err == nil) {
				t.Errorf("%s, %s: dialled %v, checked %v", c.name, text, dialled, err)
			}
		}
	}
	if err := Nowhere().Check(netip.MustParseAddr("8.8.8.8")); !errors.Is(err, ErrAddress) {
		t.Errorf("nowhere: %v", err)
	}
	listed := Internet(netip.MustParsePrefix("10.1.0.0/16"))
	for text, want := range map[string]bool{"10.1.2.3": true, "::ffff:10.1.2.3": true, "10.2.0.1": false, "127.0.0.1": false} {
		if err := listed.Check(netip.MustParseAddr(text)); (err == nil) != want {
			t.Errorf("one network listed, %s: %v", text, err)
		}
	}
	if err := Administered().Control("tcp", "name:80", nil); !errors.Is(err, ErrAddress) {
		t.Errorf("a name that wasn't resolved: %v", err)
	}
}
