package outbound

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"syscall"
)

// Reach says which addresses may be connected to. The zero value is Internet().
type Reach struct {
	private, nowhere bool
	listed           []netip.Prefix
}

// Administered is for what a system administrator enters: private and loopback addresses too.
func Administered() Reach { return Reach{private: true} }

// Internet is for what others enter, or lead to: public addresses, and those of the listed networks.
func Internet(listed ...netip.Prefix) Reach { return Reach{listed: slices.Clone(listed)} }

// Nowhere is for clients that stay with the origin that was entered.
func Nowhere() Reach { return Reach{nowhere: true} }

// ErrAddress: an address is out of reach. The error that wraps it names the address.
var ErrAddress = errors.New("this address may not be connected to")

// Control is for a net.Dialer: it looks at what is dialled, after names were resolved.
func (r Reach) Control(_, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: %s", ErrAddress, address)
	}
	return r.Check(to.Addr())
}

// Check returns an error that is ErrAddress unless the address is within reach.
func (r Reach) Check(a netip.Addr) error {
	plain := a.Unmap().WithZone("")
	for _, each := range []netip.Addr{plain, carried(plain)} {
		if each.IsValid() && !r.allows(each) {
			return fmt.Errorf("%w: %s", ErrAddress, a)
		}
	}
	return nil
}

func (r Reach) allows(a netip.Addr) bool {
	if r.nowhere || a.IsUnspecified() || a.IsMulticast() || a.IsLinkLocalUnicast() || !a.IsLoopback() && within(a, nobodys()) {
		return false
	}
	if r.private || !a.IsLoopback() && !a.IsPrivate() && !within(a, notPublic()) {
		return true
	}
	return within(a, r.listed)
}

func within(a netip.Addr, networks []netip.Prefix) bool {
	return slices.ContainsFunc(networks, func(p netip.Prefix) bool { return p.Contains(a) })
}

// carried is the IPv4 address that a translating gateway would make of an IPv6 address, if any.
func carried(a netip.Addr) netip.Addr {
	if !a.Is6() {
		return netip.Addr{}
	}
	b := a.As16()
	switch {
	case netip.MustParsePrefix("64:ff9b::/96").Contains(a): // NAT64, RFC 6052
		return netip.AddrFrom4([4]byte(b[12:]))
	case netip.MustParsePrefix("2002::/16").Contains(a): // 6to4, RFC 3056
		return netip.AddrFrom4([4]byte(b[2:6]))
	}
	return netip.Addr{}
}

// nobodys are the addresses that no purpose has business with, beside link-local ones and the like: where clouds
// tell machines who they are, outside 169.254.0.0/16, and those that mean this machine or all of a network.
func nobodys() []netip.Prefix {
	return prefixes(
		"0.0.0.0/8", "255.255.255.255/32",
		"::/96",              // IPv4-compatible, deprecated: some systems take them for IPv4
		"fec0::/10",          // site-local, deprecated
		"fd00:ec2::/32",      // AWS
		"fd20:ce::254/128",   // Google Cloud
		"100.100.100.200/32", // Alibaba Cloud
		"168.63.129.16/32",   // Azure
		"192.0.0.192/32",     // Oracle Cloud
	)
}

// notPublic are networks beside private and loopback ones that aren't the internet: RFC 6890 and its registry.
func notPublic() []netip.Prefix {
	return prefixes(
		"100.64.0.0/10", // between providers and their customers; clouds use it for themselves
		"192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
		"64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "3fff::/20", "5f00::/16",
	)
}

func prefixes(texts ...string) []netip.Prefix {
	all := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		all[i] = netip.MustParsePrefix(text)
	}
	return all
}
